//! Brings onto the machine what tests and demo need: Debian's packages where it may install them, Python tools into
//! target/, Node tools beside the tests that need them. What is there already costs milliseconds. Never changes anything
//! else of the system, and never installs over what it cannot judge: it then names what is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Failed};

/// Something the machine must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The server programs, to run private clusters with.
    Postgres,
    /// PostgreSQL's load generator, for the bench.
    Pgbench,
    /// A browser for the browser tests.
    Chromium,
    /// The Japanese font that pages are looked at in: with another, lines break elsewhere.
    Font,
    /// Python with venv, for the SMTP server and the API tester that tests talk with.
    Python,
    /// Node.js with npm, for the browser's driver, and for linters and generators of the API's document.
    Node,
    /// What the API's quick start is written for.
    Curl,
}

impl Need {
    /// All that `cargo xtask test` uses.
    pub const ALL: [Need; 6] = [
        Need::Postgres,
        Need::Chromium,
        Need::Font,
        Need::Python,
        Need::Node,
        Need::Curl,
    ];

    fn is_met(self) -> bool {
        match self {
            Need::Postgres => local_cluster::Binaries::find().is_ok(),
            Need::Pgbench => local_cluster::Binaries::find().is_ok_and(|found| found.program("pgbench").is_file()),
            Need::Chromium => chromium().is_some(),
            // Where it can't be brought, any other is better than boxes.
            Need::Font => has_font(":family=BIZ UDPGothic") || !may_install() && has_font(":lang=ja"),
            Need::Python => python().is_some(),
            Need::Curl => ["curl", "jq"].iter().all(|program| shell::which(program).is_some()),
            Need::Node => {
                let version = shell::quiet(shell::program("node").arg("--version")).unwrap_or_default();
                let major = version
                    .trim_start_matches('v')
                    .split('.')
                    .next()
                    .and_then(|major| major.parse().ok());
                major.is_some_and(|major: u32| major >= 20) && shell::which("npm").is_some()
            }
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Need::Postgres => &["postgresql"],
            Need::Pgbench => &["postgresql", "postgresql-contrib"],
            Need::Chromium => &["chromium"],
            Need::Font => &["fontconfig", "fonts-morisawa-bizud-gothic"],
            Need::Python => &["python3", "python3-venv"],
            Need::Node => &["nodejs", "npm"],
            Need::Curl => &["curl", "jq"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Need::Postgres => "PostgreSQL 15 or newer (the server)",
            Need::Pgbench => "pgbench of the same PostgreSQL",
            Need::Chromium => "Chromium",
            Need::Font => "the font BIZ UDPGothic or another Japanese one, and fontconfig's fc-list",
            Need::Python => "Python 3.10 or newer with venv",
            Need::Node => "Node.js 20 or newer with npm",
            Need::Curl => "curl and jq",
        }
    }
}

/// Sees to it that all of `needs` are met.
pub fn prepare(needs: &[Need]) -> Result<(), Failed> {
    let missing = missing(needs);
    if !missing.is_empty() {
        install(&missing)?;
    }
    if needs.contains(&Need::Python) {
        python_tools()?;
    }
    if needs.contains(&Need::Node) {
        node_tools()?;
    }
    Ok(())
}

/// The browser: the one named by `MADOGUCHI_TEST_CHROMIUM`, or what is on the PATH.
pub fn chromium() -> Option<PathBuf> {
    std::env::var_os("MADOGUCHI_TEST_CHROMIUM")
        .map(PathBuf::from)
        .or_else(|| {
            ["chromium", "chromium-browser", "google-chrome"]
                .into_iter()
                .find_map(shell::which)
        })
}

/// The Python with the tests' tools in it.
pub fn tools_python() -> PathBuf {
    shell::target().join("tools/python/bin/python")
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !need.is_met()).collect()
}

fn names(needs: &[Need]) -> String {
    needs.iter().flat_map(|need| ["\n  ", need.name()]).collect()
}

fn has_font(pattern: &str) -> bool {
    shell::quiet(Command::new("fc-list").arg(pattern)).is_ok_and(|fonts| !fonts.trim().is_empty())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && shell::which("apt-get").is_some()
}

fn may_install() -> bool {
    is_debian() && (is_root() || shell::succeeds(Command::new("sudo").args(["-n", "true"])))
}

