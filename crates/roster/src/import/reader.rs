//! Reads and parses the file on a thread of its own and feeds batches through a bounded channel: memory stays the same
//! however long the file is, and a dropped import stops the thread at its next batch.

use super::{
    encoding::Encoding,
    errors::{ErrorLog, Reason},
    header::{Column, Header},
    report::Relations,
    rows::RowParser,
    shape::{self, Shape},
    staging::Batch,
};
use chrono::{DateTime, Utc};
use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
use kernel::{RelationWords, calendar};
use sha2::{Digest, Sha256};
use std::{
    io::{self, Read},
    path::PathBuf,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Rows per batch: large enough that the round trip does not count, small enough to be no burden.
const BATCH_ROWS: usize = 4_000;
/// Batches parsed ahead of the database.
const BATCHES_AHEAD: usize = 2;
/// A row this long is an open quotation mark; without a limit it would be read into memory to the end of the file.
const MAX_ROW_BYTES: u64 = 1 << 20;

/// A batch and how far the file is read.
pub(super) struct Chunk {
    pub(super) batch: Batch,
    pub(super) bytes: u64,
    pub(super) of: u64,
}

/// What is known once the file is read to its end.
pub(super) struct FileRead {
    pub(super) encoding: Encoding,
    pub(super) header: Header,
    pub(super) errors: ErrorLog,
    /// Whom its rows call what.
    pub(super) relations: Relations,
    /// SHA-256 of the file's bytes.
    pub(super) hash: [u8; 32],
}

/// Starts reading. The handle answers once the channel is closed.
pub(super) fn start(path: PathBuf, rules: Rules) -> (mpsc::Receiver<Chunk>, JoinHandle<io::Result<FileRead>>) {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let file = files::stream(&path)?;
        let of = file.metadata()?.len();
        read(file, of, rules, |chunk| sender.blocking_send(chunk).is_ok())
    });
    (receiver, reading)
}

/// What a file is read by.
pub(super) struct Rules {
    /// When the import started.
    pub(super) now: DateTime<Utc>,
    /// The insurer's words for 続柄.
    pub(super) relations: RelationWords,
    /// True where everybody is an insured person.
    pub(super) all_insured: bool,
    /// Rows at most.
    pub(super) max_rows: u64,
}

/// Reads a file of `of` bytes; `take` answers false once nobody wants any more.
fn read(mut file: impl Read, of: u64, rules: Rules, mut take: impl FnMut(Chunk) -> bool) -> io::Result<FileRead> {
    let Rules {
        now,
        relations,
        all_insured,
        max_rows,
    } = rules;
    let mut errors = ErrorLog::default();
    let head = shape::head(&mut file)?;
    let shape = Shape::of(&head);
    let Shape { delimiter, ends_in_cr } = shape.clone().unwrap_or(Shape::USUAL);
    let mut csv = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        // Line feeds alone end a row, so that lines can be counted; `RowParser` takes the carriage return off.
        .terminator(Terminator::Any(b'\n'))
        .from_reader(Metered::new(io::Cursor::new(head).chain(file), ends_in_cr));
    let mut record = ByteRecord::new();
    let (encoding, header) = match shape {
        Ok(_) => {
            next(&mut csv, &mut record, &mut errors)?;
            read_header(&record, csv.get_ref().head, &mut errors)
        }
        Err(reason) => unread(reason, &mut errors),
    };
    let parser = RowParser {
        header,
        encoding,
        today: calendar::today_in_japan(now),
        relations,
        all_insured,
    };
    let mut relations = Relations::default();
    if errors.is_empty() {
        let mut batch = Batch::default();
        let mut rows = 0;
        while let Some(line) = next(&mut csv, &mut record, &mut errors)? {
            if rows == max_rows {
                errors.add(line, "", Reason::TooManyRows { max: max_rows });
                break;
            }
            rows += 1;
            if let Some(row) = parser.parse(line, &record, &mut errors) {
                relations.count(row.relation, &row.relationship);
                batch.push(line, row, now);
            }
            if batch.len() >= BATCH_ROWS {
                let bytes = csv.get_ref().bytes;
                if !take(Chunk {
                    batch: std::mem::take(&mut batch),
                    bytes,
                    of,
                }) {
                    break;
                }
            }
        }
        if rows == 0 && errors.is_empty() {
            errors.add(1, "", Reason::NoRows);
        }
        if batch.len() > 0 {
            take(Chunk { batch, bytes: of, of });
        }
    }
    Ok(FileRead {
        encoding,
        header: parser.header,
        errors,
        relations,
        hash: csv.into_inner().hash_to_end()?,
    })
}

