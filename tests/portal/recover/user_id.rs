//! Forgotten user IDs: one answer whatever is true, a mail to the proven address alone, and few of them.

use crate::portal::{leads, says};
use testkit::{Answer, Fields, TestApp};

pub(super) async fn ask_user_id(app: &TestApp, fields: &Fields) -> Answer {
    app.client().send_form("/portal/user-id", fields).await
}

// security.md 36
#[tokio::test]
async fn a_forgotten_user_id_is_answered_alike_and_mailed_to_the_proven_address_alone() {
    let app = TestApp::counting().await;
    let right = app.identity(&app.person);
    let mut answers = Vec::new();
    let ask = async |case: &str, fields: &Fields| {
        app.warm().await;
        let (answer, cost) = app.cost_of(&app.client(), "/portal/user-id", fields).await;
        leads(&answer, "/portal/user-id?sent=1");
        (case.to_owned(), answer.normalized(), cost)
    };
    answers.push(ask("nobody registered", &right).await);
    app.work().await;
    assert!(app.mailbox.mails().is_empty());
    let who = app.sign_up().await;
    let before = app.mailbox.mails().len();
    answers.push(ask("wrong name", &right.clone().with("kana_name", "チガウ　ナマエ")).await);
    answers.push(ask("wrong birth date", &right.clone().with("birth_day", "2")).await);
    app.work().await;
    assert_eq!(app.mailbox.mails().len(), before);
    // The insurer's address changes; the proven one does not.
    let mut person = app.person.clone();
    person.email = "typo@example.jp".into();
    app.insurer.import(&[person]).await;
    answers.push(ask("right", &right).await);
    let mails = app.mails_to(&who.email).await;
    assert!(mails[0].text.contains(&who.user_id), "{}", mails[0].text);
    assert_eq!(app.mailbox.mails().len(), before + 1);
    for (case, answer, cost) in &answers {
        assert_eq!((answer, cost), (&answers[0].1, &answers[0].2), "{case}");
    }
}

#[tokio::test]
async fn user_id_reminders_for_one_number_are_few_and_fields_are_mended_first() {
    let app = TestApp::start().await;
    let right = app.identity(&app.person);
    says(
        &ask_user_id(&app, &right.clone().with("number", "")).await,
        422,
        "番号を入力してください",
    );
    let client = app.client();
    for _ in 0..5 {
        assert_eq!(client.send_form("/portal/user-id", &right).await.status, 303);
    }
    let answer = client.send_form("/portal/user-id", &right).await;
    says(&answer, 429, "しばらく受け付けを止めています");
}
