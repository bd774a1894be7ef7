//! The handbook held against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SECURITY: &str = include_str!("../security.md");
const DOMAIN: &str = include_str!("../domain.md");
const MIGRATIONS: &str = include_str!("../migrations.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
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
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// A test in Rust, with the rows that the comment above it names.
struct Test {
    name: String,
    rows: BTreeSet<u32>,
}

fn tests() -> Vec<Test> {
    files(&[".rs"]).iter().flat_map(|(_, text)| tests_in(text)).collect()
}

fn tests_in(text: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    let (mut rows, mut is_test) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("//") {
            rows.extend(cited_rows(line).into_iter().filter(|_| !line.starts_with("//!")));
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if !line.starts_with("#[") {
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            if let Some(name) = name.filter(|_| is_test) {
                tests.push(Test {
                    name: name.split(['(', '<']).next().unwrap().to_owned(),
                    rows: std::mem::take(&mut rows),
                });
            }
            rows.clear();
            is_test = false;
        }
    }
    tests
}

/// The numbers behind each `security.md` of a line: `13`, `1, 3`, `9–14`.
fn cited_rows(line: &str) -> BTreeSet<u32> {
    let mut rows = BTreeSet::new();
    for cited in line.split("security.md ").skip(1) {
        let end = cited
            .find(|c: char| !(c.is_ascii_digit() || " ,–-".contains(c)))
            .unwrap_or(cited.len());
        for part in cited[..end].split(',') {
            let numbers: Vec<u32> = part
                .split(['–', '-'])
                .filter_map(|number| number.trim().parse().ok())
                .collect();
            if let [first, .., last] | [first @ last] = numbers[..] {
                rows.extend(first..=last);
            }
        }
    }
    rows
}

/// The rows of security.md with what stands under "tests".
fn bar() -> BTreeMap<u32, &'static str> {
    let cells = |line: &'static str| -> Option<(u32, &'static str)> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        Some((cells.first()?.parse().ok()?, *cells.get(3)?))
    };
    let rows: Vec<(u32, &str)> = SECURITY.lines().filter_map(cells).collect();
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=74).collect::<Vec<_>>(), "each row once, in order");
    rows.into_iter().collect()
}

fn named(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_row_of_the_bar_has_a_test_or_a_reason() {
    for (row, cell) in bar() {
        let reason = cell.strip_prefix("no test: ").is_some_and(|reason| reason.len() > 10);
        assert!(reason || named(cell).count() > 0, "row {row}: {cell:?}");
    }
}

#[test]
fn every_test_that_the_bar_names_is_there() {
    let tests: BTreeSet<String> = tests().into_iter().map(|test| test.name).collect();
    assert!(tests.len() > 200, "{}", tests.len());
    for (row, cell) in bar() {
        for name in named(cell) {
            // A part of the browser's tests is a file.
            let there = tests.contains(name) || (name.contains('/') && root().join(name).is_file());
            assert!(there, "row {row}: no test is called {name}");
        }
    }
}

#[test]
fn every_test_that_names_a_row_stands_in_it() {
    let bar = bar();
    let mut missing = Vec::new();
    for Test { name, rows } in tests() {
        for row in rows {
            let cell = bar.get(&row).unwrap_or_else(|| panic!("{name} names row {row}"));
            if !named(cell).any(|named| named == name) {
                missing.push(format!("row {row}: `{name}`"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "to be added to crates/handbook/security.md: {missing:#?}"
    );
}

#[test]
fn what_the_code_cites_of_the_domain_stands_here() {
    let mut cited = 0;
    for (path, text) in files(&[".rs", ".sql", ".toml", ".mjs", ".md"]) {
        for citation in text.split("domain.md §").skip(1) {
            let number: String = citation.chars().take_while(char::is_ascii_digit).collect();
            let heading = format!("\n## {number}. ");
            assert!(DOMAIN.contains(&heading), "{}: domain.md §{number}", path.display());
            cited += 1;
        }
    }
    assert!(cited > 5);
}

#[test]
fn every_source_that_the_domain_names_is_listed() {
    let (facts, sources) = DOMAIN.split_once("## Sources").unwrap();
    for cited in facts.split('[').skip(1) {
        let number = cited.split(']').next().unwrap();
        if number.parse::<u32>().is_ok() {
            let listed = [format!("\n{number} "), format!("· {number} "), format!("· {number}\n")];
            assert!(listed.iter().any(|listed| sources.contains(listed)), "[{number}]");
        }
    }
}

#[test]
fn how_to_add_a_migration_is_how_it_is() {
    let rules = fs::read_to_string(root().join("crates/sql_rules/src/migrations/tests.rs")).unwrap();
    let line = rules
        .split("const LINE: &str = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(MIGRATIONS.contains(&format!("`{line}`")), "{line}");
    for name in named(MIGRATIONS).filter(|name| name.starts_with("every_")) {
        assert!(rules.contains(&format!("fn {name}()")), "{name}");
    }
    let sql: String = files(&["up.sql"]).into_iter().map(|(_, text)| text).collect();
    let mut functions = 0;
    for function in named(MIGRATIONS).filter(|code| code.contains("_table(") && !code.contains(['\'', '.'])) {
        let (name, parameters) = function.trim_end_matches(')').split_once('(').unwrap();
        let typed: Vec<String> = parameters
            .split(", ")
            .map(|parameter| format!("{parameter} text"))
            .collect();
        let declared = format!("FUNCTION {name}({})", typed.join(", "));
        assert!(sql.contains(&declared), "{declared}");
        functions += 1;
    }
    assert_eq!(functions, 3);
}

#[test]
fn rows_are_read_from_comments_of_all_shapes() {
    let text = "
        // security.md 1, 3
        // security.md 9–11: some words, 12 times
        #[test]
        fn first() {
            // security.md 40
            let x = 1;
        }

        #[tokio::test(flavor = \"multi_thread\")]
        async fn second() {}

        /// security.md 53: a cap.
        fn no_test() {}
    ";
    let found: Vec<(String, Vec<u32>)> = tests_in(text)
        .into_iter()
        .map(|test| (test.name, test.rows.into_iter().collect()))
        .collect();
    assert_eq!(
        found,
        [
            ("first".to_owned(), vec![1, 3, 9, 10, 11]),
            ("second".to_owned(), vec![])
        ]
    );
}
