//! The reference page: the document for people, on a phone too. Rendered once from [`crate::Table::document`]; one page, no
//! script, nothing from elsewhere.

#![expect(clippy::indexing_slicing, reason = "absent members of a JSON value are null")]

use crate::codes::OF_FIELDS;
use crate::guide::{self, Chapter};
use crate::markdown::{blocks, inline};
use crate::shown::{Content, Field, content, headers, parameter, pretty, sending, text};
use crate::table::{TAGS, Table, codes};
use crate::{document, stream};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use edge::{MEDIA_TYPE, ProblemBody};
use poem::Response;
use poem::http::header;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use url::Url;

const CSS: &str = include_str!("../templates/reference.css");
const CHANGELOG: &str = include_str!("../../../openapi/CHANGELOG.md");

/// Where the page says that the server is, until it is asked for there.
const ELSEWHERE: &str = "https://madoguchi.example";
/// Groups of programs whose operations need no token of theirs.
const OPEN_TO_PROGRAMS: [&str; 2] = ["Clients", "Document"];

#[derive(Template)]
#[template(path = "reference.html")]
struct Page {
    css: &'static str,
    title: String,
    version: String,
    server: String,
    about: Vec<String>,
    chapters: Vec<Chapter>,
    audiences: [Audience; 2],
    problems: Vec<Problem>,
    problem_example: String,
    field_codes: &'static [(&'static str, &'static str)],
    changes: Vec<Day>,
}

/// What came on a day.
struct Day {
    day: String,
    lines: Vec<String>,
}

/// Who calls the operations of some groups.
struct Audience {
    name: &'static str,
    groups: Vec<Group>,
}

struct Group {
    id: String,
    name: String,
    description: Vec<String>,
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
    /// Headers of the answer that are its own.
    headers: Vec<Field>,
    problems: Vec<Refusals>,
}

struct Refusals {
    status: String,
    codes: Vec<String>,
}

struct Problem {
    code: String,
    status: String,
    detail: String,
}

/// The page's text.
pub(crate) fn html(table: &Table) -> String {
    build(table).render().unwrap_or_default()
}

/// The page of the server at this address.
pub(crate) fn page(table: &Table, public_url: &Url) -> Response {
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
        .body(
            table
                .reference()
                .replace(ELSEWHERE, &public_url.origin().ascii_serialization()),
        )
}

fn build(table: &Table) -> Page {
    let document = table.document();
    Page {
        css: CSS,
        title: text(&document["info"]["title"]),
        version: text(&document["info"]["version"]),
        server: text(&document["servers"][0]["url"]),
        about: blocks(&text(&document["info"]["description"])),
        chapters: guide::chapters(),
        audiences: [
            Audience {
                name: "For programs",
                groups: groups(table, "programs", true),
            },
            Audience {
                name: "For members",
                groups: groups(table, "members", false),
            },
        ],
        problems: problems(table),
        field_codes: &OF_FIELDS,
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

/// Every problem with the status that it comes with: OAuth's own have those of RFC 6749 at its endpoints.
fn problems(table: &Table) -> Vec<Problem> {
    let problem = |body: &ProblemBody| {
        let rows = table.rows().filter(|row| codes(row).contains(&body.code.as_str()));
        let mut statuses: BTreeSet<u16> = rows.map(|row| document::status(row, body)).collect();
        if statuses.is_empty() {
            statuses.insert(body.status);
        }
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        Problem {
            code: body.code.clone(),
            status: statuses.join(", "),
            detail: body.detail.clone(),
        }
    };
    table.problems().iter().map(problem).collect()
}

/// The groups that have operations for programs, or for members, each with those alone.
fn groups(table: &Table, whose: &str, of_programs: bool) -> Vec<Group> {
    let groups = TAGS.iter().map(|name| group(table, name, whose, of_programs));
    groups.filter(|group| !group.operations.is_empty()).collect()
}

/// The operations of a tag, in the table's order.
fn group(table: &Table, name: &str, whose: &str, of_programs: bool) -> Group {
    let document = table.document();
    let mut tags = document["tags"].as_array().into_iter().flatten();
    let tag = tags.find(|tag| tag["name"] == name);
    let operations = table.rows().map(|route| {
        let (path, method) = (document::documented_path(route.path), route.method.as_str());
        let operation = &document["paths"][&path][method.to_ascii_lowercase()];
        (path, method, operation)
    });
    let is_theirs = |operation: &Value| {
        let is_programs = operation["x-access"] == "client" || OPEN_TO_PROGRAMS.contains(&name);
        operation["tags"][0] == name && is_programs == of_programs
    };
    Group {
        id: format!("{whose}-{}", name.to_lowercase().replace(' ', "-")),
        name: name.to_owned(),
        description: tag.map(|tag| blocks(&text(&tag["description"]))).unwrap_or_default(),
        operations: operations
            .filter(|(_, _, operation)| is_theirs(operation))
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
    let mut request = content(document, &operation["requestBody"]);
    if let Some(file) = request.as_mut().filter(|request| request.media == stream::MEDIA_TYPE) {
        file.call = Some(sending(&path, operation));
    }
    Described {
        id: text(&operation["operationId"]),
        method: method.to_owned(),
        path,
        summary: text(&operation["summary"]),
        description: blocks(&text(&operation["description"])),
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
        request,
        status,
        answer: content(document, success),
        headers: headers(document, success),
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
    let body = body.map(|bytes| match bytes >> 20 {
        0 => format!("Takes a body of {} KiB.", bytes >> 10),
        mebibytes => format!("Takes a body of {mebibytes} MiB."),
    });
    let calls = limits.get("calls").map(|calls| {
        format!(
            "{} calls within {} seconds from a client, {} from all of an insurer; each node counts for itself.",
            calls["client"], calls["seconds"], calls["insurer"],
        )
    });
    let terms = [Some(repeat.to_owned()), Some(seen), body, calls];
    terms.into_iter().flatten().map(|term| inline(&term)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_one_style_block_and_nothing_else() {
        let response = page(&Table::new([]), &Url::parse("http://localhost:8080").unwrap());
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.contains(&STANDARD.encode(Sha256::digest(CSS))));
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    }
}
