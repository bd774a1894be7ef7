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
                flaws.push(Flaw::new(at, "too_many").asking(schema));
            } else if schema.min_items.is_some_and(|fewest| items.len() < fewest) {
                flaws.push(Flaw::new(at, "too_few").asking(schema));
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
        ("string", _) => flaws.push(Flaw::new(at, "type").saying("Must be a text of JSON.")),
        _ => flaws.push(Flaw::new(at, "type").asking(schema)),
    }
}

/// The bounds of a text; a form is the use case's business, once the text is mended.
fn check_text(schema: &MetaSchema, text: &str, at: &str, flaws: &mut Vec<Flaw>) {
    let as_it_is = schema.pattern.as_deref() == Some(WITHOUT_NUL);
    let most = schema.max_length.filter(|_| as_it_is).unwrap_or(MOST_TYPED);
    if text.chars().count() > most {
        flaws.push(Flaw::new(at, "too_long").saying(format!("Takes at most {most} characters.")));
    } else if text.contains('\0') {
        flaws.push(Flaw::new(at, "characters"));
    }
}

fn check_number(schema: &MetaSchema, number: Option<f64>, at: &str, flaws: &mut Vec<Flaw>) {
    let outside = |number: f64| {
        schema.minimum.is_some_and(|least| number < least) || schema.maximum.is_some_and(|most| number > most)
    };
    if number.is_none_or(outside) {
        flaws.push(Flaw::new(at, "out_of_range").asking(schema));
    }
}
