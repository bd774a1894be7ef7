//! Whose form is this: one browser, several tabs, and in each somebody else (security.md 63).

use crate::portal::{leads, says};
use edge::Rights;
use reqwest::Method;
use testkit::{Answer, Client, Fields, MARK, PASSWORD, SignedUp, TestApp, TestPerson, account, unique};

const OTHER: &str = "この画面を開いたあとに、別の方の手続きが始まっています";
const SIGN_UP: &str = "/portal/signup/account";
const CODE: &str = "/portal/signup/code";
/// The button for whoever was there before.
const NEW_SIGN_UP: &str = "href=\"/portal/signup?new=1\"";
const SESSION: &str = "__Host-session";

/// A form of a page, as it stands in a tab: filled in now, sent whenever.
struct Tab {
    client: Client,
    hidden: Fields,
}

impl Tab {
    async fn on(client: &Client, page: &str) -> Self {
        Self {
            client: client.clone(),
            hidden: client.hidden(page).await,
        }
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = fields
            .iter()
            .fold(self.hidden.clone(), |form, (name, value)| form.with(name, value));
        self.client.send_form(path, &form).await
    }
}

#[track_caller]
fn is_of_another(answer: &Answer, start: &str) {
    says(answer, 409, OTHER);
    assert!(answer.text.contains(start), "{start} is missing");
    assert!(answer.set_cookies().is_empty(), "{:?}", answer.set_cookies());
}

async fn two_people(app: &TestApp) -> TestPerson {
    // So long a number stands in no page's marks and ids by chance.
    let second = TestPerson::new(20_600_206);
    app.insurer.import(&[app.person.clone(), second.clone()]).await;
    second
}

async fn identify(app: &TestApp, client: &Client, person: &TestPerson) {
    let answer = client.send_form("/portal/signup", &app.identity(person)).await;
    leads(&answer, SIGN_UP);
}

/// Everything that a form could have changed.
async fn rows(app: &TestApp) -> Vec<String> {
    let mut rows = Vec::new();
    for table in [
        "accounts",
        "sign_up_tickets",
        "sessions",
        "consents",
        "email_changes",
        "mails",
        "codes",
        "login_names",
        "jobs",
    ] {
        let all = format!(
            "SELECT coalesce(string_agg((to_jsonb(t) - 'last_seen_at')::text, ' ' ORDER BY t::text), '') AS line FROM {table} t
             WHERE tenant_id = {}",
            app.tenant().0
        );
        rows.extend(app.insurer.lines(&all).await);
    }
    rows
}

// security.md 63
#[tokio::test]
async fn who_typed_too_much_to_be_remembered_leaves_no_draft_of_the_one_before() {
    let app = TestApp::start().await;
    let second = two_people(&app).await;
    let client = app.client();
    identify(&app, &client, &app.person.clone()).await;
    // Nobody sees what was pasted with the name, and a browser would not keep a cookie that holds it.
    let pasted = format!("{}{}", second.kana_name, "\u{200B}".repeat(1500));
    let long = app.identity(&second).with("kana_name", &pasted);
    leads(&client.send_form("/portal/signup", &long).await, SIGN_UP);
    let ticket = client.cookie("__Host-ticket");
    identify(&app, &client, &app.person.clone()).await;
    assert_ne!(client.cookie("__Host-ticket"), ticket, "the second person's ticket");
    let page = client.get(SIGN_UP).await;
    assert!(page.text.contains(&app.person.number), "{}", page.text);
    assert!(!page.text.contains(&second.number), "{}", page.text);
}

// security.md 63
#[tokio::test]
async fn the_forms_of_a_sign_up_are_not_taken_for_whoever_identified_in_another_tab() {
    let app = TestApp::start().await;
    let second = two_people(&app).await;
    let client = app.client();
    identify(&app, &client, &app.person.clone()).await;
    let first_tab = Tab::on(&client, SIGN_UP).await;
    let first_id = unique("first");
    let email = format!("{first_id}@example.jp");
    let typed = [
        ("user_id", first_id.as_str()),
        ("password", PASSWORD),
        ("email", email.as_str()),
    ];
    identify(&app, &client, &second).await;
    let before = rows(&app).await;
    for more in [None, Some(("act", "back"))] {
        let fields: Vec<(&str, &str)> = typed.into_iter().chain(more).collect();
        is_of_another(&first_tab.send(SIGN_UP, &fields).await, NEW_SIGN_UP);
    }
    assert_eq!(rows(&app).await, before, "nothing is written");
    // Where the button leads, nobody is sent on into the other's sign-up.
    let going_on = "登録の途中の方は、こちらから続けられます";
    says(&client.get("/portal/signup").await, 200, going_on);
    assert!(!client.get("/portal/signup?new=1").await.text.contains(going_on));
    // The one that the browser is with goes on, and gets an account of their own.
    let second_tab = Tab::on(&client, SIGN_UP).await;
    let second_id = unique("second");
    let second_email = format!("{second_id}@example.jp");
    let own = [
        ("user_id", second_id.as_str()),
        ("password", PASSWORD),
        ("email", second_email.as_str()),
    ];
    leads(&second_tab.send(SIGN_UP, &own).await, CODE);
    let code = app.code_for(&second_email).await;
    let second_code = Tab::on(&client, CODE).await;
    identify(&app, &client, &app.person.clone()).await;
    let before = rows(&app).await;
    is_of_another(&second_code.send(CODE, &[("code", &code)]).await, NEW_SIGN_UP);
    app.later(61);
    is_of_another(&second_code.send("/portal/signup/code/resend", &[]).await, NEW_SIGN_UP);
    assert_eq!(rows(&app).await, before, "no try is taken, no mail sent");
}

