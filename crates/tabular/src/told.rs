//! A file of coded errors ([`RowErrors::write_coded_csv`](crate::RowErrors::write_coded_csv)), read page by page for a program: a page
//! begins at a byte of the file, so that the last is found as fast as the first.

use crate::uploads::{PIECE, Upload, part};
use chrono::{DateTime, Utc};
use csv::{ReaderBuilder, StringRecord};
use database::{DatabaseError, TenantTransaction};
use kernel::{Keys, text};
use zeroize::Zeroizing;

/// One error, as a program is told of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ToldError {
    /// The line of the file, from 1.
    pub line: u64,
    /// The column's name as the format has it; none of a whole row or file.
    pub column: Option<String>,
    /// What stands there, 「…」; none where that is nothing.
    pub value: Option<String>,
    /// What is wrong, in words for whoever mends the file.
    pub reason: String,
    /// The same as a code.
    pub code: String,
}

/// A page of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ToldErrors {
    /// By line.
    pub errors: Vec<ToldError>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}

/// The page of at most so many that begins at a byte, 0 or what a page before said.
pub async fn told(
    tx: &mut TenantTransaction,
    (keys, now): (&Keys, DateTime<Utc>),
    upload: &Upload,
    (from, most): (u64, usize),
) -> Result<ToldErrors, DatabaseError> {
    let piece = PIECE as u64;
    let first = u32::try_from(from / piece).unwrap_or(u32::MAX);
    let mut bytes = Zeroizing::new(Vec::new());
    // A page is far shorter than a piece.
    for nth in [first, first.saturating_add(1)] {
        if let Some(part) = part(tx, keys, now, upload, nth).await? {
            bytes.extend_from_slice(&part);
        }
    }
    let begin = usize::try_from(from % piece).unwrap_or(usize::MAX);
    let page = read(bytes.get(begin..).unwrap_or_default(), from, most);
    page.map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)).into())
}

fn read(bytes: &[u8], from: u64, most: usize) -> Result<ToldErrors, csv::Error> {
    let mut lines = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let (mut line, mut page) = (StringRecord::new(), ToldErrors::default());
    // The header.
    if from == 0 {
        lines.read_record(&mut line)?;
    }
    loop {
        let at = lines.position().byte();
        if !lines.read_record(&mut line)? {
            return Ok(page);
        }
        if page.errors.len() == most {
            page.next = Some(from + at);
            return Ok(page);
        }
        let field = |nth| line.get(nth).unwrap_or_default().to_owned();
        let some = |nth| Some(field(nth)).filter(|field| !field.is_empty());
        page.errors.push(ToldError {
            line: text::number(&field(0)).unwrap_or_default(),
            column: some(1),
            value: some(2),
            reason: field(3),
            code: field(4),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorLog, Fault};

    #[test]
    fn every_error_is_on_one_page() {
        let mut log = ErrorLog::default();
        for line in 2..=12 {
            log.add_value(line, "番号", "a,\"b", Fault::TooLong { max: 1 });
        }
        let mut csv = Vec::new();
        log.with(ErrorLog::default())
            .unwrap()
            .write_coded_csv(&mut csv)
            .unwrap();
        for most in [1, 4, 11, 200] {
            let (mut seen, mut from) = (Vec::new(), Some(0));
            while let Some(begin) = from {
                let page = read(&csv[usize::try_from(begin).unwrap()..], begin, most).unwrap();
                assert!(page.errors.len() <= most && !page.errors.is_empty());
                seen.extend(page.errors);
                from = page.next;
            }
            let lines: Vec<u64> = seen.iter().map(|error| error.line).collect();
            assert_eq!(lines, (2..=12).collect::<Vec<_>>(), "{most}");
            assert_eq!(
                (&*seen[3].code, seen[3].value.as_deref()),
                ("too_long", Some("「a,\"b」"))
            );
        }
    }
}
