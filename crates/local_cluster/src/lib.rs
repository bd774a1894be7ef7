//! A private `PostgreSQL` cluster for laptop, demo and tests: made, started, restarted and stopped by the program that
//! needs it, reachable on loopback only and by generated passwords only. Never a production server, and never shared by
//! two programs at once. A crate of its own, so that xtask compiles without everything that `database` stands on.

mod binaries;
mod error;
mod home;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use binaries::Binaries;
pub use error::ClusterError;
use home::Home;

/// The superuser: makes databases and roles, for tests that clone databases. The product never connects as it.
const ADMIN: &str = "postgres";
/// Owns the database and runs the migrations; under forced row-level security like everyone.
const OWNER: &str = "madoguchi_owner";
/// What `serve` and `work` connect as; has only what `migrate` grants.
const SERVICE: &str = "madoguchi";
/// The database that every cluster has from its first start.
pub const DATABASE: &str = "madoguchi";

/// Starts tried before giving up: another program may take the free port between its choice and its use.
const STARTS: u32 = 5;

/// How a cluster is made and run.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Where it lives, `var/` say; it takes the folder `postgres` in it, and a lock file.
    pub folder: PathBuf,
    /// Whether it survives a power cut. `false` switches fsync off: for tests, several times faster.
    pub durable: bool,
    /// Connections that clients may hold at once (`max_connections`, less what the superuser keeps).
    pub connections: u32,
    /// Whether the server keeps the text of each statement (`pg_stat_statements`), without its values and without
    /// transaction control; only where its library is installed.
    pub keeps_statements: bool,
}

/// A running cluster; dropping it stops the server and keeps the data.
#[derive(Debug)]
pub struct LocalCluster {
    binaries: Binaries,
    home: Home,
    passwords: Passwords,
    port: u16,
    stopped: bool,
    /// Held as long as this lives, so that no second program starts or stops the same cluster.
    _lock: File,
}

/// One password per role, random, kept in a file that only the server's user (and root) may read.
#[derive(Debug)]
struct Passwords {
    admin: String,
    owner: String,
    service: String,
}

impl LocalCluster {
    /// Starts the cluster of a folder, making it first when it isn't there. Whatever an earlier program left running or
    /// half-written by being killed is stopped and recovered.
    pub fn start(options: &ClusterOptions) -> Result<LocalCluster, ClusterError> {
        let (home, lock) = Home::open(&options.folder)?;
        let binaries = match home.data_version()? {
            Some(version) => Binaries::of_version(&version).ok_or_else(|| ClusterError::WrongVersion {
                folder: home.path().to_owned(),
                version,
            })?,
            None => Binaries::find()?,
        };
        let passwords = Passwords::load(&home)?;
        let mut cluster = LocalCluster {
            binaries,
            home,
            passwords,
            port: 0,
            stopped: true,
            _lock: lock,
        };

        if cluster.home.data_version()?.is_none() {
            cluster.make(options.durable)?;
        }
        cluster.end_leftover()?;
        cluster.launch(options)?;
        cluster.make_roles()?;
        Ok(cluster)
    }

    /// `postgres://…` as the role that owns the database and migrates it.
    pub fn owner_url(&self, database: &str) -> String {
        self.url(OWNER, &self.passwords.owner, database)
    }

    /// `postgres://…` as the role of the service, which owns nothing.
    pub fn service_url(&self, database: &str) -> String {
        self.url(SERVICE, &self.passwords.service, database)
    }

    /// `postgres://…` as the superuser, for tests that make databases or restart things from within.
    pub fn admin_url(&self, database: &str) -> String {
        self.url(ADMIN, &self.passwords.admin, database)
    }

