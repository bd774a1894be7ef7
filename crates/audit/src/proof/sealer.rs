//! Closing segments. Any number of sealers may run at the same time: a segment's number is taken once, and who comes second
//! has done nothing.

use super::{
    CLOSES, Digest, LONG, SETTLES, Seal, hash, head,
    lines::{self, after},
    pack, seals, time_of, unpack,
};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, Prepared, TenantDatabase, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Binary, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use jobs::{
    Due, LetGo, Queue,
    due::{self, Rank},
};
use kernel::{AuditId, Clock};
use scoped_futures::ScopedFutureExt as _;
use std::{collections::HashSet, pin::Pin};
use uuid::Uuid;

/// What a segment spans at most, by its lines' times …
const SPAN: TimeDelta = TimeDelta::minutes(1);
/// … and of lines.
const MOST: usize = 10_000;
/// Segments that one seal looks at again, at most …
const AGAIN: i64 = 16;
/// … and their lines, to which the last one may add.
const LINES_AGAIN: i32 = 20_000;
/// Segments that are closed one after the other before others have their turn.
const AT_ONCE: usize = 60;
/// Until an insurer is looked at again where there was something to seal …
const BUSY: TimeDelta = TimeDelta::minutes(1);
/// … and where there was nothing.
const QUIET: TimeDelta = TimeDelta::minutes(5);
/// How far a node's clock may be ahead of the database's without a word.
const AHEAD: TimeDelta = TimeDelta::seconds(10);
const QUEUE: &str = "audit.seal";
/// Of an insurer's one item in the queue.
const ITEM: Uuid = Uuid::nil();

/// Closes an insurer's next segment, if there is anything to close. One transaction: broken off, nothing is done.
pub async fn seal(tenant: &TenantDatabase, now: DateTime<Utc>) -> Result<Option<Seal>, DatabaseError> {
    let mut tx = tenant.clone().within(LONG).write(Durability::Safe).await?;
    let last = head(&tx).await?.unwrap_or_else(Seal::none);
    let (before_id, own) = own(&tx, &last, AuditId::least(now - CLOSES).0).await?;
    let (looked_at, late) = late(&tx, &last, AuditId::least(now - SETTLES).0).await?;
    let segment = last.segment.saturating_add(1);
    // Where nothing came since, one more seal settles the last segments, all of them at once.
    let settled = if own.is_empty() {
        if looked_at == last.settled || last.before_id > AuditId::least(now - SETTLES).0 {
            return Ok(None);
        }
        // Its own is empty and settled.
        if looked_at == last.segment { segment } else { looked_at }
    } else {
        looked_at
    };
    let digests = pack(&[late.as_slice(), own.as_slice()].concat());
    let mut next = Seal {
        segment,
        before_id,
        settled,
        lines: count(own.len()),
        late: count(late.len()),
        digests_hash: hash(&digests),
        previous: last.hash,
        hash: String::new(),
        sealed_at: now.trunc_subsecs(6),
    };
    next.hash = next.computed(tx.tenant());
    if !insert(&mut tx, &next, &digests).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(next))
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// The lines of the next segment, and before which id it ends.
async fn own(tx: &TenantTransaction, last: &Seal, until: Uuid) -> Result<(Uuid, Vec<(Uuid, Digest)>), DatabaseError> {
    let Some(first) = lines::ids(tx, last.before_id, until, 1).await?.pop() else {
        return Ok((last.before_id, Vec::new()));
    };
    let before = AuditId::least(time_of(first) + SPAN).0.min(until);
    let (mut own, mut from) = (Vec::new(), first);
    loop {
        let batch = lines::read(tx, from, before, lines::BATCH).await?;
        own.extend(batch.lines);
        match batch.next {
            None => return Ok((before, own)),
            Some(next) if own.len() >= MOST => return Ok((next, own)),
            Some(next) => from = next,
        }
    }
}

/// The lines that came to the next segments to be looked at again after they were closed, and up to which segment that was
/// looked.
async fn late(tx: &TenantTransaction, last: &Seal, until: Uuid) -> Result<(i64, Vec<(Uuid, Digest)>), DatabaseError> {
    let mut next = seals(tx, last.settled, AGAIN + 1).await?.into_iter().peekable();
    // The one up to which was looked tells where the next begins.
    let from = next.next_if(|seal| seal.segment == last.settled);
    let from = from.map_or(Uuid::nil(), |seal| seal.before_id);
    let (mut lines, mut settled, mut end) = (0, last.settled, from);
    let mut known = HashSet::new();
    // What another sealer closed after the head was read is theirs: this one comes second and does nothing.
    let stood = |seal: &Seal| seal.segment <= last.segment && seal.before_id <= until;
    for seal in next.take_while(stood) {
        if lines >= LINES_AGAIN {
            break;
        }
        let list = super::digests(tx, seal.segment).await?.as_deref().and_then(unpack);
        known.extend(list.unwrap_or_default().into_iter().map(|(id, _)| id));
        lines += seal.lines;
        (settled, end) = (seal.segment, seal.before_id);
    }
    let (mut late, mut from) = (Vec::new(), from);
    loop {
        let ids = lines::ids(tx, from, end, lines::BATCH).await?;
        for id in ids.iter().filter(|id| !known.contains(*id)) {
            late.extend(lines::read(tx, *id, after(*id), 1).await?.lines);
        }
        match ids.last() {
            Some(last) if ids.len() >= usize::try_from(lines::BATCH).unwrap_or_default() => from = after(*last),
            _ => return Ok((settled, late)),
        }
    }
}

