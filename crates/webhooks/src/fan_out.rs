//! From events to endpoints: the worker goes through an insurer's events in the order of their positions, writes what each endpoint is
//! to be told, and keeps up to where it came, all in one short transaction: broken off, nothing is done.
//!
//! An endpoint is told of an event that happened after it was made, of a kind that it asks for, where its client may come in, holds the
//! scope that reads what it happened to and, of protected people, `protected.read`. That is asked here and once more when it is sent.

use crate::{
    Webhooks,
    deliveries::{Progress, QUEUE, next},
    endpoint::{self, Row, State},
    kinds::{EventKind, subject},
    manage::{cursor, move_cursor},
    schema::webhook_deliveries,
};
use access::scope::{PROTECTED_READ, WEBHOOKS_MANAGE};
use chrono::{DateTime, TimeDelta, Utc};
use clients::{Grant, Standing};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jobs::{
    Due, FEED, LetGo, Queue,
    due::{self, Rank},
    events::{self, Read},
};
use kernel::{EventId, PersonId, WebhookId, calendar};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    pin::Pin,
};
use uuid::Uuid;

/// Events of one transaction.
const BATCH: i64 = 200;
/// Rows of one INSERT: PostgreSQL takes 65,535 parameters.
const ROWS: usize = 2_000;
/// How long events of a suspended insurer wait before they are looked at again.
pub(crate) const SUSPENDED: TimeDelta = TimeDelta::hours(1);

/// Reads events: a queue for a worker.
pub(crate) struct FanOut(pub(crate) Webhooks);

impl Queue for FanOut {
    fn name(&self) -> &'static str {
        FEED
    }

    // A batch is one short transaction: there is nothing to let go of before its end.
    fn work(&self, due: Due, _let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.0.fan_out(due))
    }
}

/// What one endpoint is to be told of one event.
#[derive(Insertable)]
#[diesel(table_name = webhook_deliveries)]
struct New<'a> {
    tenant_id: kernel::TenantId,
    webhook_id: WebhookId,
    event_id: EventId,
    kind: &'static str,
    subject: Uuid,
    person_id: Option<Uuid>,
    of_kind: Option<&'a str>,
    sequence: i64,
    position: i64,
    happened_at: DateTime<Utc>,
    state: &'static str,
    tries: i32,
    next_at: Option<DateTime<Utc>>,
    reason: Option<&'a str>,
    finished_at: Option<DateTime<Utc>>,
}