    /// Where the programs of this cluster's version are: `psql`, `pgbench` and the rest.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The TCP port on 127.0.0.1; stays the same over [`restart`](Self::restart), not over a stop.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a database owned by the owner role, empty or as a copy of `template` (to which nobody may be connected).
    pub fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), ClusterError> {
        let mut sql = format!("CREATE DATABASE {} OWNER {OWNER}", quoted(name));
        if let Some(template) = template {
            let _ = write!(sql, " TEMPLATE {}", quoted(template));
        }
        self.sql("postgres", &sql).map(drop)
    }

    /// Drops a database if it exists, and whoever is connected to it.
    pub fn drop_database(&self, name: &str) -> Result<(), ClusterError> {
        self.sql(
            "postgres",
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)),
        )
        .map(drop)
    }

    /// Runs statements as the superuser through psql; answers the rows, unaligned, one per line.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String, ClusterError> {
        let mut psql = Command::new(self.binaries.program("psql"));
        psql.args([
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            "-",
            &self.admin_url_without_password(database),
        ])
        .env("PGPASSWORD", &self.passwords.admin)
        .stdin(Stdio::piped());
        run(&mut psql, Some(sql))
    }

    /// Restarts the server on the same port; connections are cut, as in an operator's restart.
    pub fn restart(&self) -> Result<(), ClusterError> {
        self.control(&["restart", "-m", "fast", "-l", &self.home.log()])
            .map(drop)
    }

    /// Stops the server, cutting connections and losing nothing. Dropping does the same, silently.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.halt()
    }

    fn halt(&mut self) -> Result<(), ClusterError> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(());
        }
        self.control(&["stop", "-m", "fast"]).map(drop)
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        // Nobody is left to tell; the next start ends what a failed stop leaves.
        let _ = self.halt();
    }
}