fn install(needs: &[Need]) -> Result<(), Failed> {
    let packages: Vec<&str> = needs.iter().flat_map(|need| need.packages()).copied().collect();
    let root = is_root();
    if !may_install() {
        let hint = if is_debian() {
            format!("\nsudo apt-get install {}", packages.join(" "))
        } else {
            String::new()
        };
        return Err(Failed(format!("this machine lacks:{}{hint}", names(needs))));
    }

    eprintln!("  installing Debian's {}", packages.join(" "));
    if needs.contains(&Need::Postgres) {
        without_system_cluster(root)?;
    }
    shell::quiet(as_root(root, "apt-get").args(["-q", "update"]))?;
    shell::quiet(
        as_root(root, "env")
            .args([
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "-qy",
                "-o",
                "DPkg::Lock::Timeout=300",
            ])
            .args(["install", "--no-install-recommends"])
            .args(&packages),
    )?;
    match missing(needs) {
        still if still.is_empty() => Ok(()),
        still => Err(Failed(format!(
            "Debian's packages are too old here; please install:{}",
            names(&still)
        ))),
    }
}

/// Debian's package makes and starts a cluster of its own, which nobody asked for: only the programs are needed.
fn without_system_cluster(root: bool) -> Result<(), Failed> {
    let folder = "/etc/postgresql-common/createcluster.d";
    let draft = shell::target().join("no-main-cluster.conf");
    std::fs::create_dir_all(shell::target())
        .and_then(|()| std::fs::write(&draft, "create_main_cluster = false\n"))
        .map_err(Failed::at(draft.display()))?;
    shell::quiet(
        as_root(root, "install")
            .args(["-D", "-m", "644"])
            .arg(&draft)
            .arg(format!("{folder}/no-main-cluster.conf")),
    )
    .map(drop)
}

fn as_root(root: bool, name: &str) -> Command {
    if root {
        shell::program(name)
    } else {
        let mut sudo = shell::program("sudo");
        sudo.args(["-n", name]);
        sudo
    }
}

/// A Python that can make environments. Debian's own may be hidden behind another on the PATH.
fn python() -> Option<PathBuf> {
    const ASKED: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    [PathBuf::from("python3"), PathBuf::from("/usr/bin/python3")]
        .into_iter()
        .find(|python| shell::succeeds(shell::program(python).args(["-c", ASKED])))
}

fn python_tools() -> Result<(), Failed> {
    let folder = shell::target().join("tools/python");
    up_to_date(
        &shell::root().join("tests/python/requirements.txt"),
        &folder,
        |requirements| {
            eprintln!("  installing Python tools into {}", folder.display());
            let python = python().ok_or_else(|| Failed(format!("this machine lacks {}", Need::Python.name())))?;
            let venv = ["-m", "venv", "--clear"];
            shell::quiet(shell::program(python).args(venv).arg(&folder))?;
            shell::quiet(
                shell::program(tools_python())
                    .args([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--disable-pip-version-check",
                        "--requirement",
                    ])
                    .arg(requirements),
            )
        },
    )
}

/// Those of the browser tests and those of the programs'.
fn node_tools() -> Result<(), Failed> {
    ["tests/browser", "tests/programs"]
        .into_iter()
        .try_for_each(node_tools_of)
}

fn node_tools_of(folder: &str) -> Result<(), Failed> {
    let folder = shell::root().join(folder);
    up_to_date(&folder.join("package-lock.json"), &folder.join("node_modules"), |_| {
        eprintln!("  installing Node tools into {}", folder.display());
        // What packages would run on their arrival is nothing that tests need.
        shell::quiet(
            shell::program("npm")
                .args(["ci", "--ignore-scripts"])
                .current_dir(&folder),
        )
    })
}

/// Does the work unless `made` holds a copy of `from`, the list it was made from, as its stamp.
fn up_to_date(from: &Path, made: &Path, work: impl FnOnce(&Path) -> Result<String, Failed>) -> Result<(), Failed> {
    let list = std::fs::read(from).map_err(Failed::at(from.display()))?;
    let stamp = made.join("made-from");
    if std::fs::read(&stamp).is_ok_and(|stamped| stamped == list) {
        return Ok(());
    }
    work(from)?;
    std::fs::write(&stamp, list).map_err(Failed::at(stamp.display()))
}
