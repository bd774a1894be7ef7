//! Files of all kinds, as bytes.

use super::*;
use crate::{category::Category, line::CostLine};
use std::io::{Cursor, Read as _};

mod sums;

const HEADER: &str = "処理年月,レセプト番号,記号,番号,枝番,生年月日,診療年月,診療区分,日数,医療機関等名称,医療費の総額,保険者の負担額,窓口相当負担額,取消区分";

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn rules(kind: Kind) -> Rules {
    Rules {
        kind,
        label: None,
        oldest: month("2024-11"),
        now_month: month("2026-11"),
        max_rows: 100_000,
        mapping: Mapping::default(),
    }
}

fn opened(stream: impl io::Read + Send + 'static, of: usize) -> Opened {
    Opened {
        stream: Box::new(stream),
        of: of as u64,
    }
}

/// All that is read of a file.
fn read_with(file: &[u8], rules: Rules) -> (FileRead, Vec<Line>) {
    let mut lines = Vec::new();
    let read = read(opened(Cursor::new(file.to_vec()), file.len()), rules, &mut |chunk| {
        lines.extend(chunk.batch);
        true
    });
    (read.unwrap(), lines)
}

fn costs(file: &str) -> (FileRead, Vec<CostLine>) {
    let (read, lines) = read_with(file.as_bytes(), rules(Kind::Costs));
    let of = |line| match line {
        Line::Cost(cost) => cost,
        Line::Medicine(_) => panic!("a medicine"),
    };
    (read, lines.into_iter().map(of).collect())
}

/// Rows under [`HEADER`], each with the changes to a usual one.
fn file(rows: &[&[(&str, &str)]]) -> String {
    let mut file = HEADER.to_owned();
    for (nth, changes) in rows.iter().enumerate() {
        let number = format!("R{nth}");
        let usual = [
            ("処理年月", "202608"),
            ("レセプト番号", number.as_str()),
            ("記号", "公立-12"),
            ("番号", "0034"),
            ("枝番", "01"),
            ("生年月日", "S600401"),
            ("診療年月", "202606"),
            ("診療区分", "医科外来"),
            ("日数", "2"),
            ("医療機関等名称", "奈良診療所"),
            ("医療費の総額", "1000"),
            ("保険者の負担額", "700"),
            ("窓口相当負担額", "300"),
            ("取消区分", ""),
        ];
        let cells: Vec<String> = usual
            .iter()
            .map(|(column, value)| {
                let changed = changes.iter().find(|(changed, _)| changed == column);
                format!("\"{}\"", changed.map_or(*value, |(_, value)| *value))
            })
            .collect();
        file.push('\n');
        file.push_str(&cells.join(","));
    }
    file
}

fn errors(read: &FileRead) -> Vec<(u64, &'static str, Reason)> {
    let of = read.errors.kept().iter();
    of.map(|error| (error.line, error.column, error.reason.clone()))
        .collect()
}

#[test]
fn columns_are_found_by_any_of_their_names_in_any_order() {
    let (read, lines) = costs(
        "自己負担額,標準負担額(食事),備考,支給額,回数,医療機関名,被保険者証番号,検索番号,個人ＩＤ,診療区分,保険者の負担額,診療年月,処理年月,医療費の総額,その他の公費の負担額,被保険者証記号\n\
         ▲300,０,あ,50,３,髙﨑\u{202E}𠮷\u{2069}医院,0034,R-1,A1,歯科,\"▲1,700\",R8.6,令和8年8月,\"-2,000\",0,公立－１２\n",
    );
    assert_eq!(errors(&read), []);
    assert_eq!(read.unknown_columns, ["備考"]);
    assert_eq!(read.label, Some(month("2026-08")));
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(
        (line.total, line.insurer, line.copay, line.benefit),
        (-2_000, -1_700, -300, 50)
    );
    assert_eq!((line.days, line.category, line.line), (3, Category::DentalOut, 2));
    // Marks that turn what stands behind them are not kept.
    assert_eq!((line.claim.as_str(), line.institution.as_str()), ("R-1", "髙﨑𠮷医院"));
    assert_eq!(line.who.symbol, "公立－１２");
    assert_eq!((line.who.personal_id.as_str(), line.who.branch.as_str()), ("A1", ""));
}

