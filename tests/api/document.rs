//! The document and the reference page of the whole table: the pipeline's operations and every module's.

use ::operations::{Table, codes, documented_path, failure::catalogue};
use edge::{Body, MEDIA_TYPE, Rights};
use madoguchi::modules;
use serde_json::Value;
use std::collections::BTreeSet;

fn table() -> Table {
    modules::operations(&modules::without_database())
}

fn documented(value: &Value) -> BTreeSet<(String, String, String)> {
    let paths = value["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().unwrap().iter().map(move |(method, operation)| {
                (
                    method.to_uppercase(),
                    path.clone(),
                    operation["operationId"].as_str().unwrap().to_owned(),
                )
            })
        })
        .collect()
}

#[test]
fn the_table_and_the_document_name_the_same_operations() {
    let table = table();
    let value = table.document();
    let named: BTreeSet<_> = table
        .rows()
        .map(|route| {
            (
                route.method.to_string(),
                documented_path(route.path),
                route.name.to_owned(),
            )
        })
        .collect();
    assert_eq!(named, documented(value));
}

#[test]
fn the_document_asks_for_a_token_where_the_table_does_and_for_a_body_where_the_table_does() {
    let table = table();
    let value = table.document();
    for route in table.rows() {
        let operation = &value["paths"][documented_path(route.path)][route.method.as_str().to_lowercase()];
        let guarded = matches!(route.rights, Rights::Session | Rights::Member | Rights::Client(_));
        if let Rights::Client(scope) = route.rights {
            assert_eq!(operation["security"], serde_json::json!([{"client": [scope.as_str()]}]));
        }
        let asks = operation["security"].as_array().map(Vec::len);
        assert_eq!(asks, Some(usize::from(guarded)), "{}", route.name);
        assert_eq!(
            operation.get("requestBody").is_some(),
            route.body != Body::Nothing,
            "{}",
            route.name
        );
        assert_eq!(
            operation["responses"].get("401").is_some(),
            guarded || route.name == "create_session" || route.handler.oauth
        );
    }
}

#[test]
fn every_operation_has_words_one_success_and_all_its_refusals() {
    let table = table();
    let value = table.document();
    for route in table.rows() {
        let operation = &value["paths"][documented_path(route.path)][route.method.as_str().to_lowercase()];
        for field in ["summary", "description"] {
            assert!(
                operation[field].as_str().is_some_and(|text| !text.is_empty()),
                "{}: {field}",
                route.name
            );
        }
        let responses = operation["responses"].as_object().unwrap();
        assert_eq!(
            responses.keys().filter(|status| status.starts_with('2')).count(),
            1,
            "{}",
            route.name
        );
        for code in codes(route) {
            let body = table.problems().iter().find(|body| body.code == code);
            let body = body.unwrap_or_else(|| panic!("{code} is in no catalogue"));
            let (status, media_type) = if route.handler.oauth {
                // RFC 6749 has one status for whatever is to be mended, and a shape of its own.
                let mended = ![401, 405, 429, 503].contains(&body.status);
                (if mended { 400 } else { body.status }, "application/json")
            } else {
                (body.status, MEDIA_TYPE)
            };
            assert!(
                responses[&status.to_string()]["content"][media_type]["examples"]
                    .get(code)
                    .is_some(),
                "{}: {code}",
                route.name
            );
        }
    }
}

#[test]
fn every_field_of_every_object_is_described() {
    let table = table();
    let value = table.document();
    for (name, schema) in value["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        for (field, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{name}.{field}");
        }
    }
}

#[test]
fn nothing_in_the_document_is_null() {
    fn walk(value: &Value, at: &str) {
        assert!(!value.is_null(), "{at}");
        for (name, part) in value.as_object().into_iter().flatten() {
            walk(part, &format!("{at}/{name}"));
        }
        for part in value.as_array().into_iter().flatten() {
            walk(part, at);
        }
    }
    walk(table().document(), "");
}

#[test]
fn every_string_of_a_request_has_a_bound_and_a_pattern() {
    let table = table();
    let value = table.document();
    for name in [
        "Identity",
        "NewAccount",
        "TypedCode",
        "Resend",
        "NewSession",
        "ForgottenPassword",
        "NewPassword",
        "Choice",
        "NewDisclosure",
        "NoticeDraft",
        "TokenForm",
        "RevocationForm",
    ] {
        for (field, property) in value["components"]["schemas"][name]["properties"].as_object().unwrap() {
            if property["type"] == "string" {
                assert!(property["maxLength"].is_u64(), "{name}.{field}");
                assert!(property["pattern"].is_string(), "{name}.{field}");
            }
        }
    }
}

#[test]
fn the_changelog_names_every_operation_and_the_reference_shows_it() {
    let table = table();
    let changelog = include_str!("../../openapi/CHANGELOG.md");
    let html = table.reference();
    let changes = &html[html.find("<h2 id=\"changes\">").unwrap()..];
    for route in table.rows() {
        assert!(changelog.contains(&format!("`{}`", route.name)), "{}", route.name);
        assert!(
            changes.contains(&format!("<code>{}</code>", route.name)),
            "{}",
            route.name
        );
    }
}

#[test]
fn the_reference_names_every_operation_and_every_code_and_loads_nothing() {
    let table = table();
    let html = table.reference();
    for route in table.rows() {
        assert!(html.contains(&format!("<h3 id=\"{}\">", route.name)), "{}", route.name);
    }
    for body in table.problems() {
        assert!(html.contains(&format!("id=\"problem-{}\"", body.code)), "{}", body.code);
    }
    for absent in ["<script", "src=", "=\"https://", "style=\""] {
        assert!(!html.contains(absent), "{absent}");
    }
}

/// [`Failure::of`] takes what is not in the catalogue for an outage.
#[test]
fn every_code_that_is_written_out_is_in_the_catalogue() {
    fn sources(folder: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| {
                if path.is_dir() {
                    sources(&path)
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    vec![std::fs::read_to_string(path).unwrap()]
                } else {
                    vec![]
                }
            })
            .collect()
    }
    let mut written = 0;
    for source in sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"))) {
        let codes = source
            .split("Failure::of(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        for code in codes {
            assert!(catalogue().iter().any(|body| body.code == code), "{code}");
            written += 1;
        }
    }
    assert!(written > 15, "{written}");
    let table = table();
    for code in table.rows().flat_map(codes) {
        assert!(table.problems().iter().any(|body| body.code == code), "{code}");
    }
}
