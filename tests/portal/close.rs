//! Closing one's own account: what ends, what stays, and the way back in.

use crate::portal::{leads, says};
use testkit::{Answer, Client, Fields, PASSWORD, SignedUp, TestApp, TestPerson, account, unique};

const PAGE: &str = "/portal/account/close";
const CLOSED: &str = "マイページの登録を取りやめました";

async fn close(client: &Client, password: &str) -> Answer {
    client.post(PAGE, &[("current_password", password)]).await
}

async fn log_in(client: &Client, who: &SignedUp, password: &str) -> Answer {
    let fields = [("user_id", who.user_id.as_str()), ("password", password)];
    client.post("/portal/", &fields).await
}

/// The link that was mailed to somebody.
async fn reset_link(app: &TestApp, who: &SignedUp) -> String {
    let asking = app.client();
    let wanted = [("user_id", who.user_id.as_str())];
    let asked = asking.post("/portal/password", &wanted);
    assert_eq!(app.with_platform_work(asked).await.status, 303);
    let mails = app.mails_to(&who.email).await;
    let text = &mails.iter().find(|mail| mail.text.contains("token=")).unwrap().text;
    let token = text.split("token=").nth(1).unwrap().split_whitespace().next();
    format!("/portal/password/reset?token={}", token.unwrap())
}

// security.md 41, 42
#[tokio::test]
async fn a_closed_account_ends_every_session_and_link_is_told_by_mail_and_stands_in_the_trail() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let elsewhere = app.inside(&who).await;
    let link = reset_link(&app, &who).await;
    assert_eq!(app.client().get(&link).await.status, 200);
    let mails = app.mails_to(&who.email).await.len();
    says(&client.get(PAGE).await, 200, "健康保険の資格");
    leads(&close(&client, PASSWORD).await, "/portal/");
    says(&client.get("/portal/").await, 200, CLOSED);
    assert_eq!(client.get("/portal/mypage").await.status, 303);
    assert_eq!(elsewhere.get("/portal/mypage").await.status, 303);
    assert_eq!(app.client().get(&link).await.status, 409);
    assert_eq!(app.insurer.count("sessions", "true").await, 0);
    let told = app.mails_to(&who.email).await;
    assert_eq!(told.len(), mails + 1);
    assert!(told[0].subject.contains("取りやめました"), "{}", told[0].subject);
    let trail = "action = 'account.close' AND actor_kind = 'member' AND outcome = 'done' AND detail ->> 'why' = 'own'";
    assert_eq!(app.insurer.count("audit_events", trail).await, 1);
    // Nothing of the member is left but what says that there was one.
    let left = format!(
        "email <> '' OR password <> '' OR last_log_in_at IS NOT NULL OR user_id <> '{}'",
        who.user_id
    );
    assert_eq!(app.insurer.count("accounts", &left).await, 0);
    assert_eq!(app.insurer.count("consents", "true").await, 2);
}

// security.md 27
#[tokio::test]
async fn a_closed_account_is_answered_as_a_user_id_that_nobody_has() {
    let app = TestApp::counting().await;
    let (client, who) = app.member().await;
    leads(&close(&client, PASSWORD).await, "/portal/");
    app.warm().await;
    let of = |user_id: &str| Fields::new(&[("user_id", user_id), ("password", PASSWORD)]);
    let nobodys = unique("nobody");
    // Once each before, so that every statement is prepared.
    for user_id in [&who.user_id, &nobodys] {
        app.cost_of(&app.client(), "/portal/", &of(user_id)).await;
    }
    let (closed, cost) = app.cost_of(&app.client(), "/portal/", &of(&who.user_id)).await;
    let (unknown, same) = app.cost_of(&app.client(), "/portal/", &of(&nobodys)).await;
    assert_eq!(cost, same);
    assert_eq!((closed.status, unknown.status.as_u16()), (unknown.status, 422));
    let said = |answer: &Answer, user_id: &str| answer.normalized().replace(user_id, "");
    assert_eq!(said(&closed, &who.user_id), said(&unknown, &nobodys));
    // Whoever asks for a link or the user ID gets the one answer, and no mail.
    let mails = app.mails_to(&who.email).await.len();
    let asking = app.client();
    let wanted = [("user_id", who.user_id.as_str())];
    let asked = asking.post("/portal/password", &wanted);
    assert_eq!(app.with_platform_work(asked).await.status, 303);
    let answer = app
        .client()
        .send_form("/portal/user-id", &app.identity(&who.person))
        .await;
    assert_eq!(answer.status, 303);
    assert_eq!(app.mails_to(&who.email).await.len(), mails);
}

