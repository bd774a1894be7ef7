//! What the paths and queries of these operations hold.

use crate::month::{Month, Months};
use kernel::text;
use operations::{
    failure::Failure,
    params::{Query, Rule, Segment},
};
use poem_openapi::registry::MetaSchema;

/// The last year that four digits can write.
const LAST_YEAR: i32 = 9999;

/// A calendar year.
pub(super) struct Year;

impl Year {
    /// The year of a path: in one way, so that each has one address.
    pub(super) fn of(segment: &Segment<Self>) -> Option<i32> {
        text::number(&segment.text).filter(|_| Self::flaw(&segment.text).is_none())
    }

    /// The year that is asked for.
    pub(super) fn asked(query: &Query<Self>) -> Option<i32> {
        query.text.as_deref().and_then(text::number)
    }
}

impl Rule for Year {
    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(LAST_YEAR)),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text::number::<i32>(text) {
            _ if !is_whole || text.len() > 1 && text.starts_with('0') => Some("type"),
            Some(year) if (1..=LAST_YEAR).contains(&year) => None,
            _ => Some("out_of_range"),
        }
    }
}

/// A month as `2026-06`.
pub(super) struct MonthSegment;

impl MonthSegment {
    /// One that is kept, in the one way of writing it.
    pub(super) fn of(segment: &Segment<Self>, kept: Months) -> Result<Month, Failure> {
        let month = Month::parse(&segment.text).filter(|month| month.to_string() == segment.text);
        let month = month.filter(|month| kept.contains(*month));
        month.ok_or_else(|| Failure::of("not_found"))
    }
}

impl Rule for MonthSegment {
    fn schema() -> MetaSchema {
        word("^[0-9]{4}-(0[1-9]|1[0-2])$")
    }

    fn flaw(_text: &str) -> Option<&'static str> {
        None
    }
}

/// `costs` or `medicines`.
pub(super) struct KindSegment;

impl Rule for KindSegment {
    fn schema() -> MetaSchema {
        word("^(costs|medicines)$")
    }

    fn flaw(_text: &str) -> Option<&'static str> {
        None
    }
}

/// A text of a few forms.
pub(super) fn word(pattern: &str) -> MetaSchema {
    MetaSchema {
        max_length: Some(10),
        pattern: Some(pattern.into()),
        ..MetaSchema::new("string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_year_is_written_as_a_number_is_and_in_no_other_way() {
        for good in ["1", "2026", "9999"] {
            assert_eq!(Year::flaw(good), None, "{good}");
        }
        for (bad, code) in [
            ("0", "out_of_range"),
            ("10000", "out_of_range"),
            ("99999999999", "out_of_range"),
            ("02026", "type"),
            ("+2026", "type"),
            ("-1", "type"),
            ("2026.0", "type"),
            ("2026年", "type"),
            ("２０２６", "type"),
            ("", "type"),
        ] {
            assert_eq!(Year::flaw(bad), Some(code), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = (Year::flaw(&text), MonthSegment::flaw(&text), KindSegment::flaw(&text));
        }
    }
}
