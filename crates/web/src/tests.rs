//! The shell around its handlers, with no database behind it: what never reaches one must not need one.

use access::Policy;
use accounts::{Accounts, Limits};
use clients::Clients;
use database::{Database, DatabaseConfig, Timeouts};
use edge::HttpSettings;
use ground::Ground;
use guard::{HashConfig, Hasher};
use kernel::{Clock, Keys, NameKeys};
use pages::{Services, Table};
use poem::{Endpoint, Request, Response, http::Method};
use staff::Staff;
use std::sync::Arc;
use tenancy::Directory;
use webhooks::Webhooks;

const FORM: &str = "application/x-www-form-urlencoded";

/// Services on a database that is away.
fn services() -> Services {
    let config = DatabaseConfig {
        url: "postgres://nobody@127.0.0.1:1/none".into(),
        owner_url: None,
        connections: 1,
        wait_seconds: 1,
        timeouts: Timeouts::default(),
    };
    let database = Database::connect(&config).unwrap();
    let clock = Clock::frozen("2026-11-20T03:00:00Z".parse().unwrap());
    let keys = Keys::new("a", [("a".to_owned(), [7; 32])]).unwrap();
    let directory = Directory::new(database.clone(), clock.clone());
    let hasher = Hasher::new(&keys, HashConfig { threads: 1, queue: 1 });
    let public_url: url::Url = "https://portal.example/".parse().unwrap();
    let ground = Ground {
        database: database.clone(),
        directory,
        keys: keys.clone(),
        names: NameKeys::new([8; 32], None),
        clock: clock.clone(),
        hasher,
        person_kept: chrono::TimeDelta::days(1),
    };
    let policy = Arc::new(Policy::load(&[]).unwrap());
    let clients = Clients::new(&ground, Arc::clone(&policy), [webhooks::HANGING]);
    Services {
        accounts: Accounts::new(&ground, limits(), public_url.clone()),
        database,
        mails: mail::Registry::new(),
        keys,
        clock,
        performers: Arc::from([]),
        rosters: roster::Runs::new(&ground),
        staff: Staff::new(&ground, policy, public_url.clone()),
        webhooks: Webhooks::new(&ground, &clients, [], &webhooks::Settings::default()).unwrap(),
        clients,
        console_url: public_url.clone(),
        console_nav: Arc::from([]),
        public_url,
        http: HttpSettings::default(),
        table: Table::new(crate::portal::rows(&Arc::from([]))),
        nav: Arc::from([crate::portal::MY_PAGE]),
        former_nav: Arc::from([]),
    }
}

fn limits() -> Limits {
    Limits {
        identity_tries: 5,
        identity_waits: vec![900].into(),
        identity_network_tries: 100,
        network_window: 3600,
        identity_alarm: 50,
        identity_alarm_delay: 1,
        identity_tickets: 20,
        account_posts: 30,
        send_network_tries: 100,
        code_network_tries: 100,
        code_failures: 100,
        log_ins: 100,
        sessions: 50,
        log_in_tries: 5,
        log_in_waits: vec![60].into(),
        log_in_id_tries: 100,
        log_in_network_tries: 100,
        reset_tries: 3,
        recovery_id_tries: 100,
        recovery_network_tries: 100,
        ticket_life: 3600,
        code_life: 600,
        resend_after: 60,
        code_tries: 5,
        code_sends: 6,
        reset_life: 1800,
    }
}

struct Answer {
    response: Response,
    text: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    fn header(&self, name: &str) -> &str {
        self.response.header(name).unwrap_or_default()
    }
}

async fn ask(method: Method, address: &str, headers: &[(&str, &str)], body: impl Into<poem::Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(address.parse().unwrap());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = pages::mount(services()).call(request.body(body)).await.unwrap();
    let text = response.take_body().into_string().await.unwrap();
    Answer { response, text }
}

async fn get(address: &str) -> Answer {
    ask(Method::GET, address, &[], ()).await
}

async fn post(address: &str, body: &str) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", FORM)];
    ask(Method::POST, address, &headers, body.to_owned()).await
}

#[tokio::test]
async fn every_page_is_guarded_against_scripts_and_frames_and_has_an_id() {
    for page in [
        get("/portal/").await,
        get("/portal/nowhere").await,
        get("/portal/signup").await,
    ] {
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self' 'sha256-"),
            "{policy}"
        );
        assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert!(kernel::RequestId::parse(page.header("x-request-id")).is_some());
        assert!(page.text.starts_with("<!doctype html>") && page.text.contains("<html lang=\"ja\">"));
    }
}

