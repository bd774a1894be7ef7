//! The roster on a real database: whole files or nothing, who is lost and who returns, and whom an identity means.

mod faults;
mod identity;
mod keys;
mod relations;
mod side_by_side;
mod spreadsheets;

use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::Database;
use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use kernel::{BirthDate, Clock, KanaName, Number, PersonId, Symbol, TenantId};
use roster::{
    Access, Change, ChangeKind, Found, Identity, Person, changes,
    import::{Encoding, ImportError, ImportRefused, Options, Reason, Report, import},
};
use std::io::Write as _;
use tenancy::{Insurer, InsurerKind, InsurerState, Settings};
use testkit::TestDatabase;

const HEADER: &str =
    "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日,メール,社員コード,個人ID";

/// One insurer's roster, a frozen clock, and files to import.
struct Desk {
    database: Database,
    clock: Clock,
    insurer: Insurer,
}

impl Desk {
    async fn new() -> Self {
        Self::of(InsurerKind::HealthInsurance).await
    }

    async fn of(kind: InsurerKind) -> Self {
        let test = TestDatabase::new().await;
        let settings = Settings {
            kind,
            ..Settings::default()
        };
        let insurer = Insurer::new(test.tenant, None, InsurerState::Open, 1, settings);
        Self {
            database: test.database,
            clock: test.clock,
            insurer,
        }
    }

