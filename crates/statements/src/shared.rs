//! Claims (レセプト) that stand in deliveries of several labels, and which of their rows counts: that of the latest published
//! label. Publishing looks at these claims alone, so it costs by the corrections and not by the rows.
//!
//! A row's `superseded_by` is a function of what is published, reckoned anew for all claims that a delivery shares: publishing
//! and withdrawing undo each other exactly.

use crate::{delivery::DeliveryNo, kind::Kind, month::Month};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Date, Integer, Text},
};
use diesel_async::RunQueryDsl;

/// Notes which of these claims of a delivery stand in deliveries of other labels as well, on both sides.
pub(crate) async fn note(
    tx: &mut TenantTransaction,
    kind: Kind,
    delivery: DeliveryNo,
    label: Month,
    claims: &[(Month, String)],
) -> Result<(), DatabaseError> {
    if claims.is_empty() {
        return Ok(());
    }
    let (months, keys) = columns(claims);
    let theirs = diesel::sql_query(note_theirs(kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(label.first())
        .bind::<Array<Date>, _>(&months)
        .bind::<Array<Text>, _>(&keys);
    Prepared(theirs).execute(&mut **tx).await?;
    let own = diesel::sql_query(NOTE_OWN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
        .bind::<Array<Date>, _>(&months)
        .bind::<Array<Text>, _>(&keys);
    Prepared(own).execute(&mut **tx).await?;
    Ok(())
}

/// Notes claims whose rows wait: who delivers such a claim later doesn't find it by its rows.
pub(crate) async fn note_waiting(
    tx: &mut TenantTransaction,
    delivery: DeliveryNo,
    claims: &[(Month, String)],
) -> Result<(), DatabaseError> {
    if claims.is_empty() {
        return Ok(());
    }
    let (months, keys) = columns(claims);
    let waiting = diesel::sql_query(NOTE_WAITING)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
        .bind::<Array<Date>, _>(&months)
        .bind::<Array<Text>, _>(&keys);
    Prepared(waiting).execute(&mut **tx).await?;
    Ok(())
}

/// Reckons anew which rows count of the claims that a delivery shares, and says of how many rows that changed. Under
/// [`crate::delivery::lock`].
pub(crate) async fn settle(tx: &mut TenantTransaction, kind: Kind, delivery: DeliveryNo) -> Result<u64, DatabaseError> {
    let settle = diesel::sql_query(settle_rows(kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
        .bind::<Text, _>(kind.as_str());
    Ok(Prepared(settle).execute(&mut **tx).await? as u64)
}

/// Of how many rows [`settle`] would change whether they count, were one delivery published (`comes`) and another no longer
/// (`goes`): what publishing and taking back say beforehand. It changes nothing and needs no lock.
pub(crate) async fn would_change(
    tx: &TenantTransaction,
    kind: Kind,
    comes: Option<DeliveryNo>,
    goes: Option<DeliveryNo>,
) -> Result<u64, DatabaseError> {
    // Deliveries count from 1.
    let number = |delivery: Option<DeliveryNo>| delivery.map_or(0, |delivery| delivery.0);
    let changes = diesel::sql_query(would_change_rows(kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(number(comes))
        .bind::<Integer, _>(number(goes))
        .bind::<Text, _>(kind.as_str());
    let counted: Counted = Prepared(changes).get_result(&mut &**tx).await?;
    Ok(u64::try_from(counted.rows).unwrap_or_default())
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn columns(claims: &[(Month, String)]) -> (Vec<NaiveDate>, Vec<&str>) {
    claims
        .iter()
        .map(|(month, key)| (Month::first(*month), key.as_str()))
        .unzip()
}

/// Claim by claim, of which most have no rows of others; the few rows' deliveries then.
fn note_theirs(kind: Kind) -> String {
    format!(
        "INSERT INTO shared_claims (tenant_id, delivery, month, claim_key)
         SELECT r.tenant_id, r.delivery, r.month, r.claim_key
         FROM unnest($3::date[], $4::text[]) AS a (month, claim_key)
         CROSS JOIN LATERAL (
             SELECT o.tenant_id, o.delivery, o.month, o.claim_key FROM {} o
             WHERE o.tenant_id = $1 AND o.month = a.month AND o.claim_key = a.claim_key AND o.claim_key <> '' OFFSET 0) r
         CROSS JOIN LATERAL (
             SELECT * FROM statement_deliveries o WHERE o.tenant_id = $1 AND o.delivery = r.delivery OFFSET 0) d
         WHERE d.label <> $2 AND d.purged_at IS NULL
         ON CONFLICT DO NOTHING",
        kind.table()
    )
}

const NOTE_OWN: &str = "
    INSERT INTO shared_claims (tenant_id, delivery, month, claim_key)
    SELECT d.tenant_id, d.delivery, a.month, a.claim_key
    FROM statement_deliveries d, unnest($3::date[], $4::text[]) AS a (month, claim_key)
    WHERE d.tenant_id = $1 AND d.delivery = $2
      AND EXISTS (
          SELECT FROM (
              SELECT o.delivery FROM shared_claims o
              WHERE o.tenant_id = $1 AND o.month = a.month AND o.claim_key = a.claim_key OFFSET 0) s
          CROSS JOIN LATERAL (
              SELECT * FROM statement_deliveries o WHERE o.tenant_id = $1 AND o.delivery = s.delivery OFFSET 0) e
          WHERE e.kind = d.kind AND e.label <> d.label OFFSET 0)
    ON CONFLICT DO NOTHING";

const NOTE_WAITING: &str = "
    INSERT INTO shared_claims (tenant_id, delivery, month, claim_key)
    SELECT d.tenant_id, d.delivery, a.month, a.claim_key
    FROM statement_deliveries d, unnest($3::date[], $4::text[]) AS a (month, claim_key)
    WHERE d.tenant_id = $1 AND d.delivery = $2
    ON CONFLICT DO NOTHING";

/// The winner over a row is the published delivery of the latest label above the row's own.
fn settle_rows(kind: Kind) -> String {
    format!(
        "UPDATE {} r SET superseded_by = w.winner
         FROM (SELECT s.delivery, s.month, s.claim_key,
                 (SELECT t.delivery FROM shared_claims t JOIN statement_deliveries e ON e.delivery = t.delivery
                  WHERE t.tenant_id = $1 AND e.tenant_id = $1 AND t.month = s.month AND t.claim_key = s.claim_key
                    AND e.kind = $3 AND e.state = 'published' AND e.label > d.label
                  ORDER BY e.label DESC LIMIT 1) AS winner
               FROM shared_claims x
               JOIN shared_claims s ON s.month = x.month AND s.claim_key = x.claim_key
               JOIN statement_deliveries d ON d.delivery = s.delivery
               WHERE x.tenant_id = $1 AND x.delivery = $2 AND s.tenant_id = $1 AND d.tenant_id = $1 AND d.kind = $3) w
         WHERE r.tenant_id = $1 AND r.month = w.month AND r.claim_key = w.claim_key AND r.claim_key <> ''
           AND r.delivery = w.delivery AND r.superseded_by IS DISTINCT FROM w.winner",
        kind.table()
    )
}

/// [`settle_rows`] as it would be, counted: `$2` is among what is published, `$3` is not.
fn would_change_rows(kind: Kind) -> String {
    format!(
        "SELECT count(*) AS rows
         FROM (SELECT s.delivery, s.month, s.claim_key,
                 (SELECT t.delivery FROM shared_claims t JOIN statement_deliveries e ON e.delivery = t.delivery
                  WHERE t.tenant_id = $1 AND e.tenant_id = $1 AND t.month = s.month AND t.claim_key = s.claim_key
                    AND e.kind = $4 AND (e.state = 'published' AND e.delivery <> $3 OR e.delivery = $2) AND e.label > d.label
                  ORDER BY e.label DESC LIMIT 1) AS winner
               FROM (SELECT DISTINCT month, claim_key FROM shared_claims
                     WHERE tenant_id = $1 AND delivery IN ($2, $3)) x
               JOIN shared_claims s ON s.month = x.month AND s.claim_key = x.claim_key
               JOIN statement_deliveries d ON d.delivery = s.delivery
               WHERE s.tenant_id = $1 AND d.tenant_id = $1 AND d.kind = $4) w
         JOIN {} r ON r.month = w.month AND r.claim_key = w.claim_key AND r.delivery = w.delivery
         WHERE r.tenant_id = $1 AND r.claim_key <> '' AND r.superseded_by IS DISTINCT FROM w.winner",
        kind.table()
    )
}
