//! Checks a JSON value against the very schema that the document shows, and names everything that has to be mended at
//! once: types, what is required, ranges and numbers of items. Of texts only what no form can mend.

use crate::failure::Flaw;
use crate::text::{MOST_TYPED, WITHOUT_NUL};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde_json::Value;

/// What is wrong with `value` as a `T`; empty where nothing is.
pub fn flaws<T: Type>(value: &Value) -> Vec<Flaw> {
    let mut registry = Registry::new();
    T::register(&mut registry);
    let mut flaws = Vec::new();
    check_ref(&T::schema_ref(), &registry, value, "", &mut flaws);
    flaws
}

fn check_ref(schema: &MetaSchemaRef, registry: &Registry, value: &Value, at: &str, flaws: &mut Vec<Flaw>) {
    match schema {
        MetaSchemaRef::Inline(schema) => check(schema, registry, value, at, flaws),
        MetaSchemaRef::Reference(name) => {
            if let Some(schema) = registry.schemas.get(name) {
                check(schema, registry, value, at, flaws);
            }
        }
    }
}

fn check(schema: &MetaSchema, registry: &Registry, value: &Value, at: &str, flaws: &mut Vec<Flaw>) {
    if value.is_null() && schema.nullable {
        return;
    }
    for part in &schema.all_of {
        check_ref(part, registry, value, at, flaws);
    }
    match (schema.ty, value) {
        ("string", Value::String(text)) => check_text(schema, text, at, flaws),
        ("integer", Value::Number(number)) if number.is_i64() => check_number(schema, number.as_f64(), at, flaws),
        ("number", Value::Number(number)) => check_number(schema, number.as_f64(), at, flaws),
        ("array", Value::Array(items)) => {
            if schema.max_items.is_some_and(|most| items.len() > most) {
                flaws.push(Flaw::new(at, "too_many"));
            } else if schema.min_items.is_some_and(|fewest| items.len() < fewest) {
                flaws.push(Flaw::new(at, "too_few"));
            } else if let Some(item) = &schema.items {
                for (place, value) in items.iter().enumerate() {
                    check_ref(item, registry, value, &format!("{at}/{place}"), flaws);
                }
            }
        }
        ("object", Value::Object(fields)) => {
            for (name, property) in &schema.properties {
                let at = format!("{at}/{name}");
                match fields.get(*name) {
                    Some(value) => check_ref(property, registry, value, &at, flaws),
                    None if schema.required.contains(name) => flaws.push(Flaw::new(at, "required")),
                    None => {}
                }
            }
        }
        ("boolean", Value::Bool(_)) | ("", _) => {}
        _ => flaws.push(Flaw::new(at, "type")),
    }
}

/// The bounds of a text; a form is the use case's business, once the text is mended.
fn check_text(schema: &MetaSchema, text: &str, at: &str, flaws: &mut Vec<Flaw>) {
    let as_it_is = schema.pattern.as_deref() == Some(WITHOUT_NUL);
    let most = schema.max_length.filter(|_| as_it_is).unwrap_or(MOST_TYPED);
    if text.chars().count() > most {
        flaws.push(Flaw::new(at, "too_long"));
    } else if text.contains('\0') {
        flaws.push(Flaw::new(at, "characters"));
    }
}

fn check_number(schema: &MetaSchema, number: Option<f64>, at: &str, flaws: &mut Vec<Flaw>) {
    let outside = |number: f64| {
        schema.minimum.is_some_and(|least| number < least) || schema.maximum.is_some_and(|most| number > most)
    };
    if number.is_none_or(outside) {
        flaws.push(Flaw::new(at, "out_of_range"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::consent::NewConsents;
    use crate::v1::log_in::NewSession;
    use proptest::prelude::*;
    use serde_json::json;

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
