//! The statements of one page of a member's, as PostgreSQL itself saw them: a scratch node serves a few of it while the server
//! logs every statement of the service's role, and the page is read from that log.

use crate::{
    http,
    service::Service,
    stage::{Failed, Member, Stage},
};

/// Pages served while the server logs; the first ones fill caches, and the node's own work may come between.
const PAGES: usize = 9;

/// One statement and its parameters, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// With `$1`, `$2`, …
    pub sql: String,
    /// In their order; none is NULL.
    pub parameters: Vec<Option<String>>,
}

impl Statement {
    /// True of what only begins or ends a transaction.
    pub fn is_control(&self) -> bool {
        ["BEGIN", "SET LOCAL", "ROLLBACK", "COMMIT"]
            .iter()
            .any(|word| self.sql.starts_with(word))
    }
}

/// All statements of a member's page: one transaction lets the member in, another reads what the page shows.
pub fn of_page(stage: &Stage, member: &Member, path: &str) -> Result<Vec<Statement>, Failed> {
    let role = url::Url::parse(&stage.cluster.service_url("postgres"))
        .map(|url| url.username().to_owned())
        .map_err(Failed::at("the service's address"))?;
    // The cluster's log leaves parameters out (they are personal); here they are ours.
    let loud =
        format!("ALTER ROLE {role} SET log_statement = 'all'; ALTER ROLE {role} SET log_error_verbosity = 'default';");
    stage.sql("postgres", &loud)?;
    let served = serve_pages(stage, member, path);
    stage.sql("postgres", &format!("ALTER ROLE {role} RESET ALL"))?;
    served?;
    let log = std::fs::read_to_string(&stage.log).map_err(Failed::at(stage.log.display()))?;
    usual_page(&entries(&log), &member.session)
        .ok_or_else(|| Failed(format!("{}: no whole transactions of {path}", stage.log.display())))
}

fn serve_pages(stage: &Stage, member: &Member, path: &str) -> Result<(), Failed> {
    let service = Service::start(stage, Some(1))?;
    let mut connection = service.connect()?;
    let request = http::get(path, &member.session);
    for _ in 0..PAGES {
        let answer = connection.exchange(&request).map_err(Failed::at(path))?;
        if answer.status != 200 {
            return Err(Failed(format!("{path}: {answer:?}")));
        }
    }
    Ok(())
}

/// A line of the log with the lines that continue it.
#[derive(Debug)]
struct Entry {
    process: String,
    kind: String,
    text: String,
}

/// `2026-11-22 00:00:00.000 UTC [4711] LOG:  execute s1: SELECT …`, continued by lines that begin with a tab.
fn entries(log: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in log.lines() {
        if let Some(continued) = line.strip_prefix('\t') {
            if let Some(last) = entries.last_mut() {
                last.text.push('\n');
                last.text.push_str(continued);
            }
            continue;
        }
        let parsed = line.split_once('[').and_then(|(_, rest)| {
            let (process, rest) = rest.split_once("] ")?;
            let (kind, text) = rest.split_once(":  ")?;
            Some(Entry {
                process: process.to_owned(),
                kind: kind.to_owned(),
                text: text.to_owned(),
            })
        });
        entries.extend(parsed);
    }
    entries
}

/// A transaction that looks a session up, and the one after it of the same insurer's on the same connection, for the node holds
/// but one: the newest of those pairs whose statements were seen most often. What the node does by itself comes between many of
/// them, for other insurers nearly always.
fn usual_page(entries: &[Entry], session: &str) -> Option<Vec<Statement>> {
    let (tenant, _) = session.split_once('.')?;
    let process = &entries.iter().rev().find(|entry| reads_session(&entry.text))?.process;
    let mut transactions = transactions(entries.iter().filter(|entry| entry.process == *process));
    transactions.retain(|transaction| is_of(transaction, tenant));
    let lets_in = |door: &Vec<Statement>| door.iter().any(|statement| reads_session(&statement.sql));
    let pages: Vec<Vec<Statement>> = transactions
        .windows(2)
        .filter(|pair| pair.first().is_some_and(lets_in))
        .map(<[_]>::concat)
        .collect();
    let alike = |page: &[Statement]| {
        let same = |other: &&Vec<Statement>| other.iter().map(|of| &of.sql).eq(page.iter().map(|of| &of.sql));
        pages.iter().filter(same).count()
    };
    pages.iter().max_by_key(|page| alike(page)).cloned()
}

