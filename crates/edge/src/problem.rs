//! How refusals and outages leave the house: a status for both shells, and RFC 9457 problem+json for programs. Nothing
//! private reaches a body; the cause of an outage goes to the log, with the request's id.

use accounts::{Outage, Refusal};
use chrono::{DateTime, Utc};
use database::DatabaseError;
use kernel::{FieldError, Problem};
use poem::{
    IntoResponse, Response,
    http::{StatusCode, header},
};
use serde::Serialize;

/// The media type of problem details (RFC 9457).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// After an outage or when overloaded: seconds to wait before the next try.
const PAUSE_SECONDS: i64 = 5;
/// What is used up on a ticket or a change of address is free again on the next, and each lives an hour.
const USED_UP_SECONDS: i64 = 3600;

/// A problem as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemBody {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status's phrase.
    pub title: String,
    /// The status.
    pub status: u16,
    /// The stable code, as [`Refusal::code`] or one of the codes of [`http_problem`].
    pub code: String,
    /// What happened and what to do, in English.
    pub detail: String,
    /// The fields to be mended; empty unless the code is `fields`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Seconds to wait, also sent as `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// JSON pointer into the request's body: `/birth_date`.
    pub pointer: String,
    /// [`Problem::code`].
    pub code: String,
    /// What to mend, in English.
    pub detail: String,
}

impl ProblemBody {
    fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }
}

impl IntoResponse for ProblemBody {
    fn into_response(self) -> Response {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE))
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header(header::CACHE_CONTROL, "no-store");
        if let Some(seconds) = self.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        response.body(serde_json::to_vec(&self).unwrap_or_default())
    }
}

/// The status of a refusal, the same in both shells.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Fields(_)
        | Refusal::NotMatched
        | Refusal::CodeWrong { .. }
        | Refusal::CodeLate
        | Refusal::CodeSuperseded
        | Refusal::CodeUsed
        | Refusal::CodeTriesUsedUp => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Wait { .. } | Refusal::ResendTooSoon { .. } | Refusal::SendsUsedUp => StatusCode::TOO_MANY_REQUESTS,
        Refusal::TicketExpired | Refusal::StepMissing | Refusal::LinkExpired | Refusal::RevisionOutdated => {
            StatusCode::CONFLICT
        }
        Refusal::LogInFailed | Refusal::SessionEnded => StatusCode::UNAUTHORIZED,
        Refusal::ConsentRequired
        | Refusal::InsurerSuspended
        | Refusal::CoverageEnded
        | Refusal::CodesLocked
        | Refusal::LogInLocked => StatusCode::FORBIDDEN,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::Overloaded | Refusal::Unconfirmed => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Seconds for `Retry-After`, where waiting helps; at least one.
pub fn retry_after(refusal: &Refusal, now: DateTime<Utc>) -> Option<i64> {
    match refusal {
        Refusal::Wait { until: at } | Refusal::ResendTooSoon { at } => Some((*at - now).num_seconds().max(0) + 1),
        Refusal::SendsUsedUp => Some(USED_UP_SECONDS),
        Refusal::Overloaded | Refusal::Unconfirmed => Some(PAUSE_SECONDS),
        _ => None,
    }
}

/// A refusal as problem+json.
pub fn refusal(refusal: &Refusal, now: DateTime<Utc>) -> ProblemBody {
    let mut body = ProblemBody::new(status(refusal), refusal.code(), refusal_detail(refusal));
    body.retry_after = retry_after(refusal, now);
    if let Refusal::Fields(fields) = refusal {
        body.errors = fields.iter().map(field_problem).collect();
    }
    body
}