#[test]
fn a_line_of_medicines_is_read() {
    let (read, lines) = read_with(
        "処理年月,番号,調剤年月,剤形区分,医薬品コード,1回量,回数,負担割合,薬局等名称\n\
         2026/8,34,2026年6月,頓服,620001234,０．５,10,三割,奈良薬局\n"
            .as_bytes(),
        rules(Kind::Medicines),
    );
    assert_eq!(errors(&read), []);
    let [Line::Medicine(line)] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!((line.drug.as_str(), line.form.as_str()), ("620001234", "as_needed"));
    assert_eq!((line.daily_milli, line.count, line.rate), (500, 10, 3));
    assert_eq!((read.tally.rows, read.tally.yen()), (1, 0));
    let (read, _) = read_with(
        "番号,調剤年月,剤形区分,医薬品コード,1日量,日数,負担割合\n34,202606,丸薬,6200,0,0,4\n".as_bytes(),
        Rules {
            label: Some(month("2026-08")),
            ..rules(Kind::Medicines)
        },
    );
    let expected = [
        (2, "剤形区分", Reason::Form),
        (2, "医薬品コード", Reason::Drug),
        (2, "1日量", Reason::Daily),
        (2, "日数", Reason::Count),
        (2, "負担割合", Reason::Rate),
    ];
    assert_eq!(errors(&read), expected);
}

#[test]
fn a_file_with_diagnoses_is_refused_before_a_row_is_read() {
    for header in [
        "傷病名",
        "傷病名コード",
        "診療行為",
        "個人番号",
        " 傷病名１",
        "ﾏｲﾅﾝﾊﾞｰ",
        "診療行為コード",
    ] {
        let file = file(&[&[], &[("番号", "")]]).replacen("枝番", header, 1);
        let (read, lines) = costs(&file);
        assert!(lines.is_empty());
        assert_eq!(errors(&read), [(1, "", Reason::Forbidden)], "{header}");
        let told = read.errors.kept()[0].to_string();
        assert!(
            told.starts_with(&format!("1行目の「{}」：この列は受け取りません。", header.trim())),
            "{told}"
        );
        assert_eq!(read.tally, Tally::default());
    }
    // What else is wrong with the header is told with it.
    let (read, _) = costs("傷病名,病名,番号,診療年月,診療区分,医療費の総額,保険者の負担額\n");
    let expected = [
        (1, "", Reason::Forbidden),
        (1, "", Reason::Forbidden),
        (1, "窓口相当負担額", Fault::MissingColumn.into()),
    ];
    assert_eq!(errors(&read), expected);
}

#[test]
fn a_header_that_is_missing_or_doubled_is_named() {
    let (read, _) = costs("番号,番号,診療年月,診療区分,医療費の総額,保険者の負担額\n1,2,202606,調剤,1,1\n");
    let expected = [
        (1, "番号", Fault::RepeatedColumn.into()),
        (1, "窓口相当負担額", Fault::MissingColumn.into()),
    ];
    assert_eq!(errors(&read), expected);
}

#[test]
fn two_labels_in_one_file_are_told_at_the_first_other_row() {
    let other = [("処理年月", "202609")];
    let (read, _) = costs(&file(&[&[], &[], &other, &other, &[("処理年月", "")]]));
    let first = month("2026-08");
    assert_eq!(errors(&read), [(4, "処理年月", Reason::OtherLabel { first })]);
    let (read, lines) = costs(&file(&[&[("処理年月", "R0808")], &[("処理年月", "2026年8月")]]));
    assert_eq!((errors(&read).len(), lines.len()), (0, 2));
}

