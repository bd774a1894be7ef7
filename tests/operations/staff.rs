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
    for verb in ["suspend", "resume", "reset-factor"] {
        refused(&["staff", verb, "139998", "a@example.jp"], "staff list").await;
        refused(&["staff", verb, "139998", "%"], "staff list").await;
        refused(&["staff", verb, "platform", "a@example.jp"], "staff list").await;
        refused(&["staff", verb, "139997", "a@example.jp"], "its last digit should be 8").await;
        refused(&["staff", verb, "139998"], "<MAIL>").await;
    }
    refused(&["staff", "list", "nobody"], "a code has 8 digits").await;
    refused(&["staff", "invite", "139998", "a@example.jp", "--name", ""], "name: ").await;
    installation.done(&["staff", "invite", "139998", "a@example.jp"]).await;
    refused(&["staff", "reset-factor", "139998", "a@example.jp"], "Invite again").await;
    // Twice is once, and is told as such to nobody but the trail.
    for verb in ["suspend", "suspend", "resume", "resume"] {
        installation.done(&["staff", verb, "139998", "a@example.jp"]).await;
    }
    let query =
        "SELECT action AS line FROM audit_events WHERE action IN ('staff.suspend', 'staff.resume') ORDER BY audit_id";
    let lines = testkit::lines_within(&installation.owner_url(), Some(installation.insurer().await), query).await;
    assert_eq!(lines, ["staff.suspend", "staff.resume"]);
}

#[tokio::test]
async fn the_general_letter_is_a_page_of_an_insurer_and_of_nobody_else() {
    let installation = Installation::ready().await;
    let page = installation.done(&["tenant", "letter", "139998"]).await;
    assert!(
        page.starts_with("<!doctype html>") && page.contains("insurer=139998"),
        "{page}"
    );
    for (code, words) in [
        ("platform", "the platform has no members to write to"),
        ("000000", "no insurer has this code"),
        ("139997", "its last digit should be 8"),
        ("", "a code has 8 digits"),
    ] {
        let (success, said) = installation.run(&["tenant", "letter", code], &[]).await;
        assert!(
            !success && said.contains(words) && said.starts_with("madoguchi: "),
            "{code}: {said}"
        );
        assert!(!said.contains("<html"), "{said}");
    }
}
