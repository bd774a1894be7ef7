//! Requests as only programs and odd browsers send them: one bad byte takes nothing good with it, and nothing leaves the
//! house that is not its own page.

use reqwest::{Method, header::HeaderValue};
use testkit::{Answer, Client, TestApp, lines_within, owner_url, unique};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a request says, byte by byte, and the whole answer.
async fn raw(app: &TestApp, request: &str) -> String {
    let address = app.url.replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn plain(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// A page with the client's cookies among others'.
async fn with_foreign_cookie(client: &Client, path: &str, foreign: &[u8], first: bool) -> Answer {
    let ours: Vec<String> = client
        .cookie_names()
        .iter()
        .map(|name| format!("{name}={}", client.cookie(name).unwrap()))
        .collect();
    let ours = ours.join("; ").into_bytes();
    let line = if first {
        [foreign, b"; ", &ours].concat()
    } else {
        [&ours, &b"; "[..], foreign].concat()
    };
    let mut request = client.request(Method::GET, path).build().unwrap();
    request
        .headers_mut()
        .insert("cookie", HeaderValue::from_bytes(&line).unwrap());
    client.execute(request).await
}

#[tokio::test]
async fn a_foreign_cookie_of_any_bytes_hides_none_of_ours() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for foreign in [
        "visitor=田中".as_bytes(),
        b"visitor=\xfe\xff",
        b"\x80",
        b"=;;=",
        b"v=\"a",
        b"v=\t",
    ] {
        for first in [true, false] {
            let page = with_foreign_cookie(&client, "/portal/mypage", foreign, first).await;
            assert_eq!(page.status, 200, "{foreign:?}: {}", page.location());
        }
    }
}

#[tokio::test]
async fn an_odd_byte_in_a_forwarded_address_hides_no_other() {
    let app = TestApp::start().await;
    for (number, before) in ["田中, ".as_bytes(), b"\xff,", b"a b c\xe3,"].into_iter().enumerate() {
        let address = format!("203.0.113.{number}");
        let client = app.client();
        let form = [("user_id", "nobody-here"), ("password", "Wrong#2026")];
        let mut request = client.request(Method::POST, "/portal/").form(&form).build().unwrap();
        let line = [before, address.as_bytes()].concat();
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        headers.insert("x-forwarded-for", HeaderValue::from_bytes(&line).unwrap());
        let refused = client.execute(request).await;
        assert!(refused.location().starts_with("/portal/?again="), "{}", refused.text);
        let query = format!("SELECT '' AS line FROM audit_events WHERE address = '{address}'");
        assert_eq!(
            lines_within(&owner_url(), Some(kernel::TenantId::PLATFORM), &query)
                .await
                .len(),
            1,
            "{address}"
        );
    }
}

#[tokio::test]
async fn what_nobody_reads_of_a_query_refuses_no_page() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let crowd = "&a=1".repeat(65);
    for query in ["utm_source=%8C%92", "next=%FF", "a=%00", "%", "=", "&&&", &crowd] {
        for path in [
            "/portal/help",
            "/portal/mypage",
            "/portal/signup",
            "/portal/notices",
            "/portal/password/reset",
        ] {
            let answer = client.get(&format!("{path}?{query}")).await;
            let expected = if path.ends_with("reset") { 409 } else { 200 };
            assert_eq!(answer.status, expected, "{path}?{query}");
        }
    }
    let named = format!("utm_source=%8C%92{crowd}&insurer={}", app.insurer.code);
    let page = app.client().get(&format!("/portal/signup?{named}")).await;
    assert!(page.text.contains(&app.insurer.insurer.name), "what is read stays");
}

// security.md 44, 45, 56
#[tokio::test]
async fn whatever_is_asked_is_answered_in_the_houses_words_counted_and_guarded() {
    let app = TestApp::start().await;
    for (line, status) in [
        ("GET /portal/%ff", 404),
        ("GET /%c3%28", 404),
        ("GET /portal/%00", 404),
        ("GET /portal/notices/%ff", 303),
        ("GET *", 404),
        ("OPTIONS *", 404),
        ("CONNECT portal.example:443", 404),
        ("GET http://evil.example/portal/nowhere", 404),
        ("BREW /portal/", 405),
        ("POST /livez", 405),
        ("DELETE /readyz", 405),
        ("GET /csp-reports", 405),
        ("PUT /csp-reports", 405),
    ] {
        let answer = raw(&app, &plain(line)).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {head}");
        for part in [
            "x-request-id: ",
            "content-security-policy: ",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(part), "{line}: {part}: {head}");
        }
        if status != 303 {
            assert!(
                body.contains("<html lang=\"ja\">") && body.contains("はじめの画面へ"),
                "{line}: {body}"
            );
        }
        assert_eq!(status == 405, head.contains("\r\nallow: "), "{line}: {head}");
    }
    for (line, status) in [
        ("GET /api/%ff", 404),
        ("GET /api/v1/%ff", 404),
        ("BREW /api/", 405),
        ("GET /api/v1/%00", 404),
    ] {
        let answer = raw(&app, &plain(line)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains("x-request-id: "),
            "{line}: {answer}"
        );
    }
    let alive = raw(&app, &plain("GET /livez")).await;
    assert!(alive.starts_with("HTTP/1.1 200 ") && alive.ends_with("ok"), "{alive}");
    assert!(raw(&app, &plain("HEAD /livez")).await.starts_with("HTTP/1.1 200 "));
}