// security.md 28, 42
#[tokio::test]
async fn closing_needs_the_present_password_whose_tries_are_counted() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    says(&close(&client, "").await, 422, "今のパスワードを入力してください");
    for _ in 0..10 {
        says(&close(&client, "wrong&1234").await, 422, "今のパスワードが違います");
    }
    says(&close(&client, PASSWORD).await, 429, "しばらく受け付けを止めています");
    assert_eq!(client.get("/portal/mypage").await.status, 200);
    app.later(61);
    leads(&close(&client, PASSWORD).await, "/portal/");
    // Later, with what was a session before.
    let late = app.client();
    assert_eq!(close(&late, PASSWORD).await.status, 303);
    assert_eq!(log_in(&late, &who, PASSWORD).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_close_once_and_are_both_told_so() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let session = client.cookie("__Host-session").unwrap();
    let (one, two) = tokio::join!(close(&client, PASSWORD), close(&client, PASSWORD));
    for answer in [&one, &two] {
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(answer.location().starts_with("/portal/"), "{}", answer.location());
    }
    assert!(app.insurer.count("events", "kind = 'member.closed'").await == 1);
    let mails = app.mails_to(&who.email).await;
    assert_eq!(
        mails
            .iter()
            .filter(|mail| mail.subject.contains("取りやめました"))
            .count(),
        1
    );
    client.set_cookie("__Host-session", &session);
    assert_eq!(client.get("/portal/mypage").await.status, 303);
}

#[tokio::test]
async fn a_new_sign_up_begins_anew_with_another_user_id_and_the_terms_once_more() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    leads(&close(&client, PASSWORD).await, "/portal/");
    // The old ID is nobody's for a year, theirs neither.
    let again = app.identified().await;
    let old = account(&who.user_id, &who.email);
    says(
        &again.send_form("/portal/signup/account", &old).await,
        422,
        "すでに使われています",
    );
    app.later(61);
    let new = app.sign_up().await;
    assert_ne!(new.user_id, who.user_id);
    let inside = app.client();
    let answer = inside.log_in(&new).await;
    assert!(answer.location().starts_with("/portal/terms"), "{}", answer.location());
    assert_eq!(inside.accept_terms().await.status, 303);
    assert_eq!(inside.get("/portal/mypage").await.status, 200);
    assert_eq!(log_in(&app.client(), &who, PASSWORD).await.status, 422);
    // What was agreed to before stands in the ledger still.
    assert_eq!(app.insurer.count("consents", "true").await, 4);
    assert_eq!(app.insurer.count("accounts", "closed_person_id IS NOT NULL").await, 1);
    // And this one is closed as the one before.
    leads(&close(&inside, PASSWORD).await, "/portal/");
    assert_eq!(app.insurer.count("accounts", "closed_person_id IS NOT NULL").await, 2);
}

#[tokio::test]
async fn a_user_id_is_free_a_year_after_its_account_was_closed() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    leads(&close(&client, PASSWORD).await, "/portal/");
    app.later(364 * 24 * 3600);
    let sweep = async || {
        madoguchi::retention::sweep_insurer(&app.app, app.tenant(), app.clock().now())
            .await
            .unwrap();
    };
    sweep().await;
    let form = account(&who.user_id, &who.email);
    let client = app.identified().await;
    says(
        &client.send_form("/portal/signup/account", &form).await,
        422,
        "すでに使われています",
    );
    app.later(2 * 24 * 3600);
    sweep().await;
    let client = app.identified().await;
    leads(
        &client.send_form("/portal/signup/account", &form).await,
        "/portal/signup/code",
    );
}

