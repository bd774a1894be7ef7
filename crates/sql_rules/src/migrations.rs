//! Migrations that a running older binary can bear: expand, deploy, contract. While nodes are replaced one by one, the
//! older ones insert rows without the new columns and read what their build knows. So a migration adds; what takes away
//! waits until no release that runs uses it, and names the one that stopped in a comment of the statement:
//!
//! ```sql
//! -- contracts: stopped being used in 0.2.0
//! ALTER TABLE persons DROP COLUMN attribute;
//! ```
//!
//! What only loosens a rule looks like taking away to a reader of the text, and says so by `-- widens: …` with what is
//! allowed from now on. A check that every release's rows pass says `-- holds: …` with why they do, and is NOT VALID: the
//! next migration validates it. Tables made in the same file are no older binary's.

mod alter;

use crate::tokens::{Token, begins, parse, split};
use std::collections::BTreeSet;

/// A release, as in `0.2.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release([u32; 3]);

impl Release {
    /// Reads three numbers with points between.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
        numbers?.try_into().ok().map(Self)
    }
}

/// What an older binary could not bear in a migration's `up.sql`, when it is shipped in `this` release: one line each.
pub fn judge(sql: &str, this: Release) -> Vec<String> {
    let mut judge = Judge {
        this,
        made: BTreeSet::new(),
        complaints: Vec::new(),
    };
    judge.all(&parse(sql));
    judge.complaints
}

struct Judge {
    this: Release,
    /// Tables, functions and the like that this very file makes.
    made: BTreeSet<String>,
    complaints: Vec<String>,
}

/// Whether a statement may take something away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excuse {
    None,
    Contracts,
    Widens,
    Holds,
}

impl Judge {
    fn all(&mut self, tokens: &[Token]) {
        for statement in split(tokens, ";") {
            let excuse = self.excuse(statement);
            let words: Vec<Token> = statement
                .iter()
                .filter(|token| !matches!(token, Token::Comment(_)))
                .cloned()
                .collect();
            for complaint in self.statement(&words) {
                let excused = match excuse {
                    Excuse::None => false,
                    Excuse::Contracts => true,
                    Excuse::Widens | Excuse::Holds => excuse == complaint.excused_by,
                };
                if !excused {
                    self.complaints.push(complaint.text);
                }
            }
        }
    }

    /// What the comments of a statement say. A release that isn't older than this one has nodes that still use it.
    fn excuse(&mut self, statement: &[Token]) -> Excuse {
        let comments = statement.iter().filter_map(|token| match token {
            Token::Comment(comment) => Some(comment.as_str()),
            _ => None,
        });
        let mut excuse = Excuse::None;
        for comment in comments {
            if let Some(release) = comment.strip_prefix("contracts: stopped being used in ") {
                match Release::parse(release.trim_end_matches('.')) {
                    Some(release) if release < self.this => excuse = Excuse::Contracts,
                    _ => self
                        .complaints
                        .push(format!("{comment}: not a release before this one")),
                }
            }
            for (word, said) in [("widens: ", Excuse::Widens), ("holds: ", Excuse::Holds)] {
                if comment.strip_prefix(word).is_some_and(|why| !why.trim().is_empty()) {
                    excuse = said;
                }
            }
        }
        excuse
    }

    fn statement(&mut self, words: &[Token]) -> Vec<Complaint> {
        // A block of code is judged like the file, and so is what it builds as a text; its own words are in the way.
        if begins(words, &["do"]) {
            for token in words {
                if let Token::Text(body) = token {
                    self.block(&parse(body));
                }
            }
            return Vec::new();
        }
        let [first, second, ..] = words else { return Vec::new() };
        let (Some(first), Some(second)) = (first.name(), second.name()) else {
            return Vec::new();
        };
        match (first, second) {
            ("create", _) => self.create(words),
            ("alter", "table") => alter::table(words.get(2..).unwrap_or_default(), &self.made),
            // Renaming or moving an index, or changing a helper of migrations, is nothing that a service sees.
            ("alter", "index" | "function") => Vec::new(),
            ("alter", "type")
                if words.iter().any(|word| word.is("value")) && words.iter().any(|word| word.is("add")) =>
            {
                Vec::new()
            }
            ("alter", what) => vec![Complaint::new(format!("ALTER {}", what.to_uppercase()))],
            ("drop", what) => self.drop(what, words),
            ("revoke" | "truncate", _) => vec![Complaint::new(first.to_uppercase())],
            ("comment", "on") => self.comment(words),
            ("set", "local") => vec![Complaint::new(
                "SET LOCAL in a message with others: a cluster forwards the whole file; put it into a DO block",
            )],
            _ => Vec::new(),
        }
    }

