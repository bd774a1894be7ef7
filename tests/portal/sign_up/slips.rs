//! What people slip on, told before it costs them a try or a mail: a 枝番 in the 番号, a name in Latin letters, a
//! マイナンバー, an address with a typing error; and a dependant, who can't register.

use crate::portal::{leads, says};
use testkit::{Answer, Fields, TestApp, TestPerson, account, unique};

const SIGN_UP: &str = "/portal/signup";
const ACCOUNT: &str = "/portal/signup/account";
const CODE: &str = "/portal/signup/code";
const NEUTRAL: &str = "入力した内容では登録に進めませんでした。";
const INSURED_ONLY: &str = "登録できるのは、被保険者（組合員）ご本人です";
const MY_NUMBER: &str = "マイナンバーは入力しないでください";

async fn identify(app: &TestApp, fields: &Fields) -> Answer {
    app.client().send_form(SIGN_UP, fields).await
}

#[tokio::test]
async fn a_number_with_its_branch_its_symbol_or_a_label_is_told_and_takes_no_try() {
    let app = TestApp::start().await;
    let right = app.identity(&app.person);
    for typed in ["0105-00", "0105 00", "１０５－００", "100・105", "100-105", "番号105"] {
        let answer = identify(&app, &right.clone().with("number", typed)).await;
        says(&answer, 422, "記号や枝番（2桁）は、いっしょに入れないでください");
    }
    let labelled = identify(&app, &right.clone().with("symbol", "記号１００")).await;
    says(&labelled, 422, "書面の「記号」の欄に書かれているものだけ");
    let reminder = app
        .client()
        .send_form("/portal/user-id", &right.clone().with("number", "0105-00"))
        .await;
    says(&reminder, 422, "記号や枝番（2桁）は");
    assert_eq!(app.insurer.count("throttles", "true").await, 0);
    leads(&identify(&app, &right.with("number", "０１０５")).await, ACCOUNT);
}

#[tokio::test]
async fn where_the_roster_itself_writes_numbers_with_signs_they_are_taken() {
    let app = TestApp::start().await;
    let signed = TestPerson {
        number: "12-34".into(),
        ..app.person.clone()
    };
    app.insurer.import(std::slice::from_ref(&signed)).await;
    leads(&identify(&app, &app.identity(&signed)).await, ACCOUNT);
    says(
        &identify(&app, &app.identity(&app.person).with("number", "12-35")).await,
        422,
        NEUTRAL,
    );
}

#[tokio::test]
async fn a_name_in_latin_letters_is_told_as_a_slip_unless_the_roster_holds_such_names() {
    let app = TestApp::start().await;
    let latin = TestPerson {
        kana_name: "ＳＭＩＴＨ　ＪＯＨＮ".into(),
        ..TestPerson::new(106)
    };
    let typed = app.identity(&latin).with("kana_name", "Smith John");
    let kana = "氏名（カナ）は、ひらがなかカタカナで入力してください";
    says(&identify(&app, &typed).await, 422, kana);
    assert_eq!(app.insurer.count("throttles", "true").await, 0);
    app.insurer.import(&[app.person.clone(), latin]).await;
    leads(&identify(&app, &typed).await, ACCOUNT);
    says(
        &identify(&app, &typed.clone().with("kana_name", "Smyth John")).await,
        422,
        NEUTRAL,
    );
}

#[tokio::test]
async fn until_the_next_import_a_roster_may_hold_anything() {
    let app = TestApp::start().await;
    // As the migration leaves the insurers that are there.
    testkit::sql(
        app.tenant(),
        "UPDATE roster_heads SET latin_names = DEFAULT, number_signs = DEFAULT",
    )
    .await;
    let right = app.identity(&app.person);
    says(
        &identify(&app, &right.clone().with("kana_name", "SMITH JOHN")).await,
        422,
        NEUTRAL,
    );
    says(&identify(&app, &right.with("number", "0105-00")).await, 422, NEUTRAL);
}

// security.md 2, 3
#[tokio::test]
async fn every_mismatch_says_how_many_tries_are_left_and_the_last_until_when_to_wait() {
    let app = TestApp::start().await;
    let somebodys = app.identity(&app.person).with("kana_name", "チガウ　ナマエ");
    let nobodys = somebodys.clone().with("number", "7007");
    for left in [4, 3, 2, 1] {
        let said = format!("この記号・番号では、あと{left}回お試しいただけます。");
        says(&identify(&app, &somebodys).await, 422, &said);
        says(&identify(&app, &nobodys).await, 422, &said);
    }
    // The clock stands at 12:00 in Japan.
    for last in [&somebodys, &nobodys] {
        says(
            &identify(&app, last).await,
            422,
            "12時15分から、もう一度お試しいただけます。",
        );
        assert_eq!(identify(&app, last).await.status, 429);
    }
}

