//! Publishing a delivery, and taking it back: each on a page of its own, which says first what it changes.

use super::{
    HOME,
    deliveries::{label, number, path},
    delivery::Would,
};
use crate::{
    Deliveries,
    delivery::{DeliveryNo, State},
    publish,
    purge::KEPT,
    reasons::{ALREADY_PUBLISHED, MEANWHILE, NO_DELIVERY, NOT_READY, PURGED},
    release::{FARTHEST, Release, Released, Stand},
    steps::Why,
};
use approvals::{Action, WAITS};
use askama::Template;
use chrono::{DateTime, Utc};
use ground::Ground;
use kernel::{Field, FieldError, Problem, Reason, Refusal, calendar, dates};
use pages::{
    Reply, Visit, Waits,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
    words::grouped,
};
use poem::Response;
use staff::Clerk;

/// What is typed when something is published.
pub(super) const FIELDS: [&str; 3] = ["when", "at", "notice"];
/// What is typed when it is taken back.
pub(super) const FIELDS_BACK: [&str; 1] = ["why"];

/// 公開する時期.
const WHEN: Field =
    Field::new("when", "公開する時期").or_empty("今すぐ公開するか、日時を決めて公開するかを選んでください");
/// 公開する日時.
const AT: Field = Field::new("at", "公開する日時")
    .takes("公開する日時は、今より後で1年以内の日時を、2026-12-05 08:00や令和8年12月5日 8:00のように入力してください");
/// 取り下げる理由.
const WHY: Field = Field::new("why", "取り下げる理由").or_empty("取り下げる理由を選んでください");

/// Where it is refused for these the form is over.
const OVER: [Reason; 5] = [ALREADY_PUBLISHED, MEANWHILE, NO_DELIVERY, NOT_READY, PURGED];

#[derive(Template)]
#[template(path = "console/statements_release.html")]
struct ReleasePage {
    frame: Frame,
    name: String,
    path: String,
    version: i32,
    seen: String,
    rows: String,
    /// Rows that wait, where there are any.
    held: Option<String>,
    would: Would,
    /// What it is called to publish this version.
    verb: &'static str,
    /// What of the label is to be published already.
    planned: Option<String>,
    /// True where the notice would lead to a page of members'.
    is_open: bool,
    when: String,
    at: String,
    notice: bool,
}

#[derive(Template)]
#[template(path = "console/statements_withdraw.html")]
struct WithdrawPage {
    frame: Frame,
    name: String,
    path: String,
    version: i32,
    seen: String,
    /// False where it is only to be published.
    is_published: bool,
    changes: String,
    /// How long it may be published again.
    days: i64,
    /// What of the label is to be published.
    planned: Option<String>,
    /// Each with its word, and whether it was chosen.
    reasons: Vec<(&'static str, &'static str, bool)>,
}

/// `GET /console/statements/:no/publish`.
pub(super) async fn ask(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let stand = Stand::find(&tx, number(&visit)?).await?.ok_or(Trouble::NotFound)?;
    let delivery = &stand.delivery;
    let page = path(delivery.delivery);
    if !delivery.may_be_published() {
        return Ok(visit.inform(see_other(&page), "この版は、今は公開できません。"));
    }
    let would = Would::of(&tx, &stand).await?;
    let is_open = publish::is_open(&tx, delivery.kind).await?;
    let waits = Waits::about(&tx, visit.now, &clerk, &[(Action::Statements, delivery.id.0)]).await?;
    tx.commit().await?;
    let again = visit.again().await;
    visit.html(&ReleasePage {
        name: format!("{} {}", delivery.kind.label(), label(delivery.label)),
        path: page,
        version: delivery.version,
        seen: stand.seen(),
        rows: grouped(delivery.rows),
        held: (delivery.held > 0).then(|| grouped(delivery.held)),
        would,
        verb: match delivery.state {
            State::Replaced => "この版に戻す",
            State::Withdrawn => "もう一度公開する",
            _ => "公開する",
        },
        planned: planned(&stand),
        is_open,
        when: again.typed.text("when").to_owned(),
        at: again.typed.text("at").to_owned(),
        notice: again.typed.text("notice") == "1",
        frame: visit
            .frame()
            .in_section(HOME)
            .with_errors(again.errors)
            .with_waits(waits),
    })
}

