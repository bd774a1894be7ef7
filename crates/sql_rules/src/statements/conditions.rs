//! What always holds of a query's rows: the conditions of WHERE and ON that are joined by AND.

use super::sources::{self, Source};
use crate::tokens::{Token, split};
use std::collections::BTreeSet;

/// A column, with what it is qualified by.
type Column = (Option<String>, String);

/// Something that holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    /// A column has a given value.
    Given(Column),
    /// Two columns have the same value.
    Same(Column, Column),
}

/// All that holds of a query's rows.
pub(super) struct Conditions(BTreeSet<Fact>);

/// Columns with a given value, by the alias of their table.
#[derive(Debug, Clone, Default)]
pub(super) struct Bound(BTreeSet<(String, String)>);

impl Bound {
    pub(super) fn has(&self, alias: &str, column: &str) -> bool {
        self.0.contains(&(alias.to_owned(), column.to_owned()))
    }
}

impl Conditions {
    /// Of a query's own WHERE and ON, without those of queries in parentheses.
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut facts = BTreeSet::new();
        if let Some(at) = tokens.iter().position(|token| token.is("where")) {
            facts.extend(facts_of(sources::behind(tokens, at)));
        }
        if let Some(at) = sources::from(tokens).or_else(|| tokens.iter().position(|token| token.is("using"))) {
            of_joins(sources::behind(tokens, at), &mut facts);
        }
        Self(facts)
    }

    /// Which columns are given: by a value, or by another that is given, here or around this query. An unqualified column
    /// is that of the only source that has it. `column_of` tells of a table the column that it is asked by.
    pub(super) fn settle<'t>(
        &self,
        sources: &[Source],
        outer: &Bound,
        column_of: impl Fn(&str) -> Option<&'t str>,
    ) -> Bound {
        let mut bound = outer.clone();
        // A name of this query hides one around it.
        bound
            .0
            .retain(|(alias, _)| !sources.iter().any(|source| source.alias == *alias));
        let places = |(alias, column): &Column| -> Vec<(String, String)> {
            match alias {
                Some(alias) => vec![(alias.clone(), column.clone())],
                None => sources
                    .iter()
                    .filter(|source| column_of(&source.table) == Some(column))
                    .map(|source| (source.alias.clone(), column.clone()))
                    .collect(),
            }
        };
        loop {
            let before = bound.0.len();
            for fact in &self.0 {
                match fact {
                    Fact::Given(column) => bound.0.extend(places(column)),
                    Fact::Same(one, other) => {
                        for (from, to) in [(one, other), (other, one)] {
                            if places(from).iter().any(|place| bound.0.contains(place)) {
                                bound.0.extend(places(to));
                            }
                        }
                    }
                }
            }
            if bound.0.len() == before {
                return bound;
            }
        }
    }
}

/// Of each ON: of an outer join it holds of the joined table only, so a value given there counts for no other.
fn of_joins(list: &[Token], facts: &mut BTreeSet<Fact>) {
    for item in split(list, ",").flat_map(|item| item.split(|token| token.is("join"))) {
        if let [Token::Group(inner), ..] = item
            && !inner.first().is_some_and(|first| first.is("select"))
        {
            of_joins(inner, facts);
        }
        let Some(on) = item.iter().position(|token| token.is("on")) else {
            continue;
        };
        let joined = sources::of_item(item.get(..on).unwrap_or_default());
        let holds = facts_of(sources::without_next_join(item.get(on + 1..).unwrap_or_default()));
        facts.extend(holds.into_iter().filter(|fact| match fact {
            Fact::Given((alias, _)) => alias.is_none() || *alias == joined,
            Fact::Same(..) => true,
        }));
    }
}

/// Of conditions joined by AND all hold; of those joined by OR what holds in every case.
fn facts_of(tokens: &[Token]) -> BTreeSet<Fact> {
    let cases = apart(tokens, "or");
    if cases.len() > 1 {
        let all: Vec<BTreeSet<Fact>> = cases.into_iter().map(facts_of).collect();
        return all.into_iter().reduce(|one, other| &one & &other).unwrap_or_default();
    }
    let parts = apart(tokens, "and");
    if parts.len() > 1 {
        return parts.into_iter().flat_map(facts_of).collect();
    }
    match tokens {
        [Token::Group(inner)] if !inner.first().is_some_and(|first| first.is("select")) => facts_of(inner),
        _ => fact(tokens).into_iter().collect(),
    }
}

/// The parts between these keywords; those inside CASE … END are its own.
fn apart<'a>(tokens: &'a [Token], word: &str) -> Vec<&'a [Token]> {
    let mut inside = 0_usize;
    tokens
        .split(|token| {
            if token.is("case") {
                inside += 1;
            } else if token.is("end") {
                inside = inside.saturating_sub(1);
            }
            inside == 0 && token.is(word)
        })
        .collect()
}

fn fact(tokens: &[Token]) -> Option<Fact> {
    let equals = tokens.iter().position(|token| token.is_sign("="));
    if let Some(at) = equals {
        let (left, right) = (tokens.get(..at)?, tokens.get(at + 1..)?);
        return match (column(left), column(right)) {
            (Some(one), Some(other)) => Some(Fact::Same(one, other)),
            (Some(one), None) if is_given(right) => Some(Fact::Given(one)),
            (None, Some(other)) if is_given(left) => Some(Fact::Given(other)),
            _ => None,
        };
    }
    // `IN ($1, $2)`, as a list of values.
    match tokens {
        [name @ .., word, Token::Group(values)] if word.is("in") && split(values, ",").all(is_given) => {
            column(name).map(Fact::Given)
        }
        _ => None,
    }
}

fn column(tokens: &[Token]) -> Option<Column> {
    match tokens {
        [Token::Group(inner)] => column(inner),
        [name] => Some((None, name.name()?.to_owned())),
        [table, dot, name] if dot.is_sign(".") => Some((Some(table.name()?.to_owned()), name.name()?.to_owned())),
        _ => None,
    }
}

/// A parameter or a literal, with a cast perhaps; several by ANY(…).
fn is_given(tokens: &[Token]) -> bool {
    match tokens {
        [Token::Value | Token::Text(_)] => true,
        [Token::Value | Token::Text(_), cast, ..] => cast.is_sign("::"),
        [Token::Group(inner)] => is_given(inner),
        [any, Token::Group(inner)] if any.is("any") => is_given(inner),
        _ => false,
    }
}
