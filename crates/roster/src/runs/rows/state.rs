//! How far an import has come, and in numbers what came of it.

use crate::import::{ImportError, ImportRefused, Report, Vanishing};
use serde::{Deserialize, Serialize};

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Its file is being brought.
    Receiving,
    /// The file is there: somebody looks at its columns.
    Received,
    /// A worker compares it with the roster.
    Comparing,
    /// The difference is known: somebody decides.
    Compared,
    /// It is imported.
    Running,
    /// It was imported.
    Finished,
    /// It was not, for a reason that lies in the file.
    Refused,
    /// Somebody ended it.
    Cancelled,
    /// Its process ended, and nobody could go on with it.
    Broken,
}

impl RunState {
    const ALL: [Self; 9] = [
        Self::Receiving,
        Self::Received,
        Self::Comparing,
        Self::Compared,
        Self::Running,
        Self::Finished,
        Self::Refused,
        Self::Cancelled,
        Self::Broken,
    ];
    /// Those before an end.
    pub(super) const OPEN: [&'static str; 5] = ["receiving", "received", "comparing", "compared", "running"];
    /// Those that a new file of the same person takes the place of.
    pub(super) const DRAFTS: [&'static str; 3] = ["receiving", "received", "compared"];

    /// The word in the database and the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Received => "received",
            Self::Comparing => "comparing",
            Self::Compared => "compared",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Broken => "broken",
        }
    }

    /// True while a worker has it.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Comparing | Self::Running)
    }

    /// True where it may still be cancelled.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self.as_str())
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// As what a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A table with a header: a CSV or a book.
    #[default]
    Csv,
    /// An object of JSON on each line. It is kept as a CSV, whose header is one line more.
    Ndjson,
}

impl Format {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Csv, Self::Ndjson]
            .into_iter()
            .find(|format| format.as_str() == word)
    }
}

/// What came, or would come, of an import, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// The file's encoding.
    pub encoding: String,
    /// A file of changes.
    pub is_delta: bool,
    /// Rows of the file.
    pub rows: u64,
    /// As in [`Report`].
    pub new: u64,
    /// As in [`Report`].
    pub changed: u64,
    /// As in [`Report`].
    pub corrected: u64,
    /// As in [`Report`].
    pub returned: u64,
    /// As in [`Report`].
    pub lost: u64,
    /// As in [`Report`].
    pub unchanged: u64,
    /// As in [`Report`].
    pub too_old: u64,
    /// Rows whose 続柄 nobody has told the meaning of.
    pub unknown_relations: u64,
    /// People whom undoing an import left as they are.
    pub skipped: u64,
    /// What is wrong with the file.
    pub errors: u64,
    /// The share whose access would end.
    pub vanishing: Vanishing,
    /// Why it was refused: `rows`, `loss`, `corrected`, or `file` where the file could not be read to its end.
    pub refused: String,
}

impl From<&Report> for Counts {
    fn from(report: &Report) -> Self {
        Self {
            encoding: report.encoding.as_str().to_owned(),
            is_delta: report.is_delta,
            rows: report.rows,
            new: report.new,
            changed: report.changed,
            corrected: report.corrected.persons,
            returned: report.returned,
            lost: report.lost,
            unchanged: report.unchanged,
            too_old: report.too_old,
            unknown_relations: report.relations.unknown,
            skipped: report.skipped,
            errors: 0,
            vanishing: report.vanishing,
            refused: String::new(),
        }
    }
}

impl Counts {
    /// Of an import that came to nothing.
    pub(in crate::runs) fn of(error: &ImportError) -> Self {
        let ImportError::Refused(refused) = error else {
            return Self {
                refused: "file".to_owned(),
                ..Self::default()
            };
        };
        let (errors, vanishing) = match refused {
            ImportRefused::Rows(errors) => (errors.count(), Vanishing::default()),
            ImportRefused::Loss(vanishing) => (0, *vanishing),
            ImportRefused::Corrected | ImportRefused::Cancelled | ImportRefused::Running => (0, Vanishing::default()),
        };
        Self {
            errors,
            vanishing,
            refused: refused.code().to_owned(),
            ..Self::default()
        }
    }
}
