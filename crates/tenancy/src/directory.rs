//! Who an insurer is, by its code or tenant id, remembered for [`CACHE_SECONDS`]: revisions and suspensions show within
//! seconds on every node, without a word between nodes. Codes of no insurer are remembered too, within the same bound.

use crate::{Insurer, InsurerState, Settings, schema::insurers};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Clock, InsurerCode, TenantId};
use moka::future::Cache;
use std::{sync::Arc, time::Duration};

/// How long an answer may be old.
pub const CACHE_SECONDS: u32 = 2;
/// Answers remembered at most.
const CAPACITY: u64 = 1024;

/// The insurer directory. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct Directory {
    database: Database,
    clock: Clock,
    cache: Cache<Key, Answer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Code(InsurerCode),
    Tenant(TenantId),
}

#[derive(Clone)]
struct Answer {
    insurer: Option<Arc<Insurer>>,
    loaded_at: DateTime<Utc>,
}

impl Directory {
    /// A directory with nothing remembered. Answers grow old by this clock as well as by the machine's.
    pub fn new(database: Database, clock: Clock) -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(Duration::from_secs(u64::from(CACHE_SECONDS)))
            .build();
        Self { database, clock, cache }
    }

    /// The insurer of a code, open or suspended; none where the code belongs to nobody here.
    pub async fn by_code(&self, code: &InsurerCode) -> Result<Option<Arc<Insurer>>, DatabaseError> {
        self.look_up(Key::Code(code.clone())).await
    }

    /// The insurer of a tenant id, the platform included.
    pub async fn by_tenant(&self, tenant: TenantId) -> Result<Option<Arc<Insurer>>, DatabaseError> {
        self.look_up(Key::Tenant(tenant)).await
    }

    /// Tenant 0, which the migration makes.
    pub async fn platform(&self) -> Result<Arc<Insurer>, DatabaseError> {
        let platform = self.by_tenant(TenantId::PLATFORM).await?;
        platform.ok_or(DatabaseError::Statement(diesel::result::Error::NotFound))
    }

    async fn look_up(&self, key: Key) -> Result<Option<Arc<Insurer>>, DatabaseError> {
        let mut answer = self.remembered(&key).await?;
        let age = self.clock.now() - answer.loaded_at;
        if age >= TimeDelta::seconds(i64::from(CACHE_SECONDS)) || age < TimeDelta::zero() {
            self.cache.invalidate(&key).await;
            answer = self.remembered(&key).await?;
        }
        Ok(answer.insurer)
    }

    /// One load per miss, however many ask at once.
    async fn remembered(&self, key: &Key) -> Result<Answer, DatabaseError> {
        let load = async {
            let loaded_at = self.clock.now();
            let insurer = load(&self.database, key).await?.map(Arc::new);
            Ok(Answer { insurer, loaded_at })
        };
        self.cache.try_get_with_by_ref(key, load).await.map_err(own)
    }
}

/// Those who waited for the same load share its error; each needs one of its own.
fn own(error: Arc<DatabaseError>) -> DatabaseError {
    Arc::try_unwrap(error).unwrap_or_else(|shared| match &*shared {
        DatabaseError::Busy => DatabaseError::Busy,
        other => DatabaseError::Connection(other.to_string()),
    })
}

/// A row of `insurers` as the directory reads it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = insurers)]
pub(crate) struct InsurerRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) insurer_code: Option<String>,
    pub(crate) state: String,
    pub(crate) revision: i64,
    pub(crate) settings: serde_json::Value,
}

impl InsurerRow {
    pub(crate) fn settings(&self) -> Result<Settings, DatabaseError> {
        serde_json::from_value(self.settings.clone()).map_err(unreadable)
    }

    pub(crate) fn insurer(&self) -> Result<Insurer, DatabaseError> {
        let code = self
            .insurer_code
            .as_deref()
            .map(InsurerCode::parse)
            .transpose()
            .map_err(unreadable)?;
        let state = InsurerState::from_word(&self.state)
            .ok_or_else(|| unreadable(std::io::Error::other(self.state.clone())))?;
        Ok(Insurer::new(
            self.tenant_id,
            code,
            state,
            self.revision,
            self.settings()?,
        ))
    }
}

/// Somebody else than this crate wrote the row: an outage, not an answer.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> DatabaseError {
    DatabaseError::Statement(diesel::result::Error::DeserializationError(Box::new(error)))
}

async fn load(database: &Database, key: &Key) -> Result<Option<Insurer>, DatabaseError> {
    let mut tx = database.directory().await?;
    let rows = insurers::table.select(InsurerRow::as_select());
    let row = match key {
        Key::Code(code) => {
            rows.filter(insurers::insurer_code.eq(code.as_str()))
                .first(&mut *tx)
                .await
        }
        Key::Tenant(tenant) => rows.filter(insurers::tenant_id.eq(tenant)).first(&mut *tx).await,
    }
    .optional()?;
    tx.commit().await?;
    row.map(|row| row.insurer()).transpose()
}
