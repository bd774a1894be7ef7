//! The OpenAPI document: what poem-openapi knows of the operations, completed from the table of routes (every refusal
//! with status, code and headers) and with examples. `openapi/v1.json` is this, committed.

#![expect(
    clippy::indexing_slicing,
    reason = "the document is our own and written once; absent members of a JSON value are null, and tests walk all of it"
)]

use crate::call::PROGRAMS;
use crate::codes::OF_FIELDS;
use crate::table::{Repeat, Row, TAGS, Table, codes};
use crate::{answer, oauth, once, page, stream};
use edge::{Body, MEDIA_TYPE, ProblemBody, Rights};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How a parameter begins that is refused by a code of its own where it is missing.
pub(crate) const HAS_TO_BE_SENT: &str = "Has to be sent; without it the answer is 428.";
/// What every answer to a program says of its limits.
const LIMITS: [&str; 2] = ["RateLimit-Policy", "RateLimit"];

const DESCRIPTION: &str = "\
One portal for many Japanese health insurers. Programs of an insurer, and of its vendors, read and write its data: members of the \
roster, files of rosters and statements, notices, feeds, and are sent what happens. Programs of a member sign up, log in, accept the \
terms and read the my page, by the same rules as in the browser.

**Conventions.** JSON in snake_case, UTF-8; unknown fields and parameters are ignored, and new ones may be added within \
version 1. Times are RFC 3339 in UTC. Text is accepted in full and half width: lengths and patterns describe how a value is \
read, once width, blanks and dashes are mended, so that more is taken than they say. 記号, 番号, 枝番 and the kana names of files \
are kept and told as they came, and mended for comparing alone; a kana name that is set by hand (`POST /members`, \
`PUT /members/{id}`) is kept as full-width katakana, with one blank of full width between its parts. Lists go by cursor: hand `next` in as \
`cursor` until it is absent. What is put as a whole has an `ETag`: with it in `If-Match`, a change is refused by 412 where \
something else is in force by now. Programs have to send it, or are refused by 428; `*` stands for any state. What they send again \
with one `Idempotency-Key` within 24 hours is done once and answered as then, with `Idempotency-Replayed: true`; with another \
body it is refused. A refusal frees its key. Answers come compressed to whoever takes them so.

**Tokens.** `POST /sessions` answers with a bearer token; send it as `Authorization: Bearer <token>`. A token is for one \
member of one insurer. A change that took the password again goes on under another, which its answer holds in \
`Session-Token`. While terms wait for consent, only `/me/consents` and log-out are open; everything else answers \
403 `consent_required`.

**Programs.** A client's secret is exchanged for a token at `POST /oauth/token` (OAuth 2.0, client credentials); the token \
is for one insurer and an hour, and holds scopes, of which each operation asks for one. Libraries find the endpoints of OAuth at \
`/.well-known/oauth-authorization-server` (RFC 8414) of the same host. `RateLimit` says on every answer to a token that is good what \
is left: 600 calls a minute for a client at an insurer and 3,000 for all clients of an insurer, counted by each of our nodes for \
itself. A token that is handed out is one of these calls, and its answer says what is left as well; a 401, a path that there is not \
and a 405 count as none and say nothing of it. A `person_id`, a `member_id`, the `id` of a member and that of a subject `member` in \
a message are one and the same.

**Problems.** Whatever is refused is `application/problem+json` (RFC 9457): `status`, a stable `code`, a `detail` in \
English, `request_id` (also in `X-Request-Id`) and, for `fields`, what is to be mended as `errors: [{pointer, code, detail}]`: \
of a body all fields of another type or length than documented, and once there are none, all that break another rule; of a query \
the first parameter. 429 and 503 say in `Retry-After` how many seconds to wait. JSON of another type than \
documented is 422 `fields`; what is no JSON at all is 400.";

/// The document of a table: what poem-openapi knows of each group, as one, completed from the rows.
pub(crate) fn of(table: &Table) -> Value {
    let mut document = Value::Null;
    for group in table.groups() {
        merge(&mut document, serde_json::from_str(&group.spec).unwrap_or_default());
    }
    complete(document, table)
}

/// Objects are joined, lists are joined without repetition; of anything else the first stays.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for value in from {
                if !into.contains(&value) {
                    into.push(value);
                }
            }
        }
        (into @ Value::Null, from) => *into = from,
        _ => {}
    }
}