// The steps of a start, in order.
impl LocalCluster {
    /// initdb into a folder of another name, renamed when whole: a start that was killed half-way leaves no half cluster.
    fn make(&self, durable: bool) -> Result<(), ClusterError> {
        let making = self.home.join("data.making");
        let password = self.home.join("password");
        home::remove(&making)?;
        self.home.write(&password, &self.passwords.admin)?;

        let mut initdb = self.home.command(&self.binaries.program("initdb"));
        initdb.args([
            "--username",
            ADMIN,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(&making);
        if !durable {
            initdb.arg("--no-sync");
        }
        run(&mut initdb, None)?;
        home::remove(&password)?;

        let conf = making.join("postgresql.conf");
        let shipped = std::fs::read_to_string(&conf).map_err(ClusterError::file(&conf))?;
        self.home
            .write(&conf, &format!("{shipped}\ninclude = 'madoguchi.conf'\n"))?;
        self.home
            .write(&making.join("pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n")?;
        std::fs::rename(&making, self.home.data()).map_err(ClusterError::file(&making))
    }

    /// Ends a server that a killed program left behind. Only we may have started it: the lock is ours.
    fn end_leftover(&self) -> Result<(), ClusterError> {
        let pid_file = self.home.data().join("postmaster.pid");
        let Ok(text) = std::fs::read_to_string(&pid_file) else {
            return Ok(());
        };
        let Some(command_line) = text.lines().next().and_then(home::command_line) else {
            return Ok(()); // Nobody has this id any more; PostgreSQL sees so itself and recovers.
        };
        if command_line.contains(&*self.home.data().to_string_lossy()) {
            self.control(&["stop", "-m", "fast"])
                .or_else(|_| self.control(&["stop", "-m", "immediate"]))
                .map(drop)
        } else {
            // After a crash of the machine the id may belong to a stranger, for whom PostgreSQL would wait for ever.
            home::remove(&pid_file)
        }
    }

    fn launch(&mut self, options: &ClusterOptions) -> Result<(), ClusterError> {
        let mut tries = 1;
        loop {
            self.port = free_port()?;
            let conf = self.home.data().join("madoguchi.conf");
            self.home.write(&conf, &self.settings(options))?;
            home::remove(Path::new(&self.home.log()))?;
            match self.control(&["start", "-l", &self.home.log()]) {
                Ok(_) => {
                    self.stopped = false;
                    return Ok(());
                }
                Err(failure) if tries == STARTS => {
                    let log = std::fs::read_to_string(self.home.log()).unwrap_or_default();
                    return Err(ClusterError::NoStart {
                        reason: failure.to_string(),
                        log,
                    });
                }
                Err(_) => tries += 1,
            }
        }
    }

    /// Written so that it may run at every start: one that was killed before it is made good by the next.
    fn make_roles(&self) -> Result<(), ClusterError> {
        let Passwords { owner, service, .. } = &self.passwords;
        let mut sql = String::new();
        for (role, password) in [(OWNER, owner), (SERVICE, service)] {
            let _ = write!(
                sql,
                "SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n\
                 ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{password}';\n"
            );
        }
        let _ = writeln!(
            sql,
            "SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}' \
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec"
        );
        self.sql("postgres", &sql).map(drop)
    }

    /// What differs from `PostgreSQL`'s defaults. Its log must hold nothing personal, so a failed statement is logged
    /// without its text, its parameters and the values of the key it broke.
    fn settings(&self, options: &ClusterOptions) -> String {
        let durable = if options.durable { "on" } else { "off" };
        let statements = if options.keeps_statements && self.binaries.has_library("pg_stat_statements") {
            "shared_preload_libraries = 'pg_stat_statements'\n\
             pg_stat_statements.max = 50000\n\
             pg_stat_statements.track_utility = off\n"
        } else {
            ""
        };
        format!(
            "listen_addresses = '127.0.0.1'\n\
             port = {port}\n\
             unix_socket_directories = ''\n\
             max_connections = {connections}\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_min_error_statement = panic\n\
             log_parameter_max_length_on_error = 0\n\
             log_error_verbosity = terse\n\
             fsync = {durable}\n\
             synchronous_commit = {durable}\n\
             full_page_writes = {durable}\n\
             {statements}",
            port = self.port,
            connections = options.connections.saturating_add(5),
        )
    }

    fn control(&self, arguments: &[&str]) -> Result<String, ClusterError> {
        let mut command = self.home.command(&self.binaries.program("pg_ctl"));
        command
            .arg("--pgdata")
            .arg(self.home.data())
            .args(["--wait", "--timeout", "120"])
            .args(arguments);
        run(&mut command, None)
    }

    fn admin_url_without_password(&self, database: &str) -> String {
        format!("postgres://{ADMIN}@127.0.0.1:{}/{database}", self.port)
    }

    fn url(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Passwords {
    fn load(home: &Home) -> Result<Passwords, ClusterError> {
        let path = home.join("passwords");
        if let Ok(text) = std::fs::read_to_string(&path)
            && let [admin, owner, service] = text.lines().collect::<Vec<_>>()[..]
        {
            return Ok(Passwords {
                admin: admin.to_owned(),
                owner: owner.to_owned(),
                service: service.to_owned(),
            });
        }
        let passwords = Passwords {
            admin: home::random_name()?,
            owner: home::random_name()?,
            service: home::random_name()?,
        };
        home.write(
            &path,
            &format!("{}\n{}\n{}\n", passwords.admin, passwords.owner, passwords.service),
        )?;
        Ok(passwords)
    }
}

fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| ClusterError::NoPort { source })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs a program to its end; answers what it printed, or what it complained of.
fn run(command: &mut Command, input: Option<&str>) -> Result<String, ClusterError> {
    for name in [
        "PGHOST",
        "PGPORT",
        "PGDATABASE",
        "PGUSER",
        "PGDATA",
        "PGOPTIONS",
        "PGSERVICE",
        "PGSSLMODE",
    ] {
        command.env_remove(name);
    }
    command
        .env("LC_ALL", "C.UTF-8")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |reason: String| ClusterError::Command {
        program: program.clone(),
        reason,
    };
    if input.is_none() {
        command.stdin(Stdio::null());
    }
    let output: Output = command
        .spawn()
        .and_then(|mut child| {
            if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
                stdin.write_all(input.as_bytes())?;
            }
            child.wait_with_output()
        })
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = [output.stderr, output.stdout].concat();
        Err(failed(format!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&said).trim()
        )))
    }
}

#[cfg(test)]
mod tests;
