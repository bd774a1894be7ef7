//! The handbook held against the code.

mod access;
mod bar;
mod citations;
mod licences;
mod pages;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// A page of this handbook.
fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page of this handbook, by its path in it.
fn pages() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    collect(folder, &[".md"], &mut found);
    assert!(found.len() > 5);
    let name = |path: PathBuf| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
    found.into_iter().map(|(path, text)| (name(path), text)).collect()
}

/// Every file of the repository with one of these endings, but this crate's own.
fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in ["crates", "tests", "migrations", "tenants"] {
        collect(&root().join(folder), endings, &mut found);
    }
    found.retain(|(path, _)| !path.to_string_lossy().contains("crates/handbook"));
    assert!(found.len() > 10);
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", "target"].contains(&name.as_str()) {
            collect(&path, endings, found);
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            // Samples of files are in what insurers' systems write, too.
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.push((path, text));
        }
    }
}

/// What stands between backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