/// The next row that is not blank, and the line it begins on.
fn next<R: Read>(
    csv: &mut Reader<Metered<R>>,
    record: &mut ByteRecord,
    errors: &mut ErrorLog,
) -> io::Result<Option<u64>> {
    loop {
        match csv.read_byte_record(record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => {
                let line = csv.position().line();
                return match error.into_kind() {
                    csv::ErrorKind::Io(long) if long.kind() == io::ErrorKind::FileTooLarge => {
                        errors.add(line, "", Reason::RowTooLong);
                        Ok(None)
                    }
                    csv::ErrorKind::Io(other) => Err(other),
                    // Bytes of any shape are records; only reading can fail.
                    other => Err(io::Error::other(format!("{other:?}"))),
                };
            }
        }
        csv.get_mut().row_bytes = 0;
        if csv.get_ref().is_unended {
            drop_end_mark(record);
        }
        if !record.iter().flatten().copied().all(shape::is_blank) {
            let within = record.iter().flatten().filter(|byte| **byte == b'\n').count();
            // The reader stands behind the line feed that ended the row.
            return Ok(Some(
                csv.position()
                    .line()
                    .saturating_sub(1 + u64::try_from(within).unwrap_or_default()),
            ));
        }
    }
}

/// The mark at the end of an old text file may stand behind its last field.
fn drop_end_mark(record: &mut ByteRecord) {
    let last = record.get(record.len().saturating_sub(1)).unwrap_or_default();
    let marks = last.iter().rev().take_while(|byte| **byte == shape::END_MARK).count();
    if marks > 0 {
        let kept = last.get(..last.len() - marks).unwrap_or_default().to_vec();
        record.truncate(record.len() - 1);
        record.push_field(&kept);
    }
}

/// The header decides on the encoding: in the right one its columns have names that are known.
fn read_header(record: &ByteRecord, head: [u8; 3], errors: &mut ErrorLog) -> (Encoding, Header) {
    let candidates: &[Encoding] = match head {
        [0xEF, 0xBB, 0xBF] => &[Encoding::Utf8Bom],
        _ => &[Encoding::Utf8, Encoding::Cp932],
    };
    let decoded = candidates.iter().find_map(|encoding| {
        let fields: Option<Vec<String>> = record
            .iter()
            .map(|field| encoding.decode(field).map(std::borrow::Cow::into_owned))
            .collect();
        fields
            .filter(|fields| fields.iter().all(|field| !field.contains('\0')))
            .map(|fields| (*encoding, fields))
    });
    if let Some((encoding, fields)) = decoded {
        let header = Header::read(&fields, errors);
        // Of a file in another encoding no column is known; naming each as missing would mislead.
        let is_other = Column::ALL.iter().all(|column| !header.has(*column)) && !record.is_empty() && !is_ascii(record);
        if !is_other {
            return (encoding, header);
        }
        *errors = ErrorLog::default();
    }
    unread(Reason::UnknownEncoding, errors)
}

/// A file that can't be read.
fn unread(why: Reason, errors: &mut ErrorLog) -> (Encoding, Header) {
    errors.add(1, "", why);
    (Encoding::Utf8, Header::read(&[], &mut ErrorLog::default()))
}

fn is_ascii(record: &ByteRecord) -> bool {
    record.iter().all(<[u8]>::is_ascii)
}

/// The file with its bytes counted and hashed, its last line ended and no row longer than [`MAX_ROW_BYTES`].
struct Metered<R> {
    inner: R,
    /// True where carriage returns end its lines: they become line feeds.
    ends_in_cr: bool,
    /// True once its last line was ended for it.
    is_unended: bool,
    hash: Sha256,
    head: [u8; 3],
    bytes: u64,
    row_bytes: u64,
    last: u8,
}

