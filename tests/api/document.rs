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
fn ids_and_days_of_answers_have_their_formats_and_the_answer_with_a_token_says_what_is_left() {
    let table = table();
    let value = table.document();
    let schemas = &value["components"]["schemas"];
    for (schema, field, format) in [
        ("RosterMember", "id", "uuid"),
        ("RosterMember", "birth_date", "date"),
        ("RosterMember", "lost_on", "date"),
        ("MemberCoverage", "as_of", "date"),
        ("InsurerNotice", "last_day", "date"),
        ("MailLine", "person_id", "uuid"),
        ("AuditLine", "actor_id", "uuid"),
        ("StatementImport", "delivery", "uuid"),
    ] {
        assert_eq!(
            schemas[schema]["properties"][field]["format"], format,
            "{schema}.{field}"
        );
    }
    assert!(schemas["OwnClient"]["properties"]["client_id"].get("format").is_none());
    let answer = &value["paths"]["/oauth/token"]["post"]["responses"]["200"];
    assert!(answer["headers"]["RateLimit"].is_object(), "{answer}");
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

/// What stands of one operation on the reference page.
fn section<'a>(html: &'a str, name: &str) -> &'a str {
    let (_, rest) = html.split_once(&format!("<h3 id=\"{name}\">")).unwrap();
    rest.split("</section>").next().unwrap()
}

#[test]
fn the_reference_shows_forms_files_columns_and_what_is_wrong_with_them() {
    let table = table();
    let html = table.reference();
    for (name, shown) in [
        ("create_token", "<code>application/x-www-form-urlencoded</code>"),
        ("create_token", "<code>insurer_code</code>"),
        ("create_token", "grant_type=client_credentials"),
        ("revoke_token", "<code>token</code>"),
        ("import_roster", "Content-Type: application/octet-stream"),
        ("import_roster", "被保険者証記号,番号,枝番"),
        (
            "import_roster",
            "<code>対象者氏名（カナ）</code></td><td data-label=\"In JSON\"><code>kana_name</code></td><td data-label=\"Need\">required",
        ),
        ("import_roster", "<code>喪失</code>"),
        ("import_roster", "one of csv, ndjson"),
        ("import_roster", "<code>Location</code>"),
        ("import_roster", "<code>Idempotency-Replayed</code>"),
        ("import_roster", "512 MiB"),
        (
            "import_statements",
            "<code>診療区分</code></td><td data-label=\"Need\">required</td><td data-label=\"Holds\">One of <code>医科入院</code>",
        ),
        ("import_statements", "<code>医薬品コード</code>"),
        ("list_roster_import_errors", "<code>not_in_roster</code>"),
        ("list_statement_import_errors", "<code>month_after_label</code>"),
        ("get_member", "<code>ETag</code>"),
        ("replace_member", "Has to be sent; without it the answer is 428."),
        ("replace_member", "data-label=\"Type\">string in header</td>"),
        ("end_member_coverage", "as <code>GET /members/{id}</code> tells it"),
        ("import_statements", "<strong>Columns of <code>costs</code></strong>"),
        ("import_statements", "999100001"),
        ("import_roster", "mode=delta"),
        ("list_members", "string (uuid)"),
        ("get_member_coverage", "string (date)"),
        ("list_links", "<code>sign_up</code>"),
        ("list_mails", "<code>new_notice</code>, <code>staff_invited</code>"),
        ("list_audit_lines", "<code>notice.publish</code>"),
        ("guide-sandbox", "お試し環境のメール"),
        ("guide-sandbox", "madoguchi tenant sandbox"),
        ("guide-webhooks", "webhook-signature"),
        ("guide-webhooks", "<code>member.coverage_lost</code>"),
    ] {
        assert!(
            section(html, name).contains(shown),
            "{name}: {shown}\n{}",
            section(html, name)
        );
    }
    assert!(html.contains("id=\"programs-statements\"") && html.contains("id=\"members-statements\""));
    assert!(html.contains("<code>/.well-known/oauth-authorization-server</code>"));
    for name in ["import_roster", "import_statements", "add_member", "replace_member"] {
        assert!(section(html, name).contains("systems that hold the roster"), "{name}");
    }
}

