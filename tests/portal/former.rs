//! After a loss of coverage one's own statements are read until the March after its year; of the rest of the portal only what
//! opens and keeps the account is left.

use super::{leads, says};
use chrono::{DateTime, Utc};
use edge::Rights;
use pages::console::is_console;
use reqwest::Method;
use tenancy::{Feature, FeatureState};
use testkit::{Answer, Client, PASSWORD, SignedUp, TestApp, TestPerson};

const MY_PAGE: &str = "/portal/mypage";
const COSTS: &str = "/portal/costs";
const CHANGE: &str = "/portal/account/password";
const NEW: &str = "Asagao3rin#";
const ENDED: &str = "資格を失った日を過ぎたため";

async fn lose(app: &TestApp, person: &TestPerson, day: &str) {
    let lost = TestPerson {
        lost_on: day.into(),
        ..person.clone()
    };
    app.insurer.import(&[lost]).await;
}

/// Goes to a moment in Japan.
fn go_to(app: &TestApp, moment: &str) {
    let moment = DateTime::parse_from_rfc3339(&format!("{moment}+09:00")).unwrap();
    app.insurer.clock.advance(moment.to_utc() - app.clock().now());
}

async fn log_in(client: &Client, who: &SignedUp, password: &str, next: &str) -> Answer {
    let fields = [
        ("user_id", who.user_id.as_str()),
        ("password", password),
        ("next", next),
    ];
    client.post("/portal/", &fields).await
}

/// Somebody whose coverage was lost the day before.
async fn former(app: &TestApp) -> (Client, SignedUp) {
    let (client, who) = app.member().await;
    lose(app, &who.person, "2026-11-21").await;
    (client, who)
}

#[tokio::test]
async fn from_the_day_of_loss_to_the_last_of_the_march_after_its_year_statements_alone_are_read() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    lose(&app, &who.person, "2026-11-23").await;
    go_to(&app, "2026-11-22T23:59:00");
    let client = app.client();
    leads(&log_in(&client, &who, PASSWORD, "").await, MY_PAGE);
    let page = client.get(MY_PAGE).await;
    assert!(
        page.status == 200 && !page.text.contains("資格を失われたため"),
        "the last covered day"
    );
    // A session lives over both days.
    go_to(&app, "2026-11-23T00:00:00");
    says(&client.get(MY_PAGE).await, 404, "資格を失われたため");
    says(&client.get(CHANGE).await, 200, "2027年3月31日（水）までご覧になれます");
    leads(&client.get("/portal/").await, COSTS);

    go_to(&app, "2027-03-31T23:59:00");
    let client = app.client();
    leads(&log_in(&client, &who, PASSWORD, "").await, COSTS);
    assert_eq!(client.get(MY_PAGE).await.status, 404);
    assert_eq!(client.get(CHANGE).await.status, 200);
    go_to(&app, "2027-04-01T00:00:00");
    says(&client.get(CHANGE).await, 403, ENDED);
    says(&client.get(MY_PAGE).await, 403, ENDED);
    says(&log_in(&app.client(), &who, PASSWORD, "").await, 403, ENDED);
}

#[tokio::test]
async fn the_days_in_which_everything_is_read_come_first() {
    let days = |folder: &mut tenancy::Folder| folder.settings.after_loss_days = 2;
    let app = TestApp::with("32290413", days, |_| ()).await;
    let (client, who) = former(&app).await;
    says(
        &client.get(MY_PAGE).await,
        200,
        "2026年11月22日（日）までご覧になれます。新しい申請はできません",
    );
    go_to(&app, "2026-11-23T00:00:00");
    let client = app.client();
    leads(&log_in(&client, &who, PASSWORD, MY_PAGE).await, COSTS);
    assert_eq!(client.get(MY_PAGE).await.status, 404);
}