#[test]
fn a_label_given_and_one_in_the_file_must_agree() {
    let given = |file: &str, label: Option<&str>| {
        let label = label.map(month);
        let (read, lines) = read_with(
            file.as_bytes(),
            Rules {
                label,
                ..rules(Kind::Costs)
            },
        );
        (read.label.map(|label| label.to_string()), errors(&read), lines.len())
    };
    let said = file(&[&[], &[]]);
    let blank = file(&[&[("処理年月", "")], &[("処理年月", "")]]);
    let none = said.replacen("処理年月", "連番", 1);
    let wrong = Reason::GivenLabel {
        given: month("2026-09"),
    };
    let (_, errors, _) = given(&said, Some("2026-09"));
    assert_eq!(errors, [(2, "処理年月", wrong)]);
    assert_eq!(given(&said, Some("2026-08")), (Some("2026-08".into()), vec![], 2));
    for file in [&blank, &none] {
        assert_eq!(given(file, Some("2026-08")), (Some("2026-08".into()), vec![], 2));
        let (label, errors, _) = given(file, None);
        assert_eq!((label, errors), (None, vec![(2, "処理年月", Reason::NoLabel)]));
    }
    let (_, errors, _) = given(&none, Some("2026-12"));
    assert_eq!(errors, [(2, "処理年月", Reason::Label)]);
    let (_, errors, _) = given(&file(&[&[("処理年月", "2026-12")], &[("処理年月", "2026-12")]]), None);
    assert_eq!(errors, [(2, "処理年月", Reason::Label)]);
    let (_, errors, _) = given(&file(&[&[("処理年月", "8月")]]), None);
    assert_eq!(errors, [(2, "処理年月", Reason::Month)]);
}

#[test]
fn a_month_after_the_label_is_wrong_and_one_too_old_is_left_out() {
    let (read, lines) = costs(&file(&[
        &[("診療年月", "202609")],
        &[("診療年月", "202608")],
        &[("診療年月", "202411")],
        &[("診療年月", "202410"), ("レセプト番号", "X")],
        &[("診療年月", "202410"), ("レセプト番号", "X")],
    ]));
    let label = month("2026-08");
    assert_eq!(errors(&read), [(2, "診療年月", Reason::MonthAfterLabel { label })]);
    let kept: Vec<u32> = lines.iter().map(|line| line.line).collect();
    assert_eq!(kept, [3, 4]);
    assert_eq!((read.tally.rows, read.tally.too_old), (2, 2));
}

#[test]
fn a_claim_twice_in_one_file_names_both_lines() {
    let same: [&[(&str, &str)]; 5] = [
        &[("レセプト番号", "R-1")],
        &[
            ("レセプト番号", "Ｒ－１"),
            ("診療年月", "2026/6"),
            ("医療費の総額", "x"),
        ],
        &[("レセプト番号", "R-1"), ("診療年月", "202605")],
        &[("レセプト番号", "")],
        &[("レセプト番号", "")],
    ];
    let (read, lines) = costs(&file(&same));
    let expected = [
        (3, "レセプト番号", Reason::Repeated { line: 2 }),
        (3, "医療費の総額", Reason::Yen),
    ];
    assert_eq!(errors(&read), expected);
    assert_eq!(lines.len(), 4);
    // A claim of medicines has many lines.
    let header = "処理年月,レセプト番号,番号,調剤年月,剤形区分,医薬品コード,1日量,日数,負担割合\n";
    let row = "202608,R-1,34,202606,内服,620001234,1,7,3\n";
    let (read, lines) = read_with(format!("{header}{row}{row}").as_bytes(), rules(Kind::Medicines));
    assert_eq!((errors(&read).len(), lines.len()), (0, 2));
}

