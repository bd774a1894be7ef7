//! `cargo xtask test`: every test there is, on a database cluster of their own, with the seconds of each part. A part
//! that fails does not keep the others from running.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use local_cluster::{ClusterError, ClusterOptions, DATABASE, LocalCluster};

use crate::openapi;
use crate::setup::{self, Need};
use crate::shell::{self, Failed, Steps};
use crate::statements::Server;

/// What the developer may choose.
#[derive(clap::Args)]
pub struct Options {
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Only Rust tests whose name contains one of these words; other arguments of the test binaries too
    #[arg(last = true)]
    filters: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Unit, integration, isolation and conformance tests, and what they sent to the database
    Rust,
    /// What was sent to the database that `MADOGUCHI_TEST_ADMIN_URL` names: for tests that were run by hand
    Statements,
    /// openapi/v1.json is what the code says, and breaks no client
    Openapi,
    /// The API under schemathesis: also among the Rust tests, which start the server for it
    Schemathesis,
    /// The document under two linters, and programs made of it against a running server
    Programs,
    /// The pages in Chromium
    Browser,
}

impl Part {
    fn needs(self) -> &'static [Need] {
        match self {
            Part::Rust | Part::Schemathesis => &[Need::Postgres, Need::Python],
            Part::Openapi | Part::Statements => &[],
            Part::Programs => &[Need::Postgres, Need::Python, Need::Node, Need::Curl],
            Part::Browser => &[Need::Postgres, Need::Chromium, Need::Font, Need::Node],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Part::Rust => "Rust tests",
            Part::Statements => "statements",
            Part::Openapi => "openapi/v1.json",
            Part::Schemathesis => "schemathesis",
            Part::Programs => "programs",
            Part::Browser => "browser tests",
        }
    }

    fn run(self, filters: &[String]) -> Result<(), Failed> {
        match self {
            Part::Rust => rust(&["--workspace"], filters),
            Part::Statements => Server::given()?.judge(),
            Part::Openapi => openapi::check(None),
            Part::Schemathesis => rust(&["--package", "tests"], &["schemathesis".to_owned()]),
            Part::Programs => node("tests/programs"),
            Part::Browser => node("tests/browser"),
        }
    }
}

/// Prepares, builds, runs the parts and tells how each went.
pub fn test(options: &Options) -> Result<(), Failed> {
    let parts = match options.only {
        Some(part) => vec![part],
        None if options.filters.is_empty() => vec![Part::Rust, Part::Openapi, Part::Programs, Part::Browser],
        None => vec![Part::Rust],
    };
    let needs: Vec<Need> = Need::ALL
        .into_iter()
        .filter(|need| parts.iter().any(|part| part.needs().contains(need)))
        .collect();

    let mut steps = Steps::new(parts.len() + 2);
    steps.step("what the machine needs", || setup::prepare(&needs))?;
    steps.step("build", || build(&parts))?;
    let failed: Vec<&str> = parts
        .into_iter()
        .filter(|part| match steps.step(part.name(), || part.run(&options.filters)) {
            Ok(()) => false,
            Err(failed) => {
                eprintln!("{failed}");
                true
            }
        })
        .map(Part::name)
        .collect();
    steps.summary();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failed(format!("failed: {}", failed.join(", "))))
    }
}

/// All at once where Rust tests are among the parts: tests and binary built apart would compile what they share twice,
/// because the tests' own dependencies switch features on.
fn build(parts: &[Part]) -> Result<(), Failed> {
    let what: &[&str] = match parts {
        [Part::Statements] => return Ok(()),
        parts if parts.contains(&Part::Rust) => &["--workspace", "--all-targets"],
        [Part::Schemathesis] => &["--package", "tests", "--tests"],
        _ => &["--package", "madoguchi"],
    };
    shell::run(shell::cargo().arg("build").args(what))
}

fn rust(packages: &[&str], filters: &[String]) -> Result<(), Failed> {
    let cluster = cluster()?;
    let server = Server {
        admin_url: cluster.admin_url("postgres"),
        service_url: cluster.service_url(DATABASE),
    };
    server.begin()?;
    let mut cargo = shell::cargo();
    cargo
        .env("MADOGUCHI_TEST_ADMIN_URL", &server.admin_url)
        .env("MADOGUCHI_TEST_OWNER_URL", cluster.owner_url(DATABASE))
        .env("MADOGUCHI_TEST_SERVICE_URL", &server.service_url)
        .env("MADOGUCHI_TEST_PYTHON", setup::tools_python());
    cargo
        .arg("test")
        .args(packages)
        .args(["--no-fail-fast", "--"])
        .args(filters);
    let tested = shell::run(&mut cargo);
    let judged = server.judge();
    cluster.stop().map_err(Failed::at("the test cluster"))?;
    tested.and(judged)
}

/// The tests' cluster, its databases emptied: an earlier run may have had other migrations. A second run on the same
/// checkout waits for its turn.
fn cluster() -> Result<LocalCluster, Failed> {
    let options = ClusterOptions {
        folder: shell::target().join("test-cluster"),
        durable: false,
        connections: 300,
        keeps_statements: true,
    };
    let mut told = false;
    let cluster = loop {
        match LocalCluster::start(&options) {
            Err(ClusterError::InUse { folder }) => {
                if !std::mem::replace(&mut told, true) {
                    println!("  waiting: {} is in use by another test run", folder.display());
                }
                std::thread::sleep(Duration::from_secs(1));
            }
            started => break started.map_err(Failed::at("the test cluster"))?,
        }
    };
    let emptied = cluster
        .sql(
            "postgres",
            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'",
        )
        .and_then(|databases| {
            databases
                .lines()
                .try_for_each(|database| cluster.drop_database(database))
        })
        .and_then(|()| cluster.create_database(DATABASE, None));
    emptied.map_err(Failed::at("the test cluster"))?;
    Ok(cluster)
}

/// Node's own test runner over a folder's *.test.mjs. The files are named one by one: what it makes of a folder differs between
/// Node 20 and 22.
fn node(folder: &str) -> Result<(), Failed> {
    let folder = shell::root().join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(Failed::at(folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Failed(format!("{}: no *.test.mjs", folder.display())));
    }
    let mut node: Command = shell::program("node");
    node.env("MADOGUCHI_TEST_BINARY", shell::madoguchi())
        .env("MADOGUCHI_TEST_TARGET", shell::target())
        .env("MADOGUCHI_TEST_PYTHON", setup::tools_python());
    if let Some(chromium) = setup::chromium() {
        node.env("MADOGUCHI_TEST_CHROMIUM", chromium);
    }
    shell::run(node.args(["--test", "--test-reporter=spec"]).args(files))
}
