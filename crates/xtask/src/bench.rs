//! `cargo xtask bench`: the speed targets, on release binaries and a private database. The measures are the crate
//! `bench`, apart from here so that xtask stays light; this brings what it needs and starts it.

use crate::setup::{self, Need};
use crate::shell::{self, Failed};

/// What the developer may choose.
#[derive(clap::Args)]
pub struct Options {
    /// Only these: memory, login, `my_page`, console, sealing, overload, mail, statements, search, identity, import
    names: Vec<String>,
    /// An array of {name, value, target, ok} instead of a table; nothing else on standard output
    #[arg(long)]
    json: bool,
}

/// Prepares, builds in release, measures. Fails where a target is missed, after telling by how much.
pub fn bench(options: &Options) -> Result<(), Failed> {
    setup::prepare(&[Need::Postgres, Need::Pgbench])?;
    eprintln!("building in release");
    shell::run(shell::cargo().args(["build", "--release", "--package", "madoguchi", "--package", "bench"]))?;

    let release = shell::target().join("release");
    let mut bench = shell::program(release.join("bench"));
    bench
        .arg("--madoguchi")
        .arg(release.join("madoguchi"))
        .arg("--tenants")
        .arg(shell::root().join("tenants"))
        .arg("--data")
        .arg(shell::target().join("bench-cluster"));
    if options.json {
        bench.arg("--json");
    }
    let status = bench.args(&options.names).status().map_err(Failed::at("bench"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failed("bench: a target is missed, or nothing was measured".to_owned()))
    }
}