#[test]
fn oauths_own_problems_stand_there_with_the_status_that_they_have() {
    let table = table();
    for (code, status) in [
        ("invalid_request", 400),
        ("invalid_scope", 400),
        ("unsupported_grant_type", 400),
        ("unauthorized_client", 400),
        ("invalid_client", 401),
        ("not_found", 404),
    ] {
        let row = format!("id=\"problem-{code}\"><code>{code}</code></th><td data-label=\"Status\">{status}</td>");
        assert!(table.reference().contains(&row), "{row}");
    }
}

#[test]
fn every_problem_is_some_operations() {
    let table = table();
    let named: BTreeSet<&str> = table.rows().flat_map(codes).collect();
    let house: Vec<&str> = catalogue().iter().map(|body| body.code.as_str()).collect();
    for body in table.problems() {
        let code = body.code.as_str();
        assert!(named.contains(code) || house.contains(&code), "{code}");
    }
}

#[test]
fn every_kind_of_event_stands_in_the_guide_with_its_scope() {
    let table = table();
    let guide = section(table.reference(), "guide-webhooks");
    let wish = table.document()["components"]["schemas"]["WebhookWish"]["properties"]["events"]["description"].as_str();
    for kind in modules::without_database()
        .iter()
        .flat_map(|module| module.events.iter())
    {
        assert!(wish.unwrap().contains(&format!("`{}`", kind.name)), "{}", kind.name);
        let line = guide
            .split("<tr>")
            .find(|line| line.contains(&format!("<code>{}</code>", kind.name)));
        assert!(line.unwrap().contains(kind.scope.as_str()), "{}", kind.name);
    }
}

#[test]
fn what_is_sent_to_a_webhook_is_documented_where_one_is_set() {
    let table = table();
    let message =
        &table.document()["paths"]["/webhooks"]["post"]["callbacks"]["message"]["{$request.body#/url}"]["post"];
    let names: BTreeSet<&str> = message["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| header["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        BTreeSet::from(["webhook-id", "webhook-signature", "webhook-timestamp"])
    );
    let body = &message["requestBody"]["content"]["application/json"]["schema"];
    let data = body["properties"]["data"]["properties"].as_object().unwrap();
    let fields: BTreeSet<&str> = data.keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        BTreeSet::from(["document", "insurer", "kind", "link", "sequence", "subject"])
    );
}

#[test]
fn every_link_within_the_reference_leads_to_a_place_on_it() {
    let table = table();
    let html = table.reference();
    let links = html.split("href=\"#").skip(1);
    let links: BTreeSet<&str> = links.filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > 50, "{links:?}");
    for link in links {
        assert!(html.contains(&format!("id=\"{link}\"")), "{link}");
    }
}

/// A sandbox has the roster of this folder.
#[test]
fn whom_examples_look_for_a_sandbox_has_and_whom_they_add_it_has_not() {
    let table = table();
    let roster = include_str!("../../tenants/32290413/sample-roster.csv");
    let example = |path: &str| {
        let body = &table.document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"];
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (
            format!("{},{},{},", text("symbol"), text("number"), text("branch")),
            body.clone(),
        )
    };
    let (sought, _) = example("/members/search");
    let found =
        &table.document()["paths"]["/members/search"]["post"]["responses"]["200"]["content"]["application/json"];
    let found = &found["example"]["members"][0];
    let line = roster.lines().find(|line| line.starts_with(&sought)).unwrap();
    for name in ["kana_name", "name", "relationship", "workplace_code"] {
        assert!(line.contains(found[name].as_str().unwrap()), "{name}: {line}");
    }
    assert!(
        line.contains(&found["birth_date"].as_str().unwrap().replace('-', "")),
        "{line}"
    );
    let (added, _) = example("/members");
    assert!(!roster.contains(&format!("\n{added}")), "{added}");
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
