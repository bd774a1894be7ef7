//! `statement_mappings`: which header of an insurer's files means which column of a kind.

use crate::{columns, kind::Kind, schema::statement_mappings as t};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use tabular::Mapping;

/// What the insurer chose before.
pub(super) async fn mapping(tx: &mut TenantTransaction, kind: Kind) -> Result<Mapping, DatabaseError> {
    let pairs: Vec<(String, String)> = t::table
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::kind.eq(kind.as_str()))
        .select((t::field, t::header))
        .load(&mut **tx)
        .await?;
    Ok(pairs.into_iter().collect())
}

/// Keeps it for the files to come: what a column's own names find anyway is not kept.
pub(super) async fn keep(
    tx: &mut TenantTransaction,
    kind: Kind,
    headers: &[String],
    mapping: &Mapping,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let of_kind = t::table
        .filter(t::tenant_id.eq(tenant))
        .filter(t::kind.eq(kind.as_str()));
    diesel::delete(of_kind).execute(&mut **tx).await?;
    let plain = columns::locate(kind, headers, &Mapping::default());
    let chosen = columns::locate(kind, headers, mapping);
    let differs = plain.iter().zip(&chosen).filter(|(plain, chosen)| plain != chosen);
    let kept: Vec<_> = differs
        .map(|(of, _)| {
            (
                t::tenant_id.eq(tenant),
                t::kind.eq(kind.as_str()),
                t::field.eq(of.column),
                t::header.eq(mapping.header(of.column).unwrap_or_default()),
            )
        })
        .collect();
    // Of no rows diesel makes a question to all insurers.
    if !kept.is_empty() {
        diesel::insert_into(t::table).values(kept).execute(&mut **tx).await?;
    }
    Ok(())
}