// security.md 41
#[tokio::test]
async fn whoever_has_no_statements_at_their_insurer_is_shut_out_at_once() {
    for state in [FeatureState::Preparing, FeatureState::Hidden] {
        let without = |folder: &mut tenancy::Folder| {
            let all = Feature::ALL.iter().copied();
            folder.settings.modules = all
                .map(|feature| match feature {
                    Feature::CostStatements => (feature, state),
                    _ => (feature, FeatureState::Open),
                })
                .collect();
        };
        let app = TestApp::with("32290413", without, |_| ()).await;
        let (client, who) = former(&app).await;
        for path in [MY_PAGE, CHANGE, COSTS, "/portal/terms"] {
            // What is no route at this insurer or any is nobody's.
            let status = client.get(path).await.status;
            assert!([403, 404].contains(&status.as_u16()), "{path}: {status}");
        }
        says(&client.get(CHANGE).await, 403, ENDED);
        says(&log_in(&app.client(), &who, PASSWORD, "").await, 403, ENDED);
        ask_user_id(&app, &who.person).await;
        assert!(!is_reminded(&app, &who).await);
    }
}

/// Every route for members, by every method, with ids that are nobody's.
// security.md 41
#[tokio::test]
async fn every_route_of_members_is_marked_for_them_or_does_not_exist() {
    let app = TestApp::start().await;
    let (client, _) = former(&app).await;
    let kept = [
        "terms",
        "terms.accept",
        "account.password",
        "account.password_submit",
        "looks",
        "mails",
        "mails.submit",
    ];
    let rows = app.pages.table.rows().iter().filter(|row| !is_console(row.path));
    let mut asked = 0;
    for row in rows.filter(|row| matches!(row.rights, Rights::Session | Rights::Member)) {
        let is_statement = ["/portal/costs", "/portal/medicines"]
            .iter()
            .any(|under| row.path == *under || row.path.starts_with(&format!("{under}/")));
        assert_eq!(row.for_former, is_statement || kept.contains(&row.name), "{}", row.name);
        let path: Vec<&str> = row
            .path
            .split('/')
            .map(|segment| if segment.starts_with(':') { "1" } else { segment })
            .collect();
        let method = Method::from_bytes(row.method.as_str().as_bytes()).unwrap();
        let answer = client
            .send(client.request(method, &path.join("/")).header("Origin", &app.url))
            .await;
        if !row.for_former {
            says(&answer, 404, "ページが見つかりません");
        } else if !row.path.contains(':') {
            assert_ne!(answer.status, 404, "{}", row.name);
        }
        asked += usize::from(!row.for_former);
    }
    assert!(asked >= 20, "{asked}");
    // What is for anybody stays so.
    for path in [
        "/portal/help",
        "/portal/accessibility",
        "/portal/site-notices",
        "/portal/logout",
    ] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_menu_and_every_way_on_lead_only_to_what_is_there() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let help = client.get("/portal/help").await;
    says(&help, 200, "href=\"/portal/account\"");
    assert!(!help.text.contains("「登録内容の変更」の画面をお使いになれません"));
    lose(&app, &who.person, "2026-11-21").await;
    for path in [CHANGE, "/portal/help", "/portal/site-notices", MY_PAGE] {
        let page = client.get(path).await;
        for there in [CHANGE, "/portal/help", COSTS] {
            assert!(page.text.contains(&format!("href=\"{there}\"")), "{path}: {there}");
        }
        for gone in [MY_PAGE, "/portal/notices", "/portal/account"] {
            assert!(!page.text.contains(&format!("href=\"{gone}\"")), "{path}: {gone}");
        }
    }
    // The insurer's own words are for all its people, but every link of them opens.
    let help = client.get("/portal/help").await;
    says(&help, 200, "「登録内容の変更」の画面をお使いになれません");
    let links = help
        .text
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    for link in links.filter(|link| link.starts_with("/portal/") && !link.starts_with("/portal/logout")) {
        let status = client.get(link).await.status.as_u16();
        assert!([200, 303].contains(&status), "{link}: {status}");
    }
    // Where a log-in would have led back to.
    for (next, to) in [
        (MY_PAGE, COSTS),
        ("/portal/notices", COSTS),
        (CHANGE, CHANGE),
        ("/portal/help", "/portal/help"),
    ] {
        leads(&log_in(&app.client(), &who, PASSWORD, next).await, to);
    }
}

