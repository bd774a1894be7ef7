//! 厚労省's 各先発医薬品の後発医薬品の有無に関する情報 (薬価基準収載品目リスト): which brand has generics, which generic is cheaper, by 薬価基準コード.

use crate::drugs::{
    Class,
    master::{MOST, price_code},
    reasons::{ErrorLog, Reason},
};
use kernel::text;
use std::{
    collections::{HashMap, hash_map::Entry},
    io,
};
use tabular::{Encoding, Fault, Opened, Rules, Source, Table, TableRead};

tabular::columns! {
    /// A column of the list of those that are read.
    enum ListColumn {
        /// 薬価基準コード.
        PriceCode: required code "薬価基準収載医薬品コード" or "薬価基準コード",
        /// 1, 2, ☆, 3, ★ or blank.
        Class: required value "各先発医薬品の後発医薬品の有無に関する情報" or "後発医薬品の有無に関する情報" or "有無に関する情報",
    }
}

/// A list read to its end.
pub(super) struct Classes {
    /// By 薬価基準コード.
    pub(super) of: HashMap<String, Class>,
    pub(super) encoding: Encoding,
    pub(super) errors: ErrorLog,
}

/// Reads it, on a thread of its own: a CSV or a book of Excel's.
pub(super) async fn read(source: Source) -> io::Result<Classes> {
    // It comes as a whole.
    let (_, reading) = tabular::in_batches::<(), _>(source, |file, _| read_opened(file));
    reading.await.map_err(io::Error::other)?
}

fn read_opened(file: Opened) -> io::Result<Classes> {
    let rules = Rules {
        max_rows: MOST,
        rows_of: "医薬品",
        blanks_behind: true,
    };
    let mut table = Table::<ListColumn, Reason, _>::open(file.stream, rules)?;
    let mut found = HashMap::<String, (Class, u64)>::new();
    while let Some(mut row) = table.next_row()? {
        let line = row.line();
        let price_code = row.read(ListColumn::PriceCode, |text| match price_code(text)? {
            code if code.is_empty() => Err(Reason::Table(Fault::Empty)),
            code => Ok(code),
        });
        let class = row.read(ListColumn::Class, class);
        let (Some(price_code), Some(class)) = (price_code, class) else {
            continue;
        };
        match found.entry(price_code) {
            Entry::Vacant(new) => {
                new.insert((class, line));
            }
            Entry::Occupied(first) => {
                let (other, line) = *first.get();
                if other != class {
                    row.read(ListColumn::Class, |_| Err::<(), _>(Reason::Contradicted { line }));
                }
            }
        }
    }
    let TableRead { encoding, errors, .. } = table.finish()?;
    Ok(Classes {
        of: found.into_iter().map(|(code, (class, _))| (code, class)).collect(),
        encoding,
        errors,
    })
}

fn class(text: &str) -> Result<Class, Reason> {
    Class::from_word(&text::normalize_dense(text)).ok_or(Reason::Class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const HEADER: &str =
        "薬価基準収載医薬品コード,成分名,品名,各先発医薬品の後発医薬品の有無に関する情報,収載年月日,備考\r\n";

    fn read(bytes: Vec<u8>) -> Classes {
        let opened = Opened {
            of: bytes.len() as u64,
            stream: Box::new(Cursor::new(bytes)),
        };
        read_opened(opened).unwrap()
    }

    #[test]
    fn classes_are_read_by_their_marks_in_any_width() {
        let rows = "9990001F1024,朝顔,アサガオ錠,2,,\r\n9990001F1032,朝顔,アサガオ,３,,\r\n9990001F1040,,,☆,,\r\n\
            9990001F1059,,,★,,\r\n9990001F1067,,,1,,\r\n9990001F1075,,,,,\r\n9990001F1024,朝顔,アサガオ錠,2,,\r\n";
        let classes = read([HEADER, rows].concat().into_bytes());
        assert!(classes.errors.is_empty(), "{:?}", classes.errors);
        let of = |code: &str| classes.of.get(code).copied();
        assert_eq!(of("9990001F1024"), Some(Class::Brand));
        assert_eq!(of("9990001F1032"), Some(Class::Generic));
        assert_eq!(of("9990001F1040"), Some(Class::BrandNoDearer));
        assert_eq!(of("9990001F1059"), Some(Class::GenericNoCheaper));
        assert_eq!(of("9990001F1067"), Some(Class::NoGeneric));
        assert_eq!(of("9990001F1075"), Some(Class::Unknown));
        assert_eq!(of("9990001F1083"), None);
    }

    #[test]
    fn what_is_no_class_or_two_is_told() {
        let rows = "9990001F1024,,,4,,\r\n,,,2,,\r\n9990001F1032,,,3,,\r\n9990001F1032,,,2,,\r\n";
        let told: Vec<(u64, Reason)> = read([HEADER, rows].concat().into_bytes())
            .errors
            .kept()
            .iter()
            .map(|error| (error.line, error.reason.clone()))
            .collect();
        let expected = [
            (2, Reason::Class),
            (3, Reason::Table(Fault::Empty)),
            (5, Reason::Contradicted { line: 4 }),
        ];
        assert_eq!(told, expected);
        let other = read("品名,備考\r\nあ,い\r\n".as_bytes().to_vec());
        assert!(!other.errors.is_empty() && other.of.is_empty());
    }

    #[test]
    fn a_book_is_read_as_its_csv_would_be() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for (column, name) in HEADER.trim().split(',').enumerate() {
            sheet.write_string(0, u16::try_from(column).unwrap(), name).unwrap();
        }
        sheet.write_string(1, 0, "9990001F1024").unwrap();
        sheet.write_number(1, 3, 2).unwrap();
        sheet.write_string(2, 0, "9990001F1032").unwrap();
        sheet.write_string(2, 3, "★").unwrap();
        let classes = read(book.save_to_buffer().unwrap());
        assert!(classes.errors.is_empty(), "{:?}", classes.errors.kept());
        assert_eq!(classes.of.get("9990001F1024"), Some(&Class::Brand));
        assert_eq!(classes.of.get("9990001F1032"), Some(&Class::GenericNoCheaper));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[0-9A-Z☆★,\r\n]{0,80}") {
            let _ = read(bytes);
            let _ = read([HEADER, &text].concat().into_bytes());
        }
    }
}
