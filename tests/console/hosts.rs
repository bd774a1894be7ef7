//! A host of its own for the console: what is answered where, and to whom a form may come from (security.md 46).

use crate::portal::{leads, says};
use access::Role;
use reqwest::Method;
use testkit::{Client, TestApp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// However it is written, with its port or without.
const CONSOLE: [&str; 4] = [
    "console.example",
    "console.example:443",
    "Console.Example",
    "console.example:8443",
];
const PORTAL: [&str; 5] = [
    "portal.example",
    "portal.example:443",
    "console.example.evil.example",
    "evil.console.example",
    "127.0.0.1",
];
const NOT_FOUND: &str = "ページが見つかりません";
/// Stands in the frame of the console's pages alone.
const FRAME: &str = "<body class=\"console\">";

async fn app() -> TestApp {
    TestApp::with(
        "32290413",
        |_| (),
        |config| {
            config.http.public_url = "https://portal.example".parse().unwrap();
            config.http.console_url = Some("https://console.example".parse().unwrap());
        },
    )
    .await
}

async fn an_asset(client: &Client) -> String {
    let page = client.get("/portal/").await.text;
    let (_, rest) = page.split_once("\"/assets/").unwrap();
    format!("/assets/{}", rest.split('"').next().unwrap())
}

// security.md 46
#[tokio::test]
async fn the_console_is_answered_on_its_own_host_and_nothing_else_is() {
    let app = app().await;
    let asset = an_asset(&app.client().at_host(PORTAL[0])).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    for host in CONSOLE {
        let (clerk, stranger) = (clerk.at_host(host), app.client().at_host(host));
        says(&clerk.get("/console/").await, 200, FRAME);
        leads(&stranger.get("/console/").await, "/console/login?next=%2Fconsole%2F");
        leads(&stranger.get("/").await, "/console/");
        for path in [&asset, "/livez", "/readyz"] {
            assert_eq!(stranger.get(path).await.status, 200, "{host}{path}");
        }
        for path in [
            "/portal/",
            "/portal",
            "/portal/signup",
            "/portal/nowhere",
            "/portal/console/",
            "/nowhere",
            "/api",
            "/api/",
            "/api/v1/openapi.json",
            "/api/v1/nowhere",
        ] {
            let page = stranger.get(path).await;
            says(&page, 404, NOT_FOUND);
            assert!(
                page.text.contains(FRAME) && !page.text.contains("/portal/"),
                "{host}{path}: {}",
                page.text
            );
        }
        let log_in = stranger
            .post("/portal/", &[("user_id", "somebody"), ("password", "x")])
            .await;
        says(&log_in, 404, NOT_FOUND);
        let call = stranger
            .call(Method::POST, "/sessions", None, Some(serde_json::json!({})))
            .await;
        assert_eq!(call.status, 404);
    }
}

// security.md 46
#[tokio::test]
async fn any_other_host_is_the_portals_and_answers_nothing_of_the_consoles() {
    let app = app().await;
    let clerk = app.clerk_named("保険　守子", &[Role::Administrator]).await;
    let (member, who) = (app.client().at_host(PORTAL[0]), app.sign_up().await);
    member.log_in(&who).await;
    member.accept_terms().await;
    for host in PORTAL {
        let (clerk, member) = (clerk.at_host(host), member.at_host(host));
        says(&member.get("/portal/mypage").await, 200, "マイページ");
        leads(&member.get("/").await, "/portal/");
        assert_eq!(member.get("/api/v1/openapi.json").await.status, 200, "{host}");
        for path in [
            "/console/",
            "/console",
            "/console/login",
            "/console/logout",
            "/console/nowhere",
            "/operator/",
            "/operator/login",
            "/operator",
        ] {
            let page = clerk.get(path).await;
            says(&page, 404, NOT_FOUND);
            assert!(
                !page.text.contains(FRAME) && !page.text.contains("保険"),
                "{host}{path}: {}",
                page.text
            );
        }
        says(&clerk.post_bare("/console/logout", &[]).await, 404, NOT_FOUND);
    }
    says(&clerk.at_host(CONSOLE[0]).get("/console/").await, 200, "保険　守子");
}

/// What a request of these lines is answered: the first line, and where it leads.
async fn raw(app: &TestApp, lines: &[&str]) -> String {
    let port = app.url.rsplit(':').next().unwrap();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

// security.md 46
#[tokio::test]
async fn the_host_in_a_requests_target_counts_before_the_header_and_two_hosts_are_none() {
    let app = app().await;
    let (portal, console) = ("Host: portal.example", "Host: console.example");
    let log_in = "location: /console/login";
    for (lines, expected) in [
        (&["GET http://console.example/console/ HTTP/1.1", portal][..], log_in),
        (&["GET https://console.example:443/console/ HTTP/1.1", portal], log_in),
        (&["GET http://console.example/portal/ HTTP/1.1", portal], " 404 "),
        (&["GET http://portal.example/console/ HTTP/1.1", console], " 404 "),
        (&["GET http://portal.example/portal/ HTTP/1.1", console], " 200 "),
        (&["GET /console/ HTTP/1.1", console], log_in),
        (&["GET /console/ HTTP/1.1", portal], " 404 "),
        (&["GET /console/ HTTP/1.1", console, portal], " 400 "),
        (&["GET /console/ HTTP/1.1", portal, console], " 400 "),
        (&["GET /console/ HTTP/1.1", "Host: "], " 404 "),
        (
            &["GET /console/ HTTP/1.1", "Host: console.example@portal.example"],
            " 404 ",
        ),
        (
            &["GET /console/ HTTP/1.1", "X-Forwarded-Host: console.example", portal],
            " 404 ",
        ),
        (&["GET /console/ HTTP/1.0"], " 404 "),
    ] {
        let answer = raw(&app, lines).await;
        assert!(answer.contains(expected), "{lines:?}: {answer}");
    }
}

// security.md 43, 46
#[tokio::test]
async fn a_form_of_the_consoles_comes_from_its_own_host_alone() {
    let app = app().await;
    let clerk = app.clerk(&[Role::Administrator]).await.client.at_host(CONSOLE[0]);
    let mark = clerk.mark("/console/logout").await.unwrap();
    let post = |(name, value): (&'static str, &'static str)| {
        let request = clerk.request(Method::POST, "/console/logout").header(name, value);
        clerk.send(request.form(&[(testkit::MARK, &mark)]))
    };
    for foreign in [
        ("Origin", "https://portal.example"),
        ("Origin", "http://console.example"),
        ("Origin", "https://console.example:8443"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let refused = post(foreign).await;
        assert_eq!(refused.status, 403, "{foreign:?}");
        assert!(refused.text.contains(FRAME), "{}", refused.text);
    }
    leads(&post(("Origin", "https://console.example")).await, "/console/login");
}

// security.md 40, 44, 45
#[tokio::test]
async fn every_answer_of_the_console_carries_the_headers_that_keep_browsers_safe() {
    let app = app().await;
    let clerk = app.clerk(&[Role::Administrator]).await.client.at_host(CONSOLE[0]);
    let pages = [
        "/console/",
        "/console/nowhere",
        "/",
        "/console/logout",
        "/api/",
        "/portal/",
    ];
    for path in pages {
        let answer = clerk.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        assert!(
            !answer.text.contains("style=\"") && !answer.text.contains(" onclick="),
            "{path}"
        );
    }
    let out = clerk.post("/console/logout", &[]).await;
    leads(&out, "/console/login");
    assert!(!out.set_cookies().is_empty());
    for cookie in out.set_cookies() {
        let bound = cookie.starts_with("__Host-") && cookie.contains("; Path=/; Secure; HttpOnly; SameSite=");
        assert!(bound && !cookie.contains("Domain"), "{cookie}");
    }
    assert_eq!(clerk.cookie("__Host-console"), None);
}

#[tokio::test]
async fn without_a_host_of_its_own_the_console_is_where_the_portal_is() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    for host in ["localhost", "portal.example", "console.example"] {
        let clerk = clerk.at_host(host);
        says(&clerk.get("/console/").await, 200, FRAME);
        says(&clerk.get("/portal/").await, 200, "ログイン");
        leads(&clerk.get("/").await, "/portal/");
        assert_eq!(clerk.get("/api/v1/openapi.json").await.status, 200, "{host}");
    }
}