#[tokio::test]
async fn they_change_their_password_recover_it_and_their_user_id_and_log_out() {
    let app = TestApp::start().await;
    let (client, who) = former(&app).await;
    let change = [("current_password", PASSWORD), ("password", NEW)];
    leads(&client.post(CHANGE, &change).await, COSTS);
    says(&client.get(CHANGE).await, 200, "パスワードを変更しました");
    leads(&client.press("/portal/logout").await, "/portal/");
    leads(
        &client.get(CHANGE).await,
        "/portal/?next=%2Fportal%2Faccount%2Fpassword",
    );
    leads(&log_in(&app.client(), &who, NEW, "").await, COSTS);

    let forgotten = [("user_id", who.user_id.as_str())];
    app.with_platform_work(app.client().post("/portal/password", &forgotten))
        .await;
    let mails = app.mails_to(&who.email).await;
    let link = mails.iter().find(|mail| mail.text.contains("token=")).unwrap();
    let token = link
        .text
        .split("token=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let reset = [("token", token), ("password", PASSWORD)];
    leads(&app.client().post("/portal/password/reset", &reset).await, "/portal/");
    leads(&log_in(&app.client(), &who, PASSWORD, "").await, COSTS);

    ask_user_id(&app, &who.person).await;
    assert!(is_reminded(&app, &who).await);
}

#[tokio::test]
async fn nobody_is_reminded_of_a_user_id_once_their_time_is_over() {
    let app = TestApp::start().await;
    let (_, who) = former(&app).await;
    go_to(&app, "2027-04-01T00:00:00");
    ask_user_id(&app, &who.person).await;
    assert!(!is_reminded(&app, &who).await);
}

async fn ask_user_id(app: &TestApp, person: &TestPerson) {
    let answer = app.client().send_form("/portal/user-id", &app.identity(person)).await;
    assert_eq!(answer.location(), "/portal/user-id?sent=1");
}

async fn is_reminded(app: &TestApp, who: &SignedUp) -> bool {
    let mails = app.mails_to(&who.email).await;
    mails
        .iter()
        .any(|mail| mail.text.contains(&who.user_id) && mail.subject.contains("ユーザーID"))
}

#[tokio::test]
async fn who_never_signed_up_does_so_no_more() {
    let app = TestApp::start().await;
    lose(&app, &app.person, "2026-11-21").await;
    let answer = app
        .client()
        .send_form("/portal/signup", &app.identity(&app.person))
        .await;
    says(&answer, 422, "登録に進めませんでした");
}

#[tokio::test]
async fn terms_come_first_for_them_as_well() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    lose(&app, &who.person, "2026-11-21").await;
    let client = app.client();
    leads(
        &log_in(&client, &who, PASSWORD, MY_PAGE).await,
        "/portal/terms?next=%2Fportal%2Fmypage",
    );
    assert_eq!(client.get(MY_PAGE).await.status, 404);
    leads(
        &client.get(CHANGE).await,
        "/portal/terms?next=%2Fportal%2Faccount%2Fpassword",
    );
    leads(&client.accept_terms().await, COSTS);
}

#[tokio::test]
async fn who_is_covered_again_has_everything_again() {
    let app = TestApp::start().await;
    let (client, who) = former(&app).await;
    assert_eq!(client.get(MY_PAGE).await.status, 404);
    app.insurer.import(std::slice::from_ref(&who.person)).await;
    assert_eq!(client.get(MY_PAGE).await.status, 200);
}

/// The clock stands where it is said.
#[tokio::test]
async fn the_march_is_the_one_after_the_year_of_the_loss_in_japan() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    // 23:59 of the old year in Japan is still the old year's, though the new one's first day has lost it.
    lose(&app, &who.person, "2027-01-01").await;
    go_to(&app, "2026-12-31T23:59:59");
    let client = app.client();
    leads(&log_in(&client, &who, PASSWORD, "").await, MY_PAGE);
    go_to(&app, "2027-01-01T00:00:00");
    says(&client.get(CHANGE).await, 200, "2028年3月31日（金）までご覧になれます");
    let now: DateTime<Utc> = app.clock().now();
    assert_eq!(now.to_rfc3339(), "2026-12-31T15:00:00+00:00");
}