/// Logs an outage and answers that the service is away for a moment. Every cause reads alike from outside.
pub fn outage(outage: &Outage) -> ProblemBody {
    // A full pool, a restarting database or a key that waits to be proven is known already; anything else is a fault of ours.
    if matches!(
        outage,
        Outage::Database(
            DatabaseError::Busy | DatabaseError::Connection(_) | DatabaseError::Lost(_) | DatabaseError::Shut
        )
    ) {
        tracing::warn!(cause = %outage, "unavailable");
    } else {
        tracing::error!(cause = %outage, "outage");
    }
    if outage.is_unconfirmed() {
        return refusal(&Refusal::Unconfirmed, DateTime::UNIX_EPOCH);
    }
    let mut body = ProblemBody::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The service is unavailable for a moment. Nothing was changed; send the request again later.",
    );
    body.retry_after = Some(PAUSE_SECONDS);
    body
}

/// What HTTP itself refuses: malformed requests, missing routes, methods, sizes, media types. The code is the status's
/// own: `bad_request`, `unauthorized`, `not_found`, `method_not_allowed`, `payload_too_large`, `unsupported_media_type`.
pub fn http_problem(status: StatusCode, detail: &str) -> ProblemBody {
    let code = match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::UNPROCESSABLE_ENTITY => "unprocessable",
        StatusCode::TOO_MANY_REQUESTS => "wait",
        status if status.is_server_error() => "unavailable",
        _ => "bad_request",
    };
    let mut body = ProblemBody::new(status, code, detail);
    body.retry_after = status.is_server_error().then_some(PAUSE_SECONDS);
    body
}

fn field_problem(error: &FieldError) -> FieldProblem {
    FieldProblem {
        pointer: format!("/{}", error.field),
        code: error.problem.code().to_owned(),
        detail: field_detail(&error.problem),
    }
}

fn field_detail(problem: &Problem) -> String {
    match problem {
        Problem::Empty => "Must not be empty.".into(),
        Problem::TooShort { min } => format!("Needs at least {min} characters."),
        Problem::TooLong { max } => format!("Takes at most {max} characters."),
        Problem::Characters => "Holds characters that this field does not take.".into(),
        Problem::CodeLength => "An insurer code has 8 digits, or 6 for a national health insurance society.".into(),
        Problem::CheckDigit => "The check digit does not fit: the code is mistyped.".into(),
        Problem::Unregistered => "No insurer of this code is registered here.".into(),
        Problem::NotKana => "Must be hiragana or katakana.".into(),
        Problem::DateIncomplete => "Year, month and day are all needed.".into(),
        Problem::ImpossibleDate { month, last_day } => format!("Month {month} ends on day {last_day} in that year."),
        Problem::DateOutOfRange => "Must be a date from 1868 to today.".into(),
        Problem::EmailShape => "Must have the shape of an e-mail address.".into(),
        Problem::PasswordRule { min } => format!(
            "Needs {min} to 20 characters with a letter, a digit and one of ?!@#%&()_+ each, or 15 to 128 of any kind."
        ),
        Problem::PasswordCommon => "Is on the list of common passwords.".into(),
        Problem::PasswordContext => "Can be guessed from the user ID, member number, birth date or insurer.".into(),
        Problem::PasswordUnchanged => "Must differ from the present password.".into(),
        Problem::UserIdTaken => "Belongs to somebody else.".into(),
        Problem::UserIdReserved => "Is reserved.".into(),
        Problem::PasswordWrong => "Is not the present password.".into(),
        Problem::NotAgreed => "Must be agreed to.".into(),
        Problem::NotAChoice => "Is none of the choices offered.".into(),
    }
}