#[test]
fn one_row_may_take_a_claim_back_and_needs_no_amounts() {
    let blank = [
        ("医療費の総額", ""),
        ("保険者の負担額", ""),
        ("窓口相当負担額", ""),
        ("診療区分", ""),
    ];
    let with = |changes: &[(&'static str, &'static str)]| [&blank[..], changes].concat();
    let (read, lines) = costs(&file(&[
        &with(&[("取消区分", "1")]),
        &with(&[("取消区分", "1"), ("レセプト番号", "")]),
        &with(&[("取消区分", "2")]),
        &with(&[("取消区分", "0")]),
    ]));
    let empty = |column| (5, column, Reason::Table(Fault::Empty));
    let expected = [
        (3, "レセプト番号", Reason::WithdrawnUnnamed),
        (4, "取消区分", Reason::Flag),
        empty("診療区分"),
        empty("医療費の総額"),
        empty("保険者の負担額"),
        empty("窓口相当負担額"),
    ];
    assert_eq!(errors(&read), expected);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.withdrawn && line.total == 0);
    assert_eq!((read.tally.rows, read.tally.withdrawn), (1, 1));
}

#[test]
fn neither_number_nor_id_is_nobody() {
    let (read, _) = costs(&file(&[&[("番号", "　")]]));
    assert_eq!(errors(&read), [(2, "番号", Reason::NoNumber)]);
    let (read, lines) = costs(&file(&[&[("番号", "")]]).replacen("枝番", "個人ID", 1));
    assert_eq!(errors(&read), []);
    assert_eq!(lines[0].who.personal_id, "01");
    assert_eq!(lines[0].who.key(lines[0].month).number_key, "");
}

