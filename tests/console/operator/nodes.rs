//! The processes that run, as the page of their health tells of them.

use super::alone;
use jobs::nodes::Node;
use kernel::NodeId;

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_told_with_version_and_keys_and_a_silent_one_as_such() {
    let (_installation, app, operator) = alone().await;
    let node = |kind: &str, version: &str, key: &str| Node {
        node_id: NodeId::new(app.clock().now()),
        kind: kind.into(),
        version: version.into(),
        migration: database::latest_migration().unwrap(),
        key_ids: vec![key.into()],
        queues: vec!["mail".into()],
        started_at: app.clock().now(),
        seen_at: app.clock().now(),
    };
    let (mut first, second) = (node("serve", "1.2.3", "k1"), node("work", "1.2.3", "k1"));
    for one in [&first, &second] {
        jobs::nodes::beat(&app.ground.database, one).await.unwrap();
    }
    let page = operator.get("/operator/nodes").await;
    assert!(
        page.text.contains("1.2.3") && page.text.contains("待ちなし"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("途絶えています") && !page.text.contains("そろっていません"),
        "{}",
        page.text
    );
    app.later(61);
    first.seen_at = app.clock().now();
    jobs::nodes::beat(&app.ground.database, &first).await.unwrap();
    let page = operator.get("/operator/nodes").await;
    assert_eq!(page.text.matches("途絶えています").count(), 1, "{}", page.text);
    // Another version among those that are alive is told; one that ended is not there.
    jobs::nodes::leave(&app.ground.database, second.node_id).await.unwrap();
    jobs::nodes::beat(&app.ground.database, &node("serve_alone", "1.2.4", "k2"))
        .await
        .unwrap();
    let page = operator.get("/operator/nodes").await;
    assert!(
        page.text.contains("そろっていません") && !page.text.contains("途絶えています"),
        "{}",
        page.text
    );
}
