//! A year of either statement to take along: its rows, or of costs the sums in the columns of the tax office's 医療費集計フォーム. The
//! password is asked for again before (security.md 42), and that a file was made stands in the trail, with whose rows are in it; what they
//! say stands nowhere.

mod form;

use super::{Statements, is_open};
use crate::{
    Kind, Months,
    generic_use::Savings,
    household::household,
    published::published,
    statement::{
        medicine::{Words, known},
        persons, place, tax,
    },
    sums::{shown, tax_year},
    view::View,
};
use accounts::Member;
use askama::Template;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use form::{Offered, Which, Wish};
use futures_util::{StreamExt as _, stream};
use kernel::{Outage, Outcome, PersonId};
use pages::{
    Reply, Visit, csv,
    frame::Frame,
    reply::{self, may_fetch},
    visit::settle,
};
use serde_json::json;
use std::cmp::Reverse;
use tabular::Written;
use uuid::Uuid;

/// 医療費.
pub(super) const COSTS: &str = "/portal/costs/files";
/// お薬.
pub(super) const MEDICINES: &str = "/portal/medicines/files";
/// What a form keeps.
const FIELDS: [&str; 2] = ["year", "file"];
/// Lines that leave at once.
const BATCH: usize = 500;

#[derive(Template)]
#[template(path = "files.html")]
struct FilesPage {
    frame: Frame,
    kind: Kind,
    /// None where nothing has been published.
    offered: Option<Offered>,
    asks_password: bool,
    user_id: String,
}

impl FilesPage {
    fn page(&self) -> &'static str {
        page(self.kind)
    }

    /// The statement that it is of.
    fn back(&self) -> &'static str {
        statement(self.kind)
    }

    fn matter(&self) -> &'static str {
        match self.kind {
            Kind::Costs => "医療費",
            Kind::Medicines => "お薬",
        }
    }

    fn title(&self) -> String {
        format!("{}のファイル（CSV）", self.matter())
    }

    /// What in a file tells most.
    fn names(&self) -> &'static str {
        match self.kind {
            Kind::Costs => "医療機関名",
            Kind::Medicines => "お薬の名称",
        }
    }
}

/// Where files of a kind are had.
fn page(kind: Kind) -> &'static str {
    match kind {
        Kind::Costs => COSTS,
        Kind::Medicines => MEDICINES,
    }
}

/// Where the statement itself stands.
fn statement(kind: Kind) -> &'static str {
    match kind {
        Kind::Costs => super::COSTS,
        Kind::Medicines => super::MEDICINES,
    }
}

/// A file, ready to leave.
struct File {
    wish: Wish,
    lines: Vec<Vec<u8>>,
}

/// `GET /portal/costs/files`, `GET /portal/medicines/files`.
pub(super) async fn show(statements: Statements, kind: Kind, visit: Visit, member: Member) -> Reply {
    is_open(&member, kind.feature())?;
    let again = visit.again().await;
    let years = statements.years(&member, kind, visit.now).await?;
    let offered = Offered::of(kind, years, again.or(&visit.query));
    // A script saves the file, so that the page can say that it has come.
    let page = visit.html(&FilesPage {
        frame: visit
            .frame()
            .in_section(super::section(&member, statement(kind)))
            .with_errors(again.errors),
        kind,
        offered,
        asks_password: !member.has_just_proven(visit.now),
        user_id: member.user_id.as_str().to_owned(),
    })?;
    Ok(may_fetch(page))
}

/// `POST` to either. What is read is whole before the first line leaves: no two versions of a delivery meet in it.
pub(super) async fn take(statements: Statements, kind: Kind, visit: Visit, member: Member) -> Reply {
    is_open(&member, kind.feature())?;
    let years = statements.years(&member, kind, visit.now).await?;
    let wish = match Wish::read(&visit.form, kind, &years) {
        Ok(wish) => wish,
        Err(refusal) => return Ok(visit.form_again(&refusal, page(kind), &FIELDS).await),
    };
    let renewed = match visit.password_again(&member, page(kind), &FIELDS).await {
        Ok(renewed) => renewed,
        Err(answer) => return Ok(answer),
    };
    let response = match settle(statements.file(&visit.origin, &member, wish, visit.now).await) {
        Ok(file) => {
            let header = file.wish.which.header();
            let lines = stream::iter(file.lines).chunks(BATCH);
            csv(
                &file.wish.name(),
                Written::Utf8,
                header,
                lines.map(|lines| Ok(lines.concat())),
            )
        }
        Err(refusal) => visit.form_again(&refusal, page(kind), &FIELDS).await,
    };
    Ok(renewed.into_iter().fold(response, reply::with_cookie))
}

impl Statements {
    /// The years that have been published, whoever looks.
    async fn years(&self, member: &Member, kind: Kind, now: DateTime<Utc>) -> Result<Vec<i32>, Outage> {
        let online = Months::online(&member.insurer.statements, now);
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        Ok(published(&tx, kind, online).await?.years)
    }

    /// What a member sees of a year, as the lines of a file.
    async fn file(
        &self,
        origin: &Origin,
        member: &Member,
        wish: Wish,
        now: DateTime<Utc>,
    ) -> Result<Outcome<File>, Outage> {
        let tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let (lines, shown) = match wish.which {
            Which::Rows | Which::Sums => costs(&tx, member, wish, now).await?,
            Which::Medicines => medicines(&tx, member, wish, now).await?,
        };
        let entry = Entry {
            actor: Actor::Member(member.account_id),
            action: wish.which.action(),
            object: Some(("account", member.account_id.0)),
            outcome: "done",
            detail: json!({ "year": wish.year, "file": wish.which.as_str() }),
        };
        let shown: Vec<Uuid> = shown.into_iter().map(|person| person.0).collect();
        audit::record_showing(&tx, now, origin, entry, &shown).await?;
        tx.commit().await?;
        Ok(Outcome::Done(File { wish, lines }))
    }
}

/// The lines of a file, and whose rows are in it.
type Lines = (Vec<Vec<u8>>, Vec<PersonId>);

async fn costs(
    tx: &TenantTransaction,
    member: &Member,
    wish: Wish,
    now: DateTime<Utc>,
) -> Result<Lines, DatabaseError> {
    let settings = &member.insurer.statements;
    let published = published(tx, Kind::Costs, Months::online(settings, now)).await?;
    let view = View::of_member(member, now, Months::year(wish.year));
    let rows = view.costs(tx).await?;
    let of = persons(&rows);
    let people = household(tx, &member.person, now, &of).await?;
    let lines = if wish.which == Which::Sums {
        let year = tax_year(&rows, wish.year, &published, settings.arrives_after_months);
        form::sums(tax::in_order(year.groups, &people), &people)
    } else {
        let mut rows = shown(rows);
        rows.sort_by_key(|row| (Reverse(row.month), place(&people, row.person)));
        form::rows(rows, &people)
    };
    Ok((lines, of))
}

async fn medicines(
    tx: &TenantTransaction,
    member: &Member,
    wish: Wish,
    now: DateTime<Utc>,
) -> Result<Lines, DatabaseError> {
    let generics = &member.insurer.statements.generics;
    let view = View::of_member(member, now, Months::year(wish.year));
    let mut rows = view.medicines(tx).await?;
    let of = persons(&rows);
    let people = household(tx, &member.person, now, &of).await?;
    rows.sort_by_key(|row| (Reverse(row.month), place(&people, row.person)));
    let words = Words {
        people: &people,
        known: &known(tx, &rows).await?,
        savings: &Savings::of(&rows, generics),
        settings: generics,
    };
    Ok((form::medicines(&rows, &words), of))
}
