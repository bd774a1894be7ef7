//! The reference page: the document for people, on a phone too. Rendered once from [`crate::Table::document`]; one page, no
//! script, nothing from elsewhere.

#![expect(clippy::indexing_slicing, reason = "absent members of a JSON value are null")]

use crate::document;
use crate::table::{TAGS, Table};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use edge::MEDIA_TYPE;
use poem::Response;
use poem::http::header;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const CSS: &str = include_str!("../templates/reference.css");
const CHANGELOG: &str = include_str!("../../../openapi/CHANGELOG.md");

#[derive(Template)]
#[template(path = "reference.html")]
struct Page {
    css: &'static str,
    title: String,
    version: String,
    server: String,
    about: Vec<String>,
    groups: Vec<Group>,
    problems: Vec<Problem>,
    problem_example: String,
    changes: Vec<Day>,
}

/// What came on a day.
struct Day {
    day: String,
    lines: Vec<String>,
}

struct Group {
    name: String,
    description: String,
    operations: Vec<Described>,
}

struct Described {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: Vec<String>,
    access: String,
    /// What comes of sending it again, when a change is seen, how much it takes.
    terms: Vec<String>,
    parameters: Vec<Field>,
    request: Option<Content>,
    status: String,
    answer: Option<Content>,
    problems: Vec<Refusals>,
}

struct Content {
    fields: Vec<Field>,
    example: Option<String>,
}

struct Field {
    name: String,
    kind: String,
    meaning: String,
}

struct Refusals {
    status: String,
    codes: Vec<String>,
}

struct Problem {
    code: String,
    status: u16,
    detail: String,
}

/// The page's text.
pub(crate) fn html(table: &Table) -> String {
    build(table).render().unwrap_or_default()
}

/// The page.
pub(crate) fn page(table: &Table) -> Response {
    let style = STANDARD.encode(Sha256::digest(CSS));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::CACHE_CONTROL, "no-cache")
        .body(table.reference().to_owned())
}

fn build(table: &Table) -> Page {
    let document = table.document();
    Page {
        css: CSS,
        title: text(&document["info"]["title"]),
        version: text(&document["info"]["version"]),
        server: text(&document["servers"][0]["url"]),
        about: paragraphs(&text(&document["info"]["description"])),
        groups: TAGS.iter().map(|name| group(table, name)).collect(),
        problems: table
            .problems()
            .iter()
            .map(|body| Problem {
                code: body.code.clone(),
                status: body.status,
                detail: body.detail.clone(),
            })
            .collect(),
        problem_example: pretty(&document["components"]["examples"]["fields"]["value"]),
        changes: changes(),
    }
}

/// The changelog's days, each with its lines.
fn changes() -> Vec<Day> {
    let days = CHANGELOG.split("\n## ").skip(1).map(|day| {
        let (day, rest) = day.split_once('\n').unwrap_or((day, ""));
        Day {
            day: day.to_owned(),
            lines: rest
                .lines()
                .filter_map(|line| line.strip_prefix("- "))
                .map(inline)
                .collect(),
        }
    });
    days.collect()
}

/// The operations of a tag, in the table's order.
fn group(table: &Table, name: &str) -> Group {
    let document = table.document();
    let mut tags = document["tags"].as_array().into_iter().flatten();
    let tag = tags.find(|tag| tag["name"] == name);
    let operations = table.rows().map(|route| {
        let (path, method) = (document::documented_path(route.path), route.method.as_str());
        let operation = &document["paths"][&path][method.to_ascii_lowercase()];
        (path, method, operation)
    });
    Group {
        name: name.to_owned(),
        description: tag.map(|tag| inline(&text(&tag["description"]))).unwrap_or_default(),
        operations: operations
            .filter(|(_, _, operation)| operation["tags"][0] == name)
            .map(|(path, method, operation)| describe(document, path, method, operation))
            .collect(),
    }
}

