//! Bad requests and bad input: each gets a clear page, and nothing breaks.

use crate::portal::says;
use reqwest::Method;
use testkit::{Answer, Client, TestApp, account, unique};

async fn raw(client: &Client, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = client
        .request(Method::POST, path)
        .header("Sec-Fetch-Site", "same-origin");
    let request = request.header("Content-Type", content_type).body(body.into());
    client.send(request).await
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn an_oversized_body_is_413_a_foreign_type_415_and_broken_text_400() {
    let app = TestApp::start().await;
    let client = app.client();
    for path in ["/portal/", "/portal/signup", "/portal/signup/code", "/portal/user-id"] {
        says(&raw(&client, path, FORM, vec![b'a'; 65_537]).await, 413, "ください");
        says(&raw(&client, path, "application/json", "{}").await, 415, "ください");
        says(
            &raw(&client, path, "multipart/form-data; boundary=x", "--x--").await,
            415,
            "ください",
        );
        says(&raw(&client, path, "text/plain", "user_id=a").await, 415, "ください");
        says(
            &raw(&client, path, &format!("{FORM}; charset=Shift_JIS"), "a=b").await,
            415,
            "ください",
        );
        says(
            &raw(&client, path, FORM, b"kana_name=\x82\xaf\x82\xf1".to_vec()).await,
            400,
            "ください",
        );
        says(
            &raw(&client, path, FORM, "kana_name=%82%AF%82%F1").await,
            400,
            "ください",
        );
        says(&raw(&client, path, FORM, "a=1&".repeat(100)).await, 400, "ください");
    }
}

#[tokio::test]
async fn control_characters_nul_emoji_and_endless_text_are_refused_field_by_field() {
    let app = TestApp::start().await;
    let right = app.identity(&app.person);
    let endless = "あ".repeat(3000);
    for odd in [
        "\0",
        "a\0b",
        "\u{1b}[31m",
        "👨‍👩‍👧",
        "\u{202e}abc",
        "\u{feff}",
        "' OR 1=1 --",
        "<script>",
        &endless,
        "\r\nX: y",
    ] {
        for name in [
            "insurer_code",
            "symbol",
            "number",
            "birth_year",
            "birth_month",
            "birth_day",
            "kana_name",
        ] {
            let answer = app
                .client()
                .send_form("/portal/signup", &right.clone().with(name, odd))
                .await;
            assert_eq!(answer.status, 422, "{name}={odd:?}: {}", answer.text);
            assert!(!answer.text.contains("<script>"), "{name}");
        }
        testkit::sql(app.tenant(), "DELETE FROM throttles").await;
        let client = app.identified().await;
        for name in ["user_id", "email"] {
            let form = account(&unique("user"), "a@example.jp").with(name, odd);
            let answer = client.send_form("/portal/signup/account", &form).await;
            assert_eq!(answer.status, 422, "{name}={odd:?}");
        }
        let fields = [("user_id", odd), ("password", odd)];
        let answer = app.client().post("/portal/", &fields).await;
        assert_eq!(answer.status, 422, "{odd:?}: {}", answer.text);
        let answer = app.client().post("/portal/password", &[("user_id", odd)]).await;
        assert_eq!(answer.status, 422, "{odd:?}");
    }
}

#[tokio::test]
async fn impossible_dates_are_named() {
    let app = TestApp::start().await;
    let right = app.identity(&app.person);
    for (year, month, day, said) in [
        ("2023", "2", "29", "2月は28日までです"),
        ("1985", "13", "1", "月は1から12までです"),
        ("1985", "0", "0", "月は1から12までです"),
        ("2030", "1", "1", "今日より前"),
        ("1200", "1", "1", "今日より前"),
        ("99999999999999999999", "1", "1", "生年月日"),
        ("-1", "1", "1", "生年月日"),
        ("1985", "", "1", "3つとも選んでください"),
    ] {
        let fields = right
            .clone()
            .with("birth_year", year)
            .with("birth_month", month)
            .with("birth_day", day);
        says(&app.client().send_form("/portal/signup", &fields).await, 422, said);
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_404_in_japanese_and_in_the_insurers_look() {
    let app = TestApp::start().await;
    let client = app.client();
    client
        .get(&format!("/portal/signup?insurer={}", app.insurer.code))
        .await;
    for path in [
        "/nothing",
        "/portal/nothing",
        "/portal/mypage/",
        "/PORTAL/",
        "/portal/notices/a/b",
        "/assets/none.css",
        "/portal/..%2f",
        "/portal/%00",
        "/console",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.text.contains("ページが見つかりません"),
            "{path}: {}",
            answer.text
        );
    }
    says(&client.get("/portal/nothing").await, 404, &app.insurer.insurer.name);
    assert_eq!(client.post("/portal/nothing", &[("a", "b")]).await.status, 404);
}

#[tokio::test]
async fn forged_cookies_of_every_name_are_passed_over() {
    let app = TestApp::start().await;
    for name in ["session", "ticket", "draft", "flash", "registered", "insurer"] {
        for value in [
            "x",
            "0.x",
            "9.AAAA",
            "\u{7f}",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "=;=",
            "../../etc",
        ] {
            let client = app.client();
            let request = client.request(Method::GET, "/portal/");
            let Ok(header) = reqwest::header::HeaderValue::from_str(&format!("__Host-{name}={value}")) else {
                continue;
            };
            let answer = client.send(request.header("Cookie", header)).await;
            assert_eq!(answer.status, 200, "{name}={value}");
        }
    }
}

// security.md 44, 45
#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for path in [
        "/portal/",
        "/portal/mypage",
        "/portal/help",
        "/portal/nothing",
        "/portal/signup",
        "/assets/none",
    ] {
        let answer = client.get(path).await;
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert!(
            answer.header("server").is_empty() && answer.header("x-powered-by").is_empty(),
            "{path}"
        );
        assert!(answer.header("strict-transport-security").is_empty(), "not over http");
        assert!(
            !answer.text.contains("style=\"") && !answer.text.contains(" onclick="),
            "{path}"
        );
    }
    let secure = TestApp::with(
        "32290413",
        |_| (),
        |config| config.http.public_url = "https://portal.example".parse().unwrap(),
    )
    .await;
    for path in [
        "/portal/",
        "/api/",
        "/api/nothing",
        "/api/v1/openapi.json",
        "/api/v1/nothing",
        "/livez",
        "/readyz",
    ] {
        let answer = secure.client().get(path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000; includeSubDomains",
            "{path}"
        );
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert!(
            ["same-origin", "no-referrer"].contains(&answer.header("referrer-policy")),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn pages_are_compressed_for_browsers_that_say_so_and_head_is_get_without_a_body() {
    let app = TestApp::start().await;
    let client = app.client();
    let request = client.request(Method::GET, "/portal/").header("Accept-Encoding", "br");
    let answer = client.send(request).await;
    assert_eq!(answer.header("content-encoding"), "br");
    assert!(answer.header("vary").contains("Accept-Encoding"));
    let head = client.send(client.request(Method::HEAD, "/portal/")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}
