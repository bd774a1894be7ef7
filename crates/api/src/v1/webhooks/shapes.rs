//! What the operations on webhooks take and answer, with examples.

use chrono::DateTime;
use operations::{
    failure::{Failure, Flaw},
    text::{Form, Opaque, Text, Time, WITHOUT_NUL},
};
use poem_openapi::{Object, registry::MetaSchema};
use serde_json::{Value, json};
use webhooks::{Delivery, Progress, Range, Revealed, Webhook, Wish};

/// The endpoint and the delivery of the examples.
pub(super) const ID: &str = "0197a3c0-0000-7000-8000-0000000000c1";
pub(super) const DELIVERY: &str = "0197a3c0-0000-7000-8000-0000000000e1";

pub(super) fn wish_example() -> Value {
    json!({
        "url": "https://hooks.example.jp/madoguchi",
        "events": ["member.coverage_lost", "import.finished"],
    })
}

pub(super) fn example() -> Value {
    json!({
        "id": ID,
        "url": "https://hooks.example.jp/madoguchi",
        "events": ["import.finished", "member.coverage_lost"],
        "state": "active",
        "created_at": "2026-11-22T01:00:00Z",
        "last_success_at": "2026-11-24T01:00:04Z",
    })
}

pub(super) fn revealed_example() -> Value {
    json!({
        "id": ID,
        "url": "https://hooks.example.jp/madoguchi",
        "events": ["import.finished", "member.coverage_lost"],
        "state": "active",
        "created_at": "2026-11-22T01:00:00Z",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
    })
}

pub(super) fn delivery_example() -> Value {
    json!({
        "id": DELIVERY,
        "type": "member.coverage_lost",
        "subject": "0197a3c0-0000-7000-8000-000000000105",
        "sequence": 3,
        "happened_at": "2026-11-24T01:00:00Z",
        "state": "waiting",
        "tries": 2,
        "next_at": "2026-11-24T01:05:05Z",
        "status": 503,
    })
}

pub(super) fn range_example() -> Value {
    json!({"from": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"})
}

/// Where a program is told of events.
#[derive(Object)]
#[oai(skip_serializing_if_is_none, rename = "Webhook")]
pub(super) struct WebhookObject {
    /// Its id.
    id: String,
    /// Where messages are sent.
    url: String,
    /// The types of events that it is told of.
    events: Vec<String>,
    /// `active`, or `disabled`: then nothing is sent.
    state: String,
    /// Why it is disabled: `failing` (nothing arrived for five days), `gone` (it answered 410), `stopped_by_insurer`, or `client_stopped`
    /// (the client was suspended or its grant taken back).
    disabled_because: Option<String>,
    /// When it was made.
    created_at: Time,
    /// When a message last arrived.
    last_success_at: Option<Time>,
    /// Since when none has, though it was tried.
    failing_since: Option<Time>,
    /// Until when the secret before signs as well, for a day after a new one was made.
    old_secret_until: Option<Time>,
    /// What signs, `whsec_…`: in the answers that make one, and never again.
    secret: Option<String>,
}

/// The client's webhooks at this insurer.
#[derive(Object)]
pub(super) struct WebhookList {
    /// The first made first.
    pub(super) webhooks: Vec<WebhookObject>,
}

/// How an endpoint is to be, as a whole.
#[derive(Object)]
pub(super) struct WebhookWish {
    /// Where messages are sent: `https`, without user information or fragment, at a public address, up to 1,000 characters.
    url: Text<UrlForm>,
    /// The types of events that it is told of: `consent.given`, `disclosure.changed`, `import.finished`, `mail.undeliverable`,
    /// `member.coverage_lost`, `member.registered`, `member.returned`, `notice.published`, `statement.imported`, `statement.published`,
    /// `statement.withdrawn`. `import.finished` comes whenever an import of the roster comes to rest: it was imported, refused or broken
    /// off, or a program's waits as `compared`; what it is, the import says. Those whose subject the client has no scope to read are not sent.
    #[oai(validator(min_items = 1, max_items = 50))]
    events: Vec<Text<Opaque>>,
}

/// What an endpoint is told of an event, and what became of it.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct WebhookDelivery {
    /// The message's `webhook-id`.
    id: String,
    /// The type of the event.
    r#type: String,
    /// The id of what it happened to.
    subject: String,
    /// Where it stands among what this endpoint is told of that.
    sequence: i64,
    /// When it happened.
    happened_at: Time,
    /// `waiting`, `delivered`, `failed` (tried eight times in vain) or `given_up` (not tried any more).
    state: String,
    /// How often it was tried.
    tries: i32,
    /// When it is tried next.
    next_at: Option<Time>,
    /// The status of the last answer.
    status: Option<i32>,
    /// Why there was none (`timeout`, `no_address`, `address_refused`, `no_connection`, `tls`, `no_answer`, `never_ended`, `internal`,
    /// `unnoted`), or why it was given up (`disabled`, `client_stopped`, `withheld`, `address_refused`).
    reason: Option<String>,
    /// When it came to its end.
    finished_at: Option<Time>,
}

/// A page of deliveries, the latest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct WebhookDeliveryList {
    /// The deliveries.
    pub(super) deliveries: Vec<WebhookDelivery>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// Which deliveries are sent once more.
#[derive(Object)]
pub(super) struct WebhookRange {
    /// The beginning of the range, within the last 30 days: what happened at this moment is in it.
    from: Text<MomentForm>,
    /// Its end: what happened at this moment is not in it any more.
    until: Text<MomentForm>,
    /// True to send what has arrived, too; without it only what did not.
    #[oai(default)]
    delivered: bool,
}

/// A message that was made to try an endpoint.
#[derive(Object)]
pub(super) struct WebhookTest {
    /// `id` of its delivery, the `webhook-id` of the message.
    pub(super) delivery: String,
}

/// How many deliveries are sent once more.
#[derive(Object)]
pub(super) struct WebhookReplay {
    /// How many messages are sent once more.
    pub(super) deliveries: i64,
}

pub(super) struct UrlForm;

impl Form for UrlForm {
    fn schema() -> MetaSchema {
        MetaSchema {
            min_length: Some(1),
            max_length: Some(1000),
            pattern: Some(WITHOUT_NUL.into()),
            ..MetaSchema::new_with_format("string", "uri")
        }
    }
}

pub(super) struct MomentForm;

impl Form for MomentForm {
    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(40),
            pattern: Some("^[0-9Tt:.Zz+-]*$".into()),
            ..MetaSchema::new_with_format("string", "date-time")
        }
    }
}

