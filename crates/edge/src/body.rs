//! Reading a body within limits of size and time.

use poem::{Request, error::ReadBodyError, http::header};
use std::time::Duration;

/// A body that takes longer than this is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyTrouble {
    /// More bytes than allowed: 413.
    #[error("body too large")]
    TooLarge,
    /// The connection broke, dawdled, or the body's coding does not decode: 400.
    #[error("body unreadable")]
    Unreadable,
}

/// Takes the request's body, up to `limit` bytes. A declared length beyond it is refused unread.
pub async fn read_body(request: &mut Request, limit: usize) -> Result<Vec<u8>, BodyTrouble> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(BodyTrouble::TooLarge);
    }
    match tokio::time::timeout(PATIENCE, request.take_body().into_bytes_limit(limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(BodyTrouble::TooLarge),
        Ok(Err(_)) | Err(_) => Err(BodyTrouble::Unreadable),
    }
}
