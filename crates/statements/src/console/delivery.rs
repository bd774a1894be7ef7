//! One delivery: what it holds by month and category, what became of it, and what publishing it would change.

use super::{
    HOME,
    deliveries::{By, Known, Line, label, months_words, number, path, state_words},
};
use crate::{
    Category, Form, Month,
    against::{self, Difference},
    delivery::{Delivery, State},
    kind::Kind,
    permissions::{STATEMENTS_CORRECT, STATEMENTS_PREVIEW, STATEMENTS_PUBLISH},
    release::Stand,
    statement::month_words,
    steps::Why,
    tally::{Corrected, Sum},
};
use approvals::Action;
use askama::Template;
use database::{DatabaseError, TenantTransaction};
use ground::Ground;
use pages::{Reply, Visit, Waits, frame::Frame, visit::Trouble, words::grouped};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/statements_delivery.html")]
#[expect(clippy::struct_excessive_bools, reason = "what the page says and offers")]
struct DeliveryPage {
    frame: Frame,
    name: String,
    /// By which its held rows are found.
    no: i32,
    path: String,
    state: (&'static str, &'static str),
    /// True where its rows are kept no longer.
    is_purged: bool,
    version: i32,
    file: String,
    encoding: String,
    rows: String,
    persons: String,
    held: String,
    too_old: Option<String>,
    months: String,
    /// What it says anew of what is published of other labels.
    corrected: Option<String>,
    imported: By,
    planned: Option<Planned>,
    published: By,
    ended: Option<Ended>,
    is_of_costs: bool,
    sums: Vec<SumLine>,
    total: SumLine,
    would: Option<Would>,
    may_publish: bool,
    may_take_back: bool,
    /// The pages as members would see them, before it is published.
    preview: Option<String>,
    /// True where there are rows that wait, and the clerk settles them.
    may_settle: bool,
    others: Vec<Line>,
}

/// When it is to be published.
struct Planned {
    by: By,
    notice: bool,
}

/// Its end as something that members see.
struct Ended {
    words: &'static str,
    by: By,
    why: &'static str,
}

/// Sums of a month and category.
struct SumLine {
    month: String,
    category: &'static str,
    rows: String,
    total: String,
    copay: String,
}

/// What publishing would change.
pub(super) struct Would {
    /// The version in whose place it would be.
    pub(super) replaces: Option<i32>,
    /// True where that is a newer one.
    pub(super) is_older: bool,
    /// What of it is otherwise than of that.
    pub(super) differs: Vec<Difference>,
    /// Rows that count now and wouldn't, or the other way round.
    pub(super) changes: String,
}

impl Would {
    pub(super) async fn of(tx: &TenantTransaction, stand: &Stand) -> Result<Self, DatabaseError> {
        let goes = stand.published();
        Ok(Self {
            replaces: goes.map(|published| published.version),
            is_older: goes.is_some_and(|published| published.version > stand.delivery.version),
            differs: goes.map_or_else(Vec::new, |_| against::lines(&stand.delivery, goes)),
            changes: grouped(stand.publishing_changes(tx).await?),
        })
    }
}

