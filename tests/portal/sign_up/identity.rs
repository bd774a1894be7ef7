//! Step 1: who may go on, and the one answer for everybody else.

use crate::portal::{leads, says};
use kernel::InsurerCode;
use testkit::{Fields, TestApp, TestPerson};

const NEUTRAL: &str = "入力した内容では登録に進めませんでした。記号・番号・生年月日・氏名をもう一度お確かめください。\
    すでに登録した方は、ログインするか、ユーザーIDをお調べください。お困りのときは窓口へお電話ください。";
const ACCOUNT: &str = "/portal/signup/account";

async fn identify(app: &TestApp, fields: &Fields) -> testkit::Answer {
    app.client().send_form("/portal/signup", fields).await
}

#[tokio::test]
async fn an_unregistered_code_is_told_at_once_and_so_is_a_mistyped_one() {
    let app = TestApp::start().await;
    let identity = app.identity(&app.person);
    let unregistered = InsurerCode::with_check_digit("9999999").unwrap();
    let answer = identify(&app, &identity.clone().with("insurer_code", unregistered.as_str())).await;
    says(&answer, 422, "この保険者指定コードは、この窓口ではまだ使われていません");
    let mistyped = identify(&app, &identity.clone().with("insurer_code", "32290414")).await;
    says(&mistyped, 422, "保険者指定コードの数字が違うようです");
    says(
        &identify(&app, &identity.with("insurer_code", "123")).await,
        422,
        "8桁または6桁",
    );
    assert_eq!(
        app.insurer.count("throttles", "true").await,
        0,
        "no try is taken of anybody"
    );
}

// security.md 5
#[tokio::test]
async fn every_field_to_be_mended_is_named_at_once_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let fields = Fields::new(&[("insurer_code", app.insurer.code.as_str()), ("symbol", "公立\"<学校>")]);
    let answer = identify(&app, &fields.with("birth_year", "1985")).await;
    for text in [
        "番号を入力してください",
        "生年月日の年・月・日を",
        "氏名（カナ）を入力してください",
    ] {
        says(&answer, 422, text);
    }
    assert!(
        answer.text.contains("value=\"公立&#34;&#60;学校&#62;\""),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("<option value=\"1985\" selected"));
    let april = app.identity(&app.person).with("birth_day", "31");
    says(&identify(&app, &april).await, 422, "4月は30日までです");
}

/// The ways in which one and the same typed identity is nobody's to sign up with: by the roster beneath it.
fn rosters(right: &TestPerson) -> Vec<(&'static str, Vec<TestPerson>)> {
    let with = |change: fn(&mut TestPerson)| {
        let mut person = right.clone();
        change(&mut person);
        person
    };
    let twin = TestPerson {
        branch: "01".into(),
        ..right.clone()
    };
    vec![
        ("another number", vec![with(|person| person.number = "999".into())]),
        (
            "another birth date",
            vec![with(|person| person.birth_date = "1985-04-02".into())],
        ),
        (
            "another name",
            vec![with(|person| person.kana_name = "ケンポ　ハナコ".into())],
        ),
        ("another symbol", vec![with(|person| person.symbol = "101".into())]),
        ("a dependant", vec![with(|person| person.relationship = "妻".into())]),
        (
            "coverage lost",
            vec![with(|person| person.lost_on = "2026-04-01".into())],
        ),
        ("two of one name", vec![right.clone(), twin]),
    ]
}

// security.md 2
#[tokio::test]
async fn every_mismatch_has_the_same_answer_at_the_same_cost_and_only_the_registered_get_a_mail() {
    let app = TestApp::counting().await;
    let right = app.person.clone();
    let who = app.sign_up().await;
    let mails = app.mailbox.mails().len();
    let fields = app.identity(&right);
    let mut answers = Vec::new();
    let mut cases = rosters(&right);
    cases.push(("registered already", vec![right.clone()]));
    for (case, roster) in cases {
        app.insurer.import(&roster).await;
        testkit::sql(app.tenant(), "DELETE FROM throttles").await;
        let client = app.client();
        app.warm().await;
        let (answer, cost) = app.cost_of(&client, "/portal/signup", &fields).await;
        says(&answer, 422, NEUTRAL);
        assert!(client.cookie("__Host-ticket").is_none(), "{case}");
        answers.push((case, answer.normalized(), cost));
        app.work().await;
        let expected = usize::from(case == "registered already");
        assert_eq!(app.mailbox.mails().len() - mails, expected, "{case}");
    }
    let (_, page, cost) = answers[0].clone();
    for (case, other, other_cost) in answers {
        assert_eq!(other, page, "{case}");
        assert_eq!(other_cost, cost, "{case}");
    }
    let mail = &app.mails_to(&who.email).await[0];
    assert!(mail.text.contains("登録"), "{}", mail.text);
}

