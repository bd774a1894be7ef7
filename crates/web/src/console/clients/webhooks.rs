//! 接続先 of a client, as an insurer's administrators see them: how each stands, what it was told and what became of it; stopped,
//! started, tried. Set and changed they are by the client's program, and what signs is nobody's to see here.

mod deed;
mod range;

use super::{by, read, state as state_of_client};
use crate::console::{GET, POST};
use access::{CLIENTS_MANAGE, MEMBERS_PROTECT};
use askama::Template;
use chrono::{DateTime, Utc};
use clients::{Grant, Standing};
use database::{DatabaseError, Durability, TenantTransaction};
use deed::Deed;
use kernel::{ClientId, EventId, Outcome, Refusal, WebhookId, calendar, outcome};
use pages::{
    Reply, Row, Visit,
    frame::{Errors, Frame},
    reply::see_other,
    staff,
    visit::{Trouble, settle},
};
use staff::Clerk;
use webhooks::{Delivery, Progress, Webhook, Which, Whose, Why};

/// Deliveries of a page.
const LINES: usize = 50;

/// What stands against whatever is sent, where nothing is …
fn disabled() -> Errors {
    Errors::of_form("通知を停止しています", "先に、通知を再開してください。")
}

/// … and where the client may not come in.
fn client_stopped() -> Errors {
    Errors::of_form(
        "連携先が停止しているか、利用が終わっています",
        "先に、連携先の画面で、連携先を使えるようにしてください。",
    )
}

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let may = CLIENTS_MANAGE;
    let mut rows = vec![
        staff(
            GET,
            "/console/clients/:id/webhooks/:webhook",
            "console.webhook",
            may,
            show,
        ),
        staff(
            POST,
            "/console/clients/:id/webhooks/:webhook/deliveries/:delivery/replay",
            "console.webhook.replay",
            may,
            replay,
        ),
    ];
    rows.extend(deed::rows());
    rows.extend(range::rows());
    rows
}

/// An endpoint as it is listed.
pub(super) struct Line {
    pub(super) path: String,
    pub(super) url: String,
    pub(super) state: &'static str,
    pub(super) is_well: bool,
    pub(super) events: String,
    pub(super) last_success: String,
}

impl Line {
    fn new(visit: &Visit, grant: &Grant, webhook: &Webhook) -> Self {
        let labels = webhook.events.iter().map(|kind| visit.services.webhooks.label(kind));
        let (state, is_well) = match (webhook.why, webhook.failing_since) {
            (Some(Why::ClientStopped), _) => ("停止中（連携先の停止による）", false),
            (None, _) if !is_in(grant, visit.now) => ("送っていません（連携先の停止による）", false),
            (Some(Why::Failing), _) => ("停止中（届かないため）", false),
            (Some(Why::Gone), _) => ("停止中（なくなったため）", false),
            (Some(Why::Stopped), _) => ("停止中（職員による）", false),
            (None, Some(_)) => ("届いていません", false),
            (None, None) => ("利用中", true),
        };
        Self {
            path: path(grant.client.client_id, webhook.webhook_id),
            url: webhook.url.clone(),
            state,
            is_well,
            events: labels.collect::<Vec<_>>().join("、"),
            last_success: webhook.last_success_at.map_or_else(
                || "まだありません".to_owned(),
                |at| calendar::moment_or_time(at, visit.now),
            ),
        }
    }
}

/// A client's endpoints.
pub(super) async fn lines(visit: &Visit, tx: &TenantTransaction, grant: &Grant) -> Result<Vec<Line>, DatabaseError> {
    let webhooks = webhooks::list(tx, visit.now, grant.grant_id).await?;
    Ok(webhooks
        .iter()
        .map(|webhook| Line::new(visit, grant, webhook))
        .collect())
}

fn path(client: ClientId, webhook: WebhookId) -> String {
    format!("/console/clients/{client}/webhooks/{webhook}")
}

/// Whether a client may come in here.
fn is_in(grant: &Grant, now: DateTime<Utc>) -> bool {
    standing(grant, now) == Standing::Active
}

fn standing(grant: &Grant, now: DateTime<Utc>) -> Standing {
    grant.standing(calendar::today_in_japan(now))
}

/// The endpoint of an address, with its client's grant.
struct Found {
    grant: Grant,
    webhook: Webhook,
}