#[tokio::test]
async fn log_in_shows_its_form_while_the_database_is_away() {
    let page = get("/portal/").await;
    assert_eq!(page.status(), 200);
    for part in [
        "<title>ログイン｜",
        "name=\"user_id\"",
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "パスワードを忘れた方はこちら",
        "ユーザーIDを忘れた方はこちら",
        "ユーザーIDの作成がまだの方はこちら",
    ] {
        assert!(page.text.contains(part), "{part}\n{}", page.text);
    }
    assert!(!page.text.contains(" required"));
}

#[tokio::test]
async fn sign_up_asks_what_the_manual_asks_in_its_words() {
    let page = get("/portal/signup").await;
    for part in [
        "保険者指定コード",
        "記号",
        "番号",
        "生年月日",
        "氏名（カナ）",
        ">認証</button>",
        "1989年（昭和64年・平成元年）",
        "autocomplete=\"bday-year\"",
        "novalidate",
        "<summary>マイナポータル</summary>",
        "<summary>資格情報のお知らせ</summary>",
        "<summary>資格確認書</summary>",
    ] {
        assert!(page.text.contains(part), "{part}");
    }
    assert!(!page.text.contains("社員番号") && !page.text.contains(" required"));
}

#[tokio::test]
async fn a_form_that_cannot_be_taken_now_keeps_what_was_typed() {
    let typed = "user_id=taro%2Dnara&password=hemitsu1!&next=%2Fportal%2Faccount";
    let page = post("/portal/", typed).await;
    assert_eq!(page.status(), 503);
    assert!(!page.header("retry-after").is_empty());
    assert!(page.text.contains("value=\"taro-nara\"") && !page.text.contains("hemitsu1"));
    assert!(page.text.contains("<title>エラー：ログイン｜") && page.text.contains("id=\"errs\""));
    assert!(page.text.contains("name=\"next\" value=\"/portal/account\""));
    let page = post("/portal/password", "user_id=%22%3E%3Cscript%3E").await;
    assert!(!page.text.contains("<script>") && page.text.contains("&#34;&#62;&#60;script&#62;"));
}

