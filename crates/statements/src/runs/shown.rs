//! What of a file is shown to whoever decides on it, sealed while it is kept.

use super::rows::{of, unread};
use crate::schema::statement_runs as t;
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ImportId, Keys};
use serde::{Deserialize, Serialize};

/// What it is sealed for.
const SEALED_FOR: &str = "statement run";

/// What of it hangs on the ring.
pub const KEYED: Keyed = Keyed {
    table: "statement_runs",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "run_id",
        purpose: SEALED_FOR,
    },
};

/// What of a file is shown to whoever decides on it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// Its headers.
    pub headers: Vec<String>,
    /// Its first rows.
    pub rows: Vec<Vec<String>>,
    /// Headers that mean no column.
    pub unknown_columns: Vec<String>,
    /// The first errors, in words.
    pub errors: Vec<String>,
}

/// It; none where none is kept.
pub(super) async fn shown(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
) -> Result<Option<Shown>, DatabaseError> {
    let sealed: Option<Option<Vec<u8>>> = of(tx, run).select(t::sealed).first(&mut **tx).await.optional()?;
    let Some(sealed) = sealed.flatten() else {
        return Ok(None);
    };
    let opened = keys.open(SEALED_FOR, run.of(tx.tenant()), &sealed);
    let opened = opened.map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    serde_json::from_slice(&opened).map(Some).map_err(unread)
}

pub(super) fn seal(
    keys: &Keys,
    tx: &TenantTransaction,
    run: ImportId,
    shown: &Shown,
) -> Result<Vec<u8>, DatabaseError> {
    let plain = serde_json::to_vec(shown).map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    Ok(keys.seal(SEALED_FOR, run.of(tx.tenant()), &plain))
}
