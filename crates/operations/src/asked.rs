//! What a schema asks for, in a sentence: what is told of whatever does not fit it.

use poem_openapi::registry::MetaSchema;
use serde_json::Value;
use std::fmt::Display;

/// The sentence.
pub(crate) fn asked(schema: &MetaSchema) -> String {
    if !schema.enum_items.is_empty() {
        let words = schema.enum_items.iter().map(|item| match item {
            Value::String(word) => format!("`{word}`"),
            other => format!("`{other}`"),
        });
        return format!("Must be {}.", words.collect::<Vec<_>>().join(" or "));
    }
    match (schema.ty, schema.format) {
        ("boolean", _) => "Must be `true` or `false`.".into(),
        ("integer", _) => within("a whole number", "", schema.minimum, schema.maximum),
        ("number", _) => within("a number", "", schema.minimum, schema.maximum),
        ("array", _) => within("a list", " items", schema.min_items, schema.max_items),
        ("object", _) => "Must be an object of JSON.".into(),
        (_, Some("date")) => "Must be a day that there is, as `2026-11-27`.".into(),
        (_, Some("date-time")) => {
            "Must be a moment by RFC 3339, as `2026-11-27T09:00:00+09:00`; in a query its `+` is sent as `%2B`.".into()
        }
        _ => match &schema.pattern {
            Some(pattern) => match choices(pattern) {
                Some(words) => format!("Must be {words}."),
                None => format!("Must be a text that fits `{pattern}`."),
            },
            None => within("a text", " characters", schema.min_length, schema.max_length),
        },
    }
}

/// The words of a pattern that is nothing else but them.
fn choices(pattern: &str) -> Option<String> {
    let inside = pattern.strip_prefix("^(")?.strip_suffix(")$")?;
    let is_plain = inside
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || b"_|".contains(&byte));
    let words = inside.split('|').map(|word| format!("`{word}`"));
    is_plain.then(|| words.collect::<Vec<_>>().join(" or "))
}

fn within<N: Display>(what: &str, unit: &str, least: Option<N>, most: Option<N>) -> String {
    let of = if unit.is_empty() { "from" } else { "of" };
    match (least, most) {
        (Some(least), Some(most)) => format!("Must be {what} {of} {least} to {most}{unit}."),
        (Some(least), None) => format!("Must be {what} of at least {least}{unit}."),
        (None, Some(most)) => format!("Must be {what} of at most {most}{unit}."),
        (None, None) => format!("Must be {what}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        page::Limit,
        params::{Day, Flag, Rule as _},
    };

    #[test]
    fn what_is_asked_for_is_said_with_its_bounds_and_its_choices() {
        assert_eq!(asked(&Limit::schema()), "Must be a whole number from 1 to 200.");
        assert_eq!(asked(&Flag::schema()), "Must be `true` or `false`.");
        assert!(asked(&Day::schema()).contains("2026-11-27"));
        let choice = MetaSchema {
            enum_items: vec!["csv".into(), "ndjson".into()],
            ..MetaSchema::new("string")
        };
        assert_eq!(asked(&choice), "Must be `csv` or `ndjson`.");
        let text = MetaSchema {
            max_length: Some(40),
            ..MetaSchema::new("string")
        };
        assert_eq!(asked(&text), "Must be a text of at most 40 characters.");
        let of = |pattern: &str| {
            asked(&MetaSchema {
                pattern: Some(pattern.into()),
                ..MetaSchema::new("string")
            })
        };
        assert_eq!(of("^(too_early|other)$"), "Must be `too_early` or `other`.");
        assert_eq!(of("^([0-9]{4})$"), "Must be a text that fits `^([0-9]{4})$`.");
    }
}