// security.md 63
#[tokio::test]
async fn what_one_person_typed_is_not_shown_to_the_next_who_identifies() {
    let app = TestApp::start().await;
    let second = two_people(&app).await;
    let client = app.client();
    identify(&app, &client, &app.person.clone()).await;
    let typed = account("first-of-all", "first@example.jp").with("act", "back");
    leads(&client.send_form(SIGN_UP, &typed).await, "/portal/signup?back=1");
    identify(&app, &client, &second).await;
    let page = client.get(SIGN_UP).await;
    says(&page, 200, "ユーザーIDの作成");
    assert!(!page.text.contains("first-of-all") && !page.text.contains("first@example.jp"));
}

async fn two_members(app: &TestApp) -> (Client, SignedUp, SignedUp) {
    let second = two_people(app).await;
    let (first, second) = (app.sign_up().await, app.sign_up_as(&second).await);
    for who in [&first, &second] {
        app.inside(who).await;
    }
    (app.inside(&first).await, first, second)
}

/// The page that shows a form, where it is sent, and what is typed.
type FormCase = (&'static str, String, Vec<(&'static str, &'static str)>);

/// Every form of a member.
fn members_forms(session: &str) -> Vec<FormCase> {
    let page = "/portal/account";
    vec![
        (
            "/portal/account/password",
            "/portal/account/password".into(),
            vec![("current_password", PASSWORD), ("password", "Asagao3rin#")],
        ),
        (
            "/portal/account/email",
            "/portal/account/email".into(),
            vec![("current_password", PASSWORD), ("email", "new-one@example.jp")],
        ),
        (
            "/portal/account/email/code",
            "/portal/account/email/code".into(),
            vec![("code", "123456")],
        ),
        (
            "/portal/account/email/code",
            "/portal/account/email/code/resend".into(),
            vec![],
        ),
        (page, format!("/portal/account/sessions/{session}/end"), vec![]),
        (page, "/portal/account/sessions/end-others".into(), vec![]),
        (page, "/portal/terms".into(), vec![("agree", "1"), ("due", "service:2")]),
    ]
}

// security.md 63
#[tokio::test]
async fn the_forms_of_a_member_are_not_taken_for_whoever_logged_in_meanwhile() {
    let app = TestApp::start().await;
    let (client, first, second) = two_members(&app).await;
    let ask = [("current_password", PASSWORD), ("email", "waiting@example.jp")];
    leads(
        &client.post("/portal/account/email", &ask).await,
        "/portal/account/email/code",
    );
    let elsewhere = app.inside(&second).await;
    let session = app
        .insurer
        .lines("SELECT session_id::text AS line FROM sessions ORDER BY created_at DESC, session_id DESC LIMIT 1")
        .await
        .remove(0);
    let mut tabs = Vec::new();
    for (page, path, fields) in members_forms(&session) {
        tabs.push((Tab::on(&client, page).await, path, fields));
    }
    // The second logs in in another tab; the first goes Back, or simply sends what still stands there.
    leads(&client.log_in(&second).await, "/portal/mypage");
    let before = rows(&app).await;
    for (tab, path, fields) in &tabs {
        let answer = tab.send(path, fields).await;
        is_of_another(&answer, "action=\"/portal/logout\"");
        assert!(answer.text.contains("href=\"/portal/mypage\""), "{path}");
    }
    assert_eq!(rows(&app).await, before, "nothing is written");
    assert_eq!(elsewhere.get("/portal/mypage").await.status, 200);
    // Whoever opened the page logs in again, and it is theirs.
    leads(&client.press("/portal/logout").await, "/portal/");
    leads(&client.log_in(&first).await, "/portal/mypage");
    let (tab, path, fields) = &tabs[0];
    leads(&tab.send(path, fields).await, "/portal/account");
}

// security.md 63
#[tokio::test]
async fn terms_shown_to_one_are_not_accepted_for_another_who_has_not_read_them() {
    let app = TestApp::start().await;
    let second = two_people(&app).await;
    let (first, second) = (app.sign_up().await, app.sign_up_as(&second).await);
    let client = app.client();
    client.log_in(&first).await;
    let terms = Tab::on(&client, "/portal/terms").await;
    client.log_in(&second).await;
    is_of_another(
        &terms.send("/portal/terms", &[("agree", "1")]).await,
        "action=\"/portal/logout\"",
    );
    assert_eq!(app.insurer.count("consents", "true").await, 0);
    leads(
        &client.get("/portal/mypage").await,
        "/portal/terms?next=%2Fportal%2Fmypage",
    );
}

// security.md 63
#[tokio::test]
async fn the_same_person_in_another_tab_or_after_logging_in_again_goes_on() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let tab = Tab::on(&client, "/portal/account/password").await;
    client.log_in(&who).await;
    let changed = tab
        .send(
            "/portal/account/password",
            &[("current_password", PASSWORD), ("password", "Asagao3rin#")],
        )
        .await;
    leads(&changed, "/portal/account");
    // Its token is another now, the person is not.
    let again = tab
        .send(
            "/portal/account/password",
            &[("current_password", "Asagao3rin#"), ("password", "Yuri3rin%Na")],
        )
        .await;
    leads(&again, "/portal/account");
}