    /// A block of code: statements stand behind its own words, or are texts.
    fn block(&mut self, tokens: &[Token]) {
        let starts = ["create", "alter", "drop", "revoke", "truncate", "comment"];
        for statement in split(tokens, ";") {
            if let Some(start) = statement
                .iter()
                .position(|token| starts.iter().any(|word| token.is(word)))
            {
                let (before, words) = statement.split_at(start);
                // The comment that excuses a statement stands in front of it.
                let comments = before.iter().filter(|token| matches!(token, Token::Comment(_)));
                let whole: Vec<Token> = comments.chain(words).cloned().collect();
                self.all(&whole);
            }
            for text in texts(statement) {
                let inner = parse(text);
                if starts.iter().any(|word| begins(&inner, &[word])) {
                    self.all(&inner);
                }
            }
        }
    }

    fn create(&mut self, words: &[Token]) -> Vec<Complaint> {
        let what = words.iter().position(|token| {
            let kinds = [
                "table",
                "index",
                "policy",
                "trigger",
                "rule",
                "function",
                "view",
                "type",
                "domain",
                "sequence",
                "schema",
                "extension",
            ];
            kinds.iter().any(|kind| token.is(kind))
        });
        let Some(at) = what else { return Vec::new() };
        let behind = words.get(at + 1..).unwrap_or_default();
        let on = || {
            behind
                .iter()
                .position(|token| token.is("on"))
                .and_then(|on| name(behind.get(on + 1..)?))
        };
        let kind = words.get(at).and_then(Token::name).unwrap_or_default();
        match kind {
            "index" if !words.iter().any(|token| token.is("unique")) => Vec::new(),
            "index" | "policy" | "trigger" | "rule" => match on() {
                Some(table) if !self.made.contains(&table) => {
                    let unique = if kind == "index" { "UNIQUE " } else { "" };
                    vec![Complaint::new(format!(
                        "CREATE {unique}{} on {table}, which is there already",
                        kind.to_uppercase()
                    ))]
                }
                _ => Vec::new(),
            },
            _ => {
                self.made.extend(name(behind));
                Vec::new()
            }
        }
    }

    /// What the same file made may go again.
    fn drop(&self, what: &str, words: &[Token]) -> Vec<Complaint> {
        let behind = words.get(2..).unwrap_or_default();
        if name(behind).is_some_and(|name| self.made.contains(&name)) {
            return Vec::new();
        }
        vec![Complaint::new(format!("DROP {}", what.to_uppercase()))]
    }

    /// A table's comment says what the service may do with it, and the next `migrate` grants no more than that.
    fn comment(&self, words: &[Token]) -> Vec<Complaint> {
        match words.get(2..) {
            Some([table, rest @ ..]) if table.is("table") => match name(rest) {
                Some(table) if !self.made.contains(&table) => {
                    vec![Complaint::widening(format!(
                        "COMMENT ON TABLE {table}, which may take grants away"
                    ))]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// Something that a statement does.
struct Complaint {
    text: String,
    /// What its comment may say for it, besides that it contracts.
    excused_by: Excuse,
}

impl Complaint {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            excused_by: Excuse::None,
        }
    }

    fn widening(text: String) -> Self {
        Self {
            text,
            excused_by: Excuse::Widens,
        }
    }
}

/// The name of what is made, changed or dropped, without its schema and `IF [NOT] EXISTS`.
fn name(tokens: &[Token]) -> Option<String> {
    let fillers = ["if", "not", "exists", "only", "concurrently"];
    let start = tokens
        .iter()
        .position(|token| !fillers.iter().any(|word| token.is(word)))?;
    match tokens.get(start..)? {
        [schema, dot, name, ..] if dot.is_sign(".") && schema.name().is_some() => name.name(),
        [name, ..] => name.name(),
        [] => None,
    }
    .map(str::to_owned)
}

/// All texts, those in parentheses too.
fn texts(tokens: &[Token]) -> Vec<&str> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            Token::Text(text) => found.push(text.as_str()),
            Token::Group(inner) => found.extend(texts(inner)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