// security.md 6
#[tokio::test]
async fn a_registered_person_is_written_to_once_a_day_at_most() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let count = async || app.mails_to(&who.email).await.len();
    let before = count().await;
    let again = app.identity(&app.person);
    for _ in 0..3 {
        says(&identify(&app, &again).await, 422, NEUTRAL);
        app.later(60);
    }
    assert_eq!(count().await - before, 1);
    app.later(24 * 3600 + 1);
    says(&identify(&app, &again).await, 422, NEUTRAL);
    assert_eq!(count().await - before, 2);
}

// security.md 7
#[tokio::test]
async fn half_width_full_width_hiragana_and_the_usual_slips_are_taken_and_the_level_is_logged() {
    let app = TestApp::start().await;
    let right = app.identity(&app.person);
    let strict = [
        ("kana_name", "ケンポ　ショウコ"),
        ("kana_name", "けんぽ しょうこ"),
        ("kana_name", "ｹﾝﾎﾟ ｼｮｳｺ"),
        ("number", "１０５"),
        ("symbol", " １００ "),
        ("birth_year", "１９８５"),
        ("kana_name", "\u{FEFF}ケンポ\u{200B}　ショウコ"),
    ];
    for (name, typed) in strict {
        leads(&identify(&app, &right.clone().with(name, typed)).await, ACCOUNT);
    }
    let wide: String = app
        .insurer
        .code
        .as_str()
        .chars()
        .map(|c| char::from_u32(c as u32 - 0x30 + 0xFF10).unwrap())
        .collect();
    leads(
        &identify(&app, &right.clone().with("insurer_code", &wide)).await,
        ACCOUNT,
    );
    for folded in ["ケンポ シヨウコ", "ケンボ ショウコ"] {
        leads(&identify(&app, &right.clone().with("kana_name", folded)).await, ACCOUNT);
    }
    let levels = app
        .insurer
        .lines("SELECT detail->>'level' AS line FROM audit_events WHERE action = 'sign_up.identify'")
        .await;
    assert_eq!(levels.iter().filter(|level| *level == "strict").count(), 8);
    assert_eq!(levels.iter().filter(|level| *level == "folded").count(), 2);
}

#[tokio::test]
async fn twins_of_one_household_each_sign_up_by_their_own_name_and_neither_by_a_fold_of_both() {
    let mut app = TestApp::with("139998", |_| (), |_| ()).await;
    let twin = |branch: &str, kana: &str| TestPerson {
        branch: branch.into(),
        kana_name: kana.into(),
        ..TestPerson::new(105)
    };
    let twins = [twin("01", "コクホ　ショウ"), twin("02", "コクホ　シヨウ")];
    app.insurer.import(&twins).await;
    for twin in &twins {
        leads(&identify(&app, &app.identity(twin)).await, ACCOUNT);
    }
    app.person = twins[0].clone();
    // ホ and ボ fold alike, and so do the two names then.
    let both = app.identity(&app.person).with("kana_name", "コクボ　ショウ");
    says(&identify(&app, &both).await, 422, NEUTRAL);
    let levels = app
        .insurer
        .lines("SELECT detail->>'level' AS line FROM audit_events WHERE outcome = 'not_matched'")
        .await;
    assert_eq!(levels, ["several"]);
    // One task for staff however often it is tried, of ids alone.
    let tasks = async || {
        app.work().await;
        let query =
            "SELECT concat_ws(' ', permission, state, jsonb_array_length(parameters->'people')) AS line FROM tasks";
        app.insurer.lines(query).await
    };
    says(&identify(&app, &both).await, 422, NEUTRAL);
    assert_eq!(tasks().await, ["members.edit names_alike 2"]);
    app.later(24 * 3600 + 1);
    says(&identify(&app, &both).await, 422, NEUTRAL);
    assert_eq!(tasks().await, ["members.edit names_alike 2"]);
}

#[tokio::test]
async fn an_employee_number_counts_where_the_insurer_asks_for_it() {
    let mut app = TestApp::with("06139992", |_| (), |_| ()).await;
    app.person.employee_number = "K-1024".into();
    app.insurer.import(std::slice::from_ref(&app.person)).await;
    let right = app.identity(&app.person);
    leads(&identify(&app, &right).await, ACCOUNT);
    leads(
        &identify(&app, &right.clone().with("employee_number", "ｋ－１０２４")).await,
        ACCOUNT,
    );
    says(
        &identify(&app, &right.clone().with("employee_number", "K-1025")).await,
        422,
        NEUTRAL,
    );
    says(
        &identify(&app, &right.with("employee_number", "")).await,
        422,
        "社員番号を入力してください",
    );
}