fn complete(mut document: Value, table: &Table) -> Value {
    document["info"]["description"] = DESCRIPTION.into();
    document["info"]["contact"] =
        json!({"name": "Whoever runs this portal; an insurer's own clients: its contact desk"});
    document["info"]["license"] = json!({"name": "MIT OR Apache-2.0", "url": "https://spdx.org/licenses/"});
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.sort_by_key(|tag| TAGS.iter().position(|name| tag["name"] == *name));
    }
    let components = &mut document["components"];
    components["headers"] = headers();
    // OAuth's own refusals have a shape of their own, beside its operations.
    let named: BTreeSet<&str> = table.rows().filter(|row| !row.handler.oauth).flat_map(codes).collect();
    components["examples"] = table
        .problems()
        .iter()
        .filter(|body| named.contains(body.code.as_str()))
        .map(|body| (body.code.clone(), refusal_example(body)))
        .collect();
    components["schemas"]["Problem"] = problem_schema(table);
    components["schemas"]["FieldProblem"] = field_problem_schema();
    components["schemas"]["OAuthError"] = oauth_error_schema();
    for (_, schema) in components["schemas"].as_object_mut().into_iter().flatten() {
        plain_references(schema);
        say_ids(schema);
    }
    plain_words(&mut document);
    for route in table.rows() {
        let method = route.method.as_str().to_ascii_lowercase();
        if let Some(operation) = document["paths"][documented_path(route.path)].get_mut(&method) {
            complete_operation(table, route, operation);
        }
    }
    document
}

/// A described reference is `allOf` of the reference with the description beside it; poem-openapi writes it twice.
fn plain_references(schema: &mut Value) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        if let Some(parts) = property.get_mut("allOf").and_then(Value::as_array_mut) {
            parts.retain(|part| part.get("$ref").is_some());
        }
    }
}

/// Ids of what answers tell of are UUIDs. Names that hold more than an id, such as a client's, are none of these.
const IDS: [&str; 8] = [
    "account_id",
    "actor_id",
    "delivery",
    "id",
    "member_id",
    "object_id",
    "person_id",
    "undoes",
];

fn say_ids(schema: &mut Value) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if IDS.contains(&name.as_str()) && property["type"] == "string" {
            property["format"] = "uuid".into();
        }
    }
}

/// Bounds of integers are floats in poem-openapi: 100, not 100.0. Its word for a day is none of OpenAPI's.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers of a few digits are rewritten"
)]
fn plain_words(value: &mut Value) {
    match value {
        Value::String(word) if word == "naive-date" => *value = "date".into(),
        Value::Object(members) => members.values_mut().for_each(plain_words),
        Value::Array(items) => items.iter_mut().for_each(plain_words),
        Value::Number(number) if number.is_f64() => {
            let whole = number
                .as_f64()
                .filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
            if let Some(whole) = whole {
                *value = (whole as i64).into();
            }
        }
        _ => {}
    }
}

/// `/insurers/:code` as the document writes it, `/insurers/{code}`.
pub fn documented_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.strip_prefix(':') {
        Some(name) => format!("{{{name}}}"),
        None => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

fn complete_operation(table: &Table, route: &Row, operation: &mut Value) {
    operation["x-access"] = rights_word(route.rights).into();
    operation["x-repeat"] = repeat_word(route.handler.repeat).into();
    operation["x-lag-seconds"] = route.handler.lag.into();
    operation["x-limits"] = limits(route);
    if !route.handler.more.is_empty() {
        let said = operation["description"].as_str().unwrap_or_default();
        operation["description"] = format!("{said}\n\n{}", route.handler.more).into();
    }
    if let Some(callbacks) = &route.handler.callbacks {
        operation["callbacks"] = callbacks.clone();
    }
    if route.handler.repeat == Repeat::Keyed {
        take_key(operation);
    }
    match route.rights {
        Rights::Client(scope) => operation["security"] = json!([{ PROGRAMS: [scope.as_str()] }]),
        Rights::Public | Rights::Ticket => operation["security"] = json!([]),
        _ => {}
    }
    let example = &route.handler.example;
    if let (Some(request), Some(body)) = (&example.request, operation.get_mut("requestBody")) {
        let media_type = match route.body {
            Body::Form(_) => "application/x-www-form-urlencoded",
            Body::Stream(_) => stream::MEDIA_TYPE,
            _ => "application/json",
        };
        body["content"][media_type]["example"] = request.clone();
    }
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        for parameter in parameters {
            let own = example.parameters.iter().find(|(name, _)| parameter["name"] == *name);
            match own {
                Some((_, value)) => parameter["example"] = value.clone(),
                None => show(parameter),
            }
            if parameter["name"] == "If-Match" && codes(route).contains(&"precondition_required") {
                let said = parameter["description"].as_str().unwrap_or_default();
                parameter["description"] = format!("{HAS_TO_BE_SENT} {said}").into();
            }
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for success in responses.values_mut() {
        success["headers"]["X-Request-Id"] = header("X-Request-Id");
        // A token that is handed out is a call as well.
        let is_token = route.handler.oauth && success.get("content").is_some();
        if is_token || matches!(route.rights, Rights::Client(_)) {
            for name in LIMITS {
                success["headers"][name] = header(name);
            }
        }
        if let (Some(answer), Some(_)) = (&example.answer, success.get("content")) {
            success["content"]["application/json"]["example"] = answer.clone();
        }
    }
    if let (Some(links), Some(success)) = (&example.links, responses.get_mut("200")) {
        success["links"] = links.clone();
    }
    responses.extend(refusals(table, route));
}

/// What a parameter looks like for which no operation has an example of its own.
fn show(parameter: &mut Value) {
    if parameter["schema"]["type"] == "boolean" {
        parameter["example"] = true.into();
        return;
    }
    let is_programs_cursor = parameter["schema"]["maxLength"] == page::CURSOR;
    let example = match parameter["name"].as_str() {
        Some("If-Match") => "\"5f3a1c9e\"",
        Some(once::HEADER) => "0197a3c0-7a51-7c33-9a53-6b1f0e0f5d10",
        Some("cursor") if is_programs_cursor => "AAJrMQ",
        Some("changed_since") => "2026-11-01T00:00:00Z",
        Some("workplace") => "1000",
        Some("cursor") => "2026-11-24T01:00:00.000000Z_0197a3c0-0000-7000-8000-000000000001",
        _ => return,
    };
    parameter["example"] = example.into();
}

fn rights_word(rights: Rights) -> &'static str {
    match rights {
        Rights::Public => "public",
        Rights::Ticket => "ticket",
        Rights::Session => "session",
        Rights::Member => "member",
        Rights::StaffPending | Rights::StaffSession | Rights::Staff { .. } => "staff",
        Rights::Client(_) => "client",
    }
}

fn repeat_word(repeat: Repeat) -> &'static str {
    match repeat {
        Repeat::Same => "same",
        Repeat::Keyed => "key",
        Repeat::Anew => "anew",
    }
}

