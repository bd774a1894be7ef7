//! Webhooks of the client whose token it is, at the token's insurer: nobody else's exist here.

mod message;
mod rows;
mod shapes;

use clients::{By, Caller};
use kernel::{EventId, WebhookId};
use operations::{
    BASE, Group, Tag,
    answer::{Current, Done, Made, Nothing},
    body::Body,
    call::{Call, Program, up},
    failure::Failure,
    page::{self, Cursor, Limit},
    params::{IdSegment, IfMatch, Query, Rule, Segment},
};
use poem_openapi::{OpenApi, registry::MetaSchema};
use shapes::{WebhookDeliveryList, WebhookList, WebhookObject, WebhookRange, WebhookReplay, WebhookTest, WebhookWish};
use webhooks::{Progress, Webhook, Which, Whose};

struct WebhooksApi;

const PATH: &str = "/webhooks";
const LIST: &str = "list_webhook_deliveries";

/// The operations.
pub fn group() -> Group {
    Group::new(rows::all(), WebhooksApi).refusing(&webhooks::reasons::REASONS)
}

/// How far a delivery is.
struct ProgressWord;

impl Rule for ProgressWord {
    fn schema() -> MetaSchema {
        MetaSchema {
            enum_items: Progress::ALL.map(|progress| progress.as_str().into()).into(),
            ..MetaSchema::new("string")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        Progress::read(text).is_none().then_some("not_a_choice")
    }
}

#[OpenApi(tag = "Tag::Webhooks")]
impl WebhooksApi {
    /// The client's webhooks
    ///
    /// Ten at most, with how each stands; never with what signs.
    #[oai(path = "/webhooks", method = "get", operation_id = "list_webhooks")]
    async fn list(&self, call: Call, Program(program): Program) -> poem::Result<Done<WebhookList>> {
        let tx = call.read(&program).await?;
        let webhooks = up(webhooks::list(&tx, call.now(), program.grant_id).await)?;
        up(tx.commit().await)?;
        Ok(Done(WebhookList {
            webhooks: webhooks.into_iter().map(WebhookObject::from).collect(),
        }))
    }

    /// Set a webhook
    ///
    /// What happens from now on is sent to it. The answer holds the secret by which you verify that a message is ours
    /// (Standard Webhooks 1.0.0); it is shown this once.
    #[oai(path = "/webhooks", method = "post", operation_id = "create_webhook")]
    async fn create(
        &self,
        call: Call,
        Program(program): Program,
        body: Body<WebhookWish>,
    ) -> poem::Result<Made<WebhookObject>> {
        let Body(wish) = body;
        let wish = wish.read();
        let mut tx = call.write(&program).await?;
        let created = call.services.webhooks.create(&mut tx, whose(&call, &program), &wish);
        let revealed = call.done(created.await)?;
        up(tx.commit().await)?;
        Ok(Made {
            location: format!("{BASE}{PATH}/{}", revealed.webhook.webhook_id),
            etag: revealed.webhook.etag(),
            value: revealed.into(),
        })
    }

    /// One webhook
    ///
    /// With the `ETag` by which it is changed; when a message last arrived is no part of that.
    #[oai(path = "/webhooks/:id", method = "get", operation_id = "get_webhook")]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
    ) -> poem::Result<Current<WebhookObject>> {
        let webhook = found(&call, &program, id.read(WebhookId::parse)?).await?;
        Ok(current(webhook))
    }

    /// Replace a webhook
    ///
    /// Its URL and its events, as a whole. What waits already goes to the new URL, at once; the secret stays. One that the insurer's staff
    /// have stopped stays as it is.
    #[oai(path = "/webhooks/:id", method = "put", operation_id = "replace_webhook")]
    async fn replace(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: Body<WebhookWish>,
    ) -> poem::Result<Current<WebhookObject>> {
        let (seen, Body(wish)) = (if_match.of(id.read(WebhookId::parse)?)?, body);
        let wish = wish.read();
        let mut tx = call.write(&program).await?;
        let webhooks = &call.services.webhooks;
        let replaced = webhooks.replace(&mut tx, whose(&call, &program), seen, &wish);
        let webhook = call.done(replaced.await)?;
        up(tx.commit().await)?;
        Ok(current(webhook))
    }

