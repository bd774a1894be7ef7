//! `madoguchi tenant sandbox`: an insurer for those who make programs, whole from one command; and that an insurer is one or is
//! none for good.

use super::{Installation, Node};
use reqwest::Method;
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use testkit::{Client, Fields, lines, tenants};

const CODE: &str = "06139901";
const MAKE: [&str; 3] = ["tenant", "sandbox", CODE];

/// What stands behind a word at the beginning of a line.
fn value<'a>(said: &'a str, word: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("{word}: {said}")).trim()
}

/// Migrated, with the platform.
async fn platform() -> Installation {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    installation.done(&["keys", "register"]).await;
    let platform = tenants().join("_platform");
    installation
        .done(&["tenant", "apply", platform.to_str().unwrap()])
        .await;
    installation
}

/// The token of the program that was made.
async fn token(client: &Client, said: &str) -> String {
    let asked = client
        .request(Method::POST, "/api/v1/oauth/token")
        .basic_auth(value(said, "client_id"), Some(value(said, "client_secret")))
        .form(&[("grant_type", "client_credentials")]);
    let issued = client.send(asked).await.json();
    let token = issued["access_token"].as_str().unwrap_or_else(|| panic!("{issued}"));
    token.to_owned()
}

/// Sends a file, and says how its import stands once it has come to rest.
async fn brought(client: &Client, token: &str, (path, query): (&str, &str), file: &str) -> Value {
    let sent = client
        .request(Method::POST, &format!("/api/v1{path}?{query}"))
        .bearer_auth(token)
        .header("content-type", "application/octet-stream")
        .body(file.to_owned());
    let begun = client.send(sent).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let mut import = begun.json();
    let one = format!("{path}/{}", import["id"].as_str().unwrap());
    for _ in 0..300 {
        let state = import["state"].as_str().unwrap();
        if ["finished", "loaded", "refused", "broken"].contains(&state) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        import = client.call(Method::GET, &one, Some(token), None).await.json();
    }
    import
}

#[tokio::test]
async fn one_command_makes_all_that_an_integrator_needs() {
    let installation = platform().await;
    let said = installation.done(&MAKE).await;
    assert!(
        said.contains("06139901 おためし健康保険組合 is made, a sandbox"),
        "{said}"
    );
    let listed = installation.done(&["tenant", "list"]).await;
    assert!(listed.contains(CODE), "{listed}");
    let shown = installation.done(&["tenant", "show", CODE]).await;
    assert!(shown.contains("\nsandbox = true\n"), "{shown}");
    assert!(shown.contains("\ngeneric_savings = \"open\"\n"), "{shown}");
    let staff = installation.done(&["staff", "list", CODE]).await;
    assert!(staff.contains("administrator") && staff.contains("benefits"), "{staff}");
    let node = Node::start(installation.command(&["serve"])).await;
    let client = Client::new(&node.url, "192.0.2.1");

    // As a program.
    let token = token(&client, &said).await;
    let own = client.call(Method::GET, "/client", Some(&token), None).await.json();
    assert_eq!(
        (&own["sandbox"], &own["insurer"]["code"]),
        (&true.into(), &CODE.into()),
        "{own}"
    );
    let scopes = own["scopes"].as_array().unwrap();
    for scope in ["insurer.read", "notices.read", "notices.write"] {
        assert!(scopes.contains(&scope.into()), "{own}");
    }
    let notices = client.call(Method::GET, "/notices", Some(&token), None).await;
    assert!(notices.text.contains("お試し環境へようこそ"), "{}", notices.text);

    // As its administrator.
    let invitation = value(&said, "invitation");
    let (_, path) = invitation.split_once("/console/").unwrap();
    let page = client.get(&format!("/console/{path}")).await;
    assert!(
        page.status == 200 && page.text.contains("kanri@example.jp"),
        "{}",
        page.text
    );

    // As somebody whom the document's examples name.
    let fields = Fields::new(&[
        ("insurer_code", CODE),
        ("symbol", "100"),
        ("number", "105"),
        ("birth_year", "1975"),
        ("birth_month", "4"),
        ("birth_day", "12"),
        ("kana_name", "ケンポ　タロウ"),
    ]);
    let known = client.send_form("/portal/signup", &fields).await;
    assert_eq!(known.location(), "/portal/signup/account", "{}", known.text);
    assert!(node.terminate().await);
}

