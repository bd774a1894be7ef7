//! Webhooks at the large insurer: an endpoint that was told much, and for which much waits, among many others.

use crate::{
    portal::leads,
    webhooks::{
        EVENTS, Hook, happens, id_at, lost,
        receiver::{Answer, Receiver},
    },
};
use access::Role;
use chrono::TimeDelta;
use local_cluster::{DATABASE, LocalCluster};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer as Said, TestApp};
use uuid::Uuid;

/// Endpoints of each client of the crowd.
const EACH: u32 = 2;
/// Messages that have arrived at the endpoint.
const ARRIVED: u32 = 20_000;
/// Subjects of which a message waits there for a try to come …
const SUBJECTS: u32 = 500;
/// … and messages that stand behind it.
const BEHIND: u32 = 3;
/// Messages that have served their time, in each round.
const OLD: usize = 10;
/// Messages in vain, in each round.
const LOST: u32 = 10;

const DELIVERIES: &str =
    "INSERT INTO webhook_deliveries (tenant_id, webhook_id, event_id, kind, subject, sequence, position, happened_at, state, tries,
    next_at, status, finished_at)";

/// Endpoints of the crowd's clients, of each of which the large insurer's were told so much. Written as the crowd is.
pub(super) fn told(tenant: i32, much: u32) -> String {
    let id = id_at("at", "n");
    format!(
        "INSERT INTO webhook_cursors SELECT DISTINCT tenant, 0 FROM crowd WHERE tenant <> {tenant};
         INSERT INTO webhook_endpoints SELECT tenant, md5('hook' || e || account)::uuid, account, 'https://hooks.example.jp/' || e,
             '{{import.finished}}', 'active', NULL, 0, 1, '', NULL, NULL, now(), NULL, NULL, NULL FROM few, generate_series(1, {EACH}) e;
         {DELIVERIES} SELECT tenant_id, webhook_id, {id}, 'import.finished', md5('import' || n)::uuid, 1, n, at, 'delivered', 1, NULL, 200, at
             FROM webhook_endpoints, generate_series(1, {much}) n, (SELECT timestamptz '2026-11-20' AS at) moment
             WHERE tenant_id = {tenant} OR n <= 5;
         INSERT INTO webhook_sequences SELECT tenant_id, webhook_id, subject, 1 FROM webhook_deliveries;"
    )
}

/// The endpoint, and who is behind it.
pub(super) struct Hooked {
    receiver: Receiver,
    hook: Hook,
}

impl Hooked {
    pub(super) async fn set(app: &TestApp) -> Self {
        let receiver = Receiver::start(Answer::Status(200)).await;
        let hook = Hook::of(app, &receiver, &EVENTS).await;
        Self { receiver, hook }
    }

    /// What it was told, and what waits for it.
    pub(super) fn much(&self, tenant: i32) -> String {
        let (id, hook) = (id_at("at", "n"), &self.hook.id);
        format!(
            "{DELIVERIES} SELECT {tenant}, '{hook}', {id}, 'member.returned', md5('told' || n)::uuid, 1, n, at, 'delivered', 1, NULL, 200, at
                 FROM (SELECT n, timestamptz '2026-11-20' - n % 20 * interval '1 day' AS at FROM generate_series(1, {ARRIVED}) n) told;
             {DELIVERIES} SELECT {tenant}, '{hook}', {id}, 'member.returned', md5('waits' || n % {SUBJECTS})::uuid, 1, n, at, 'waiting', 1,
                 timestamptz '2027-01-01', 503, NULL
                 FROM generate_series(1, {SUBJECTS} * (1 + {BEHIND})) n, (SELECT timestamptz '2026-11-21' AS at) moment;
             INSERT INTO webhook_sequences SELECT DISTINCT tenant_id, webhook_id, subject, 1 FROM webhook_deliveries
                 WHERE webhook_id = '{hook}'"
        )
    }

    /// In each round messages on their way, all that its program and the insurer's staff may do, and what every hour takes away.
    pub(super) async fn walk(&self, app: &TestApp, cluster: &LocalCluster) {
        // As if what stands behind others had come a moment ago.
        let due = format!(
            "UPDATE webhook_deliveries SET next_at = happened_at WHERE webhook_id = '{}' AND state = 'waiting' AND position > {SUBJECTS}",
            self.hook.id
        );
        own(app, &due).await;
        self.send(app, cluster).await;
        self.operate(app, cluster).await;
        self.look(app).await;
        self.end_another(app).await;
        self.sweep(app).await;
    }

    /// Of three subjects one message is taken, one later, and one stands behind that.
    async fn send(&self, app: &TestApp, cluster: &LocalCluster) {
        vacuum(cluster);
        app.work().await;
        let subjects: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
        let known = self.receiver.taken().len();
        happens(app, "member.coverage_lost", &subjects).await;
        self.receiver.next(&[Answer::Status(503)]);
        app.work().await;
        happens(app, "member.returned", &subjects).await;
        app.work().await;
        app.later(5);
        app.work().await;
        assert_eq!(self.receiver.taken().len(), known + 7);
    }

    async fn act(&self, method: Method, verb: &str, body: Option<Value>) -> Said {
        let done = self.hook.act(method, verb, body).await;
        assert_eq!(done.status, 200, "{verb}: {}", done.text);
        done
    }