    /// Delete a webhook
    ///
    /// For good: what waits is not sent, and the secret is erased. One that the insurer's staff have stopped is deleted once they have
    /// started it again.
    #[oai(path = "/webhooks/:id", method = "delete", operation_id = "delete_webhook")]
    async fn delete(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> poem::Result<Nothing> {
        let seen = if_match.of(id.read(WebhookId::parse)?)?;
        let mut tx = call.write(&program).await?;
        let ended = call.services.webhooks.end(&mut tx, whose(&call, &program), seen);
        call.done(ended.await)?;
        up(tx.commit().await)?;
        Ok(Nothing)
    }

    /// Make a new secret
    ///
    /// The one before signs as well for another 24 hours: a message then has two signatures, of which either is enough. Where somebody
    /// else has seen the secret, do it twice. It is shown this once.
    #[oai(
        path = "/webhooks/:id/rotate-secret",
        method = "post",
        operation_id = "rotate_webhook_secret"
    )]
    async fn rotate(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> poem::Result<Current<WebhookObject>> {
        let seen = if_match.of(id.read(WebhookId::parse)?)?;
        let mut tx = call.write(&program).await?;
        let rotated = call.services.webhooks.rotate(&mut tx, whose(&call, &program), seen);
        let revealed = call.done(rotated.await)?;
        up(tx.commit().await)?;
        Ok(Current {
            etag: revealed.webhook.etag(),
            value: revealed.into(),
        })
    }

    /// Enable a webhook
    ///
    /// One that was disabled because nothing arrived, or because the client was stopped, is sent to again, from now on; ask for what
    /// happened meanwhile by a replay. Of one that is active what waits for a later try is sent at once, the next 10,000 messages of it.
    #[oai(path = "/webhooks/:id/enable", method = "post", operation_id = "enable_webhook")]
    async fn enable(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
    ) -> poem::Result<Current<WebhookObject>> {
        let id = id.read(WebhookId::parse)?;
        let mut tx = call.write(&program).await?;
        let webhooks = &call.services.webhooks;
        let enabled = webhooks.enable(&mut tx, whose(&call, &program), id, false);
        let enabled = up(enabled.await)?;
        call.finish(tx, enabled.map(current), Current::saved).await
    }

    /// Try a webhook
    ///
    /// Sends a `webhook.test` to this one alone, signed and tried again as any other.
    #[oai(path = "/webhooks/:id/test", method = "post", operation_id = "test_webhook")]
    async fn test(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<WebhookTest>> {
        let id = id.read(WebhookId::parse)?;
        let mut tx = call.write(&program).await?;
        let tested = call.services.webhooks.test(&mut tx, whose(&call, &program), id);
        let sent = up(tested.await)?.map(|event| event.to_string());
        let sent = sent.map(|delivery| Done(WebhookTest { delivery }));
        call.finish(tx, sent, Done::saved).await
    }

    /// Deliveries of a webhook
    ///
    /// What it was told, or is to be, the latest first: for 30 days. Of what a receiver answered no more than the status is kept.
    #[oai(
        path = "/webhooks/:id/deliveries",
        method = "get",
        operation_id = "list_webhook_deliveries"
    )]
    async fn deliveries(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
        /// How far they are.
        state: Query<ProgressWord>,
        /// Lines of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<WebhookDeliveryList>> {
        let id = id.read(WebhookId::parse)?;
        let (list, most) = (call.list(&program, LIST).narrowed(&[&state.text]), page::limit(&limit));
        let after = list.after_of(&id, &cursor)?;
        found(&call, &program, id).await?;
        let which = Which {
            webhook: id,
            progress: state.text.as_deref().and_then(Progress::read),
            with_protected: program.sees_protected(),
            after,
            limit: i64::from(most) + 1,
        };
        let tx = call.read(&program).await?;
        let lines = up(webhooks::list_deliveries(&tx, which).await)?;
        up(tx.commit().await)?;
        let (lines, next) = list.page(lines, most, |line| (id, line.event_id));
        Ok(Done(WebhookDeliveryList {
            next,
            deliveries: lines.into_iter().map(Into::into).collect(),
        }))
    }

    /// Send a delivery once more
    ///
    /// The message goes out again under the id that it had, and is tried as often as a new one. One that waits for a later try is sent at
    /// once, after what waits of the same subject before it.
    #[oai(
        path = "/webhooks/:id/deliveries/:delivery/replay",
        method = "post",
        operation_id = "replay_webhook_delivery"
    )]
    async fn replay(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
        /// `id` of the delivery.
        delivery: Segment<IdSegment>,
    ) -> poem::Result<Done<WebhookReplay>> {
        let event = delivery.read(EventId::parse)?;
        let which = (id.read(WebhookId::parse)?, event);
        let mut tx = call.write(&program).await?;
        let webhooks = &call.services.webhooks;
        let replayed = webhooks.replay(&mut tx, whose(&call, &program), which, program.sees_protected());
        let replayed = up(replayed.await)?;
        call.finish(tx, replayed.map(|()| replay(1)), Done::saved).await
    }

    /// Send deliveries of a time once more
    ///
    /// Those that did not arrive, or all of them: what happened in a range, 10,000 at most. What happened while the webhook was disabled
    /// is among them, and what waits for a later try.
    #[oai(
        path = "/webhooks/:id/replay",
        method = "post",
        operation_id = "replay_webhook_deliveries"
    )]
    async fn replay_range(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the webhook.
        id: Segment<IdSegment>,
        body: Body<WebhookRange>,
    ) -> poem::Result<Done<WebhookReplay>> {
        let (id, Body(range)) = (id.read(WebhookId::parse)?, body);
        let range = range.read(program.sees_protected())?;
        let mut tx = call.write(&program).await?;
        let webhooks = &call.services.webhooks;
        let replayed = webhooks.replay_range(&mut tx, whose(&call, &program), id, range);
        let replayed = up(replayed.await)?;
        call.finish(tx, replayed.map(replay), Done::saved).await
    }
}

fn replay(deliveries: i64) -> Done<WebhookReplay> {
    Done(WebhookReplay { deliveries })
}

async fn found(call: &Call, program: &Caller, id: WebhookId) -> Result<Webhook, Failure> {
    let tx = call.read(program).await?;
    let webhook = up(webhooks::one(&tx, call.now(), program.grant_id, id).await)?;
    up(tx.commit().await)?;
    webhook.ok_or_else(|| Failure::of("not_found"))
}

fn current(webhook: Webhook) -> Current<WebhookObject> {
    Current {
        etag: webhook.etag(),
        value: webhook.into(),
    }
}

fn whose<'a>(call: &'a Call, program: &Caller) -> Whose<'a> {
    Whose {
        grant: program.grant_id,
        client: program.client.client_id,
        by: By {
            actor: program.actor(),
            origin: &call.origin,
        },
    }
}
