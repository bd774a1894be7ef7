//! The product's release binary as a process: `madoguchi serve` on a free port, and what it costs.

use crate::{
    http::Connection,
    processes,
    stage::{Failed, Stage},
};
use database::cluster::DATABASE;
use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longer than any start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running node; dropping it ends it.
pub struct Service {
    child: Child,
    /// Where it listens on loopback.
    pub port: u16,
    /// From its start to the first 200 of `/readyz`.
    pub ready_after: Duration,
}

impl Service {
    /// Starts a node on the stage's database and waits until it is ready: with so many connections, or the default.
    pub fn start(stage: &Stage, connections: Option<usize>) -> Result<Self, Failed> {
        Self::on(stage, DATABASE, connections)
    }

    /// [`Self::start`] on another.
    pub fn on(stage: &Stage, database: &str, connections: Option<usize>) -> Result<Self, Failed> {
        Self::with(stage, database, connections, &[])
    }

    /// [`Self::on`] with more of a configuration. Its log goes to a file, as a supervisor would have it.
    pub fn with(
        stage: &Stage,
        database: &str,
        connections: Option<usize>,
        more: &[(&str, &str)],
    ) -> Result<Self, Failed> {
        let port = free_port()?;
        let log = stage.data.join(format!("serve-{database}.log"));
        let log = File::create(&log).map_err(Failed::at(log.display()))?;
        let mut command = stage.service();
        command
            .arg("serve")
            .env("MADOGUCHI__DATABASE__URL", stage.cluster.service_url(database))
            .envs(connections.map(|many| ("MADOGUCHI__DATABASE__CONNECTIONS", many.to_string())))
            .env("MADOGUCHI__HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env("MADOGUCHI__HTTP__PUBLIC_URL", format!("http://localhost:{port}"))
            .env("MADOGUCHI__HTTP__TRUSTED_PROXIES", "127.0.0.1/32")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let begun = Instant::now();
        let child = command.spawn().map_err(Failed::at(stage.program.display()))?;
        let mut service = Self {
            child,
            port,
            ready_after: Duration::MAX,
        };
        while begun.elapsed() < PATIENCE {
            if service.is_ready() {
                service.ready_after = begun.elapsed();
                return Ok(service);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err(Failed("madoguchi serve did not become ready; see its log".into()))
    }

    /// Connects to it.
    pub fn connect(&self) -> Result<Connection, Failed> {
        Connection::open(self.port).map_err(Failed::at("connecting to madoguchi serve"))
    }

    /// Seconds of processor time used so far.
    pub fn seconds(&self) -> f64 {
        processes::seconds(self.child.id())
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> Result<f64, Failed> {
        processes::resident_mib(self.child.id()).ok_or_else(|| Failed("madoguchi serve is gone".into()))
    }

    fn is_ready(&self) -> bool {
        Connection::open(self.port)
            .and_then(|mut connection| connection.exchange(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It keeps nothing that an end in mid-air could damage; the next start is a new one.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16, Failed> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Failed::at("a free port"))
}