#[tokio::test]
async fn the_documents_files_are_taken_as_they_stand() {
    let installation = platform().await;
    // The demo's master, of which the codes of medicines are.
    for (name, text) in [
        ("y.csv", include_str!("../../crates/madoguchi/src/demo/drugs.csv")),
        (
            "list.csv",
            include_str!("../../crates/madoguchi/src/demo/drug_classes.csv"),
        ),
    ] {
        std::fs::write(installation.folder.path().join(name), text).unwrap();
    }
    let master = "drugs import --master y.csv --classes list.csv --from 2020-01-01";
    installation.done(&master.split(' ').collect::<Vec<_>>()).await;
    let said = installation.done(&MAKE).await;
    let node = Node::start(installation.command(&["serve"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    let token = token(&client, &said).await;
    let document = client.call(Method::GET, "/openapi.json", None, None).await.json();
    for (path, end) in [("/roster-imports", "finished"), ("/statement-imports", "loaded")] {
        let operation = &document["paths"][path]["post"];
        let file = &operation["requestBody"]["content"]["application/octet-stream"]["example"];
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let query: Vec<String> = parameters
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| {
                let (name, example) = (parameter["name"].as_str()?, parameter["example"].as_str()?);
                Some(format!("{name}={example}"))
            })
            .collect();
        let query = query.join("&");
        let import = brought(&client, &token, (path, &query), file.as_str().unwrap()).await;
        assert_eq!(import["state"], end, "{import}");
    }
    let told = &document["paths"]["/statement-imports"]["post"]["description"];
    let (_, medicines) = told.as_str().unwrap().split_once("```csv\n").unwrap();
    let (medicines, _) = medicines.split_once("```").unwrap();
    let asked = ("/statement-imports", "kind=medicines&label=2026-11");
    let import = brought(&client, &token, asked, medicines).await;
    assert_eq!(import["state"], "loaded", "{import}");
    assert!(node.terminate().await);
}

async fn tenant(installation: &Installation) -> kernel::TenantId {
    let query = format!("SELECT tenant_id::text AS line FROM insurers WHERE insurer_code = '{CODE}'");
    kernel::TenantId(lines(&installation.owner_url(), &query).await[0].parse().unwrap())
}

#[tokio::test]
async fn what_a_script_reads_is_one_object_and_the_lines_to_paste_are_those_of_a_shell() {
    let installation = platform().await;
    let said = installation
        .done(&["tenant", "sandbox", "139998", "--name", "基幹テスト国保", "--json"])
        .await;
    let made: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(made["insurer_code"], "139998");
    assert_eq!(made["insurer_name"], "基幹テスト国保");
    assert!(made["client_id"].as_str().unwrap().starts_with("cl_"), "{made}");
    assert!(made["client_secret"].as_str().unwrap().starts_with("mdg_cs_"), "{made}");
    assert!(
        made["invitation"]
            .as_str()
            .unwrap()
            .contains("/console/invitation?token="),
        "{made}"
    );
    assert!(made["api"].as_str().unwrap().ends_with("/api/v1"), "{made}");
    let said = installation.done(&MAKE).await;
    let (_, pasted) = said.split_once("export CLIENT_ID=").unwrap();
    // `curl` is told what it is called with, and nobody is called.
    let script = format!("curl() {{ echo \"$@\"; }}\nexport CLIENT_ID={pasted}");
    let mut shell = tokio::process::Command::new("sh");
    let output = shell
        .args(["-eu", "-c", &script])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let called = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && called.contains("Authorization: Bearer"),
        "{called}"
    );
    assert!(called.trim_end().ends_with("/api/v1/client"), "{called}");
}

#[tokio::test]
async fn a_code_that_is_taken_or_mistyped_is_refused_and_nothing_changes() {
    let installation = platform().await;
    installation.done(&MAKE).await;
    let state = async || {
        let tenant = tenant(&installation).await;
        let query = "SELECT concat_ws(' ', (SELECT count(*) FROM insurers), (SELECT max(revision) FROM insurers),
            (SELECT count(*) FROM clients), (SELECT count(*) FROM staff), (SELECT count(*) FROM audit_events)) AS line";
        testkit::lines_within(&installation.owner_url(), Some(tenant), query).await
    };
    let before = state().await;
    for (code, told) in [
        (CODE, "an insurer has this code already; nothing was changed"),
        ("06139902", "its last digit should be 1 (06139901)"),
        ("0613", "a code has 8 digits, or 6"),
        ("platform", "a code has 8 digits, or 6"),
    ] {
        let (success, said) = installation.run(&["tenant", "sandbox", code], &[]).await;
        assert!(!success && said.contains(told), "{code}: {said}");
    }
    let (success, said) = installation
        .run(&["tenant", "sandbox", "139998", "--name", " "], &[])
        .await;
    assert!(!success && said.contains("name must not be empty"), "{said}");
    assert_eq!(state().await, before);
    // Of two at the same time one makes it.
    let both = [&["tenant", "sandbox", "139998"][..]; 2].map(|arguments| installation.run(arguments, &[]));
    let [one, other] = both;
    let (one, other) = tokio::join!(one, other);
    assert_ne!(one.0, other.0, "{} {}", one.1, other.1);
    let lost = if one.0 { other.1 } else { one.1 };
    assert!(lost.contains("139998: an insurer has this code already"), "{lost}");
}

#[tokio::test]
async fn no_folder_makes_a_sandbox_of_an_insurer_or_an_insurer_of_a_sandbox() {
    let installation = Installation::ready().await;
    installation.done(&MAKE).await;
    for (code, was, wanted, line, told) in [
        (
            "139998",
            "kind = \"national_health\"\n",
            "kind = \"national_health\"\nsandbox = true\n",
            "tenant.toml:6: ",
            "was not made as a sandbox",
        ),
        (
            CODE,
            "sandbox = true\n",
            "",
            "tenant.toml:1: ",
            "stays one: write sandbox = true",
        ),
        (
            CODE,
            "sandbox = true\n",
            "sandbox = false\n",
            "tenant.toml:6: ",
            "stays one",
        ),
    ] {
        let exported = installation.folder.path().join(code);
        let _ = std::fs::remove_dir_all(&exported);
        installation.done(&["tenant", "export", code, code]).await;
        let file = exported.join("tenant.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(was), "{text}");
        // As it stands it changes nothing.
        let same = installation.done(&["tenant", "apply", code]).await;
        assert!(same.contains("settings unchanged"), "{same}");
        std::fs::write(&file, text.replace(was, wanted)).unwrap();
        for arguments in [
            &["tenant", "apply", code][..],
            &["tenant", "apply", "--dry-run", code],
            &["tenant", "apply", "--force", code],
        ] {
            let (success, said) = installation.run(arguments, &[]).await;
            assert!(
                !success && said.contains(told) && said.contains(line),
                "{arguments:?}: {said}"
            );
        }
    }
}
