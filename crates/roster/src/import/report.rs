//! What an import answers: what it did or would do, or why it did nothing.

use super::RowErrors;
use crate::runs::Lately;
use chrono::NaiveDate;
use database::DatabaseError;
use kernel::{ImportId, PersonId, Relation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tabular::Encoding;

/// What an import may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Only say what would change.
    pub dry_run: bool,
    /// Go on though more of the covered persons would vanish than the insurer allows.
    pub allow_loss: bool,
    /// Rows that are taken at most: a longer file is rather a wrong one.
    pub max_rows: u64,
    /// Who lost coverage before this day would be forgotten at once: whoever is not in the roster is not taken into it, and whoever
    /// is in it is not lost so.
    pub forgotten_before: Option<NaiveDate>,
}

impl Options {
    /// Twice the people of the largest health insurance societies.
    pub const MAX_ROWS: u64 = 2_000_000;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dry_run: false,
            allow_loss: false,
            max_rows: Self::MAX_ROWS,
            forgotten_before: None,
        }
    }
}

/// What was done, or in a dry run would be done. Every row of the file is new, changed, returned, lost, unchanged or
/// too old; lost also counts the persons who are missing from the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The import, as journal, events and audit trail name it; in a dry run nobody does.
    pub import_id: ImportId,
    /// True where nothing was written.
    pub dry_run: bool,
    /// True of a file of changes: nobody is lost by not standing in it.
    pub is_delta: bool,
    /// The file's encoding, as found.
    pub encoding: Encoding,
    /// Columns of the file that no rule knows; they were not read.
    pub unknown_columns: Vec<String>,
    /// Whom the file calls what.
    pub relations: Relations,
    /// Rows of the file, its header and empty lines aside.
    pub rows: u64,
    /// Persons seen for the first time.
    pub new: u64,
    /// Persons of whom something changed.
    pub changed: u64,
    /// Those of the changed, returned and lost whose birth date is another one now.
    pub corrected: Corrected,
    /// Persons covered again after a loss.
    pub returned: u64,
    /// Persons whose coverage ended: by a day of loss in the file or by not being in it.
    pub lost: u64,
    /// Persons whom undoing an import left as they are, for they have changed since.
    pub skipped: u64,
    /// Rows that say what is known already.
    pub unchanged: u64,
    /// Rows of persons who lost coverage before [`Options::forgotten_before`] and are not in the roster: not taken over.
    pub too_old: u64,
    /// The share whose access would end with the import.
    pub vanishing: Vanishing,
}

/// Somebody whom an import changes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The word of a [`ChangeKind`](crate::ChangeKind).
    pub kind: String,
    /// Who.
    pub person_id: PersonId,
    /// Where they stand in the file, if they do.
    pub line: Option<u64>,
    /// 記号・番号・枝番.
    pub number: String,
    /// Their name, in kana where there is no other.
    pub name: String,
    /// What changes, by the columns of the format; a birth date with what it was and will be.
    pub fields: Vec<String>,
}

/// Rows by what their 続柄 means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// 本人.
    pub principals: u64,
    /// 家族.
    pub family: u64,
    /// 不明: nobody has told what the word means, and unless everybody is insured, nobody of it can sign up.
    pub unknown: u64,
    /// The words of the unknown as written, the first [`Self::MOST_WORDS`] of them, with their rows.
    pub unknown_words: BTreeMap<String, u64>,
}

impl Relations {
    /// More different words than this are rather a column that holds something else.
    pub const MOST_WORDS: usize = 30;

    pub(super) fn count(&mut self, relation: Relation, written: &str) {
        match relation {
            Relation::Principal => self.principals += 1,
            Relation::Unknown => {
                self.unknown += 1;
                if let Some(rows) = self.unknown_words.get_mut(written) {
                    *rows += 1;
                } else if self.unknown_words.len() < Self::MOST_WORDS {
                    self.unknown_words.insert(written.to_owned(), 1);
                }
            }
            _ => self.family += 1,
        }
    }
}

/// Persons of the same number, branch and name (or personal id) whose birth date the file corrects. Their accounts stay
/// theirs, so a clerk should see that each is a correction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrected {
    /// How many.
    pub persons: u64,
    /// Where they stand in the file, the first [`Self::MOST_LINES`] of them.
    pub lines: Vec<u64>,
}

impl Corrected {
    /// More corrections than this at once are rather a wrong column.
    pub const MOST_LINES: i64 = 30;
}

/// How many of the covered persons a file leaves out or ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vanishing {
    /// Persons in the last roster whose coverage has not ended. Of a file of changes, and of an undoing, they are counted only
    /// where more than usual would vanish: there are a million of them, and few look at a thousand changes.
    pub covered: Option<u64>,
    /// Those of them who are not in the file.
    pub missing: u64,
    /// Those of them whom the file gives a day of loss that has come.
    pub ended: u64,
    /// How many of a hundred may vanish without being asked about: the insurer's ([`RosterSettings`](tenancy::RosterSettings)).
    #[serde(default = "usual_percent")]
    pub percent: u64,
    /// Those of them whom the file gives an earlier day of loss, to come, where that counts as well: in the console.
    #[serde(default)]
    pub coming: u64,
    /// Whom other imports lost lately, where theirs count with this one's: in the console.
    #[serde(default)]
    pub earlier: u64,
}

/// Of runs of before insurers had their own.
fn usual_percent() -> u64 {
    u64::from(tenancy::RosterSettings::default().loss_percent)
}

