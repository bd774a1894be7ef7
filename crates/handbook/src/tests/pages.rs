//! What the pages say of the code, and of each other.

use super::{files, named, page, pages, root};
use std::fs;

#[test]
fn every_source_that_the_domain_names_is_listed() {
    let domain = page("domain.md");
    let (facts, sources) = domain.split_once("## Sources").unwrap();
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
    let migrations = page("migrations.md");
    let rules = fs::read_to_string(root().join("crates/sql_rules/src/migrations/tests.rs")).unwrap();
    let line = rules
        .split("const LINE: &str = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(migrations.contains(&format!("`{line}`")), "{line}");
    for name in named(&migrations).filter(|name| name.starts_with("every_")) {
        assert!(rules.contains(&format!("fn {name}()")), "{name}");
    }
    let sql: String = files(&["up.sql"]).into_iter().map(|(_, text)| text).collect();
    let mut functions = 0;
    for function in named(&migrations).filter(|code| code.contains("_table(") && !code.contains(['\'', '.'])) {
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
fn every_page_is_drawn_and_leads_only_to_what_is_there() {
    let drawn = fs::read_to_string(root().join("crates/handbook/src/lib.rs")).unwrap();
    for (name, text) in pages() {
        assert!(
            drawn.contains(&format!("include_str!(\"../{name}\")")),
            "{name} is not drawn"
        );
        let folder = root().join("crates/handbook").join(&name);
        for link in text
            .split("](")
            .skip(1)
            .map(|rest| rest.split([')', '#']).next().unwrap())
        {
            let there = link.is_empty() || link.starts_with("https://") || folder.with_file_name(link).exists();
            assert!(there, "{name}: {link}");
        }
    }
}

/// `identify` in `crates/accounts/src/sign_up/identify.rs`: the file is there, and so is what is named before it. Of what a
/// reader is to write himself, the name has a part in `<` and `>`.
#[test]
fn every_file_that_a_page_names_is_there_and_holds_what_is_said_to_be_in_it() {
    let ours = |code: &str| {
        let begins = ["crates/", "tests/", "migrations/", "openapi/", "tenants/", ".ci/"];
        begins.iter().any(|folder| code.starts_with(folder)) && !code.contains(['<', ' ', '*', '…'])
    };
    let mut held = 0;
    for (name, text) in pages() {
        let parts: Vec<&str> = text.split('`').collect();
        for at in (1..parts.len()).step_by(2).filter(|at| ours(parts[*at])) {
            let code = parts[at];
            let path = root().join(code);
            assert!(path.exists(), "{name}: `{code}`");
            if at >= 2 && parts[at - 1].trim() == "in" {
                let file = fs::read_to_string(&path).unwrap_or_default();
                assert!(
                    declares(&file, parts[at - 2]),
                    "{name}: no `{}` in `{code}`",
                    parts[at - 2]
                );
                held += 1;
            }
        }
    }
    assert!(held > 30, "{held}");
}

/// A function, a type, a constant, a field, a setting: the name stands in it as a whole word.
fn declares(file: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    file.match_indices(name).any(|(at, _)| {
        let line = &file[file[..at].rfind('\n').map_or(0, |end| end + 1)..at];
        let mut kinds = "fn struct enum trait const static mod type macro_rules!".split(' ');
        let begins = line.trim().is_empty() || kinds.any(|kind| line.trim_end().ends_with(kind));
        begins && !file[at + name.len()..].starts_with(word)
    })
}

#[test]
fn a_unit_has_the_descriptors_and_the_time_that_the_settings_ask_for() {
    let settings = fs::read_to_string(root().join("crates/madoguchi/default.toml")).unwrap();
    let units = page("operations/units.md");
    let number = |text: &str, name: &str| -> u32 {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim_start_matches([' ', '=']);
        value
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    let http = settings.split("\n[http]").nth(1).unwrap();
    assert!(number(&units, "LimitNOFILE") >= number(http, "connections ") + 128);
    let drained = number(http, "drain_delay_seconds") + number(http, "drain_seconds");
    assert!(number(&units, "TimeoutStopSec") > drained + 5);
}
