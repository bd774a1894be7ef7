//! `roster_mappings`: which header means which column.

use super::{
    Shown, json, of,
    schema::{roster_mappings, roster_runs},
};
use crate::import::Column;
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::ImportId;
use tabular::Mapping;

/// The insurer's own: which header means which column.
pub async fn mapping(tx: &mut TenantTransaction) -> Result<Mapping, DatabaseError> {
    let pairs: Vec<(String, String)> = roster_mappings::table
        .filter(roster_mappings::tenant_id.eq(tx.tenant()))
        .select((roster_mappings::field, roster_mappings::header))
        .load(&mut **tx)
        .await?;
    Ok(pairs.into_iter().collect())
}

/// Keeps it for the files to come: what a column's own names find anyway is not kept.
pub(in crate::runs) async fn keep_mapping(
    tx: &mut TenantTransaction,
    shown: &Shown,
    mapping: &Mapping,
) -> Result<(), DatabaseError> {
    use tabular::Column as _;
    let tenant = tx.tenant();
    diesel::delete(roster_mappings::table.filter(roster_mappings::tenant_id.eq(tenant)))
        .execute(&mut **tx)
        .await?;
    let (plain, chosen) = (shown.header(&Mapping::default()), shown.header(mapping));
    for column in Column::ALL {
        if plain.column(*column) == chosen.column(*column) {
            continue;
        }
        diesel::insert_into(roster_mappings::table)
            .values((
                roster_mappings::tenant_id.eq(tenant),
                roster_mappings::field.eq(column.name()),
                roster_mappings::header.eq(mapping.header(column.name()).unwrap_or_default()),
            ))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Keeps it for one run.
pub(in crate::runs) async fn set_mapping(
    tx: &mut TenantTransaction,
    run: ImportId,
    mapping: &Mapping,
) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set(roster_runs::mapping.eq(json(mapping)?))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
