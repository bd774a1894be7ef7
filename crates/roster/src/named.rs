//! The person that somebody names on the command line.

use crate::numbered;
use database::{DatabaseError, TenantTransaction};
use kernel::{Branch, Number, PersonId, Problem, Symbol};

/// A person's 記号・番号・枝番 as typed.
#[derive(Debug, Clone, Default)]
pub struct Numbered {
    /// 記号; empty where the insurer has none.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// 枝番, where several persons share the number.
    pub branch: Option<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    /// Mistyped.
    #[error("--{0} {words}", words = words(.1))]
    Typed(&'static str, Problem),
    /// Nobody.
    #[error("nobody has this number")]
    Nobody,
    /// More than one.
    #[error("{0} persons share this number: name one by --branch")]
    Several(usize),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn words(problem: &Problem) -> String {
    match problem {
        Problem::Empty => "is empty".into(),
        Problem::TooLong { max } => format!("has more than {max} characters"),
        _ => "has characters that no such number has".into(),
    }
}

/// The one person of the transaction's insurer.
pub async fn named(tx: &mut TenantTransaction, typed: &Numbered) -> Result<PersonId, NamedError> {
    let wrong = |option: &'static str| move |problem| NamedError::Typed(option, problem);
    let symbol = Symbol::parse(&typed.symbol).map_err(wrong("symbol"))?;
    let number = Number::parse(&typed.number).map_err(wrong("number"))?;
    let branch = typed
        .branch
        .as_deref()
        .map(Branch::parse)
        .transpose()
        .map_err(wrong("branch"))?;
    let mut persons = numbered(tx, &symbol, &number).await?;
    if let Some(branch) = branch {
        persons.retain(|person| person.branch.key() == branch.key());
    }
    match persons.as_slice() {
        [person] => Ok(person.person_id),
        [] => Err(NamedError::Nobody),
        several => Err(NamedError::Several(several.len())),
    }
}
