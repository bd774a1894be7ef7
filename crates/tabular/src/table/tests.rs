use super::*;
use crate::texts;
use proptest::prelude::*;

crate::columns! {
    enum Column {
        Code: required code "コード",
        Name: required value "名前",
        Note: optional value "備考",
    }
}

const RULES: Rules = Rules {
    max_rows: 100,
    rows_of: "商品",
    blanks_behind: true,
};

type Cells = [Option<String>; 3];
type Wrong = (u64, &'static str, Fault);

/// What stands in the columns of each row that has them, and what is wrong.
fn read(file: &[u8]) -> (Vec<Cells>, Vec<Wrong>) {
    let mut table = Table::<Column, Fault, _>::open(file, RULES).unwrap();
    let mut rows = Vec::new();
    while let Some(mut row) = table.next_row().unwrap() {
        rows.push(
            [Column::Code, Column::Name, Column::Note].map(|column| row.read(column, |text| texts::code(text, 40))),
        );
    }
    let errors = table.finish().unwrap().errors;
    let errors = errors.kept().iter();
    (rows, errors.map(|e| (e.line, e.column, e.reason.clone())).collect())
}

fn some(row: [&str; 3]) -> Cells {
    row.map(|text| Some(text.to_owned()))
}

#[test]
fn what_a_row_leaves_off_at_its_end_is_blank_and_what_it_has_too_much_is_told() {
    let (rows, errors) = read("コード,名前,備考\n1,あ\r\n2,い,う,, \n3\n4,え,お,か\n".as_bytes());
    assert_eq!(rows, [some(["1", "あ", ""]), some(["2", "い", "う"])]);
    let wrong = |line, found| (line, "", Fault::FieldCount { expected: 3, found });
    assert_eq!(errors, [wrong(4, 1), wrong(5, 4)]);
}

#[test]
fn blanks_behind_the_header_s_columns_are_told_where_they_are_something() {
    let rules = Rules {
        blanks_behind: false,
        ..RULES
    };
    let told = |file: &str| {
        let mut table = Table::<Column, Fault, _>::open(file.as_bytes(), rules).unwrap();
        while table.next_row().unwrap().is_some() {}
        let errors = table.finish().unwrap().errors;
        errors.kept().iter().map(|e| e.line).collect::<Vec<_>>()
    };
    assert_eq!(told("コード,名前,備考\n1,あ\n2,い,う,\n3,え,お\n"), [3]);
    assert!(told("コード,名前,備考,\n1,あ,,\n2,い,う\n").is_empty());
}

#[test]
fn a_table_without_a_header_has_its_columns_where_they_are_laid_out() {
    let layout = [(Column::Code, 1), (Column::Name, 3)];
    let read = |file: &[u8]| {
        let mut table = Table::<Column, Fault, _>::open_laid_out(file, &layout, 3, RULES).unwrap();
        let mut rows = Vec::new();
        while let Some(mut row) = table.next_row().unwrap() {
            let cells =
                [Column::Code, Column::Name, Column::Note].map(|column| row.read(column, |text| texts::code(text, 40)));
            rows.push((row.line(), cells));
        }
        let read = table.finish().unwrap();
        let errors = read
            .errors
            .kept()
            .iter()
            .map(|e| (e.line, e.reason.clone()))
            .collect::<Vec<_>>();
        (rows, errors, read.encoding)
    };
    let text = "1,x,あ\r\n\r\n2,y,い,\r\n3,z\n";
    let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(text);
    for (bytes, encoding) in [(text.as_bytes(), Encoding::Utf8), (&cp932, Encoding::Cp932)] {
        let (rows, errors, found) = read(bytes);
        assert_eq!(rows, [(1, some(["1", "あ", ""])), (3, some(["2", "い", ""]))]);
        assert_eq!(errors, [(4, Fault::FieldCount { expected: 3, found: 2 })]);
        assert_eq!(found, encoding);
    }
    assert_eq!(read(b"1,x,a\n2,y,\x82\xA0\n").0[1].1, some(["2", "あ", ""]));
    assert_eq!(read(b"").1, [(1, Fault::EmptyFile)]);
}

#[test]
fn bytes_that_do_not_decode_are_an_error_of_their_column() {
    let (rows, errors) = read(&["コード,名前\n1,".as_bytes(), b"\x83"].concat());
    assert_eq!(rows, [[Some("1".into()), None, Some(String::new())]]);
    assert_eq!(errors, [(2, "名前", Fault::Undecodable(Encoding::Utf8))]);
}

#[test]
fn a_file_that_ends_within_a_quotation_names_the_line_on_which_its_last_row_begins() {
    for end in ["", "\n", "\n\n", "\"", "\"\n"] {
        let file = ["コード,名前\n1,あ\n2,\"い".as_bytes(), b"\x83", end.as_bytes()].concat();
        let undecodable = Fault::Undecodable(Encoding::Utf8);
        assert_eq!(read(&file).1, [(3, "名前", undecodable)], "{end:?}");
    }
}

#[test]
fn what_a_spreadsheet_did_comes_to_no_parser_and_a_guarded_text_is_its_value() {
    let (rows, errors) = read("コード,名前\n\"=\"\"0034\"\"\",1-Apr\n1-Apr,#N/A\n".as_bytes());
    assert_eq!(rows, [some(["0034", "1-Apr", ""]), [None, None, Some(String::new())]]);
    assert_eq!(
        errors,
        [(3, "コード", Fault::TurnedToDate), (3, "名前", Fault::FormulaError)]
    );
}

#[test]
fn a_table_without_rows_says_of_what_and_one_of_too_many_how_many_it_may_have() {
    assert_eq!(read("コード,名前\n".as_bytes()).1, [(1, "", Fault::NoRows("商品"))]);
    let many = format!("コード,名前\n{}", "1,あ\n".repeat(101));
    let (rows, errors) = read(many.as_bytes());
    assert_eq!(rows.len(), 100);
    assert_eq!(errors, [(102, "", Fault::TooManyRows { max: 100 })]);
}

#[test]
fn where_the_header_is_plain_the_first_row_that_is_not_tells_the_encoding() {
    let mapping: Mapping = [("コード", "code"), ("名前", "name")]
        .map(|(column, header)| (column.to_owned(), header.to_owned()))
        .into_iter()
        .collect();
    let text = "code,name\n1,a\n2,い\n3,う\n";
    let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(text);
    for (bytes, encoding) in [(text.as_bytes(), Encoding::Utf8), (&cp932, Encoding::Cp932)] {
        let mut table = Table::<Column, Fault, _>::open_mapped(bytes, mapping.clone(), RULES).unwrap();
        let mut names = Vec::new();
        while let Some(mut row) = table.next_row().unwrap() {
            names.push(row.read(Column::Name, |text| texts::code(text, 40)));
        }
        assert_eq!(names, ["a", "い", "う"].map(|name| Some(name.to_owned())));
        let read = table.finish().unwrap();
        assert_eq!((read.encoding, read.errors.kept().len()), (encoding, 0));
    }
}

proptest! {
    #[test]
    fn no_file_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
        read(&["コード,名前\n".as_bytes(), &bytes].concat());
    }
}