    /// What its program does.
    async fn operate(&self, app: &TestApp, cluster: &LocalCluster) {
        let (get, post, now) = (Method::GET, Method::POST, app.clock().now());
        let program = &self.hook.program;
        let request = program.request(get.clone(), "/api/v1/webhooks");
        let listed = program.send(request.bearer_auth(program.new_token(&[]).await)).await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        self.act(get.clone(), "", None).await;
        lost(app, &self.hook.id, now - TimeDelta::days(10), LOST).await;
        for state in [
            "",
            "&state=waiting",
            "&state=delivered",
            "&state=given_up",
            "&state=failed",
        ] {
            let list = format!("/deliveries?limit=5{state}");
            let listed = self.act(get.clone(), &list, None).await.json();
            if let Some(next) = listed["next"].as_str() {
                self.act(get.clone(), &format!("{list}&cursor={next}"), None).await;
            }
            if ["&state=failed", "&state=waiting"].contains(&state) {
                let one = listed["deliveries"][0]["id"].as_str().unwrap();
                self.act(post.clone(), &format!("/deliveries/{one}/replay"), None).await;
            }
        }
        for (range, least) in [
            (json!({ "from": now - TimeDelta::days(29), "until": now }), LOST - 1),
            (
                json!({ "from": now - TimeDelta::seconds(9), "until": now, "delivered": true }),
                3,
            ),
        ] {
            let again = self.act(post.clone(), "/replay", Some(range)).await.json();
            assert!(again["deliveries"].as_u64() >= Some(least.into()), "{again}");
        }
        self.wait_again(app).await;
        vacuum(cluster);
        app.work().await;
        let wish = json!({ "url": self.receiver.url(), "events": EVENTS });
        self.act(Method::PUT, "", Some(wish)).await;
        self.act(post.clone(), "/rotate-secret", None).await;
        self.act(post.clone(), "/enable", None).await;
        self.wait_again(app).await;
        vacuum(cluster);
        self.act(post, "/test", None).await;
        app.work().await;
    }

    /// As if what was to be tried later had not been asked for at once.
    async fn wait_again(&self, app: &TestApp) {
        let later = format!(
            "UPDATE webhook_deliveries SET next_at = '2027-01-01' WHERE webhook_id = '{}' AND state = 'waiting' AND status = 503",
            self.hook.id
        );
        own(app, &later).await;
    }

    /// What staff see.
    async fn look(&self, app: &TestApp) {
        let boss = app.clerk(&[Role::Administrator]).await;
        let client = format!("/console/clients/{}", self.hook.program.name.client_id);
        let page = format!("{client}/webhooks/{}", self.hook.id);
        assert_eq!(boss.get(&client).await.status, 200);
        let shown = boss.get(&page).await;
        let older = shown.text.split("?after=").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(boss.get(&format!("{page}?after={older}")).await.status, 200);
        let range = [("from", "2026-11-01 00:00"), ("until", "2026-11-22 00:00")];
        let asked = format!("{page}/replay?from=2026-11-01+00:00&until=2026-11-22+00:00");
        assert_eq!(boss.get(&asked).await.status, 200);
        leads(&boss.post(&format!("{page}/replay"), &range).await, &page);
        self.wait_again(app).await;
    }

    /// Another of the client's: gone, enabled, stopped and started by staff, and ended.
    async fn end_another(&self, app: &TestApp) {
        let boss = app.clerk(&[Role::Administrator]).await;
        let program = &self.hook.program;
        let token = program.new_token(&[]).await;
        let request = program.request(Method::POST, "/api/v1/webhooks").bearer_auth(token);
        let wish = json!({ "url": format!("{}&another", self.receiver.url()), "events": ["notice.published"] });
        let made = program.send(request.json(&wish)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let page = format!("/console/clients/{}/webhooks/{id}", program.name.client_id);
        self.receiver.next(&[Answer::Status(410)]);
        leads(&boss.press(&format!("{page}/test")).await, &page);
        app.work().await;
        for deed in ["start", "test", "stop", "start"] {
            leads(&boss.press(&format!("{page}/{deed}")).await, &page);
        }
        let token = program.new_token(&[]).await;
        let request = program.request(Method::DELETE, &format!("/api/v1/webhooks/{id}"));
        let ended = program.send(request.bearer_auth(token).header("if-match", "*")).await;
        assert_eq!(ended.status, 204, "{}", ended.text);
        app.work().await;
    }

    /// What every hour takes away: the old, the secret that was rotated, and what is left of the other.
    async fn sweep(&self, app: &TestApp) {
        let old = format!(
            "{DELIVERIES} SELECT {}, '{}', {}, 'member.returned', md5('old' || n)::uuid, 1, n, at, 'delivered', 1, NULL, 200, at
             FROM generate_series(1, {OLD}) n, (SELECT timestamptz '2026-10-01' AS at) moment",
            app.tenant(),
            self.hook.id,
            id_at("at", "n")
        );
        own(app, &old).await;
        let mut tx = app.write(app.tenant()).await;
        let tomorrow = app.clock().now() + TimeDelta::hours(25);
        // The secret, two messages, their sequence and the endpoint.
        assert_eq!(webhooks::sweep(&mut tx, tomorrow).await.unwrap(), OLD + 5);
        tx.commit().await.unwrap();
    }
}

/// Thousands of messages were sent once more and put off again: what they were lies in the index of what is due until then.
fn vacuum(cluster: &LocalCluster) {
    cluster.sql(DATABASE, "VACUUM webhook_deliveries").unwrap();
}

/// As the owner.
async fn own(app: &TestApp, statements: &str) {
    testkit::execute_within(&app.insurer.owner_url(), Some(app.tenant()), statements)
        .await
        .unwrap();
}
