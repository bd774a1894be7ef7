//! A file as batches of rows, read on a thread of its own: every error of every row, and none of it in memory.

use crate::{
    amount,
    columns::{self, CostColumn, MedicineColumn},
    kind::Kind,
    line::{self, Format, Head, Line, Row, refuse},
    month::Month,
    reasons::{ErrorLog, Reason},
    tally::Tally,
};
use std::{
    collections::{BTreeMap, HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    io,
};
use tabular::{Chunk, Encoding, Fault, Mapping, Opened, Progress, Source, Table, TableRead};
use tokio::{sync::mpsc, task::JoinHandle};

/// Rows per batch, and so per question to the roster: a handful of batches are in memory at a time.
pub const BATCH: usize = 2_500;

/// Rows of a file at most: a month of ten times the largest health insurance society is shorter.
pub const MAX_ROWS: u64 = 5_000_000;

/// What a file is read by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What it is of.
    pub kind: Kind,
    /// 処理年月, where whoever brings it says so.
    pub label: Option<Month>,
    /// The oldest month of treatment that is shown.
    pub oldest: Month,
    /// The present month.
    pub now_month: Month,
    /// Rows at most.
    pub max_rows: u64,
    /// Which header means which column, where somebody has said so.
    pub mapping: Mapping,
}

/// What is known once a file is read to its end.
pub struct FileRead {
    /// How it is encoded, as found.
    pub encoding: Encoding,
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// Columns that no format knows; they were not read.
    pub unknown_columns: Vec<String>,
    /// 処理年月, where anybody says it.
    pub label: Option<Month>,
    /// All that is wrong with it.
    pub errors: ErrorLog,
    /// What it holds.
    pub tally: Tally,
}

/// Starts reading. The handle answers once the channel is closed.
pub fn start(source: Source, rules: Rules) -> (mpsc::Receiver<Chunk<Vec<Line>>>, JoinHandle<io::Result<FileRead>>) {
    tabular::in_batches(source, move |file, take| read(file, rules, take))
}

type Take<'a> = dyn FnMut(Chunk<Vec<Line>>) -> bool + 'a;

fn read(file: Opened, rules: Rules, take: &mut Take<'_>) -> io::Result<FileRead> {
    match rules.kind {
        Kind::Costs => read_as::<CostColumn>(file, rules, take),
        Kind::Medicines => read_as::<MedicineColumn>(file, rules, take),
    }
}

/// `take` answers false once nobody wants any more.
fn read_as<C: Format>(file: Opened, rules: Rules, take: &mut Take<'_>) -> io::Result<FileRead> {
    let Opened { stream, of } = file;
    let table_rules = tabular::Rules {
        max_rows: rules.max_rows,
        rows_of: "明細",
        blanks_behind: false,
    };
    let mut table = Table::<C, Reason, _>::open_mapped(stream, rules.mapping.clone(), table_rules)?;
    let mut reading = Reading::new(rules);
    let refused = forbidden(table.header().unknown());
    if refused.is_some() {
        return finish(table, reading, refused);
    }
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(mut row) = table.next_row()? {
        if let Some(line) = reading.line(&mut row) {
            reading.tally.add(&line);
            batch.push(line);
        }
        if batch.len() >= BATCH {
            let batch = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            let bytes = table.bytes();
            let progress = Progress { bytes, of };
            if !take(Chunk { batch, progress }) {
                break;
            }
        }
    }
    if !batch.is_empty() {
        let progress = Progress { bytes: of, of };
        take(Chunk { batch, progress });
    }
    finish(table, reading, None)
}

/// `refused`: what the file is refused for before a row is read; what is wrong with its header besides is told with it.
fn finish<C: Format>(
    table: Table<C, Reason, Box<dyn io::Read + Send>>,
    reading: Reading,
    refused: Option<ErrorLog>,
) -> io::Result<FileRead> {
    let TableRead {
        encoding,
        header,
        errors,
        hash,
    } = table.finish()?;
    let errors = match refused {
        Some(mut refused) => {
            for error in errors.kept() {
                refused.add(error.line, error.column, error.reason.clone());
            }
            refused
        }
        None => errors,
    };
    Ok(FileRead {
        encoding,
        hash,
        unknown_columns: header.unknown().to_vec(),
        label: reading.label,
        errors,
        tally: reading.tally,
    })
}

/// An error for each column that the portal does not take.
fn forbidden(unknown: &[String]) -> Option<ErrorLog> {
    let mut errors = ErrorLog::default();
    for header in unknown.iter().filter(|header| columns::forbidden(header)) {
        errors.add_value(1, "", header, Reason::Forbidden);
    }
    (!errors.is_empty()).then_some(errors)
}

