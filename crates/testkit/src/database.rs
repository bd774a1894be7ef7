//! The shared database, migrated once per test run, and an insurer of one's own in it.

use ::database::{Database, DatabaseConfig, Durability, TenantTransaction, Timeouts};
use chrono::{DateTime, Utc};
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel::{Clock, InsurerCode, Keys, NameKeys, TenantId};
use madoguchi::commands::{keys::register, tenant::parts};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};
use tenancy::{Directory, Folder, Insurer};
use tokio::sync::OnceCell;

/// The one key of the tests' ring.
pub const KEY: [u8; 32] = [7; 32];
/// The tests' key of user IDs.
pub const NAMES_KEY: [u8; 32] = [8; 32];

static MIGRATED: OnceCell<()> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `cargo xtask test`"))
}

/// The superuser's address, for tests that look into the catalogue or restart things.
pub fn admin_url() -> String {
    variable("MADOGUCHI_TEST_ADMIN_URL")
}

/// The owner's address.
pub fn owner_url() -> String {
    variable("MADOGUCHI_TEST_OWNER_URL")
}

/// The address of another database on the same cluster, by any of the addresses above.
pub fn url_of(url: &str, database: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(database);
    url.into()
}

/// The service's address.
pub fn service_url() -> String {
    variable("MADOGUCHI_TEST_SERVICE_URL")
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The column `line` of a query's rows, asked by whoever an address names: for what no use case shows.
pub async fn lines(url: &str, query: &str) -> Vec<String> {
    lines_within(url, None, query).await
}

/// As [`lines`], inside an insurer.
pub async fn lines_within(url: &str, tenant: Option<TenantId>, query: &str) -> Vec<String> {
    let mut connection = begin(url, tenant).await;
    let rows: Vec<Line> = diesel::sql_query(query).load(&mut connection).await.unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

/// Runs statements as whoever an address names; what PostgreSQL says where it refuses.
pub async fn execute(url: &str, statements: &str) -> Result<(), String> {
    let mut connection = AsyncPgConnection::establish(url).await.unwrap();
    let done = connection.batch_execute(statements).await;
    done.map_err(|error| error.to_string())
}

/// As [`execute`], in one transaction inside an insurer.
pub async fn execute_within(url: &str, tenant: Option<TenantId>, statements: &str) -> Result<(), String> {
    let mut connection = begin(url, tenant).await;
    let done = connection.batch_execute(statements).await;
    done.map_err(|error| error.to_string())?;
    connection.batch_execute("COMMIT").await.unwrap();
    Ok(())
}

/// Runs SQL as the owner inside one tenant: for arranging and asserting what no use case shows.
pub async fn sql(tenant: TenantId, statements: &str) {
    execute_within(&owner_url(), Some(tenant), statements).await.unwrap();
}

/// A connection of its own in a transaction inside an insurer. A message each, as the product sends them: a distributed
/// PostgreSQL forwards a SET LOCAL with the whole message that it stands in.
async fn begin(url: &str, tenant: Option<TenantId>) -> AsyncPgConnection {
    let mut connection = AsyncPgConnection::establish(url).await.unwrap();
    connection.batch_execute("BEGIN").await.unwrap();
    if let Some(tenant) = tenant {
        let set = format!("SET LOCAL madoguchi.tenant_id = '{tenant}'");
        connection.batch_execute(&set).await.unwrap();
    }
    connection
}

/// A Sunday noon in Japan, on which nothing in particular happens: where frozen clocks start.
pub fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-22T03:00:00Z").unwrap().to_utc()
}

/// The database with one fresh, open insurer.
#[derive(Clone)]
pub struct TestDatabase {
    /// The pool, as the service's role.
    pub database: Database,
    /// The directory on it.
    pub directory: Directory,
    /// A ring of one key.
    pub keys: Keys,
    /// Frozen.
    pub clock: Clock,
    /// The insurer's rows.
    pub tenant: TenantId,
    /// The insurer.
    pub insurer: Arc<Insurer>,
    /// Its code.
    pub code: InsurerCode,
    folder: Folder,
    owner: String,
    pub(crate) expected_dead_jobs: Arc<AtomicUsize>,
    pub(crate) service: String,
}

impl TestDatabase {
    /// A fresh insurer with the settings of the plainest folder, 32290413.
    pub async fn new() -> Self {
        Self::with("32290413", |_| ()).await
    }

    /// A fresh insurer with the settings of a folder under tenants/, changed by `change`.
    pub async fn with(folder: &str, change: impl FnOnce(&mut Folder)) -> Self {
        connect().await;
        Self::at(&owner_url(), &service_url(), folder, change).await
    }

    /// The same on another database, which [`prepare`] has made ready.
    pub(crate) async fn at(owner: &str, service: &str, folder: &str, change: impl FnOnce(&mut Folder)) -> Self {
        let database = pool(service);
        let clock = Clock::frozen(start());
        let directory = Directory::new(database.clone(), clock.clone());
        let keys = Keys::new("test", [("test".to_owned(), KEY)]).unwrap();
        let code = fresh_code(folder.len());
        let mut folder = Folder::read(&tenants().join(folder), &parts()).unwrap();
        // A test publishes the notices that it is about.
        folder.parts.retain(|part| part.part.folder != "notices");
        folder.code = Some(code.clone());
        change(&mut folder);
        tenancy::apply(&database, clock.now(), &folder, "test").await.unwrap();
        let insurer = directory.by_code(&code).await.unwrap().unwrap();
        Self {
            tenant: insurer.tenant_id,
            insurer,
            database,
            directory,
            keys,
            clock,
            code,
            folder,
            owner: owner.to_owned(),
            expected_dead_jobs: Arc::default(),
            service: service.to_owned(),
        }
    }

    /// Applies the insurer's folder again, changed.
    pub async fn apply(&self, change: impl FnOnce(&mut Folder)) {
        let mut folder = self.folder.clone();
        change(&mut folder);
        tenancy::apply(&self.database, self.clock.now(), &folder, "test")
            .await
            .unwrap();
    }

    /// Where its database is reached as its owner.
    pub fn owner_url(&self) -> String {
        self.owner.clone()
    }

    /// A writing transaction of a tenant, as the service begins them.
    pub async fn write(&self, tenant: TenantId) -> TenantTransaction {
        self.database.tenant(tenant).write(Durability::Safe).await.unwrap()
    }

    /// What a query about another tenant, such as the platform, gives.
    pub async fn lines_of(&self, tenant: TenantId, query: &str) -> Vec<String> {
        lines_within(&self.service, Some(tenant), query).await
    }

    /// The column `line` of a query's rows, as the owner inside the insurer.
    pub async fn lines(&self, query: &str) -> Vec<String> {
        lines_within(&self.owner, Some(self.tenant), query).await
    }

    /// Lets every lease in this insurer run out, as one does whose worker was killed: they go by the database's clock.
    pub async fn end_leases(&self) {
        let end = format!(
            "UPDATE due SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL AND tenant_id = {}",
            self.tenant
        );
        execute(&self.owner, &end).await.unwrap();
    }

    /// The queues of a tenant's dead jobs, each with its last error.
    pub(crate) async fn dead_jobs(&self, tenant: TenantId) -> Vec<String> {
        let query = "SELECT concat(queue, ': ', last_error) AS line FROM jobs WHERE dead_at IS NOT NULL";
        lines_within(&self.owner, Some(tenant), query).await
    }

    /// How many rows of a table fit a condition.
    pub async fn count(&self, table: &str, condition: &str) -> usize {
        self.lines(&format!("SELECT '' AS line FROM {table} WHERE {condition}"))
            .await
            .len()
    }
}

/// The repository's tenants/.
pub fn tenants() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants")
}

