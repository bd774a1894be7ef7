//! Running it: the real binary as an operator starts, kills and restarts it, each test on a database of its own.

mod audit;
mod broken_loads;
mod clients;
mod commands;
mod demo;
mod distribute;
mod drugs;
mod insurers;
mod keys;
mod kills;
mod listener;
mod network;
mod operate;
mod programs;
mod restart;
mod retention;
mod roster;
mod sandbox;
mod staff;
mod statements;
mod tls;
mod webhooks;
mod work;

use kernel::TenantId;
use std::{
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use testkit::{Client, Fields, admin_url, execute, lines_within, owner_url, service_url, unique, url_of};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use url::Url;

/// 32 bytes in base64.
const KEY: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
/// Another 32.
const NAMES_KEY: &str = "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=";

/// The binary that was built beside the tests.
fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.ancestors().nth(2).unwrap().join("madoguchi");
    assert!(binary.is_file(), "{} is missing: cargo build", binary.display());
    binary
}

/// An empty database and a folder to run in.
pub(crate) struct Installation {
    folder: TempDir,
    pub(crate) database: String,
}

impl Installation {
    pub(crate) async fn new() -> Self {
        let database = unique("operations");
        let owner = Url::parse(&owner_url()).unwrap().username().to_owned();
        execute(&admin_url(), &format!("CREATE DATABASE \"{database}\" OWNER {owner}"))
            .await
            .unwrap();
        let folder = TempDir::new().unwrap();
        Self { folder, database }
    }

    /// Migrated, with the platform, one insurer and its sample roster.
    async fn ready() -> Self {
        let installation = Self::new().await;
        let tenants = testkit::tenants();
        let (platform, insurer) = (tenants.join("_platform"), tenants.join("139998"));
        installation.done(&["migrate"]).await;
        installation.done(&["keys", "register"]).await;
        installation
            .done(&["tenant", "apply", platform.to_str().unwrap(), insurer.to_str().unwrap()])
            .await;
        let roster = insurer.join("sample-roster.csv");
        installation
            .done(&["roster", "import", "139998", roster.to_str().unwrap()])
            .await;
        installation
    }

    /// `139998` of a ready installation.
    async fn insurer(&self) -> TenantId {
        let query = "SELECT tenant_id::text AS line FROM insurers WHERE insurer_code = '139998'";
        TenantId(testkit::lines(&self.owner_url(), query).await[0].parse().unwrap())
    }

    /// Waits until as many rows of a table fit a condition within an insurer.
    async fn until(&self, tenant: TenantId, rows: usize, of: &str) {
        for _ in 0..300 {
            let query = format!("SELECT '' AS line FROM {of}");
            if lines_within(&self.owner_url(), Some(tenant), &query).await.len() == rows {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("there are never {rows} rows of {of}");
    }

    pub(crate) fn owner_url(&self) -> String {
        url_of(&owner_url(), &self.database)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments);
        self.equipped(command)
    }

    /// A command with the settings of this installation.
    fn equipped(&self, mut command: Command) -> Command {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MADOGUCHI__")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("MADOGUCHI__DATABASE__URL", url_of(&service_url(), &self.database))
            .env("MADOGUCHI__DATABASE__OWNER_URL", self.owner_url())
            .env("MADOGUCHI__HTTP__LISTEN", "127.0.0.1:0")
            .env("MADOGUCHI__HTTP__DRAIN_DELAY_SECONDS", "0")
            .env("MADOGUCHI__KEYS__CURRENT", "k1")
            .env("MADOGUCHI__KEYS__RING__K1", KEY)
            .env("MADOGUCHI__KEYS__NAMES", NAMES_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end: whether it succeeded, and all it said.
    async fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let ended = tokio::time::timeout(Duration::from_mins(1), command.output()).await;
        let output = ended.expect("an end").unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// Runs a command that must succeed; all it said.
    async fn done(&self, arguments: &[&str]) -> String {
        let (success, said) = self.run(arguments, &[]).await;
        assert!(success, "{arguments:?}: {said}");
        said
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.database);
        // A thread of its own: the test's runtime may be of one thread, and is busy here.
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(execute(&admin_url(), &drop))
        });
        let _ = ended.join();
    }
}

/// A process that was started and runs on.
struct Node {
    child: Child,
    /// Where it listens; empty for a worker.
    url: String,
    /// All that it logged.
    log: Arc<Mutex<String>>,
}

impl Node {
    /// Starts `serve …` or `work` and waits until it says so.
    async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let url = loop {
            let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await;
            let line = line.expect("it starts in time").unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended: {said}"));
            if line.contains("\"working\"") {
                break String::new();
            }
            if let Some((_, rest)) = line.split_once("\"address\":\"") {
                break format!("http://{}", rest.split('"').next().unwrap());
            }
            said += &line;
        };
        let log = Arc::new(Mutex::new(said));
        let more = Arc::clone(&log);
        // A full pipe would stop it.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                *more.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, url, log }
    }

    /// The admin listener, once it listens.
    async fn admin(&self) -> Client {
        for _ in 0..100 {
            let log = self.log.lock().unwrap().clone();
            if let Some((_, rest)) = log.split_once("\"admin\":\"") {
                let address = rest.split('"').next().unwrap();
                return Client::new(&format!("http://{address}"), "192.0.2.1");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no admin listener");
    }

    /// As `kill -9`: nothing is finished, nothing is said.
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// As an operator ends it; true where it ends well.
    async fn terminate(mut self) -> bool {
        let id = nix::unistd::Pid::from_raw(self.child.id().unwrap().try_into().unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(25), self.child.wait()).await;
        ended.expect("it drains in time").unwrap().success()
    }
}

/// A person of the sample roster of 139998.
fn identity() -> Fields {
    Fields::new(&[
        ("insurer_code", "139998"),
        ("symbol", "10"),
        ("number", "2001"),
        ("birth_year", "1968"),
        ("birth_month", "11"),
        ("birth_day", "3"),
        ("kana_name", "コクホ　ジロウ"),
    ])
}
