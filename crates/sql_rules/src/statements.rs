//! Statements as a distributed PostgreSQL must find them. It sends a statement to the one place where its rows are, and for
//! that it reads nothing but `tenant_id = $1` written into the statement for every tenant table in it; what it can't send,
//! it pulls together and copies, which row-level security refuses, or asks everywhere.

mod conditions;
mod sources;

use crate::tokens::{Token, begins, parse, split};
use conditions::{Bound, Conditions};
use sources::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The tables that rules are about.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// Those of insurers: every statement names the tenant.
    tenant: BTreeSet<String>,
    /// Those that are spread by a key of their own, with it: every statement names the key.
    keyed: BTreeMap<String, String>,
}

impl Tables {
    /// Adds a table by its comment. `key` is its primary key, where that is one column.
    pub fn add(&mut self, name: &str, comment: &str, key: Option<&str>) {
        let mut parts = comment.split("; ");
        if parts.next() == Some("tenant") {
            self.tenant.insert(name.to_owned());
        } else if let Some(key) = key.filter(|_| parts.any(|part| part == "cluster by key")) {
            self.keyed.insert(name.to_owned(), key.to_owned());
        }
    }

    /// True while no tenant table was added.
    pub fn is_empty(&self) -> bool {
        self.tenant.is_empty()
    }

    /// The column that statements on a table must name.
    fn column_of(&self, table: &str) -> Option<&str> {
        if self.tenant.contains(table) {
            Some(TENANT)
        } else {
            self.keyed.get(table).map(String::as_str)
        }
    }
}

const TENANT: &str = "tenant_id";

/// What a statement does that a cluster can't do, or does everywhere instead of in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A table is read or changed without its column in a condition that always holds.
    Unrouted {
        /// The table.
        table: String,
        /// `tenant_id`, or the table's key.
        column: String,
    },
    /// Rows are inserted without the column that says where they belong.
    Placeless {
        /// The table.
        table: String,
        /// `tenant_id`, or the table's key.
        column: String,
    },
    /// `INSERT … SELECT $1, …`: the tenant doesn't come from a row.
    TenantOfNoRow {
        /// The table that is inserted into.
        table: String,
    },
    /// `CASE x WHEN …`, which is sent on as something else.
    SimpleCase,
    /// `set_config()`, which reaches no other node.
    SetConfig,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unrouted { table, column } => write!(f, "{table} without {column} = $n"),
            Fault::Placeless { table, column } => write!(f, "rows for {table} without {column}"),
            Fault::TenantOfNoRow { table } => {
                write!(
                    f,
                    "INSERT INTO {table} … SELECT whose tenant is not a tenant table's column"
                )
            }
            Fault::SimpleCase => f.write_str("CASE x WHEN …: write CASE WHEN x = …"),
            Fault::SetConfig => f.write_str("set_config(): write a literal SET LOCAL"),
        }
    }
}

/// All that is wrong with one statement, each once.
pub fn judge(sql: &str, tables: &Tables) -> BTreeSet<Fault> {
    let mut judge = Judge {
        tables,
        faults: BTreeSet::new(),
    };
    let tokens = without_comments(parse(sql));
    judge.forms(&tokens);
    for statement in split(&tokens, ";") {
        judge.query(statement, &Bound::default());
    }
    judge.faults
}

fn without_comments(tokens: Vec<Token>) -> Vec<Token> {
    let kept = tokens
        .into_iter()
        .filter(|token| !matches!(token, Token::Comment(_)))
        .map(|token| match token {
            Token::Group(inner) => Token::Group(without_comments(inner)),
            other => other,
        });
    kept.collect()
}

struct Judge<'a> {
    tables: &'a Tables,
    faults: BTreeSet<Fault>,
}

/// What a query in parentheses may begin with.
const QUERIES: [&str; 6] = ["select", "with", "insert", "update", "delete", "values"];

