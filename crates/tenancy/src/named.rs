//! The insurer that somebody names on the command line.

use crate::{InsurerHead, find, list};
use database::{Database, DatabaseError};
use kernel::{InsurerCode, Problem, TenantId};

/// How the platform is named, which has no code.
pub const PLATFORM: &str = "platform";

/// As many edits make another code of one that was meant: a digit too many, too few, two of them swapped.
const EDITS: usize = 2;
/// More would be no help.
const MOST_MEANT: usize = 3;

/// Why there is none, or may be none.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    /// No code, or nobody's.
    #[error("{0}")]
    Unknown(String),
    /// There is one, where there should be none.
    #[error("{0}: an insurer has this code already; nothing was changed")]
    Taken(InsurerCode),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The tenant of a 保険者指定コード; `platform` names the platform. Where there is none, the error says what is wrong with the
/// code and which one may be meant.
pub async fn named(database: &Database, typed: &str) -> Result<TenantId, NamedError> {
    if typed == PLATFORM {
        return Ok(TenantId::PLATFORM);
    }
    let why = match InsurerCode::parse(typed) {
        Ok(code) => match find(database, &code).await? {
            Some(tenant) => return Ok(tenant),
            None => "no insurer has this code".into(),
        },
        Err(problem) => wrong_code(typed, &problem),
    };
    let meant = meant(typed, list(database).await?);
    Err(NamedError::Unknown(if meant.is_empty() {
        format!("{typed}: {why}")
    } else {
        format!("{typed}: {why}; did you mean {}?", meant.join(" or "))
    }))
}

/// The code of an insurer to be made; else why it can't have this one.
pub async fn new_code(database: &Database, typed: &str) -> Result<InsurerCode, NamedError> {
    let code = InsurerCode::parse(typed)
        .map_err(|problem| NamedError::Unknown(format!("{typed}: {}", wrong_code(typed, &problem))))?;
    match find(database, &code).await? {
        None => Ok(code),
        Some(_) => Err(NamedError::Taken(code)),
    }
}

/// What is wrong with a code, in English, for an operator.
pub(crate) fn wrong_code(typed: &str, problem: &Problem) -> String {
    match (problem, InsurerCode::corrected(typed)) {
        (Problem::CheckDigit, Some(right)) => {
            let digit = right.as_str().chars().next_back().unwrap_or_default();
            format!("mistyped, or its last digit should be {digit} ({right})")
        }
        _ => "a code has 8 digits, or 6 of a national health insurance society".into(),
    }
}

/// The insurers whose code is nearly this one, the nearest first.
fn meant(typed: &str, insurers: Vec<InsurerHead>) -> Vec<String> {
    let known = insurers.into_iter().map(|head| match head.code {
        Some(code) => (code.to_string(), head.name),
        None => (PLATFORM.to_owned(), head.name),
    });
    let mut near: Vec<(usize, String)> = known
        .map(|(code, name)| (strsim::osa_distance(typed, &code), format!("{code} ({name})")))
        .filter(|(edits, _)| *edits <= EDITS)
        .collect();
    near.sort();
    near.into_iter().take(MOST_MEANT).map(|(_, meant)| meant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InsurerKind, InsurerState};
    use chrono::DateTime;

    #[test]
    fn the_nearest_code_is_meant_and_a_far_one_is_not() {
        let insurer = |code: Option<&str>| InsurerHead {
            tenant_id: TenantId(1),
            code: code.map(|code| InsurerCode::parse(code).unwrap()),
            name: "x".into(),
            kind: InsurerKind::MutualAid,
            state: InsurerState::Open,
            revision: 1,
            updated_at: DateTime::UNIX_EPOCH,
            applied_by: String::new(),
        };
        let all = || vec![insurer(None), insurer(Some("32290413")), insurer(Some("139998"))];
        assert_eq!(meant("13999", all()), ["139998 (x)"]);
        assert_eq!(meant("32920413", all()), ["32290413 (x)"]);
        assert_eq!(meant("_platform", all()), ["platform (x)"]);
        assert!(meant("06139992", all()).is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_code_is_said_in_words() {
        assert_eq!(
            wrong_code("139999", &Problem::CheckDigit),
            "mistyped, or its last digit should be 8 (139998)"
        );
        assert!(wrong_code("13", &Problem::CodeLength).contains("8 digits"));
    }
}