impl<R: Read> Metered<R> {
    fn new(inner: R, ends_in_cr: bool) -> Self {
        Self {
            inner,
            ends_in_cr,
            is_unended: false,
            hash: Sha256::new(),
            head: [0; 3],
            bytes: 0,
            row_bytes: 0,
            last: b'\n',
        }
    }

    /// The hash of the whole file, also of what nobody wanted to parse.
    fn hash_to_end(mut self) -> io::Result<[u8; 32]> {
        let mut rest = vec![0; 1 << 16];
        loop {
            self.row_bytes = 0;
            if self.read(&mut rest)? == 0 {
                return Ok(self.hash.finalize().into());
            }
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row_bytes > MAX_ROW_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.read(buffer)?;
        let Some(read) = buffer.get_mut(..count) else {
            return Ok(0);
        };
        if read.is_empty() {
            return Ok(match buffer.first_mut() {
                Some(first) if self.last != b'\n' => {
                    (*first, self.last, self.is_unended) = (b'\n', b'\n', true);
                    1
                }
                _ => 0,
            });
        }
        self.hash.update(&*read);
        if self.ends_in_cr {
            for byte in read.iter_mut().filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
        let seen = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        for (slot, byte) in self.head.iter_mut().skip(seen).zip(&*read) {
            *slot = *byte;
        }
        let count_u64 = u64::try_from(count).unwrap_or_default();
        self.bytes += count_u64;
        self.row_bytes += count_u64;
        self.last = read.last().copied().unwrap_or(self.last);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称,氏名（漢字）";

    fn rules(max_rows: u64) -> Rules {
        let now = DateTime::parse_from_rfc3339("2026-11-22T12:00:00+09:00").unwrap();
        Rules {
            now: now.to_utc(),
            relations: RelationWords::default(),
            all_insured: false,
            max_rows,
        }
    }

    fn read_bytes(file: &[u8]) -> (FileRead, Vec<i64>) {
        let mut lines = Vec::new();
        let read = read(file, file.len() as u64, rules(100_000), |chunk| {
            lines.extend(chunk.batch.lines());
            true
        });
        (read.unwrap(), lines)
    }

    fn errors(read: &FileRead) -> Vec<(u64, &'static str, Reason)> {
        read.errors
            .kept()
            .iter()
            .map(|e| (e.line, e.column, e.reason.clone()))
            .collect()
    }

    #[test]
    fn the_encoding_is_told_by_the_header() {
        let text = format!("{HEADER}\n1,2,ケンポ タロウ,19850401,本人,健保太郎\n");
        let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(&text);
        assert!(!lossy);
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), Encoding::Utf8Bom),
            (cp932.to_vec(), Encoding::Cp932),
        ] {
            let (read, lines) = read_bytes(&bytes);
            assert_eq!((read.encoding, lines), (encoding, vec![2]));
            assert_eq!(read.hash, <[u8; 32]>::from(Sha256::digest(&bytes)));
        }
    }

