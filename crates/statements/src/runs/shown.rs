//! What of a file is shown to whoever decides on it, sealed while it is kept.

use super::rows::{of, unread};
use crate::schema::statement_runs as t;
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ImportId, Keys, text};
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
    /// Headers that mean no column, the first of them.
    pub unknown_columns: Vec<String>,
    /// How many there are in all, where those are not all.
    pub unknown_count: u64,
    /// The first errors, in words.
    pub errors: Vec<String>,
}

impl Shown {
    /// The same with the headers that were found to mean nothing.
    pub(super) fn with_unknown(self, columns: &[String]) -> Self {
        Self {
            unknown_columns: tabular::first_unknown(columns),
            unknown_count: u64::try_from(columns.len()).unwrap_or(u64::MAX),
            ..self
        }
    }

    /// How many headers that mean nothing are not told, in words; none where all are.
    pub fn more_unknown(&self) -> Option<String> {
        let told = u64::try_from(self.unknown_columns.len()).unwrap_or(u64::MAX);
        let more = self.unknown_count.saturating_sub(told);
        (more > 0).then(|| text::grouped(more))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_headers_that_mean_nothing_the_first_are_told_and_how_many_more_there_are() {
        let columns = |most: u32| -> Vec<String> { (0..most).map(|nth| nth.to_string()).collect() };
        for (most, told, more) in [(0, 0, None), (50, 50, None), (1_234, 50, Some("1,184"))] {
            let shown = Shown::default().with_unknown(&columns(most));
            assert_eq!(
                (shown.unknown_columns.len(), shown.more_unknown().as_deref()),
                (told, more)
            );
        }
    }
}
