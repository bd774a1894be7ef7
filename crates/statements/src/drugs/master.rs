//! レセ電 医薬品マスター (y_*.csv): 42 columns without a header, in CP932.

use crate::drugs::reasons::{ErrorLog, Reason};
use chrono::NaiveDate;
use kernel::text;
use std::{
    collections::{HashMap, hash_map::Entry},
    io,
};
use tabular::{Encoding, Fault, Opened, Rules, Source, Table, TableRead, texts};

/// Drugs of a master at most: five times what there are.
pub(super) const MOST: u64 = 100_000;

const MAX_NAME: usize = 200;
const MAX_UNIT: usize = 40;
/// Columns of the format.
const WIDTH: usize = 42;
/// What such files write for a day that will not come.
const NEVER: [&str; 4] = ["", "0", "00000000", "99999999"];
/// 選定療養区分 of a drug that is chosen instead of a generic.
const CHOSEN: &str = "2";
/// 1/100 yen at most: a thousand million yen.
const MOST_SEN: i64 = 100_000_000_000;

tabular::columns! {
    /// A column of 医薬品マスター of those that are read.
    pub(super) enum MasterColumn {
        /// マスター種別: Y.
        Kind: required code "マスター種別",
        /// 医薬品コード.
        Code: required code "医薬品コード",
        /// 漢字名称.
        Name: required value "医薬品名・規格名",
        /// 単位.
        Unit: required value "単位",
        /// 新又は現金額.
        Price: required value "薬価",
        /// 薬価基準収載医薬品コード.
        PriceCode: required code "薬価基準コード",
        /// 経過措置年月日.
        EndsOn: required code "経過措置年月日",
        /// The code of what it is chosen instead of a generic.
        Original: required code "長期収載品関連",
        /// Whether it is one that is chosen so.
        Chosen: required code "選定療養区分",
    }
}

/// Where each stands, counted from 1 as the format's description does.
const LAYOUT: [(MasterColumn, usize); 9] = [
    (MasterColumn::Kind, 2),
    (MasterColumn::Code, 3),
    (MasterColumn::Name, 5),
    (MasterColumn::Unit, 10),
    (MasterColumn::Price, 12),
    (MasterColumn::PriceCode, 32),
    (MasterColumn::EndsOn, 34),
    (MasterColumn::Original, 41),
    (MasterColumn::Chosen, 42),
];

type Row<'a> = tabular::Row<'a, MasterColumn, Reason>;

/// A drug as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// On which line of the file.
    pub(super) at: u64,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) price_sen: i64,
    pub(super) price_code: String,
    pub(super) ends_on: Option<NaiveDate>,
    /// What it is chosen instead of a generic of, where it is.
    pub(super) original: Option<String>,
}

/// A master read to its end.
pub(super) struct Master {
    pub(super) lines: Vec<Line>,
    pub(super) encoding: Encoding,
    pub(super) errors: ErrorLog,
}

/// Reads it, on a thread of its own.
pub(super) async fn read(source: Source) -> io::Result<Master> {
    // It comes as a whole.
    let (_, reading) = tabular::in_batches::<(), _>(source, |file, _| read_opened(file));
    reading.await.map_err(io::Error::other)?
}

fn read_opened(file: Opened) -> io::Result<Master> {
    let rules = Rules {
        max_rows: MOST,
        rows_of: "医薬品",
        blanks_behind: true,
    };
    let mut table = Table::<MasterColumn, Reason, _>::open_laid_out(file.stream, &LAYOUT, WIDTH, rules)?;
    let (mut lines, mut seen) = (Vec::new(), HashMap::new());
    while let Some(mut row) = table.next_row()? {
        if let Some(line) = line(&mut row, &mut seen) {
            lines.push(line);
        }
    }
    let TableRead { encoding, errors, .. } = table.finish()?;
    Ok(Master {
        lines,
        encoding,
        errors,
    })
}

