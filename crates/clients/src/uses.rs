//! How often a grant is used, and by which scopes. Counted in memory and written together, off the way of requests: a node
//! that is killed loses what it has counted since it last wrote, [`PAUSE`] at most, as the handbook says.

use crate::{
    Caller, Clients,
    rows::grant_of,
    schema::{client_days, client_grants},
};
use access::Scope;
use chrono::{DateTime, Days, NaiveDate, Utc};
use database::{DatabaseError, Durability, Prepared, Prospect, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Date, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{ClientGrantId, ClientId, TenantId, calendar};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Between two writings.
const PAUSE: Duration = Duration::from_secs(10);

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was answered.
    Answered,
    /// It was refused, or failed.
    Error,
    /// It was one too many.
    TooMany,
}

/// A day of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = client_days)]
pub struct Day {
    /// In Japan.
    pub day: NaiveDate,
    /// All calls.
    pub calls: i32,
    /// Of them refused or failed.
    pub errors: i32,
    /// Of those, for being too many.
    pub refused: i32,
}

/// A grant's days, the latest first; days without a call are not among them.
pub type Uses = Vec<Day>;

/// What of one grant waits to be written.
#[derive(Debug, Default, Clone)]
struct Waiting {
    days: BTreeMap<NaiveDate, [i32; 3]>,
    scopes: BTreeMap<Scope, DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
}

impl Waiting {
    fn add(&mut self, other: Self) {
        for (day, counts) in other.days {
            let own = self.days.entry(day).or_default();
            for (own, more) in own.iter_mut().zip(counts) {
                *own = own.saturating_add(more);
            }
        }
        for (scope, at) in other.scopes {
            let own = self.scopes.entry(scope).or_insert(at);
            *own = at.max(*own);
        }
        self.last = self.last.max(other.last);
    }
}

/// What a node has counted and not written yet: in the order in which rows are locked.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<(TenantId, ClientGrantId), Waiting>>);

impl Counts {
    fn add(&self, key: (TenantId, ClientGrantId), more: Waiting) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entry(key).or_default().add(more);
    }

    fn take(&self) -> BTreeMap<(TenantId, ClientGrantId), Waiting> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clients {
    /// Counts a call. A scope was of use where it was answered.
    pub fn note(&self, caller: &Caller, scope: Scope, end: End) {
        let now = self.clock.now();
        let counts = [1, i32::from(end != End::Answered), i32::from(end == End::TooMany)];
        let used = (end == End::Answered).then_some((scope, now));
        let more = Waiting {
            days: [(calendar::today_in_japan(now), counts)].into(),
            scopes: used.into_iter().collect(),
            last: Some(now),
        };
        self.counts.add((caller.tenant(), caller.grant_id), more);
    }

    /// Writes what was counted; what can't be written now waits for the next time. Where the database is away only the first is
    /// tried: each would wait as long for the same answer, and a node that ends waits for this.
    pub async fn write_uses(&self) -> Result<(), DatabaseError> {
        self.rates.forget(self.clock.now());
        let mut failed = Ok(());
        let mut is_away = false;
        for (key, waiting) in self.counts.take() {
            if is_away {
                self.counts.add(key, waiting);
            } else if let Err(error) = self.write_one(key, &waiting).await {
                self.counts.add(key, waiting);
                is_away = error.prospect() == Prospect::Passing;
                failed = Err(error);
            }
        }
        failed
    }

    async fn write_one(
        &self,
        (tenant, grant): (TenantId, ClientGrantId),
        waiting: &Waiting,
    ) -> Result<(), DatabaseError> {
        let tx = self.database.tenant(tenant).write(Durability::Relaxed).await?;
        for (day, [calls, errors, refused]) in &waiting.days {
            let statement = diesel::sql_query(COUNT)
                .bind::<Integer, _>(tenant)
                .bind::<SqlUuid, _>(grant)
                .bind::<Date, _>(day)
                .bind::<Integer, _>(calls)
                .bind::<Integer, _>(errors)
                .bind::<Integer, _>(refused);
            Prepared(statement).execute(&mut &*tx).await?;
        }
        for (scope, at) in &waiting.scopes {
            let statement = diesel::sql_query(USED)
                .bind::<Integer, _>(tenant)
                .bind::<SqlUuid, _>(grant)
                .bind::<Text, _>(scope.as_str())
                .bind::<Timestamptz, _>(at);
            Prepared(statement).execute(&mut &*tx).await?;
        }
        diesel::update(client_grants::table)
            .filter(client_grants::tenant_id.eq(tenant))
            .filter(client_grants::grant_id.eq(grant))
            .filter(
                client_grants::last_used_at
                    .is_null()
                    .or(client_grants::last_used_at.lt(waiting.last)),
            )
            .set(client_grants::last_used_at.eq(waiting.last))
            .execute(&mut &*tx)
            .await?;
        tx.commit().await
    }

    /// Writes what was counted every few seconds, until told to end.
    pub async fn keep_uses(&self, mut stop: watch::Receiver<bool>) {
        while tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await.is_err() {
            if let Err(error) = self.write_uses().await {
                tracing::warn!(%error, "uses of clients are not written yet");
            }
        }
    }

    /// How often a client was used here in the last so many days, today among them.
    pub async fn uses(&self, tx: &TenantTransaction, id: ClientId, days: u32) -> Result<Uses, DatabaseError> {
        let Some(grant) = grant_of(tx, id).await? else {
            return Ok(Vec::new());
        };
        let today = calendar::today_in_japan(self.clock.now());
        let from = today
            .checked_sub_days(Days::new(u64::from(days.max(1)) - 1))
            .unwrap_or(today);
        Ok(client_days::table
            .filter(client_days::tenant_id.eq(tx.tenant()))
            .filter(client_days::grant_id.eq(grant.grant_id))
            .filter(client_days::day.ge(from))
            .order(client_days::day.desc())
            .select(Day::as_select())
            .load(&mut &**tx)
            .await?)
    }
}

const COUNT: &str = "\
INSERT INTO client_days AS d (tenant_id, grant_id, day, calls, errors, refused) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, grant_id, day) DO UPDATE
SET calls = d.calls + excluded.calls, errors = d.errors + excluded.errors, refused = d.refused + excluded.refused
WHERE d.tenant_id = $1";

const USED: &str = "\
INSERT INTO client_scopes_used AS u (tenant_id, grant_id, scope, last_used_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, grant_id, scope) DO UPDATE SET last_used_at = greatest(u.last_used_at, excluded.last_used_at)
WHERE u.tenant_id = $1";
