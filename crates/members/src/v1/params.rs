//! By what a list of people is narrowed.

use chrono::{DateTime, Utc};
use kernel::text;
use operations::params::{Query, Rule};
use poem_openapi::registry::MetaSchema;
use roster::CODE_CHARS;

/// A moment.
pub(super) struct ChangedSince;

impl Rule for ChangedSince {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "date-time")
    }

    fn flaw(text: &str) -> Option<&'static str> {
        moment(text).is_none().then_some("type")
    }
}

/// Yes or no.
pub(super) struct Registered;

impl Rule for Registered {
    fn schema() -> MetaSchema {
        MetaSchema::new("boolean")
    }

    fn flaw(text: &str) -> Option<&'static str> {
        yes_or_no(text).is_none().then_some("type")
    }
}

/// The code of a workplace.
pub(super) struct Workplace;

impl Rule for Workplace {
    fn schema() -> MetaSchema {
        MetaSchema {
            min_length: Some(1),
            max_length: Some(CODE_CHARS),
            ..MetaSchema::new("string")
        }
    }

    fn flaw(code: &str) -> Option<&'static str> {
        match code.chars().count() {
            0 => Some("too_short"),
            count if count > CODE_CHARS => Some("too_long"),
            _ if code.contains('\0') => Some("characters"),
            _ => None,
        }
    }
}

pub(super) fn since(asked: &Query<ChangedSince>) -> Option<DateTime<Utc>> {
    asked.text.as_deref().and_then(moment)
}

pub(super) fn registered(asked: &Query<Registered>) -> Option<bool> {
    asked.text.as_deref().and_then(yes_or_no)
}

/// As the roster keeps codes.
pub(super) fn workplace(asked: &Query<Workplace>) -> Option<String> {
    asked.text.as_deref().map(text::normalize_dense)
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

fn yes_or_no(text: &str) -> Option<bool> {
    text.parse().ok()
}