/// How much it takes, and how often it may be asked.
fn limits(route: &Row) -> Value {
    let mut limits = Map::new();
    match route.body {
        Body::Form(most) | Body::Json(most) => _ = limits.insert("body_bytes".into(), most.into()),
        Body::Stream(most) => _ = limits.insert("body_bytes".into(), most.into()),
        Body::Nothing | Body::File(_) => {}
    }
    if let Rights::Client(_) = route.rights {
        let seconds = clients::WINDOW.num_seconds();
        limits.insert(
            "calls".into(),
            json!({"client": clients::CLIENT_CALLS, "insurer": clients::INSURER_CALLS, "seconds": seconds}),
        );
    }
    limits.into()
}

/// The header by which it is done once, and the one that tells what was kept from the first answer.
fn take_key(operation: &mut Value) {
    let parameter = json!({
        "name": once::HEADER,
        "in": "header",
        "description": "A text of yours, another for each request, such as a UUID: sent again with it within 24 hours, the request is \
            done once and answered as then.",
        "required": false,
        "schema": {"type": "string", "minLength": 1, "maxLength": once::LONGEST, "pattern": "^[!-~]+$"},
    });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if status.starts_with('2') {
            response["headers"][answer::REPLAYED] = header(answer::REPLAYED);
        }
    }
}

/// One response per status, with an example per code.
fn refusals(table: &Table, route: &Row) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<&ProblemBody>> = BTreeMap::new();
    for code in codes(route) {
        if let Some(body) = table.problems().iter().find(|body| body.code == code) {
            by_status.entry(status(route, body)).or_default().push(body);
        }
    }
    by_status
        .into_iter()
        .map(|(status, bodies)| (status.to_string(), refusal(route, status, &bodies)))
        .collect()
}

/// The status with which an operation refuses.
pub(crate) fn status(route: &Row, body: &ProblemBody) -> u16 {
    if route.handler.oauth {
        oauth::status(body).as_u16()
    } else {
        body.status
    }
}

