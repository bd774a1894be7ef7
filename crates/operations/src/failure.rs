//! The refusals of the API as one type: what `edge` makes of use cases' refusals and outages, and what HTTP and JSON
//! refuse before a use case is asked. The shell writes them; nothing private is in them.

use crate::asked::asked;
use accounts::reasons;
use chrono::{DateTime, TimeDelta, Utc};
use edge::{FieldProblem, ProblemBody};
use kernel::{Outage, Reason, Refusal, outcome};
use poem::IntoResponse as _;
use poem::http::StatusCode;
use poem_openapi::registry::MetaSchema;
use std::sync::OnceLock;

/// A problem on its way out.
#[derive(Debug, Clone)]
pub struct Failure(pub Box<ProblemBody>);

/// What is wrong with one field of a request, before its meaning is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// JSON pointer into the body, or `/name` of a parameter.
    pub pointer: String,
    /// Stable and public.
    pub code: &'static str,
    /// What to do about it, where that is more than the code says.
    said: Option<String>,
}

impl Flaw {
    /// A flaw of the field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            said: None,
        }
    }

    /// The same in words of its own.
    #[must_use]
    pub fn saying(mut self, words: impl Into<String>) -> Self {
        self.said = Some(words.into());
        self
    }

    /// The same with what its schema asks for.
    #[must_use]
    pub fn asking(self, schema: &MetaSchema) -> Self {
        self.saying(asked(schema))
    }

    fn problem(self) -> FieldProblem {
        let detail = self.said.clone().unwrap_or_else(|| self.detail().to_owned());
        FieldProblem {
            detail,
            code: self.code.to_owned(),
            pointer: self.pointer,
        }
    }

    fn detail(&self) -> &'static str {
        match self.code {
            "required" => "Is missing.",
            "type" => "Has another JSON type than documented.",
            "too_long" | "too_short" => "Has another length than documented.",
            "characters" => "Holds the character NUL.",
            "out_of_range" => "Is outside the documented range.",
            "too_many" | "too_few" => "Has another number of items than documented.",
            "repeated" => "Was given more than once.",
            _ => "Is none of the values handed out.",
        }
    }
}

/// What is refused before a use case is asked.
const BEFORE: [(&str, StatusCode, &str); 11] = [
    ("bad_request", StatusCode::BAD_REQUEST, "The request is malformed."),
    ("malformed_json", StatusCode::BAD_REQUEST, "The body is not JSON."),
    ("encoding", StatusCode::BAD_REQUEST, "The body is not UTF-8."),
    (
        "body_too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is larger than 64 KiB, which is as much as JSON may have here. Send less at once.",
    ),
    (
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This path does not take this method; see Allow.",
    ),
    (
        "unsupported_media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body has to be application/json in UTF-8, or application/octet-stream where a file is sent.",
    ),
    (
        "cursor",
        StatusCode::BAD_REQUEST,
        "The cursor was not handed out for this list of this insurer with these filters. Send the filters of its first page, or \
         begin without a cursor.",
    ),
    (
        "precondition_required",
        StatusCode::PRECONDITION_REQUIRED,
        "If-Match is missing: get the resource and send its ETag, so that nothing is overwritten that you have not seen.",
    ),
    (
        "idempotency_key_reused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came with another request within 24 hours. Nothing was done; a new request takes a new key.",
    ),
    (
        "idempotency_in_progress",
        StatusCode::CONFLICT,
        "A request with this Idempotency-Key is being worked on. Send it again in a moment for its answer.",
    ),
    (
        "unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "The service is unavailable for a moment. Send the request again later.",
    ),
];

/// Every problem that the house itself has, with its status and detail: what [`Failure::of`] takes from. With those of
/// modules they are the table's ([`crate::Table::problems`]).
pub fn catalogue() -> &'static [ProblemBody] {
    static CATALOGUE: OnceLock<Vec<ProblemBody>> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let before = BEFORE.iter().map(|(code, status, detail)| ProblemBody {
            code: (*code).to_owned(),
            ..edge::http_problem(*status, detail)
        });
        before.chain(reasons().map(problem)).collect()
    })
}