// security.md 63
#[tokio::test]
async fn log_out_of_anybodys_page_ends_the_session_that_is_there() {
    let app = TestApp::start().await;
    let (client, _, second) = two_members(&app).await;
    let tab = Tab::on(&client, "/portal/account").await;
    client.log_in(&second).await;
    let session = client.cookie(SESSION).unwrap();
    leads(&tab.send("/portal/logout", &[]).await, "/portal/");
    assert_eq!(client.cookie(SESSION), None);
    client.set_cookie(SESSION, &session);
    leads(&client.get("/portal/mypage").await, "/portal/?next=%2Fportal%2Fmypage");
}

// security.md 63
#[tokio::test]
async fn no_form_of_a_ticket_or_a_member_is_taken_without_a_mark_or_with_a_made_up_one() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let other = app.client();
    let second = two_people(&app).await;
    identify(&app, &other, &second).await;
    let stranger = other.mark(SIGN_UP).await.unwrap();
    let ticketed = app.client();
    identify(&app, &ticketed, &second).await;
    let mut checked = 0;
    for route in app.pages.table.rows() {
        let is_members = route.path.starts_with("/portal/") && route.rights != Rights::Public;
        if Method::POST.as_str() != route.method.as_str() || !is_members {
            continue;
        }
        let client = if route.rights == Rights::Ticket {
            &ticketed
        } else {
            &member
        };
        let path = route.path.replace(":id", "0197a3c0-0000-7000-8000-00000000004d");
        for fields in [
            &[][..],
            &[(MARK, "")],
            &[(MARK, "AAAAAAAAAAAAAAAAAAAAAA")],
            &[(MARK, stranger.as_str())],
        ] {
            says(&client.post_bare(&path, fields).await, 409, OTHER);
        }
        assert_ne!(
            client.post(&path, &[]).await.status,
            409,
            "{}: with its own it is looked at",
            route.name
        );
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}

// security.md 38
#[tokio::test]
async fn a_second_log_in_in_one_browser_ends_the_first_session_whoevers_it_was() {
    let app = TestApp::start().await;
    let elsewhere = TestApp::start().await;
    let stranger = elsewhere.sign_up().await;
    let (client, first, second) = two_members(&app).await;
    for next in [&first, &second, &stranger] {
        let before = client.cookie(SESSION).unwrap();
        // A log-in that fails ends nothing.
        client
            .post(
                "/portal/",
                &[("user_id", next.user_id.as_str()), ("password", "Wrong#2026")],
            )
            .await;
        assert_eq!(client.get("/portal/mypage").await.status, 200);
        assert_eq!(client.log_in(next).await.status, 303);
        let old = app.client();
        old.set_cookie(SESSION, &before);
        assert_eq!(old.get("/portal/mypage").await.status, 303, "it is over on the server");
    }
    let ended = "SELECT '' AS line FROM audit_events WHERE action = 'session.end'";
    assert_eq!(app.insurer.lines(ended).await.len(), 3);
}
