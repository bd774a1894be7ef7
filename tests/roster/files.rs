//! What a roster file may be: whole or not at all, with every error named.

use super::{Desk, HANAKO, HEADER, SHOKO, TARO, file};
use roster::import::{Options, Reason};
use tabular::{Encoding, Fault};

#[tokio::test(flavor = "multi_thread")]
async fn the_three_encodings_give_the_same_roster_and_are_named() {
    let text = file(&[TARO, SHOKO]);
    let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!lossy);
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), Encoding::Utf8Bom),
        (cp932.to_vec(), Encoding::Cp932),
    ] {
        let desk = Desk::new().await;
        let report = desk.try_import(&bytes, Options::default()).await.unwrap();
        assert_eq!((report.encoding, report.rows, report.new), (encoding, 2, 2));
        let taro = desk.one("34", "1985-04-01", "ｹﾝﾎﾟ ﾀﾛｳ").await;
        assert_eq!(
            (taro.name.as_str(), taro.symbol.as_str(), taro.number.as_str()),
            ("健保　太郎", "公立-12", "0034")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gaiji_are_kept_in_either_encoding() {
    let desk = Desk::new().await;
    desk.import(&["公立-12,1,00,タカサキ　キチ,髙﨑　𠮷\u{E000}神,19500505,本人,,,,"])
        .await;
    assert_eq!(
        desk.one("1", "1950-05-05", "タカサキキチ").await.name,
        "髙﨑　𠮷\u{E000}神"
    );
    let (header, ..) = encoding_rs::SHIFT_JIS.encode(HEADER);
    let (row, ..) = encoding_rs::SHIFT_JIS.encode("\n公立-12,2,00,タカサキ　キチ,@@,19500505,本人,,,,\n");
    let mut bytes = [header, row].concat();
    let at = bytes.windows(2).position(|pair| pair == b"@@").unwrap();
    bytes.splice(at..at + 2, [0xFB, 0xFC, 0xED, 0x95, 0xF0, 0x40]);
    desk.try_import(
        &bytes,
        Options {
            allow_loss: true,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(desk.one("2", "1950-05-05", "タカサキキチ").await.name, "髙﨑\u{E000}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_is_refused_whole_with_every_error() {
    let desk = Desk::new().await;
    let rows = [
        TARO,
        "公立-12,,00,健保太郎,,20260230,本人,,,,",
        "公立-12,36,00,ケンポ,,19850401,,,kenpo,,",
        "公立-12,37,00,ケンポ,\u{7}",
        "公立-12,38,00,ケンポ,,1975年13月1日,本人,,,,",
    ];
    assert_eq!(
        desk.errors(file(&rows).as_bytes()).await,
        [
            (3, "番号", Reason::Table(Fault::Empty)),
            (3, "対象者氏名（カナ）", Reason::Table(Fault::NotKana)),
            (
                3,
                "生年月日",
                Reason::Table(Fault::ImpossibleDate { month: 2, last_day: 28 })
            ),
            (4, "続柄名称", Reason::Table(Fault::Empty)),
            (4, "メール", Reason::Table(Fault::EmailShape)),
            (5, "", Reason::Table(Fault::FieldCount { expected: 11, found: 5 })),
            (6, "生年月日", Reason::Table(Fault::ImpossibleMonth)),
        ]
    );
    assert_eq!(desk.count("persons", "true").await, 0);
    assert_eq!(
        desk.count("roster_imports", "state = 'refused' AND error_count = 7")
            .await,
        1
    );
    assert_eq!(
        desk.count("audit_events", "action = 'roster.import' AND outcome = 'rows'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_without_a_required_column_is_refused_and_an_unknown_column_reported() {
    let desk = Desk::new().await;
    let missing = desk
        .errors("被保険者証記号,番号,対象者氏名（カナ）,続柄名称\n1,2,ケンポ,本人\n".as_bytes())
        .await;
    assert_eq!(missing, [(1, "生年月日", Reason::Table(Fault::MissingColumn))]);
    let more = "続柄名称,備考, 番号 ,対象者氏名(ｶﾅ),生年月日,被保険者証記号\n本人,x,2,ケンポ タロウ,19850401,公立-12\n";
    let report = desk.try_import(more.as_bytes(), Options::default()).await.unwrap();
    assert_eq!((report.new, report.unknown_columns), (1, vec!["備考".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_repeat_another_name_both_lines() {
    let desk = Desk::new().await;
    let rows = [
        "公立-12,1,00,ア　ア,,19850401,本人,,,,P1",
        "公立‐１２,001,0,イ　イ,,19850402,本人,,,,P2",
        "公立-12,2,00,ウ　ウ,,19850403,本人,,,,P1",
        "公立-12,3,,エ　エ,,19850404,本人,,,,",
        "公立-12,3,,ｴ ｴ,,S600404,本人,,,,",
    ];
    assert_eq!(
        desk.errors(file(&rows).as_bytes()).await,
        [
            (3, "番号", Reason::RepeatedNumber { line: 2 }),
            (4, "個人ID", Reason::RepeatedPersonalId { line: 2 }),
            (6, "番号", Reason::RepeatedPerson { line: 5 }),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_difference_and_leaves_nothing() {
    let desk = Desk::new().await;
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    let report = desk.try_import(file(&[TARO, HANAKO]).as_bytes(), dry).await.unwrap();
    assert_eq!((report.dry_run, report.new, report.lost), (true, 2, 0));
    desk.refused(b"", dry).await;
    desk.assert_untouched().await;
    desk.import(&[TARO, HANAKO]).await;
    let moved = TARO.replace("健保　太郎", "健保　太朗");
    let report = desk.try_import(file(&[&moved, SHOKO]).as_bytes(), dry).await.unwrap();
    assert_eq!(
        (report.new, report.changed, report.lost, report.unchanged),
        (1, 1, 1, 0)
    );
    assert!(report.vanishing.is_too_much());
    assert_eq!(desk.one("34", "1985-04-01", "ケンポタロウ").await.name, "健保　太郎");
    assert_eq!(desk.journal().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_changes_nothing() {
    let desk = Desk::new().await;
    desk.import(&[TARO, SHOKO, HANAKO]).await;
    let report = desk.import(&[HANAKO, SHOKO, TARO]).await;
    assert_eq!(
        (report.new, report.changed, report.lost, report.unchanged),
        (0, 0, 0, 3)
    );
    assert_eq!(desk.journal().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_the_file_has_not_leaves_what_is_known() {
    let desk = Desk::new().await;
    desk.import(&["公立-12,0034,00,ケンポ　タロウ,健保　太郎,19850401,本人,,taro@example.jp,,P1"])
        .await;
    let short =
        "被保険者証記号,番号,枝番,対象者氏名（カナ）,生年月日,続柄名称\n公立-12,0034,00,ケンポ　タロウ,19850401,本人\n";
    assert_eq!(
        desk.try_import(short.as_bytes(), Options::default())
            .await
            .unwrap()
            .unchanged,
        1
    );
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    assert_eq!(taro.email.unwrap().as_str(), "taro@example.jp");
    assert_eq!(taro.name, "健保　太郎");
}
