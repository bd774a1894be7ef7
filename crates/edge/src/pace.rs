//! How fast a file has to come: bytes one by one would keep its place as well as a file does.

use crate::BodyTrouble;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a file may take in all: the largest one over a slow line of an office.
const WHOLE: Duration = Duration::from_mins(30);
/// Bytes on average, at least, in the time that a pause may take: what the line of a telephone does.
const LEAST: u64 = 64 * 1024;

/// How fast a file comes.
pub(crate) struct Pace {
    pause: Duration,
    begun: Option<Instant>,
    bytes: u64,
}

impl Pace {
    /// Of one that may pause so long between two of its parts.
    pub(crate) fn new(pause: Duration) -> Self {
        Self {
            pause,
            begun: None,
            bytes: 0,
        }
    }

    /// Waits for what comes next: no longer than a pause, and no longer than what has come by then is worth.
    pub(crate) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T, BodyTrouble> {
        let now = Instant::now();
        let begun = *self.begun.get_or_insert(now);
        let pauses = u32::try_from(self.bytes / LEAST).unwrap_or(u32::MAX).saturating_add(1);
        let worth = self.pause.saturating_mul(pauses).min(WHOLE);
        let until = (now + self.pause).min(begun + worth);
        timeout_at(until, next).await.map_err(|_| BodyTrouble::Unreadable)
    }

    /// So many bytes have come.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamBody;
    use poem::{Body, Request};
    use tokio::{
        io::{AsyncWriteExt as _, duplex},
        time::sleep,
    };

    /// Reads a body of which so many bytes come each twenty milliseconds.
    async fn read(bytes: usize, times: usize) -> Result<usize, BodyTrouble> {
        let (mut theirs, ours) = duplex(bytes);
        let send = async move {
            for _ in 0..times {
                if theirs.write_all(&vec![7; bytes]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let take = async move {
            let mut request = Request::builder().body(Body::from_async_read(ours));
            let body = StreamBody::of(&mut request, u64::MAX, Duration::from_millis(500));
            let mut read = 0;
            while let Some(part) = body.next().await? {
                read += part.len();
            }
            Ok(read)
        };
        tokio::join!(send, take).1
    }

    // security.md 64
    #[tokio::test]
    async fn who_sends_byte_by_byte_is_given_up_and_who_sends_slowly_is_not() {
        let by_byte = read(1, 500).await;
        assert_eq!(by_byte, Err(BodyTrouble::Unreadable), "never silent, and never done");
        let slow = usize::try_from(LEAST / 2).unwrap();
        assert_eq!(read(slow, 50).await, Ok(50 * slow), "for longer than a pause");
    }
}
