//! The one way to PostgreSQL: a pool, transactions that belong to one insurer, migrations, and a private local cluster.
//!
//! Tenant tables are reached only through [`TenantDatabase::read`] and [`TenantDatabase::write`]; each begins, in one
//! round trip, with a literal `SET LOCAL` of the tenant (design, tenancy). Row-level security is the net beneath:
//! every statement still names `tenant_id = $1` itself.

mod address;
mod bell;
pub mod cluster;
pub mod distribution;
mod keyed;
mod migrations;
mod prepared;
mod transaction;

pub use address::{AddressError, check_url};
pub use bell::Listener;
pub use keyed::{Keyed, Kind, Resealed};
pub use migrations::{Migrated, migrate, pending_migrations, revert_all};
pub use prepared::Prepared;
pub use transaction::{Directory, DirectoryTransaction, First, TenantTransaction, Transaction};

use address::Address;
use deadpool::managed::QueueMode;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool},
    },
};
use futures_util::{FutureExt as _, future::ready};
use kernel::TenantId;
use scoped_futures::{ScopedBoxFuture, ScopedFutureExt as _};
use serde::Deserialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// Where the database is and how many connections one process may hold.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://…` of the service's role, which owns nothing and cannot bypass row-level security.
    pub url: String,
    /// `postgres://…` of the owner's role; only `migrate` needs it.
    #[serde(default)]
    pub owner_url: Option<String>,
    /// Connections in the pool; (cores × 2) + 1 serves a small machine well.
    pub connections: usize,
    /// Seconds to wait for a free connection before a request is refused as overloaded.
    pub wait_seconds: u64,
}

impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// An outage: the database is away, slow, or refused a statement. Never shown; logged with the request's id.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The address.
    #[error("database address: {0}")]
    Address(#[from] AddressError),
    /// No connection could be had.
    #[error("no database connection: {0}")]
    Connection(String),
    /// All connections stayed busy for the configured wait.
    #[error("database pool exhausted")]
    Busy,
    /// This process may not use the database: see [`Database::shut`].
    #[error("the database is shut to this process")]
    Shut,
    /// PostgreSQL or diesel refused a statement.
    #[error("database statement failed: {0}")]
    Statement(#[from] diesel::result::Error),
    /// A migration failed, or its grants did.
    #[error("migration failed: {0}")]
    Migration(String),
}

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
    counts: Arc<Counts>,
}

/// What was sent so far.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    /// Of those, transaction control.
    control: AtomicU64,
    transactions: AtomicU64,
    shut: AtomicBool,
    /// Rung by commits.
    bell: Notify,
}

impl Database {
    /// A pool on the service's role. Connects lazily: an absent database shows at the first transaction.
    pub fn connect(config: &DatabaseConfig) -> Result<Self, DatabaseError> {
        let counts = Arc::new(Counts::default());
        let counter = Arc::clone(&counts);
        let mut manager = ManagerConfig::default();
        // A closed connection is noticed without a query of its own; `begin` tries again on a fresh one.
        manager.recycling_method = RecyclingMethod::Fast;
        let address = Arc::new(Address::parse(&config.url)?);
        let reached = Arc::clone(&address);
        manager.custom_setup = Box::new(move |_| {
            let (counter, address) = (Counter(Arc::clone(&counter)), Arc::clone(&reached));
            async move {
                let mut connection = address.connect().await?;
                connection.set_instrumentation(counter);
                Ok(connection)
            }
            .boxed()
        });
        let wait = Duration::from_secs(config.wait_seconds);
        let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config(
            config.url.clone(),
            manager,
        ))
        .max_size(config.connections)
        // The one used last first: its server process still has its plans and catalogue at hand.
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| DatabaseError::Connection(error.to_string()))?;
        Ok(Self { pool, address, counts })
    }

    /// The database as one insurer sees it.
    pub fn tenant(&self, tenant: TenantId) -> TenantDatabase {
        TenantDatabase {
            database: self.clone(),
            tenant,
        }
    }

    /// A transaction with no tenant: directory tables only.
    pub async fn directory(&self) -> Result<DirectoryTransaction, DatabaseError> {
        let (tx, ()) = transaction::begin(&self.pool, &self.counts, &["BEGIN"], Directory, nothing).await?;
        Ok(tx)
    }

    /// One statement that reads from directory tables, outside any transaction: a message instead of three.
    pub async fn look_up<'env, T>(&self, statement: impl First<'env, Directory, T>) -> Result<T, DatabaseError> {
        transaction::look_up(&self.pool, &self.counts, statement).await
    }

    /// Statements sent so far, transaction control aside: what tests of equal cost count.
    pub fn statements(&self) -> u64 {
        let sent = self.counts.sent.load(Ordering::Relaxed);
        sent.saturating_sub(self.counts.control.load(Ordering::Relaxed))
    }

    /// Transactions begun so far: what tests of a page's cost count.
    pub fn transactions(&self) -> u64 {
        self.counts.transactions.load(Ordering::Relaxed)
    }

    /// Connections in use and in all, for metrics.
    pub fn usage(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size.saturating_sub(status.available), status.max_size)
    }

    /// Refuses every transaction of this handle and its clones until [`Database::open`]: for a node that must prove first
    /// that it may touch what is here.
    pub fn shut(&self) {
        self.counts.shut.store(true, Ordering::Relaxed);
    }

    /// Takes [`Database::shut`] back.
    pub fn open(&self) {
        self.counts.shut.store(false, Ordering::Relaxed);
    }

    /// The same pool whether it is shut or not: for the proof itself, and for readiness.
    #[must_use]
    pub fn past_shut(&self) -> Self {
        Self {
            counts: Arc::default(),
            ..self.clone()
        }
    }

    /// Closes the pool; transactions under way finish.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// One insurer's rows.
