//! `cargo xtask openapi`: openapi/v1.json, the committed promise to other programs. Written from the code; checked for
//! drift from the code and for changes that would break a client of the committed version.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::breaking;
use crate::shell::{self, Failed};

/// The document's path in the checkout.
const FILE: &str = "openapi/v1.json";

/// What the developer may choose.
#[derive(clap::Args)]
pub struct Options {
    /// Writes nothing; fails when the file isn't what the code says, or breaks clients of `--base`
    #[arg(long)]
    check: bool,
    /// The git revision whose document clients rely on; by default the last one before what is being changed
    #[arg(long)]
    base: Option<String>,
}

/// Builds the binary, then writes or checks the document.
pub fn openapi(options: &Options) -> Result<(), Failed> {
    shell::run(shell::cargo().args(["build", "--package", "madoguchi"]))?;
    if options.check {
        check(options.base.as_deref())
    } else {
        write()
    }
}

/// Compares with what the built binary says; expects it to be built.
pub fn check(base: Option<&str>) -> Result<(), Failed> {
    let wanted = generated()?;
    let committed = std::fs::read_to_string(file()).map_err(Failed::at(FILE))?;
    if committed != wanted {
        let line = committed
            .lines()
            .zip(wanted.lines())
            .take_while(|(old, new)| old == new)
            .count()
            + 1;
        return Err(Failed(format!(
            "{FILE}:{line}: not what the code says; `cargo xtask openapi` writes it anew"
        )));
    }

    let base = match base {
        Some(named) => named.to_owned(),
        None => before(&shell::root())?,
    };
    // Before its first commit the document has no clients.
    let Ok(relied_on) = shell::quiet(shell::program("git").args(["show", &format!("{base}:{FILE}")])) else {
        println!("  {base} has no {FILE}: nothing to break");
        return Ok(());
    };
    println!("  compared with {FILE} at {base}");
    let breaks = breaking::changes(&parse(&relied_on)?, &parse(&wanted)?);
    if breaks.is_empty() {
        return Ok(());
    }
    Err(Failed(format!(
        "{FILE} breaks clients of {base}:\n  {}",
        breaks.join("\n  ")
    )))
}

/// The document that the present one replaces: the committed one while it is being changed, else the one before the
/// newest commit that changed it. In a fresh clone, as CI has it, HEAD would be compared with itself.
fn before(checkout: &Path) -> Result<String, Failed> {
    let git = |arguments: &[&str]| shell::quiet(shell::program("git").current_dir(checkout).args(arguments));
    if git(&["diff", "--quiet", "HEAD", "--", FILE]).is_err() {
        return Ok("HEAD".to_owned());
    }
    let changed = git(&["log", "-1", "--format=%H", "--", FILE])?;
    let changed = changed.trim();
    if git(&["rev-parse", "--is-shallow-repository"])?.trim() == "true"
        && git(&["rev-parse", "--verify", "--quiet", &format!("{changed}^")]).is_err()
    {
        return Err(Failed(format!(
            "this clone is too shallow to tell what {FILE} was before: git fetch --unshallow"
        )));
    }
    Ok(format!("{changed}^"))
}

fn write() -> Result<(), Failed> {
    let path = file();
    std::fs::write(&path, generated()?).map_err(Failed::at(path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// What the code says, laid out so that a change is a few lines in a diff.
fn generated() -> Result<String, Failed> {
    let document = parse(&shell::quiet(shell::program(shell::madoguchi()).arg("openapi"))?)?;
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(Failed::at(FILE))
}

fn parse(text: &str) -> Result<Value, Failed> {
    serde_json::from_str(text).map_err(Failed::at("the OpenAPI document"))
}

fn file() -> PathBuf {
    shell::root().join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let who = [
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.jp",
            "-c",
            "commit.gpgsign=false",
        ];
        let mut command = shell::program("git");
        shell::quiet(command.current_dir(folder).args(who).args(arguments)).unwrap()
    }

    fn commit(folder: &Path, file: &str, text: &str) {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "--message", text]);
    }

    #[test]
    fn a_change_is_held_against_the_document_it_replaces_committed_or_not() {
        let scratch = tempfile::tempdir().unwrap();
        let ours = scratch.path().join("ours");
        std::fs::create_dir(&ours).unwrap();
        git(&ours, &["init", "--quiet"]);
        let relied_on = |folder: &Path| git(folder, &["show", &format!("{}:{FILE}", before(folder).unwrap())]);
        commit(&ours, FILE, "one");
        commit(&ours, FILE, "two");
        commit(&ours, "README.md", "later");
        let clone = scratch.path().join("clone");
        git(scratch.path(), &["clone", "--quiet", "ours", "clone"]);
        assert_eq!(relied_on(&clone), "one");
        std::fs::write(ours.join(FILE), "three").unwrap();
        assert_eq!(relied_on(&ours), "two");
        let url = format!("file://{}", ours.display());
        git(scratch.path(), &["clone", "--quiet", "--depth", "1", &url, "shallow"]);
        let refused = before(&scratch.path().join("shallow")).unwrap_err();
        assert!(refused.0.contains("shallow"), "{refused}");
    }
}