fn refusal_detail(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Fields(_) => "Some fields need mending; see errors.",
        Refusal::NotMatched => {
            "Sign-up can't go on with these particulars. Check them; whoever is registered already logs in or asks for a \
             user ID reminder; the insurer's contact desk helps."
        }
        Refusal::Wait { .. } => "Too many tries. Wait as long as Retry-After says.",
        Refusal::TicketExpired => {
            "The ticket is unknown, used or older than 60 minutes. Start again with the identity."
        }
        Refusal::StepMissing => "The ticket has not come to this step. Take the steps in order.",
        Refusal::CodeWrong { .. } => "The code is wrong.",
        Refusal::CodeLate => "The code is older than ten minutes. Ask for a new one.",
        Refusal::CodeSuperseded => "A newer code was sent. Only the newest counts.",
        Refusal::CodeUsed => "The code was used already.",
        Refusal::CodeTriesUsedUp => "All tries are used up. Start again with the identity.",
        Refusal::CodesLocked => {
            "Too many wrong codes in this person's name. The insurer's contact desk opens it again."
        }
        Refusal::ResendTooSoon { .. } => "The last code was sent less than a minute ago.",
        Refusal::SendsUsedUp => "All mails of this ticket are sent. Use the last code or start again.",
        Refusal::LogInFailed => "User ID or password is wrong.",
        Refusal::LogInLocked => {
            "Too many wrong passwords for this user ID. A new password, by POST /password-resets, opens it again; devices \
             that have logged in before are free of strangers' failures."
        }
        Refusal::InsurerSuspended => "This insurer's portal is suspended.",
        Refusal::CoverageEnded => "Coverage by this insurer has ended, and with it access.",
        Refusal::LinkExpired => "The token was used, replaced or is older than 30 minutes. Ask for a new one.",
        Refusal::SessionEnded => "No session, or one that has ended. Log in.",
        Refusal::ConsentRequired => "The terms in force wait for consent. See GET /me/consents.",
        Refusal::RevisionOutdated => "Consent must name every document due in its revision in force.",
        Refusal::NotFound => "There is no such thing here.",
        Refusal::Overloaded => "Too much at once. Send the request again in a few seconds.",
        Refusal::Unconfirmed => {
            "The request was carried out or it was not: the answer of the database was lost. Look whether it was before \
             sending it again."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_errors_point_at_their_fields() {
        let refused = Refusal::Fields(vec![FieldError::new(
            "birth_date",
            Problem::ImpossibleDate { month: 4, last_day: 30 },
        )]);
        let body = serde_json::to_value(refusal(&refused, DateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(body["status"], 422);
        assert_eq!(body["errors"][0]["pointer"], "/birth_date");
        assert_eq!(body["errors"][0]["code"], "impossible_date");
        assert!(body.get("retry_after").is_none());
    }

    #[test]
    fn waiting_is_said_in_whole_seconds_and_in_the_header() {
        let now = DateTime::UNIX_EPOCH;
        let body = refusal(
            &Refusal::Wait {
                until: now + chrono::TimeDelta::milliseconds(1500),
            },
            now,
        );
        assert_eq!((body.status, body.retry_after), (429, Some(2)));
        assert_eq!(body.into_response().header("retry-after"), Some("2"));
        assert_eq!(
            retry_after(
                &Refusal::Wait {
                    until: now - chrono::TimeDelta::seconds(9)
                },
                now
            ),
            Some(1)
        );
    }

    #[test]
    fn whoever_must_wait_is_told_how_long() {
        for refused in [Refusal::SendsUsedUp, Refusal::Overloaded] {
            assert!(retry_after(&refused, DateTime::UNIX_EPOCH).is_some(), "{refused}");
        }
    }

    #[test]
    fn an_outage_says_nothing_of_its_cause() {
        let body = outage(&Outage::Directory("10.0.0.5 refused".into()));
        assert_eq!(body.status, 503);
        assert!(!serde_json::to_string(&body).unwrap().contains("10.0.0.5"));
    }

    #[test]
    fn every_http_status_has_a_code_and_none_is_500_text() {
        assert_eq!(
            http_problem(StatusCode::METHOD_NOT_ALLOWED, "").code,
            "method_not_allowed"
        );
        assert_eq!(http_problem(StatusCode::BAD_REQUEST, "").code, "bad_request");
        assert_eq!(http_problem(StatusCode::INTERNAL_SERVER_ERROR, "").code, "unavailable");
    }
}
