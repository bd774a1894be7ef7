//! Which changes between two OpenAPI documents break a program written against the older one. Knows what poem-openapi
//! writes; additions that a tolerant reader skips are not its business.

use serde_json::{Map, Value};

/// Who writes the value a schema describes: what is harmless to one side breaks the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    ByClient,
    ByServer,
}

/// One line per breaking change, in the order of the older document; empty when there is none.
pub fn changes(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison {
        old,
        new,
        within: Vec::new(),
        lines: Vec::new(),
    };
    for (path, operations) in entries(old.get("paths")) {
        for (method, operation) in entries(Some(operations)) {
            let at = format!("{} {path}", method.to_uppercase());
            match new
                .get("paths")
                .and_then(|paths| paths.get(path))
                .and_then(|operations| operations.get(method))
            {
                Some(now) => comparison.operation(&at, operation, now),
                None => comparison.say(&at, "removed"),
            }
        }
    }
    comparison.lines
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    /// The older document's schemas that the one being looked at is inside of.
    within: Vec<&'a Value>,
    lines: Vec<String>,
}

impl<'a> Comparison<'a> {
    fn say(&mut self, at: &str, what: &str) {
        let line = format!("{at}: {what}");
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn operation(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        self.parameters(at, list(old.get("parameters")), list(new.get("parameters")));

        let (was, is) = (old.get("requestBody"), new.get("requestBody"));
        if let Some(is) = is {
            if is.get("required") == Some(&Value::Bool(true)) && was.is_none() {
                self.say(at, "a request body is now required");
            }
            let was = was.and_then(|was| was.get("content"));
            self.content(&format!("{at} request"), was, is.get("content"), Written::ByClient);
        }

        for (status, response) in entries(old.get("responses")) {
            match new.get("responses").and_then(|responses| responses.get(status)) {
                None => self.say(at, &format!("response {status} removed")),
                Some(now) => {
                    let at = format!("{at} response {status}");
                    self.content(&at, response.get("content"), now.get("content"), Written::ByServer);
                }
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &'a [Value], new: &'a [Value]) {
        let same =
            |one: &Value, other: &Value| one.get("name") == other.get("name") && one.get("in") == other.get("in");
        let required = |parameter: &Value| parameter.get("required") == Some(&Value::Bool(true));
        for was in old {
            let at = format!("{at} parameter {}", text(was.get("name")));
            match new.iter().find(|is| same(was, is)) {
                None => self.say(&at, "removed"),
                Some(is) => {
                    if required(is) && !required(was) {
                        self.say(&at, "is now required");
                    }
                    self.schema(&at, was.get("schema"), is.get("schema"), Written::ByClient);
                }
            }
        }
        for is in new
            .iter()
            .filter(|is| required(is) && !old.iter().any(|was| same(was, is)))
        {
            self.say(&format!("{at} parameter {}", text(is.get("name"))), "new and required");
        }
    }

    fn content(&mut self, at: &str, old: Option<&'a Value>, new: Option<&'a Value>, written: Written) {
        for (media, was) in entries(old) {
            match new.and_then(|new| new.get(media)) {
                None => self.say(at, &format!("{media} removed")),
                Some(is) => self.schema(at, was.get("schema"), is.get("schema"), written),
            }
        }
    }

    fn schema(&mut self, at: &str, old: Option<&'a Value>, new: Option<&'a Value>, written: Written) {
        let (Some(old), Some(new)) = (resolved(self.old, old), resolved(self.new, new)) else {
            return;
        };
        if self.within.iter().any(|outer| std::ptr::eq(*outer, old)) {
            return; // A schema that contains itself has been looked at from outside.
        }
        self.within.push(old);
        self.resolved_schema(at, old, new, written);
        self.within.pop();
    }

    fn resolved_schema(&mut self, at: &str, old: &'a Value, new: &'a Value, written: Written) {
        if old.get("type") != new.get("type") {
            self.say(
                at,
                &format!("type {} became {}", text(old.get("type")), text(new.get("type"))),
            );
            return;
        }
        if written == Written::ByServer
            && new.get("nullable") == Some(&Value::Bool(true))
            && old.get("nullable") != new.get("nullable")
        {
            self.say(at, "may now be null");
        }
        self.words(at, list(old.get("enum")), list(new.get("enum")), written);
        self.properties(at, old, new, written);
        self.schema(&format!("{at}[]"), old.get("items"), new.get("items"), written);
        for joined in ["allOf", "anyOf", "oneOf"] {
            let (was, is) = (list(old.get(joined)), list(new.get(joined)));
            if is.len() < was.len() {
                self.say(at, &format!("{joined} has fewer alternatives"));
            }
            for (was, is) in was.iter().zip(is) {
                self.schema(at, Some(was), Some(is), written);
            }
        }
    }

    /// A client may send any word it was told of; one it reads and never heard of it can't handle.
    fn words(&mut self, at: &str, old: &[Value], new: &[Value], written: Written) {
        if old.is_empty() && (new.is_empty() || written == Written::ByServer) {
            return;
        }
        if old.is_empty() {
            self.say(at, "now takes only some words");
        }
        for gone in old
            .iter()
            .filter(|word| written == Written::ByClient && !new.is_empty() && !new.contains(word))
        {
            self.say(at, &format!("no longer takes {}", text(Some(gone))));
        }
        for added in new
            .iter()
            .filter(|word| written == Written::ByServer && !old.contains(word))
        {
            self.say(at, &format!("may now be {}", text(Some(added))));
        }
    }

    fn properties(&mut self, at: &str, old: &'a Value, new: &'a Value, written: Written) {
        for (name, was) in entries(old.get("properties")) {
            let at = format!("{at}.{name}");
            match new.get("properties").and_then(|properties| properties.get(name)) {
                None => self.say(&at, "removed"),
                is => self.schema(&at, Some(was), is, written),
            }
        }
        let (was, is) = (list(old.get("required")), list(new.get("required")));
        match written {
            Written::ByClient => {
                for name in is.iter().filter(|name| !was.contains(name)) {
                    self.say(&format!("{at}.{}", text(Some(name))), "is now required");
                }
            }
            Written::ByServer => {
                for name in was.iter().filter(|name| !is.contains(name)) {
                    let name = text(Some(name));
                    if new
                        .get("properties")
                        .is_some_and(|properties| properties.get(&name).is_some())
                    {
                        self.say(&format!("{at}.{name}"), "may now be missing");
                    }
                }
            }
        }
    }
}

/// Follows `{"$ref": "#/components/schemas/Name"}` in its own document.
fn resolved<'a>(document: &'a Value, schema: Option<&'a Value>) -> Option<&'a Value> {
    let schema = schema?;
    match schema.get("$ref") {
        Some(Value::String(reference)) => document.pointer(reference.trim_start_matches('#')),
        _ => Some(schema),
    }
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "unset".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "paths": {"/sessions": {"post": {
                "parameters": [{"name": "page", "in": "query", "required": false, "schema": {"type": "integer"}}],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LogIn"}}}},
                "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Session"}}}}, "429": {}}
            }}},
            "components": {"schemas": {
                "LogIn": {"type": "object", "required": ["user_id"], "properties": {
                    "user_id": {"type": "string"}, "kind": {"type": "string", "enum": ["member", "staff"]}}},
                "Session": {"type": "object", "required": ["token"], "properties": {
                    "token": {"type": "string"}, "state": {"type": "string", "enum": ["open"]},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}}}}
            }}
        })
    }

    fn after(pointer: &str, value: Value) -> Vec<String> {
        let mut new = document();
        *new.pointer_mut(pointer).unwrap() = value;
        changes(&document(), &new)
    }

    #[test]
    fn what_only_adds_breaks_nobody() {
        assert!(changes(&document(), &document()).is_empty());
        let mut new = document();
        new["paths"]["/me"] = json!({"get": {}});
        new["components"]["schemas"]["LogIn"]["properties"]["note"] = json!({"type": "string"});
        new["components"]["schemas"]["LogIn"]["properties"]["kind"]["enum"] = json!(["member", "staff", "client"]);
        new["components"]["schemas"]["Session"]["properties"]["note"] = json!({"type": "string"});
        new["components"]["schemas"]["Session"]["required"] = json!(["token", "state"]);
        new["paths"]["/sessions"]["post"]["responses"]["503"] = json!({});
        assert!(changes(&document(), &new).is_empty());
    }

    #[test]
    fn what_is_taken_away_is_named() {
        assert_eq!(after("/paths", json!({})), ["POST /sessions: removed"]);
        assert_eq!(
            after("/paths/~1sessions", json!({"get": {}})),
            ["POST /sessions: removed"]
        );
        let gone = json!({"201": {"content": {}}});
        assert_eq!(
            after("/paths/~1sessions/post/responses", gone),
            [
                "POST /sessions response 201: application/json removed",
                "POST /sessions: response 429 removed"
            ]
        );
        assert_eq!(
            after("/paths/~1sessions/post/parameters", json!([])),
            ["POST /sessions parameter page: removed"]
        );
        assert_eq!(
            after(
                "/components/schemas/Session/properties",
                json!({"token": {"type": "string"}})
            ),
            [
                "POST /sessions response 201.children: removed",
                "POST /sessions response 201.state: removed"
            ]
        );
        assert_eq!(
            after("/components/schemas/Session/required", json!([]))[0],
            "POST /sessions response 201.token: may now be missing"
        );
    }

    #[test]
    fn what_is_asked_anew_or_taken_no_longer_is_named() {
        assert_eq!(
            after("/components/schemas/LogIn/required", json!(["user_id", "kind"])),
            ["POST /sessions request.kind: is now required"]
        );
        assert_eq!(
            after("/components/schemas/LogIn/properties/kind/enum", json!(["member"])),
            ["POST /sessions request.kind: no longer takes staff"]
        );
        assert_eq!(
            after("/components/schemas/LogIn/properties/user_id/type", json!("integer")),
            ["POST /sessions request.user_id: type string became integer"]
        );
        assert_eq!(
            after("/paths/~1sessions/post/parameters/0/required", json!(true)),
            ["POST /sessions parameter page: is now required"]
        );
        assert_eq!(
            after(
                "/components/schemas/Session/properties/state/enum",
                json!(["open", "ended"])
            )[0],
            "POST /sessions response 201.state: may now be ended"
        );
    }
}
