//! Files that a spreadsheet has opened and saved: what can be read is read, and what is lost is named, never guessed.

use super::{Desk, HANAKO, HEADER, TARO, file};
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use roster::import::{ImportRefused, Options, Reason, RowErrors};
use tabular::Fault;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

async fn row_errors(desk: &Desk, file: &[u8]) -> RowErrors {
    match desk.refused(file, Options::default()).await {
        ImportRefused::Rows(errors) => errors,
        other => panic!("refused for {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_guarded_by_a_formula_is_the_number() {
    let desk = Desk::new().await;
    let guarded =
        "=\"公立-12\",=\"0034\",=\"00\",ケンポ　タロウ,健保　太郎,\"=\"\"19850401\"\"\",本人,,,=\"007\",=\"P1\"";
    desk.import(&[guarded]).await;
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    assert_eq!(
        (taro.symbol.as_str(), taro.number.as_str(), taro.branch.as_str()),
        ("公立-12", "0034", "00")
    );
    assert_eq!(taro.employee_number.unwrap().as_str(), "007");
    assert_eq!(desk.count("persons", "personal_id = 'P1'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_spreadsheet_broke_is_named_by_line_and_column_with_its_value_and_what_to_do() {
    let desk = Desk::new().await;
    let rows = [
        "公立-12,1.23457E+11,00,ケンポ　タロウ,健保　太郎,19850401,本人,,,,",
        "1-Apr,35,4月1日,ケンポ　タロウ,#REF!,19850401,#N/A,,,,",
        "公立-12,36,00,ケンポ　タロウ,健保　太郎,########,本人,#VALUE!,,'0034,1E+05",
        "公立-12,37,00,#NAME?,?保　太郎,19850401,本人,,,\"1,234\",=A1",
        "公立-12,38,00,ケンポ　タロウ,&#39640;田　太郎,19850401,本人,,,,",
        "2026年4月1日,=\"00\"&\"39\",26/01/04,ケンポ　タロウ,=\"#N/A\",19850401,本人,,,2026-04-01 00:00:00,=\"'1\"",
        "公立-12,NULL,nan,ケンポ　タロウ,(null),19850401,本人,,,NULL,\\N",
    ];
    let errors = row_errors(&desk, file(&rows).as_bytes()).await;
    let found: Vec<_> = errors
        .kept()
        .iter()
        .map(|e| (e.line, e.column, e.reason.clone()))
        .collect();
    let expected = [
        (2, "番号", Reason::Table(Fault::Exponential)),
        (3, "被保険者証記号", Reason::Table(Fault::TurnedToDate)),
        (3, "枝番", Reason::Table(Fault::TurnedToDate)),
        (3, "氏名（漢字）", Reason::Table(Fault::FormulaError)),
        (3, "続柄名称", Reason::Table(Fault::FormulaError)),
        (4, "生年月日", Reason::Table(Fault::Narrow)),
        (4, "資格喪失日", Reason::Table(Fault::FormulaError)),
        (4, "社員コード", Reason::Table(Fault::Apostrophe)),
        (4, "個人ID", Reason::Table(Fault::Exponential)),
        (5, "対象者氏名（カナ）", Reason::Table(Fault::FormulaError)),
        (5, "氏名（漢字）", Reason::Table(Fault::LostKanji)),
        (5, "社員コード", Reason::Table(Fault::Formatted)),
        (5, "個人ID", Reason::Table(Fault::Formula)),
        (6, "氏名（漢字）", Reason::Table(Fault::LostKanji)),
        (7, "被保険者証記号", Reason::Table(Fault::TurnedToDate)),
        (7, "番号", Reason::Table(Fault::Formula)),
        (7, "枝番", Reason::Table(Fault::TurnedToDate)),
        (7, "氏名（漢字）", Reason::Table(Fault::FormulaError)),
        (7, "社員コード", Reason::Table(Fault::TurnedToDate)),
        (7, "個人ID", Reason::Table(Fault::Apostrophe)),
        (8, "番号", Reason::Table(Fault::Nothing)),
        (8, "枝番", Reason::Table(Fault::Nothing)),
        (8, "氏名（漢字）", Reason::Table(Fault::Nothing)),
        (8, "社員コード", Reason::Table(Fault::Nothing)),
        (8, "個人ID", Reason::Table(Fault::Nothing)),
    ];
    assert_eq!(found, expected);
    let said = errors.kept()[0].to_string();
    assert!(said.starts_with("2行目「番号」の「1.23457E+11」："), "{said}");
    assert!(said.contains("Excelで開き直すと"), "{said}");
    let mut csv = Vec::new();
    errors.write_csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(
        csv.contains("\r\n5,個人ID,\"「=A1」\",\"数式"),
        "no cell of it is a formula: {csv}"
    );
    assert_eq!(desk.count("persons", "true").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trail_holds_a_value_that_was_refused() {
    let desk = Desk::new().await;
    let rows = [
        TARO.replace("0034", "9.87654E+11"),
        TARO.replace("健保　太郎", "?保　秘密"),
    ];
    row_errors(&desk, file(&[&rows[0], &rows[1]]).as_bytes()).await;
    let mut tx = desk.database.tenant(desk.tenant()).read().await.unwrap();
    for table in ["audit_events", "roster_imports", "events"] {
        let sql = format!(
            "SELECT t::text AS row FROM {table} t WHERE tenant_id = {}",
            desk.tenant()
        );
        let rows: Vec<Row> = diesel::sql_query(sql).load(&mut *tx).await.unwrap();
        for Row { row } in rows {
            assert!(!row.contains("9.87654E+11") && !row.contains("秘密"), "{table}: {row}");
        }
    }
    drop(tx);
    let why = desk.refused(file(&[&rows[0]]).as_bytes(), Options::default()).await;
    assert!(!format!("{why:?}{why}").contains("9.87654E+11"), "what a log may get");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_before_the_beginning_is_named() {
    let desk = Desk::new().await;
    let text = "被保険者証記号,番号,対象者氏名（カナ）,生年月日,続柄名称,資格取得日,資格喪失日\n\
        公立-12,1,ケンポ,19850401,本人,R080401,20260331\n公立-12,2,ケンポ,19850401,本人,20260401,20260401\n";
    let acquired_on = "2026-04-01".parse().unwrap();
    assert_eq!(
        desk.errors(text.as_bytes()).await,
        [(2, "資格喪失日", Reason::LostBeforeAcquired { acquired_on })]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_that_programs_call_csv_gives_the_same_roster() {
    let text = file(&[TARO, HANAKO]);
    let short = format!(
        "{HEADER}\r\n{}\r\n{}\r\n",
        TARO.trim_end_matches(','),
        HANAKO.trim_end_matches(',')
    );
    let layouts = [
        text.clone(),
        text.replace("\r\n", "\r"),
        text.replace(',', "\t"),
        text.replace(',', ";"),
        text.replace(',', "\t").replace("\r\n", "\r"),
        format!("{text}\u{1A}"),
        format!("{}\u{1A}", text.trim_end()),
        short,
        text.trim_end().to_owned(),
    ];
    for layout in layouts {
        let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(&layout);
        assert!(!lossy);
        for bytes in [layout.as_bytes(), &cp932] {
            let desk = Desk::new().await;
            let report = desk.try_import(bytes, Options::default()).await.unwrap();
            assert_eq!((report.rows, report.new), (2, 2), "{layout:?}");
            assert_eq!(
                desk.one("35", "1982-09-03", "キョウサイ ハナコ").await.name,
                "共済　花子"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_csv_are_called_what_they_are() {
    let desk = Desk::new().await;
    for (bytes, word) in [
        (b"".as_slice(), "ファイルが空です"),
        (b"\r\n\r\n\x1A", "ファイルが空です"),
        (b"PK\x03\x04\x14\0\x06\0", "Excelのブック"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "Excelのブック（.xls）"),
        (b"<html><body><table>", "HTML"),
        (b"%PDF-1.7\n", "PDF"),
    ] {
        let errors = row_errors(&desk, bytes).await;
        let said: Vec<String> = errors.kept().iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains(word), "{said:?}");
        assert!(!said[0].contains("文字コード"), "{said:?}");
    }
}