// security.md 64
#[tokio::test]
async fn a_request_of_http_1_1_has_one_host_and_an_older_one_needs_none() {
    let app = TestApp::start().await;
    let host = "\r\nHost: localhost";
    for (said, status) in [
        (format!("GET /portal/ HTTP/1.1{host}"), 200),
        ("GET /portal/ HTTP/1.0".to_owned(), 200),
        (format!("GET /portal/ HTTP/1.0{host}{host}"), 400),
        ("GET /portal/ HTTP/1.1".to_owned(), 400),
        (format!("GET /portal/ HTTP/1.1{host}{host}"), 400),
        (format!("GET /api/v1/me HTTP/1.1{host}\r\nHost: elsewhere.example"), 400),
        ("GET http://localhost/portal/ HTTP/1.1".to_owned(), 400),
    ] {
        let answer = raw(&app, &format!("{said}\r\nConnection: close\r\n\r\n")).await;
        let first = answer.lines().next().unwrap();
        assert!(first.contains(&format!(" {status} ")), "{said}: {answer}");
        assert!(answer.contains("x-request-id: "), "{said}: {answer}");
    }
}

// security.md 64
#[tokio::test]
async fn past_the_requests_that_may_be_under_way_the_answer_is_a_page_or_a_problem_at_once() {
    let app = TestApp::with("32290413", |_| (), |config| config.http.requests = 1).await;
    let (stranger, client) = (app.client(), app.client());
    // While a password is compared, the one place is taken.
    let (mut page, mut problem) = (client.get("/portal/").await, None);
    for _ in 0..90 {
        let id = unique("nobody");
        let form = [("user_id", &*id), ("password", "wrong&1234")];
        let asked = async {
            let alive = client.get("/livez").await;
            assert_eq!(alive.status, 200, "it lives");
            if page.status == 503 {
                problem = Some(client.call(Method::GET, "/openapi.json", None, None).await);
            } else {
                page = client.get("/portal/").await;
            }
        };
        tokio::join!(stranger.post("/portal/", &form), asked);
        if problem.as_ref().is_some_and(|problem| problem.status == 503) {
            break;
        }
    }
    assert_eq!(page.status, 503);
    assert!(page.text.contains("ください") && !page.header("retry-after").is_empty());
    let problem = problem.unwrap();
    assert_eq!(
        (problem.status.as_u16(), problem.header("content-type")),
        (503, "application/problem+json")
    );
    assert_eq!(client.get("/portal/").await.status, 200, "the place is free again");
}

#[tokio::test]
async fn a_text_with_nul_is_no_outage_wherever_it_comes_in() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let code = app.insurer.code.as_str();
    for path in [
        &format!("/portal/logo/{code}/%00"),
        &format!("/portal/logo/{code}/a%00b"),
        "/portal/logo/%00/x",
        "/portal/logo/platform/%00",
        "/portal/notices/%00",
        "/portal/site-notices/%00",
        "/portal/guides/%00",
        "/portal/account/consents/%00/1",
        "/portal/account/consents/platform/%00",
        "/assets/%00",
        "/portal/notices?before=%00&list=%00",
        "/portal/signup?insurer=%00&back=%00",
        "/portal/?next=%00",
        "/portal/password/reset?token=%00",
        "/portal/password/reset?token=1.%00",
        "/api/v1/insurers/%00",
        "/api/v1/site-notices/%00",
        "/api/v1/site-notices?cursor=%00&limit=%00",
    ] {
        let answer = client.get(path).await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
    }
    let identity = [
        "insurer_code",
        "symbol",
        "number",
        "birth_year",
        "birth_month",
        "birth_day",
        "kana_name",
        "employee_number",
    ];
    for (path, fields) in [
        ("/portal/", &["user_id", "password", "next"][..]),
        ("/portal/password", &["user_id"]),
        ("/portal/password/reset", &["token", "password"]),
        ("/portal/user-id", &identity[..]),
        ("/portal/signup", &identity[..]),
        ("/portal/terms", &["due", "agree", "next"]),
        ("/portal/account/password", &["current_password", "password"]),
        ("/portal/account/email", &["email", "current_password"]),
        ("/portal/account/email/code", &["code"]),
    ] {
        for odd in ["\0", "a\0b"] {
            for name in fields {
                let filled: Vec<(&str, &str)> = fields
                    .iter()
                    .map(|field| (*field, if field == name { odd } else { "a" }))
                    .collect();
                let answer = client.post(path, &filled).await;
                assert!(answer.status.as_u16() < 500, "{path} {name}: {}", answer.status);
            }
        }
    }
}