#[test]
fn all_errors_come_at_once_by_line_and_column() {
    let (read, lines) = costs(&file(&[
        &[
            ("診療年月", "6月"),
            ("診療区分", "眼科"),
            ("日数", "1000"),
            ("生年月日", "S600231"),
        ],
        &[
            ("医療費の総額", "1e3"),
            ("保険者の負担額", "1.5"),
            ("窓口相当負担額", "2147483648"),
        ],
        &[
            ("記号", &"1".repeat(41)),
            ("レセプト番号", "1.23457E+11"),
            ("医療機関等名称", "?田医院"),
        ],
    ]));
    assert!(lines.is_empty());
    let mut found: Vec<(u64, &str)> = errors(&read).iter().map(|(line, column, _)| (*line, *column)).collect();
    found.sort_unstable();
    let mut expected = vec![
        (2, "診療年月"),
        (2, "診療区分"),
        (2, "日数"),
        (2, "生年月日"),
        (3, "医療費の総額"),
        (3, "保険者の負担額"),
        (3, "窓口相当負担額"),
        (4, "記号"),
        (4, "レセプト番号"),
        (4, "医療機関等名称"),
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
    let told: Vec<String> = read.errors.kept().iter().map(ToString::to_string).collect();
    let expected = "2行目「診療年月」の「6月」：年月として読めません。";
    assert!(told.iter().any(|error| error.starts_with(expected)), "{told:?}");
}

#[test]
fn a_formula_or_tag_as_an_institution_is_text_or_refused_and_never_run() {
    let (read, lines) = costs(&file(&[
        &[("医療機関等名称", "=cmd()")],
        &[("医療機関等名称", "<b>奈良</b>診療所")],
        &[("医療機関等名称", "髙﨑𠮷クリニック")],
        &[("医療機関等名称", "+奈良@診療所")],
        &[("医療機関等名称", "奈良\n診療所")],
        &[("医療機関等名称", "奈良\0診療所")],
        &[("医療機関等名称", "")],
    ]));
    let table = |line, fault| (line, "医療機関等名称", Reason::Table(fault));
    let expected = [
        table(2, Fault::Formula),
        table(6, Fault::Control),
        table(8, Fault::Control),
    ];
    assert_eq!(errors(&read), expected);
    let names: Vec<&str> = lines.iter().map(|line| line.institution.as_str()).collect();
    assert_eq!(names, ["<b>奈良</b>診療所", "髙﨑𠮷クリニック", "+奈良@診療所", ""]);
}

#[test]
fn a_row_with_other_columns_than_the_header_is_told() {
    let whole = file(&[&[]]);
    let row = &whole[HEADER.len() + 1..];
    let file = format!("{whole}\n202608,R9,1,2\n{}\n{row},x\n", ",".repeat(13));
    let (read, lines) = costs(&file);
    assert_eq!(lines.len(), 1);
    let wrong = |line, found| (line, "", Reason::Table(Fault::FieldCount { expected: 14, found }));
    assert_eq!(errors(&read), [wrong(3, 4), wrong(5, 15)]);
}

#[test]
fn an_amount_that_its_own_comma_parts_is_no_smaller_amount() {
    // What it shifts to the end is blank.
    let parted = file(&[&[], &[("窓口相当負担額", "3,000円")]]).replace("\"3,000円\"", "3,000円");
    let (read, lines) = costs(&parted);
    assert_eq!(lines.len(), 1);
    let wrong = Reason::Table(Fault::FieldCount {
        expected: 14,
        found: 15,
    });
    assert_eq!(errors(&read), [(3, "", wrong)]);
    // A spreadsheet leaves blanks in all lines alike.
    let (read, lines) = costs(&file(&[&[], &[]]).replace('\n', ",\n"));
    assert_eq!((errors(&read).len(), lines.len()), (0, 2));
}

#[test]
fn a_utf8_file_cut_within_a_character_names_its_last_line() {
    let whole = file(&[&[], &[]]).replace("診療所", "医院");
    let cut = whole.rfind('院').unwrap() + 1;
    let (read, lines) = read_with(&whole.as_bytes()[..cut], rules(Kind::Costs));
    assert_eq!(lines.len(), 1);
    let [(line, _, _), ..] = errors(&read)[..] else {
        panic!("nothing is wrong")
    };
    assert_eq!(line, 3);
}

#[test]
fn a_file_without_rows_or_with_too_many_is_refused() {
    let (read, _) = costs(HEADER);
    assert_eq!(errors(&read), [(1, "", Fault::NoRows("明細").into())]);
    let few = Rules {
        max_rows: 1,
        ..rules(Kind::Costs)
    };
    let (read, lines) = read_with(file(&[&[], &[]]).as_bytes(), few);
    assert_eq!(lines.len(), 1);
    assert_eq!(errors(&read), [(3, "", Fault::TooManyRows { max: 1 }.into())]);
}

#[test]
fn a_line_of_a_hundred_megabytes_ends_the_reading_with_its_line() {
    let length = 100_000_000;
    let head = format!("{HEADER}\n\"");
    let stream = Cursor::new(head.into_bytes()).chain(io::repeat(b'1').take(length));
    let read = read(opened(stream, 0), rules(Kind::Costs), &mut |_| panic!("no row")).unwrap();
    assert_eq!(errors(&read), [(2, "", Fault::RowTooLong.into())]);
}

#[test]
fn memory_stays_the_same_however_long_the_file_is() {
    let many = |rows: usize| {
        let row = "202608,,1,34,,,202606,調剤,1,,10,7,3,\n";
        let file = format!("{HEADER}\n{}", row.repeat(rows));
        let mut sizes = Vec::new();
        let opened = opened(Cursor::new(file.clone().into_bytes()), file.len());
        let read = read(opened, rules(Kind::Costs), &mut |chunk| {
            sizes.push(chunk.batch.len());
            true
        });
        (sizes, read.unwrap().tally.rows)
    };
    assert_eq!(many(12_000), (vec![BATCH, BATCH, BATCH, BATCH, 2_000], 12_000));
    assert_eq!(many(BATCH), (vec![BATCH], 2_500));
}

#[test]
fn whoever_wants_no_more_ends_the_reading() {
    let row = "202608,,1,34,,,202606,調剤,1,,10,7,3,\n";
    let file = format!("{HEADER}\n{}", row.repeat(3 * BATCH));
    let mut batches = 0;
    let opened = opened(Cursor::new(file.into_bytes()), 0);
    read(opened, rules(Kind::Costs), &mut |_| {
        batches += 1;
        false
    })
    .unwrap();
    assert_eq!(batches, 1);
}
