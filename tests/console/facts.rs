//! Facts by hand: a person is added or mended, what changes is shown before and after, and what is set holds against the files
//! that come until they bring something else.

use access::Role;
use chrono::TimeDelta;
use kernel::PersonId;
use roster::{
    import::{Options, Report},
    runs::at_command,
};
use tabular::Source;
use testkit::{Answer, TestApp, TestClerk};

const HEADER: &str = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日,メール,電話,事業所コード,個人ID\r\n";
/// Who is in every test's roster, and whom the tests mend.
const SHOKO: &str = "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,shoko@example.jp,090-1234-5678,A01";
const TARO: &str = "100,105,01,ケンポ　タロウ,健保　太郎,20150401,子,,,,A01";

/// A file as the command line imports it.
pub(crate) async fn load(app: &TestApp, rows: &[&str]) -> Report {
    app.later(1);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{HEADER}{}\r\n", rows.join("\r\n"))).unwrap();
    let test = &app.insurer;
    let insurer = test.directory.by_tenant(test.tenant).await.unwrap().unwrap();
    let options = Options {
        allow_loss: true,
        ..Options::default()
    };
    let with = (&test.database, &test.keys);
    let report = at_command(with, &insurer, Source::file(file.path()), options, &test.clock, |_| ());
    let report = report.await.unwrap();
    app.later(1);
    report
}

/// Somebody new under a number, as the form to add people has them; `but` for these fields.
pub(super) fn jiro<'a>(number: &'a str, but: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let known = [
        ("symbol", "100"),
        ("number", number),
        ("branch", "00"),
        ("kana_name", "スズキ　ジロウ"),
        ("name", "鈴木　次郎"),
        ("birth_date", "1985-04-01"),
        ("relationship", "本人"),
    ];
    let kept = known
        .into_iter()
        .filter(|(name, _)| !but.iter().any(|(changed, _)| changed == name));
    kept.chain(but.iter().copied()).collect()
}

pub(crate) async fn id_of(app: &TestApp, number: &str, branch: &str) -> PersonId {
    let query =
        format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}' AND branch = '{branch}'");
    PersonId::parse(&app.insurer.lines(&query).await[0]).unwrap()
}

/// What the roster says of a person in one column.
pub(crate) async fn said(app: &TestApp, person: PersonId, column: &str) -> String {
    let query = format!("SELECT coalesce({column}::text, '') AS line FROM persons WHERE person_id = '{person}'");
    app.insurer.lines(&query).await.remove(0)
}

/// The form's fields as its page has them.
pub(super) async fn fields(clerk: &TestClerk, path: &str) -> Vec<(String, String)> {
    let page = clerk.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let value = |tag: &str, name: &str| {
        let after = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(after.split('"').next()?.to_owned())
    };
    let form = page.text.split("<main").nth(1).unwrap();
    let inputs = form.split("<input ").skip(1).map(|tag| format!(" {tag}"));
    let found = inputs.filter_map(|tag| Some((value(&tag, "name")?, value(&tag, "value")?)));
    found.filter(|(name, _)| name != "for").collect()
}

pub(super) fn with<'a>(fields: &'a [(String, String)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let known = fields.iter().map(|(name, value)| (&**name, &**value));
    let kept = known.filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().copied()).collect()
}

/// The difference, and what came of writing it.
pub(crate) async fn mend(clerk: &TestClerk, person: PersonId, changes: &[(&str, &str)]) -> (Answer, Answer) {
    let form = format!("/console/members/{person}/facts");
    let typed = fields(clerk, &form).await;
    let difference = clerk.post(&form, &with(&typed, changes)).await;
    let written = clerk.post(&format!("{form}/write"), &with(&typed, changes)).await;
    (difference, written)
}

pub(super) async fn mended(clerk: &TestClerk, person: PersonId, changes: &[(&str, &str)]) {
    let (difference, written) = mend(clerk, person, changes).await;
    assert_eq!(difference.status, 200, "{}", difference.text);
    assert_eq!(written.status, 303, "{}", written.text);
    assert_eq!(written.location(), format!("/console/members/{person}"));
}