    fn tenant(&self) -> TenantId {
        self.insurer.tenant_id
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn try_import(&self, file: &[u8], options: Options) -> Result<Report, ImportError> {
        let mut on_disk = tempfile::NamedTempFile::new().unwrap();
        on_disk.write_all(file).unwrap();
        let by = (Actor::Operator, Origin::command());
        import(
            &self.database,
            &self.insurer,
            on_disk.path(),
            options,
            by,
            &self.clock,
            |_| (),
        )
        .await
    }

    /// Imports rows under [`HEADER`], however many vanish.
    async fn import(&self, rows: &[&str]) -> Report {
        let options = Options {
            allow_loss: true,
            ..Options::default()
        };
        self.try_import(file(rows).as_bytes(), options).await.unwrap()
    }

    async fn refused(&self, file: &[u8], options: Options) -> ImportRefused {
        match self.try_import(file, options).await {
            Err(ImportError::Refused(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn errors(&self, file: &[u8]) -> Vec<(u64, &'static str, Reason)> {
        match self.refused(file, Options::default()).await {
            ImportRefused::Rows(errors) => errors
                .kept()
                .iter()
                .map(|error| (error.line, error.column, error.reason.clone()))
                .collect(),
            other => panic!("refused for {other:?}"),
        }
    }

    async fn find(&self, identity: &Identity) -> Found {
        let mut tx = self.database.tenant(self.tenant()).read().await.unwrap();
        roster::find(&mut tx, &self.insurer, identity, self.now())
            .await
            .unwrap()
    }

    async fn one(&self, number: &str, birth_date: &str, kana_name: &str) -> Person {
        match self.find(&identity(number, birth_date, kana_name)).await {
            Found::One { person, .. } => person,
            other => panic!("{number} {kana_name}: {other:?}"),
        }
    }

    async fn person(&self, id: PersonId) -> Person {
        let tx = self.database.tenant(self.tenant()).read().await.unwrap();
        roster::person(&tx, id).await.unwrap().unwrap()
    }

    async fn journal(&self) -> Vec<Change> {
        let mut tx = self.database.tenant(self.tenant()).read().await.unwrap();
        changes::after(&mut tx, 0, 1_000).await.unwrap()
    }

    async fn count(&self, table: &str, condition: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut tx = self.database.tenant(self.tenant()).read().await.unwrap();
        let sql = format!(
            "SELECT count(*) AS count FROM {table} WHERE tenant_id = {} AND {condition}",
            self.tenant()
        );
        let count: Count = diesel::sql_query(sql).get_result(&mut *tx).await.unwrap();
        count.count
    }

    /// What an import that never was leaves.
    async fn assert_untouched(&self) {
        let tables = [
            "persons",
            "roster_changes",
            "roster_imports",
            "roster_staging",
            "roster_matches",
            "events",
        ];
        for table in tables {
            assert_eq!(self.count(table, "true").await, 0, "{table}");
        }
    }
}

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

fn identity(number: &str, birth_date: &str, kana_name: &str) -> Identity {
    Identity {
        symbol: Symbol::parse("公立-12").unwrap(),
        number: Number::parse(number).unwrap(),
        birth_date: BirthDate::parse_iso(birth_date, "2026-11-22".parse().unwrap()).unwrap(),
        kana_name: KanaName::parse(kana_name).unwrap(),
        employee_number: None,
    }
}

const TARO: &str = "公立-12,0034,00,ケンポ　タロウ,健保　太郎,19850401,本人,,,,";
const SHOKO: &str = "公立-12,0034,01,ケンポ　ショウコ,健保　昭子,S62.8.25,妻,,,,";
const HANAKO: &str = "公立-12,35,00,キョウサイ　ハナコ,共済　花子,1982/9/3,本人,,,,";

/// Twenty insured persons besides those of a test, so that one of them is less than five per cent.
fn town() -> Vec<String> {
    (100..120)
        .map(|number| format!("公立-12,{number},00,マチノ　ヒト,町野　人,19700101,本人,,,,"))
        .collect()
}

fn with_town<'a>(town: &'a [String], rows: &[&'a str]) -> Vec<&'a str> {
    rows.iter().copied().chain(town.iter().map(String::as_str)).collect()
}

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
    ];
    assert_eq!(
        desk.errors(file(&rows).as_bytes()).await,
        [
            (3, "番号", Reason::Empty),
            (3, "対象者氏名（カナ）", Reason::NotKana),
            (3, "生年月日", Reason::ImpossibleDate { month: 2, last_day: 28 }),
            (4, "続柄名称", Reason::Empty),
            (4, "メール", Reason::EmailShape),
            (5, "", Reason::FieldCount { expected: 11, found: 5 }),
        ]
    );
    assert_eq!(desk.count("persons", "true").await, 0);
    assert_eq!(
        desk.count("roster_imports", "state = 'refused' AND error_count = 6")
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
    assert_eq!(missing, [(1, "生年月日", Reason::MissingColumn)]);
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
async fn more_than_five_per_cent_vanishing_is_refused_unless_allowed() {
    let desk = Desk::new().await;
    let town = town();
    desk.import(&with_town(&town, &[])).await;
    let one_less = file(&with_town(&town[1..], &[]));
    let report = desk.try_import(one_less.as_bytes(), Options::default()).await.unwrap();
    assert_eq!((report.lost, report.unchanged), (1, 19));
    let two_less = file(&with_town(&town[2..], &[]));
    let why = desk.refused(two_less.as_bytes(), Options::default()).await;
    assert!(matches!(why, ImportRefused::Loss(vanishing) if (vanishing.covered, vanishing.missing) == (19, 1)));
    assert_eq!(desk.count("persons", "present").await, 19);
    assert_eq!(desk.count("audit_events", "outcome = 'loss'").await, 1);
    let options = Options {
        allow_loss: true,
        ..Options::default()
    };
    assert_eq!(desk.try_import(two_less.as_bytes(), options).await.unwrap().lost, 1);
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
async fn who_is_missing_is_lost_and_returns_as_the_same_person() {
    let desk = Desk::new().await;
    desk.import(&[TARO, HANAKO]).await;
    let hanako = desk.one("35", "1982-09-03", "キョウサイ ハナコ").await;
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(desk.import(&[TARO]).await.lost, 1);
    let lost = desk.person(hanako.person_id).await;
    assert_eq!(lost.lost_on, Some(kernel::calendar::today_in_japan(desk.now())));
    assert_eq!(lost.access(desk.now(), 0), Access::Ended);
    assert_eq!(
        desk.find(&identity("35", "1982-09-03", "キョウサイ ハナコ")).await,
        Found::None
    );
    assert_eq!(desk.count("events", "kind = 'member.coverage_lost'").await, 1);
    assert_eq!(desk.import(&[TARO]).await.lost, 0);
    assert_eq!(desk.import(&[TARO, HANAKO]).await.returned, 1);
    assert_eq!(desk.one("35", "1982-09-03", "キョウサイ ハナコ").await, hanako);
    let kinds: Vec<_> = desk
        .journal()
        .await
        .into_iter()
        .map(|change| (change.position, change.kind))
        .collect();
    let expected = [ChangeKind::New, ChangeKind::New, ChangeKind::Lost, ChangeKind::Returned];
    assert_eq!(kinds, (1..).zip(expected).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_loss_in_the_file_ends_access_on_that_day_and_may_be_taken_back() {
    let mut desk = Desk::new().await;
    desk.import(&[TARO]).await;
    let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
    let today = kernel::calendar::today_in_japan(desk.now());
    let ends = TARO.replace("本人,,", &format!("本人,{},", today.succ_opt().unwrap()));
    assert_eq!(desk.import(&[&ends]).await.lost, 1);
    assert_eq!(desk.person(taro).await.access(desk.now(), 0), Access::Full);
    assert_eq!(desk.import(&[&ends]).await.unchanged, 1);
    desk.clock.advance(TimeDelta::days(1));
    assert_eq!(desk.person(taro).await.access(desk.now(), 0), Access::Ended);
    assert_eq!(
        desk.find(&identity("34", "1985-04-01", "ケンポ タロウ")).await,
        Found::None
    );
    desk.insurer.after_loss_days = 30;
    assert_eq!(desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id, taro);
    desk.insurer.after_loss_days = 0;
    assert_eq!(desk.import(&[TARO]).await.returned, 1);
    assert_eq!(desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id, taro);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_id_carries_a_person_over_a_new_number() {
    let desk = Desk::new().await;
    let before = "公立-12,1,00,ケンポ　タロウ,健保　太郎,19850401,本人,,,,P1";
    let after = "公立-13,900,01,ケンポ　タロウ,健保　太郎,19850401,本人,,,,P1";
    desk.import(&[before]).await;
    let taro = desk.one("1", "1985-04-01", "ケンポ タロウ").await.person_id;
    assert_eq!(desk.import(&[after]).await.changed, 1);
    let now = desk.person(taro).await;
    assert_eq!((now.symbol.as_str(), now.number.as_str()), ("公立-13", "900"));
    let journal = desk.journal().await;
    assert_eq!(journal.last().unwrap().fields, ["symbol", "number", "branch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_may_swap_branches_and_a_left_number_may_be_given_anew() {
    let desk = Desk::new().await;
    desk.import(&[
        "公立-12,1,01,ケンポ　ハル,健保　春,20100401,子,,,,P1",
        "公立-12,1,02,ケンポ　ナツ,健保　夏,20110401,子,,,,P2",
        "公立-12,2,00,ケンポ　アキ,健保　秋,19500401,本人,,,,P3",
    ])
    .await;
    let report = desk
        .import(&[
            "公立-12,1,02,ケンポ　ハル,健保　春,20100401,子,,,,P1",
            "公立-12,1,01,ケンポ　ナツ,健保　夏,20110401,子,,,,P2",
            "公立-12,2,00,ケンポ　フユ,健保　冬,19900401,本人,,,,P4",
        ])
        .await;
    assert_eq!((report.new, report.changed, report.lost), (1, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_birth_date_and_name_under_the_same_number_is_another_person() {
    let desk = Desk::new().await;
    desk.import(&[TARO]).await;
    let other = "公立-12,0034,00,ケンポ　ジロウ,健保　次郎,19850402,本人,,,,";
    let report = desk.import(&[other]).await;
    assert_eq!((report.new, report.lost, report.corrected.persons), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_birth_date_is_the_same_person_and_shown_as_a_correction() {
    let corrected = TARO.replace("19850401", "19840401");
    let another_kana = corrected.replace("ケンポ　タロウ", "ケンポ　タラウ");
    for (before, after) in [
        (TARO.to_owned(), corrected.clone()),
        (TARO.to_owned(), another_kana.replace("健保　太郎", "健保太郎")),
        (TARO.replace(",00,", ",,"), corrected.replace(",00,", ",,")),
        (format!("{TARO}P1"), format!("{another_kana}P1")),
    ] {
        let desk = Desk::new().await;
        let town = town();
        desk.import(&with_town(&town, &[&before])).await;
        let taro = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
        let rows = file(&with_town(&town, &[&after]));
        let report = desk.try_import(rows.as_bytes(), Options::default()).await.unwrap();
        assert_eq!((report.new, report.changed, report.lost), (0, 1, 0), "{after}");
        assert_eq!(
            (report.corrected.persons, report.corrected.lines.as_slice()),
            (1, [2].as_slice()),
            "{after}"
        );
        assert_eq!(desk.person(taro).await.birth_date.date().to_string(), "1984-04-01");
        assert!(
            desk.journal()
                .await
                .last()
                .unwrap()
                .fields
                .contains(&"birth_date".to_owned())
        );
        let old = identity("34", "1985-04-01", "ケンポ タロウ");
        assert_eq!(desk.find(&old).await, Found::None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_taken_only_where_it_leaves_no_choice_and_of_who_was_in_the_last_roster() {
    let desk = Desk::new().await;
    let twins = [
        "公立-12,34,,ケンポ　ハル,,20100401,子,,,,",
        "公立-12,34,,ケンポ　ハル,,20120401,子,,,,",
    ];
    desk.import(&twins).await;
    let both = twins.map(|row| row.replace("0401", "0402"));
    let report = desk.import(&[&both[0], &both[1]]).await;
    assert_eq!((report.new, report.lost, report.corrected.persons), (2, 2, 0));
    let desk = Desk::new().await;
    desk.import(&[TARO, HANAKO]).await;
    desk.import(&[HANAKO]).await;
    let namesake = TARO.replace("19850401", "20050401");
    let report = desk.import(&[&namesake, HANAKO]).await;
    assert_eq!((report.new, report.returned, report.corrected.persons), (1, 0, 0));
    let two_ids = [
        format!("{TARO}P1"),
        format!("{}P2", TARO.replace("19850401", "19850402")),
    ];
    let desk = Desk::new().await;
    desk.import(&[&two_ids[0]]).await;
    let report = desk.import(&[&two_ids[1]]).await;
    assert_eq!((report.new, report.lost), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_branches_a_new_name_is_the_same_person_where_that_leaves_no_choice() {
    let desk = Desk::new().await;
    desk.import(&["公立-12,1,,ヤマダ　ハナコ,山田　花子,19850401,本人,,,,"])
        .await;
    let hanako = desk.one("1", "1985-04-01", "ヤマダ ハナコ").await.person_id;
    let report = desk
        .import(&["公立-12,1,00,サトウ　ハナコ,佐藤　花子,19850401,本人,,,,"])
        .await;
    assert_eq!((report.changed, report.new), (1, 0));
    assert_eq!(desk.one("1", "1985-04-01", "サトウ ハナコ").await.person_id, hanako);
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
