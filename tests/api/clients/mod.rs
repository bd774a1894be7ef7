//! Programs with clients of their own: tokens, what they open, and what shuts them out.

mod entering;
mod managing;
mod rates;
mod tokens;
mod vendors;

use reqwest::Method;
use testkit::{Answer, TestProgram};

/// Whether a program is let in with its token.
async fn asks(program: &TestProgram) -> Answer {
    program.api(Method::GET, "/client", None).await
}

/// It is refused as nobody's.
async fn is_shut_out(program: &TestProgram) {
    let answer = asks(program).await;
    super::problem(&answer, 401, "invalid_token");
    assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    assert_eq!(answer.header("ratelimit"), "", "nothing is told of anybody's limits");
}

async fn is_let_in(program: &TestProgram) {
    let answer = asks(program).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// OAuth's shape of a refusal.
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.json()["error"], error, "{}", answer.text);
    assert!(answer.json()["error_description"].is_string());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let challenge = if status == 401 {
        r#"Basic realm="madoguchi""#
    } else {
        ""
    };
    assert_eq!(answer.header("www-authenticate"), challenge);
}
