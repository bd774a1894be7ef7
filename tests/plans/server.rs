//! The server that the plans are asked of, and what stands in its log.

use super::bounds::SMALL;
use local_cluster::{DATABASE, LocalCluster};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Where the server writes its log.
pub(super) fn log(cluster: &LocalCluster) -> PathBuf {
    let folder = cluster.sql("postgres", "SHOW data_directory").unwrap();
    Path::new(folder.trim()).with_file_name("log")
}

/// New connections have the new settings.
pub(super) fn end_connections(cluster: &LocalCluster) {
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND pid <> pg_backend_pid()"
    );
    cluster.sql("postgres", &end).unwrap();
}

/// Every plan of a role's statements into the log.
pub(super) fn explain(role: &str) -> String {
    format!(
        "ALTER ROLE {role} SET session_preload_libraries = 'auto_explain';
         ALTER ROLE {role} SET auto_explain.log_min_duration = 0;
         ALTER ROLE {role} SET auto_explain.log_format = 'json';
         ALTER ROLE {role} SET auto_explain.log_analyze = on;
         ALTER ROLE {role} SET auto_explain.log_buffers = on;
         ALTER ROLE {role} SET auto_explain.log_timing = off;"
    )
}

/// The messages of a server's log that hold no prepared statement.
pub(super) fn messages(log: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let mut inside = false;
    for line in log.lines() {
        if let Some(continued) = line.strip_prefix('\t') {
            if let Some(text) = messages.last_mut().filter(|_| inside) {
                text.push_str(continued);
            }
            continue;
        }
        let statement = line.split_once("LOG:  statement: ");
        inside = statement.is_some();
        messages.extend(statement.map(|(_, text)| text.to_owned()));
    }
    messages
}

/// A distributed PostgreSQL forwards a SET LOCAL with the whole message in which it stands: with a BEGIN in it, every
/// node would begin once more.
pub(super) fn assert_alone(messages: &[String]) {
    let set = messages.iter().filter(|message| message.contains("SET LOCAL"));
    let together: BTreeSet<&String> = set.clone().filter(|message| message.contains(';')).collect();
    assert!(together.is_empty(), "{together:#?}");
    for setting in ["madoguchi.tenant_id", "work_mem"] {
        assert!(set.clone().any(|message| message.contains(setting)), "{setting}");
    }
}

/// The plans in a server's log.
pub(super) fn plans(log: &str) -> Vec<Value> {
    let mut texts: Vec<String> = Vec::new();
    let mut inside = false;
    for line in log.lines() {
        if let Some(continued) = line.strip_prefix('\t') {
            if let Some(text) = texts.last_mut().filter(|_| inside) {
                text.push_str(continued);
            }
            continue;
        }
        inside = line.ends_with("plan:");
        if inside {
            texts.push(String::new());
        }
    }
    texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

/// Looks at each step of a plan: what it read of which table.
pub(super) fn examine(node: &Value, most: f64, faults: &mut Vec<String>, tables: &mut BTreeSet<String>) {
    if let Some(table) = node["Relation Name"].as_str() {
        tables.insert(table.to_owned());
        let kind = node["Node Type"].as_str().unwrap();
        let each = number(node, "Actual Rows")
            + number(node, "Rows Removed by Filter")
            + number(node, "Rows Removed by Index Recheck");
        let rows = each * number(node, "Actual Loops");
        if rows > most || (kind == "Seq Scan" && !SMALL.contains(&table)) {
            let (index, condition) = (&node["Index Name"], &node["Index Cond"]);
            faults.push(format!("{kind} of {table}: {rows} rows, by {index} where {condition}"));
        }
    }
    for inner in node["Plans"].as_array().into_iter().flatten() {
        examine(inner, most, faults, tables);
    }
}

pub(super) fn number(node: &Value, name: &str) -> f64 {
    node[name].as_f64().unwrap_or_default()
}
