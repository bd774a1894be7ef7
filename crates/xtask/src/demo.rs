//! `cargo xtask demo`: from a fresh checkout to a page in the browser. The demo itself is `madoguchi demo`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::setup::{self, Need};
use crate::shell::{self, Failed, Steps};

/// What the developer may choose.
#[derive(clap::Args)]
pub struct Options {
    /// Address and port to listen on, instead of 127.0.0.1:8080
    #[arg(long)]
    listen: Option<OsString>,
    /// Folder for the database and the keys, kept from one start to the next
    #[arg(long, default_value = "var")]
    data: PathBuf,
}

/// Brings `PostgreSQL` onto the machine, builds, and becomes the demo.
pub fn demo(options: &Options) -> Result<(), Failed> {
    let mut steps = Steps::new(2);
    // Whoever brings a database of their own needs none of ours.
    let needs: &[Need] = if std::env::var_os("DATABASE_URL").is_some() {
        &[]
    } else {
        &[Need::Postgres]
    };
    steps.step("what the machine needs", || setup::prepare(needs))?;
    steps.step("build", || {
        shell::run(shell::cargo().args(["build", "--package", "madoguchi"]))
    })?;

    let mut demo = shell::program(shell::madoguchi());
    demo.stdin(Stdio::inherit())
        .arg("demo")
        .arg("--data")
        .arg(&options.data);
    if let Some(listen) = &options.listen {
        demo.arg("--listen").arg(listen);
    }
    // In our place, so that Ctrl-C and a supervisor's signals reach it and nobody else.
    Err(Failed::at("madoguchi demo")(demo.exec()))
}
