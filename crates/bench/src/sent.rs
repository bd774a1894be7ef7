//! The statements of one request, as PostgreSQL itself saw them: a scratch node serves a few of it while the server logs every
//! statement of the service's role, and the request is read from that log.

use crate::{
    http,
    service::Service,
    stage::{Failed, Member, Stage},
};

/// Requests served while the server logs; the first ones fill caches, and the node's own work may come between.
const REQUESTS: usize = 9;
/// What lets a member's request in.
const SESSION: &str = "FROM \"sessions\"";

/// One statement and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// With `$1`, `$2`, …
    pub sql: String,
    /// In their order.
    pub parameters: Vec<Parameter>,
}

/// What stands for a `$1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// NULL.
    Null,
    /// As text.
    Text(String),
    /// An id that each request draws anew, in the order of time.
    NewId,
    /// A hash that each request draws anew.
    NewHash,
}

impl Statement {
    /// True of what only begins or ends a transaction.
    pub fn is_control(&self) -> bool {
        ["BEGIN", "SET LOCAL", "ROLLBACK", "COMMIT"]
            .iter()
            .any(|word| self.sql.starts_with(word))
    }
}

/// A request whose statements are asked for.
pub struct Asked<'a> {
    /// As sent.
    pub request: &'a [u8],
    /// What stands in its first statement, and in none of what the node does by itself.
    pub door: &'a str,
    /// Its transactions are of these.
    pub tenants: &'a [&'a str],
}

/// All statements of a member's page: one transaction lets the member in, another reads what the page shows.
pub fn of_page(stage: &Stage, member: &Member, path: &str) -> Result<Vec<Statement>, Failed> {
    let tenant = member.session.split_once('.').map_or("", |(tenant, _)| tenant);
    let asked = Asked {
        request: &http::get(path, &member.session),
        door: SESSION,
        tenants: &[tenant],
    };
    of_request(stage, &asked)
}

/// All statements of a request that is answered by 200.
pub fn of_request(stage: &Stage, asked: &Asked<'_>) -> Result<Vec<Statement>, Failed> {
    let role = url::Url::parse(&stage.cluster.service_url("postgres"))
        .map(|url| url.username().to_owned())
        .map_err(Failed::at("the service's address"))?;
    // The cluster's log leaves parameters out (they are personal); here they are ours.
    let loud =
        format!("ALTER ROLE {role} SET log_statement = 'all'; ALTER ROLE {role} SET log_error_verbosity = 'default';");
    stage.sql("postgres", &loud)?;
    let served = serve(stage, asked.request);
    stage.sql("postgres", &format!("ALTER ROLE {role} RESET ALL"))?;
    served?;
    let log = std::fs::read_to_string(&stage.log).map_err(Failed::at(stage.log.display()))?;
    usual(&entries(&log), asked).ok_or_else(|| {
        Failed(format!(
            "{}: no whole transactions of {}",
            stage.log.display(),
            asked.door
        ))
    })
}

