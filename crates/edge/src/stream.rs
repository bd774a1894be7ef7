//! A body that is a file itself, read as it comes: never whole in memory, and by nobody before it is known who sends it.

use crate::{BodyTrouble, headers::line, pace::Pace};
use poem::{Request, http::header};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes that are read at once.
const PART: usize = 64 * 1024;

/// The body, unread. Clones are of one body: who takes it first has it.
#[derive(Clone)]
pub struct StreamBody(Arc<Mutex<Option<Result<Stream, BodyTrouble>>>>);

/// What is left of it.
struct Stream {
    bytes: Pin<Box<dyn AsyncRead + Send>>,
    left: u64,
    pace: Pace,
}

impl StreamBody {
    /// Takes the request's body, which may have so many bytes and pause so long between two of its parts. Nothing of it is read; a
    /// declared length beyond the limit is told to whoever begins to.
    pub fn of(request: &mut Request, limit: u64, pause: Duration) -> Self {
        let length = line(request.headers(), header::CONTENT_LENGTH.as_str());
        let declared = length.and_then(|length| kernel::text::number::<u64>(&length));
        let body = if declared.is_some_and(|length| length > limit) {
            Err(BodyTrouble::TooLarge)
        } else {
            Ok(Stream {
                bytes: Box::pin(request.take_body().into_async_read()),
                left: limit,
                pace: Pace::new(pause),
            })
        };
        Self(Arc::new(Mutex::new(Some(body))))
    }

    /// What comes next; nothing at its end. After a trouble there is nothing more.
    pub async fn next(&self) -> Result<Option<Vec<u8>>, BodyTrouble> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut stream = taken.ok_or(BodyTrouble::Unreadable)??;
        let part = stream.next().await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ok(stream));
        Ok(part)
    }
}

impl Stream {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, BodyTrouble> {
        let mut part = Vec::with_capacity(PART);
        let read = self.pace.wait(self.bytes.read_buf(&mut part)).await?;
        let read = read.map_err(|_| BodyTrouble::Unreadable)?;
        if read == 0 {
            return Ok(None);
        }
        self.pace.came(read);
        let left = self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX));
        self.left = left.ok_or(BodyTrouble::TooLarge)?;
        Ok(Some(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::Body;

    async fn read(mut request: Request, limit: u64) -> Result<Vec<u8>, BodyTrouble> {
        let body = StreamBody::of(&mut request, limit, Duration::from_secs(1));
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await? {
            bytes.extend(part);
        }
        Ok(bytes)
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_end_in_parts() {
        let long = vec![7; 3 * PART + 1];
        let request = Request::builder().body(Body::from_vec(long.clone()));
        assert_eq!(read(request, 4 * PART as u64).await, Ok(long));
        assert_eq!(read(Request::builder().body(""), 0).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn what_is_larger_than_it_may_be_is_told_also_where_its_length_was_declared() {
        assert_eq!(
            read(Request::builder().body("a,b"), 2).await,
            Err(BodyTrouble::TooLarge)
        );
        let declared = Request::builder().header(header::CONTENT_LENGTH, "99").body("");
        assert_eq!(read(declared, 9).await, Err(BodyTrouble::TooLarge));
    }
}