impl Judge<'_> {
    /// What is wrong wherever it stands.
    fn forms(&mut self, tokens: &[Token]) {
        for (at, token) in tokens.iter().enumerate() {
            let next = tokens.get(at + 1);
            if token.is("case") && next.is_some_and(|next| !next.is("when")) {
                self.faults.insert(Fault::SimpleCase);
            }
            if token.is("set_config") && matches!(next, Some(Token::Group(_))) {
                self.faults.insert(Fault::SetConfig);
            }
            if let Token::Group(inner) = token {
                self.forms(inner);
            }
        }
    }

    /// A query, of several where they are joined by UNION and the like. `outer` is what is settled around it.
    fn query(&mut self, tokens: &[Token], outer: &Bound) {
        let unions = |token: &Token| ["union", "intersect", "except"].iter().any(|word| token.is(word));
        for part in tokens.split(unions) {
            self.part(part, outer);
        }
    }

    fn part(&mut self, tokens: &[Token], outer: &Bound) {
        let main = behind_with(tokens);
        let sources = sources::of(main);
        let conditions = Conditions::of(main);
        let bound = conditions.settle(&sources, outer, |table| self.tables.column_of(table));
        for source in &sources {
            self.is_routed(source, &bound);
        }
        if begins(main, &["insert", "into"]) {
            self.insert(main.get(2..).unwrap_or_default());
        }
        self.inner(tokens, &bound);
    }

    fn is_routed(&mut self, source: &Source, bound: &Bound) {
        if let Some(column) = self.tables.column_of(&source.table)
            && !bound.has(&source.alias, column)
        {
            self.faults.insert(Fault::Unrouted {
                table: source.table.clone(),
                column: column.to_owned(),
            });
        }
    }

    /// The queries in parentheses, however deep.
    fn inner(&mut self, tokens: &[Token], bound: &Bound) {
        for token in tokens {
            let Token::Group(inner) = token else { continue };
            if QUERIES.iter().any(|word| begins(inner, &[word])) {
                self.query(inner, bound);
            } else {
                self.inner(inner, bound);
            }
        }
    }

    /// Behind INSERT INTO: that the rows say where they belong, and that it is a row's tenant where they are selected.
    fn insert(&mut self, tokens: &[Token]) {
        let Some(table) = tokens.first().and_then(Token::name) else {
            return;
        };
        let Some(column) = self.tables.column_of(table) else {
            return;
        };
        let columns = tokens.iter().find_map(|token| match token {
            Token::Group(columns) => Some(columns),
            _ => None,
        });
        let place = columns.and_then(|columns| split(columns, ",").position(|name| named(name) == Some(column)));
        let Some(place) = place else {
            self.faults.insert(Fault::Placeless {
                table: table.to_owned(),
                column: column.to_owned(),
            });
            return;
        };
        let Some(selected) = tokens.iter().position(|token| token.is("select")) else {
            return;
        };
        let list = selected_list(tokens.get(selected + 1..).unwrap_or_default());
        let item = split(list, ",").nth(place);
        if column == TENANT && item.and_then(named) != Some(TENANT) {
            self.faults.insert(Fault::TenantOfNoRow {
                table: table.to_owned(),
            });
        }
    }
}

/// The statement that the queries of a WITH belong to.
fn behind_with(tokens: &[Token]) -> &[Token] {
    if !begins(tokens, &["with"]) {
        return tokens;
    }
    let main = tokens.iter().position(|token| {
        ["select", "insert", "update", "delete"]
            .iter()
            .any(|word| token.is(word))
    });
    main.and_then(|main| tokens.get(main..)).unwrap_or_default()
}

/// What is selected, without FROM and DISTINCT ON (…).
fn selected_list(tokens: &[Token]) -> &[Token] {
    let end = sources::from(tokens).unwrap_or(tokens.len());
    let start = match tokens {
        [first, on, Token::Group(_), ..] if first.is("distinct") && on.is("on") => 3,
        [first, ..] if first.is("distinct") || first.is("all") => 1,
        _ => 0,
    };
    tokens.get(start..end).unwrap_or_default()
}

/// The column that these tokens name, whatever it is qualified with; none where they are anything else.
fn named(tokens: &[Token]) -> Option<&str> {
    match tokens {
        [name] => name.name(),
        [table, dot, name] if dot.is_sign(".") && table.name().is_some() => name.name(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