/// A row; nothing, with the errors noted, where something is wrong. `seen`: where each code stood first.
fn line(row: &mut Row<'_>, seen: &mut HashMap<String, u64>) -> Option<Line> {
    let kind = row.read(MasterColumn::Kind, kind);
    let code = row.read(MasterColumn::Code, code);
    let name = row.read(MasterColumn::Name, |text| match texts::written(text, MAX_NAME)? {
        name if name.is_empty() => Err(Fault::Empty),
        name => Ok(name),
    });
    let unit = row.read(MasterColumn::Unit, |text| texts::written(text, MAX_UNIT));
    let price_sen = row.read(MasterColumn::Price, sen);
    let price_code = row.read(MasterColumn::PriceCode, price_code);
    let ends_on = row.read(MasterColumn::EndsOn, day);
    let original = if row.read(MasterColumn::Chosen, is_chosen)? {
        Some(row.read(MasterColumn::Original, self::code)?)
    } else {
        None
    };
    kind?;
    let code = once(row, seen, code?)?;
    Some(Line {
        at: row.line(),
        code,
        name: name?,
        unit: unit?,
        price_sen: price_sen?,
        price_code: price_code?,
        ends_on: ends_on?,
        original,
    })
}

/// The code where no row had it before.
fn once(row: &mut Row<'_>, seen: &mut HashMap<String, u64>, code: String) -> Option<String> {
    let first = match seen.entry(code.clone()) {
        Entry::Vacant(new) => {
            new.insert(row.line());
            return Some(code);
        }
        Entry::Occupied(first) => *first.get(),
    };
    row.read(MasterColumn::Code, |_| Err(Reason::Repeated { line: first }))
}

fn kind(text: &str) -> Result<(), Reason> {
    match text::normalize_dense(text).as_str() {
        "Y" => Ok(()),
        _ => Err(Reason::Kind),
    }
}

fn code(text: &str) -> Result<String, Reason> {
    let code = text::normalize_dense(text);
    let is_code = code.len() == 9 && code.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(code).ok_or(Reason::Code)
}

/// 薬価基準コード, or '' of what is not in the price list.
pub(super) fn price_code(text: &str) -> Result<String, Reason> {
    let code = text::normalize_dense(text);
    let is_code = code.len() == 12 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_code || code.is_empty()).then_some(code).ok_or(Reason::PriceCode)
}

/// A price in 1/100 yen: 501.40, 000000501.40, 5.
fn sen(text: &str) -> Result<i64, Reason> {
    let dense = text::normalize_dense(text);
    let (yen, sen) = dense.split_once('.').unwrap_or((&dense, "0"));
    // What is behind the second digit is nothing.
    let sen = match sen.trim_end_matches('0') {
        "" if sen.is_empty() => return Err(Reason::Price),
        sen => text::number::<i64>(&format!("{sen:0<2}")).filter(|_| sen.len() <= 2),
    };
    let yen = text::number::<i64>(yen).and_then(|yen| yen.checked_mul(100));
    let price = yen.zip(sen).and_then(|(yen, sen)| yen.checked_add(sen));
    price.filter(|price| *price <= MOST_SEN).ok_or(Reason::Price)
}

fn day(text: &str) -> Result<Option<NaiveDate>, Reason> {
    let dense = text::normalize_dense(text);
    if NEVER.contains(&dense.as_str()) {
        return Ok(None);
    }
    let day = NaiveDate::parse_from_str(&dense, "%Y%m%d").ok();
    let day = day.filter(|day| dense.len() == 8 && day.format("%Y%m%d").to_string() == dense);
    day.map(Some).ok_or(Reason::Day)
}