fn describe(document: &Value, path: String, method: &str, operation: &Value) -> Described {
    let responses = || operation["responses"].as_object().into_iter().flatten();
    let (status, success) = responses()
        .find(|(status, _)| status.starts_with('2'))
        .map_or((String::new(), &Value::Null), |(status, success)| {
            (status.clone(), success)
        });
    Described {
        id: text(&operation["operationId"]),
        method: method.to_owned(),
        path,
        summary: text(&operation["summary"]),
        description: paragraphs(&text(&operation["description"])),
        access: match operation["x-access"].as_str() {
            Some("ticket") => "Needs a sign-up ticket".to_owned(),
            Some("session") => "Needs a token; open without consent".to_owned(),
            Some("member") => "Needs a token; the terms have to be accepted".to_owned(),
            Some("client") => {
                let scope = text(&operation["security"][0]["client"][0]);
                format!("Needs a program's token with the scope {scope}")
            }
            _ => "Open to everybody".to_owned(),
        },
        terms: terms(operation),
        parameters: operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(parameter)
            .collect(),
        request: content(document, &operation["requestBody"]),
        status,
        answer: content(document, success),
        problems: responses()
            .filter(|(status, _)| !status.starts_with('2'))
            .map(|(status, response)| Refusals {
                status: status.clone(),
                codes: response["content"][MEDIA_TYPE]["examples"]
                    .as_object()
                    .into_iter()
                    .flat_map(|examples| examples.keys().cloned())
                    .collect(),
            })
            .collect(),
    }
}

fn terms(operation: &Value) -> Vec<String> {
    let repeat = match operation["x-repeat"].as_str() {
        Some("same") => "Sending it again changes nothing more.",
        Some("key") => {
            "Sent again with its `Idempotency-Key` within 24 hours, it is done once and answered as then; without one it is done \
             once more."
        }
        _ => "Sending it again asks for it once more.",
    };
    let seen = match operation["x-lag-seconds"].as_u64() {
        Some(0) | None => "Sees every change that was answered before.".to_owned(),
        Some(seconds) => format!("May lag {seconds} seconds behind a change."),
    };
    let limits = &operation["x-limits"];
    let body = limits["body_bytes"].as_u64();
    let body = body.map(|bytes| format!("Takes a body of {} KiB.", bytes / 1024));
    let calls = limits.get("calls").map(|calls| {
        format!(
            "{} calls within {} seconds from a client, {} from all of an insurer; each node counts for itself.",
            calls["client"], calls["seconds"], calls["insurer"],
        )
    });
    let terms = [Some(repeat.to_owned()), Some(seen), body, calls];
    terms.into_iter().flatten().map(|term| inline(&term)).collect()
}

fn parameter(parameter: &Value) -> Field {
    let place = text(&parameter["in"]);
    let optional = if parameter["required"] == true {
        ""
    } else {
        ", optional"
    };
    Field {
        name: text(&parameter["name"]),
        kind: format!("{} in {place}{optional}", kind(&parameter["schema"])),
        meaning: inline(&text(&parameter["description"])),
    }
}

fn content(document: &Value, holder: &Value) -> Option<Content> {
    let media = holder["content"].get("application/json")?;
    let mut fields = Vec::new();
    flatten(document, &media["schema"], "", &mut fields);
    Some(Content {
        fields,
        example: media.get("example").map(pretty),
    })
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
    words.extend(
        schema["format"]
            .as_str()
            .filter(|format| !format.contains("int"))
            .map(|format| format!("({format})")),
    );
    words.extend(
        schema["maxLength"]
            .as_u64()
            .map(|most| format!("up to {most} characters")),
    );
    if let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        words.push(format!("{least}–{most}"));
    }
    words.join(" ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(inline)
        .collect()
}

/// Escapes, then writes `code` and **strong** of Markdown as HTML: all that descriptions use.
fn inline(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    alternate(&escaped, "`", "code", &|plain| {
        alternate(plain, "**", "strong", &str::to_owned)
    })
}

/// Wraps every second part between marks in a tag, and hands the others to `outside`.
fn alternate(text: &str, mark: &str, tag: &str, outside: &dyn Fn(&str) -> String) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let mut html = String::with_capacity(text.len() + 32);
    for (place, part) in parts.iter().enumerate() {
        match (place % 2, place + 1 < parts.len()) {
            (0, _) => html.push_str(&outside(part)),
            (_, true) => html.extend(["<", tag, ">", part, "</", tag, ">"]),
            // A mark without its partner stays as it was written.
            (_, false) => html.extend([mark, part]),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_one_style_block_and_nothing_else() {
        let response = page(&Table::new([]));
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.contains(&STANDARD.encode(Sha256::digest(CSS))));
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    }

    #[test]
    fn descriptions_are_escaped_before_they_are_marked_up() {
        assert_eq!(
            inline("a `<b> s***o` **c** & `d"),
            "a <code>&lt;b&gt; s***o</code> <strong>c</strong> &amp; `d"
        );
    }
}