#[tokio::test]
async fn unknown_addresses_and_other_methods_get_a_page() {
    let page = get("/portal/nowhere").await;
    assert_eq!(page.status(), 404);
    assert!(page.text.contains("ページが見つかりません"));
    let page = ask(Method::PUT, "/portal/", &[], ()).await;
    assert_eq!((page.status(), page.header("allow")), (405, "GET, POST, HEAD"));
    let page = ask(Method::PUT, "/portal/signup/code/resend", &[], ()).await;
    assert_eq!((page.status(), page.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn a_buttons_address_leads_to_its_page() {
    for (button, page) in [
        ("/portal/signup/code/resend", "/portal/signup/code"),
        ("/portal/account/email/code/resend", "/portal/account/email/code"),
        ("/portal/account/sessions/end-others", "/portal/account"),
        ("/portal/account/sessions/7/end", "/portal/account"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(method, button, &[], ()).await;
            assert_eq!((answer.status(), answer.header("location")), (303, page), "{button}");
        }
    }
}

#[tokio::test]
async fn a_post_from_elsewhere_is_refused_before_it_is_read() {
    for headers in [
        &[("content-type", FORM)][..],
        &[("content-type", FORM), ("sec-fetch-site", "cross-site")],
    ] {
        let page = ask(Method::POST, "/portal/", headers, "user_id=a&password=b").await;
        assert_eq!(page.status(), 403);
        assert!(page.text.contains("もう一度、画面を開いてください"));
    }
}

#[tokio::test]
async fn unreadable_bodies_get_a_page_of_their_own() {
    let own = ("sec-fetch-site", "same-origin");
    assert_eq!(post("/portal/", "user_id=%82%AF").await.status(), 400);
    assert_eq!(post("/portal/", &"a=1&".repeat(65)).await.status(), 400);
    assert_eq!(post("/portal/", &"a".repeat(65 * 1024)).await.status(), 413);
    let page = ask(
        Method::POST,
        "/portal/",
        &[own, ("content-type", "application/json")],
        "{}",
    )
    .await;
    assert_eq!(page.status(), 415);
}

#[tokio::test]
async fn printed_and_short_addresses_lead_on() {
    let page = get("/portal/signup.ibss?insurer=32290413").await;
    assert_eq!(
        (page.status(), page.header("location")),
        (308, "/portal/signup?insurer=32290413")
    );
    for address in ["/", "/portal"] {
        let page = get(address).await;
        assert_eq!((page.status(), page.header("location")), (303, "/portal/"));
    }
}

#[tokio::test]
async fn without_a_session_log_in_comes_first_and_knows_the_way_back() {
    let page = get("/portal/terms").await;
    assert_eq!((page.status(), page.header("location")), (303, "/portal/"));
    let page = ask(
        Method::GET,
        "/portal/signup/code",
        &[("cookie", "__Host-ticket=forged")],
        (),
    )
    .await;
    assert_eq!((page.status(), page.header("location")), (303, "/portal/signup"));
}

#[tokio::test]
async fn log_out_works_in_any_state_and_by_post_only() {
    let page = post("/portal/logout", "").await;
    assert_eq!((page.status(), page.header("location")), (303, "/portal/"));
    assert_eq!(page.header("clear-site-data"), "\"storage\"");
    let ended: Vec<_> = page
        .response
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|c| c.to_str().unwrap())
        .collect();
    assert!(
        ended
            .iter()
            .any(|cookie| cookie.starts_with("__Host-session=;") && cookie.ends_with("Max-Age=0"))
    );
    let page = get("/portal/logout").await;
    assert_eq!(page.status(), 200);
    assert!(page.header("set-cookie").is_empty() && page.text.contains("method=\"post\" action=\"/portal/logout\""));
}

#[tokio::test]
async fn files_have_an_address_by_content_and_are_kept_for_ever() {
    let page = get("/portal/").await;
    for marker in ["href=\"/assets/app.", "src=\"/assets/app.", "href=\"/assets/icon."] {
        let begin = page.text.find(marker).unwrap() + marker.find('/').unwrap();
        let address: String = page.text[begin..].chars().take_while(|c| *c != '"').collect();
        let file = get(&address).await;
        assert_eq!(file.status(), 200, "{address}");
        assert!(file.header("cache-control").ends_with("immutable"));
    }
}

#[tokio::test]
async fn the_file_of_another_version_is_answered_with_ours_and_not_kept() {
    for (name, kind) in [
        ("app.0123456789abcdef.css", "text/css; charset=utf-8"),
        ("app.0123456789abcdef.js", "text/javascript; charset=utf-8"),
        ("icon.0123456789abcdef.svg", "image/svg+xml"),
    ] {
        let file = get(&format!("/assets/{name}")).await;
        let found = (file.status(), file.header("content-type"), file.header("cache-control"));
        assert_eq!(found, (200, kind, "no-cache"), "{name}");
    }
    for name in [
        "app.0000.css",
        "app.0123456789abcdef.svg",
        "app.css",
        "other.0123456789abcdef.css",
        "app.0123456789abcdeg.css",
    ] {
        assert_eq!(get(&format!("/assets/{name}")).await.status(), 404, "{name}");
    }
}

#[tokio::test]
async fn pages_stay_within_their_budget() {
    for (address, most) in [("/portal/", 15), ("/portal/signup", 15)] {
        let head = [("accept-encoding", "gzip, br")];
        let mut response = {
            let request = Request::builder()
                .uri(address.parse().unwrap())
                .header(head[0].0, head[0].1)
                .finish();
            pages::mount(services()).call(request).await.unwrap()
        };
        assert_eq!(response.header("content-encoding"), Some("br"));
        let bytes = response.take_body().into_bytes().await.unwrap().len();
        assert!(bytes < most * 1024, "{address}: {bytes}");
    }
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let page = ask(Method::HEAD, "/portal/", &[], ()).await;
    assert_eq!((page.status(), page.text.as_str()), (200, ""));
}

/// Every template of every crate, by its name there.
fn templates() -> Vec<(std::path::PathBuf, String)> {
    fn below(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for path in std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() {
                below(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut templates = Vec::new();
    for entry in std::fs::read_dir(crates).unwrap() {
        let (folder, mut found) = (entry.unwrap().path().join("templates"), Vec::new());
        below(&folder, &mut found);
        let name = |path: &std::path::Path| path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        templates.extend(found.into_iter().map(|path| (path.clone(), name(&path))));
    }
    templates
}

#[test]
fn no_template_has_the_name_of_another_crates_which_it_would_take_the_place_of() {
    let mut known = std::collections::BTreeMap::new();
    for (path, name) in templates() {
        if let Some(other) = known.insert(name, path.clone()) {
            panic!("{} and {}", other.display(), path.display());
        }
    }
    assert!(known.len() > 20, "{}", known.len());
}

// security.md 63
#[test]
fn every_form_that_is_posted_begins_by_the_macro_that_says_for_whom_it_is_shown() {
    let mut begun = 0;
    for (path, _) in templates() {
        let text = std::fs::read_to_string(&path).unwrap();
        if path.ends_with("macros/form.html") {
            continue;
        }
        assert!(
            !text.contains("<form") && !text.contains("formaction"),
            "{}",
            path.display()
        );
        assert_eq!(
            ["form::post(", "form::post_file(", "form::narrow("]
                .iter()
                .map(|begun| text.matches(begun).count())
                .sum::<usize>(),
            text.matches("</form>").count(),
            "{}",
            path.display()
        );
        begun += text.matches("form::post(").count();
    }
    assert!(begun >= 15, "{begun}");
}
