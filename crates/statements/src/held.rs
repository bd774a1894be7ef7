//! Rows that wait for the roster: of a newborn without 枝番, of a number that is not in it yet, of twins whom nothing tells
//! apart. They are kept sealed, sought again once the roster has changed, and gone as soon as they are somebody's. Staff see them
//! ([`waiting`]) and may say whose they are ([`by_hand`]).

pub mod by_hand;
pub mod waiting;

use crate::{
    delivery::{self, Delivery, DeliveryNo},
    drugs::Tariffs,
    kind::Kind,
    line::Line,
    matching::{HeldReason, Matched, matched},
    month::Month,
    rows::{self, Found},
    shared, struck,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{HeldRowId, KeyError, Keys, PersonId, TenantId};
use roster::Resolver;
use serde_json::json;
use std::{collections::HashMap, error::Error};

const SEALED_FOR: &str = "held row";

/// Rows of an insurer's kind that are sought at most at a time. Of more, each hour has its part of each delivery.
const MOST: u64 = 50_000;
/// Rows that are opened at once.
const AT_ONCE: i64 = 5_000;
/// How long what a roster's import did not settle waits for what staff do by hand.
const DAILY: TimeDelta = TimeDelta::days(1);

/// Keeps rows that wait.
pub(crate) async fn hold(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    delivery: DeliveryNo,
    held: Vec<(Line, HeldReason)>,
) -> Result<(), DatabaseError> {
    if held.is_empty() {
        return Ok(());
    }
    let (mut ids, mut lines, mut reasons, mut sealed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (line, reason) in held {
        let id = HeldRowId::new(now);
        let plain = serde_json::to_vec(&line).map_err(unreadable)?;
        sealed.push(keys.seal(SEALED_FOR, id.of(tx.tenant()), &plain));
        ids.push(id);
        lines.push(i32::try_from(line.line()).unwrap_or(i32::MAX));
        reasons.push(reason.as_str());
    }
    let hold = diesel::sql_query(HOLD)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Integer>, _>(lines)
        .bind::<Array<Text>, _>(reasons)
        .bind::<Array<Binary>, _>(sealed);
    Prepared(hold).execute(&mut **tx).await?;
    Ok(())
}

/// Seeks again whose the rows of a kind are that wait, where the roster was imported since, or a day has passed; says how many
/// wait no longer.
pub async fn try_again(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    kind: Kind,
) -> Result<usize, DatabaseError> {
    let roster = roster::last_import(tx).await?.map(|import| import.finished_at);
    let since = roster.unwrap_or_default().max(now - DAILY);
    if due(tx, kind, since).await?.is_empty() {
        return Ok(0);
    }
    let heads = delivery::lock(tx, kind).await?;
    let due = due(tx, kind, since).await?;
    let part = Part::of(due.iter().map(|due| u64::from(due.held.unsigned_abs())).sum(), now);
    let mut settled = 0;
    let mut tariffs = Tariffs::new(tenancy::insurer_of(tx).await?.statements.generics);
    for head in heads {
        if due.iter().any(|due| due.delivery == head.delivery.0) {
            settled += try_delivery(tx, keys, now, (&head, part), &mut tariffs).await?;
        }
    }
    Ok(settled)
}

/// Which of the rows that wait have their turn: those whose line leaves this rest.
#[derive(Debug, Clone, Copy)]
struct Part {
    of: i32,
    rest: i32,
}

impl Part {
    /// All of them.
    const WHOLE: Self = Self { of: 1, rest: 0 };

    /// The part of an hour, of so many rows.
    fn of(rows: u64, now: DateTime<Utc>) -> Self {
        let of = i32::try_from(rows.div_ceil(MOST)).unwrap_or(i32::MAX).max(1);
        let hour = now.timestamp() / 3_600;
        let rest = i32::try_from(hour.rem_euclid(of.into())).unwrap_or_default();
        Self { of, rest }
    }
}

/// A delivery with rows that wait.
#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Integer)]
    delivery: i32,
    #[diesel(sql_type = Integer)]
    held: i32,
}

/// The deliveries with rows that wait and were not sought since.
async fn due(tx: &TenantTransaction, kind: Kind, since: DateTime<Utc>) -> Result<Vec<Due>, DatabaseError> {
    let due = diesel::sql_query(DUE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(kind.as_str())
        .bind::<Timestamptz, _>(since);
    Ok(Prepared(due).load(&mut &**tx).await?)
}

async fn try_delivery(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    (head, part): (&Delivery, Part),
    tariffs: &mut Tariffs,
) -> Result<usize, DatabaseError> {
    let settled = try_rows(tx, keys, now, (head, part), tariffs).await?;
    if settled > 0 {
        recount(tx, head).await?;
        let entry = Entry {
            actor: Actor::System,
            action: "statements.held",
            object: Some(("delivery", head.id.0)),
            outcome: "done",
            detail: json!({ "kind": head.kind.as_str(), "label": head.label.to_string(), "settled": settled }),
        };
        audit::record(tx, now, &Origin::worker(), entry).await?;
    }
    count_down(tx, head, settled, (part.of == 1).then_some(now)).await?;
    Ok(settled)
}

/// Puts those of a delivery's rows into it that are somebody's now; how many wait no longer, of which nothing is counted yet.
async fn try_rows(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    (head, part): (&Delivery, Part),
    tariffs: &mut Tariffs,
) -> Result<usize, DatabaseError> {
    let (mut after, mut settled) = (0, 0);
    loop {
        let page = diesel::sql_query(PAGE)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Integer, _>(head.delivery.0)
            .bind::<Integer, _>(after)
            .bind::<Integer, _>(part.of)
            .bind::<Integer, _>(part.rest)
            .bind::<BigInt, _>(AT_ONCE);
        let page: Vec<Waiting> = Prepared(page).load(&mut **tx).await?;
        let Some(last) = page.last() else { return Ok(settled) };
        after = last.line;
        settled += settle(tx, keys, now, (head, page), tariffs).await?;
    }
}

/// Puts those of these rows into the delivery that are somebody's now; those of months that are kept no longer just go. One that
/// does not open is damage: it stays, and keeps back nothing else.
async fn settle(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    (head, page): (&Delivery, Vec<Waiting>),
    tariffs: &mut Tariffs,
) -> Result<usize, DatabaseError> {
    let (mut ids, mut lines, mut too_old) = (HashMap::new(), Vec::new(), Vec::new());
    for waiting in page {
        let line = match open(tx.tenant(), keys, waiting.held_id, &waiting.sealed) {
            Ok(line) => line,
            Err(error) => {
                let (tenant, delivery) = (tx.tenant().0, head.delivery.0);
                tracing::error!(tenant, delivery, held_id = %waiting.held_id, %error, "a row that waits does not open");
                continue;
            }
        };
        if head.months.contains(&line.month()) {
            ids.insert(line.line(), waiting.held_id);
            lines.push(line);
        } else {
            too_old.push(waiting.held_id);
        }
    }
    tariffs.prepare(tx, lines.iter()).await?;
    let Matched { found, .. } = matched(tx, &mut Resolver::default(), lines).await?;
    let found: Vec<(HeldRowId, Found)> = found
        .into_iter()
        .filter_map(|found| Some((*ids.get(&found.line.line())?, found)))
        .collect();
    let settled = too_old.len() + found.len();
    put(tx, now, head, found, tariffs).await?;
    if !too_old.is_empty() {
        let drop = diesel::sql_query(DROP)
            .bind::<Integer, _>(tx.tenant())
            .bind::<Array<SqlUuid>, _>(too_old);
        Prepared(drop).execute(&mut **tx).await?;
    }
    Ok(settled)
}

/// Puts rows that waited into their delivery, and ends their waiting.
async fn put(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    head: &Delivery,
    found: Vec<(HeldRowId, Found)>,
    tariffs: &Tariffs,
) -> Result<(), DatabaseError> {
    let settled: Vec<(HeldRowId, PersonId)> = found.iter().map(|(held, found)| (*held, found.person)).collect();
    let found: Vec<Found> = found.into_iter().map(|(_, found)| found).collect();
    let named = found.iter().filter(|found| !found.line.claim().is_empty());
    let claims: Vec<(Month, String)> = named
        .map(|found| (found.line.month(), found.line.claim().to_owned()))
        .collect();
    rows::insert(tx, head.kind, head.delivery, None, found, tariffs).await?;
    shared::note(tx, head.kind, head.delivery, head.label, &claims).await?;
    end(tx, now, &settled).await
}

/// Ends the waiting of rows that are somebody's.
async fn end(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    settled: &[(HeldRowId, PersonId)],
) -> Result<(), DatabaseError> {
    let (held, people): (Vec<HeldRowId>, Vec<PersonId>) = settled.iter().copied().unzip();
    let settle = diesel::sql_query(SETTLE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<SqlUuid>, _>(held)
        .bind::<Array<SqlUuid>, _>(people)
        .bind::<Timestamptz, _>(now);
    Prepared(settle).execute(&mut **tx).await?;
    Ok(())
}

/// Reckons anew which rows count, once some have come into a delivery.
async fn recount(tx: &mut TenantTransaction, head: &Delivery) -> Result<(), DatabaseError> {
    struck::mark(tx, head.kind, head.delivery).await?;
    shared::settle(tx, head.kind, head.delivery).await?;
    Ok(())
}

/// Counts rows of a delivery that wait no longer; all of them were tried just now where a time is given.
async fn count_down(
    tx: &mut TenantTransaction,
    head: &Delivery,
    settled: usize,
    tried_at: Option<DateTime<Utc>>,
) -> Result<(), DatabaseError> {
    let tried = diesel::sql_query(TRIED)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(head.delivery.0)
        .bind::<Integer, _>(i32::try_from(settled).unwrap_or(i32::MAX))
        .bind::<Nullable<Timestamptz>, _>(tried_at);
    Prepared(tried).execute(&mut **tx).await?;
    Ok(())
}

/// A row that waits.
#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = SqlUuid)]
    held_id: HeldRowId,
    #[diesel(sql_type = Integer)]
    line: i32,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

/// What a row that waits says.
fn open(tenant: TenantId, keys: &Keys, held: HeldRowId, sealed: &[u8]) -> Result<Line, Unopened> {
    let plain = keys.open(SEALED_FOR, held.of(tenant), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Unopened::NoRow)
}

/// Why a row that waits does not open. What is in it is said nowhere.
#[derive(Debug, thiserror::Error)]
enum Unopened {
    #[error("{0}")]
    Sealed(#[from] KeyError),
    #[error("it holds no row")]
    NoRow,
}

fn unreadable(error: impl Error + Send + Sync + 'static) -> DatabaseError {
    diesel::result::Error::DeserializationError(Box::new(error)).into()
}

const HOLD: &str = "
    INSERT INTO held_rows (tenant_id, held_id, delivery, line, reason, sealed)
    SELECT d.tenant_id, held.id, d.delivery, held.line, held.reason, held.sealed
    FROM statement_deliveries d,
        unnest($3::uuid[], $4::int[], $5::text[], $6::bytea[]) AS held (id, line, reason, sealed)
    WHERE d.tenant_id = $1 AND d.delivery = $2";

const DUE: &str = "
    SELECT delivery, held FROM statement_deliveries
    WHERE tenant_id = $1 AND kind = $2 AND state IN ('ready', 'published') AND held > 0
      AND coalesce(held_tried_at, imported_at) < $3";

const PAGE: &str = "
    SELECT held_id, line, sealed FROM held_rows
    WHERE tenant_id = $1 AND delivery = $2 AND settled_at IS NULL AND line > $3 AND line % $4 = $5
    ORDER BY line LIMIT $6";

const DROP: &str = "DELETE FROM held_rows WHERE tenant_id = $1 AND held_id = ANY ($2)";

const SETTLE: &str = "
    UPDATE held_rows h SET settled_person_id = a.person_id, settled_at = $4, sealed = ''
    FROM unnest($2::uuid[], $3::uuid[]) AS a (held_id, person_id)
    WHERE h.tenant_id = $1 AND h.held_id = a.held_id";

const TRIED: &str = "
    UPDATE statement_deliveries SET held = held - $3, held_tried_at = coalesce($4, held_tried_at)
    WHERE tenant_id = $1 AND delivery = $2";