impl Vanishing {
    /// Whom the file itself leaves out or ends.
    pub fn lost(self) -> u64 {
        self.missing.saturating_add(self.ended).saturating_add(self.coming)
    }

    /// As the console counts, beside what other imports lost lately.
    #[must_use]
    pub(crate) fn after(self, lately: Lately) -> Self {
        Self {
            earlier: lately.lost,
            ..self
        }
    }

    /// As the console counts within bounds, or as the command line does: what has come, of this file.
    #[must_use]
    pub(super) fn counted(self, bounds: Option<Bounds>) -> Self {
        match bounds {
            Some(bounds) => self.after(bounds.lately),
            None => Self { coming: 0, ..self },
        }
    }

    /// Persons whose coverage had not ended before the first of those imports, where they are counted.
    pub fn before_earlier(self) -> Option<u64> {
        self.covered.map(|covered| covered.saturating_add(self.earlier))
    }

    /// True where more than that would vanish, with those who did lately: rather a wrong or cut-off file, or one with its
    /// columns shifted, than so many losses.
    pub fn is_too_much(self) -> bool {
        self.covered.is_some_and(|covered| covered < self.needed())
    }

    /// How many must be covered, so that no more than usual vanish.
    pub(crate) fn needed(self) -> u64 {
        if self.lost() == 0 {
            return 0;
        }
        let lost = self.lost().saturating_add(self.earlier).saturating_mul(100);
        let of = (self.percent > 0).then(|| lost.div_ceil(self.percent));
        of.map_or(u64::MAX, |of| of.saturating_sub(self.earlier))
    }
}

/// What whoever decided on a run of the console was shown, and what other imports lost lately: it loses and corrects no more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) lately: Lately,
    /// True where it was shown that more than usual are lost.
    pub(crate) allow_loss: bool,
    /// Covered persons lost.
    pub(crate) losses: u64,
    /// Birth dates corrected.
    pub(crate) corrections: u64,
}

impl Bounds {
    /// Why a run is not done that would lose and correct so many, if it is not.
    pub(super) fn refusal(self, vanishing: Vanishing, corrected: &Corrected) -> Option<ImportRefused> {
        let may_lose = self.allow_loss && vanishing.lost() <= self.losses;
        if vanishing.is_too_much() && !may_lose {
            Some(ImportRefused::Loss(vanishing))
        } else {
            (corrected.persons > self.corrections).then_some(ImportRefused::Corrected)
        }
    }
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Rows are read and staged.
    Reading {
        /// Rows staged so far.
        rows: u64,
        /// How much of the file that is.
        read: tabular::Progress,
    },
    /// Rows are compared with each other and with the roster.
    Comparing,
    /// The differences are written.
    Merging,
}

/// Why an import did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The insurer's roster stays as it was, for a reason that the person at the terminal can mend.
    #[error(transparent)]
    Refused(#[from] ImportRefused),
    /// The file can't be opened or read.
    #[error("the roster file cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// The database is away, or the reading thread is.
    #[error(transparent)]
    Outage(#[from] DatabaseError),
}

/// What stands against an import. The words are for the terminal.
#[derive(Debug, thiserror::Error)]
pub enum ImportRefused {
    /// Rows or columns are wrong; nothing was taken over.
    #[error("ファイルに{}件の誤りがあります。何も取り込んでいません。直してから、もう一度取り込んでください。", .0.count())]
    Rows(RowErrors),
    /// More of the covered persons than the insurer allows are not in the file, or lost by it.
    #[error(
        "加入中の{}人のうち、{}人がファイルになく、{}人が今日までの資格喪失日になっています（合わせて{}％を超えています）。何も取り込んでいません。ファイルが全員分か、資格喪失日の列が正しいかお確かめください。正しいときは --allow-loss を付けて取り込んでください。",
        .0.covered.unwrap_or_default(),
        .0.missing,
        .0.ended,
        .0.percent
    )]
    Loss(Vanishing),
    /// More birth dates would be corrected than were shown to whoever had it imported.
    #[error(
        "生年月日が変わる方が、照合したときより増えています。何も取り込んでいません。もう一度読み込んで、照合し直してください。"
    )]
    Corrected,
    /// Somebody cancelled it, or it had ended already.
    #[error("取り込みは中止されました。何も取り込んでいません。")]
    Cancelled,
    /// Another import of the same insurer is under way.
    #[error("この保険者の取り込みがほかで進んでいます。終わってから、もう一度取り込んでください。")]
    Running,
}

impl ImportRefused {
    /// The stable word for the audit trail.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rows(_) => "rows",
            Self::Loss(_) => "loss",
            Self::Corrected => "corrected",
            Self::Cancelled => "cancelled",
            Self::Running => "running",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_needed_as_keep_the_losses_within_the_percentage() {
        for percent in [0, 1, 5, 33, 100] {
            for (lost, earlier, covered) in (0..30)
                .flat_map(|lost| (0..9).flat_map(move |earlier| (0..200).map(move |covered| (lost, earlier, covered))))
            {
                let vanishing = Vanishing {
                    covered: Some(covered),
                    ended: lost,
                    earlier,
                    percent,
                    ..Vanishing::default()
                };
                let exceeds = lost > 0 && (lost + earlier) * 100 > (covered + earlier) * percent;
                assert_eq!(vanishing.is_too_much(), exceeds, "{vanishing:?}");
            }
        }
    }
}
