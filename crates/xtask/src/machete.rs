//! `cargo xtask machete`: no crate names a dependency that it doesn't use.

use std::path::PathBuf;

use crate::shell::{self, Failed};

/// The version that is built and kept.
const VERSION: &str = "0.9.2";

/// Runs cargo-machete over the checkout.
pub fn machete() -> Result<(), Failed> {
    shell::run(shell::program(program()?).arg("--skip-target-dir").arg(shell::root()))
}

/// Builds it where it isn't there yet.
fn program() -> Result<PathBuf, Failed> {
    let folder = shell::target().join(format!("tools/cargo-machete-{VERSION}"));
    let program = folder.join("bin/cargo-machete");
    if !program.is_file() {
        eprintln!("  building cargo-machete into {}", folder.display());
        let install = [
            "install",
            "--debug",
            "--locked",
            "--version",
            VERSION,
            "cargo-machete",
            "--root",
        ];
        shell::quiet(shell::cargo().args(install).arg(&folder))?;
    }
    Ok(program)
}