#[derive(Clone)]
pub struct TenantDatabase {
    database: Database,
    tenant: TenantId,
}

impl TenantDatabase {
    /// Whose rows.
    pub fn id(&self) -> TenantId {
        self.tenant
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> Result<TenantTransaction, DatabaseError> {
        let (tx, ()) = self.begin(&["BEGIN READ ONLY"], nothing).await?;
        Ok(tx)
    }

    /// A transaction that only reads, and what it reads `first`, in one round trip.
    pub async fn read_with<'env, T>(
        &self,
        first: impl First<'env, TenantId, T>,
    ) -> Result<(TenantTransaction, T), DatabaseError> {
        self.begin(&["BEGIN READ ONLY"], first).await
    }

    /// A transaction that may write. Keep it short: never across hashing or mail.
    pub async fn write(&self, durability: Durability) -> Result<TenantTransaction, DatabaseError> {
        let (tx, ()) = self.begin(durability.opening(), nothing).await?;
        Ok(tx)
    }

    /// A transaction that may write, and what it does `first`, in one round trip. Where a first try finds its connection
    /// closed, `first` runs again on another; nothing of the first try stays.
    pub async fn write_with<'env, T>(
        &self,
        durability: Durability,
        first: impl First<'env, TenantId, T>,
    ) -> Result<(TenantTransaction, T), DatabaseError> {
        self.begin(durability.opening(), first).await
    }

    /// With a literal SET LOCAL: a distributed PostgreSQL forwards it to its workers, `set_config()` it does not.
    async fn begin<'env, T>(
        &self,
        opening: &[&str],
        first: impl First<'env, TenantId, T>,
    ) -> Result<(TenantTransaction, T), DatabaseError> {
        let Database { pool, counts, .. } = &self.database;
        let tenant = format!("SET LOCAL madoguchi.tenant_id = '{}'", self.tenant);
        let opening = [opening, &[&tenant]].concat();
        transaction::begin(pool, counts, &opening, self.tenant, first).await
    }
}

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// What was written is on the disk.
    Safe,
    /// For counts that nobody was promised: the commit doesn't wait for the disk, so a crash of PostgreSQL may lose the
    /// last half second of them (its manual, 30.4).
    Relaxed,
}

impl Durability {
    fn opening(self) -> &'static [&'static str] {
        match self {
            Self::Safe => &["BEGIN"],
            Self::Relaxed => &["BEGIN", "SET LOCAL synchronous_commit = off"],
        }
    }
}

/// Begins with nothing else in the round trip.
fn nothing<Scope: Sync>(_: &Transaction<Scope>) -> ScopedBoxFuture<'static, '_, Result<(), DatabaseError>> {
    ready(Ok(())).scope_boxed()
}

type Connection = Object<AsyncPgConnection>;

/// Counts what is sent. Looks at no text: writing each statement out for it cost a twelfth of a page's time.
struct Counter(Arc<Counts>);

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}
