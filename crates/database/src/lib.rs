//! The one way to PostgreSQL: a pool, transactions that belong to one insurer, migrations, and a private local cluster.
//!
//! Tenant tables are reached only through [`TenantDatabase::read`] and [`TenantDatabase::write`]; each begins, in one
//! round trip, with a literal `SET LOCAL` of the tenant (design, tenancy). Row-level security is the net beneath:
//! every statement still names `tenant_id = $1` itself.

mod bell;
pub mod cluster;
mod connection;
mod database_url;
pub mod distribution;
mod keyed;
mod lock;
mod migrations;
mod prepared;
mod readiness;
mod transaction;
mod years;

pub use bell::Listener;
pub use connection::Timeouts;
pub use database_url::{PLANNING, UrlError, check_url};
pub use keyed::{Keyed, Kind, Resealed};
pub use migrations::{Migrated, latest_migration, migrate, pending_migrations, revert};
pub use prepared::Prepared;
pub use readiness::Readiness;
pub use transaction::{Directory, DirectoryTransaction, First, TenantTransaction, Transaction};
pub use years::{MOST_MONTHS, Yearly, keep_years, years};

use connection::Connector;
use database_url::DatabaseUrl;
use deadpool::managed::{Pool, QueueMode};
use diesel::result::DatabaseErrorKind;
use futures_util::future::ready;
use kernel::{Outage, OutageKind, TenantId};
use readiness::Probe;
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
use transaction::Opening;

/// How a transaction begins that only reads.
const READ: &[&str] = &["BEGIN READ ONLY"];
/// How long a transaction or statement outside every insurer may take: a few rows that much waits for.
const DIRECTORY: Duration = Duration::from_secs(5);

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
    /// How long PostgreSQL may take.
    #[serde(default)]
    pub timeouts: Timeouts,
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
    /// The URL.
    #[error("database address: {0}")]
    Url(#[from] UrlError),
    /// No connection could be had: it was refused, or not made in time.
    #[error("no database connection: {0}")]
    Connection(String),
    /// All connections stayed in use for the configured wait.
    #[error("database pool exhausted")]
    Busy,
    /// This process may not use the database: see [`Database::shut`].
    #[error("the database is shut to this process")]
    Shut,
    /// The connection was closed before the answer came: by PostgreSQL, by the network, or because the transaction's time
    /// was up. Nothing of the transaction is kept.
    #[error("database connection lost: {0}")]
    Lost(String),
    /// COMMIT was sent and its answer lost: what was written may be there or not.
    #[error("COMMIT was not answered")]
    Unconfirmed,
    /// PostgreSQL or diesel refused a statement.
    #[error("database statement failed: {0}")]
    Statement(diesel::result::Error),
    /// A migration failed, or its grants did.
    #[error("migration failed: {0}")]
    Migration(String),
}

impl From<diesel::result::Error> for DatabaseError {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            // What the driver says without a word of PostgreSQL: there is no connection to it any more.
            diesel::result::Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, said) => {
                Self::Lost(said.message().to_owned())
            }
            error => Self::Statement(error),
        }
    }
}

impl From<DatabaseError> for Outage {
    fn from(error: DatabaseError) -> Self {
        let kind = match error {
            DatabaseError::Busy | DatabaseError::Connection(_) | DatabaseError::Lost(_) | DatabaseError::Shut => {
                OutageKind::Passing
            }
            DatabaseError::Unconfirmed => OutageKind::Unconfirmed,
            DatabaseError::Url(_) | DatabaseError::Statement(_) | DatabaseError::Migration(_) => OutageKind::Fault,
        };
        Self::new(kind, error)
    }
}

/// What may come of doing the same again a little later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// It may be done: the database is away, busy, or takes nothing that is written for now.
    Passing,
    /// PostgreSQL said no in words, which are in its own language, and by a code that the driver keeps to itself: that its
    /// disk is full, that it is about to end, that somebody held a lock for too long, or that the statement is a wrong one.
    /// The first two are told by [`Database::readiness`].
    Unclear,
    /// It is refused again, each time.
    Refused,
}

impl DatabaseError {
    /// What may come of doing the same again.
    pub fn prospect(&self) -> Prospect {
        use DatabaseErrorKind::{ReadOnlyTransaction, SerializationFailure, Unknown};
        match self {
            Self::Busy | Self::Connection(_) | Self::Lost(_) | Self::Shut | Self::Unconfirmed => Prospect::Passing,
            // A standby that was the first server a moment ago answers so.
            Self::Statement(diesel::result::Error::DatabaseError(ReadOnlyTransaction | SerializationFailure, _)) => {
                Prospect::Passing
            }
            Self::Statement(diesel::result::Error::DatabaseError(Unknown, _)) => Prospect::Unclear,
            Self::Statement(_) | Self::Url(_) | Self::Migration(_) => Prospect::Refused,
        }
    }