#[tokio::test]
async fn where_only_the_insured_person_registers_it_is_said_before_the_form_and_after_a_mismatch() {
    for (folder, is_said) in [("32290413", true), ("06139992", true), ("139998", false)] {
        let mut app = TestApp::with(folder, |_| (), |_| ()).await;
        app.person.employee_number = "K-1024".into();
        app.insurer.import(std::slice::from_ref(&app.person)).await;
        let page = app
            .client()
            .get(&format!("{SIGN_UP}?insurer={}", app.insurer.code))
            .await;
        let wrong = app.identity(&app.person).with("kana_name", "ケンポ　ツマ");
        let answer = identify(&app, &wrong).await;
        says(&answer, 422, NEUTRAL);
        let (_, rest) = answer.text.split_once("id=\"errs\"").unwrap();
        let (summary, _) = rest.split_once("</div>").unwrap();
        assert_eq!(summary.contains("href=\"/portal/help#to-family\""), is_said, "{folder}");
        for said in [&page.text, summary] {
            assert_eq!(said.contains(INSURED_ONLY), is_said, "{folder}: {said}");
        }
        assert!(page.text.contains("href=\"/portal/help#to-family\""), "{folder}");
        assert_eq!(page.text.contains("ご家族も、お一人おひとり登録できます。"), !is_said);
    }
}

#[tokio::test]
async fn a_my_number_typed_as_a_number_is_told_counted_and_kept_nowhere() {
    let app = TestApp::start().await;
    let with = |number: &str| app.identity(&app.person).with("number", number);
    for (typed, left) in [("123456789018", 4), ("１２３４ ５６７８ ９０１８", 3)] {
        let answer = identify(&app, &with(typed)).await;
        says(&answer, 422, MY_NUMBER);
        says(&answer, 422, NEUTRAL);
        says(&answer, 422, &format!("あと{left}回"));
        assert!(
            !answer.text.contains(typed) && !answer.text.contains("123456789018"),
            "{}",
            answer.text
        );
    }
    // Grouped by hyphens it is no 番号 at all, and no try.
    let grouped = identify(&app, &with("1234-5678-9018")).await;
    says(&grouped, 422, MY_NUMBER);
    assert!(!grouped.text.contains("9018"), "{}", grouped.text);
    let reminder = app.client().send_form("/portal/user-id", &with("1234-5678-9018")).await;
    says(&reminder, 422, "マイナンバー");
    assert!(!reminder.text.contains("9018"), "{}", reminder.text);
    for other in ["123456789012", "105105"] {
        let answer = identify(&app, &with(other)).await;
        says(&answer, 422, NEUTRAL);
        assert!(answer.text.contains(&format!("value=\"{other}\"")) && !answer.text.contains(MY_NUMBER));
    }
    app.work().await;
    let told = app.insurer.lines("SELECT detail::text AS line FROM audit_events").await;
    assert!(
        told.len() >= 4 && told.iter().all(|line| !line.contains("9018")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_slip_in_the_address_is_asked_about_once_before_anything_is_sent() {
    let app = TestApp::start().await;
    let client = app.identified().await;
    let (user_id, name) = (unique("user"), unique("sachiko"));
    let typed = format!("{name}@gmail.con");
    let form = account(&user_id, &typed);
    let asked = client
        .send_form(ACCOUNT, &form.clone().with("password", "password1!"))
        .await;
    says(
        &asked,
        422,
        &format!("メールアドレスは、{name}@gmail.com ではありませんか"),
    );
    says(&asked, 422, "多くの人が使っていて");
    says(&asked, 422, &format!("name=\"asked\" value=\"{typed}\""));
    // Another slip is another question.
    let other = form
        .clone()
        .with("asked", &typed)
        .with("email", &format!("{name}@yaho.co.jp"));
    says(
        &client.send_form(ACCOUNT, &other).await,
        422,
        "@yahoo.co.jp ではありませんか",
    );
    app.work().await;
    assert!(app.mails_to(&typed).await.is_empty());
    leads(&client.send_form(ACCOUNT, &form.with("asked", &typed)).await, CODE);
    assert_eq!(app.mails_to(&typed).await.len(), 1);
}

#[tokio::test]
async fn what_was_typed_comes_back_as_it_is_kept_and_whole() {
    let app = TestApp::start().await;
    let half = app.identity(&app.person).with("number", "１０５").with("kana_name", "");
    says(
        &identify(&app, &half).await,
        422,
        "name=\"number\" type=\"text\" value=\"105\"",
    );
    let client = app.identified().await;
    let form = account("ｓａｃｈｉｋｏ＿１", " Ｓａｃｈｉｋｏ＠Example.JP ").with("password", "abc");
    let page = client.send_form(ACCOUNT, &form).await;
    says(&page, 422, "value=\"sachiko_1\"");
    says(&page, 422, "value=\"Sachiko@example.jp\"");
    assert!(!page.text.contains("maxlength"));
    let long = format!("{}@example.jp", "a".repeat(300));
    let page = client.send_form(ACCOUNT, &account(&unique("user"), &long)).await;
    says(&page, 422, "254文字以内");
    says(&page, 422, &format!("value=\"{long}\""));
}
