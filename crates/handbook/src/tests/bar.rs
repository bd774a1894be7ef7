//! security.md against the tests: each row has some, each of them is there, and each that names a row stands in it.

use super::{files, named, page, root};
use std::collections::{BTreeMap, BTreeSet};

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
pub(super) fn cited_rows(line: &str) -> BTreeSet<u32> {
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
fn bar() -> BTreeMap<u32, String> {
    let cells = |line: &str| -> Option<(u32, String)> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        Some((cells.first()?.parse().ok()?, (*cells.get(3)?).to_owned()))
    };
    let rows: Vec<(u32, String)> = page("security.md").lines().filter_map(cells).collect();
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=74).collect::<Vec<_>>(), "each row once, in order");
    rows.into_iter().collect()
}

#[test]
fn every_row_of_the_bar_has_a_test_or_a_reason() {
    for (row, cell) in bar() {
        let reason = cell.strip_prefix("no test: ").is_some_and(|reason| reason.len() > 10);
        assert!(reason || named(&cell).count() > 0, "row {row}: {cell:?}");
    }
}

#[test]
fn every_test_that_the_bar_names_is_there() {
    let tests: BTreeSet<String> = tests().into_iter().map(|test| test.name).collect();
    assert!(tests.len() > 200, "{}", tests.len());
    for (row, cell) in bar() {
        for name in named(&cell) {
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
fn every_test_that_stands_in_a_row_names_it() {
    let named_by: BTreeMap<String, BTreeSet<u32>> = tests().into_iter().map(|test| (test.name, test.rows)).collect();
    let mut missing = Vec::new();
    for (row, cell) in bar() {
        for name in named(&cell).filter(|name| named_by.get(*name).is_some_and(|rows| !rows.contains(&row))) {
            missing.push(format!("// security.md {row} above {name}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn no_row_is_named_above_nothing() {
    for (path, text) in files(&[".rs"]) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, pair) in lines.windows(2).enumerate() {
            let lost = pair[0].starts_with("// security.md ") && pair[1].is_empty();
            assert!(!lost, "{}:{}: {}", path.display(), number + 1, pair[0]);
        }
    }
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