/// `GET /console/statements/:no`.
pub(super) async fn show(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let stand = Stand::find(&tx, number(&visit)?).await?.ok_or(Trouble::NotFound)?;
    let delivery = &stand.delivery;
    let known = Known::of(&tx, &stand.versions).await?;
    let would = if delivery.may_be_published() {
        Some(Would::of(&tx, &stand).await?)
    } else {
        None
    };
    let waits = Waits::about(&tx, visit.now, &clerk, &[(Action::Statements, delivery.id.0)]).await?;
    tx.commit().await?;
    let again = visit.again().await;
    let steps = known.steps(delivery.delivery);
    let may = clerk.may(STATEMENTS_PUBLISH);
    let others = stand
        .versions
        .iter()
        .filter(|other| other.delivery != delivery.delivery);
    visit.html(&DeliveryPage {
        frame: visit
            .frame()
            .in_section(HOME)
            .with_errors(again.errors)
            .with_waits(waits),
        name: format!("{} {}", delivery.kind.label(), label(delivery.label)),
        no: delivery.delivery.0,
        path: path(delivery.delivery),
        state: state_words(delivery),
        is_purged: delivery.purged_at.is_some() && delivery.state != State::Refused,
        version: delivery.version,
        file: delivery.file_name.clone(),
        encoding: delivery.encoding.clone(),
        rows: grouped(delivery.rows),
        persons: grouped(delivery.persons),
        held: grouped(delivery.held),
        too_old: (delivery.too_old > 0).then(|| grouped(delivery.too_old)),
        months: months_words(&delivery.months),
        corrected: corrected(delivery.kind, delivery.totals.corrected),
        imported: known.by(Some(delivery.imported_at), steps.imported_by),
        planned: delivery.publish_at.map(|at| Planned {
            by: known.by(Some(at), steps.publish_by),
            notice: steps.publish_notice,
        }),
        published: known.by(delivery.published_at, steps.published_by),
        ended: delivery.ended_at.map(|at| Ended {
            words: ended_words(delivery.state),
            by: known.by(Some(at), steps.ended_by),
            why: steps.why().map(Why::label).unwrap_or_default(),
        }),
        is_of_costs: delivery.kind == Kind::Costs,
        sums: sums(delivery),
        total: total(delivery),
        may_publish: may && would.is_some(),
        may_take_back: may && (delivery.state == State::Published || delivery.publish_at.is_some()),
        preview: (clerk.may(STATEMENTS_PREVIEW) && delivery.state == State::Ready && would.is_some())
            .then(|| format!("{HOME}/preview?shown={}", delivery.delivery.0)),
        may_settle: delivery.held > 0 && clerk.may(STATEMENTS_CORRECT),
        would,
        others: others.map(|other| known.line(other)).collect(),
    })
}

fn ended_words(state: State) -> &'static str {
    match state {
        State::Withdrawn => "取り下げ",
        State::Refused => "取り込みの中止",
        _ => "ほかの版への置き換え",
    }
}

/// 「12件を訂正（総額 －34,500円）、3件を取り下げ」.
fn corrected(kind: Kind, Corrected { claims, yen, withdrawn }: Corrected) -> Option<String> {
    if claims == 0 && withdrawn == 0 {
        return None;
    }
    let yen = match kind {
        Kind::Costs => format!("（総額 {}）", against::more_or_less(yen)),
        Kind::Medicines => String::new(),
    };
    Some(format!(
        "{}件を訂正{yen}、{}件を取り下げ",
        grouped(claims),
        grouped(withdrawn)
    ))
}

fn sums(delivery: &Delivery) -> Vec<SumLine> {
    let line = |(month, word, sum): &(Month, String, Sum)| {
        let category = match delivery.kind {
            Kind::Costs => Category::from_word(word).map(Category::label),
            Kind::Medicines => Form::from_word(word).map(Form::label),
        };
        of_sum(month_words(*month), category.unwrap_or_default(), *sum)
    };
    delivery.totals.by.iter().map(line).collect()
}

fn total(delivery: &Delivery) -> SumLine {
    let sums = delivery.totals.by.iter().map(|(_, _, sum)| sum);
    let all = sums.fold(Sum::default(), |all, sum| Sum {
        rows: all.rows + sum.rows,
        total: all.total + sum.total,
        copay: all.copay + sum.copay,
    });
    of_sum("合計".into(), "", all)
}

fn of_sum(month: String, category: &'static str, sum: Sum) -> SumLine {
    SumLine {
        month,
        category,
        rows: grouped(sum.rows),
        total: format!("{}円", grouped(sum.total)),
        copay: format!("{}円", grouped(sum.copay)),
    }
}
