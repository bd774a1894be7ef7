//! `madoguchi staff`: the first administrator of an insurer, and what only the operator can still do.

use super::Installation;

#[tokio::test]
async fn the_commands_say_what_they_did_and_what_happens_next() {
    let installation = Installation::ready().await;
    let mail = "Kanri@example.jp";
    let said = installation.done(&["staff", "list", "139998"]).await;
    assert!(said.contains("staff invite 139998"), "{said}");
    let said = installation
        .done(&["staff", "invite", "139998", mail, "--name", "管理 花子"])
        .await;
    assert!(said.contains("invited") && said.contains("works once, until"), "{said}");
    let said = installation.done(&["staff", "invite", "139998", mail]).await;
    assert!(said.contains("once more"), "{said}");
    let said = installation.done(&["staff", "list", "139998"]).await;
    assert!(said.contains("administrator") && said.contains("invited"), "{said}");
    let said = installation
        .done(&["staff", "suspend", "139998", "kanri@EXAMPLE.jp"])
        .await;
    assert!(said.contains("nobody is left"), "{said}");
    let said = installation.done(&["staff", "resume", "139998", mail]).await;
    assert!(said.contains("may log in again"), "{said}");
    for platform in ["platform", "_platform", "0"] {
        installation
            .done(&["staff", "invite", platform, "ops@example.jp"])
            .await;
    }
    let said = installation.done(&["staff", "list", "platform"]).await;
    assert!(said.contains("operator"), "{said}");
    let insurer = installation.insurer().await;
    installation
        .until(insurer, 2, "mails WHERE template = 'staff_invited'")
        .await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_words() {
    let installation = Installation::ready().await;
    let refused = async |arguments: &[&str], word: &str| {
        let (success, said) = installation.run(arguments, &[]).await;
        assert!(!success && said.contains(word), "{arguments:?}: {said}");
    };
    refused(&["staff", "invite", "139997", "a@example.jp"], "139997").await;
    refused(&["staff", "invite", "139998", "nobody"], "email").await;
    refused(
        &["staff", "invite", "139998", "a@example.jp", "--role", "king"],
        "administrator",
    )
    .await;
    refused(
        &["staff", "invite", "139998", "a@example.jp", "--role", "support"],
        "Nobody gives",
    )
    .await;
    refused(
        &["staff", "invite", "platform", "a@example.jp", "--role", "viewer"],
        "Nobody gives",
    )
    .await;
    refused(&["staff", "suspend", "139998", "a@example.jp"], "staff list").await;
    installation.done(&["staff", "invite", "139998", "a@example.jp"]).await;
    refused(&["staff", "reset-factor", "139998", "a@example.jp"], "Invite again").await;
}
