//! The tables that a query reads or changes, by the names it calls them.

use crate::tokens::{Token, split};

/// A table in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// The table.
    pub(super) table: String,
    /// What columns are qualified with: the alias, or the table's own name.
    pub(super) alias: String,
}

/// What ends the list behind FROM or USING.
const ENDS: [&str; 11] = [
    "where",
    "group",
    "having",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "returning",
    "set",
];
/// What may stand before or behind JOIN, and in front of a table.
const FILLERS: [&str; 12] = [
    "join", "inner", "left", "right", "full", "outer", "cross", "natural", "lateral", "only", "as", "using",
];

/// The tables of a query, without those of queries in parentheses.
pub(super) fn of(tokens: &[Token]) -> Vec<Source> {
    let mut sources = Vec::new();
    match tokens {
        [update, rest @ ..] if update.is("update") => sources.extend(source(rest)),
        [delete, from, rest @ ..] if delete.is("delete") && from.is("from") => sources.extend(source(rest)),
        _ => {}
    }
    let list = match tokens {
        [delete, ..] if delete.is("delete") => tokens.iter().position(|token| token.is("using")),
        _ => from(tokens),
    };
    if let Some(list) = list {
        read_list(behind(tokens, list), &mut sources);
    }
    sources
}

/// Where FROM stands; that of IS DISTINCT FROM isn't one.
pub(super) fn from(tokens: &[Token]) -> Option<usize> {
    (0..tokens.len()).find(|at| {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        tokens.get(*at).is_some_and(|token| token.is("from"))
            && !before.is_some_and(|token| token.is("distinct") || token.is("delete"))
    })
}

/// The list behind FROM or USING at `at`.
pub(super) fn behind(tokens: &[Token], at: usize) -> &[Token] {
    let list = tokens.get(at + 1..).unwrap_or_default();
    let end = list.iter().position(|token| ENDS.iter().any(|word| token.is(word)));
    list.get(..end.unwrap_or(list.len())).unwrap_or_default()
}

/// What a joined table is called, in front of its ON.
pub(super) fn of_item(item: &[Token]) -> Option<String> {
    let start = item.iter().position(|token| !is_filler(token))?;
    source(item.get(start..)?).map(|source| source.alias)
}

/// Without the LEFT, INNER or the like that belongs to the JOIN behind.
pub(super) fn without_next_join(item: &[Token]) -> &[Token] {
    let end = item
        .iter()
        .rposition(|token| !is_filler(token))
        .map_or(0, |last| last + 1);
    item.get(..end).unwrap_or_default()
}

/// Tables between commas and JOINs, each up to its ON; a list in parentheses is one of the same.
fn read_list(list: &[Token], sources: &mut Vec<Source>) {
    for item in split(list, ",").flat_map(|item| item.split(|token| token.is("join"))) {
        let start = item.iter().position(|token| !is_filler(token)).unwrap_or(item.len());
        match item.get(start..).unwrap_or_default() {
            // diesel's way to write joins; what begins with SELECT is a query of its own.
            [Token::Group(inner), ..]
                if !inner
                    .first()
                    .is_some_and(|first| first.is("select") || first.is("with")) =>
            {
                read_list(inner, sources);
            }
            item => sources.extend(source(item)),
        }
    }
}

fn is_filler(token: &Token) -> bool {
    FILLERS.iter().any(|word| token.is(word))
}

/// A table, perhaps behind its schema, with its alias; nothing for a function or a query.
fn source(tokens: &[Token]) -> Option<Source> {
    let tokens = match tokens {
        [only, rest @ ..] if only.is("only") => rest,
        [schema, dot, rest @ ..] if dot.is_sign(".") && schema.name().is_some() => rest,
        all => all,
    };
    let (first, rest) = tokens.split_first()?;
    let table = first.name()?.to_owned();
    if matches!(rest.first(), Some(Token::Group(_))) {
        return None;
    }
    let alias = match rest {
        [word, alias, ..] if word.is("as") => alias.name(),
        [alias, ..]
            if !["on", "set", "using", "where", "tablesample"]
                .iter()
                .any(|word| alias.is(word)) =>
        {
            alias
                .name()
                .filter(|_| !is_filler(alias) && !ENDS.iter().any(|word| alias.is(word)))
        }
        _ => None,
    };
    let alias = alias.unwrap_or(&table).to_owned();
    Some(Source { table, alias })
}