/// Sees to it that the shared database is migrated and has the platform applied.
async fn connect() {
    // On a thread of its own: migrations need a runtime of several threads, and tests may have one of one.
    MIGRATED
        .get_or_init(|| async { tokio::task::spawn_blocking(prepare_beside).await.unwrap() })
        .await;
}

fn prepare_beside() {
    let prepare = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(prepare(&owner_url(), &service_url()));
    };
    std::thread::spawn(prepare).join().unwrap();
}

/// Migrates a database and applies the platform. Needs a runtime of several threads.
pub(crate) async fn prepare(owner: &str, service: &str) {
    let role = url::Url::parse(service).unwrap().username().to_owned();
    ::database::migrate(owner, &role).await.unwrap();
    let platform = Folder::read(&tenants().join("_platform"), &parts()).unwrap();
    let keys = Keys::new("test", [("test".to_owned(), KEY)]).unwrap();
    let names = NameKeys::new(NAMES_KEY, None);
    register(&pool(owner), &keys, &names, start()).await.unwrap();
    tenancy::apply(&pool(service), start(), &platform, "test")
        .await
        .unwrap();
}

/// Few connections: many tests run beside each other.
pub(crate) fn config(service: &str) -> DatabaseConfig {
    DatabaseConfig {
        url: service.to_owned(),
        owner_url: None,
        connections: 5,
        wait_seconds: 20,
        timeouts: Timeouts::default(),
    }
}

/// A pool of few connections for whoever an address names.
pub fn pool(service: &str) -> Database {
    Database::connect(&config(service)).unwrap()
}

/// A code nobody has yet. Where it begins hangs on the process: several may use one database, one after the other.
fn fresh_code(length: usize) -> InsurerCode {
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let body = if length == 6 {
        format!("{:05}", (std::process::id() * 7919 + next) % 100_000)
    } else {
        format!("32{:05}", (std::process::id() * 7919 + next) % 100_000)
    };
    InsurerCode::with_check_digit(&body).unwrap()
}
