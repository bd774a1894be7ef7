//! Endpoints set, changed, ended, stopped and started again. Each in a transaction that it is given, with its line in the trail.

use crate::{
    Webhook, Webhooks, Whose,
    again::hasten,
    deliveries::give_up,
    endpoint::{self, ENDED, Row, State, Why, stands},
    fields,
    reasons::{CLIENT_STOPPED, EXISTS, STOPPED, TOO_MANY},
    schema::webhook_endpoints,
    sign::Secret,
    trail::record,
};
use chrono::{DateTime, TimeDelta, Utc};
use clients::{Hanging, Standing};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{
    ClientGrantId, Field, FieldError, Outcome, Problem, Refusal, WebhookId, calendar,
    outcome::{CONDITION_FAILED, NOT_FOUND},
};
use serde_json::json;
use std::collections::BTreeSet;
use url::Url;

/// How long a secret signs beside the one that took its place.
pub const OLD_SECRET_SIGNS: TimeDelta = TimeDelta::hours(24);
/// What of this crate hangs on a grant: its endpoints are disabled when it is shut out, until somebody starts each by hand. Whoever has
/// set one with a secret that leaked would be told of everything again when the client is resumed.
pub const HANGING: Hanging = |tx, now, (grant, _)| Box::pin(shut_out(tx, now, grant));

/// Endpoints of a grant.
const MOST: i64 = 10;

/// How an endpoint is to be, as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Where it is.
    pub url: String,
    /// Names of kinds of events.
    pub events: Vec<String>,
}

/// An endpoint with a secret that was just made: shown once, kept nowhere in clear.
#[derive(Clone)]
pub struct Revealed {
    /// The endpoint.
    pub webhook: Webhook,
    /// `whsec_…`.
    pub secret: String,
}

