//! Excel's own books: read as a CSV would be, and refused with what to do where a book has lost what a CSV keeps; whatever a
//! hostile one holds, nothing of it is imported and nothing falls over.

use super::{Desk, HANAKO, HEADER, TARO};
use roster::import::{ImportRefused, Options, Reason};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet};
use std::io::{Cursor, Write as _};
use tabular::Fault;

/// A sheet of texts under [`HEADER`].
fn sheet(rows: &[&str]) -> Worksheet {
    let mut sheet = Worksheet::new();
    for (row, line) in [HEADER].iter().chain(rows).enumerate() {
        for (column, text) in line.split(',').enumerate().filter(|(_, text)| !text.is_empty()) {
            let (row, column) = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
            sheet.write_string(row, column, text).unwrap();
        }
    }
    sheet
}

fn book(sheets: Vec<Worksheet>) -> Vec<u8> {
    let mut book = Workbook::new();
    for sheet in sheets {
        book.push_worksheet(sheet);
    }
    book.save_to_buffer().unwrap()
}

async fn fault(desk: &Desk, file: &[u8]) -> Fault {
    match desk.errors(file).await.as_slice() {
        [(1, "", Reason::Table(fault))] => fault.clone(),
        other => panic!("{other:?}"),
    }
}

/// A book's parts with one of them written by hand.
fn with_part(file: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let names: Vec<String> = from
        .file_names()
        .map(|known| known.unwrap().into_owned())
        .filter(|known| known != name)
        .collect();
    for known in names {
        let part = from.by_name(&known).unwrap();
        to.raw_copy_file(part).unwrap();
    }
    to.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    to.write_all(content).unwrap();
    to.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_read_as_its_csv_would_be_with_days_as_excel_has_them() {
    let desk = Desk::new().await;
    let mut sheet = sheet(&[TARO, "", HANAKO]);
    let day = Format::new().set_num_format("yyyy/m/d");
    let born = ExcelDateTime::from_ymd(1985, 4, 1).unwrap();
    sheet.write_datetime_with_format(1, 5, &born, &day).unwrap();
    let report = desk.try_import(&book(vec![sheet]), Options::default()).await.unwrap();
    assert_eq!(report.new, 2);
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    assert_eq!((taro.symbol.as_str(), taro.number.as_str()), ("公立-12", "0034"));
    desk.one("35", "1982-09-03", "キョウサイ ハナコ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_or_a_day_among_codes_is_refused_by_the_sheets_own_row() {
    let desk = Desk::new().await;
    let mut sheet = sheet(&[TARO, "", HANAKO]);
    let day = Format::new().set_num_format("m/d");
    // 番号, 枝番, 社員コード, 個人ID.
    sheet.write_number(1, 1, 34.0).unwrap();
    let first = ExcelDateTime::from_ymd(2026, 1, 4).unwrap();
    sheet.write_datetime_with_format(3, 2, &first, &day).unwrap();
    sheet.write_number(3, 9, 7.0).unwrap();
    sheet.write_number(3, 10, 12_345_678_901.0).unwrap();
    // A day that is no day of Excel's is read as digits.
    sheet.write_number(3, 5, 19_820_903.0).unwrap();
    let errors = desk.errors(&book(vec![sheet])).await;
    let expected = [
        (2, "番号", Reason::Table(Fault::Number)),
        (4, "枝番", Reason::Table(Fault::TurnedToDate)),
        (4, "社員コード", Reason::Table(Fault::Number)),
        (4, "個人ID", Reason::Table(Fault::Number)),
    ];
    assert_eq!(errors, expected);
    assert!(Fault::Number.to_string().contains("文字列"));
    desk.assert_refused().await;
}

/// A sheet's part, its rows written as they stand there.
fn part(rows: &[String]) -> Vec<u8> {
    let rows: Vec<String> = rows.iter().map(|cells| format!("<row>{cells}</row>")).collect();
    format!("<worksheet><sheetData>{}</sheetData></worksheet>", rows.concat()).into_bytes()
}

/// A line's cells, each a text of its own.
fn texts(line: &str) -> String {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    line.split(',').map(cell).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_formula_is_its_result_and_one_without_a_result_is_refused() {
    let desk = Desk::new().await;
    let good = book(vec![sheet(&[TARO])]);
    let with = |cell: &str| {
        let row = texts(TARO).replace("<c t=\"inlineStr\"><is><t>健保　太郎</t></is></c>", cell);
        with_part(&good, "xl/worksheets/sheet1.xml", &part(&[texts(HEADER), row]))
    };
    for unsolved in [
        "<c><f>B2&amp;C2</f></c>",
        "<c><f>B2&amp;C2</f><v></v></c>",
        "<c><f>B2&amp;C2</f><v/></c>",
        "<c t=\"n\"><f t=\"shared\" si=\"0\"/></c>",
    ] {
        let errors = desk.errors(&with(unsolved)).await;
        assert_eq!(
            errors,
            [(2, "氏名（漢字）", Reason::Table(Fault::Unsolved))],
            "{unsolved}"
        );
    }
    let told = Fault::Unsolved.to_string();
    assert!(told.starts_with("数式の結果が保存されていません。"), "{told}");
    desk.assert_refused().await;
    // A result, and one that is nothing.
    let solved = with("<c t=\"str\"><f>B2</f><v>健保　二郎</v></c>");
    assert_eq!(desk.try_import(&solved, Options::default()).await.unwrap().new, 1);
    assert_eq!(desk.count("persons", "name = '健保　二郎'").await, 1);
    let blank = with("<c t=\"str\"><f>\"\"</f><v></v></c>");
    assert_eq!(desk.try_import(&blank, Options::default()).await.unwrap().changed, 1);
    assert_eq!(desk.count("persons", "name = ''").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_read_with_all_its_runs_and_without_the_kana_over_it() {
    let desk = Desk::new().await;
    let good = book(vec![sheet(&[TARO])]);
    let kana = "<rPh sb=\"0\" eb=\"2\"><t>ケンポ</t></rPh><phoneticPr fontId=\"1\"/>";
    let text = format!("<r><t xml:space=\"preserve\">健保　</t></r><r><rPr><b/></rPr><t>三郎</t></r>{kana}");
    let own = format!("<c t=\"inlineStr\"><is>{text}</is></c>");
    for (name, cell) in [("健保　三郎", own.as_str()), ("健保　四郎", "<c t=\"s\"><v>0</v></c>")] {
        let row = texts(TARO).replace("<c t=\"inlineStr\"><is><t>健保　太郎</t></is></c>", cell);
        let file = with_part(&good, "xl/worksheets/sheet1.xml", &part(&[texts(HEADER), row]));
        let shared = format!("<sst><si>{}</si></sst>", text.replace("三郎", "四郎"));
        let file = with_part(&file, "xl/sharedStrings.xml", shared.as_bytes());
        desk.try_import(&file, Options::default()).await.unwrap();
        assert_eq!(desk.count("persons", &format!("name = '{name}'")).await, 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_a_book_of_the_strict_kind_writes_out_is_read_with_its_midnight_or_without() {
    let desk = Desk::new().await;
    let good = book(vec![sheet(&[TARO])]);
    for day in ["1985-04-01", "1985-04-01T00:00:00", "1985-04-01T00:00:00.000Z"] {
        let cell = format!("<c t=\"d\"><v>{day}</v></c>");
        let row = texts(TARO).replace("<c t=\"inlineStr\"><is><t>19850401</t></is></c>", &cell);
        let file = with_part(&good, "xl/worksheets/sheet1.xml", &part(&[texts(HEADER), row]));
        desk.try_import(&file, Options::default()).await.unwrap();
        desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_any_format_are_no_codes_and_only_what_excel_shows_as_a_day_is_one() {
    let desk = Desk::new().await;
    let mut sheet = sheet(&[TARO, HANAKO]);
    for (column, number, format) in [(1, 0.34, "0%"), (9, 1.2e11, "0.00E+00"), (10, 34.0, "0000")] {
        let format = Format::new().set_num_format(format);
        sheet.write_number_with_format(1, column, number, &format).unwrap();
    }
    // A day without its format is a number, and none of ours.
    sheet.write_number(2, 5, 30_197.0).unwrap();
    let errors = desk.errors(&book(vec![sheet])).await;
    let expected = [
        (2, "番号", Reason::Table(Fault::Number)),
        (2, "社員コード", Reason::Table(Fault::Number)),
        (2, "個人ID", Reason::Table(Fault::Number)),
        (3, "生年月日", Reason::Table(Fault::DateShape)),
    ];
    assert_eq!(errors, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_are_merged_are_refused_for_all_but_the_first_would_be_blank() {
    let desk = Desk::new().await;
    let mut sheet = sheet(&[TARO, HANAKO]);
    sheet.merge_range(1, 8, 2, 8, "a@example.jp", &Format::new()).unwrap();
    assert_eq!(
        fault(&desk, &book(vec![sheet])).await,
        Fault::MergedCells("I2:I3".into())
    );
    desk.assert_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_sheets_none_is_guessed_and_they_are_named() {
    let desk = Desk::new().await;
    let mut other = Worksheet::new();
    other.set_name("メモ").unwrap();
    let mut first = sheet(&[TARO]);
    first.set_name("名簿").unwrap();
    assert_eq!(
        fault(&desk, &book(vec![first, other])).await,
        Fault::ManySheets("「名簿」「メモ」".into())
    );
    let mut hidden = Worksheet::new();
    hidden.set_name("台帳").unwrap().set_hidden(true);
    let mut first = sheet(&[TARO]);
    first.set_name("名簿").unwrap();
    assert_eq!(
        fault(&desk, &book(vec![first, hidden])).await,
        Fault::ManySheets("「名簿」「台帳」（非表示）".into())
    );
    assert_eq!(fault(&desk, &book(vec![Worksheet::new()])).await, Fault::EmptyFile);
    desk.assert_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_packed_or_unpacked_is_refused_before_it_is_held() {
    let desk = Desk::new().await;
    let good = book(vec![sheet(&[TARO])]);
    // Packed: more bytes than are taken.
    let mut long = good.clone();
    long.resize(21 << 20, 0);
    assert_eq!(fault(&desk, &long).await, Fault::BookTooLarge);
    // Unpacked: texts, and a sheet.
    for (name, bytes) in [
        ("xl/sharedStrings.xml", 65 << 20),
        ("xl/worksheets/sheet1.xml", 257 << 20),
    ] {
        let bomb = with_part(&good, name, &vec![b' '; bytes]);
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        assert_eq!(fault(&desk, &bomb).await, Fault::BookTooLarge, "{name}");
    }
    // Promised: room for more texts than any machine has.
    let promise = br#"<sst uniqueCount = "999999999999"><si><t>x</t></si></sst>"#;
    let promised = with_part(&good, "xl/sharedStrings.xml", promise);
    assert_eq!(fault(&desk, &promised).await, Fault::BookTooLarge);
    // Rows.
    let mut sheet = sheet(&[]);
    for row in 1..=100_001 {
        sheet.write_string(row, 0, "公立-12").unwrap();
    }
    let errors = desk.refused(&book(vec![sheet]), Options::default()).await;
    let ImportRefused::Rows(errors) = errors else {
        panic!("{errors:?}")
    };
    assert!(errors.count() > 0);
    desk.assert_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hostile_book_falls_over() {
    let desk = Desk::new().await;
    let good = book(vec![sheet(&[TARO])]);
    let cell = |place: &str| {
        format!(
            "<worksheet><sheetData><row r=\"1\"><c r=\"{place}\" t=\"str\"><v>x</v></c><c r=\"A1\" t=\"str\"><v>y</v></c></row></sheetData></worksheet>"
        )
    };
    let utf16: Vec<u8> = "<sst uniqueCount=\"999999999999\"/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let declared = |of: &str| format!("<!DOCTYPE a [<!ENTITY b \"{}\">]>{of}", "c".repeat(9)).into_bytes();
    let parts: [(&str, Vec<u8>); 11] = [
        ("xl/worksheets/sheet1.xml", cell("A4294967295").into()),
        ("xl/worksheets/sheet1.xml", cell("ZZZZZZZ1").into()),
        ("xl/worksheets/sheet1.xml", cell("B1").into()),
        (
            "xl/worksheets/sheet1.xml",
            b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c>".to_vec(),
        ),
        ("xl/worksheets/sheet1.xml", b"\xFF\xFE<".to_vec()),
        ("xl/workbook.xml", b"<workbook/>".to_vec()),
        ("xl/sharedStrings.xml", utf16),
        ("_rels/.rels", vec![0; 10]),
        ("xl/sharedStrings.xml", declared("<sst><si><t>&b;</t></si></sst>")),
        (
            "xl/worksheets/sheet1.xml",
            declared("<worksheet><sheetData/></worksheet>"),
        ),
        // Ends that are none of theirs: what is in a cell would go on behind it.
        (
            "xl/worksheets/sheet1.xml",
            b"<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>x</c></t></is></row></sheetData></worksheet>"
                .to_vec(),
        ),
    ];
    for (name, content) in parts {
        let told = fault(&desk, &with_part(&good, name, &content)).await;
        assert_eq!(told, Fault::BrokenBook, "{name}");
    }
    // An entry that is larger than its directory says, and one behind a password.
    let offset = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut lying = good.clone();
    lying[offset + 24..offset + 28].copy_from_slice(&1_u32.to_le_bytes());
    let mut locked = good.clone();
    locked[offset + 8] |= 1;
    for (what, book) in [("lying", lying), ("locked", locked)] {
        assert_eq!(fault(&desk, &book).await, Fault::BrokenBook, "{what}");
    }
    // As Excel writes books with a password, and the books of old.
    let old = [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".as_slice(), &[0; 2000]].concat();
    let told = fault(&desk, &old).await.to_string();
    assert!(told.contains("パスワード") && told.contains("CSV UTF-8"), "{told}");
    for cut in [30, good.len() / 2, good.len() - 1] {
        assert_eq!(fault(&desk, &good[..cut]).await, Fault::BrokenBook, "{cut}");
    }
    desk.assert_refused().await;
}