async fn family() -> (TestApp, TestClerk, PersonId) {
    let app = TestApp::start().await;
    load(&app, &[SHOKO, TARO]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let shoko = id_of(&app, "105", "00").await;
    (app, clerk, shoko)
}

#[tokio::test]
async fn a_name_is_mended_with_its_difference_its_journal_its_keys_and_its_history() {
    let (app, clerk, shoko) = family().await;
    let position = "SELECT position::text AS line FROM roster_heads";
    let before: i64 = app.insurer.lines(position).await[0].parse().unwrap();
    let (difference, written) = mend(
        &clerk,
        shoko,
        &[("kana_name", "ケンポ　サチコ"), ("name", "健保　幸子")],
    )
    .await;
    for text in ["ケンポ　ショウコ", "ケンポ　サチコ", "健保　祥子", "健保　幸子"] {
        assert!(difference.text.contains(text), "{text}: {}", difference.text);
    }
    assert!(!difference.text.contains("本人かどうかを確かめるため"));
    assert_eq!(written.status, 303, "{}", written.text);
    let journal = "SELECT position || ' ' || kind || ' ' || array_to_string(fields, ',') AS line FROM roster_changes
                   ORDER BY position DESC LIMIT 1";
    let last = app.insurer.lines(journal).await.remove(0);
    assert_eq!(last, format!("{} changed kana_name,name", before + 1));
    assert_eq!(app.insurer.lines(position).await[0], (before + 1).to_string());
    let events = "kind = 'roster.changed'";
    assert_eq!(app.insurer.count("events", events).await, 1);
    assert_eq!(app.insurer.count("audit_events", "action = 'roster.mend'").await, 1);
    let list = clerk.post("/console/members", &[("q", "さちこ")]).await;
    assert!(!clerk.get(list.location()).await.text.contains("健保　幸子"));
    let list = clerk.post("/console/members", &[("q", "けんぽさちこ")]).await;
    let list = clerk.get(list.location()).await.text;
    assert!(list.contains("健保　幸子"), "{list}");
    let page = clerk.get(&format!("/console/members/{shoko}")).await.text;
    assert!(page.contains("健保　祥子 → 健保　幸子"), "{page}");
    // What is kept of before is closed.
    let sealed = "SELECT encode(sealed, 'escape') AS line FROM roster_before";
    let sealed = app.insurer.lines(sealed).await.join("");
    assert!(!sealed.contains("kana_name"), "{sealed}");
    assert_eq!(app.insurer.count("roster_staging", "true").await, 0);
}

#[tokio::test]
async fn kana_is_kept_as_rosters_write_it_however_it_was_typed() {
    let (app, clerk, shoko) = family().await;
    let typed = [("kana_name", " けんぽ ｻﾁｺ")];
    let (difference, written) = mend(&clerk, shoko, &typed).await;
    assert!(difference.text.contains("ケンポ　サチコ"), "{}", difference.text);
    assert_eq!(written.status, 303, "{}", written.text);
    assert_eq!(said(&app, shoko, "kana_name").await, "ケンポ　サチコ");
    let added = jiro("106", &[("kana_name", "すずき じろう")]);
    assert_eq!(clerk.post("/console/members/add", &added).await.status, 303);
    let jiro = id_of(&app, "106", "00").await;
    assert_eq!(said(&app, jiro, "kana_name").await, "スズキ　ジロウ");
    // What a file wrote in its own way is no change of whoever mends something else.
    load(&app, &["100,105,00,ｹﾝﾎﾟ ｻﾁｺ,健保　祥子,19850401,本人,,,,A01"]).await;
    let (difference, _) = mend(&clerk, shoko, &[("name", "健保　幸子")]).await;
    assert!(!difference.text.contains("氏名（カナ）"), "{}", difference.text);
    assert_eq!(said(&app, shoko, "kana_name").await, "ｹﾝﾎﾟ ｻﾁｺ");
}

#[tokio::test]
async fn the_history_masks_contact_data_for_whoever_may_not_see_it() {
    let (app, clerk, shoko) = family().await;
    mended(
        &clerk,
        shoko,
        &[
            ("phone", "080-9999-0000"),
            ("email", "new@example.jp"),
            ("address", "奈良市"),
        ],
    )
    .await;
    let page = clerk.get(&format!("/console/members/{shoko}")).await.text;
    assert!(page.contains("090-1234-5678 → 080-9999-0000"), "{page}");
    let list = clerk.post("/console/members", &[("q", "08099990000")]).await;
    assert!(clerk.get(list.location()).await.text.contains(&shoko.to_string()));
    let viewer = app.clerk(&[Role::Viewer]).await;
    let page = viewer.get(&format!("/console/members/{shoko}")).await.text;
    assert!(page.contains("***5678 → ***0000"), "{page}");
    for hidden in [
        "090-1234-5678",
        "080-9999-0000",
        "shoko@example.jp",
        "new@example.jp",
        "奈良市",
    ] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert_eq!(viewer.get(&format!("/console/members/{shoko}/facts")).await.status, 403);
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once_and_what_was_typed_stays() {
    let (app, clerk, shoko) = family().await;
    let form = format!("/console/members/{shoko}/facts");
    let typed = fields(&clerk, &form).await;
    let wrong = [
        ("kana_name", "健保祥子"),
        ("birth_date", "2099-01-01"),
        ("email", "a@b"),
        ("relationship", ""),
        ("number", ""),
        ("acquired_on", "2026-04-01"),
        ("lost_on", "2026-03-01"),
    ];
    for step in [form.clone(), format!("{form}/write")] {
        let answer = clerk.post(&step, &with(&typed, &wrong)).await;
        assert_eq!(answer.status, 422);
        for (name, _) in wrong.iter().filter(|(name, _)| *name != "acquired_on") {
            assert!(
                answer.text.contains(&format!("id=\"m-{name}\"")),
                "{name}: {}",
                answer.text
            );
        }
        assert!(answer.text.contains("健保祥子"));
    }
    let same = clerk.post(&form, &with(&typed, &[])).await;
    assert!(same.text.contains("変わったところがありません"), "{}", same.text);
    assert_eq!(app.insurer.count("audit_events", "action = 'roster.mend'").await, 0);
}

#[tokio::test]
async fn a_day_of_loss_that_means_none_is_read_as_in_a_file() {
    let (app, clerk, shoko) = family().await;
    mended(&clerk, shoko, &[("name", "健保　幸子"), ("lost_on", "9999-12-31")]).await;
    assert_eq!(said(&app, shoko, "lost_on").await, "");
}

#[tokio::test]
async fn a_number_that_somebody_has_is_refused_with_what_to_do() {
    let (app, clerk, shoko) = family().await;
    let (difference, written) = mend(&clerk, shoko, &[("branch", "01")]).await;
    for answer in [difference, written] {
        assert!(answer.text.contains("もう名簿にいます"), "{}", answer.text);
    }
    assert_eq!(said(&app, shoko, "branch").await, "00");
}

#[tokio::test]
async fn a_file_that_gives_a_number_of_whom_it_does_not_name_is_refused_by_its_line() {
    use super::roster::{SHOKO, compared, file};
    let (app, clerk, _) = family().await;
    // A file of changes leaves everybody else in the roster.
    let other = "100,105,01,ベツノ　ヒト,,19910203,本人,,追加";
    let delta = file(&[other]).replacen("資格喪失日", "資格喪失日,異動区分", 1);
    let run = compared(&app, &clerk, delta.as_bytes()).await;
    let page = clerk.get(&run).await.text;
    assert!(page.contains("加入者の名簿にもういます"), "{page}");
    app.later(1);
    // And a whole one whom staff have added.
    let new = jiro("900", &[("branch", "01")]);
    assert_eq!(clerk.post("/console/members/add", &new).await.status, 303);
    app.later(1);
    let other = "100,900,01,ベツノ　ヒト,,19910203,本人,";
    let run = compared(&app, &clerk, file(&[SHOKO, other]).as_bytes()).await;
    let page = clerk.get(&run).await.text;
    assert!(page.contains("加入者の名簿にもういます"), "{page}");
}

#[tokio::test]
async fn while_an_import_has_the_roster_a_fact_is_refused_at_once() {
    let (app, clerk, shoko) = family().await;
    let lock = super::roster::held(&app).await;
    let (difference, written) = mend(&clerk, shoko, &[("name", "健保　幸子")]).await;
    assert_eq!(difference.status, 200, "it may be looked at");
    assert_eq!(written.status, 409);
    assert!(written.text.contains("取込中です"), "{}", written.text);
    assert!(written.text.contains("健保　幸子"), "what was typed stays");
    lock.rollback().await.unwrap();
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    assert_eq!(said(&app, shoko, "name").await, "健保　幸子");
}

#[tokio::test]
async fn whoever_writes_what_another_has_changed_meanwhile_is_told() {
    let (app, clerk, shoko) = family().await;
    let form = format!("/console/members/{shoko}/facts");
    let early = fields(&clerk, &form).await;
    app.later(1);
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    let late = clerk
        .post(&format!("{form}/write"), &with(&early, &[("phone", "1")]))
        .await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("その間に変わりました"), "{}", late.text);
    assert_eq!(said(&app, shoko, "name").await, "健保　幸子");
    assert_eq!(said(&app, shoko, "phone").await, "090-1234-5678");
}

#[tokio::test]
async fn a_refused_form_stays_of_the_state_that_it_was_first_shown_with() {
    let (app, clerk, shoko) = family().await;
    let form = format!("/console/members/{shoko}/facts");
    let early = fields(&clerk, &form).await;
    app.later(1);
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    let refused = clerk.post(&form, &with(&early, &[("kana_name", "健保祥子")])).await;
    assert_eq!(refused.status, 422);
    let (_, seen) = early.iter().find(|(name, _)| name == "seen").unwrap();
    let kept = format!("name=\"seen\" value=\"{seen}\"");
    assert!(refused.text.contains(&kept), "{kept}: {}", refused.text);
}

#[tokio::test]
async fn a_fact_by_hand_holds_until_a_file_brings_another_value_than_the_last_one() {
    let (app, clerk, shoko) = family().await;
    mended(&clerk, shoko, &[("name", "健保　幸子"), ("phone", "03-1")]).await;
    let report = load(&app, &[SHOKO, TARO]).await;
    assert_eq!((report.changed, report.unchanged), (0, 2));
    assert_eq!(said(&app, shoko, "name").await, "健保　幸子");
    assert_eq!(
        said(&app, shoko, "name_key").await,
        kernel::text::name_key("健保　幸子")
    );
    // Set once more, what the file said last stays beside it.
    mended(&clerk, shoko, &[("name", "健保　咲子")]).await;
    load(&app, &[SHOKO, TARO]).await;
    assert_eq!(said(&app, shoko, "name").await, "健保　咲子");
    // The file has a new one: the other fact holds.
    let report = load(&app, &[&SHOKO.replace("健保　祥子", "健保　翔子"), TARO]).await;
    assert_eq!(report.changed, 1);
    assert_eq!(said(&app, shoko, "name").await, "健保　翔子");
    assert_eq!(said(&app, shoko, "phone").await, "03-1");
    // What the file said before by hand's time is now another value.
    load(&app, &[SHOKO, TARO]).await;
    assert_eq!(said(&app, shoko, "name").await, "健保　祥子");
    // Set back to what the file says, nothing is held.
    mended(&clerk, shoko, &[("phone", "090-1234-5678")]).await;
    assert_eq!(app.insurer.count("facts_by_hand", "true").await, 0);
}

#[tokio::test]
async fn a_mended_number_and_birth_date_are_the_same_persons_to_the_files_that_know_neither() {
    let (app, clerk, shoko) = family().await;
    let (difference, _) = mend(&clerk, shoko, &[("birth_date", "1986-05-02"), ("number", "777")]).await;
    assert!(
        difference.text.contains("ご本人かどうかを確かめるため"),
        "{}",
        difference.text
    );
    for _ in 0..2 {
        let report = load(&app, &[SHOKO, TARO]).await;
        assert_eq!((report.new, report.changed, report.lost), (0, 0, 0));
    }
    assert_eq!(said(&app, shoko, "number || ' ' || birth_date").await, "777 1986-05-02");
    // Somebody else has the number in a file: the files are right.
    let other = "100,777,00,サトウ　イチロウ,佐藤　一郎,19700101,本人,,,,A01";
    let report = load(&app, &[SHOKO, TARO, other]).await;
    assert_eq!((report.new, report.lost), (1, 0));
    assert_eq!(said(&app, shoko, "number || ' ' || birth_date").await, "105 1986-05-02");
    assert_eq!(said(&app, id_of(&app, "777", "00").await, "name").await, "佐藤　一郎");
}

#[tokio::test]
async fn a_person_is_added_by_hand_and_waits_thirty_days_for_a_file() {
    let (app, clerk, _) = family().await;
    let form = clerk.get("/console/members/new").await.text;
    assert!(form.contains("必ず入力してください"), "{form}");
    let new = jiro("900", &[("birth_date", "昭和60年4月1日")]);
    let shown = clerk.post("/console/members/new", &new).await;
    assert!(
        shown.text.contains("追加の確認") && shown.text.contains("1985"),
        "{}",
        shown.text
    );
    assert_eq!(
        app.insurer.count("persons", "number = '900'").await,
        0,
        "shown is not written"
    );
    let added = clerk.post("/console/members/add", &new).await;
    assert_eq!(added.status, 303, "{}", added.text);
    let jiro = id_of(&app, "900", "00").await;
    assert_eq!(added.location(), format!("/console/members/{jiro}"));
    assert_eq!(
        app.insurer
            .count(
                "roster_changes",
                "kind = 'new' AND person_id = (SELECT person_id FROM persons WHERE number = '900')"
            )
            .await,
        1
    );
    let twice = clerk.post("/console/members/add", &new).await;
    assert!(twice.text.contains("もう名簿にいます"), "{}", twice.text);
    app.insurer.clock.advance(TimeDelta::days(29));
    assert_eq!(load(&app, &[SHOKO, TARO]).await.lost, 0);
    assert_eq!(said(&app, jiro, "present").await, "true");
    app.insurer.clock.advance(TimeDelta::days(2));
    assert_eq!(load(&app, &[SHOKO, TARO]).await.lost, 1);
    assert_eq!(said(&app, jiro, "present").await, "false");
}

#[tokio::test]
async fn whoever_has_left_the_roster_is_brought_back_and_not_added_beside_themself() {
    let (app, clerk, _) = family().await;
    load(&app, &[TARO]).await;
    let same = [
        ("symbol", "100"),
        ("number", "105"),
        ("branch", "00"),
        ("kana_name", "ケンポ　ショウコ"),
        ("birth_date", "1985-04-01"),
        ("relationship", "本人"),
    ];
    for step in ["/console/members/new", "/console/members/add"] {
        let refused = clerk.post(step, &same).await;
        assert!(refused.text.contains("資格喪失日を空にすると"), "{}", refused.text);
    }
    assert_eq!(app.insurer.count("persons", "branch = '00'").await, 1);
}

#[tokio::test]
async fn whom_staff_bring_back_waits_for_a_file_as_somebody_new_does() {
    let (app, clerk, shoko) = family().await;
    assert_eq!(load(&app, &[TARO]).await.lost, 1);
    mended(&clerk, shoko, &[("lost_on", "")]).await;
    // The file leaves them out as the one before did.
    assert_eq!(load(&app, &[TARO]).await.lost, 0);
    assert_eq!(said(&app, shoko, "present").await, "true");
    app.insurer.clock.advance(TimeDelta::days(31));
    assert_eq!(load(&app, &[TARO]).await.lost, 1);
}

#[tokio::test]
async fn whom_a_file_has_brought_waits_for_no_other_file() {
    let (app, clerk, _) = family().await;
    assert_eq!(clerk.post("/console/members/add", &jiro("900", &[])).await.status, 303);
    let brought = "100,900,00,スズキ　ジロウ,鈴木　次郎,19850401,本人,,,,B01";
    assert_eq!(load(&app, &[SHOKO, TARO, brought]).await.changed, 1);
    assert_eq!(load(&app, &[SHOKO, TARO]).await.lost, 1);
}

// security.md 51
#[tokio::test]
async fn another_insurers_person_is_not_there() {
    let (_, _, shoko) = family().await;
    let other = TestApp::start().await;
    let stranger = other.clerk(&[Role::Administrator]).await;
    for path in [
        format!("/console/members/{shoko}/facts"),
        format!("/console/members/{shoko}/facts/write"),
    ] {
        assert_eq!(stranger.post(&path, &[("name", "x")]).await.status, 404, "{path}");
    }
}

// security.md 58
#[tokio::test]
async fn what_is_kept_of_before_goes_with_the_person_who_is_forgotten() {
    let (app, clerk, shoko) = family().await;
    mended(&clerk, shoko, &[("phone", "03-1")]).await;
    load(&app, &[&SHOKO.replace("090-1234-5678", "080-1"), TARO]).await;
    mended(&clerk, shoko, &[("name", "健保　幸子"), ("lost_on", "2026-11-01")]).await;
    let ended = "SELECT encode(sealed, 'escape') AS line FROM facts_ended";
    let ended = app.insurer.lines(ended).await;
    assert!(ended.len() == 1 && !ended[0].contains("090-1234"), "{ended:?}");
    let of_her = format!(
        "change_id IN (SELECT lpad(to_hex(position), 32, '0')::uuid FROM roster_changes WHERE person_id = '{shoko}')"
    );
    assert!(app.insurer.count("roster_before", &of_her).await > 0);
    let mut tx = app.write(app.tenant()).await;
    let now = app.clock().now();
    roster::forget::empty(&mut tx, now, "2026-11-02".parse().unwrap(), 10)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.insurer.count("roster_before", &of_her).await, 0);
    assert_eq!(app.insurer.count("facts_ended", "true").await, 0);
    assert_eq!(app.insurer.count("facts_by_hand", "true").await, 0);
}
