//! Wiring: one configuration and one clock make everything a node runs.

use crate::{
    config::{Config, ConfigError, RetentionConfig},
    house::House,
    key_proof::{KeyProof, Unproven},
};
use accounts::Accounts;
use dashboard::Dashboard;
use database::{Database, DatabaseError, Readiness, distribution};
use edge::{HttpSettings, Services};
use guard::Hasher;
use jobs::Worker;
use kernel::{Clock, Keys, NameKeys};
use mail::{Postman, Transport};
use notices::Notices;
use poem::{Endpoint, IntoResponse as _, Response, http::StatusCode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tenancy::Directory;
use tokio::time::timeout;

/// Everything one node runs.
#[derive(Clone)]
pub struct App {
    /// The pool.
    pub database: Database,
    /// The insurers.
    pub directory: Directory,
    /// The key ring.
    pub keys: Keys,
    /// The key of user IDs.
    pub names: NameKeys,
    /// The time.
    pub clock: Clock,
    /// The hashing threads.
    pub hasher: Hasher,
    /// What the shells call.
    pub services: Services,
    /// The work in the background.
    pub worker: Worker,
    /// Told to end: not ready any more, though all is answered for a while yet.
    pub draining: Arc<AtomicBool>,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// Whether its keys are the right ones; until then the database is shut to it.
    pub key_proof: KeyProof,
    /// Requests that may be under way at the same time.
    pub requests: usize,
}

impl App {
    /// Puts a node together; nothing is started yet and nothing is connected.
    pub fn new(config: &Config, clock: Clock, transport: Transport) -> Result<Self, AppError> {
        let (keys, names) = config.keys()?;
        let database = Database::connect(config.database()?)?;
        let directory = Directory::new(database.clone(), clock.clone());
        let hasher = Hasher::new(&keys, config.hash);
        let public_url = config.http.public_url.clone();
        let accounts = Accounts::new(
            database.clone(),
            directory.clone(),
            keys.clone(),
            names.clone(),
            clock.clone(),
            hasher.clone(),
            config.limits.clone(),
            public_url.clone(),
        );
        let notices = Notices::new(database.clone(), clock.clone());
        let postman = Postman::new(
            database.clone(),
            keys.clone(),
            clock.clone(),
            accounts::registry(),
            transport,
            config.mail.connections,
        );
        let worker = accounts.served_by(Worker::new(database.clone(), clock.clone()).serving(postman));
        let services = Services {
            dashboard: Dashboard::new(database.clone(), notices.clone()),
            accounts,
            notices,
            database: database.clone(),
            keys: keys.clone(),
            clock: clock.clone(),
            public_url,
            http: HttpSettings {
                trusted_proxies: config.http.trusted_proxies.clone().into(),
                body_limit_bytes: config.http.body_limit_bytes,
                body_time: Duration::from_secs(config.http.body_seconds),
            },
        };
        let key_proof = KeyProof::new(&database, &keys, &names);
        Ok(Self {
            database,
            directory,
            keys,
            names,
            clock,
            hasher,
            services,
            worker,
            draining: Arc::default(),
            retention: config.retention,
            key_proof,
            requests: config.http.requests,
        })
    }

    /// What keeps a node from running on this database, where it is a cluster.
    pub(crate) async fn undistributed(&self) -> Result<Vec<String>, DatabaseError> {
        let mut tx = self.database.past_shut().directory().await?;
        distribution::undistributed(&mut tx).await
    }

    /// The public listener: pages, API, health.
    pub fn endpoint(&self) -> impl Endpoint<Output = Response> + use<> {
        House::new(self)
    }
}

/// Why a node could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The pool.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// PostgreSQL answers and can be written, its schema is the one this build knows, in a cluster its tables are distributed,
/// and its keys are this node's. A node with all its connections in use is ready: taken out, it would leave its load to the
/// others, and one after the other would go.
pub(crate) async fn ready(database: &Database, key_proof: &KeyProof, draining: &AtomicBool) -> Response {
    if draining.load(Ordering::Relaxed) {
        return not_ready("draining");
    }
    match database.readiness().await {
        Readiness::Ready => {
            let (used, most) = database.usage();
            if used < most {
                proven(key_proof).await
            } else {
                "busy".into_response()
            }
        }
        Readiness::Pending(migrations) => not_ready(&format!("{migrations} migrations pending")),
        Readiness::Undistributed => not_ready("not distributed"),
        Readiness::ReadOnly => not_ready("database read-only"),
        Readiness::Failing => not_ready("database failing"),
        Readiness::Away => not_ready("database away"),
    }
}

/// How long the pool may take to answer for the keys.
const PATIENCE: Duration = Duration::from_secs(3);

async fn proven(key_proof: &KeyProof) -> Response {
    let Ok(answer) = timeout(PATIENCE, key_proof.ask()).await else {
        return not_ready("database away");
    };
    match answer {
        Ok(()) => "ok".into_response(),
        Err(Unproven::Database(DatabaseError::Busy)) => "busy".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            not_ready("keys not proven")
        }
    }
}

fn not_ready(why: &str) -> Response {
    Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .body(why.to_owned())
}
