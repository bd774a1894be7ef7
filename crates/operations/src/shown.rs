//! What the document says of bodies, parameters and headers, as the reference shows it.

#![expect(clippy::indexing_slicing, reason = "absent members of a JSON value are null")]

use crate::{document::HAS_TO_BE_SENT, markdown::inline, stream};
use serde_json::Value;

/// What every answer has, and no operation's table repeats.
const OF_EVERY_ANSWER: [&str; 3] = ["X-Request-Id", "RateLimit", "RateLimit-Policy"];

/// A body.
pub(crate) struct Content {
    pub(crate) media: String,
    pub(crate) fields: Vec<Field>,
    /// What sends a file.
    pub(crate) call: Option<String>,
    pub(crate) example: Option<String>,
}

/// A field, a parameter or a header.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) meaning: String,
}

pub(crate) fn parameter(parameter: &Value) -> Field {
    let (place, said) = (text(&parameter["in"]), text(&parameter["description"]));
    let optional = if parameter["required"] == true || said.starts_with(HAS_TO_BE_SENT) {
        ""
    } else {
        ", optional"
    };
    Field {
        name: text(&parameter["name"]),
        kind: format!("{} in {place}{optional}", kind(&parameter["schema"])),
        meaning: inline(&said),
    }
}

pub(crate) fn content(document: &Value, holder: &Value) -> Option<Content> {
    let (media_type, media) = holder["content"].as_object()?.iter().next()?;
    let mut fields = Vec::new();
    flatten(document, &media["schema"], "", &mut fields);
    let example = media.get("example").map(|example| match example {
        Value::String(file) => file.clone(),
        form if media_type.ends_with("urlencoded") => {
            let fields = form.as_object().into_iter().flatten();
            let pairs = fields.filter_map(|(name, value)| Some((name, value.as_str()?)));
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        }
        json => pretty(json),
    });
    Some(Content {
        media: media_type.clone(),
        fields,
        call: None,
        example,
    })
}

/// How a file is sent. Without its media type curl would name another.
pub(crate) fn sending(path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|parameter| parameter["in"] == "query");
    let query: Vec<String> = query
        .filter_map(|parameter| {
            Some(format!(
                "{}={}",
                text(&parameter["name"]),
                parameter["example"].as_str()?
            ))
        })
        .collect();
    format!(
        "curl -sS --fail-with-body -X POST -T FILE \"$BASE{path}?{}\" \\\n  -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: {}\"",
        query.join("&"),
        stream::MEDIA_TYPE,
    )
}

/// The headers of an answer but for those of all.
pub(crate) fn headers(document: &Value, success: &Value) -> Vec<Field> {
    let headers = success["headers"].as_object().into_iter().flatten();
    let own = headers.filter(|(name, _)| !OF_EVERY_ANSWER.contains(&name.as_str()));
    let field = |(name, header): (&String, &Value)| {
        let header = match header["$ref"].as_str() {
            Some(_) => &document["components"]["headers"][name],
            None => header,
        };
        Field {
            name: name.clone(),
            kind: kind(&header["schema"]),
            meaning: inline(&text(&header["description"])),
        }
    };
    own.map(field).collect()
}

/// Fields of an object and of the objects in it, by their dotted names: the required ones as declared, then the rest.
fn flatten(document: &Value, schema: &Value, prefix: &str, fields: &mut Vec<Field>) {
    let schema = resolve(document, schema);
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut ordered: Vec<(Option<usize>, &String, &Value)> = properties
        .map(|(name, property)| (required.iter().position(|known| known == name), name, property))
        .collect();
    ordered.sort_by_key(|(place, ..)| place.unwrap_or(usize::MAX));
    for (place, name, property) in ordered {
        let optional = if place.is_some() { "" } else { ", optional" };
        let whole = resolve(document, property);
        let described = property.get("description").unwrap_or(&whole["description"]);
        fields.push(Field {
            name: format!("{prefix}{name}"),
            kind: format!("{}{optional}", kind(whole)),
            meaning: inline(&text(described)),
        });
        flatten(document, whole, &format!("{prefix}{name}."), fields);
        if let Some(items) = whole.get("items") {
            flatten(document, items, &format!("{prefix}{name}[]."), fields);
        }
    }
}

/// The schema itself, behind a reference or beneath a description.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema
        .get("$ref")
        .or_else(|| schema["allOf"][0].get("$ref"))
        .and_then(Value::as_str);
    match reference.and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}

fn kind(schema: &Value) -> String {
    let mut words = vec![schema["type"].as_str().unwrap_or("any JSON").to_owned()];
    words.extend(schema["items"]["type"].as_str().map(|items| format!("of {items}")));
    words.extend(
        schema["format"]
            .as_str()
            .filter(|format| !format.contains("int"))
            .map(|format| format!("({format})")),
    );
    match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(least @ 1..), Some(most)) if least == most => words.push(format!("of {most} characters")),
        (Some(least @ 1..), Some(most)) => words.push(format!("of {least}–{most} characters")),
        (_, Some(most)) => words.push(format!("up to {most} characters")),
        _ => {}
    }
    if let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        words.push(format!("{least}–{most}"));
    }
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(text).collect();
        words.push(format!("one of {}", choices.join(", ")));
    }
    // What excludes control characters alone tells nobody how a value looks.
    let pattern = schema["pattern"].as_str().filter(|pattern| !pattern.starts_with("^[^"));
    words.extend(pattern.map(|pattern| format!("matching {pattern}")));
    words.extend(schema.get("default").map(|usual| {
        format!(
            "({} where it is absent)",
            usual.as_str().map_or_else(|| usual.to_string(), str::to_owned)
        )
    }));
    words.join(" ")
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