impl Found {
    async fn find(visit: &Visit, tx: &TenantTransaction) -> Result<Self, Trouble> {
        let client = ClientId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
        let webhook = WebhookId::parse(visit.param("webhook")).ok_or(Trouble::NotFound)?;
        let shown = visit.services.clients.one(tx, client).await?.ok_or(Trouble::NotFound)?;
        let webhook = webhooks::one(tx, visit.now, shown.grant.grant_id, webhook).await?;
        Ok(Self {
            grant: shown.grant,
            webhook: webhook.ok_or(Trouble::NotFound)?,
        })
    }

    async fn read(visit: &Visit, clerk: &Clerk) -> Result<Self, Trouble> {
        let tx = read(visit, clerk.insurer.tenant_id).await?;
        let found = Self::find(visit, &tx).await?;
        tx.commit().await?;
        Ok(found)
    }

    fn path(&self) -> String {
        path(self.grant.client.client_id, self.webhook.webhook_id)
    }

    fn line(&self, visit: &Visit) -> Line {
        Line::new(visit, &self.grant, &self.webhook)
    }

    fn is_client_in(&self, now: DateTime<Utc>) -> bool {
        is_in(&self.grant, now)
    }

    /// True where something is sent to it.
    fn is_sent_to(&self, now: DateTime<Utc>) -> bool {
        self.webhook.is_active() && self.is_client_in(now)
    }
}

#[derive(Template)]
#[template(path = "console/webhook.html")]
struct WebhookPage {
    frame: Frame,
    back: String,
    client: String,
    /// How the client stands.
    client_state: &'static str,
    line: Line,
    failing_since: Option<String>,
    created_at: String,
    /// What is to be known of how it stands.
    words: Option<&'static str>,
    deeds: Vec<(String, &'static str)>,
    deliveries: Vec<DeliveryLine>,
    /// True of a page behind the newest.
    is_older: bool,
    more: Option<String>,
}

struct DeliveryLine {
    happened_at: String,
    kind: &'static str,
    state: &'static str,
    tries: String,
    answer: String,
    next_at: String,
    /// Where it is sent once more, if it may be.
    replay: Option<String>,
}

impl DeliveryLine {
    fn new(visit: &Visit, found: &Found, delivery: &Delivery) -> Self {
        let progress = delivery.progress();
        let is_now = delivery.next_at.is_some_and(|at| at <= visit.now);
        let may_replay = found.is_sent_to(visit.now) && !is_now;
        // Sent once more, it is counted anew; how the last try ended stays until the next.
        let was_tried = delivery.status.is_some() || delivery.reason.is_some();
        let is_anew = progress == Progress::Waiting && delivery.tries == 0 && was_tried;
        let [of_tries, of_answer] = if is_anew {
            ["（これから送り直し）", "（前に送ったとき）"]
        } else {
            ["", ""]
        };
        Self {
            happened_at: calendar::moment(delivery.happened_at),
            kind: visit.services.webhooks.label(&delivery.kind),
            state: state(progress),
            tries: format!("{}回{of_tries}", delivery.tries),
            answer: format!("{}{of_answer}", answer(delivery)),
            next_at: delivery
                .next_at
                .map_or_else(|| "なし".to_owned(), |at| calendar::moment_or_time(at, visit.now)),
            replay: may_replay.then(|| format!("{}/deliveries/{}/replay", found.path(), delivery.event_id)),
        }
    }
}

fn state(progress: Progress) -> &'static str {
    match progress {
        Progress::Waiting => "送信待ち",
        Progress::Delivered => "送信済み",
        Progress::Failed => "届きませんでした",
        Progress::GivenUp => "送信中止",
    }
}

/// How the last try ended, or why there is none any more.
fn answer(delivery: &Delivery) -> String {
    let said = match (delivery.status, delivery.reason.as_deref()) {
        (Some(status), None) => return format!("応答{status}"),
        (_, None) => "なし",
        (_, Some("timeout")) => "15秒以内に応答なし",
        (_, Some("no_address")) => "アドレスが見つからない",
        (_, Some("address_refused")) => "公開されていないアドレス",
        (_, Some("no_connection")) => "つながらない",
        (_, Some("tls")) => "証明書を確かめられない",
        (_, Some("no_answer")) => "応答の途中で切断",
        (_, Some("disabled")) => "通知を停止中",
        (_, Some("client_stopped")) => "連携先の停止",
        (_, Some("withheld")) => "権限の範囲の外",
        (_, Some(_)) => "送信できない",
    };
    said.to_owned()
}