/// Whether it begins with the insurer.
fn is_of(transaction: &[Statement], tenant: &str) -> bool {
    let set = format!("SET LOCAL madoguchi.tenant_id = '{tenant}'");
    transaction.iter().any(|statement| statement.sql.contains(&set))
}

fn reads_session(sql: &str) -> bool {
    sql.contains("FROM \"sessions\"")
}

/// The whole transactions of one process.
fn transactions<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Vec<Statement>> {
    let (mut transactions, mut open) = (Vec::new(), Vec::<Statement>::new());
    for entry in entries {
        if entry.kind == "DETAIL" {
            if let (Some(list), Some(last)) = (entry.text.strip_prefix("parameters: "), open.last_mut()) {
                last.parameters = parameters(list);
            }
            continue;
        }
        let text = entry.text.as_str();
        let executed = || Some(text.strip_prefix("execute ")?.split_once(": ")?.1);
        let Some(sql) = text.strip_prefix("statement: ").or_else(executed) else {
            continue;
        };
        if sql.starts_with("BEGIN") {
            open.clear();
        }
        open.push(Statement {
            sql: sql.to_owned(),
            parameters: Vec::new(),
        });
        if matches!(sql, "COMMIT" | "ROLLBACK") {
            transactions.push(std::mem::take(&mut open));
        }
    }
    transactions
}

/// `$1 = '7', $2 = NULL, $3 = 'it''s'`.
fn parameters(list: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = list;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            values.push(None);
            rest = value;
            continue;
        };
        let mut text = String::new();
        let mut left = quoted;
        while let Some((part, after)) = left.split_once('\'') {
            text.push_str(part);
            left = after;
            match after.strip_prefix('\'') {
                Some(after) => {
                    text.push('\'');
                    left = after;
                }
                None => break,
            }
        }
        values.push(Some(text));
        rest = left;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_page_is_read_with_its_parameters() {
        let page = "\
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: BEGIN READ ONLY
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: SET LOCAL madoguchi.tenant_id = '1'
2026-11-22 00:00:00.000 UTC [7] LOG:  execute s0: SELECT a
\tFROM \"sessions\" WHERE c = $1 AND d = $2 AND e = $3
2026-11-22 00:00:00.000 UTC [7] DETAIL:  parameters: $1 = '1', $2 = NULL, $3 = 'it''s, $4 = 2'
2026-11-22 00:00:00.000 UTC [8] LOG:  statement: COMMIT
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: ROLLBACK
";
        let rest = "\
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: BEGIN READ ONLY
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: SET LOCAL madoguchi.tenant_id = '1'
2026-11-22 00:00:00.000 UTC [7] LOG:  execute s1: SELECT b
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: ROLLBACK
";
        let own = "\
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: BEGIN
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: SET LOCAL madoguchi.tenant_id = '2'
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: NOTIFY due
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: COMMIT
";
        let begun = "\
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: BEGIN READ ONLY
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: SET LOCAL madoguchi.tenant_id = '1'
2026-11-22 00:00:00.000 UTC [7] LOG:  execute s0: SELECT c
\tFROM \"sessions\"
";
        let log = [page, own, rest, page, own, rest, page, rest, begun].concat();
        let statements = usual_page(&entries(&log), "1.secret").unwrap();
        let sql: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
        assert_eq!(
            sql,
            [
                "BEGIN READ ONLY",
                "SET LOCAL madoguchi.tenant_id = '1'",
                "SELECT a\nFROM \"sessions\" WHERE c = $1 AND d = $2 AND e = $3",
                "ROLLBACK",
                "BEGIN READ ONLY",
                "SET LOCAL madoguchi.tenant_id = '1'",
                "SELECT b",
                "ROLLBACK"
            ]
        );
        assert_eq!(
            statements[2].parameters,
            [Some("1".into()), None, Some("it's, $4 = 2".into())]
        );
    }
}