/// What is known of a file so far.
struct Reading {
    rules: Rules,
    /// 処理年月 as whoever brought it says, else as the file does.
    label: Option<Month>,
    /// True once it was noted that there is none, or another.
    is_label_noted: bool,
    /// The lines of claims, by hashes under a key of this file's own: in a million files of five million claims two of one
    /// file share one. There are millions: as bytes a hash and its line take twelve, not sixteen, and in parts, by a hash's first
    /// byte, all of them are never there twice while there is more room made.
    claims: BTreeMap<u8, HashMap<[u8; 8], u32>>,
    hashes: RandomState,
    tally: Tally,
}

impl Reading {
    fn new(rules: Rules) -> Self {
        Self {
            label: rules.label,
            rules,
            is_label_noted: false,
            claims: BTreeMap::new(),
            hashes: RandomState::new(),
            tally: Tally::default(),
        }
    }

    /// The row; nothing where something is wrong, which is noted, or where its month is too old to be shown.
    fn line<C: Format>(&mut self, row: &mut Row<'_, C>) -> Option<Line> {
        self.read_label(row);
        let withdrawn = row.read(C::WITHDRAWN, amount::flag);
        let head = self.head(row, withdrawn);
        // Where nobody can tell whether it takes its claim back, its blanks are no errors of their own.
        let rest = C::rest(row, withdrawn.unwrap_or(true));
        let (head, rest) = (head?, rest?);
        if self.is_too_old(head.month) {
            self.tally.too_old += 1;
            return None;
        }
        Some(C::line(head, rest))
    }

    /// 処理年月: all rows that say one say the first's, which is the one that was given, if one was. What is wrong is noted
    /// once.
    fn read_label<C: Format>(&mut self, row: &mut Row<'_, C>) {
        let Some(said) = row.read(C::LABEL, |text| {
            amount::blank_or(text, None, |text| month(text).map(Some))
        }) else {
            return;
        };
        self.label = self.label.or(said);
        let wrong = match (self.label, said) {
            (None, _) => Some(Reason::NoLabel),
            (Some(label), Some(said)) if said != label => Some(match self.rules.label {
                Some(given) => Reason::GivenLabel { given },
                None => Reason::OtherLabel { first: label },
            }),
            (Some(label), _) => (label > self.rules.now_month).then_some(Reason::Label),
        };
        if let Some(wrong) = wrong.filter(|_| !self.is_label_noted) {
            self.is_label_noted = true;
            refuse::<C, ()>(row, C::LABEL, &wrong);
        }
    }

    fn head<C: Format>(&mut self, row: &mut Row<'_, C>, withdrawn: Option<bool>) -> Option<Head> {
        let who = line::who(row);
        let label = self.label;
        let month = row.read(C::MONTH, |text| match (month(text)?, label) {
            (month, Some(label)) if month > label => Err(Reason::MonthAfterLabel { label }),
            (month, _) => Ok(month),
        });
        let claim = row.read(C::CLAIM, line::code);
        // The database counts lines in as many bits.
        let Some(line) = i32::try_from(row.line()).ok().and_then(|line| u32::try_from(line).ok()) else {
            let max = self.rules.max_rows;
            return refuse(row, C::MONTH, &Fault::TooManyRows { max }.into());
        };
        if withdrawn == Some(true) && claim.as_deref() == Some("") {
            return refuse(row, C::CLAIM, &Reason::WithdrawnUnnamed);
        }
        let (month, claim) = (month?, claim?);
        if let Some(first) = self.repeated::<C>(line, month, &claim) {
            return refuse(row, C::CLAIM, &Reason::Repeated { line: first });
        }
        Some(Head {
            line,
            who: who?,
            month,
            claim,
            withdrawn: withdrawn?,
        })
    }

    /// The line before this one that is the same claim.
    fn repeated<C: Format>(&mut self, line: u32, month: Month, claim: &str) -> Option<u32> {
        if !C::IS_A_CLAIM || claim.is_empty() || self.is_too_old(month) {
            return None;
        }
        let hash = self.hashes.hash_one((month, claim)).to_ne_bytes();
        let [part, ..] = hash;
        let first = *self.claims.entry(part).or_default().entry(hash).or_insert(line);
        (first != line).then_some(first)
    }

    fn is_too_old(&self, month: Month) -> bool {
        month < self.rules.oldest
    }
}

fn month(text: &str) -> Result<Month, Reason> {
    Month::parse(text).ok_or_else(|| match text.trim() {
        "" => Fault::Empty.into(),
        _ => Reason::Month,
    })
}

#[cfg(test)]
mod tests;
