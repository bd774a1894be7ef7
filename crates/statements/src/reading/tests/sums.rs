//! Whatever a file's notation, its sums are what was written.

use super::*;
use crate::amount::MOST_YEN;
use proptest::{collection::vec, prelude::*};

/// How an amount is written.
const WRITINGS: [fn(i32) -> String; 4] = [
    |yen| yen.to_string(),
    |yen| yen.to_string().replacen('-', "▲", 1),
    |yen| grouped(yen).replacen('-', "−", 1),
    |yen| grouped(yen).chars().map(wide).collect::<String>() + "円",
];

fn grouped(yen: i32) -> String {
    let digits = yen.unsigned_abs().to_string();
    let mut grouped = if yen < 0 { "-".to_owned() } else { String::new() };
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn wide(c: char) -> char {
    char::from_u32(c as u32 + 0xFEE0).unwrap()
}

/// A row: month, category, three amounts, and how they are written.
type Written = (u32, usize, [i32; 3], usize);

fn rows() -> impl Strategy<Value = Vec<Written>> {
    let amount = -MOST_YEN..=MOST_YEN;
    let amounts = [amount.clone(), amount.clone(), amount];
    vec((0u32..20, 0..Category::ALL.len(), amounts, 0..WRITINGS.len()), 1..40)
}

/// The columns of a row in the order of `COLUMNS`.
fn cells(nth: usize, (months, category, amounts, writing): &Written) -> Vec<String> {
    let treated = month("2026-08").back(*months);
    let months = [treated.to_string(), treated.to_string().replace('-', "年") + "月"];
    let mut cells = vec![
        "2026-08".to_owned(),
        format!("R{nth}"),
        "34".to_owned(),
        months[nth % 2].clone(),
        Category::ALL[*category].label().to_owned(),
    ];
    cells.extend(amounts.iter().map(|yen| WRITINGS[*writing](*yen)));
    cells
}

const COLUMNS: [&str; 8] = [
    "処理年月",
    "レセプト番号",
    "番号",
    "診療年月",
    "診療区分",
    "医療費の総額",
    "保険者の負担額",
    "窓口相当負担額",
];

proptest! {
    #[test]
    fn no_file_panics_and_sums_survive(
        rows in rows(),
        order in Just((0..COLUMNS.len()).collect::<Vec<usize>>()).prop_shuffle(),
        delimiter in prop::sample::select(vec![",", "\t", ";"]),
        encoding in 0..3,
    ) {
        let line = |cells: Vec<String>| {
            let cells: Vec<String> = order.iter().map(|place| format!("\"{}\"", cells[*place])).collect();
            cells.join(delimiter) + "\r\n"
        };
        let mut text = line(COLUMNS.map(str::to_owned).to_vec());
        text.extend(rows.iter().enumerate().map(|(nth, row)| line(cells(nth, row))));
        let bytes = match encoding {
            // CP932 has another minus.
            0 => tabular::cp932(&text.replace('−', "－")),
            1 => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            _ => text.into_bytes(),
        };
        let (read, lines) = read_with(&bytes, rules(Kind::Costs));
        prop_assert_eq!(errors(&read), []);
        let written: i64 = rows.iter().map(|(_, _, [total, ..], _)| i64::from(*total)).sum();
        let paid: i64 = rows.iter().map(|(_, _, [.., copay], _)| i64::from(*copay)).sum();
        prop_assert_eq!(lines.iter().map(Line::yen).sum::<i64>(), written);
        prop_assert_eq!(read.tally.yen(), written);
        prop_assert_eq!(read.tally.by.values().map(|sum| sum.copay).sum::<i64>(), paid);
        prop_assert_eq!(read.tally.by.values().map(|sum| sum.rows).sum::<u64>(), rows.len() as u64);
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..400)) {
        for kind in Kind::ALL {
            read_with(&bytes, rules(kind));
            read_with(&[HEADER.as_bytes(), b"\n", &bytes].concat(), rules(kind));
        }
    }
}

#[test]
fn utf8_bom_cp932_tabs_and_books_are_one_file() {
    let text = file(&[&[], &[("医療費の総額", "1,000"), ("番号", "0035")]])
        .replace('"', "")
        .replace("1,000", "1000");
    let (_, expected) = read_with(text.as_bytes(), rules(Kind::Costs));
    assert_eq!(expected.len(), 2);
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), Encoding::Utf8Bom),
        (tabular::cp932(&text), Encoding::Cp932),
        (text.replace(',', "\t").into_bytes(), Encoding::Utf8),
        (text.replace('\n', "\r\n").into_bytes(), Encoding::Utf8),
        (book(&text), Encoding::Utf8),
    ] {
        let (read, lines) = read_with(&bytes, rules(Kind::Costs));
        assert_eq!((errors(&read), read.encoding), (vec![], encoding));
        assert_eq!(lines, expected);
    }
}

/// A book as Excel writes one: texts as texts, amounts as numbers, the month of treatment as a day.
fn book(text: &str) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let day = rust_xlsxwriter::Format::new().set_num_format("yyyy/m");
    for (row, line) in text.lines().enumerate() {
        for (column, cell) in line.split(',').enumerate() {
            let at = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
            match (row, column) {
                (1.., 10..=12) => sheet.write_number(at.0, at.1, cell.parse::<f64>().unwrap()).unwrap(),
                (1.., 6) => {
                    let first = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 6, 1).unwrap();
                    sheet.write_datetime_with_format(at.0, at.1, &first, &day).unwrap()
                }
                _ => sheet.write_string(at.0, at.1, cell).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}
