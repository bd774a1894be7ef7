//! Reading a body within limits of size and time.

use crate::headers::line;
use kernel::{Reason, Refusal};
use poem::{Request, error::ReadBodyError, http::header};
use std::time::Duration;

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

impl BodyTrouble {
    /// Of a file: which of two reasons it is refused for.
    pub fn refused(self, too_large: Reason, broken_off: Reason) -> Refusal {
        match self {
            Self::TooLarge => too_large.into(),
            Self::Unreadable => broken_off.into(),
        }
    }
}

/// True where a body is of this media type, in UTF-8 (which many call `utf8`) where a charset is named; another charset
/// is another type.
fn is_utf8_of(content_type: &str, media_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let label = value.trim().trim_matches('"');
                ["utf-8", "utf8"].iter().any(|name| label.eq_ignore_ascii_case(name))
            }
            _ => true,
        })
}

/// [`is_utf8_of`] for a request's own type.
pub fn is_media_type(request: &Request, media_type: &str) -> bool {
    let content_type = line(request.headers(), header::CONTENT_TYPE.as_str());
    is_utf8_of(&content_type.unwrap_or_default(), media_type)
}

/// Takes the request's body before anybody works for it, so that bodies which never come hold sockets and nothing else.
/// [`read_body`] then answers at once, and says what went wrong here.
pub async fn receive_body(request: &mut Request, limit: usize, time: Duration) {
    match read_body(request, limit, time).await {
        Ok(bytes) => request.set_body(bytes),
        Err(trouble) => request.set_data(trouble),
    }
}

/// Takes the request's body: up to `limit` bytes, within `time`. A declared length beyond it is refused unread.
pub async fn read_body(request: &mut Request, limit: usize, time: Duration) -> Result<Vec<u8>, BodyTrouble> {
    if let Some(trouble) = request.data::<BodyTrouble>() {
        return Err(*trouble);
    }
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(kernel::text::number::<u64>);
    if declared.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(BodyTrouble::TooLarge);
    }
    match tokio::time::timeout(time, request.take_body().into_bytes_limit(limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(BodyTrouble::TooLarge),
        Ok(Err(_)) | Err(_) => Err(BodyTrouble::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::is_utf8_of;

    #[test]
    fn only_the_media_type_itself_in_utf_8_will_do() {
        for yes in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/json; charset=utf8",
            "application/json; charset=\"UTF8\"",
        ] {
            assert!(is_utf8_of(yes, "application/json"), "{yes}");
        }
        for no in [
            "",
            "text/json",
            "application/json; charset=shift_jis",
            "application/json; charset=utf-16",
            "application/json; charset=",
            "application/json; charset=utf-8-sig",
            "application/jsonp",
            "application/xml",
        ] {
            assert!(!is_utf8_of(no, "application/json"), "{no}");
        }
    }
}
