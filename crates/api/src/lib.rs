//! The pipeline's operations of `/api/v1`. They parse no identity and decide nothing: every operation calls the use case
//! that the pages call too.

mod examples;
mod v1;

use access::scope::INSURER_READ;
use edge::Rights;
use operations::{Codes, Group, Row};

/// The pipeline's operations.
pub fn group() -> Group {
    Group::new([rows(), v1::programs::rows()].concat(), v1::operations())
}

/// Imports of rosters, which are a program's.
pub fn roster_imports() -> Group {
    v1::roster_imports::group()
}

/// Webhooks.
pub fn webhooks() -> Group {
    v1::webhooks::group()
}

fn get(path: &'static str, name: &'static str, rights: Rights, codes: Codes) -> Row {
    operations::get(path, name, rights, codes, examples::of(name))
}

fn post(path: &'static str, name: &'static str, rights: Rights, codes: Codes) -> Row {
    operations::post(path, name, rights, codes, examples::of(name))
}

fn oauth(path: &'static str, name: &'static str, codes: Codes) -> Row {
    operations::oauth(path, name, codes, examples::of(name))
}

/// Ends the session of the token, also where access itself has ended.
fn end_session() -> Row {
    let name = "end_current_session";
    let mut row = operations::delete("/sessions/current", name, Rights::Session, &[], examples::of(name));
    row.handler.after_access = true;
    row
}

/// From what each node looks up now and then.
fn get_insurer() -> Row {
    let mut row = get(
        "/insurers/:code",
        "get_insurer",
        Rights::Public,
        &["fields", "not_found"],
    );
    row.handler.lag = tenancy::LOOK_SECONDS;
    row
}

fn rows() -> Vec<Row> {
    vec![
        get_insurer(),
        post(
            "/signup/identity",
            "identify",
            Rights::Public,
            &["not_matched", "wait", "insurer_suspended"],
        ),
        post(
            "/signup/account",
            "create_account",
            Rights::Ticket,
            &[
                "ticket_expired",
                "wait",
                "code_tries_used_up",
                "codes_locked",
                "resend_too_soon",
                "sends_used_up",
                "insurer_suspended",
                "overloaded",
            ],
        ),
        post(
            "/signup/code",
            "confirm_code",
            Rights::Ticket,
            &[
                "ticket_expired",
                "step_missing",
                "code_wrong",
                "code_late",
                "code_superseded",
                "code_used",
                "code_tries_used_up",
                "codes_locked",
                "wait",
                "insurer_suspended",
            ],
        ),
        post(
            "/signup/code/resend",
            "resend_code",
            Rights::Ticket,
            &[
                "ticket_expired",
                "step_missing",
                "code_tries_used_up",
                "codes_locked",
                "wait",
                "resend_too_soon",
                "sends_used_up",
                "insurer_suspended",
            ],
        ),
        post(
            "/sessions",
            "create_session",
            Rights::Public,
            &[
                "log_in_failed",
                "log_in_locked",
                "wait",
                "insurer_suspended",
                "coverage_ended",
                "overloaded",
            ],
        ),
        end_session(),
        post("/password-resets", "request_password_reset", Rights::Public, &["wait"]),
        post(
            "/password-resets/complete",
            "complete_password_reset",
            Rights::Public,
            &["link_expired", "insurer_suspended", "overloaded"],
        ),
        post(
            "/user-id-reminders",
            "request_user_id_reminder",
            Rights::Public,
            &["wait", "insurer_suspended"],
        ),
        get("/me/consents", "list_consents", Rights::Session, &[]).for_former(),
        post("/me/consents", "give_consents", Rights::Session, &["revision_outdated"]).for_former(),
        oauth(
            "/oauth/token",
            "create_token",
            &[
                "invalid_client",
                "unauthorized_client",
                "unsupported_grant_type",
                "invalid_scope",
                "too_many_requests",
            ],
        ),
        oauth(
            "/oauth/revoke",
            "revoke_token",
            &["invalid_client", "too_many_requests"],
        ),
        get("/client", "get_client", Rights::Client(INSURER_READ), &[]),
        get("/openapi.json", "get_document", Rights::Public, &[]),
    ]
}

#[cfg(test)]
mod tests {
    use super::v1::{consent::NewConsents, log_in::NewSession};
    use operations::flaws;
    use poem_openapi::types::Type;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn codes<T: Type>(value: &Value) -> Vec<(String, &'static str)> {
        flaws::<T>(value)
            .into_iter()
            .map(|flaw| (flaw.pointer, flaw.code))
            .collect()
    }

    #[test]
    fn every_field_to_be_mended_is_named_at_once() {
        let long = "a".repeat(1025);
        for (body, expected) in [
            (json!({"user_id": "a", "password": "b", "other": 1}), vec![]),
            (json!({}), vec![("/user_id", "required"), ("/password", "required")]),
            (
                json!({"user_id": 1, "password": null}),
                vec![("/user_id", "type"), ("/password", "type")],
            ),
            (
                json!({"user_id": "a\u{0}", "password": long}),
                vec![("/user_id", "characters"), ("/password", "too_long")],
            ),
            (json!([]), vec![("", "type")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(at, code)| (at.to_owned(), code)).collect();
            assert_eq!(codes::<NewSession>(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_field_deep_inside_is_named_by_its_whole_pointer() {
        let body = json!({"consents": [{"document": "service", "revision": 1}, {"document": 2, "revision": 0}]});
        let expected = [
            ("/consents/1/document".to_owned(), "type"),
            ("/consents/1/revision".to_owned(), "out_of_range"),
        ];
        assert_eq!(codes::<NewConsents>(&body), expected);
        assert_eq!(
            codes::<NewConsents>(&json!({"consents": []})),
            [("/consents".to_owned(), "too_few")]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", other in any::<i64>()) {
            let _ = flaws::<NewSession>(&json!({"user_id": text, "password": other}));
        }
    }
}
