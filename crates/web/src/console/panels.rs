//! The pipeline's panels of home.

use super::{names, workplaces};
use access::{MEMBERS_EDIT, MEMBERS_SUPPORT, Permission, ROSTER_IMPORT, ROSTER_VIEW, WORKPLACE_VIEW};
use accounts::tallies::{self, FailureReason};
use askama::Template;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use database::TenantTransaction;
use futures_util::{future::try_join_all, try_join};
use kernel::calendar;
use pages::{
    HomePanel, HomeTask, HomeTaskSource, TaskWords,
    chart::{LineChart, Point},
    home::Drawing,
    kinds,
    visit::Trouble,
    words::{grouped, share},
};
use roster::protection::not_protected;
use staff::Clerk;
use std::sync::Arc;

/// How far back the numbers go, in days.
const DAYS: u64 = 30;
/// Rows of a list in a panel.
const ROWS: i64 = 20;

/// In the order in which they stand.
pub(super) fn all(tasks: Arc<[TaskWords]>, sources: Arc<[HomeTaskSource]>) -> Vec<HomePanel> {
    vec![
        of_all("waiting", "対応が必要なこと", None, move |tx, clerk, now| {
            Box::pin(waiting((Arc::clone(&tasks), Arc::clone(&sources)), tx, clerk, now))
        }),
        of_all(
            "names",
            "名寄せできない登録",
            Some(MEMBERS_EDIT),
            |tx, _, _| Box::pin(names(tx)),
        ),
        of_all("registrations", "登録状況", Some(ROSTER_VIEW), |tx, _, now| {
            Box::pin(registrations(tx, now))
        }),
        of_all(
            "workplaces",
            "事業所ごとの登録状況",
            Some(ROSTER_VIEW),
            |tx, clerk, now| Box::pin(at_workplaces(tx, clerk, now, workplaces::ALL)),
        ),
        HomePanel {
            of_all: false,
            ..of_all(
                "own",
                "担当する事業所の登録状況",
                Some(WORKPLACE_VIEW),
                |tx, clerk, now| Box::pin(at_workplaces(tx, clerk, now, workplaces::OWN)),
            )
        },
        of_all(
            "failures",
            "登録できなかった入力（30日間）",
            Some(ROSTER_VIEW),
            |tx, _, now| Box::pin(failures(tx, now)),
        ),
        of_all(
            "mails",
            "届かなかったメール（30日間）",
            Some(MEMBERS_SUPPORT),
            |tx, _, now| Box::pin(mails(tx, now)),
        ),
        of_all(
            "import",
            "最後の名簿の取り込み",
            Some(ROSTER_VIEW),
            |tx, _, _| Box::pin(import(tx)),
        ),
    ]
}

fn of_all(
    id: &'static str,
    heading: &'static str,
    permission: Option<Permission>,
    draw: impl for<'a> Fn(&'a TenantTransaction, &'a Clerk, DateTime<Utc>) -> Drawing<'a> + Send + Sync + 'static,
) -> HomePanel {
    HomePanel {
        id,
        heading,
        permission,
        of_all: true,
        draw: Arc::new(draw),
    }
}

/// A panel's body.
type Body = Result<Option<String>, Trouble>;

#[derive(Template)]
#[template(path = "console/panels/waiting.html")]
struct Waiting {
    tasks: Vec<Task>,
}

struct Task {
    text: &'static str,
    path: String,
    count: String,
    since: String,
}

impl Task {
    fn of(task: HomeTask) -> Self {
        Self {
            text: task.text,
            path: task.path,
            count: grouped(task.count),
            since: day(task.since),
        }
    }
}

async fn waiting(
    (words, sources): (Arc<[TaskWords]>, Arc<[HomeTaskSource]>),
    tx: &TenantTransaction,
    clerk: &Clerk,
    now: DateTime<Utc>,
) -> Body {
    let own = sources.iter().filter(|source| clerk.may(source.permission));
    let (waiting, wishes, left, of_modules) = try_join!(
        tasks::waiting(tx),
        approvals::waiting(tx, now, clerk.eye()),
        roster::runs::left_to_staff(tx),
        try_join_all(own.map(|source| (source.ask)(tx))),
    )?;
    // Those that this clerk may agree to, which tasks for all who hold a permission would not tell.
    let wishes = wishes.map(|(wishes, since)| Task {
        text: "承認を待っている申請",
        path: "/console/approvals".to_owned(),
        count: grouped(wishes),
        since: day(since),
    });
    let left = left.filter(|_| clerk.may(ROSTER_IMPORT)).map(|left| Task {
        text: "連携先から届いた名簿の確認",
        path: if left.runs == 1 {
            super::roster::path(left.oldest)
        } else {
            super::roster::ROSTER.to_owned()
        },
        count: grouped(left.runs),
        since: day(left.since),
    });
    let waiting = waiting.into_iter();
    let own = waiting.filter(|waiting| clerk.permissions.iter().any(|own| own.0 == waiting.permission));
    let tasks = own.filter_map(|waiting| {
        let of = |words: &&TaskWords| words.module == waiting.module && words.state == waiting.state;
        let words = words.iter().find(of)?;
        Some(Task {
            text: words.text,
            path: words.path.to_owned(),
            count: grouped(waiting.matters),
            since: day(waiting.since),
        })
    });
    let of_modules = of_modules.into_iter().flatten().map(Task::of);
    let tasks: Vec<Task> = tasks.chain(wishes).chain(left).chain(of_modules).collect();
    if tasks.is_empty() {
        return Ok(None);
    }
    Ok(Some(Waiting { tasks }.render()?))
}

#[derive(Template)]
#[template(path = "console/panels/names.html")]
struct Names {
    lines: Vec<names::Line>,
}

