//! Rows that wait, as staff see them: the oldest delivery first, page by page. What may be a protected person's is not there for
//! whoever may not see them.

use super::open;
use crate::{
    delivery::{self, DeliveryNo},
    kind::Kind,
    line::Who,
    matching::HeldReason,
    month::Month,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Binary, Bool, Date, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{HeldRowId, Keys, PersonId};
use roster::{NumberKey, protection};
use std::collections::HashSet;

/// Rows on a page.
pub const PAGE: usize = 50;

/// By what the list is narrowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one kind.
    pub kind: Option<Kind>,
    /// Of one delivery.
    pub delivery: Option<DeliveryNo>,
    /// For one reason.
    pub reason: Option<HeldReason>,
}

/// The last row of a page, behind which the next one goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct After {
    /// Of which delivery.
    pub delivery: i32,
    /// On which line of its file.
    pub line: i32,
}

/// A page of the list.
#[derive(Debug, Default)]
pub struct Page {
    /// In order.
    pub rows: Vec<Waiting>,
    /// Where it goes on, if it does.
    pub next: Option<After>,
}

/// A row that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Which.
    pub id: HeldRowId,
    /// In which delivery.
    pub delivery: DeliveryNo,
    /// Of what.
    pub kind: Kind,
    /// 処理年月 of its delivery.
    pub label: Month,
    /// Which version of it.
    pub version: i32,
    /// On which line of the file it stands.
    pub line: i32,
    /// Why it waits.
    pub reason: HeldReason,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What it says of whom it is; none of one that is damaged.
    pub says: Option<Says>,
}

/// All that it takes to find whose a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// Month of treatment.
    pub month: Month,
    /// Of whom.
    pub who: Who,
}

impl Says {
    /// By what the roster is asked.
    pub(crate) fn key(&self) -> NumberKey {
        self.who.key(self.month)
    }
}

/// A page of the rows that wait. Pages are full, whatever isn't shown.
pub async fn page(
    tx: &TenantTransaction,
    keys: &Keys,
    filter: &Filter,
    after: After,
    sees_protected: bool,
) -> Result<Page, DatabaseError> {
    let mut page = Page::default();
    let mut after = after;
    loop {
        let read = read(tx, keys, filter, after).await?;
        let is_last = read.len() <= PAGE;
        if let Some(last) = read.last() {
            after = last.place();
        }
        page.rows.extend(shown(tx, read, sees_protected).await?);
        if page.rows.len() > PAGE {
            page.rows.truncate(PAGE);
            page.next = page.rows.last().map(Waiting::place);
            return Ok(page);
        }
        if is_last {
            return Ok(page);
        }
    }
}

/// What became of a row.
#[derive(Debug)]
pub enum Found {
    /// It waits.
    Waiting(Box<Waiting>),
    /// It waits no longer.
    Over,
}

/// One row; none where there is no such.
pub async fn one(
    tx: &TenantTransaction,
    keys: &Keys,
    id: HeldRowId,
    sees_protected: bool,
) -> Result<Option<Found>, DatabaseError> {
    let query = diesel::sql_query(ONE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id);
    let row: Option<Row> = Prepared(query).get_result(&mut &**tx).await.optional()?;
    let Some(row) = row else { return Ok(None) };
    if row.is_over {
        return Ok(Some(Found::Over));
    }
    let row = row.waiting(tx, keys)?;
    let shown = shown(tx, vec![row], sees_protected).await?.pop();
    Ok(shown.map(|row| Found::Waiting(Box::new(row))))
}

