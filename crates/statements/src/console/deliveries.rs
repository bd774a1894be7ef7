//! 提供分: what was delivered of both kinds, how it stands, and who did what with it when. Counts of the whole insurer, nobody's
//! row.

use super::{HOME, delivery, import, release, with};
use crate::{
    delivery::{Delivery, DeliveryNo, LISTED, State, list},
    kind::Kind,
    month::Month,
    permissions::{
        DISCLOSURES_MANAGE, STATEMENTS_CORRECT, STATEMENTS_IMPORT, STATEMENTS_PREVIEW, STATEMENTS_PUBLISH,
        STATEMENTS_READ, STATEMENTS_SETTINGS,
    },
    statement::month_words,
    steps::{self, Steps},
    waiting::left_to_staff,
};
use ::staff::{Clerk, names};
use access::Permission;
use askama::Template;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use ground::Ground;
use kernel::{StaffId, calendar};
use pages::{Reply, Row, Visit, frame::Frame, staff, staff_proven, visit::Trouble, words::grouped};
use poem::http::Method;
use std::collections::HashMap;

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// Where what else is done with statements begins, and what it takes.
const WAYS: [(Permission, &str, &str); 5] = [
    (STATEMENTS_CORRECT, "/console/statements/held", "保留の行"),
    (STATEMENTS_CORRECT, "/console/statements/claims", "レセプトの取り下げ"),
    (STATEMENTS_PREVIEW, "/console/statements/preview", "表示の確認"),
    (DISCLOSURES_MANAGE, "/console/statements/disclosures", "表示の希望"),
    (STATEMENTS_SETTINGS, "/console/statements/settings", "明細の設定"),
];

/// The rows of these pages.
pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let (read, publish) = (STATEMENTS_READ, STATEMENTS_PUBLISH);
    vec![
        staff(GET, HOME, "console.statements", read, with(ground, show)),
        staff(
            GET,
            "/console/statements/:no",
            "console.statements.one",
            read,
            with(ground, delivery::show),
        ),
        staff(
            GET,
            "/console/statements/:no/publish",
            "console.statements.publish",
            publish,
            with(ground, release::ask),
        ),
        staff_proven(
            POST,
            "/console/statements/:no/publish",
            "console.statements.publish.submit",
            publish,
            with(ground, release::submit),
        )
        .keeping(&release::FIELDS),
        staff(
            GET,
            "/console/statements/:no/withdraw",
            "console.statements.withdraw",
            publish,
            with(ground, release::ask_back),
        ),
        staff_proven(
            POST,
            "/console/statements/:no/withdraw",
            "console.statements.withdraw.submit",
            publish,
            with(ground, release::take_back),
        )
        .keeping(&release::FIELDS_BACK),
    ]
}

#[derive(Template)]
#[template(path = "console/statements_deliveries.html")]
struct ListPage {
    frame: Frame,
    may_import: bool,
    /// What programs sent, for whoever decides on it.
    sent: Option<Sent>,
    ways: Vec<(&'static str, &'static str)>,
    kinds: Vec<OfKind>,
    /// True where there are more than are listed.
    is_cut: bool,
}

/// Files that wait for a decision.
struct Sent {
    text: &'static str,
    path: String,
    count: String,
}

/// So many of the newest of a kind stand open, and whatever else is at work or waits.
const OPEN: usize = 6;

/// The deliveries of one kind.
struct OfKind {
    id: &'static str,
    name: &'static str,
    lines: Vec<Line>,
    /// Older ones that nothing is to be done with, folded up.
    earlier: Vec<Line>,
}

impl OfKind {
    fn new(kind: Kind, deliveries: &[Delivery], known: &Known) -> Self {
        let of_kind = deliveries.iter().filter(|delivery| delivery.kind == kind);
        let stands_open = |(nth, delivery): &(usize, &Delivery)| {
            *nth < OPEN || matches!(delivery.state, State::Checked | State::Loading | State::Ready)
        };
        let (lines, earlier): (Vec<_>, Vec<_>) = of_kind.enumerate().partition(stands_open);
        let line = |(_, delivery): (usize, &Delivery)| known.line(delivery);
        Self {
            id: kind.as_str(),
            name: kind.label(),
            lines: lines.into_iter().map(line).collect(),
            earlier: earlier.into_iter().map(line).collect(),
        }
    }
}

/// One of them.
pub(super) struct Line {
    pub(super) path: String,
    pub(super) label: String,
    pub(super) version: i32,
    pub(super) state: (&'static str, &'static str),
    /// When it is to be published.
    pub(super) planned: String,
    pub(super) rows: String,
    pub(super) held: String,
    pub(super) persons: String,
    pub(super) months: String,
    pub(super) imported: By,
    pub(super) published: By,
}

