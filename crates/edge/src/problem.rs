//! How refusals and outages leave the house: a status for both shells, and RFC 9457 problem+json for programs. Nothing
//! private reaches a body; the cause of an outage goes to the log, with the request's id.

use chrono::{DateTime, Utc};
use kernel::{
    FieldError, Outage, OutageKind, PasswordFlaws, Problem, Reason, Refusal, RefusalKind, outcome::UNCONFIRMED,
};
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
    /// The fields to be mended, all at once.
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
pub fn status(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Mend => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::Wait => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Outdated => StatusCode::CONFLICT,
        RefusalKind::Condition => StatusCode::PRECONDITION_FAILED,
        RefusalKind::LogIn => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::Missing => StatusCode::NOT_FOUND,
        RefusalKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Seconds for `Retry-After`, where waiting helps; at least one.
pub fn retry_after(refusal: &Refusal, now: DateTime<Utc>) -> Option<i64> {
    match (refusal.reason.kind, refusal.until) {
        (RefusalKind::Wait, Some(until)) => Some((until - now).num_seconds().max(0) + 1),
        (RefusalKind::Wait, None) => Some(USED_UP_SECONDS),
        (RefusalKind::Busy, _) => Some(PAUSE_SECONDS),
        _ => None,
    }
}

/// A refusal as problem+json.
pub fn refusal(refusal: &Refusal, now: DateTime<Utc>) -> ProblemBody {
    let Reason { code, kind, detail, .. } = refusal.reason;
    ProblemBody {
        retry_after: retry_after(refusal, now),
        errors: refusal.fields.iter().map(field_problem).collect(),
        ..ProblemBody::new(status(kind), code, detail)
    }
}

/// Logs an outage and answers that the service is away for a moment. Every cause reads alike from outside.
pub fn outage(outage: &Outage) -> ProblemBody {
    match outage.kind() {
        OutageKind::Passing => tracing::warn!(cause = %outage, "unavailable"),
        OutageKind::Fault | OutageKind::Unconfirmed => tracing::error!(cause = %outage, "outage"),
    }
    if outage.is_unconfirmed() {
        return refusal(&UNCONFIRMED.into(), DateTime::UNIX_EPOCH);
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
        pointer: format!("/{}", error.field.name),
        code: error.problem.code().to_owned(),
        detail: field_detail(&error.problem),
    }
}

/// What to mend of a field, in English.
pub fn field_detail(problem: &Problem) -> String {
    match problem {
        Problem::Empty => "Must not be empty.".into(),
        Problem::TooShort { min } => format!("Needs at least {min} characters."),
        Problem::TooLong { max } => format!("Takes at most {max} characters."),
        Problem::Characters => "Holds characters that this field does not take.".into(),
        Problem::Character(stray) => format!("Holds {stray:?}, which this field does not take."),
        Problem::Unread(part) => format!("Holds {part:?}, which can't be read."),
        Problem::MyNumber => "Seems to be an individual number (My Number), which must not be sent here.".into(),
        Problem::CodeLength => "An insurer code has 8 digits, or 6 for a national health insurance society.".into(),
        Problem::CheckDigit => "The check digit does not fit: the code is mistyped.".into(),
        Problem::Unregistered => "No insurer of this code is registered here.".into(),
        Problem::NotKana => "Must be hiragana or katakana.".into(),
        Problem::DateIncomplete => "Year, month and day are all needed.".into(),
        Problem::ImpossibleDate { month, last_day } => format!("Month {month} ends on day {last_day} in that year."),
        Problem::ImpossibleMonth => "The month must be from 1 to 12.".into(),
        Problem::DateShape => "Must be a day that there is, as 1985-04-01, from 1868 on.".into(),
        Problem::BeforeOther { name, .. } => format!("Must not be before, or less than, `{name}`."),
        Problem::DateOutOfRange => "Must be a date from 1868 to today.".into(),
        Problem::EmailShape => "Must have the shape of an e-mail address.".into(),
        Problem::EmailUnchanged => "Must differ from the present address.".into(),
        Problem::EmailDoubtful { meant } => format!("Perhaps {meant} is meant."),
        Problem::PasswordRule(PasswordFlaws { min, stray, .. }) => {
            let rule = format!(
                "Needs {min} to 20 characters with a letter, a digit and one of ?!@#%&()_+ each, or 15 to 128 of any kind."
            );
            match stray {
                Some(stray) => format!("{rule} {stray:?} is for the long ones only."),
                None => rule,
            }
        }
        Problem::PasswordCommon => "Is on the list of common passwords.".into(),
        Problem::PasswordContext => "Can be guessed from the user ID, member number, birth date or insurer.".into(),
        Problem::PasswordUnchanged => "Must differ from the present password.".into(),
        Problem::UserIdTaken => "Belongs to somebody else.".into(),
        Problem::UserIdReserved => "Is reserved.".into(),
        Problem::PasswordWrong => "Is not the present password.".into(),
        Problem::NotAgreed => "Must be agreed to.".into(),
        Problem::NotAChoice => "Is none of the choices offered.".into(),
        Problem::NotOneOf(choices) => {
            let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            format!("Must be {}.", choices.join(" or "))
        }
        Problem::UrlShape => {
            "Must be an absolute https URL with a host, and without user, password or #fragment.".into()
        }
        Problem::NotPublic => "Must lead to a public address.".into(),
        Problem::NotJson => "Must be one object of JSON, on one line.".into(),
        Problem::NotText => "Must be a text of JSON, or null.".into(),
        Problem::Missing => "Is missing.".into(),
        Problem::UnknownKey => "Is no key of the first line, which says for the whole file which there are.".into(),
        Problem::NotInFuture => "Must be a day to come.".into(),
        Problem::NotLater => "Must be later than the time at which it begins.".into(),
        Problem::TooLongAgo { days } => format!("Must be within the last {days} days."),
        Problem::Html { line } => format!("Holds raw HTML on line {line}, which is not shown."),
        Problem::Link { line } => format!("Holds a link on line {line} that leads where none may."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Field, Words, outcome::OVERLOADED};

    const WAIT: Reason = Reason {
        code: "wait",
        kind: RefusalKind::Wait,
        detail: "Wait.",
        words: |_, _| Words::new("", "", &[]),
    };

    #[test]
    fn field_errors_point_at_their_fields() {
        let refused = Refusal::field(FieldError::new(
            Field::new("birth_date", "生年月日"),
            Problem::ImpossibleDate { month: 4, last_day: 30 },
        ));
        let body = serde_json::to_value(refusal(&refused, DateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(body["status"], 422);
        assert_eq!(body["errors"][0]["pointer"], "/birth_date");
        assert_eq!(body["errors"][0]["code"], "impossible_date");
        assert!(body.get("retry_after").is_none());
    }

    #[test]
    fn choices_are_named_where_they_are_known() {
        let told = field_detail(&Problem::not_one_of(["costs", "medicines"]));
        assert_eq!(told, "Must be `costs` or `medicines`.");
    }

    #[test]
    fn waiting_is_said_in_whole_seconds_and_in_the_header() {
        let now = DateTime::UNIX_EPOCH;
        let wait = |milliseconds| Refusal {
            until: Some(now + chrono::TimeDelta::milliseconds(milliseconds)),
            ..WAIT.into()
        };
        let body = refusal(&wait(1500), now);
        assert_eq!((body.status, body.retry_after), (429, Some(2)));
        assert_eq!(body.into_response().header("retry-after"), Some("2"));
        assert_eq!(retry_after(&wait(-9000), now), Some(1));
    }

    #[test]
    fn whoever_must_wait_is_told_how_long() {
        for reason in [WAIT, OVERLOADED] {
            assert!(
                retry_after(&reason.into(), DateTime::UNIX_EPOCH).is_some(),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn an_outage_says_nothing_of_its_cause() {
        let body = outage(&Outage::new(OutageKind::Fault, "10.0.0.5 refused"));
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