/// `POST /console/statements/:no/publish`.
pub(super) async fn submit(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let delivery = found(&ground, &visit, &clerk).await?.delivery;
    let (page, form) = (path(delivery.delivery), "publish");
    let at = match time(&visit) {
        Ok(at) => at,
        Err(error) => {
            let refusal = Refusal::field(error);
            return Ok(again(&visit, &refusal, (delivery.delivery, form), &FIELDS).await);
        }
    };
    let wished = Release {
        kind: delivery.kind,
        label: delivery.label,
        version: delivery.version,
        seen: visit.form.text("seen").to_owned(),
        at,
        notice: visit.form.text("notice") == "1",
    };
    let by = (visit.services.staff.approvals(), clerk.asker(&visit.origin));
    let deliveries = Deliveries::new(&ground);
    let released = deliveries.release(clerk.insurer.tenant_id, by, &wished).await;
    Ok(match settle(released) {
        Ok(Released::Now(_)) => visit.done(see_other(&page), "公開しました。"),
        Ok(Released::Planned(_)) => visit.done(see_other(&page), "公開を予約しました。"),
        Ok(Released::Waits) => visit.inform(see_other(&page), WAITS),
        Err(refusal) => again(&visit, &refusal, (delivery.delivery, form), &FIELDS).await,
    })
}

/// `GET /console/statements/:no/withdraw`.
pub(super) async fn ask_back(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let stand = Stand::find(&tx, number(&visit)?).await?.ok_or(Trouble::NotFound)?;
    let delivery = &stand.delivery;
    let is_published = delivery.state == State::Published;
    if !is_published && delivery.publish_at.is_none() {
        let said = "この版は、公開していません。取り下げるものはありません。";
        return Ok(visit.inform(see_other(&path(delivery.delivery)), said));
    }
    let changes = if is_published {
        stand.taking_back_changes(&tx).await?
    } else {
        0
    };
    tx.commit().await?;
    let again = visit.again().await;
    let chosen = again.typed.text("why").to_owned();
    let reasons = Why::ALL.map(|why| (why.as_str(), why.label(), why.as_str() == chosen));
    visit.html(&WithdrawPage {
        frame: visit.frame().in_section(HOME).with_errors(again.errors),
        name: format!("{} {}", delivery.kind.label(), label(delivery.label)),
        path: path(delivery.delivery),
        version: delivery.version,
        seen: stand.seen(),
        is_published,
        changes: grouped(changes),
        days: KEPT.num_days(),
        planned: planned(&stand),
        reasons: reasons.into(),
    })
}

/// `POST /console/statements/:no/withdraw`.
pub(super) async fn take_back(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let stand = found(&ground, &visit, &clerk).await?;
    let (delivery, form) = (stand.delivery.delivery, "withdraw");
    let seen = visit.form.text("seen");
    let is_published = stand.delivery.state == State::Published;
    let why = Why::from_word(visit.form.text("why"));
    // Whatever else it is by now, that is told first.
    if is_published && why.is_none() && seen == stand.seen() {
        let refusal = Refusal::field(FieldError::new(WHY, Problem::Empty));
        return Ok(again(&visit, &refusal, (delivery, form), &FIELDS_BACK).await);
    }
    let what = (delivery, seen, why.filter(|_| is_published));
    let by = (clerk.actor(), visit.origin);
    let deliveries = Deliveries::new(&ground);
    let recalled = deliveries.recall(clerk.insurer.tenant_id, by, what).await;
    let page = see_other(&path(delivery));
    Ok(match settle(recalled) {
        Ok(_) if is_published => visit.done(page, "取り下げました。"),
        Ok(_) => visit.done(page, "公開の予約を取り消しました。"),
        Err(refusal) => again(&visit, &refusal, (delivery, form), &FIELDS_BACK).await,
    })
}

/// The delivery of the address, as it stands before anything is done.
async fn found(ground: &Ground, visit: &Visit, clerk: &Clerk) -> Result<Stand, Trouble> {
    let tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let stand = Stand::find(&tx, number(visit)?).await?;
    tx.commit().await?;
    stand.ok_or(Trouble::NotFound)
}

/// When it is to be published; none at once.
fn time(visit: &Visit) -> Result<Option<DateTime<Utc>>, FieldError> {
    match visit.form.text("when") {
        "now" => Ok(None),
        "at" => {
            let at = dates::moment(visit.form.text("at")).map_err(|problem| FieldError::new(AT, problem))?;
            let is_ahead = at > visit.now && at <= visit.now + FARTHEST;
            let ahead = is_ahead.then_some(Some(at));
            ahead.ok_or_else(|| FieldError::new(AT, Problem::Characters))
        }
        _ => Err(FieldError::new(WHEN, Problem::Empty)),
    }
}

/// Back to the form; where that is over, to the delivery, which shows what became of it.
async fn again(visit: &Visit, refusal: &Refusal, (delivery, form): (DeliveryNo, &str), fields: &[&str]) -> Response {
    let page = path(delivery);
    if refusal.is_any(&OVER) {
        return visit.form_again(refusal, &page, &[]).await;
    }
    visit.form_again(refusal, &format!("{page}/{form}"), fields).await
}

/// 「第2版を2026年12月05日 08:00:00に」: what of the label is to be published, and when.
fn planned(stand: &Stand) -> Option<String> {
    stand.versions.iter().find_map(|version| {
        let at = calendar::moment(version.publish_at?);
        Some(format!("第{}版を{at}に", version.version))
    })
}
