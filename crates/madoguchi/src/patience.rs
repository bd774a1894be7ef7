//! A connection that ends when its other side dawdles: between requests, in the middle of a request's headers, or while
//! it takes an answer. A body's time is its reader's to count (`edge::read_body`). hyper's own time-out for headers can't
//! be told from the time between two requests, which a proxy wants to be long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// A stream with deadlines.
pub struct Impatient<S> {
    stream: S,
    /// For a request's headers, from their first byte on.
    header: Duration,
    /// For anything to move.
    idle: Duration,
    handling: Arc<Handling>,
    waiting: Waiting,
    end: Pin<Box<Sleep>>,
}

/// Whether a request is with its handler: what is read meanwhile is its body, and the handler's own time is its own.
#[derive(Debug, Default)]
pub struct Handling(AtomicU8);

impl Handling {
    const RUNS: u8 = 1;
    const ENDED: u8 = 2;

    /// The headers are read.
    pub fn begin(&self) {
        self.0.store(Self::RUNS, Ordering::Relaxed);
    }

    /// The answer is there.
    pub fn end(&self) {
        self.0.store(Self::ENDED, Ordering::Relaxed);
    }

    fn runs(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::RUNS
    }

    /// True once after each end.
    fn has_ended(&self) -> bool {
        let ended = self
            .0
            .compare_exchange(Self::ENDED, 0, Ordering::Relaxed, Ordering::Relaxed);
        ended.is_ok()
    }
}

/// What the deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Request,
    Headers,
    Writing,
}

impl<S> Impatient<S> {
    /// A connection on which nothing has moved yet; its first byte is waited for no longer than the rest of its headers.
    pub fn new(stream: S, header: Duration, idle: Duration, handling: Arc<Handling>) -> Self {
        Self {
            stream,
            header,
            idle,
            handling,
            waiting: Waiting::Request,
            end: Box::pin(sleep(header)),
        }
    }

    fn wait_for(&mut self, waiting: Waiting) {
        self.waiting = waiting;
        let time = if waiting == Waiting::Headers {
            self.header
        } else {
            self.idle
        };
        self.end.as_mut().reset(Instant::now() + time);
    }

    /// Pending, until the time is over.
    fn or_late<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.handling.runs() {
            return read;
        }
        if self.handling.has_ended() {
            self.wait_for(Waiting::Request);
        }
        if read.is_pending() {
            return self.or_late(cx);
        }
        if self.waiting != Waiting::Headers {
            self.wait_for(Waiting::Headers);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => {
                if self.waiting != Waiting::Writing {
                    self.wait_for(Waiting::Writing);
                }
                self.or_late(cx)
            }
            written @ Poll::Ready(_) => {
                self.wait_for(Waiting::Request);
                written
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    const HEADER: Duration = Duration::from_millis(200);
    const IDLE: Duration = Duration::from_millis(800);

    fn pair() -> (DuplexStream, Impatient<DuplexStream>, Arc<Handling>) {
        let (theirs, ours) = duplex(16);
        let handling = Arc::new(Handling::default());
        (
            theirs,
            Impatient::new(ours, HEADER, IDLE, Arc::clone(&handling)),
            handling,
        )
    }

    /// It gives up when this time is over, give or take what a busy machine takes.
    async fn lasts<T: std::fmt::Debug>(time: Duration, given_up: impl Future<Output = io::Result<T>>) {
        let begun = Instant::now();
        assert_eq!(given_up.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!((time..time * 3).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn headers_have_an_end_however_they_trickle() {
        let (mut theirs, mut ours, _) = pair();
        let trickle = async {
            loop {
                theirs.write_all(b"x").await.unwrap();
                tokio::time::sleep(HEADER / 4).await;
            }
        };
        let read = async {
            loop {
                ours.read_u8().await?;
            }
        };
        tokio::select! {
            () = trickle => {}
            () = lasts::<()>(HEADER, read) => {}
        }
    }

    #[tokio::test]
    async fn between_two_requests_there_is_more_time_and_a_handler_has_its_own() {
        let (mut theirs, mut ours, handling) = pair();
        theirs.write_all(b"x").await.unwrap();
        ours.read_u8().await.unwrap();
        handling.begin();
        let body = tokio::time::timeout(IDLE * 2, ours.read_u8()).await;
        assert!(body.is_err(), "a body's time is counted elsewhere");
        handling.end();
        lasts(IDLE, ours.read_u8()).await;
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_is_given_up() {
        let (theirs, mut ours, handling) = pair();
        handling.begin();
        tokio::time::sleep(IDLE).await;
        handling.end();
        lasts(IDLE, ours.write_all(&[0; 64])).await;
        drop(theirs);
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_at_first_is_not_kept() {
        let (theirs, mut ours, _) = pair();
        lasts(HEADER, ours.read_u8()).await;
        drop(theirs);
    }
}