/// `GET /console/clients/:id/webhooks/:webhook`.
async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let tx = read(&visit, clerk.insurer.tenant_id).await?;
    let found = Found::find(&visit, &tx).await?;
    let which = Which {
        webhook: found.webhook.webhook_id,
        progress: None,
        with_protected: clerk.may(MEMBERS_PROTECT),
        after: EventId::parse(visit.query.text("after")),
        limit: i64::try_from(LINES).unwrap_or(i64::MAX).saturating_add(1),
    };
    let mut deliveries = webhooks::list_deliveries(&tx, which).await?;
    tx.commit().await?;
    let has_more = deliveries.len() > LINES;
    deliveries.truncate(LINES);
    let last = deliveries.last().filter(|_| has_more).map(|delivery| delivery.event_id);
    let fitting = Deed::ALL.into_iter().filter(|deed| deed.fits(&found, visit.now));
    let at = |at: DateTime<Utc>| calendar::moment_or_time(at, visit.now);
    visit.html(&WebhookPage {
        frame: visit.frame().in_section("/console/clients"),
        back: format!("/console/clients/{}", found.grant.client.client_id),
        client: found.grant.name.clone(),
        client_state: state_of_client(standing(&found.grant, visit.now)),
        line: found.line(&visit),
        failing_since: found.webhook.failing_since.map(at),
        created_at: calendar::moment(found.webhook.created_at),
        words: words(&found, visit.now),
        deeds: fitting
            .map(|deed| (format!("{}/{}", found.path(), deed.verb()), deed.heading()))
            .chain(
                found
                    .is_sent_to(visit.now)
                    .then(|| (range::path(&found), range::HEADING)),
            )
            .collect(),
        deliveries: deliveries
            .iter()
            .map(|delivery| DeliveryLine::new(&visit, &found, delivery))
            .collect(),
        is_older: which.after.is_some(),
        more: last.map(|last| format!("{}?after={last}", found.path())),
    })
}

fn words(found: &Found, now: DateTime<Utc>) -> Option<&'static str> {
    let webhook = &found.webhook;
    if !found.is_client_in(now) {
        return Some(if webhook.is_active() {
            "連携先が停止しているか、利用が終わっているため、通知は送られません。"
        } else {
            "連携先が停止しているか、利用が終わっているため、通知は送られません。連携先を使えるようにした後に、通知を再開してください。"
        });
    }
    match (webhook.why, webhook.failing_since) {
        (Some(Why::ClientStopped), _) => Some(
            "連携先を停止したときに、通知も停止しました。この接続先が今も連携先のものであることを、連携先の担当者に確かめてから、通知を再開してください。",
        ),
        (Some(Why::Failing), _) => Some(
            "5日間、通知が一度も届かなかったため、自動で停止しました。連携先の担当者に、接続先の状態を確かめてもらってください。",
        ),
        (Some(Why::Gone), _) => Some(
            "接続先から、もう使われていないという応答があったため、自動で停止しました。連携先の担当者に確かめてください。",
        ),
        (Some(Why::Stopped), _) => Some("職員が停止しています。再開するまで、通知は送られません。"),
        (None, Some(_)) => Some("通知が届いていません。間隔をあけて、自動で送り直しています。"),
        (None, None) => None,
    }
}

/// `POST …/deliveries/:delivery/replay`.
async fn replay(visit: Visit, clerk: Clerk) -> Reply {
    let event = EventId::parse(visit.param("delivery")).ok_or(Trouble::NotFound)?;
    let mut tx = write(&visit, &clerk).await?;
    let found = Found::find(&visit, &tx).await?;
    let whose = Whose::new(&found.grant, by(&visit, &clerk));
    let which = (found.webhook.webhook_id, event);
    let webhooks = &visit.services.webhooks;
    let done = webhooks
        .replay(&mut tx, whose, which, clerk.may(MEMBERS_PROTECT))
        .await?;
    match end(tx, done).await {
        Ok(()) => Ok(visit.done(see_other(&found.path()), "送り直します。")),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => Ok(visit.form_again(&refusal, &found.path(), &[]).await),
    }
}

/// Commits what was done.
async fn end<T>(tx: TenantTransaction, done: Outcome<T>) -> Result<T, Refusal> {
    let done = settle(Ok(done))?;
    settle(tx.commit().await.map(Outcome::Done).map_err(Into::into))?;
    Ok(done)
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, DatabaseError> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    tenant.write(Durability::Safe).await
}
