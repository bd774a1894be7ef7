//! What is delivered: the costs, or the medicines.

use serde::{Deserialize, Serialize};
use tenancy::Feature;

/// What a delivery is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 医療費通知: what treatment cost, a row per claim.
    Costs,
    /// ジェネリック差額明細: the medicines of a claim, a row each.
    Medicines,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Costs, Self::Medicines];

    /// The word in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Costs => "costs",
            Self::Medicines => "medicines",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// As people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Costs => "医療費通知",
            Self::Medicines => "ジェネリック差額明細",
        }
    }

    /// What the insurer opens to show it.
    pub fn feature(self) -> Feature {
        match self {
            Self::Costs => Feature::CostStatements,
            Self::Medicines => Feature::GenericSavings,
        }
    }

    /// The table of its rows.
    pub fn table(self) -> &'static str {
        match self {
            Self::Costs => "cost_rows",
            Self::Medicines => "medicine_rows",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