    /// The same for one more of those who waited for one answer.
    #[must_use]
    pub fn shared(&self) -> Self {
        match self {
            Self::Url(error) => Self::Connection(error.to_string()),
            Self::Connection(said) => Self::Connection(said.clone()),
            Self::Busy => Self::Busy,
            Self::Shut => Self::Shut,
            Self::Lost(said) => Self::Lost(said.clone()),
            Self::Unconfirmed => Self::Unconfirmed,
            Self::Statement(error) => Self::Statement(diesel::result::Error::DatabaseError(
                DatabaseErrorKind::Unknown,
                Box::new(error.to_string()),
            )),
            Self::Migration(said) => Self::Migration(said.clone()),
        }
    }
}

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connector>,
    url: Arc<DatabaseUrl>,
    counts: Arc<Counts>,
    timeouts: Timeouts,
    probe: Arc<Probe>,
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
        let url = Arc::new(DatabaseUrl::parse(&config.url)?.with(&config.timeouts));
        let connector = |counts: &Arc<Counts>| Connector {
            url: Arc::clone(&url),
            patience: config.timeouts.connect(),
            counts: Arc::clone(counts),
        };
        let pool = Pool::builder(connector(&counts))
            .max_size(config.connections)
            // The one used last first: its server process still has its plans and catalogue at hand.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(Duration::from_secs(config.wait_seconds)))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::Connection(error.to_string()))?;
        // What it sends is no page's and no job's, so it is counted for itself.
        let probe = Arc::new(Probe::new(connector(&Arc::default())));
        Ok(Self {
            pool,
            url,
            counts,
            timeouts: config.timeouts,
            probe,
        })
    }

    /// The database as one insurer sees it.
    pub fn tenant(&self, tenant: TenantId) -> TenantDatabase {
        TenantDatabase {
            database: self.clone(),
            tenant,
            limit: None,
        }
    }

    /// A transaction with no tenant: directory tables only. It has five seconds.
    pub async fn directory(&self) -> Result<DirectoryTransaction, DatabaseError> {
        let opening = Opening {
            statements: &["BEGIN"],
            limit: self.directory_limit(),
            writes: true,
        };
        let (tx, ()) = transaction::begin(self, opening, Directory, nothing).await?;
        Ok(tx)
    }

    /// One statement that reads from directory tables, outside any transaction: a message instead of three. It has five
    /// seconds.
    pub async fn look_up<'env, T>(&self, statement: impl First<'env, Directory, T>) -> Result<T, DatabaseError> {
        transaction::look_up(self, self.directory_limit(), statement).await
    }

    fn directory_limit(&self) -> Duration {
        DIRECTORY.min(self.timeouts.transaction())
    }

    /// Whether PostgreSQL answers, takes what is written, and has the schema that this build knows.
    pub async fn readiness(&self) -> Readiness {
        self.probe.look().await
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
    /// How long its transactions may take, where that is longer than usual.
    limit: Option<Duration>,
}

impl TenantDatabase {
    /// Whose rows.
    pub fn id(&self) -> TenantId {
        self.tenant
    }

    /// The same with more time for each transaction, and for each of its statements: for imports and the like, which
    /// nobody waits for at a screen. Locks are waited for no longer than usual.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> Result<TenantTransaction, DatabaseError> {
        let (tx, ()) = self.begin(READ, nothing).await?;
        Ok(tx)
    }

    /// A transaction that only reads, and what it reads `first`, in one round trip.
    pub async fn read_with<'env, T>(
        &self,
        first: impl First<'env, TenantId, T>,
    ) -> Result<(TenantTransaction, T), DatabaseError> {
        self.begin(READ, first).await
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
        begin: &[&str],
        first: impl First<'env, TenantId, T>,
    ) -> Result<(TenantTransaction, T), DatabaseError> {
        let tenant = format!("SET LOCAL madoguchi.tenant_id = '{}'", self.tenant);
        let longer = self.limit.map(longer);
        let mut statements = [begin, &[&tenant]].concat();
        statements.extend(longer.iter().flatten().map(String::as_str));
        let opening = Opening {
            statements: &statements,
            limit: self.limit.unwrap_or(self.database.timeouts.transaction()),
            writes: begin != READ,
        };
        transaction::begin(&self.database, opening, self.tenant, first).await
    }
}

/// What PostgreSQL is told of a transaction that may take so long: a statement about a whole insurer is worth a plan of its own.
fn longer(limit: Duration) -> [String; 3] {
    let limit = |name: &str| format!("SET LOCAL {name} = '{}s'", limit.as_secs());
    [
        limit("statement_timeout"),
        limit("idle_in_transaction_session_timeout"),
        "SET LOCAL plan_cache_mode = auto".to_owned(),
    ]
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
