//! What OAuth has in shapes of its own: refusals (RFC 6749, 5.2) and the metadata by which programs find its endpoints
//! (RFC 8414).

use crate::{BASE, call::TOKEN_PATH};
use access::SCOPES;
use edge::ProblemBody;
use poem::{
    Response,
    http::{StatusCode, header},
};
use serde_json::{Value, json};
use url::Url;

/// Where RFC 8414 puts the metadata of an issuer without a path.
pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";
/// Where tokens are given back.
pub(crate) const REVOKE_PATH: &str = "/oauth/revoke";

/// Characters of a description at most: the names of fields in it are whoever sends them.
const LONGEST: usize = 500;

const WAYS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The status that a refusal has there: 400 for whatever is to be mended.
pub(crate) fn status(body: &ProblemBody) -> StatusCode {
    match body.status {
        status @ (401 | 405 | 429 | 500..) => StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A refusal as it is written there.
pub(crate) fn body(body: &ProblemBody) -> Value {
    let error = match body.code.as_str() {
        "bad_request" | "not_found" | "unsupported_media_type" => "invalid_request",
        code => code,
    };
    json!({ "error": error, "error_description": description(body) })
}

/// What is wrong, field by field where it is fields; of ASCII alone, without quotes (RFC 6749, 5.2).
fn description(body: &ProblemBody) -> String {
    let of_fields: Vec<String> = body
        .errors
        .iter()
        .map(|error| format!("{}: {}", error.pointer.trim_start_matches('/'), error.detail))
        .collect();
    let text = if of_fields.is_empty() {
        body.detail.clone()
    } else {
        of_fields.join(" ")
    };
    let may_stand = |c: char| matches!(c, ' '..='~') && !['"', '\\'].contains(&c);
    let told = text.chars().take(LONGEST);
    told.map(|c| if may_stand(c) { c } else { '?' }).collect()
}

/// A refusal.
pub(crate) fn problem(refused: &ProblemBody) -> Response {
    tracing::info!(code = refused.code, "refused");
    let status = status(refused);
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, "no-store");
    if let Some(seconds) = refused.retry_after {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    if status == StatusCode::UNAUTHORIZED {
        response = response.header(header::WWW_AUTHENTICATE, r#"Basic realm="madoguchi""#);
    }
    response.body(body(refused).to_string())
}

/// The metadata.
pub(crate) fn metadata(public_url: &Url) -> Response {
    let at = |path: &str| {
        let mut url = public_url.clone();
        url.set_path(path);
        url.to_string()
    };
    let scopes: Vec<&str> = SCOPES.into_iter().map(access::Scope::as_str).collect();
    let metadata = json!({
        "issuer": public_url.origin().ascii_serialization(),
        "token_endpoint": at(&format!("{BASE}{TOKEN_PATH}")),
        "token_endpoint_auth_methods_supported": WAYS,
        "revocation_endpoint": at(&format!("{BASE}{REVOKE_PATH}")),
        "revocation_endpoint_auth_methods_supported": WAYS,
        "grant_types_supported": ["client_credentials"],
        // Nobody is asked in a browser.
        "response_types_supported": [],
        "scopes_supported": scopes,
        "service_documentation": at("/api/"),
    });
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(metadata.to_string())
}