async fn names(tx: &TenantTransaction) -> Body {
    let open = accounts::alike::list(tx, ROWS).await?;
    let lines = open.iter().map(names::Line::of).collect();
    Ok(Some(Names { lines }.render()?))
}

#[derive(Template)]
#[template(path = "console/panels/registrations.html")]
struct Registrations {
    total: Option<Total>,
    chart: LineChart,
}

/// Of all who are insured.
struct Total {
    registered: String,
    insured: String,
    share: String,
}

async fn registrations(tx: &TenantTransaction, now: DateTime<Utc>) -> Body {
    let (days, total) = try_join!(
        tallies::registrations(tx, now, DAYS),
        roster::workplaces::total(tx, now)
    )?;
    let sum: i64 = days.iter().map(|day| day.registrations).sum();
    let today = days.last().map_or(0, |day| day.registrations);
    let summary = format!(
        "この30日間の登録は{}人、うち今日は{}人です",
        grouped(sum),
        grouped(today)
    );
    let points = days.into_iter().map(|of| Point {
        label: format!("{}月{}日", of.day.month(), of.day.day()),
        value: of.registrations,
    });
    let panel = Registrations {
        total: total.map(|total| Total {
            registered: grouped(total.registered),
            insured: grouped(total.insured),
            share: share(total.registered, total.insured),
        }),
        chart: LineChart::new(summary, points.collect()),
    };
    Ok(Some(panel.render()?))
}

#[derive(Template)]
#[template(path = "console/panels/workplaces.html")]
struct AtWorkplaces {
    page: workplaces::Page,
}

async fn at_workplaces(tx: &TenantTransaction, clerk: &Clerk, now: DateTime<Utc>, list: workplaces::List) -> Body {
    let page = list.page(tx, now, clerk, None).await?;
    Ok(Some(AtWorkplaces { page }.render()?))
}

#[derive(Template)]
#[template(path = "console/panels/failures.html")]
struct Failed {
    /// Each with how often.
    reasons: Vec<(&'static str, String)>,
    /// 事業所コード, 記号, how often.
    workplaces: Vec<(String, String, String)>,
}

async fn failures(tx: &TenantTransaction, now: DateTime<Utc>) -> Body {
    let failures = tallies::failures(tx, now, DAYS, ROWS).await?;
    let reasons = failures.reasons.into_iter();
    let places = failures.workplaces.into_iter();
    let panel = Failed {
        reasons: reasons
            .map(|(reason, attempts)| (reason_words(reason), grouped(attempts)))
            .collect(),
        workplaces: places
            .map(|place| {
                let code = workplaces::code_words(place.workplace_code);
                (code, place.symbol_key, grouped(place.attempts))
            })
            .collect(),
    };
    Ok(Some(panel.render()?))
}

fn reason_words(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::UnknownNumber => "記号・番号が名簿にない",
        FailureReason::OtherFacts => "記号・番号はあるが、生年月日・氏名などが名簿と違う",
        FailureReason::Alike => "同じ番号に似た氏名の方がいて、決められない",
        FailureReason::Registered => "すでに登録している",
    }
}

#[derive(Template)]
#[template(path = "console/panels/mails.html")]
struct Mails {
    total: String,
    /// True where not all are shown.
    is_part: bool,
    undelivered: Vec<Mail>,
}

/// A mail that reached nobody.
struct Mail {
    at: String,
    kind: &'static str,
    to: String,
    state: &'static str,
}

async fn mails(tx: &TenantTransaction, now: DateTime<Utc>) -> Body {
    let since = now - TimeDelta::days(i64::try_from(DAYS).unwrap_or_default());
    // The protected are in no list of this page, for everybody.
    let shown = not_protected("subject_id");
    let (total, mails) = mail::undelivered(tx, since, ROWS, &shown).await?;
    let mails = mails.into_iter().map(|mail| Mail {
        at: mail.finished_at.map(calendar::moment).unwrap_or_default(),
        kind: kinds::mail(&mail.template),
        to: mail.masked_to,
        state: if mail.state == "expired" {
            "期限までに送れなかった"
        } else {
            "届かなかった"
        },
    });
    let panel = Mails {
        total: grouped(total),
        is_part: total > ROWS,
        undelivered: mails.collect(),
    };
    Ok(Some(panel.render()?))
}

#[derive(Template)]
#[template(path = "console/panels/import.html")]
struct Import {
    last: Option<Ended>,
}

/// An import that ended.
struct Ended {
    at: String,
    is_taken: bool,
    /// True of one that undoes another.
    is_undoing: bool,
    /// What it changed.
    facts: Vec<(&'static str, String)>,
    /// Rows that could not be read, where there are any.
    unread: Option<String>,
}

async fn import(tx: &TenantTransaction) -> Body {
    let last = roster::last_import(tx).await?.map(|last| {
        let people = [
            ("新規", last.new_count),
            ("変更", last.changed_count),
            ("再加入", last.returned_count),
            ("資格喪失", last.lost_count),
        ];
        // No file is read to undo an import.
        let rows = (!last.is_undoing).then(|| ("読み込んだ行", format!("{}行", grouped(last.rows))));
        let people = people.map(|(what, count)| (what, format!("{}人", grouped(count))));
        Ended {
            at: calendar::moment(last.finished_at),
            is_taken: last.state == "finished",
            is_undoing: last.is_undoing,
            facts: rows.into_iter().chain(people).collect(),
            unread: (last.error_count > 0).then(|| grouped(last.error_count)),
        }
    });
    Ok(Some(Import { last }.render()?))
}

/// 「2026年11月3日（火）」.
pub(super) fn day(at: DateTime<Utc>) -> String {
    calendar::date_with_weekday(calendar::today_in_japan(at))
}