#[tokio::test]
async fn the_address_of_printed_letters_lives_on_and_the_page_wears_the_insurers_look() {
    let app = TestApp::start().await;
    let client = app.client();
    let query = format!("?insurer={}", app.insurer.code);
    let printed = client.get(&format!("/portal/signup.ibss{query}")).await;
    assert_eq!(printed.status, 308);
    assert_eq!(printed.location(), format!("/portal/signup{query}"));
    let page = client.get(printed.location()).await;
    for text in [
        app.insurer.insurer.name.as_str(),
        "050-2030-4706",
        app.insurer.code.as_str(),
    ] {
        says(&page, 200, text);
    }
    says(&client.get("/portal/").await, 200, &app.insurer.insurer.name);
}

#[tokio::test]
async fn an_address_that_names_no_insurer_or_a_closed_one_says_so_at_once() {
    let app = TestApp::start().await;
    let client = app.client();
    let unregistered = InsurerCode::with_check_digit("9999999").unwrap();
    for (code, said) in [
        ("32290414", "保険者指定コードの数字が違うようです"),
        (unregistered.as_str(), "この窓口ではまだ使われていません"),
    ] {
        let page = client.get(&format!("/portal/signup?insurer={code}")).await;
        says(&page, 200, said);
        assert!(page.text.contains(&format!("value=\"{code}\"")), "{}", page.text);
    }
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    let page = client
        .get(&format!("/portal/signup?insurer={}", app.insurer.code))
        .await;
    says(&page, 403, "ただいまお休みしています");
}

#[tokio::test]
async fn the_form_says_whose_data_it_asks_for() {
    for (folder, birth, name) in [
        (
            "32290413",
            "被保険者（組合員）ご本人の生年月日を選んでください",
            "被保険者（組合員）ご本人の氏名を",
        ),
        (
            "139998",
            "登録するご本人の生年月日を選んでください",
            "登録するご本人の氏名を",
        ),
    ] {
        let app = TestApp::with(folder, |_| (), |_| ()).await;
        let address = format!("/portal/signup?insurer={}", app.insurer.code);
        let page = app.client().get(&address).await;
        says(&page, 200, birth);
        says(&page, 200, name);
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_form_keeps_what_was_typed() {
    let away = |config: &mut madoguchi::config::Config| {
        config.database.url = "postgres://nobody@127.0.0.1:1/none".into();
        config.database.wait_seconds = 1;
    };
    let app = TestApp::with("32290413", |_| (), away).await;
    let fields = app.identity(&app.person);
    for path in ["/portal/signup", "/portal/user-id"] {
        let answer = app.client().send_form(path, &fields).await;
        says(&answer, 503, "ただいま混み合っています");
        for kept in ["value=\"105\"", "value=\"ケンポ　ショウコ\"", app.insurer.code.as_str()] {
            says(&answer, 503, kept);
        }
    }
}

#[tokio::test]
async fn the_same_identity_again_goes_on_where_it_was_and_another_begins_anew() {
    let app = TestApp::start().await;
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let client = app.identified().await;
    let ticket = client.cookie("__Host-ticket");
    leads(
        &client.send_form("/portal/signup", &app.identity(&app.person)).await,
        ACCOUNT,
    );
    assert_eq!(client.cookie("__Host-ticket"), ticket);
    leads(
        &client.send_form("/portal/signup", &app.identity(&other)).await,
        ACCOUNT,
    );
    assert_ne!(client.cookie("__Host-ticket"), ticket);
}

#[tokio::test]
async fn a_suspended_insurer_takes_nobody() {
    let app = TestApp::start().await;
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    says(
        &identify(&app, &app.identity(&app.person)).await,
        403,
        "ただいまお休みしています",
    );
}

#[tokio::test]
async fn a_suspended_insurers_sign_up_says_so_before_anything_is_typed() {
    let app = TestApp::start().await;
    let client = app.client();
    let letter = format!("/portal/signup?insurer={}", app.insurer.code);
    assert!(client.get(&letter).await.text.contains("name=\"kana_name\""));
    tenancy::suspend(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    // By the letter's link, and in a browser that was here before.
    for address in [letter.as_str(), "/portal/signup"] {
        let page = client.get(address).await;
        says(&page, 403, "ただいまお休みしています");
        says(&page, 403, &app.insurer.insurer.name);
        assert!(!page.text.contains("name=\"kana_name\""), "{}", page.text);
    }
    // Whoever is another insurer's goes on.
    let page = client.get("/portal/signup?insurer=").await;
    says(&page, 200, "name=\"kana_name\"");
    assert!(!page.text.contains(app.insurer.code.as_str()), "{}", page.text);
    let mistyped = app.identity(&app.person).with("insurer_code", "12345672");
    says(
        &client.send_form("/portal/signup", &mistyped).await,
        422,
        "value=\"12345672\"",
    );
    tenancy::resume(&app.ground.database, app.clock().now(), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    says(&client.get(&letter).await, 200, "name=\"kana_name\"");
}
