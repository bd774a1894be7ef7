//! ALTER TABLE, clause by clause. What isn't known to be harmless is refused.

use super::{Complaint, Excuse, name};
use crate::tokens::{Token, begins, split};
use std::collections::BTreeSet;

/// The clauses behind `ALTER TABLE` that an older binary can't bear, on a table that this file didn't make.
pub(super) fn table(words: &[Token], made: &BTreeSet<String>) -> Vec<Complaint> {
    let fillers = ["if", "exists", "only"];
    let start = words
        .iter()
        .position(|token| !fillers.iter().any(|word| token.is(word)));
    let rest = start.and_then(|start| words.get(start..)).unwrap_or_default();
    let Some(table) = name(rest) else {
        return vec![Complaint::new("ALTER TABLE of a table that can't be read")];
    };
    if made.contains(&table) {
        return Vec::new();
    }
    let clauses = match rest {
        [_, dot, _, clauses @ ..] if dot.is_sign(".") => clauses,
        [_, clauses @ ..] => clauses,
        [] => &[],
    };
    let clauses: Vec<&[Token]> = split(clauses, ",").collect();
    clauses
        .iter()
        .filter_map(|clause| {
            let (what, excused_by) = refused(clause, &clauses)?;
            let text = format!("ALTER TABLE {table} {what}");
            Some(Complaint { text, excused_by })
        })
        .collect()
}

/// What is wrong with a clause, and what its comment may say for it; nothing where it is harmless.
fn refused(clause: &[Token], all: &[&[Token]]) -> Option<(String, Excuse)> {
    let (first, rest) = clause.split_first()?;
    let first = first.name()?;
    let second = rest.first().and_then(Token::name).unwrap_or_default();
    match (first, second) {
        ("add", "constraint") => {
            let name = rest.get(1).and_then(Token::name)?;
            let is_check = rest.iter().any(|word| word.is("check"));
            // The same rule dropped beside it: one check put in another's place.
            let replaces = all.iter().any(|clause| drops_constraint(clause) == Some(name));
            let excuse = if is_check && replaces {
                Excuse::Widens
            } else if is_check && rest.windows(2).any(|pair| begins(pair, &["not", "valid"])) {
                Excuse::Holds
            } else {
                Excuse::None
            };
            Some((format!("ADD CONSTRAINT {name}"), excuse))
        }
        ("add", "primary" | "unique" | "check" | "foreign" | "exclude") => {
            Some((format!("ADD {}", second.to_uppercase()), Excuse::None))
        }
        ("add", _) => added(rest).map(|why| (why, Excuse::None)),
        ("alter", _) => altered(rest).map(|why| (why, Excuse::None)),
        ("drop", "constraint") => {
            let name = drops_constraint(clause)?;
            // PostgreSQL calls checks so, and without one more is allowed than before.
            (!name.ends_with("_check")).then(|| (format!("DROP CONSTRAINT {name}"), Excuse::Widens))
        }
        ("drop", _) => {
            let column = if second == "column" { rest.get(1..)? } else { rest };
            Some((
                format!("DROP COLUMN {}", name(column).unwrap_or_default()),
                Excuse::None,
            ))
        }
        ("set", "schema" | "tablespace") => Some((format!("SET {}", second.to_uppercase()), Excuse::None)),
        ("validate" | "cluster" | "replica" | "reset" | "set", _) => None,
        _ => Some((
            format!("{} {}", first.to_uppercase(), second.to_uppercase()),
            Excuse::None,
        )),
    }
}

fn drops_constraint(clause: &[Token]) -> Option<&str> {
    if !begins(clause, &["drop", "constraint"]) {
        return None;
    }
    let rest = clause.get(2..)?;
    let rest = if begins(rest, &["if", "exists"]) {
        rest.get(2..)?
    } else {
        rest
    };
    rest.first().and_then(Token::name)
}