/// When something was done, and by whom.
pub(super) struct By {
    pub(super) at: String,
    pub(super) who: String,
}

/// `GET /console/statements`.
async fn show(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let deliveries = list(&tx, None).await?;
    let known = Known::of(&tx, &deliveries).await?;
    let may_import = clerk.may(STATEMENTS_IMPORT);
    let sent = if may_import { left_to_staff(&tx).await? } else { None };
    tx.commit().await?;
    let ways = WAYS.into_iter().filter(|(permission, ..)| clerk.may(*permission));
    visit.html(&ListPage {
        frame: visit.frame().in_section(HOME),
        may_import,
        sent: sent.map(|left| Sent {
            text: import::SENT,
            path: import::left_path(&left),
            count: grouped(left.runs),
        }),
        ways: ways.map(|(_, path, text)| (path, text)).collect(),
        kinds: Kind::ALL.map(|kind| OfKind::new(kind, &deliveries, &known)).into(),
        is_cut: deliveries.len() >= usize::try_from(LISTED).unwrap_or(usize::MAX),
    })
}

/// What is known of deliveries beside their heads: what staff did with them, and how these are called.
pub(super) struct Known {
    steps: HashMap<DeliveryNo, Steps>,
    names: HashMap<StaffId, String>,
}

impl Known {
    pub(super) async fn of(tx: &TenantTransaction, deliveries: &[Delivery]) -> Result<Self, DatabaseError> {
        let numbers: Vec<DeliveryNo> = deliveries.iter().map(|delivery| delivery.delivery).collect();
        let steps = steps::of(tx, &numbers).await?;
        let ids: Vec<StaffId> = steps.values().flat_map(Steps::staff).collect();
        let names = names(tx, &ids).await?;
        Ok(Self { steps, names })
    }

    pub(super) fn steps(&self, delivery: DeliveryNo) -> Steps {
        self.steps.get(&delivery).cloned().unwrap_or_default()
    }

    pub(super) fn by(&self, at: Option<DateTime<Utc>>, who: Option<StaffId>) -> By {
        let who = who.filter(|_| at.is_some()).and_then(|who| self.names.get(&who));
        By {
            at: at.map(calendar::moment).unwrap_or_default(),
            who: who.cloned().unwrap_or_default(),
        }
    }

    pub(super) fn line(&self, delivery: &Delivery) -> Line {
        let steps = self.steps(delivery.delivery);
        Line {
            path: path(delivery.delivery),
            label: label(delivery.label),
            version: delivery.version,
            state: state_words(delivery),
            planned: delivery.publish_at.map(calendar::moment).unwrap_or_default(),
            rows: grouped(delivery.rows),
            held: grouped(delivery.held),
            persons: grouped(delivery.persons),
            months: months_words(&delivery.months),
            imported: self.by(Some(delivery.imported_at), steps.imported_by),
            published: self.by(delivery.published_at, steps.published_by),
        }
    }
}

/// How a delivery stands, and the colour of its tag.
pub(super) fn state_words(delivery: &Delivery) -> (&'static str, &'static str) {
    match delivery.state {
        _ if delivery.publish_at.is_some() => ("公開予約", "do"),
        State::Checked => ("確認済み", ""),
        State::Loading => ("取り込み中", "do"),
        State::Ready => ("未公開", "do"),
        State::Published => ("公開中", "ok"),
        State::Replaced => ("前の版", ""),
        State::Withdrawn => ("取り下げ", "warn"),
        State::Refused => ("取り込めませんでした", "err"),
    }
}

/// 「2026年8月処理分」.
pub(super) fn label(label: Month) -> String {
    format!("{}処理分", month_words(label))
}

/// 「2026年6月」, 「2026年4月から2026年6月まで」.
pub(super) fn months_words(months: &[Month]) -> String {
    match (months.first(), months.last()) {
        (Some(first), Some(last)) if first != last => {
            format!("{}から{}まで", month_words(*first), month_words(*last))
        }
        (Some(only), _) => month_words(*only),
        _ => "－".into(),
    }
}

/// A delivery's page.
pub(super) fn path(delivery: DeliveryNo) -> String {
    format!("{HOME}/{}", delivery.0)
}

/// The delivery of the address.
pub(super) fn number(visit: &Visit) -> Result<DeliveryNo, Trouble> {
    let number: i32 = visit.param("no").parse().map_err(|_| Trouble::NotFound)?;
    Ok(DeliveryNo(number))
}
