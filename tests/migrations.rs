//! Every migration down and up again, as whoever develops does it: on a database without rows, and on one with them.

use crate::plans::crowd;
use testkit::{TestApp, admin_url, execute, lines, owner_url, service_url, unique, url_of};
use url::Url;

/// Members of the filled database.
const MEMBERS: u32 = 20;
/// Down to here and up again with rows in the tables of earlier migrations: what older binaries work on, and the first day.
const KEPT: [&str; 2] = ["202611260009", "20261123"];

/// A database of one's own, by the superuser, the owner and the service.
pub(crate) struct Own {
    name: String,
    admin: String,
    pub(crate) owner: String,
    pub(crate) service: String,
}

impl Own {
    pub(crate) async fn create() -> Self {
        let name = unique("reverted");
        let owner = user(&owner_url());
        execute(&admin_url(), &format!("CREATE DATABASE \"{name}\" OWNER {owner}"))
            .await
            .unwrap();
        let [admin, owner, service] = [admin_url(), owner_url(), service_url()].map(|url| url_of(&url, &name));
        Self {
            name,
            admin,
            owner,
            service,
        }
    }

    pub(crate) async fn up(&self) -> usize {
        let migrated = database::migrate(&self.owner, &user(&self.service)).await.unwrap();
        migrated.applied.len()
    }

    async fn down(&self, kept: &str) -> usize {
        database::revert(&self.owner, kept).await.unwrap()
    }

    async fn down_and_up(&self) {
        let down = self.down("").await;
        let left = "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace
                AND relname NOT LIKE '\\_\\_diesel%'
            UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
        let left = lines(&self.admin, left).await;
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(self.up().await, down);
    }

    pub(crate) async fn drop(self) {
        execute(&admin_url(), &format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name))
            .await
            .unwrap();
    }
}

fn user(url: &str) -> String {
    Url::parse(url).unwrap().username().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_all_the_way_down_and_up_again_and_twice_up_is_once() {
    let own = Own::create().await;
    assert!(own.up().await > 0);
    assert_eq!(own.up().await, 0);
    own.down_and_up().await;
    own.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_down_and_up_again_with_rows_in_every_state() {
    let own = Own::create().await;
    let app = TestApp::on(&own.owner, &own.service).await;
    app.member().await;
    app.support().await;
    execute(&own.admin, &crowd(app.tenant().0, MEMBERS)).await.unwrap();
    execute(&own.admin, &states(app.tenant().0)).await.unwrap();
    drop(app);
    let people = async || {
        let people = "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE registered)) AS line FROM persons";
        lines(&own.admin, people).await
    };
    let before = people().await;
    for kept in KEPT {
        let down = own.down(kept).await;
        assert_eq!(own.up().await, down, "{kept}");
        assert_eq!(people().await, before, "{kept}");
    }
    own.down_and_up().await;
    own.drop().await;
}

/// What earlier schemas have no place for.
fn states(tenant: i32) -> String {
    format!(
        "INSERT INTO mails SELECT {tenant}, gen_random_uuid(), 'code', '', '', NULL, '', 'undeliverable', 8, NULL, NULL, NULL,
             now(), now();
         INSERT INTO mails SELECT {tenant}, gen_random_uuid(), 'code', '', '', NULL, '', 'kept', 1, NULL, NULL, now(), now();
         INSERT INTO due SELECT {tenant}, 'dead.mail', gen_random_uuid(), now(), now(), 2, now();
         INSERT INTO tasks SELECT {tenant}, gen_random_uuid(), NULL, 'members.edit', 'accounts', gen_random_uuid(), 'open', true,
             NULL, NULL, '{{}}', now();
         INSERT INTO audit_events SELECT {tenant}, gen_random_uuid(), now(), 'support', gen_random_uuid(), 'test.line', 'done',
             NULL, NULL, 'portal', NULL, NULL, '{{}}';
         INSERT INTO statement_deliveries SELECT {tenant}, nth, gen_random_uuid(), kind, '2020-08-01', nth, state, 'x', '', 'x', 1, 0,
             0, 1, '{{2026-06-01}}', '{{}}', loader, CASE WHEN loader IS NOT NULL THEN now() END, now()
             FROM (SELECT nth, kind, state, CASE WHEN state IN ('loading', 'ready') THEN gen_random_uuid() END AS loader
                   FROM unnest(ARRAY['costs', 'medicines']) AS kind,
                       unnest(ARRAY['checked', 'loading', 'ready', 'published', 'replaced', 'withdrawn', 'refused'])
                           WITH ORDINALITY AS states (state, place),
                       LATERAL (SELECT place::int + CASE kind WHEN 'costs' THEN 1000 ELSE 1007 END AS nth) AS numbers) AS deliveries;
         INSERT INTO held_rows SELECT {tenant}, gen_random_uuid(), 1001, 1, 'unknown', '';
         INSERT INTO cost_rows SELECT {tenant}, '2026-06-01', 1001, 1, id, id, 'x', 'medical_out', 1, 'x', 10, 7, 0, 3, 0, 0, false
             FROM (SELECT gen_random_uuid() AS id) AS somebody;
         UPDATE accounts SET proof = 'letter' WHERE tenant_id = {tenant}"
    )
}
