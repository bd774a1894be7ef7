//! A sandbox by its pages: what it says on each of them, and its mails, which are read in the console.

use access::Role;
use kernel::Outcome;
use testkit::{Answer, TestApp, TestClerk, account, unique};

const MAILS: &str = "/console/sandbox/mails";
const UNSENT: &str = "お試し環境のため、メールは送られません。管理画面の「お試し環境のメール」で読めます。";
const TOLD: &str = "お試し環境です。実在する方の情報は入力しないでください。";

async fn sandbox() -> TestApp {
    TestApp::with("32290413", |folder| folder.settings.sandbox = true, |_| ()).await
}

/// The addresses of the mails that a list shows, the newest first.
fn listed(page: &Answer) -> Vec<String> {
    let link = format!("<a href=\"{MAILS}/");
    let path = |rest: &str| format!("{MAILS}/{}", rest.split('"').next().unwrap());
    page.text.split(&link).skip(1).map(path).collect()
}

/// The newest mail, opened.
async fn newest(clerk: &TestClerk) -> Answer {
    let list = clerk.get(MAILS).await;
    let mail = clerk.get(&listed(&list)[0]).await;
    assert_eq!(mail.status, 200, "{}", mail.text);
    mail
}

/// What stands in the mail's text.
fn text(mail: &Answer) -> &str {
    let (_, text) = mail.text.split_once("<p class=\"mail\">").unwrap();
    text.split("</p>").next().unwrap()
}

async fn looks(app: &TestApp, what: &str) -> Vec<String> {
    let lines = format!(
        "SELECT concat_ws(' ', action, detail->>'people') AS line FROM audit_events
         WHERE detail->>'what' = '{what}' ORDER BY line"
    );
    app.insurer.lines(&lines).await
}