/// False where another has taken the number.
async fn insert(tx: &mut TenantTransaction, seal: &Seal, digests: &[u8]) -> Result<bool, DatabaseError> {
    let statement = diesel::sql_query(INSERT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(seal.segment)
        .bind::<SqlUuid, _>(seal.before_id)
        .bind::<BigInt, _>(seal.settled)
        .bind::<Integer, _>(seal.lines)
        .bind::<Integer, _>(seal.late)
        .bind::<Text, _>(&seal.digests_hash)
        .bind::<Text, _>(&seal.previous)
        .bind::<Text, _>(&seal.hash)
        .bind::<Timestamptz, _>(seal.sealed_at);
    if Prepared(statement).execute(&mut **tx).await? == 0 {
        return Ok(false);
    }
    let list = diesel::sql_query(INSERT_LIST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(seal.segment)
        .bind::<Binary, _>(digests);
    Prepared(list).execute(&mut **tx).await?;
    Ok(true)
}

/// Puts every insurer into the sealers' queue that isn't there: a new one.
pub async fn tend(database: &Database, now: DateTime<Utc>) -> Result<(), DatabaseError> {
    due::schedule_insurers(database, QUEUE, ITEM, now).await
}

/// Seals what is due, insurer by insurer.
pub struct Sealer {
    database: Database,
    clock: Clock,
}

impl Sealer {
    /// Of this database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// The time by which is sealed: this node's, but none to come by the database's clock, the only one that all nodes share.
    /// A clock ahead of everybody's would close and settle what is still being written, and honest lines would look added.
    async fn now(&self) -> Result<DateTime<Utc>, DatabaseError> {
        let now = self.clock.now();
        if !self.clock.is_system() {
            return Ok(now);
        }
        let Time { shared } = self
            .database
            .look_up(|directory| {
                async move { Ok(Prepared(diesel::sql_query(TIME)).get_result(&mut &**directory).await?) }.scope_boxed()
            })
            .await?;
        let ahead = (now - shared).num_seconds();
        if ahead > AHEAD.num_seconds() {
            tracing::error!(ahead, "this node's clock is ahead of the database's: set it right");
        }
        Ok(now.min(shared))
    }

    /// True where there may be more.
    async fn seal_some(&self, due: &Due) -> Result<Option<bool>, DatabaseError> {
        let (tenant, now) = (self.database.tenant(due.tenant), self.now().await?);
        for sealed in 0..AT_ONCE {
            if seal(&tenant, now).await?.is_none() {
                return Ok((sealed > 0).then_some(false));
            }
        }
        Ok(Some(true))
    }

    async fn work_on(&self, due: Due, let_go: LetGo) -> Result<(), DatabaseError> {
        let pause = match let_go.or(self.seal_some(&due)).await {
            None | Some(Ok(Some(true))) => TimeDelta::zero(),
            Some(Ok(Some(false))) => BUSY,
            Some(Ok(None)) => QUIET,
            Some(Err(error)) => return Err(error),
        };
        let mut tx = self.database.tenant(due.tenant).write(Durability::Relaxed).await?;
        // Made anew: it is to be as old as its next turn, not as the insurer.
        if due::finish(&mut tx, &due).await? {
            due::schedule(&mut tx, QUEUE, due.item, self.clock.now() + pause, Rank::Bulk).await?;
        }
        tx.commit().await
    }
}

impl Queue for Sealer {
    fn name(&self) -> &'static str {
        QUEUE
    }

    fn work(&self, due: Due, let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.work_on(due, let_go))
    }
}

#[derive(QueryableByName)]
struct Time {
    #[diesel(sql_type = Timestamptz)]
    shared: DateTime<Utc>,
}

const TIME: &str = "SELECT clock_timestamp() AS shared";

const INSERT: &str = "\
INSERT INTO audit_seals (tenant_id, segment, before_id, settled, lines, late, digests_hash, previous, hash, sealed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";

// A list that stands there already is none of ours: the seal says so, and sealing goes on.
const INSERT_LIST: &str = "\
INSERT INTO audit_segments (tenant_id, segment, digests) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