impl WebhookWish {
    pub(super) fn read(self) -> Wish {
        Wish {
            url: self.url.into_string(),
            events: self.events.into_iter().map(Text::into_string).collect(),
        }
    }
}

impl WebhookRange {
    pub(super) fn read(self, with_protected: bool) -> Result<Range, Failure> {
        let mut flaws = Vec::new();
        let mut moment = |name: &str, text: Text<MomentForm>| {
            let read = DateTime::parse_from_rfc3339(&text.into_string()).ok();
            if read.is_none() {
                flaws.push(Flaw::new(format!("/{name}"), "type").asking(&MomentForm::schema()));
            }
            read.map(|at| at.to_utc())
        };
        let (from, until) = (moment("from", self.from), moment("until", self.until));
        match from.zip(until) {
            Some((from, until)) => Ok(Range {
                from,
                until,
                delivered: self.delivered,
                with_protected,
            }),
            None => Err(Failure::fields(flaws)),
        }
    }
}

impl From<Webhook> for WebhookObject {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.webhook_id.to_string(),
            state: webhook.state.as_str().into(),
            disabled_because: webhook.why.map(|why| why.as_str().into()),
            created_at: webhook.created_at.into(),
            last_success_at: webhook.last_success_at.map(Time::from),
            failing_since: webhook.failing_since.map(Time::from),
            old_secret_until: webhook.old_until.map(Time::from),
            url: webhook.url,
            events: webhook.events,
            secret: None,
        }
    }
}

impl From<Revealed> for WebhookObject {
    fn from(revealed: Revealed) -> Self {
        Self {
            secret: Some(revealed.secret),
            ..revealed.webhook.into()
        }
    }
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.event_id.to_string(),
            state: Progress::as_str(delivery.progress()).into(),
            subject: delivery.subject.to_string(),
            sequence: delivery.sequence,
            happened_at: delivery.happened_at.into(),
            tries: delivery.tries,
            next_at: delivery.next_at.map(Time::from),
            status: delivery.status,
            reason: delivery.reason,
            finished_at: delivery.finished_at.map(Time::from),
            r#type: delivery.kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        assert!(flaws::<WebhookWish>(&wish_example()).is_empty());
        assert!(flaws::<WebhookObject>(&example()).is_empty());
        assert!(flaws::<WebhookObject>(&revealed_example()).is_empty());
        assert!(flaws::<WebhookDelivery>(&delivery_example()).is_empty());
        assert!(flaws::<WebhookRange>(&range_example()).is_empty());
    }
}
