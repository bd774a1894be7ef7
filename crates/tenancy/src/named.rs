//! The insurer that somebody names on the command line.

use crate::find;
use database::{Database, DatabaseError};
use kernel::{InsurerCode, Problem, TenantId};

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    /// No code at all.
    #[error("{0}: {1}")]
    Code(String, Problem),
    /// Nobody's.
    #[error("no insurer has the code {0}")]
    Nobody(InsurerCode),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The tenant of a 保険者指定コード; `platform` names the platform.
pub async fn named(database: &Database, code: &str) -> Result<TenantId, NamedError> {
    if code == "platform" {
        return Ok(TenantId::PLATFORM);
    }
    let code = InsurerCode::parse(code).map_err(|problem| NamedError::Code(code.to_owned(), problem))?;
    find(database, &code).await?.ok_or(NamedError::Nobody(code))
}
