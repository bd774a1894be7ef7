//! Books that are small when packed and hold more than any roster: each is refused, and neither they nor the largest roster
//! that is taken need more memory than an import may. One test in a process of its own, for what is looked at is the most
//! that the process has ever had.

#![expect(clippy::unwrap_used, reason = "a test fails where it can't go on")]

use std::{
    fmt::Write as _,
    fs,
    io::{Cursor, Write as _},
};
use tabular::{Fault, Rules, Table};
use zip::{ZipWriter, write::SimpleFileOptions};

tabular::columns! {
    enum Column {
        Code: required code "コード",
        Name: required value "名前",
    }
}

/// MiB that an import may take.
const MOST: u64 = 150;
const SHEET: &str = "xl/worksheets/sheet1.xml";
const TEXTS: &str = "xl/sharedStrings.xml";
const STYLES: &str = "xl/styles.xml";
const WORKBOOK: &str = "xl/workbook.xml";
const HEADER: &str = "<worksheet><sheetData><row r=\"1\"><c t=\"inlineStr\"><is><t>コード</t></is></c>\
    <c t=\"inlineStr\"><is><t>名前</t></is></c></row>";
const MIB: usize = 1 << 20;

/// A part is its name, what it begins with, what comes as often as fills so many bytes, and what it ends with.
type Part<'a> = (&'a str, &'a str, (&'a str, usize), &'a str);

/// A book of one sheet, with these parts in the place of its own.
fn book(parts: &[Part<'_>]) -> Vec<u8> {
    const OWN: [Part<'_>; 4] = [
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"r1\" Type=\"a/relationships/officeDocument\" Target=\"xl/workbook.xml\"/>",
            ("", 0),
            "</Relationships>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"r1\" Type=\"a/worksheet\" Target=\"worksheets/sheet1.xml\"/>",
            ("", 0),
            "</Relationships>",
        ),
        (
            WORKBOOK,
            "<workbook><sheets><sheet name=\"a\" r:id=\"r1\"/></sheets>",
            ("", 0),
            "</workbook>",
        ),
        (SHEET, HEADER, ("", 0), "</sheetData></worksheet>"),
    ];
    let own = OWN.iter().filter(|own| parts.iter().all(|part| part.0 != own.0));
    let mut book = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, begin, (again, bytes), end) in own.chain(parts) {
        book.start_file(*name, SimpleFileOptions::default()).unwrap();
        book.write_all(begin.as_bytes()).unwrap();
        for _ in 0..bytes / again.len().max(1) {
            book.write_all(again.as_bytes()).unwrap();
        }
        book.write_all(end.as_bytes()).unwrap();
    }
    book.finish().unwrap().into_inner()
}