fn is_chosen(text: &str) -> Result<bool, Reason> {
    let dense = text::normalize_dense(text);
    if dense.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(dense == CHOSEN)
    } else {
        Err(Reason::Chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A row with these nine columns, in their order.
    fn row(read: [&str; 9]) -> String {
        let mut fields = vec![String::new(); WIDTH];
        for ((_, nth), text) in LAYOUT.iter().zip(read) {
            fields[nth - 1] = format!("\"{text}\"");
        }
        fields.join(",") + "\r\n"
    }

    fn opened(bytes: Vec<u8>) -> Opened {
        Opened {
            of: bytes.len() as u64,
            stream: Box::new(Cursor::new(bytes)),
        }
    }

    fn cp932(text: &str) -> Vec<u8> {
        tabular::cp932(text)
    }

    fn told(master: &Master) -> Vec<String> {
        master.errors.kept().iter().map(ToString::to_string).collect()
    }

    const PLAIN: [&str; 9] = [
        "Y",
        "999000001",
        "アサガオ錠５ｍｇ",
        "錠",
        "501.40",
        "9990001F1024",
        "99999999",
        "0",
        "0",
    ];

    #[test]
    fn a_drug_is_read_from_its_columns() {
        let chosen = [
            "Y",
            "999000002",
            "アサガオ錠５ｍｇ（選）",
            "錠",
            "00000496.65",
            "9990001F1024",
            "20270331",
            "999000001",
            "2",
        ];
        let master = read_opened(opened(cp932(&[row(PLAIN), row(chosen)].concat()))).unwrap();
        assert_eq!((told(&master), master.encoding), (vec![], Encoding::Cp932));
        let plain = Line {
            at: 1,
            code: "999000001".into(),
            name: "アサガオ錠５ｍｇ".into(),
            unit: "錠".into(),
            price_sen: 50_140,
            price_code: "9990001F1024".into(),
            ends_on: None,
            original: None,
        };
        let chosen = Line {
            at: 2,
            code: "999000002".into(),
            name: "アサガオ錠５ｍｇ（選）".into(),
            price_sen: 49_665,
            ends_on: NaiveDate::from_ymd_opt(2027, 3, 31),
            original: Some("999000001".into()),
            ..plain.clone()
        };
        assert_eq!(master.lines, [plain, chosen]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_column() {
        for (nth, wrong, said) in [
            (0, "S", "1行目「マスター種別」の「S」：医薬品マスターの行ではありません"),
            (
                1,
                "99900000",
                "1行目「医薬品コード」の「99900000」：医薬品コードとして読めません",
            ),
            (2, "", "1行目「医薬品名・規格名」：空欄です"),
            (4, "-1", "1行目「薬価」の「-1」：薬価として読めません"),
            (4, "1.234", "1行目「薬価」の「1.234」：薬価として読めません"),
            (4, "", "1行目「薬価」：薬価として読めません"),
            (
                4,
                "99999999999999999999",
                "1行目「薬価」の「99999999999999999999」：薬価として読めません",
            ),
            (
                5,
                "9990001F102",
                "1行目「薬価基準コード」の「9990001F102」：薬価基準コードとして読めません",
            ),
            (
                6,
                "20270231",
                "1行目「経過措置年月日」の「20270231」：日付として読めません",
            ),
            (8, "選", "1行目「選定療養区分」の「選」：選定療養区分として読めません"),
        ] {
            let mut fields = PLAIN;
            fields[nth] = wrong;
            let master = read_opened(opened(cp932(&row(fields)))).unwrap();
            let errors = told(&master);
            assert!(
                matches!(errors.as_slice(), [one] if one.starts_with(said)),
                "{errors:?}"
            );
            assert!(master.lines.is_empty());
        }
        let twice = read_opened(opened(cp932(&[row(PLAIN), row(PLAIN)].concat()))).unwrap();
        assert!(told(&twice)[0].contains("1行目と同じコードです"), "{:?}", told(&twice));
        let narrow = read_opened(opened(cp932("0,\"Y\",\"999000001\"\r\n"))).unwrap();
        assert!(
            told(&narrow)[0].contains("この種類のファイルは42列、この行は3列"),
            "{:?}",
            told(&narrow)
        );
    }

    #[test]
    fn prices_have_two_places_at_most() {
        for (text, expected) in [
            ("501.40", 50_140),
            ("5", 500),
            ("5.1", 510),
            ("0005.100", 510),
            ("0.05", 5),
            ("0", 0),
        ] {
            assert_eq!(sen(text), Ok(expected), "{text}");
        }
        for text in ["", ".", "5.", ".5", "1e3", "1,000", "5.125", "５円"] {
            assert_eq!(sen(text), Err(Reason::Price), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[0-9Y,\"\\r\\n.]{0,200}") {
            for bytes in [bytes, text.into_bytes()] {
                let master = read_opened(opened(bytes)).unwrap();
                prop_assert!(!master.errors.is_empty() || !master.lines.is_empty());
            }
        }
    }
}
