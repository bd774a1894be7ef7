//! The one table of `/api/v1`: what is not in it does not exist, and each row says who may come in and with which codes
//! it refuses. The shell enforces it, the document is completed from it, and a test compares the two both ways.

use edge::{Access, Route};
use poem::http::Method;

/// What a row says besides method, path, name and access.
#[derive(Debug, Clone)]
pub struct Operation {
    /// True where it takes a JSON body.
    pub body: bool,
    /// The refusals of the use case behind it. What access, body and method can refuse comes on top.
    pub codes: &'static [&'static str],
}

/// Ends the session of the token, also where access itself has ended.
pub const END_SESSION: &str = "end_current_session";

const fn get(
    path: &'static str,
    name: &'static str,
    access: Access,
    codes: &'static [&'static str],
) -> Route<Operation> {
    Route {
        method: Method::GET,
        path,
        name,
        access,
        handler: Operation { body: false, codes },
    }
}

const fn post(
    path: &'static str,
    name: &'static str,
    access: Access,
    codes: &'static [&'static str],
) -> Route<Operation> {
    Route {
        method: Method::POST,
        path,
        name,
        access,
        handler: Operation { body: true, codes },
    }
}

/// All operations; paths are below `/api/v1`, names are the document's `operationId`.
pub static ROUTES: &[Route<Operation>] = &[
    get(
        "/insurers/:code",
        "get_insurer",
        Access::Public,
        &["fields", "not_found"],
    ),
    post(
        "/signup/identity",
        "identify",
        Access::Public,
        &["not_matched", "wait", "insurer_suspended"],
    ),
    post(
        "/signup/account",
        "create_account",
        Access::Ticket,
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
        Access::Ticket,
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
        Access::Ticket,
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
        Access::Public,
        &[
            "log_in_failed",
            "log_in_locked",
            "wait",
            "insurer_suspended",
            "coverage_ended",
            "overloaded",
        ],
    ),
    Route {
        method: Method::DELETE,
        path: "/sessions/current",
        name: END_SESSION,
        access: Access::Session,
        handler: Operation {
            body: false,
            codes: &[],
        },
    },
    post("/password-resets", "request_password_reset", Access::Public, &["wait"]),
    post(
        "/password-resets/complete",
        "complete_password_reset",
        Access::Public,
        &["link_expired", "insurer_suspended", "overloaded"],
    ),
    post(
        "/user-id-reminders",
        "request_user_id_reminder",
        Access::Public,
        &["wait", "insurer_suspended"],
    ),
    get("/me/consents", "list_consents", Access::Session, &[]),
    post("/me/consents", "give_consents", Access::Session, &["revision_outdated"]),
    get("/me/dashboard", "get_dashboard", Access::Member, &[]),
    get("/me/notices", "list_notices", Access::Member, &["fields"]),
    get("/me/notices/:id", "get_notice", Access::Member, &["not_found"]),
    get("/openapi.json", "get_document", Access::Public, &[]),
];

/// Every code that an answer of this operation may hold, sorted.
pub fn codes(route: &Route<Operation>) -> Vec<&'static str> {
    let by_access: &[&str] = match route.access {
        Access::Public | Access::Ticket => &[],
        Access::Session if route.name == END_SESSION => &["session_ended"],
        Access::Session => &["session_ended", "insurer_suspended", "coverage_ended"],
        Access::Member => &[
            "session_ended",
            "insurer_suspended",
            "coverage_ended",
            "consent_required",
        ],
    };
    let by_body: &[&str] = if route.handler.body {
        &[
            "malformed_json",
            "encoding",
            "body_too_large",
            "unsupported_media_type",
            "fields",
        ]
    } else {
        &[]
    };
    let always: &[&str] = &["bad_request", "method_not_allowed", "unavailable", "unconfirmed"];
    let mut codes: Vec<&str> = [route.handler.codes, by_access, by_body, always].concat();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(path: &str) -> Vec<&'static str> {
        ROUTES
            .iter()
            .filter(|route| edge::matches(route.path, path))
            .map(|route| route.name)
            .collect()
    }

    #[test]
    fn a_path_belongs_to_its_route_alone() {
        assert_eq!(taken("/insurers/32290413"), ["get_insurer"]);
        assert_eq!(taken("/me/consents"), ["list_consents", "give_consents"]);
        assert_eq!(taken("/signup/code"), ["confirm_code"]);
        for nobody in [
            "",
            "/",
            "/insurers",
            "/insurers/",
            "/insurers/1/2",
            "/me/notices/",
            "/sessions/current/",
        ] {
            assert!(taken(nobody).is_empty(), "{nobody}");
        }
    }

    #[test]
    fn no_operation_is_named_twice() {
        let mut names: Vec<_> = ROUTES.iter().map(|route| route.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