fn refusal(route: &Row, status: u16, bodies: &[&ProblemBody]) -> Value {
    let codes: Vec<String> = bodies.iter().map(|body| format!("`{}`", body.code)).collect();
    let example = |code: &str| json!({"$ref": format!("#/components/examples/{code}")});
    let mut headers = Map::from_iter([("X-Request-Id".to_owned(), header("X-Request-Id"))]);
    let is_program = matches!(route.rights, Rights::Client(_));
    let more = match status {
        401 => Some("WWW-Authenticate"),
        403 if is_program => Some("WWW-Authenticate"),
        405 => Some("Allow"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    };
    headers.extend(more.map(|name| (name.to_owned(), header(name))));
    if is_program && status == 403 && bodies.len() > 1 {
        let scope = json!({"description": "`Bearer` with the scope that is asked for, of `insufficient_scope`.",
            "schema": {"type": "string"}});
        headers.insert("WWW-Authenticate".to_owned(), scope);
    }
    if route.handler.oauth {
        let example = |body: &&ProblemBody| {
            let example = json!({ "summary": body.detail, "value": oauth::body(body) });
            (body.code.clone(), example)
        };
        let examples: Map<String, Value> = bodies.iter().map(example).collect();
        let schema = json!({"$ref": "#/components/schemas/OAuthError"});
        return json!({
            "description": codes.join(", "),
            "headers": headers,
            "content": {"application/json": {"schema": schema, "examples": examples}},
        });
    }
    if is_program && ![401, 405].contains(&status) {
        headers.extend(LIMITS.map(|name| (name.to_owned(), header(name))));
    }
    let examples: Map<String, Value> = bodies
        .iter()
        .map(|body| (body.code.clone(), example(&body.code)))
        .collect();
    json!({
        "description": codes.join(", "),
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    })
}

fn refusal_example(body: &ProblemBody) -> Value {
    let mut value = serde_json::to_value(body).unwrap_or_default();
    if body.code == "fields" {
        value["errors"] = json!([{"pointer": "/birth_date", "code": "impossible_date",
            "detail": "Month 4 ends on day 30 in that year."}]);
    }
    value["request_id"] = "019aab3c-6f00-7cc4-98c4-dc0c0c07398f".into();
    json!({"summary": body.detail, "value": value})
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn headers() -> Value {
    json!({
        "X-Request-Id": {"description": "Names the request in our log.", "schema": {"type": "string"}},
        "Idempotency-Replayed": {
            "description": "`true` where this was answered before and nothing was done.",
            "schema": {"type": "string"},
        },
        "Retry-After": {"description": "Seconds to wait.", "required": true, "schema": {"type": "integer", "minimum": 1}},
        "Allow": {"description": "The methods of this path.", "required": true, "schema": {"type": "string"}},
        "WWW-Authenticate": {"description": "`Bearer`, to programs that brought a token with what is wrong with it (RFC 6750).",
            "required": true, "schema": {"type": "string"}},
        "RateLimit-Policy": {"description": "How many calls a minute each limit allows, on each of our nodes \
            (draft-ietf-httpapi-ratelimit-headers).", "schema": {"type": "string"}},
        "RateLimit": {"description": "What of each limit is left, and in how many seconds all of it is there again.",
            "schema": {"type": "string"}},
    })
}

fn problem_schema(table: &Table) -> Value {
    let codes: Vec<&str> = table.problems().iter().map(|body| body.code.as_str()).collect();
    json!({
        "type": "object",
        "title": "Problem",
        "description": "What was refused and why (RFC 9457).",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string", "description": "Always `about:blank`: `code` tells problems apart."},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer", "format": "int32", "description": "The HTTP status."},
            "code": {"type": "string", "description": format!("Stable. One of: {}.", codes.join(", "))},
            "detail": {"type": "string", "description": "What happened and what to do, in English."},
            "request_id": {"type": "string", "description": "Names the request in our log; also in `X-Request-Id`."},
            "retry_after": {"type": "integer", "format": "int64", "description": "Seconds to wait, as in `Retry-After`."},
            "errors": {
                "type": "array",
                "description": "The fields to be mended: of a body all of another type or length, and once there are none, all \
                    that break another rule; of a query the first.",
                "items": {"$ref": "#/components/schemas/FieldProblem"},
            },
        },
    })
}

fn oauth_error_schema() -> Value {
    json!({
        "type": "object",
        "title": "OAuthError",
        "description": "Why a token is refused (RFC 6749, 5.2).",
        "required": ["error", "error_description"],
        "properties": {
            "error": {"type": "string", "description": "Stable: `invalid_request`, `invalid_client`, `unauthorized_client`, \
                `unsupported_grant_type`, `invalid_scope`, `too_many_requests`, `method_not_allowed`, `unavailable` or `unconfirmed`."},
            "error_description": {"type": "string", "description": "What happened and what to do, in English."},
        },
    })
}

fn field_problem_schema() -> Value {
    let field_codes = OF_FIELDS.map(|(code, _)| code);
    json!({
        "type": "object",
        "title": "FieldProblem",
        "description": "What is wrong with one field.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {"type": "string", "description": "JSON pointer into the body, or `/name` of a parameter."},
            "code": {"type": "string", "description": format!("Stable. One of: {}.", field_codes.join(", "))},
            "detail": {"type": "string", "description": "What to mend, in English."},
        },
    })
}
