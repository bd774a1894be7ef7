//! One person into the roster, by the merge of imports.

use super::{
    Header,
    columns::Column,
    merge::Merge,
    rows::Row,
    staging::{self, Batch},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ImportId, Keys, PersonId, TenantId};
use tabular::{Column as _, Mapping};

diesel::table! {
    roster_heads (tenant_id) {
        tenant_id -> Integer,
        position -> BigInt,
    }
}

/// A person as they are to be.
pub(crate) struct One {
    pub(crate) person: PersonId,
    pub(crate) row: Row,
    /// In the roster.
    pub(crate) is_present: bool,
    /// True of somebody whom the roster knows.
    pub(crate) is_mended: bool,
}

impl One {
    /// Writes them, under the lock of [`share_roster`]; gives the journal's new position.
    pub(crate) async fn merge(
        self,
        tx: &mut TenantTransaction,
        keys: &Keys,
        (import_id, position): (ImportId, i64),
        now: DateTime<Utc>,
    ) -> Result<i64, DatabaseError> {
        let header = whole_header();
        let merge = Merge {
            import_id,
            header: &header,
            position,
            now,
            is_exact: false,
        };
        let mut batch = Batch::default();
        batch.push_as(1, self.row, self.person, self.is_present);
        staging::insert(tx, batch).await?;
        if self.is_mended {
            staging::match_named(tx).await?;
        }
        let changes = merge.write_journal(tx).await?;
        let (position, _) = merge.complete(tx, keys, changes).await?;
        Ok(position)
    }
}

/// Of a file of changes that has every column.
pub(super) fn whole_header() -> Header {
    let names: Vec<String> = Column::ALL.iter().map(|column| column.name().to_owned()).collect();
    Header::of(&names, &Mapping::default())
}

/// Makes the row that imports lock. Looked for first: to insert it beside an import that has written to it would wait for that
/// import's end.
pub(super) async fn begin_roster(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    let known: i64 = theirs(tx).count().get_result(&mut **tx).await?;
    if known > 0 {
        return Ok(());
    }
    diesel::insert_into(roster_heads::table)
        .values((roster_heads::tenant_id.eq(tx.tenant()), roster_heads::position.eq(0)))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Has the insurer's roster for a write by hand until the transaction ends, and gives the journal's position; none, at once,
/// where an import has it. Whoever else writes by hand is waited for.
pub(crate) async fn share_roster(tx: &mut TenantTransaction) -> Result<Option<i64>, DatabaseError> {
    begin_roster(tx).await?;
    if is_imported(tx).await? {
        return Ok(None);
    }
    let row = theirs(tx).select(roster_heads::position).for_no_key_update();
    Ok(Some(row.first(&mut **tx).await?))
}

/// Has the insurer's roster for an import until the transaction ends, and gives the journal's position; none, at once, where
/// anybody has it.
pub(super) async fn hold_roster(tx: &mut TenantTransaction) -> Result<Option<i64>, DatabaseError> {
    let row = theirs(tx).select(roster_heads::position).for_update().skip_locked();
    Ok(row.first(&mut **tx).await.optional()?)
}

/// True while an import has the insurer's roster; where it is false, none begins until the transaction ends. Of all locks
/// on the row that of imports alone stands against `FOR KEY SHARE`.
pub(crate) async fn is_imported(tx: &mut TenantTransaction) -> Result<bool, DatabaseError> {
    let free = theirs(tx).select(roster_heads::position).for_key_share().skip_locked();
    let free: Option<i64> = free.first(&mut **tx).await.optional()?;
    if free.is_some() {
        return Ok(false);
    }
    let rows: i64 = theirs(tx).count().get_result(&mut **tx).await?;
    Ok(rows > 0)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn theirs(tx: &TenantTransaction) -> _ {
    let tenant: TenantId = tx.tenant();
    roster_heads::table.filter(roster_heads::tenant_id.eq(tenant))
}