/// Why use cases refuse: the fields first, then the pipeline's own, then what programs are refused for, then what anything may be refused for.
fn reasons() -> impl Iterator<Item = Reason> {
    let [fields, others @ ..] = outcome::REASONS;
    [fields]
        .into_iter()
        .chain(reasons::REASONS)
        .chain(clients::reasons::OF_PROGRAMS)
        .chain(others)
}

/// A reason as the document shows it.
pub(crate) fn problem(reason: Reason) -> ProblemBody {
    let now = DateTime::UNIX_EPOCH;
    edge::refusal(&example(reason, now), now)
}

/// A refusal: where time is lacking, so long.
fn example(reason: Reason, now: DateTime<Utc>) -> Refusal {
    let wait = [
        (reasons::WAIT, TimeDelta::minutes(15)),
        (reasons::RESEND_TOO_SOON, TimeDelta::seconds(40)),
        (clients::reasons::TOO_MANY_REQUESTS, TimeDelta::seconds(20)),
    ];
    let until = wait.into_iter().find(|(waiting, _)| *waiting == reason);
    Refusal {
        until: until.map(|(_, wait)| now + wait),
        ..reason.into()
    }
}

impl Failure {
    /// The problem of a code of the [`catalogue`].
    pub fn of(code: &str) -> Self {
        let known = catalogue().iter().find(|body| body.code == code).cloned();
        let body = known.unwrap_or_else(|| edge::http_problem(StatusCode::SERVICE_UNAVAILABLE, "Unavailable."));
        Self(Box::new(body))
    }

    /// Fields to be mended, all at once.
    pub fn fields(flaws: Vec<Flaw>) -> Self {
        Self::of("fields").naming(flaws)
    }

    /// The same refusal in words of its own.
    #[must_use]
    pub fn explained(self, detail: &str) -> Self {
        let Self(mut body) = self;
        detail.clone_into(&mut body.detail);
        Self(body)
    }

    /// The same refusal, for how something stands, with how that is.
    #[must_use]
    pub fn standing(self, state: &str) -> Self {
        let detail = format!("{} This one is `{state}`.", self.0.detail);
        self.explained(&detail)
    }

    /// The same refusal with the fields that it is about.
    #[must_use]
    pub fn naming(self, flaws: Vec<Flaw>) -> Self {
        let Self(mut body) = self;
        body.errors = flaws.into_iter().map(Flaw::problem).collect();
        Self(body)
    }

    /// A use case refused.
    pub fn refused(refusal: &Refusal, now: DateTime<Utc>) -> Self {
        Self(Box::new(edge::refusal(refusal, now)))
    }

    /// Something beneath is away; its cause goes to the log.
    pub fn outage(outage: &Outage) -> Self {
        Self(Box::new(edge::outage(outage)))
    }
}

impl From<Failure> for poem::Error {
    fn from(failure: Failure) -> Self {
        // The shell writes the body, with the request's id; what it goes by has to hang on the error itself.
        let mut error = poem::Error::from_response((*failure.0).clone().into_response());
        error.set_data(failure);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_status_of_the_documented_ones_and_a_detail() {
        let mut codes: Vec<_> = catalogue().iter().map(|body| body.code.as_str()).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for body in catalogue() {
            assert!(
                [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 503].contains(&body.status),
                "{}",
                body.code
            );
            assert!(!body.detail.is_empty(), "{}", body.code);
        }
    }

    #[test]
    fn whoever_must_wait_is_told_how_long() {
        for reason in super::reasons() {
            let Failure(body) = Failure::refused(&reason.into(), DateTime::UNIX_EPOCH);
            assert_eq!(
                body.retry_after.is_some(),
                matches!(body.status, 429 | 503),
                "{}",
                body.code
            );
        }
    }
}
