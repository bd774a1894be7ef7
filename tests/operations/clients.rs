//! `madoguchi client`: programs of other systems, an insurer's and a vendor's.

use super::Installation;
use serde_json::Value;

const CREATE: [&str; 9] = [
    "client",
    "create",
    "139998",
    "--name",
    "基幹システム",
    "--contact",
    "system@example.jp",
    "--scope",
    "insurer.read",
];

/// What stands behind a word at the beginning of a line.
fn value<'a>(said: &'a str, word: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("{word}: {said}")).trim()
}

/// The lines of the trail about clients, of the platform or an insurer.
async fn trail(installation: &Installation, of: kernel::TenantId) -> Vec<String> {
    let query = "SELECT concat_ws(' ', action, actor_kind, channel) AS line FROM audit_events
        WHERE action LIKE 'client.%' ORDER BY audit_id";
    testkit::lines_within(&installation.owner_url(), Some(of), query).await
}

#[tokio::test]
async fn a_program_is_made_listed_shown_given_another_secret_and_shut_out() {
    let installation = Installation::ready().await;
    let said = installation.done(&["client", "list", "139998"]).await;
    assert!(said.contains("client create"), "{said}");
    let bounds = [
        "--scope",
        "notices.read",
        "--network",
        "203.0.113.5",
        "--expires",
        "令和19年3月31日",
    ];
    let said = installation.done(&[&CREATE[..], &bounds].concat()).await;
    let (id, secret) = (value(&said, "client_id"), value(&said, "client_secret"));
    assert!(id.starts_with("cl_") && secret.starts_with("mdg_cs_"), "{said}");
    assert!(said.contains("shown this once"), "{said}");
    let said = installation.done(&["client", "list", "139998"]).await;
    for word in [id, "active", "insurer.read,notices.read", "基幹システム", "never"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = installation.done(&["client", "show", id]).await;
    for word in [
        "system@example.jp",
        "203.0.113.5/32",
        "2037-03-31",
        "notices.read  never used",
        "0 calls",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains(secret), "{said}");
    let said = installation.done(&["client", "rotate", id]).await;
    assert_ne!(value(&said, "client_secret"), secret);
    assert!(said.contains("the secret of before works until"), "{said}");
    for (verb, word) in [("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked")] {
        installation.done(&["client", verb, id]).await;
        let said = installation.done(&["client", "show", id]).await;
        assert_eq!(value(&said, "stands"), word, "{said}");
    }
    for verb in ["rotate", "resume"] {
        let (success, said) = installation.run(&["client", verb, id], &[]).await;
        assert!(
            !success && said.contains("revoked, which is for good"),
            "{verb}: {said}"
        );
    }
    let insurer = installation.insurer().await;
    assert_eq!(
        trail(&installation, insurer).await,
        ["create", "rotate", "suspend", "resume", "revoke"].map(|verb| format!("client.{verb} operator command"))
    );
}

#[tokio::test]
async fn what_a_script_reads_is_one_object_of_json() {
    let installation = Installation::ready().await;
    let said = installation.done(&[&CREATE[..], &["--json"]].concat()).await;
    let made: Value = serde_json::from_str(&said).unwrap();
    let id = made["client_id"].as_str().unwrap();
    let said = installation.done(&["client", "rotate", id, "--json"]).await;
    let rotated: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(rotated["client_id"], made["client_id"]);
    assert_ne!(rotated["client_secret"], made["client_secret"]);
    assert!(rotated["client_secret"].as_str().unwrap().starts_with("mdg_cs_"));
}

#[tokio::test]
async fn a_vendors_program_is_let_in_at_an_insurer_and_shut_out_there_or_everywhere() {
    let installation = Installation::ready().await;
    let create = [
        "client",
        "create",
        "--vendor",
        "--name",
        "健診サービス",
        "--contact",
        "v@example.jp",
        "--json",
    ];
    let said = installation.done(&create).await;
    let made: Value = serde_json::from_str(&said).unwrap();
    let id = made["client_id"].as_str().unwrap();
    assert!(id.starts_with("cl_0_"), "{id}");
    let granted = ["client", "grant", "139998", id, "--scope", "notices.read"];
    let said = installation.done(&granted).await;
    assert!(
        said.contains("健診サービス") && said.contains("let in at 139998"),
        "{said}"
    );
    let (success, said) = installation.run(&granted, &[]).await;
    assert!(!success && said.contains("let in here already"), "{said}");
    let said = installation.done(&["client", "list", "--vendor"]).await;
    assert!(said.contains(id), "{said}");
    let said = installation.done(&["client", "show", id]).await;
    assert!(said.contains("let in at 139998"), "{said}");
    let here = ["client", "show", id, "--at", "139998"];
    let stands = async |word: &str| {
        let said = installation.done(&here).await;
        assert_eq!(value(&said, "stands"), word, "{said}");
    };
    installation.done(&["client", "suspend", id, "--at", "139998"]).await;
    stands("suspended").await;
    installation.done(&["client", "resume", id, "--at", "139998"]).await;
    installation.done(&["client", "suspend", id]).await;
    stands("suspended by the platform").await;
    installation.done(&["client", "resume", id]).await;
    stands("active").await;
    let said = installation.done(&["client", "revoke", id, "--at", "139998"]).await;
    assert!(said.contains("let in there no more"), "{said}");
    installation.done(&granted).await;
    stands("active").await;
    installation.done(&["client", "revoke", id]).await;
    stands("revoked").await;
    let insurer = installation.insurer().await;
    assert_eq!(
        trail(&installation, insurer).await,
        [
            "grant", "suspend", "resume", "suspend", "resume", "ungrant", "grant", "revoke"
        ]
        .map(|verb| format!("client.{verb} operator command"))
    );
    assert_eq!(
        trail(&installation, kernel::TenantId::PLATFORM).await,
        ["create", "suspend", "resume", "revoke"].map(|verb| format!("client.{verb} operator command"))
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_words_and_nothing_is_made() {
    let installation = Installation::ready().await;
    let refused = async |arguments: &[&str], word: &str| {
        let (success, said) = installation.run(arguments, &[]).await;
        assert!(!success && said.contains(word), "{arguments:?}: {said}");
    };
    refused(
        &[&CREATE[..], &["--scope", "members.all"]].concat(),
        "members.all is no scope; there are insurer.read",
    )
    .await;
    refused(&[&CREATE[..], &["--expires", "soon"]].concat(), "soon is no day").await;
    refused(
        &[&CREATE[..], &["--expires", "2020-01-01"]].concat(),
        "--expires: takes a day to come",
    )
    .await;
    refused(
        &[&CREATE[..], &["--network", "example.jp"]].concat(),
        "--network: example.jp can't be read; takes addresses",
    )
    .await;
    refused(
        &CREATE[..7],
        "--scope: is missing; name at least one, such as --scope insurer.read",
    )
    .await;
    refused(&[&CREATE[..], &["--vendor"]].concat(), "cannot be used with").await;
    refused(
        &["client", "create", "--name", "x", "--contact", "x@example.jp"],
        "<CODE>",
    )
    .await;
    let unknown_code = ["client", "create", "139997", "--name", "x", "--contact", "x@example.jp"];
    refused(&unknown_code, "its last digit should be 8").await;
    refused(&["client", "list", "platform"], "name an insurer").await;
    for verb in ["show", "rotate", "suspend", "resume", "revoke"] {
        refused(&["client", verb, "nobody"], "nobody is no id of a client").await;
        let stranger = "cl_0_019abd00000070008000000000000001";
        let (success, said) = installation.run(&["client", verb, stranger], &[]).await;
        assert!(!success, "{verb}: {said}");
    }
    refused(
        &["client", "grant", "139998", "nobody", "--scope", "notices.read"],
        "CLIENT_ID: takes the client's id, cl_…",
    )
    .await;
    let insurer = installation.insurer().await;
    let rows = testkit::lines_within(
        &installation.owner_url(),
        Some(insurer),
        "SELECT '' AS line FROM clients",
    )
    .await;
    assert!(rows.is_empty());
    assert!(trail(&installation, insurer).await.is_empty());
}