impl Webhooks {
    async fn fan_out(&self, due: Due) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
        let come_to = match cursor(&mut tx).await? {
            Some(_) if !tenancy::insurer_of(&tx).await?.is_open() => {
                let ours = due::postpone(&mut tx, &due, now + SUSPENDED, Rank::Soon).await?;
                return if ours { tx.commit().await } else { tx.rollback().await };
            }
            Some(after) => self.tell(&mut tx, now, after).await?,
            None => None,
        };
        // Whoever publishes meanwhile waits for what is decided here, and finds the item or makes another.
        if !due::hold(&mut tx, &due).await? {
            return tx.rollback().await;
        }
        let more = match come_to {
            Some(position) => !events::read(&tx, position, 1).await?.is_empty(),
            None => false,
        };
        if more {
            due::put_back(&mut tx, &due, now).await?;
        } else {
            due::finish(&mut tx, &due).await?;
        }
        tx.commit().await
    }

    /// Writes what endpoints are to be told of the next events; up to where it came.
    async fn tell(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        after: i64,
    ) -> Result<Option<i64>, DatabaseError> {
        let events = events::read(tx, after, BATCH).await?;
        let Some(last) = events.last().and_then(|event| event.position) else {
            return Ok(Some(after));
        };
        let endpoints = self.endpoints(tx, now).await?;
        let told = self.told(tx, &events, &endpoints).await?;
        let mut sequences = sequences(tx, &told).await?;
        let rows: Vec<New<'_>> = told
            .iter()
            .map(|told| {
                let sequence = sequences.entry((told.endpoint.webhook_id, told.subject)).or_default();
                *sequence += 1;
                let is_active = told.endpoint.is_active();
                let progress = if is_active {
                    Progress::Waiting
                } else {
                    Progress::GivenUp
                };
                New {
                    tenant_id: tx.tenant(),
                    webhook_id: told.endpoint.webhook_id,
                    event_id: told.event.event_id,
                    kind: told.kind.name,
                    subject: told.subject,
                    person_id: told.person,
                    of_kind: told.kind.said(&told.event.payload),
                    sequence: *sequence,
                    position: told.event.position.unwrap_or_default(),
                    happened_at: told.event.at,
                    state: progress.as_str(),
                    tries: 0,
                    next_at: is_active.then_some(now),
                    reason: (!is_active).then_some(State::Disabled.as_str()),
                    finished_at: (!is_active).then_some(now),
                }
            })
            .collect();
        for rows in rows.chunks(ROWS) {
            diesel::insert_into(webhook_deliveries::table)
                .values(rows)
                .execute(&mut **tx)
                .await?;
        }
        let waiting: BTreeSet<WebhookId> = told
            .iter()
            .filter(|told| told.endpoint.is_active())
            .map(|told| told.endpoint.webhook_id)
            .collect();
        for id in waiting {
            due::schedule(tx, QUEUE, id.0, now, Rank::Soon).await?;
        }
        move_cursor(tx, last).await?;
        Ok(Some(last))
    }

    /// The insurer's endpoints whose clients may come in and be told anything, each with its client's grant.
    async fn endpoints(&self, tx: &TenantTransaction, now: DateTime<Utc>) -> Result<Vec<(Row, Grant)>, DatabaseError> {
        let rows = endpoint::of_insurer(tx).await?;
        let ids: Vec<_> = rows.iter().map(|row| row.grant_id).collect();
        let granted = self.clients.granted(tx, &ids).await?;
        let granted: HashMap<_, _> = granted.into_iter().map(|grant| (grant.grant_id, grant)).collect();
        let with_grant = |row: Row| {
            let grant = granted.get(&row.grant_id).filter(|grant| self.is_heard(grant, now))?;
            Some((row, grant.clone()))
        };
        Ok(rows.into_iter().filter_map(with_grant).collect())
    }

    /// True of a grant whose client may come in, and may have events sent.
    pub(crate) fn is_heard(&self, grant: &Grant, now: DateTime<Utc>) -> bool {
        grant.standing(calendar::today_in_japan(now)) == Standing::Active && self.clients.allows(grant, WEBHOOKS_MANAGE)
    }

    /// Who is told of what, in the order of the events.
    async fn told<'a>(
        &self,
        tx: &TenantTransaction,
        events: &'a [Read],
        endpoints: &'a [(Row, Grant)],
    ) -> Result<Vec<Told<'a>>, DatabaseError> {
        let mut told = Vec::new();
        for event in events {
            let Some(kind) = self
                .kinds
                .find(&event.kind)
                .filter(|kind| (kind.is_told)(&event.payload))
            else {
                continue;
            };
            let Some((subject, person)) = subject(kind, event) else {
                continue;
            };
            let asked = endpoints.iter().filter(|(row, grant)| {
                row.after_position < event.position.unwrap_or_default()
                    && row.kinds.iter().any(|known| known == kind.name)
                    && self.clients.allows(grant, kind.scope)
            });
            told.extend(asked.map(|(endpoint, grant)| Told {
                endpoint,
                grant,
                event,
                kind,
                subject,
                person,
            }));
        }
        let people: Vec<PersonId> = told.iter().filter_map(|told| told.person.map(PersonId)).collect();
        let protected = protected_of(tx, people).await?;
        told.retain(|told| sees(told.grant, told.person, &protected));
        Ok(told)
    }
}

/// An endpoint with what it is told.
struct Told<'a> {
    endpoint: &'a Row,
    grant: &'a Grant,
    event: &'a Read,
    kind: EventKind,
    subject: Uuid,
    person: Option<Uuid>,
}

/// Those of these people who are protected.
pub(crate) async fn protected_of(
    tx: &TenantTransaction,
    people: Vec<PersonId>,
) -> Result<HashSet<PersonId>, DatabaseError> {
    if people.is_empty() {
        return Ok(HashSet::new());
    }
    roster::protection::protected_of(tx, &people).await
}

/// Whether what is about somebody is for this grant.
pub(crate) fn sees(grant: &Grant, person: Option<Uuid>, protected: &HashSet<PersonId>) -> bool {
    grant.scopes.contains(&PROTECTED_READ) || person.is_none_or(|person| !protected.contains(&PersonId(person)))
}

/// What each endpoint was told of each subject so far.
async fn sequences(
    tx: &mut TenantTransaction,
    told: &[Told<'_>],
) -> Result<HashMap<(WebhookId, Uuid), i64>, DatabaseError> {
    let mut more: BTreeMap<(WebhookId, Uuid), i64> = BTreeMap::new();
    for told in told {
        *more.entry((told.endpoint.webhook_id, told.subject)).or_default() += 1;
    }
    if more.is_empty() {
        return Ok(HashMap::new());
    }
    let counted: Vec<_> = more
        .iter()
        .map(|((id, subject), more)| (*id, *subject, *more))
        .collect();
    let last = next(tx, &counted).await?;
    let before = |(id, subject, last): (WebhookId, Uuid, i64)| {
        let more = more.get(&(id, subject)).copied().unwrap_or_default();
        ((id, subject), last - more)
    };
    Ok(last.into_iter().map(before).collect())
}