impl Webhooks {
    /// Sets a new one: what happens from now on is sent to it.
    pub async fn create(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        wish: &Wish,
    ) -> Result<Outcome<Revealed>, DatabaseError> {
        let (now, tenant) = (self.clock.now(), tx.tenant());
        let (url, kinds) = match self.read(wish) {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        // Of two at the same time one waits here, so that they count each other.
        hold_cursor(tx).await?;
        if let Some(refusal) = self.client_stopped(tx, now, whose.grant).await? {
            return Ok(refusal.into());
        }
        if let Some(refusal) = self.against(tx, whose.grant, &url, None).await? {
            return Ok(refusal.into());
        }
        let (id, secret) = (WebhookId::new(now), Secret::random());
        let detail = json!({ "webhook": id, "host": url.host_str(), "events": kinds });
        record(tx, now, whose, "webhook.create", detail).await?;
        let position = jobs::events::follow(tx).await?;
        diesel::insert_into(webhook_endpoints::table)
            .values((
                webhook_endpoints::tenant_id.eq(tenant),
                webhook_endpoints::webhook_id.eq(id),
                webhook_endpoints::grant_id.eq(whose.grant),
                webhook_endpoints::url.eq(url.as_str()),
                webhook_endpoints::kinds.eq(kinds),
                webhook_endpoints::state.eq(State::Active.as_str()),
                webhook_endpoints::after_position.eq(position),
                webhook_endpoints::version.eq(1),
                webhook_endpoints::secret.eq(secret.seal(&self.keys, tenant, id)),
                webhook_endpoints::created_at.eq(now),
            ))
            .execute(&mut **tx)
            .await?;
        begin_cursor(tx, position).await?;
        let webhook = endpoint::one(tx, now, whose.grant, id).await?;
        Ok(webhook.map_or_else(
            || NOT_FOUND.into(),
            |webhook| {
                Outcome::Done(Revealed {
                    webhook,
                    secret: secret.reveal(),
                })
            },
        ))
    }

    /// Puts one as a whole, where it is `known` to whoever does. What waits already goes to where it is from now on, at once where that is
    /// another place. What staff have stopped stays as it is: at another URL its own would be free for another.
    pub async fn replace(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        (id, known): (WebhookId, impl Fn(&str) -> bool),
        wish: &Wish,
    ) -> Result<Outcome<Webhook>, DatabaseError> {
        let now = self.clock.now();
        let (url, kinds) = match self.read(wish) {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        hold_cursor(tx).await?;
        let row = match found(tx, now, whose.grant, (id, known)).await? {
            Outcome::Done(row) => row,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if row.is_stopped() {
            return Ok(STOPPED.into());
        }
        if let Some(refusal) = self.against(tx, whose.grant, &url, Some(id)).await? {
            return Ok(refusal.into());
        }
        // Another place has not failed yet.
        let is_moved = url.as_str() != row.url;
        let detail = json!({ "webhook": id, "host": url.host_str(), "events": kinds });
        record(tx, now, whose, "webhook.change", detail).await?;
        diesel::update(webhook_endpoints::table.find((tx.tenant(), id)))
            .set((
                webhook_endpoints::url.eq(url.as_str()),
                webhook_endpoints::kinds.eq(kinds),
                webhook_endpoints::version.eq(row.version + 1),
                is_moved.then_some(webhook_endpoints::failing_since.eq(None::<DateTime<Utc>>)),
            ))
            .execute(&mut **tx)
            .await?;
        if is_moved {
            hasten(tx, now, id).await?;
        }
        as_it_is(tx, now, whose.grant, id).await
    }

    /// Ends one for good, where it is `known`: what waits is not sent, and what signs is erased. None that staff have stopped: made anew it
    /// would be active.
    pub async fn end(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        seen: (WebhookId, impl Fn(&str) -> bool),
    ) -> Result<Outcome<()>, DatabaseError> {
        let (now, id) = (self.clock.now(), seen.0);
        match found(tx, now, whose.grant, seen).await? {
            Outcome::Done(row) if row.is_stopped() => return Ok(STOPPED.into()),
            Outcome::Done(_) => {}
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        }
        record(tx, now, whose, "webhook.end", json!({ "webhook": id })).await?;
        give_up(tx, now, id, ENDED).await?;
        diesel::update(webhook_endpoints::table.find((tx.tenant(), id)))
            .set((
                webhook_endpoints::state.eq(ENDED),
                webhook_endpoints::secret.eq(None::<Vec<u8>>),
                webhook_endpoints::old_secret.eq(None::<Vec<u8>>),
                webhook_endpoints::ended_at.eq(now),
            ))
            .execute(&mut **tx)
            .await?;
        Ok(Outcome::Done(()))
    }

    /// Makes another secret, where it is `known`. The one before signs as well for another day; what was before that ends at once.
    pub async fn rotate(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        seen: (WebhookId, impl Fn(&str) -> bool),
    ) -> Result<Outcome<Revealed>, DatabaseError> {
        let (now, id) = (self.clock.now(), seen.0);
        let row = match found(tx, now, whose.grant, seen).await? {
            Outcome::Done(row) => row,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let secret = Secret::random();
        record(tx, now, whose, "webhook.rotate", json!({ "webhook": id })).await?;
        diesel::update(webhook_endpoints::table.find((tx.tenant(), id)))
            .set((
                webhook_endpoints::secret.eq(secret.seal(&self.keys, tx.tenant(), id)),
                webhook_endpoints::old_secret.eq(row.secret),
                webhook_endpoints::old_until.eq(now + OLD_SECRET_SIGNS),
                webhook_endpoints::version.eq(row.version + 1),
            ))
            .execute(&mut **tx)
            .await?;
        let secret = secret.reveal();
        let webhook = as_it_is(tx, now, whose.grant, id).await?;
        Ok(webhook.map(|webhook| Revealed { webhook, secret }))
    }

    /// Has it sent to again, and what waits at once. What staff have stopped only `is_staff` start again; nobody does while its client may
    /// not come in.
    pub async fn enable(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        id: WebhookId,
        is_staff: bool,
    ) -> Result<Outcome<Webhook>, DatabaseError> {
        let now = self.clock.now();
        // Before the endpoint, as whoever shuts the client out holds them.
        let stopped = self.client_stopped(tx, now, whose.grant).await?;
        let row = match found(tx, now, whose.grant, (id, |_: &str| true)).await? {
            Outcome::Done(row) => row,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if row.is_stopped() && !is_staff {
            return Ok(STOPPED.into());
        }
        if let Some(refusal) = stopped {
            return Ok(refusal.into());
        }
        if !row.is_active() {
            record(tx, now, whose, "webhook.enable", json!({ "webhook": id })).await?;
            diesel::update(webhook_endpoints::table.find((tx.tenant(), id)))
                .set((
                    webhook_endpoints::state.eq(State::Active.as_str()),
                    webhook_endpoints::why.eq(None::<&str>),
                    webhook_endpoints::failing_since.eq(None::<DateTime<Utc>>),
                    webhook_endpoints::version.eq(row.version + 1),
                ))
                .execute(&mut **tx)
                .await?;
        }
        hasten(tx, now, id).await?;
        as_it_is(tx, now, whose.grant, id).await
    }

    /// The insurer's staff stop it: what waits is not sent, and neither is what happens from now on.
    pub async fn stop(
        &self,
        tx: &mut TenantTransaction,
        whose: Whose<'_>,
        id: WebhookId,
    ) -> Result<Outcome<Webhook>, DatabaseError> {
        let now = self.clock.now();
        let row = match found(tx, now, whose.grant, (id, |_: &str| true)).await? {
            Outcome::Done(row) => row,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if !row.is_stopped() {
            let detail = json!({ "webhook": id, "why": Why::Stopped.as_str() });
            record(tx, now, whose, "webhook.disable", detail).await?;
            disable(tx, now, &row, Why::Stopped).await?;
        }
        as_it_is(tx, now, whose.grant, id).await
    }

    /// All that is wrong with a wish at once, or what it says.
    fn read(&self, wish: &Wish) -> Result<(Url, Vec<&'static str>), Refusal> {
        let mut errors = Vec::new();
        let url = FieldError::gather(fields::URL, self.settings.read(&wish.url), &mut errors);
        let kinds = self.kinds_of(&wish.events, &mut errors);
        match url.zip(kinds) {
            Some(read) if errors.is_empty() => Ok(read),
            _ => Err(Refusal::fields(errors)),
        }
    }

    /// The kinds of these names; each that is none is told by its place.
    fn kinds_of(&self, names: &[String], errors: &mut Vec<FieldError>) -> Option<Vec<&'static str>> {
        if names.is_empty() {
            errors.push(FieldError::new(fields::EVENTS, Problem::Empty));
        }
        let mut kinds = BTreeSet::new();
        for (nth, name) in names.iter().enumerate() {
            if let Some(kind) = self.kinds.all().iter().find(|kind| kind.name == name) {
                kinds.insert(kind.name);
            } else {
                let field = Field {
                    name: format!("{}/{nth}", fields::EVENTS.name).into(),
                    ..fields::EVENTS
                };
                let names = self.kinds.all().iter().map(|kind| kind.name);
                errors.push(FieldError::new(field, Problem::not_one_of(names)));
            }
        }
        errors.is_empty().then(|| kinds.into_iter().collect())
    }

    /// What stands against sending anything, where the client may not come in. Nobody shuts it out before the transaction ends: or an
    /// endpoint that is started here would go on past that.
    async fn client_stopped(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        grant: ClientGrantId,
    ) -> Result<Option<Refusal>, DatabaseError> {
        let grant = self.clients.granted_held(tx, grant).await?;
        let today = calendar::today_in_japan(now);
        let is_in = grant.is_some_and(|grant| grant.standing(today) == Standing::Active);
        Ok((!is_in).then(|| CLIENT_STOPPED.into()))
    }

    /// What stands against one more, or against this one's URL.
    async fn against(
        &self,
        tx: &TenantTransaction,
        grant: ClientGrantId,
        url: &Url,
        own: Option<WebhookId>,
    ) -> Result<Option<Refusal>, DatabaseError> {
        let others = webhook_endpoints::table
            .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
            .filter(webhook_endpoints::grant_id.eq(grant))
            .filter(stands())
            .limit(MOST)
            .select((webhook_endpoints::webhook_id, webhook_endpoints::url));
        let others: Vec<(WebhookId, String)> = Prepared(others).load(&mut &**tx).await?;
        let sought = without_empty_query(url.as_str());
        let is_there = |(id, known): &(WebhookId, String)| without_empty_query(known) == sought && Some(*id) != own;
        Ok(if others.iter().any(is_there) {
            Some(EXISTS.into())
        } else if own.is_none() && others.len() >= usize::try_from(MOST).unwrap_or_default() {
            Some(TOO_MANY.into())
        } else {
            None
        })
    }
}

/// A URL as it is compared: a receiver is the same one where an empty query stands behind it.
fn without_empty_query(url: &str) -> &str {
    let bare = url.strip_suffix('?').filter(|bare| !bare.contains('?'));
    bare.unwrap_or(url)
}

/// Disables a grant's endpoints. Those that are disabled already stay so, for the reason that they have.
async fn shut_out(tx: &mut TenantTransaction, now: DateTime<Utc>, grant: ClientGrantId) -> Result<(), DatabaseError> {
    let active = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant()))
        .filter(webhook_endpoints::grant_id.eq(grant))
        .filter(stands())
        .filter(webhook_endpoints::state.eq(State::Active.as_str()))
        .order(webhook_endpoints::webhook_id)
        .select(Row::as_select())
        .for_no_key_update();
    let active: Vec<Row> = Prepared(active).load(&mut **tx).await?;
    for row in active {
        disable(tx, now, &row, Why::ClientStopped).await?;
    }
    Ok(())
}

/// Writes that nothing is sent any more, and gives up what waits.
pub(crate) async fn disable(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    row: &Row,
    why: Why,
) -> Result<(), DatabaseError> {
    give_up(tx, now, row.webhook_id, why.of_deliveries()).await?;
    diesel::update(webhook_endpoints::table.find((tx.tenant(), row.webhook_id)))
        .set((
            webhook_endpoints::state.eq(State::Disabled.as_str()),
            webhook_endpoints::why.eq(why.as_str()),
            webhook_endpoints::version.eq(row.version + 1),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The endpoint, held, where it stands as it is known.
pub(crate) async fn found(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    grant: ClientGrantId,
    (id, known): (WebhookId, impl Fn(&str) -> bool),
) -> Result<Outcome<Row>, DatabaseError> {
    Ok(match endpoint::held(tx, grant, id).await? {
        None => NOT_FOUND.into(),
        Some(row) if !known(&row.clone().webhook(now).etag()) => CONDITION_FAILED.into(),
        Some(row) => Outcome::Done(row),
    })
}

async fn as_it_is(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    grant: ClientGrantId,
    id: WebhookId,
) -> Result<Outcome<Webhook>, DatabaseError> {
    let webhook = endpoint::one(tx, now, grant, id).await?;
    Ok(webhook.map_or_else(|| NOT_FOUND.into(), Outcome::Done))
}

#[derive(QueryableByName)]
pub(crate) struct Cursor {
    #[diesel(sql_type = BigInt)]
    pub(crate) position: i64,
}

/// Holds the insurer's cursor; one that is new begins nowhere yet.
async fn hold_cursor(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    let made = diesel::sql_query(MAKE_CURSOR).bind::<Integer, _>(tx.tenant());
    Prepared(made).execute(&mut **tx).await?;
    cursor(tx).await.map(drop)
}

/// Up to where the insurer's events were looked at, held.
pub(crate) async fn cursor(tx: &mut TenantTransaction) -> Result<Option<i64>, DatabaseError> {
    let held = diesel::sql_query(HOLD_CURSOR).bind::<Integer, _>(tx.tenant());
    let held: Option<Cursor> = Prepared(held).get_result(&mut **tx).await.optional()?;
    Ok(held.map(|cursor| cursor.position))
}

async fn begin_cursor(tx: &mut TenantTransaction, position: i64) -> Result<(), DatabaseError> {
    let begun = diesel::sql_query(BEGIN_CURSOR)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(position);
    Prepared(begun).execute(&mut **tx).await?;
    Ok(())
}

/// Moves it on.
pub(crate) async fn move_cursor(tx: &mut TenantTransaction, position: i64) -> Result<(), DatabaseError> {
    let moved = diesel::sql_query(MOVE_CURSOR)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(position);
    Prepared(moved).execute(&mut **tx).await?;
    Ok(())
}

const MAKE_CURSOR: &str = "\
INSERT INTO webhook_cursors (tenant_id, position) VALUES ($1, -1) ON CONFLICT DO NOTHING";

const HOLD_CURSOR: &str = "SELECT position FROM webhook_cursors WHERE tenant_id = $1 FOR UPDATE";

const BEGIN_CURSOR: &str = "UPDATE webhook_cursors SET position = $2 WHERE tenant_id = $1 AND position = -1";

const MOVE_CURSOR: &str = "UPDATE webhook_cursors SET position = $2 WHERE tenant_id = $1";
