//! What of a run's people is shown to whoever decides on it, sealed while it is kept.

use super::{of, schema::roster_runs, unread};
use crate::import::{Column, Sample};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ImportId, Keys, UploadId, text};
use serde::{Deserialize, Serialize};
use tabular::{Header, Mapping};

/// What the shown part of a run is sealed for.
const SEALED_FOR: &str = "roster run";

/// The columns of this crate that hang on a key.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "roster_runs",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "run_id",
        purpose: SEALED_FOR,
    },
}];

/// What of a file's people is shown to whoever decides on it, sealed while it is kept.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// The header's fields.
    pub fields: Vec<String>,
    /// The first rows.
    pub rows: Vec<Vec<String>>,
    /// Headers that mean no column, the first of them.
    pub unknown_columns: Vec<String>,
    /// How many there are in all, where those are not all.
    pub unknown_count: u64,
    /// A few people of each kind of change.
    pub samples: Vec<Sample>,
    /// Lines in which a birth date is corrected.
    pub corrected_lines: Vec<u64>,
    /// Words for 続柄 that nobody has told the meaning of, with their rows.
    pub unknown_words: Vec<(String, u64)>,
    /// The first errors, in words.
    pub errors: Vec<String>,
    /// The first people whom undoing an import left as they are.
    pub skipped: Vec<Sample>,
}

impl Shown {
    /// Where the file has the columns of the format.
    pub(crate) fn header(&self, mapping: &Mapping) -> Header<Column> {
        Header::of(&self.fields, mapping)
    }

    /// What means nothing in it, with what else was found to, and how many that is in all.
    pub(in crate::runs) fn and_unknown(&self, found: &[String]) -> (Vec<String>, u64) {
        let mut known = self.unknown_columns.clone();
        let more = tabular::first_unknown(found).into_iter();
        known.extend(more.filter(|name| !self.unknown_columns.contains(name)));
        let in_all = u64::try_from(known.len().max(found.len())).unwrap_or(u64::MAX);
        known.truncate(tabular::UNKNOWN.0);
        (known, self.unknown_in_all().max(in_all))
    }

    /// How many headers mean no column.
    pub fn unknown_in_all(&self) -> u64 {
        let told = u64::try_from(self.unknown_columns.len()).unwrap_or(u64::MAX);
        self.unknown_count.max(told)
    }

    /// How many of them are not told, in words; none where all are.
    pub fn more_unknown(&self) -> Option<String> {
        let told = u64::try_from(self.unknown_columns.len()).unwrap_or(u64::MAX);
        let more = self.unknown_count.saturating_sub(told);
        (more > 0).then(|| text::grouped(more))
    }
}

/// Keeps the first errors of a refused file, and which file has them all.
pub(in crate::runs) async fn keep_errors(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
    (shown, errors): (&Shown, Option<UploadId>),
) -> Result<(), DatabaseError> {
    diesel::update(of(tx, run))
        .set((
            roster_runs::sealed.eq(seal(keys, tx, run, shown)?),
            roster_runs::errors_id.eq(errors),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps the first people whom undoing an import left as they are.
pub(crate) async fn keep_skipped(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
    skipped: Vec<Sample>,
) -> Result<(), DatabaseError> {
    let shown = Shown {
        skipped,
        ..Shown::default()
    };
    diesel::update(of(tx, run))
        .set(roster_runs::sealed.eq(seal(keys, tx, run, &shown)?))
        .execute(&mut **tx)
        .await?;
    Ok(())
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

/// What is shown of its people.
pub(in crate::runs) async fn shown(
    tx: &mut TenantTransaction,
    keys: &Keys,
    run: ImportId,
) -> Result<Option<Shown>, DatabaseError> {
    let sealed: Option<Option<Vec<u8>>> = of(tx, run)
        .select(roster_runs::sealed)
        .first(&mut **tx)
        .await
        .optional()?;
    let Some(sealed) = sealed.flatten() else {
        return Ok(None);
    };
    let opened = keys.open(SEALED_FOR, run.of(tx.tenant()), &sealed);
    let opened = opened.map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    let shown = serde_json::from_slice(&opened).map_err(|_| unread("what a roster run shows"))?;
    Ok(Some(shown))
}