/// `ADD [COLUMN] [IF NOT EXISTS] name type …`: older inserts leave it out.
fn added(rest: &[Token]) -> Option<String> {
    let rest = if begins(rest, &["column"]) {
        rest.get(1..)?
    } else {
        rest
    };
    let rest = if begins(rest, &["if", "not", "exists"]) {
        rest.get(3..)?
    } else {
        rest
    };
    let (column, definition) = rest.split_first()?;
    let column = column.name()?;
    let has = |word: &str| definition.iter().any(|token| token.is(word));
    let kind = definition.first().and_then(Token::name).unwrap_or_default();
    let filled = default_of(definition) || has("generated") || kind.ends_with("serial");
    if has("primary") || has("unique") {
        return Some(format!("ADD COLUMN {column} with a key of its own"));
    }
    if refuses_null(definition) && !filled {
        return Some(format!("ADD COLUMN {column} NOT NULL without DEFAULT"));
    }
    if has("references") && default_of(definition) {
        return Some(format!("ADD COLUMN {column} whose default must be in another table"));
    }
    let check = definition.iter().position(|token| token.is("check"));
    match check.and_then(|check| definition.get(check + 1)) {
        Some(Token::Group(condition)) if !bears_null(condition, column) => Some(format!(
            "ADD COLUMN {column} with a CHECK that may refuse a row without it"
        )),
        _ => None,
    }
}

/// True for a default that isn't NULL.
fn default_of(definition: &[Token]) -> bool {
    let at = definition.iter().position(|token| token.is("default"));
    at.and_then(|at| definition.get(at + 1))
        .is_some_and(|value| !value.is("null"))
}

fn refuses_null(definition: &[Token]) -> bool {
    definition.windows(2).any(|pair| begins(pair, &["not", "null"]))
}

/// True where a condition is about this column alone and says nothing of NULL: then it holds for a row without it.
fn bears_null(condition: &[Token], column: &str) -> bool {
    let joining = [
        "and", "or", "in", "between", "like", "any", "array", "not", "true", "false", "similar", "to",
    ];
    condition.iter().enumerate().all(|(at, token)| {
        let called = matches!(condition.get(at + 1), Some(Token::Group(_)));
        let cast = at
            .checked_sub(1)
            .and_then(|before| condition.get(before))
            .is_some_and(|before| before.is_sign("::"));
        match token {
            Token::Group(inner) => bears_null(inner, column),
            Token::Word(word) if word == column || cast || joining.contains(&word.as_str()) => true,
            Token::Word(word) => {
                called && !["coalesce", "num_nulls", "num_nonnulls", "nullif"].contains(&word.as_str())
            }
            Token::Quoted(name) => name == column,
            _ => true,
        }
    })
}

/// `ALTER [COLUMN] name …`.
fn altered(rest: &[Token]) -> Option<String> {
    let rest = if begins(rest, &["column"]) {
        rest.get(1..)?
    } else {
        rest
    };
    if begins(rest, &["constraint"]) {
        return Some("ALTER CONSTRAINT".to_owned());
    }
    let (column, action) = rest.split_first()?;
    let column = column.name()?;
    let harmless: [&[&str]; 5] = [
        &["set", "default"],
        &["set", "statistics"],
        &["set", "storage"],
        &["set", "compression"],
        &["reset"],
    ];
    let options = matches!(action, [set, Token::Group(_)] if set.is("set"));
    if options || harmless.iter().any(|words| begins(action, words)) {
        return None;
    }
    let words: Vec<String> = action
        .iter()
        .take(2)
        .filter_map(Token::name)
        .map(str::to_uppercase)
        .collect();
    let words = match words.as_slice() {
        [first, ..] if first == "TYPE" => "TYPE".to_owned(),
        words if action.iter().take(2).any(|token| token.is("not")) => format!("{} NULL", words.join(" ")),
        words => words.join(" "),
    };
    Some(format!("ALTER COLUMN {column} {words}"))
}
