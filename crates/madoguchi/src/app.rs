//! Wiring: one configuration and one clock make everything a node runs.

use crate::{
    config::{Config, ConfigError, RetentionConfig},
    house::House,
    key_proof::{KeyProof, Unproven},
    modules, retention,
};
use access::PolicyError;
use accounts::Accounts;
use audit::proof::Sealer;
use clients::Clients;
use database::{Database, DatabaseError, Readiness, distribution};
use edge::{FilePlaces, HttpSettings};
use ground::Ground;
use guard::Hasher;
use jobs::Worker;
use kernel::Clock;
use mail::{Postman, Transport};
use module::Module;
use poem::{Endpoint, IntoResponse as _, Response, http::StatusCode};
use roster::Runs;
use staff::Staff;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tenancy::Directory;
use tokio::time::timeout;
use webhooks::Webhooks;

/// Everything one node runs.
#[derive(Clone)]
pub struct App {
    /// What every feature is built from.
    pub ground: Ground,
    /// The pipeline.
    pub accounts: Accounts,
    /// Who works here.
    pub staff: Staff,
    /// Programs of other systems.
    pub clients: Clients,
    /// What programs are told of.
    pub webhooks: Webhooks,
    /// The modules.
    pub modules: Arc<[Module]>,
    /// What pages stand on.
    pub pages: pages::Services,
    /// What operations stand on.
    pub operations: operations::Services,
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

/// What features are built from, by this configuration; nothing is started yet and nothing is connected.
pub fn ground(config: &Config, clock: Clock) -> Result<Ground, AppError> {
    let (keys, names) = config.keys()?;
    let database = Database::connect(config.database()?)?;
    Ok(Ground {
        directory: Directory::new(database.clone(), clock.clone()),
        hasher: Hasher::new(&keys, config.hash),
        database,
        keys,
        names,
        clock,
        person_kept: retention::person_kept(config.retention),
    })
}

impl App {
    /// Puts a node together; nothing is started yet and nothing is connected. Its modules are [`modules::modules`], or in a
    /// test more than these.
    pub fn new(
        config: &Config,
        clock: Clock,
        transport: Transport,
        modules: impl FnOnce(&Ground) -> Vec<Module>,
    ) -> Result<Self, AppError> {
        let ground = ground(config, clock)?;
        let public_url = config.http.public_url.clone();
        let accounts = Accounts::new(&ground, config.limits.clone(), public_url.clone());
        let modules = modules(&ground);
        let console_url = config.http.console_url.clone().unwrap_or_else(|| public_url.clone());
        let policy = Arc::new(modules::policy(&modules)?);
        let staff = Staff::new(&ground, Arc::clone(&policy), console_url.clone());
        let clients = Clients::new(&ground, policy, modules::HANGING);
        let of_modules = modules.iter().flat_map(|module| module.events.iter().copied());
        let webhooks = Webhooks::new(&ground, &clients, of_modules, &config.webhooks)?;
        let rosters = Runs::new(&ground);
        let mails = modules.iter().filter_map(|module| module.mails.as_ref()).fold(
            webhooks::registry(clients::registry(approvals::registry(staff::registry(
                accounts::registry(),
            )))),
            |mails, add| add(mails, &accounts),
        );
        let postman = Postman::new(
            ground.database.clone(),
            ground.keys.clone(),
            ground.clock.clone(),
            mails.clone(),
            transport,
            config.mail.connections,
        );
        let sealer = Sealer::new(ground.database.clone(), ground.clock.clone());
        let worker = Worker::new(ground.database.clone(), ground.clock.clone())
            .serving(postman)
            .serving(sealer);
        let table = modules::pages(&modules);
        let http = HttpSettings {
            trusted_proxies: config.http.trusted_proxies.clone().into(),
            body_limit_bytes: config.http.body_limit_bytes,
            body_time: Duration::from_secs(config.http.body_seconds),
            files: FilePlaces::default(),
        };
        Ok(Self {
            pages: pages::Services {
                accounts: accounts.clone(),
                database: ground.database.clone(),
                mails,
                keys: ground.keys.clone(),
                clock: ground.clock.clone(),
                staff: staff.clone(),
                clients: clients.clone(),
                webhooks: webhooks.clone(),
                performers: web::console::performers(&staff, &rosters, &ground.keys)
                    .into_iter()
                    .chain([accounts.desk_email_performer(), accounts.proof_performer()])
                    .chain(modules.iter().flat_map(|module| module.performers.iter().cloned()))
                    .collect(),
                rosters: rosters.clone(),
                public_url: public_url.clone(),
                console_url,
                http: http.clone(),
                former_nav: modules::former_nav(&modules, &table),
                table: table.clone(),
                nav: modules::nav(&modules),
                console_nav: modules::console_nav(&modules),
            },
            operations: operations::Services {
                accounts: accounts.clone(),
                clients: clients.clone(),
                webhooks: webhooks.clone(),
                database: ground.database.clone(),
                keys: ground.keys.clone(),
                rosters: rosters.clone(),
                public_url,
                links: modules::links(&modules, &table),
                clock: ground.clock.clone(),
                http,
                table: modules::operations(&modules),
            },
            worker: modules.iter().filter_map(|module| module.work.as_ref()).fold(
                webhooks
                    .served_by(rosters.served_by(staff.served_by(staff.support_served_by(accounts.served_by(worker))))),
                |worker, add| add(worker, &accounts),
            ),
            accounts,
            staff,
            clients,
            webhooks,
            modules: modules.into(),
            draining: Arc::default(),
            retention: config.retention,
            key_proof: KeyProof::new(&ground.database, &ground.keys, &ground.names),
            requests: config.http.requests,
            ground,
        })
    }

    /// What keeps a node from running on this database, where it is a cluster.
    pub(crate) async fn undistributed(&self) -> Result<Vec<String>, DatabaseError> {
        let mut tx = self.ground.database.past_shut().directory().await?;
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
    /// What roles may do.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The TLS to receivers of webhooks.
    #[error(transparent)]
    Tls(#[from] webhooks::TlsError),
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