/// Those of the rows that are not of a number which a protected person has, or had.
async fn shown(
    tx: &TenantTransaction,
    rows: Vec<Waiting>,
    sees_protected: bool,
) -> Result<Vec<Waiting>, DatabaseError> {
    if sees_protected || rows.is_empty() {
        return Ok(rows);
    }
    let keys: Vec<Option<NumberKey>> = rows.iter().map(|row| row.says.as_ref().map(Says::key)).collect();
    let asked: Vec<NumberKey> = keys.iter().flatten().cloned().collect();
    let bearers = roster::bearers(tx, &asked).await?;
    let people: HashSet<PersonId> = bearers.iter().flatten().map(|bearer| bearer.person).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let protected = protection::protected_of(tx, &people).await?;
    let mut bearers = bearers.into_iter();
    let rows = rows.into_iter().zip(keys).filter(|(_, key)| {
        let of_row = key.as_ref().and_then(|_| bearers.next()).unwrap_or_default();
        !of_row.iter().any(|bearer| protected.contains(&bearer.person))
    });
    Ok(rows.map(|(row, _)| row).collect())
}

async fn read(
    tx: &TenantTransaction,
    keys: &Keys,
    filter: &Filter,
    after: After,
) -> Result<Vec<Waiting>, DatabaseError> {
    let query = diesel::sql_query(LIST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(after.delivery)
        .bind::<Integer, _>(after.line)
        .bind::<Text, _>(filter.kind.map_or("", Kind::as_str))
        .bind::<Integer, _>(filter.delivery.map_or(0, |delivery| delivery.0))
        .bind::<Text, _>(filter.reason.map_or("", HeldReason::as_str))
        .bind::<BigInt, _>(i64::try_from(PAGE + 1).unwrap_or(i64::MAX));
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(|row| row.waiting(tx, keys)).collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    held_id: HeldRowId,
    #[diesel(sql_type = Integer)]
    delivery: i32,
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Date)]
    label: Month,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Timestamptz)]
    imported_at: DateTime<Utc>,
    /// It waits no longer, or not for anybody to see it.
    #[diesel(sql_type = Bool)]
    is_over: bool,
}

impl Row {
    fn waiting(self, tx: &TenantTransaction, keys: &Keys) -> Result<Waiting, DatabaseError> {
        let unknown = |word: &str| delivery::unreadable(format!("unknown word {word}"));
        let line = open(tx.tenant(), keys, self.held_id, &self.sealed).ok();
        Ok(Waiting {
            id: self.held_id,
            delivery: DeliveryNo(self.delivery),
            kind: Kind::from_word(&self.kind).ok_or_else(|| unknown(&self.kind))?,
            label: self.label,
            version: self.version,
            line: self.line,
            reason: HeldReason::from_word(&self.reason).ok_or_else(|| unknown(&self.reason))?,
            since: self.imported_at,
            says: line.map(|line| Says {
                month: line.month(),
                who: line.who().clone(),
            }),
        })
    }
}

impl Waiting {
    /// Where it stands in the list.
    pub fn place(&self) -> After {
        After {
            delivery: self.delivery.0,
            line: self.line,
        }
    }
}

/// Delivery by delivery: those with rows that wait are few.
const LIST: &str = "
    SELECT h.held_id, h.delivery, h.line, h.reason, h.sealed, d.kind, d.label, d.version, d.imported_at, false AS is_over
    FROM statement_deliveries d
    CROSS JOIN LATERAL (
        SELECT * FROM held_rows o
        WHERE o.tenant_id = $1 AND o.delivery = d.delivery AND o.settled_at IS NULL
          AND (d.delivery > $2 OR o.line > $3) AND ($6 = '' OR o.reason = $6)
        ORDER BY o.line LIMIT $7) AS h
    WHERE d.tenant_id = $1 AND d.state IN ('ready', 'published') AND d.held > 0 AND d.delivery >= $2
      AND ($4 = '' OR d.kind = $4) AND ($5 = 0 OR d.delivery = $5)
    ORDER BY h.delivery, h.line LIMIT $7";

const ONE: &str = "
    SELECT h.held_id, h.delivery, h.line, h.reason, h.sealed, d.kind, d.label, d.version, d.imported_at,
        h.settled_at IS NOT NULL OR d.state NOT IN ('ready', 'published') AS is_over
    FROM held_rows h JOIN statement_deliveries d ON d.delivery = h.delivery
    WHERE h.tenant_id = $1 AND h.held_id = $2 AND d.tenant_id = $1";