#[tokio::test]
async fn a_sign_up_under_way_beside_the_account_ends_with_it() {
    let app = TestApp::start().await;
    // Two tabs: the one that is left open waits for its code still.
    let (left, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    app.later(61);
    let (client, _) = app.member().await;
    leads(&close(&client, PASSWORD).await, "/portal/");
    let answer = left.post("/portal/signup/code", &[("code", &code)]).await;
    assert_ne!(
        (answer.status.as_u16(), answer.location()),
        (303, "/portal/"),
        "{}",
        answer.text
    );
    assert_eq!(app.insurer.count("accounts", "emptied_at IS NULL").await, 0);
}

#[tokio::test]
async fn whoever_closes_and_signs_up_again_is_counted_once() {
    let app = TestApp::start().await;
    let count = async || {
        let mut tx = app.write(app.tenant()).await;
        roster::workplaces::keep(&mut tx, app.clock().now()).await.unwrap();
        let share = roster::workplaces::total(&tx, app.clock().now())
            .await
            .unwrap()
            .unwrap();
        let list = roster::workplaces::list(&tx, app.clock().now(), &access::Reach::All, None, 10);
        let list = list.await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(list[0].share.registered, share.registered);
        (share.insured, share.registered)
    };
    let (client, _) = app.member().await;
    app.later(24 * 3600);
    let client = {
        drop(client);
        let who = app.insurer.lines("SELECT user_id AS line FROM accounts").await;
        let client = app.client();
        let fields = [("user_id", who[0].as_str()), ("password", PASSWORD)];
        assert_eq!(client.post("/portal/", &fields).await.status, 303);
        client
    };
    assert_eq!(count().await, (1, 1));
    app.later(600);
    leads(&close(&client, PASSWORD).await, "/portal/");
    assert_eq!(count().await, (1, 0));
    app.later(600);
    app.sign_up().await;
    assert_eq!(count().await, (1, 1));
    app.later(24 * 3600);
    assert_eq!(count().await, (1, 1));
    // Each was a registration of its day.
    let mut tx = app.write(app.tenant()).await;
    let days = accounts::tallies::registrations(&tx, app.clock().now(), 7)
        .await
        .unwrap();
    assert_eq!(days.iter().map(|day| day.registrations).sum::<i64>(), 2);
    accounts::tallies::keep(&mut tx, app.clock().now()).await.unwrap();
    let days = accounts::tallies::registrations(&tx, app.clock().now(), 7)
        .await
        .unwrap();
    assert_eq!(days.iter().map(|day| day.registrations).sum::<i64>(), 2);
}

#[tokio::test]
async fn a_new_account_has_nothing_of_the_closed_one() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let wishes = "/portal/account/mails";
    leads(&client.post(wishes, &[]).await, wishes);
    assert!(!client.get(wishes).await.text.contains(" checked"));
    let link = reset_link(&app, &who).await;
    leads(&close(&client, PASSWORD).await, "/portal/");
    app.later(600);
    let new = app.sign_up().await;
    let inside = app.inside(&new).await;
    let page = inside.get("/portal/account").await;
    says(&page, 200, &new.email);
    assert!(!page.text.contains(&who.email) && !page.text.contains(&who.user_id));
    assert_eq!(page.text.matches("この機器").count(), 1, "no other log-in");
    // Mails are on, as for everybody who is new.
    assert_eq!(inside.get(wishes).await.text.matches(" checked").count(), 3);
    // What opened the old one opens nothing of the new one.
    assert_eq!(client.get("/portal/mypage").await.status, 303);
    assert_eq!(log_in(&app.client(), &who, PASSWORD).await.status, 422);
    assert_eq!(app.client().get(&link).await.status, 409);
    assert_eq!(inside.get("/portal/mypage").await.status, 200);
}

#[tokio::test]
async fn an_account_is_closed_alike_by_its_owner_and_by_the_desk() {
    let app = TestApp::start().await;
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let (client, _) = app.member().await;
    let theirs = app.inside(&app.sign_up_as(&other).await).await;
    leads(&close(&client, PASSWORD).await, "/portal/");
    let id = "SELECT person_id::text AS line FROM persons WHERE number = '106'";
    let path = format!("/console/members/{}/close", app.insurer.lines(id).await[0]);
    let clerk = app.clerk(&[access::Role::Eligibility]).await;
    assert_eq!(clerk.post(&path, &[("confirmed", "1")]).await.status, 303);
    assert_eq!(theirs.get("/portal/mypage").await.status, 303);
    let states = "SELECT concat_ws(' ', password = '', email = '', emptied_at IS NOT NULL, person_id = account_id,
            closed_person_id IN (SELECT person_id FROM persons WHERE NOT registered),
            last_log_in_at IS NULL, previous_log_in_at IS NULL) AS line
        FROM accounts";
    assert_eq!(app.insurer.lines(states).await, ["t t t t t t t"; 2]);
    assert_eq!(app.insurer.count("sessions", "subject_kind = 'member'").await, 0);
    assert_eq!(app.insurer.count("events", "kind = 'member.closed'").await, 2);
}
