//! Parses the file's rows into batches for the database, on the thread that reads it.

use super::{
    columns::{Column, Header},
    reasons::{ErrorLog, Reason},
    report::Relations,
    rows::Reading,
    staging::Batch,
};
use chrono::{DateTime, Utc};
use kernel::{RelationWords, calendar};
use std::io;
use tabular::{Chunk, Encoding, Mapping, Opened, Progress, Source, Table, TableRead};
use tokio::{sync::mpsc, task::JoinHandle};

/// Rows per batch: large enough that the round trip does not count, small enough to be no burden.
const BATCH_ROWS: usize = 4_000;

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
pub(super) fn start(source: Source, rules: Rules) -> (mpsc::Receiver<Chunk<Batch>>, JoinHandle<io::Result<FileRead>>) {
    tabular::in_batches(source, move |file, take| read(file, rules, take))
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
    /// Which header means which column.
    pub(super) mapping: Mapping,
}

/// `take` answers false once nobody wants any more.
fn read(file: Opened, rules: Rules, take: &mut dyn FnMut(Chunk<Batch>) -> bool) -> io::Result<FileRead> {
    let Opened { stream, of } = file;
    let now = rules.now;
    let table_rules = tabular::Rules {
        max_rows: rules.max_rows,
        rows_of: "加入者",
        blanks_behind: true,
    };
    let mut table = Table::<Column, Reason, _>::open_mapped(stream, rules.mapping, table_rules)?;
    let reading = Reading {
        today: calendar::today_in_japan(now),
        relations: rules.relations,
        all_insured: rules.all_insured,
        is_delta: table.header().has(Column::Movement),
    };
    let (mut batch, mut relations) = (Batch::default(), Relations::default());
    while let Some(mut row) = table.next_row()? {
        let line = row.line();
        if let Some(row) = reading.parse(&mut row) {
            relations.count(row.relation, &row.relationship);
            batch.push(line, row, now);
        }
        if batch.len() >= BATCH_ROWS {
            let (batch, bytes) = (std::mem::take(&mut batch), table.bytes());
            let progress = Progress { bytes, of };
            if !take(Chunk { batch, progress }) {
                break;
            }
        }
    }
    if batch.len() > 0 {
        let progress = Progress { bytes: of, of };
        take(Chunk { batch, progress });
    }
    let TableRead {
        encoding,
        header,
        errors,
        hash,
    } = table.finish()?;
    Ok(FileRead {
        encoding,
        header,
        errors,
        relations,
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};
    use tabular::Fault;

    const HEADER: &str = "被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称,氏名（漢字）";

    fn rules(max_rows: u64) -> Rules {
        let now = DateTime::parse_from_rfc3339("2026-11-22T12:00:00+09:00").unwrap();
        Rules {
            now: now.to_utc(),
            relations: RelationWords::default(),
            all_insured: false,
            max_rows,
            mapping: Mapping::default(),
        }
    }

    fn opened(file: &[u8]) -> Opened {
        Opened {
            stream: Box::new(io::Cursor::new(file.to_vec())),
            of: file.len() as u64,
        }
    }

    fn read_bytes(file: &[u8]) -> (FileRead, Vec<i64>) {
        let mut lines = Vec::new();
        let read = read(opened(file), rules(100_000), &mut |chunk| {
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
            assert_eq!(errors(&read), [(1, "", Reason::Table(Fault::UnknownEncoding))]);
        }
        for (bytes, is_book) in [
            (b"PK\x03\x04\0\0\xFF".as_slice(), true),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", false),
        ] {
            let (read, _) = read_bytes(bytes);
            let errors = errors(&read);
            let [(1, "", Reason::Table(fault))] = errors.as_slice() else {
                panic!("{errors:?}");
            };
            let is_told = if is_book {
                *fault == Fault::BrokenBook
            } else {
                matches!(fault, Fault::NotCsv(_))
            };
            assert!(is_told, "{fault:?}");
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
                    let wrong = (4, "対象者氏名（カナ）", Reason::Table(Fault::NotKana));
                    assert_eq!((lines, errors(&read)), (vec![2, 5], vec![wrong]), "{file:?}");
                    assert_eq!(read.hash, <[u8; 32]>::from(Sha256::digest(&file)));
                }
            }
        }
        let within = format!("{HEADER}\n1,2,ケンポ,19850401,本人,\n\x1A1,3,ケンポ,19850401,本人,\n");
        assert_eq!(
            errors(&read_bytes(within.as_bytes()).0),
            [(3, "被保険者証記号", Reason::Table(Fault::Control))]
        );
    }

    #[test]
    fn rows_that_lack_only_blanks_at_their_end_are_read() {
        let file = format!(
            "{HEADER}\n1,2,ケンポ,19850401,本人\r\n1,3,ケンポ,19850401,本人,,,\n1,4,ケンポ,19850401\n1,5,ケンポ,19850401,本人"
        );
        let (read, lines) = read_bytes(file.as_bytes());
        assert_eq!(lines, [2, 3, 5]);
        assert_eq!(
            errors(&read),
            [(4, "", Reason::Table(Fault::FieldCount { expected: 6, found: 4 }))]
        );
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
                (5, "氏名（漢字）", Reason::Table(Fault::Control)),
                (8, "対象者氏名（カナ）", Reason::Table(Fault::NotKana)),
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
        assert!(matches!(
            errors(&read).as_slice(),
            [(_, "", Reason::Table(Fault::RowTooLong))]
        ));
        assert_eq!(read.hash, <[u8; 32]>::from(Sha256::digest(file.as_bytes())));
    }

    #[test]
    fn a_file_without_rows_is_refused() {
        for file in [HEADER.to_owned(), format!("{HEADER}\r\n\r\n,,,,,\r\n")] {
            assert_eq!(
                errors(&read_bytes(file.as_bytes()).0),
                [(1, "", Reason::Table(Fault::NoRows("加入者")))]
            );
        }
        for empty in [b"".as_slice(), b"\r\n", b"\x1A"] {
            assert_eq!(errors(&read_bytes(empty).0), [(1, "", Reason::Table(Fault::EmptyFile))]);
        }
    }

    #[test]
    fn long_files_come_in_batches_of_one_size() {
        let file = format!("{HEADER}\n{}", "1,2,ケンポ,19850401,本人,\n".repeat(9_000));
        let mut sizes = Vec::new();
        read(opened(file.as_bytes()), rules(9_000), &mut |chunk| {
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