fn serve(stage: &Stage, request: &[u8]) -> Result<(), Failed> {
    let service = Service::start(stage, Some(1))?;
    let mut connection = service.connect()?;
    for _ in 0..REQUESTS {
        let answer = connection.exchange(request).map_err(Failed::at("a request"))?;
        if answer.status != 200 {
            return Err(Failed(format!("not a page: {answer:?}")));
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

/// From a transaction that lets a request in up to the next one that does, for the node holds but one connection: the newest of
/// those whose statements were seen most often. What the node does by itself comes between some of them, for other insurers
/// nearly always.
fn usual(entries: &[Entry], asked: &Asked<'_>) -> Option<Vec<Statement>> {
    let process = &entries
        .iter()
        .rev()
        .find(|entry| entry.text.contains(asked.door))?
        .process;
    let mut transactions = transactions(entries.iter().filter(|entry| entry.process == *process));
    transactions.retain(|transaction| asked.tenants.iter().any(|tenant| is_of(transaction, tenant)));
    let lets_in = |transaction: &[Statement]| transaction.iter().any(|statement| statement.sql.contains(asked.door));
    let mut requests: Vec<Vec<Statement>> = Vec::new();
    for transaction in transactions {
        if lets_in(&transaction) {
            requests.push(transaction);
        } else if let Some(request) = requests.last_mut() {
            request.extend(transaction);
        }
    }
    let alike =
        |one: &[Statement], other: &[Statement]| one.iter().map(|of| &of.sql).eq(other.iter().map(|of| &of.sql));
    let most = requests
        .iter()
        .max_by_key(|request| requests.iter().filter(|other| alike(request, other)).count())?;
    let others: Vec<&Vec<Statement>> = requests.iter().filter(|other| alike(most, other)).collect();
    Some(drawn_anew(most.clone(), others.first()?))
}

/// Ids and hashes that differ from one request to another are drawn by each.
fn drawn_anew(mut request: Vec<Statement>, other: &[Statement]) -> Vec<Statement> {
    let parameters = request.iter_mut().flat_map(|statement| &mut statement.parameters);
    let others = other.iter().flat_map(|statement| &statement.parameters);
    for (parameter, other) in parameters.zip(others) {
        let Parameter::Text(text) = &*parameter else { continue };
        if parameter == other {
            continue;
        }
        if text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
            *parameter = Parameter::NewId;
        } else if text.starts_with("\\x") {
            *parameter = Parameter::NewHash;
        }
    }
    request
}

/// Whether it begins with the insurer.
fn is_of(transaction: &[Statement], tenant: &str) -> bool {
    let set = format!("SET LOCAL madoguchi.tenant_id = '{tenant}'");
    transaction.iter().any(|statement| statement.sql.contains(&set))
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
fn parameters(list: &str) -> Vec<Parameter> {
    let mut values = Vec::new();
    let mut rest = list;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            values.push(Parameter::Null);
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
        values.push(Parameter::Text(text));
        rest = left;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_request_is_read_with_its_parameters() {
        let page = "\
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: BEGIN READ ONLY
2026-11-22 00:00:00.000 UTC [7] LOG:  statement: SET LOCAL madoguchi.tenant_id = '1'
2026-11-22 00:00:00.000 UTC [7] LOG:  execute s0: SELECT a
\tFROM \"sessions\" WHERE c = $1 AND d = $2 AND e = $3 AND f = $4
2026-11-22 00:00:00.000 UTC [7] DETAIL:  parameters: $1 = '1', $2 = NULL, $3 = 'it''s, $4 = 2', $4 = 'ID'
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
        let page = |id: u8| page.replace("ID", &format!("019aab3c-6f00-7cc4-98c4-dc0c0c07398{id}"));
        let log = [&page(1), own, rest, &page(2), own, rest, &page(3), rest, begun].concat();
        let asked = Asked {
            request: b"",
            door: SESSION,
            tenants: &["1"],
        };
        let statements = usual(&entries(&log), &asked).unwrap();
        let sql: Vec<&str> = statements.iter().map(|statement| statement.sql.as_str()).collect();
        assert_eq!(
            sql,
            [
                "BEGIN READ ONLY",
                "SET LOCAL madoguchi.tenant_id = '1'",
                "SELECT a\nFROM \"sessions\" WHERE c = $1 AND d = $2 AND e = $3 AND f = $4",
                "ROLLBACK",
                "BEGIN READ ONLY",
                "SET LOCAL madoguchi.tenant_id = '1'",
                "SELECT b",
                "ROLLBACK"
            ]
        );
        assert_eq!(
            statements[2].parameters,
            [
                Parameter::Text("1".into()),
                Parameter::Null,
                Parameter::Text("it's, $4 = 2".into()),
                Parameter::NewId
            ]
        );
    }
}