#[tokio::test]
async fn a_sign_up_is_finished_by_the_code_that_the_console_shows() {
    let app = sandbox().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let empty = clerk.get(MAILS).await;
    assert!(empty.text.contains("まだありません"), "{}", empty.text);
    let asked = app.identified().await.get("/portal/signup/account").await;
    assert!(
        asked.text.contains("認証番号のメールは送られません") && !asked.text.contains("お送りします"),
        "{}",
        asked.text
    );
    let (client, _, email) = app.waiting_for_code().await;
    app.work().await;
    assert!(app.mailbox.mails().is_empty(), "nothing was sent");
    let waits = client.get("/portal/signup/code").await;
    assert!(
        waits.text.contains(UNSENT) && !waits.text.contains("送信しました"),
        "{}",
        waits.text
    );
    let list = clerk.get(MAILS).await;
    for word in [email.as_str(), "ユーザーID作成用の認証番号", "お試し環境のメール"] {
        assert!(list.text.contains(word), "{word}: {}", list.text);
    }
    let mail = newest(&clerk).await;
    assert!(mail.text.contains(&email) && mail.text.contains(TOLD), "{}", mail.text);
    let mut digits = text(&mail).split(|c: char| !c.is_ascii_digit());
    let code = digits.find(|digits| digits.len() == 6).unwrap();
    let done = client.post("/portal/signup/code", &[("code", code)]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
    // Who looked at them stands in the trail, with whom they were about.
    assert_eq!(
        looks(&app, "sandbox.mails").await,
        ["people.look 0", "people.look 1", "people.look 1"]
    );
    assert_eq!(looks(&app, "sandbox.mail").await, ["person.look"]);
    let person = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let subject = format!("subject_id = '{person}'");
    assert_eq!(app.insurer.count("audit_subjects", &subject).await, 3);
}

#[tokio::test]
async fn an_invitation_is_read_and_its_link_opens_and_after_a_week_nothing_is_left() {
    let app = sandbox().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let origin = audit::Origin::command();
    let invitation = staff::Invitation {
        email: format!("{}@example.jp", unique("kanri")),
        name: "管理　次郎".into(),
        grants: vec![staff::Grant::all(Role::Viewer)],
    };
    let by = staff::By::Operator(app.tenant());
    let invited = app.staff.invite(&origin, by, &invitation).await.unwrap();
    assert!(matches!(invited, Outcome::Done(_)));
    app.work().await;
    let mail = newest(&clerk).await;
    let (_, link) = text(&mail).split_once("<a href=\"").unwrap();
    let link = link.split('"').next().unwrap();
    let path = link.strip_prefix(&app.url).unwrap();
    assert_eq!(app.client().get(path).await.status, 200, "{path}");
    // It is about nobody of the roster.
    assert_eq!(looks(&app, "sandbox.mail").await, ["people.look 0"]);
    app.later(7 * 24 * 60 * 60);
    let clerk = app.in_another_browser(&clerk).await;
    let list = clerk.get(MAILS).await;
    assert!(list.text.contains("まだありません"), "{}", list.text);
}

#[tokio::test]
async fn a_long_list_goes_on_where_it_ended() {
    let app = sandbox().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let origin = audit::Origin::command();
    for _ in 0..52 {
        let invitation = staff::Invitation {
            email: format!("{}@example.jp", unique("many")),
            name: "管理　三郎".into(),
            grants: vec![staff::Grant::all(Role::Viewer)],
        };
        let by = staff::By::Operator(app.tenant());
        let invited = app.staff.invite(&origin, by, &invitation).await.unwrap();
        assert!(matches!(invited, Outcome::Done(_)));
        app.later(1);
    }
    app.work().await;
    let first = clerk.get(MAILS).await;
    let (_, more) = first.text.split_once("<p class=\"more\"><a href=\"").unwrap();
    let second = clerk.get(more.split('"').next().unwrap()).await;
    let (mut all, rest) = (listed(&first), listed(&second));
    assert_eq!((all.len(), rest.len()), (50, 2));
    assert!(!second.text.contains("class=\"more\""), "{}", second.text);
    all.extend(rest);
    assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
}

#[tokio::test]
async fn mails_are_for_whoever_may_change_the_settings_and_protected_peoples_are_no_exception() {
    let app = sandbox().await;
    app.waiting_for_code().await;
    app.work().await;
    let person = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let protect = format!(
        "INSERT INTO protections SELECT tenant_id, '{person}', '{person}', NULL, ''::bytea, '{person}', created_at FROM persons"
    );
    testkit::sql(app.tenant(), &protect).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let mail = listed(&clerk.get(MAILS).await).remove(0);
    assert_eq!(clerk.get(&mail).await.status, 200);
    for role in [Role::Viewer, Role::Eligibility, Role::CallCentre, Role::Auditor] {
        let clerk = app.clerk(&[role]).await;
        assert_eq!(clerk.get(MAILS).await.status, 403, "{role:?}");
        assert_eq!(clerk.get(&mail).await.status, 403, "{role:?}");
        assert!(!clerk.get("/console/").await.text.contains(MAILS), "{role:?}");
    }
    // For whoever may not see protected people there are none, whatever else they may.
    let registry = mail::Registry::new();
    let reader = mail::kept::Reader {
        keys: app.keys(),
        registry: &registry,
    };
    let tx = app.ground.database.tenant(app.tenant()).read().await.unwrap();
    let shown = roster::protection::not_protected("subject_id");
    let seen = mail::kept::list(&tx, reader, app.clock().now(), (None, 10), &shown).await;
    assert_eq!(seen.unwrap(), []);
    tx.commit().await.unwrap();
}

// security.md 51
#[tokio::test]
async fn another_insurers_mail_is_not_there_and_at_who_is_no_sandbox_there_are_none() {
    let (app, other, plain) = (sandbox().await, sandbox().await, TestApp::start().await);
    other.waiting_for_code().await;
    other.work().await;
    let theirs = other.clerk(&[Role::Administrator]).await;
    let mail = listed(&theirs.get(MAILS).await).remove(0);
    let clerk = app.clerk(&[Role::Administrator]).await;
    assert!(clerk.get("/console/").await.text.contains(MAILS));
    for path in [mail.as_str(), "/console/sandbox/mails/x"] {
        assert_eq!(clerk.get(path).await.status, 404, "{path}");
    }
    let clerk = plain.clerk(&[Role::Administrator]).await;
    let home = clerk.get("/console/").await;
    assert!(home.status == 200 && !home.text.contains(MAILS), "{}", home.text);
    for path in [MAILS, mail.as_str()] {
        assert_eq!(clerk.get(path).await.status, 404, "{path}");
    }
    // Its mails go out as ever.
    plain.waiting_for_code().await;
    plain.work().await;
    assert_eq!(plain.mailbox.mails().len(), 1);
}

#[tokio::test]
async fn every_page_of_a_sandbox_says_so_and_no_other_does() {
    let (app, plain) = (sandbox().await, TestApp::start().await);
    for (app, is_told) in [(&app, true), (&plain, false)] {
        let client = app.identified().await;
        let user_id = unique("user");
        let form = account(&user_id, &format!("{user_id}@example.jp"));
        let waits = client.send_form("/portal/signup/account", &form).await;
        assert_eq!(waits.status, 303, "{}", waits.text);
        let clerk = app.clerk(&[Role::Administrator]).await;
        for (page, status) in [
            (client.get("/portal/signup/code").await, 200),
            (client.get("/portal/nothing").await, 404),
            (client.get("/portal/help").await, 200),
            (clerk.get("/console/").await, 200),
            (clerk.get("/console/settings").await, 200),
            (clerk.get("/console/nothing").await, 404),
            (clerk.get("/console/letters").await, 200),
        ] {
            assert_eq!(page.status, status, "{}", page.text);
            // On the screen, and on paper.
            let times = if is_told { 2 } else { 0 };
            assert_eq!(page.text.matches(TOLD).count(), times, "{}", page.text);
        }
        let person = app
            .insurer
            .lines("SELECT person_id::text AS line FROM persons")
            .await
            .remove(0);
        let letters = clerk.post("/console/letters/print", &[("person", &person)]).await;
        assert_eq!(letters.status, 200, "{}", letters.text);
        assert_eq!(letters.text.contains(TOLD), is_told, "{}", letters.text);
        let told = app
            .client()
            .get(&format!("/api/v1/insurers/{}", app.insurer.code))
            .await;
        assert_eq!(told.json()["sandbox"], is_told, "{}", told.text);
    }
}

#[tokio::test]
async fn no_page_of_a_sandbox_says_that_a_mail_was_sent_and_every_other_insurers_does() {
    let (app, plain) = (sandbox().await, TestApp::start().await);
    for (app, is_kept) in [(&app, true), (&plain, false)] {
        let client = app.identified().await;
        for page in ["/portal/password", "/portal/user-id"] {
            let asked = client.get(page).await;
            assert_eq!(asked.text.contains(UNSENT), is_kept, "{}", asked.text);
            let sent = client.get(&format!("{page}?sent=1")).await;
            assert_eq!(sent.text.contains(UNSENT), is_kept, "{}", sent.text);
            assert_eq!(sent.text.contains("お送りしました"), !is_kept, "{}", sent.text);
        }
        let clerk = app.clerk(&[Role::Administrator]).await;
        let asked = clerk.get("/console/staff/invite").await;
        assert_eq!(asked.text.contains(UNSENT), is_kept, "{}", asked.text);
        let email = format!("{}@example.jp", unique("kanri"));
        let typed = [("email", &*email), ("name", "管理　四郎"), ("role", "viewer")];
        let invited = clerk.post("/console/staff/invite", &typed).await;
        assert_eq!(invited.status, 303, "{}", invited.text);
        let list = clerk.get(invited.location()).await;
        assert_eq!(list.text.contains(UNSENT), is_kept, "{}", list.text);
        assert_eq!(
            list.text.contains("招待のメールを送りました"),
            !is_kept,
            "{}",
            list.text
        );
    }
}