/// How many rows there are, and what is wrong first.
fn read(book: &[u8]) -> (u64, Option<Fault>) {
    let rules = Rules {
        max_rows: 1_000_000,
        rows_of: "商品",
        blanks_behind: true,
    };
    let mut table = Table::<Column, Fault, _>::open(book, rules).unwrap();
    let mut rows = 0;
    while let Some(mut row) = table.next_row().unwrap() {
        row.read(Column::Name, |text| Ok::<_, Fault>(text.len()));
        rows += 1;
    }
    let errors = table.finish().unwrap().errors;
    (rows, errors.kept().first().map(|error| error.reason.clone()))
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Texts of their own for six columns of a hundred thousand rows.
fn largest() -> Vec<u8> {
    const ROWS: usize = 100_000;
    const COLUMNS: usize = 6;
    let (mut texts, mut sheet) = (String::from("<sst>"), String::from("<worksheet><sheetData>"));
    let header = ["コード", "名前", "a", "b", "c", "d"];
    for row in 0..=ROWS {
        sheet += "<row>";
        for (column, name) in header.iter().enumerate() {
            let text = if row == 0 {
                (*name).to_owned()
            } else {
                format!("{row}-{column} 奈良県ためし市若草台")
            };
            write!(texts, "<si><t>{text}</t></si>").unwrap();
            write!(sheet, "<c t=\"s\"><v>{}</v></c>", row * COLUMNS + column).unwrap();
        }
        sheet += "</row>";
    }
    book(&[
        (TEXTS, &texts, ("", 0), "</sst>"),
        (SHEET, &sheet, ("", 0), "</sheetData></worksheet>"),
    ])
}

fn assert_too_large(what: &str, parts: &[Part<'_>]) {
    let bomb = book(parts);
    assert!(bomb.len() < 2 * MIB, "{what}: {} bytes", bomb.len());
    assert_eq!(read(&bomb).1, Some(Fault::BookTooLarge), "{what}");
    assert!(peak() <= MOST, "{what}: {} MiB", peak());
}

/// What is in one cell, or one tag.
fn long_cells() {
    const END_OF_TEXT: &str = "</t></is></c></row></sheetData></worksheet>";
    let long = "x".repeat(1024);
    let (run, comment) = (format!("<r><t>{long}</t></r>"), format!("<!--{long}-->"));
    let attribute = format!("<c a=\"{}\"", "x".repeat(MIB));
    let rich = format!("{HEADER}<row><c t=\"inlineStr\"><is>");
    let text = format!("{rich}<t>");
    let result = format!("{HEADER}<row><c t=\"str\"><v>");
    let end = "</sheetData></worksheet>";
    assert_too_large("a cell", &[(SHEET, &text, (&long, 250 * MIB), END_OF_TEXT)]);
    assert_too_large("comments in it", &[(SHEET, &text, (&comment, 64 * MIB), END_OF_TEXT)]);
    assert_too_large("its runs", &[(SHEET, &rich, (&run, 64 * MIB), "</is></c></row>")]);
    assert_too_large("a result", &[(SHEET, &result, (&long, 64 * MIB), "</v></c></row>")]);
    assert_too_large("an attribute", &[(SHEET, HEADER, (&attribute, 64 * MIB), end)]);
    assert_too_large(
        "a text",
        &[(TEXTS, "<sst><si><t>", (&long, 64 * MIB), "</t></si></sst>")],
    );
    let name = "<workbook><sheets><sheet name=\"a\" r:id=\"r1\"/></sheets><definedName name=\"a\">";
    assert_too_large(
        "comments in a name",
        &[(WORKBOOK, name, (&comment, 64 * MIB), "</definedName></workbook>")],
    );
    let text = format!("<sst><si><t>{}</t></si>", "x".repeat(32_767));
    let rows = "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>0</v></c></row>";
    let in_every_cell = [
        (TEXTS, text.as_str(), ("", 0), "</sst>"),
        (SHEET, HEADER, (rows, 8 * MIB), end),
    ];
    assert_too_large("a text in every cell", &in_every_cell);
}

/// What there are too many of.
fn many_things() {
    const END: &str = "</cellXfs></styleSheet>";
    let named = format!(
        "<styleSheet><a/><fonts><font><name val=\"{}\"/></font></fonts><cellXfs>",
        "x".repeat(400 << 10)
    );
    let (sheet, name) = (
        "<sheet name=\"a\" r:id=\"r1\"/>",
        "<definedName name=\"a\">1</definedName>",
    );
    let thirty = "<si><t>123456789012345678901234567890</t></si>";
    let long = "x".repeat(1024);
    assert_too_large("blank texts", &[(TEXTS, "<sst>", ("<si/>", 64 * MIB), "</sst>")]);
    assert_too_large("short texts", &[(TEXTS, "<sst>", (thirty, 60 * MIB), "</sst>")]);
    let runs = format!("<si><r><t>{long}</t></r><r><t>x</t></r></si>");
    assert_too_large("texts of runs", &[(TEXTS, "<sst>", (&runs, 64 * MIB), "</sst>")]);
    let references = "<si><t>&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;</t></si>";
    assert_too_large("references", &[(TEXTS, "<sst>", (references, 64 * MIB), "</sst>")]);
    // What only looks like phonetics is a text.
    let nested = format!("<si><rPh><si/><si><t>{long}</t></si></rPh></si>");
    assert_too_large("nested texts", &[(TEXTS, "<sst>", (&nested, 96 * MIB), "</sst>")]);
    assert_too_large("styles", &[(STYLES, "<styleSheet><cellXfs>", ("<xf/>", 16 * MIB), END)]);
    assert_too_large(
        "names of fonts",
        &[(STYLES, &named, ("<xf fontId=\"0\"/>", 16 << 10), END)],
    );
    assert_too_large(
        "sheets",
        &[(
            WORKBOOK,
            "<workbook><sheets>",
            (sheet, 32 * MIB),
            "</sheets></workbook>",
        )],
    );
    assert_too_large(
        "names",
        &[(WORKBOOK, "<workbook><a/>", (name, 32 * MIB), "</workbook>")],
    );
    assert_too_large("a picture", &[("xl/media/image1.png", "", (&long, 260 * MIB), "")]);
    let names: Vec<String> = (0..=10_000).map(|nth| format!("a{nth}")).collect();
    let entries: Vec<Part<'_>> = names.iter().map(|name| (name.as_str(), "", ("", 0), "")).collect();
    assert_too_large("parts", &entries);
}

/// The kana that Excel keeps over kanji are neither read nor held.
fn phonetics() {
    let kana = format!(
        "<si><t>若草台</t><rPh sb=\"0\" eb=\"3\"><t>{}</t></rPh></si>",
        "ワ".repeat(300)
    );
    let row = "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c></row>";
    let book = book(&[
        (TEXTS, "<sst>", (&kana, 100 * MIB), "</sst>"),
        (SHEET, &format!("{HEADER}{row}"), ("", 0), "</sheetData></worksheet>"),
    ]);
    assert_eq!(read(&book), (1, None));
}

/// A workbook where only sheets stand, or where nobody looks.
fn hidden_workbooks() {
    for place in ["xl/worksheets/a.xml", "xl/a.png"] {
        let relations = format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"a/relationships/officeDocument\" Target=\"{place}\"/>"
        );
        let hidden = book(&[
            ("_rels/.rels", &relations, ("", 0), "</Relationships>"),
            (
                place,
                "<workbook>",
                ("<sheet name=\"a\" r:id=\"r1\"/>", 64 * MIB),
                "</workbook>",
            ),
        ]);
        assert_eq!(read(&hidden).1, Some(Fault::BrokenBook), "{place}");
        assert!(peak() <= MOST, "{place}: {} MiB", peak());
    }
}

#[test]
fn no_book_takes_more_memory_than_an_import_may() {
    long_cells();
    many_things();
    hidden_workbooks();
    phonetics();
    assert_eq!(read(&largest()), (100_000, None));
    assert!(peak() <= MOST, "the largest roster: {} MiB", peak());
}
