//! Who an insurer is, by its code or tenant id.
//!
//! A node keeps each insurer until its revision changes, and looks at the revisions of all of them every
//! [`LOOK_SECONDS`] at most, in one statement: what is applied or suspended shows within seconds on every node, without a
//! word between nodes, and two thousand insurers cost no more looks than one. Planned interruptions of the service ride on
//! the same look, so that no page costs more for telling of them. A code that the look doesn't hold is nobody's, so nothing
//! is kept of codes that strangers make up.

use crate::{
    Insurer, InsurerState, Settings,
    maintenance::Maintenance,
    schema::{insurers, maintenances},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Clock, InsurerCode, TenantId};
use scoped_futures::ScopedFutureExt as _;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// How long a look may be old.
pub const LOOK_SECONDS: u32 = 2;
/// How long a failure is everybody's answer: while the database is away, not every request waits for it anew.
const FAILURE: Duration = Duration::from_secs(1);

/// The insurer directory. Cheap to clone; clones share what they keep.
#[derive(Clone)]
pub struct Directory {
    database: Database,
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

/// One entry for each insurer that was asked for.
#[derive(Default)]
struct Kept {
    look: Option<Begun>,
    insurers: HashMap<TenantId, (Revision, LoadedInsurer)>,
}

/// None where the row went between the look and the load.
type LoadedInsurer = Load<Option<Arc<Insurer>>>;

type Revision = i64;

/// A look and when it began.
struct Begun {
    at: DateTime<Utc>,
    instant: Instant,
    look: Load<Arc<Look>>,
}

/// The revisions of all insurers at one moment, and the interruptions that are not over, the next first.
struct Look {
    revisions: HashMap<TenantId, Revision>,
    by_code: HashMap<String, TenantId>,
    maintenances: Vec<Maintenance>,
}

impl Directory {
    /// A directory with nothing kept. Looks grow old by this clock as well as by the machine's.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            kept: Arc::default(),
        }
    }

    /// The insurer of a code, open or suspended; none where the code belongs to nobody here.
    pub async fn by_code(&self, code: &InsurerCode) -> Result<Option<Arc<Insurer>>, DatabaseError> {
        let look = self.look().await?;
        match look.by_code.get(code.as_str()) {
            Some(tenant) => self.insurer(&look, *tenant).await,
            None => Ok(None),
        }
    }

    /// The insurer of a tenant id, the platform included.
    pub async fn by_tenant(&self, tenant: TenantId) -> Result<Option<Arc<Insurer>>, DatabaseError> {
        let look = self.look().await?;
        self.insurer(&look, tenant).await
    }

    /// Tenant 0, which the migration makes.
    pub async fn platform(&self) -> Result<Arc<Insurer>, DatabaseError> {
        let platform = self.by_tenant(TenantId::PLATFORM).await?;
        platform.ok_or(DatabaseError::Statement(diesel::result::Error::NotFound))
    }

    /// The interruption that members and staff are told of now: one that lasts, or the next that comes soon.
    pub async fn maintenance(&self) -> Result<Option<Maintenance>, DatabaseError> {
        let look = self.look().await?;
        let now = self.clock.now();
        Ok(look.maintenances.iter().find(|one| one.is_told(now)).cloned())
    }

    /// The last look, or a new one where that is old.
    async fn look(&self) -> Result<Arc<Look>, DatabaseError> {
        let now = self.clock.now();
        let look = {
            let mut kept = self.kept();
            match &kept.look {
                Some(last) if last.serves(now) => last.look.clone(),
                _ => {
                    let look = Load::default();
                    kept.look = Some(Begun {
                        at: now,
                        instant: Instant::now(),
                        look: look.clone(),
                    });
                    look
                }
            }
        };
        look.get(|| look_at_all(&self.database, now)).await
    }

    /// The insurer in the revision that was seen, or a newer one.
    async fn insurer(&self, look: &Look, tenant: TenantId) -> Result<Option<Arc<Insurer>>, DatabaseError> {
        let Some(&revision) = look.revisions.get(&tenant) else {
            return Ok(None);
        };
        let insurer = {
            let mut kept = self.kept();
            match kept.insurers.get(&tenant) {
                Some((known, insurer)) if *known == revision && insurer.serves() => insurer.clone(),
                _ => {
                    let insurer = Load::default();
                    kept.insurers.insert(tenant, (revision, insurer.clone()));
                    insurer
                }
            }
        };
        insurer.get(|| load(&self.database, tenant)).await
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Begun {
    fn serves(&self, now: DateTime<Utc>) -> bool {
        if self.look.has_failed() {
            return self.look.serves();
        }
        let age = now - self.at;
        age >= TimeDelta::zero()
            && age < TimeDelta::seconds(i64::from(LOOK_SECONDS))
            && self.instant.elapsed() < Duration::from_secs(u64::from(LOOK_SECONDS))
    }
}

/// Something that is loaded once for all who ask for it meanwhile, and its failure told to all of them.
struct Load<T>(Arc<OnceCell<Result<T, Failure>>>);

struct Failure {
    error: DatabaseError,
    at: Instant,
}

impl<T> Default for Load<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Load<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone> Load<T> {
    /// What was loaded, or is now. Whoever goes away in the middle of loading leaves it to the next who waits.
    async fn get<F>(&self, load: impl FnOnce() -> F) -> Result<T, DatabaseError>
    where
        F: Future<Output = Result<T, DatabaseError>>,
    {
        let load = async || {
            // Boxed: it is seldom needed, and would make every request larger.
            Box::pin(load()).await.map_err(|error| Failure {
                error,
                at: Instant::now(),
            })
        };
        match self.0.get_or_init(load).await {
            Ok(loaded) => Ok(loaded.clone()),
            Err(failure) => Err(failure.error.shared()),
        }
    }

    fn has_failed(&self) -> bool {
        matches!(self.0.get(), Some(Err(_)))
    }

    fn serves(&self) -> bool {
        !matches!(self.0.get(), Some(Err(failure)) if failure.at.elapsed() >= FAILURE)
    }
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
    pub(crate) sender_domains: Vec<String>,
    pub(crate) sandbox: bool,
}

impl InsurerRow {
    pub(crate) fn settings(&self) -> Result<Settings, DatabaseError> {
        let settings: Settings = serde_json::from_value(self.settings.clone()).map_err(unreadable)?;
        Ok(Settings {
            sandbox: self.sandbox,
            ..settings
        })
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

/// The transaction's insurer, asked on the transaction's own connection. Whoever asks the directory in the middle of one may
/// wait for a second connection while the others that have one wait for theirs.
pub async fn insurer_of(tx: &TenantTransaction) -> Result<Insurer, DatabaseError> {
    let row = insurers::table
        .filter(insurers::tenant_id.eq(tx.tenant()))
        .select(InsurerRow::as_select())
        .first(&mut &**tx);
    row.await?.insurer()
}

/// True where the transaction's insurer is a sandbox, asked likewise. The directory may not know a new one for a moment.
pub async fn is_sandbox(tx: &TenantTransaction) -> Result<bool, DatabaseError> {
    let row = insurers::table
        .filter(insurers::tenant_id.eq(tx.tenant()))
        .select(insurers::sandbox)
        .first(&mut &**tx);
    Ok(row.await.optional()?.unwrap_or_default())
}

/// Somebody else than this crate wrote the row: an outage, not an answer.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> DatabaseError {
    DatabaseError::Statement(diesel::result::Error::DeserializationError(Box::new(error)))
}

async fn look_at_all(database: &Database, now: DateTime<Utc>) -> Result<Arc<Look>, DatabaseError> {
    let rows: Vec<(TenantId, Option<String>, Revision, Option<Maintenance>)> = database
        .look_up(|directory| {
            async move {
                // They come with the platform's row, which is there as often as there are interruptions, but at least once.
                let planned = insurers::tenant_id
                    .eq(TenantId::PLATFORM)
                    .and(maintenances::ends_at.gt(now));
                let rows = insurers::table.left_join(maintenances::table.on(planned)).select((
                    insurers::tenant_id,
                    insurers::insurer_code,
                    insurers::revision,
                    Option::<Maintenance>::as_select(),
                ));
                Ok(rows.load(&mut &**directory).await?)
            }
            .scope_boxed()
        })
        .await?;
    let mut look = Look {
        revisions: HashMap::with_capacity(rows.len()),
        by_code: HashMap::with_capacity(rows.len()),
        maintenances: Vec::new(),
    };
    for (tenant, code, revision, maintenance) in rows {
        look.revisions.insert(tenant, revision);
        look.by_code.extend(code.map(|code| (code, tenant)));
        look.maintenances.extend(maintenance);
    }
    look.maintenances.sort_by_key(|one| one.starts_at);
    Ok(Arc::new(look))
}

async fn load(database: &Database, tenant: TenantId) -> Result<Option<Arc<Insurer>>, DatabaseError> {
    let row = database
        .look_up(|directory| {
            async move {
                let row = insurers::table
                    .filter(insurers::tenant_id.eq(tenant))
                    .select(InsurerRow::as_select())
                    .first(&mut &**directory);
                Ok(row.await.optional()?)
            }
            .scope_boxed()
        })
        .await?;
    row.map(|row| row.insurer().map(Arc::new)).transpose()
}
