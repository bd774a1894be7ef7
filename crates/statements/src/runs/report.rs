//! What was found in a file, in numbers that are nobody's, as a run keeps it.

use crate::{
    check::Checked,
    compare::{self, Earlier},
    kind::Kind,
    month::Month,
    reasons::ImportRefused,
    tally::{Sum, Totals},
};
use serde::{Deserialize, Serialize};

/// What came of a run so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// How the file is written.
    pub encoding: String,
    /// What it holds, once it was read to its end and may be loaded.
    pub found: Option<Found>,
    /// Errors in its rows.
    pub errors: u64,
    /// Why nothing was loaded, and what to do.
    pub refused: String,
    /// The same as a stable word; empty of what was refused before there were any.
    pub refused_code: String,
}

/// What a file holds and changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// 処理年月.
    pub label: Month,
    /// Rows that count.
    pub rows: u64,
    /// Rows of months too old to be shown.
    pub too_old: u64,
    /// Rows that take a claim back.
    pub withdrawn: u64,
    /// Rows whose total is not the sum of its shares.
    pub uneven: u64,
    /// Rows that give back more than was paid at the window.
    pub joint: u64,
    /// People whom the roster knows.
    pub persons: u64,
    /// Of these the protected, and their rows.
    #[serde(default)]
    pub hidden: Hidden,
    /// Rows of nobody whom it knows.
    pub unknown: u64,
    /// Rows of whom it knows several.
    pub several: u64,
    /// Rows of medicines that their month's master has not.
    pub unknown_drugs: u64,
    /// By month and category, and what it changes of what is published.
    pub totals: Totals,
    /// What is published of other labels, the newest few.
    pub earlier: Vec<Earlier>,
    /// What is published of its own label.
    #[serde(default)]
    pub replaces: Option<Earlier>,
    /// The version of its label that came of the very same file and may be published.
    #[serde(default)]
    pub same: Option<i32>,
}

/// Protected people of a file: matched and loaded as everybody, and unknown to whoever may not see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hidden {
    /// How many they are.
    pub persons: u64,
    /// Their rows.
    pub rows: u64,
}

impl From<&Checked> for Found {
    fn from(checked: &Checked) -> Self {
        let tally = &checked.tally;
        Self {
            label: checked.label,
            rows: tally.rows,
            too_old: tally.too_old,
            withdrawn: tally.withdrawn,
            uneven: tally.uneven,
            joint: tally.joint,
            persons: checked.persons,
            hidden: checked.hidden,
            unknown: checked.unknown,
            several: checked.several,
            unknown_drugs: checked.unknown_drugs,
            totals: checked.totals(),
            earlier: checked.earlier.clone(),
            replaces: checked.replaces,
            same: checked.same,
        }
    }
}

impl Found {
    /// 医療費の総額 of all rows.
    pub fn yen(&self) -> i64 {
        self.totals.by.iter().map(|(_, _, Sum { total, .. })| total).sum()
    }

    /// What keeps it from loading unless somebody says that it is right.
    pub(super) fn doubts(&self, kind: Kind) -> Vec<ImportRefused> {
        compare::doubts(kind, (self.rows, self.unknown), self.yen(), &self.earlier)
    }
}
