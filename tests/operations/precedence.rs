//! Who goes first where node and database share a machine, as far as its Linux schedules by sessions.

use super::{Installation, Node, binary};
use std::{fs, path::Path};
use tokio::process::Command;

fn nice(group: &str) -> &str {
    group.trim_end().rsplit(' ').next().unwrap()
}

#[tokio::test]
async fn a_node_gives_way_in_a_session_of_its_own_and_leaves_a_shells_session_alone() {
    if !Path::new("/proc/self/autogroup").exists() {
        return;
    }
    let installation = Installation::ready().await;
    let mut alone = Command::new("setsid");
    alone.arg(binary()).args(["serve", "--no-worker"]);
    let ours = fs::read_to_string("/proc/self/autogroup").unwrap();
    for (command, expected) in [
        (installation.equipped(alone), "5"),
        (installation.command(&["serve", "--no-worker"]), nice(&ours)),
    ] {
        let node = Node::start(command).await;
        let group = fs::read_to_string(format!("/proc/{}/autogroup", node.child.id().unwrap())).unwrap();
        assert_eq!(nice(&group), expected, "{group}");
        assert!(node.terminate().await, "also in the instant of its start");
    }
}
