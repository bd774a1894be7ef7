//! Whose code is in the product, and by which licences: what comes in anew by another stops here and is looked at.

use serde_json::Value;
use std::process::Command;

/// Licences that ask for no more than their notice, and why each is borne.
const ALLOWED: [(&str, &str); 11] = [
    ("MIT", "asks for its notice"),
    ("Apache-2.0", "asks for its notice, and gives patents"),
    ("BSD-2-Clause", "as MIT"),
    (
        "BSD-3-Clause",
        "as MIT, and its authors' names are not used to advertise",
    ),
    ("ISC", "as MIT: cryptography and certificates of rustls"),
    (
        "Zlib",
        "as MIT; asks for no notice in binaries: compression and hash tables",
    ),
    ("0BSD", "asks for nothing"),
    ("Unicode-3.0", "as MIT: Unicode's own tables"),
    ("CC0-1.0", "asks for nothing"),
    (
        "MPL-2.0",
        "asks for the sources of its own files, which we use as they are published (passkeys)",
    ),
    ("MPL-2.0+", "likewise (what casbin's expressions stand on)"),
];

#[test]
fn every_crate_has_a_licence_that_asks_for_no_more_than_its_notice() {
    // Of this machine's kind alone: those have been fetched to be built.
    let here = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let told = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            &here,
        ])
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(may_be_used))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// An SPDX expression of ANDs between ORs; `/` is how OR was written once.
fn may_be_used(expression: &str) -> bool {
    let clauses = expression.replace('/', " OR ");
    clauses.split(" AND ").all(|clause| {
        let clause = clause.trim().trim_start_matches('(').trim_end_matches(')');
        let mut licences = clause.split(" OR ").map(str::trim);
        licences.any(|licence| ALLOWED.iter().any(|(allowed, _)| *allowed == licence))
    })
}

#[test]
fn one_licence_of_a_choice_is_enough_and_of_several_at_once_each_counts() {
    for used in [
        "MIT",
        "MIT/Apache-2.0",
        "LGPL-2.1-or-later OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        assert!(may_be_used(used), "{used}");
    }
    for refused in [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR ISC) AND AGPL-3.0-only",
        "",
        "EUPL-1.2",
    ] {
        assert!(!may_be_used(refused), "{refused}");
    }
}
