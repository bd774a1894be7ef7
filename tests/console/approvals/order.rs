//! Whoever asks and whoever agrees hold what a wish is about first, and the wish last: none waits for the other while the other
//! waits for them.

use super::{agree, app, clerks, give, roles, states, wish};
use access::Role;
use database::Durability;
use diesel_async::RunQueryDsl;
use std::time::Duration;
use testkit::{admin_url, lines};
use tokio::time::sleep;

/// Until so many wait for the roles, however slow the machine is; or no longer, where they wait for something else.
async fn waiting(count: usize) {
    let waiting =
        "SELECT '' AS line FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%staff_roles%'";
    for _ in 0..80 {
        if lines(&admin_url(), waiting).await.len() >= count {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_once_more_while_another_agrees_does_not_stand_in_their_way() {
    let app = app(&[]).await;
    let [boss, other, gains] = clerks(&app, &[Role::Administrator]).await;
    let more = ["administrator", "benefits"];
    assert_eq!(give(&boss, &gains, &more).await.status, 303);
    let wish = wish(&app).await;
    // Both come to the roles while somebody else holds them: first whoever asks, then whoever agrees.
    let tenant = app.insurer.database.tenant(app.tenant());
    let held = tenant.write(Durability::Safe).await.unwrap();
    let roles_held = format!(
        "SELECT FROM staff_roles WHERE tenant_id = {} AND role = 'administrator' FOR UPDATE",
        app.tenant()
    );
    diesel::sql_query(roles_held).execute(&mut &*held).await.unwrap();
    let (asked, agreed, ()) = tokio::join!(
        give(&boss, &gains, &more),
        async {
            waiting(1).await;
            agree(&other, &wish).await
        },
        async {
            waiting(2).await;
            held.rollback().await.unwrap();
        }
    );
    assert_eq!((asked.status.as_u16(), agreed.status.as_u16()), (303, 303));
    assert_eq!(states(&app).await, ["done"]);
    assert_eq!(roles(&app, &gains).await, more);
}