    #[test]
    fn other_encodings_and_files_that_are_no_text_are_named_as_such() {
        let utf16: Vec<u8> = std::iter::once(0xFEFF)
            .chain(HEADER.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let (euc, _, _) = encoding_rs::EUC_JP.encode(HEADER);
        for bytes in [utf16.as_slice(), &euc, b"\xEF\xBB\xBF\x83"] {
            let (read, _) = read_bytes(bytes);
            assert_eq!(errors(&read), [(1, "", Reason::UnknownEncoding)]);
        }
        for bytes in [b"PK\x03\x04\0\0\xFF".as_slice(), b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"] {
            let (read, _) = read_bytes(bytes);
            assert!(matches!(errors(&read).as_slice(), [(1, "", Reason::NotCsv(_))]));
            assert_eq!(read.hash, <[u8; 32]>::from(Sha256::digest(bytes)));
        }
    }

    #[test]
    fn tabs_semicolons_and_lone_carriage_returns_are_read_like_commas_and_line_feeds() {
        let rows = [
            HEADER,
            "1,2,ケンポ タロウ,19850401,本人,健保",
            "",
            "1,3,健保,19850401,本人,",
            "1,4,ケンポ,19850401,本人,",
        ];
        for delimiter in [",", "\t", ";"] {
            for end in ["\n", "\r\n", "\r"] {
                for tail in ["", end, "\x1A", "\r\n\x1A", "\x1A\x1A\x1A"] {
                    let file = rows.join(end).replace(',', delimiter) + tail;
                    let (read, lines) = read_bytes(file.as_bytes());
                    let wrong = (4, "対象者氏名（カナ）", Reason::NotKana);
                    assert_eq!((lines, errors(&read)), (vec![2, 5], vec![wrong]), "{file:?}");
                    assert_eq!(read.hash, <[u8; 32]>::from(Sha256::digest(&file)));
                }
            }
        }
        let within = format!("{HEADER}\n1,2,ケンポ,19850401,本人,\n\x1A1,3,ケンポ,19850401,本人,\n");
        assert_eq!(
            errors(&read_bytes(within.as_bytes()).0),
            [(3, "被保険者証記号", Reason::Control)]
        );
    }

    #[test]
    fn rows_that_lack_only_blanks_at_their_end_are_read() {
        let file = format!(
            "{HEADER}\n1,2,ケンポ,19850401,本人\r\n1,3,ケンポ,19850401,本人,,,\n1,4,ケンポ,19850401\n1,5,ケンポ,19850401,本人"
        );
        let (read, lines) = read_bytes(file.as_bytes());
        assert_eq!(lines, [2, 3, 5]);
        assert_eq!(errors(&read), [(4, "", Reason::FieldCount { expected: 6, found: 4 })]);
    }

    #[test]
    fn lines_are_counted_over_blank_lines_line_ends_and_quoted_line_breaks() {
        for end in ["\n", "\r\n"] {
            let file = [
                HEADER,
                "1,2,ケンポ タロウ,19850401,本人,健保",
                "",
                ",,,,,",
                "1,3,ケンポ ジロウ,19850401,本人,\"健\n保\"",
                "1,4,ケンポ,19850401,本人,\"健保\"",
                "1,5,健保,19850401,本人,",
                "1,6,ケンポ サブロウ,19850401,本人,健保",
            ]
            .join(end);
            let (read, lines) = read_bytes(file.as_bytes());
            assert_eq!(lines, [2, 7, 9], "{end:?}");
            let expected = [
                (5, "氏名（漢字）", Reason::Control),
                (8, "対象者氏名（カナ）", Reason::NotKana),
            ];
            assert_eq!(errors(&read), expected, "{end:?}");
        }
    }

    #[test]
    fn an_open_quotation_mark_ends_the_reading_with_its_line() {
        let file = format!(
            "{HEADER}\n1,2,\"ケンポ,19850401,本人,健保\n{}",
            "1,3,ケンポ,19850401,本人,\n".repeat(60_000)
        );
        let (read, lines) = read_bytes(file.as_bytes());
        assert!(lines.is_empty());
        assert!(matches!(errors(&read).as_slice(), [(_, "", Reason::RowTooLong)]));
        assert_eq!(read.hash, <[u8; 32]>::from(Sha256::digest(file.as_bytes())));
    }

    #[test]
    fn a_file_without_rows_is_refused() {
        for file in [HEADER.to_owned(), format!("{HEADER}\r\n\r\n,,,,,\r\n")] {
            assert_eq!(errors(&read_bytes(file.as_bytes()).0), [(1, "", Reason::NoRows)]);
        }
        for empty in [b"".as_slice(), b"\r\n", b"\x1A"] {
            assert_eq!(errors(&read_bytes(empty).0), [(1, "", Reason::EmptyFile)]);
        }
    }

    #[test]
    fn long_files_come_in_batches_of_one_size() {
        let file = format!("{HEADER}\n{}", "1,2,ケンポ,19850401,本人,\n".repeat(9_000));
        let mut sizes = Vec::new();
        read(file.as_bytes(), 0, rules(9_000), |chunk| {
            sizes.push(chunk.batch.len());
            true
        })
        .unwrap();
        assert_eq!(sizes, [4_000, 4_000, 1_000]);
    }

    proptest! {
        #[test]
        fn no_file_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let file = [HEADER.as_bytes(), b"\n", &bytes].concat();
            read_bytes(&file);
            read_bytes(&bytes);
        }
    }
}
