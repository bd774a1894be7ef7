//! `madoguchi operate …`: what operators do at the command line over all insurers.

use super::{Installation, Node};
use std::time::Duration;

#[tokio::test]
async fn a_process_says_that_it_is_alive_and_that_it_ends() {
    let installation = Installation::ready().await;
    assert_eq!(installation.done(&["operate", "nodes"]).await, "");
    let serve = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let work = Node::start(installation.command(&["work"])).await;
    let mut said = String::new();
    for _ in 0..100 {
        said = installation.done(&["operate", "nodes"]).await;
        if said.lines().count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let version = env!("CARGO_PKG_VERSION");
    for kind in ["serve_alone", "work"] {
        let line = said
            .lines()
            .find(|line| line.starts_with(kind))
            .unwrap_or_else(|| panic!("{said}"));
        assert!(
            line.contains(version) && line.ends_with("keys k1") && !line.contains("SILENT"),
            "{line}"
        );
    }
    assert!(serve.terminate().await && work.terminate().await);
    assert_eq!(installation.done(&["operate", "nodes"]).await, "");
}

#[tokio::test]
async fn interruptions_are_planned_and_taken_back_and_what_is_not_there_is_said() {
    let installation = Installation::ready().await;
    let planned = installation
        .done(&["operate", "plan", "2096-12-05 22:00", "2096-12-06 06:00", "翌朝まで"])
        .await;
    let id = planned.trim().strip_prefix("planned ").unwrap().to_owned();
    let listed = installation.done(&["operate", "maintenance"]).await;
    assert!(
        listed.contains(&id) && listed.contains("2096年12月05日 22:00:00") && listed.contains("翌朝まで"),
        "{listed}"
    );
    assert!(
        installation
            .done(&["operate", "cancel", &id])
            .await
            .contains("cancelled")
    );
    for wrong in [
        &["operate", "cancel", &id][..],
        &["operate", "plan", "2096-12-05 22:00", "2096-12-05 22:00"],
        &["operate", "plan", "2020-01-01 22:00", "2020-01-02 22:00"],
        &["operate", "plan", "あす", "あさって"],
        &["operate", "retry", "139998", &id],
        &["operate", "drop", "platform", &id],
        &["operate", "send-again", "139998", &id],
        &["operate", "retry", "nobody", &id],
        &["operate", "retry", "139998", "x"],
    ] {
        let (success, said) = installation.run(wrong, &[]).await;
        assert!(!success && !said.contains("panicked"), "{wrong:?}: {said}");
    }
    assert_eq!(installation.done(&["operate", "dead"]).await, "");
}
