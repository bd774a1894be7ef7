//! Where things are in the checkout, and how other programs are run. Never through a shell, so nothing needs quoting.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Why a command of ours could not do its work, for the terminal.
#[derive(Debug)]
pub struct Failed(pub String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failed {
    /// Says which file or program an I/O error is about.
    pub fn at<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failed {
        move |error| Failed(format!("{what}: {error}"))
    }
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    here.ancestors()
        .nth(2)
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Where cargo builds, and where whatever else need not be kept goes.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The product's debug binary; built by whoever asks for it.
pub fn madoguchi() -> PathBuf {
    target().join("debug/madoguchi")
}

/// A program to be started in the root of the checkout.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told us of this crate must not look like a change of environment to build scripts below.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program with our terminal as its own.
pub fn run(command: &mut Command) -> Result<(), Failed> {
    let name = spoken(command);
    let status = command.status().map_err(Failed::at(&name))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failed(format!("{name}: {status}")))
    }
}

/// Runs a program that is only heard when it fails; answers what it printed.
pub fn quiet(command: &mut Command) -> Result<String, Failed> {
    let name = spoken(command);
    let Output { status, stdout, stderr } = command.output().map_err(Failed::at(&name))?;
    if status.success() {
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    } else {
        let said = [stdout, stderr].concat();
        Err(Failed(format!(
            "{name}: {status}\n{}",
            String::from_utf8_lossy(&said).trim_end()
        )))
    }
}

/// Whether a program runs and is content; it is not heard.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A program on the PATH.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Numbered steps with the seconds each took: `[2/6] build … 41.3 s`.
pub struct Steps {
    number: usize,
    of: usize,
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// Steps that will be `of` in number.
    pub fn new(of: usize) -> Steps {
        Steps {
            number: 0,
            of,
            done: Vec::new(),
        }
    }

    /// Runs one step and tells how it went; the caller decides whether to go on.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
        self.number += 1;
        println!("[{}/{}] {name} …", self.number, self.of);
        let begun = Instant::now();
        let result = work();
        let took = begun.elapsed();
        println!(
            "[{}/{}] {name}: {}, {:.1} s",
            self.number,
            self.of,
            word(result.is_ok()),
            took.as_secs_f64()
        );
        self.done.push((name.to_owned(), took, result.is_ok()));
        result
    }

    /// A closing table of all steps.
    pub fn summary(&self) {
        println!();
        for (name, took, ok) in &self.done {
            println!("{name:<34} {:>8.1} s  {}", took.as_secs_f64(), word(*ok));
        }
    }
}

fn word(ok: bool) -> &'static str {
    if ok { "ok" } else { "FAILED" }
}

fn spoken(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(command.get_program().to_string_lossy())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
