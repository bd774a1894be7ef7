//! The roles table of README.md and access.md against the policy files that it is made of.

use super::{files, page, root};
use access::Role;
use std::collections::BTreeSet;
use std::fs;

/// Permissions that the same roles hold, in the order of the lines.
fn rows() -> Vec<(Vec<String>, BTreeSet<String>)> {
    let mut held: Vec<(String, BTreeSet<String>)> = Vec::new();
    let mut policies = files(&[".csv", ".rs"]);
    policies.retain(|(path, _)| path.ends_with("permissions.csv"));
    for line in policies.iter().flat_map(|(_, text)| text.lines()) {
        let parts: Vec<&str> = line.split(',').map(str::trim).collect();
        let ["p", role, permission] = parts[..] else { continue };
        assert!(Role::read(role).is_some(), "{line}");
        match held.iter_mut().find(|(known, _)| known == permission) {
            Some((_, roles)) => {
                roles.insert(role.to_owned());
            }
            None => held.push((permission.to_owned(), [role.to_owned()].into())),
        }
    }
    let mut rows: Vec<(Vec<String>, BTreeSet<String>)> = Vec::new();
    for (permission, roles) in held {
        match rows.iter_mut().find(|(_, holders)| *holders == roles) {
            Some((permissions, _)) => permissions.push(permission),
            None => rows.push((vec![permission], roles)),
        }
    }
    rows
}

fn table() -> String {
    let labels = Role::ALL.map(Role::label).join(" | ");
    let head = format!("| 権限 | {labels} |\n|---|{}\n", "---|".repeat(Role::ALL.len()));
    let line = |(permissions, holders): (Vec<String>, BTreeSet<String>)| {
        let named: Vec<String> = permissions.iter().map(|permission| format!("`{permission}`")).collect();
        let held = Role::ALL.map(|role| if holders.contains(role.as_str()) { "●" } else { " " });
        format!("| {} | {} |\n", named.join(", "), held.join(" | "))
    };
    [head].into_iter().chain(rows().into_iter().map(line)).collect()
}

#[test]
fn the_roles_tables_are_the_policys() {
    let (readme, table) = (fs::read_to_string(root().join("README.md")).unwrap(), table());
    for (name, text) in [("README.md", readme), ("access.md", page("access.md"))] {
        let (_, rest) = text.split_once("<!-- roles -->\n").unwrap();
        let (shown, _) = rest.split_once("<!-- /roles -->").unwrap();
        assert!(shown == table, "{name} is to show between its marks:\n{table}");
    }
}
