//! One connection: how it is made, what PostgreSQL is told to put up with on it, and how it is closed when nothing is
//! heard on it any more.
//!
//! Nothing here waits for ever. PostgreSQL itself ends a statement, a wait for a lock and a transaction that lies idle; the
//! kernel ends a connection on which nothing is acknowledged; and each transaction has an end at which its connection
//! is closed from this side, because a network that swallows packets (or a proxy that acknowledges and forgets them)
//! lets neither of the others be heard.

use crate::{Counts, DatabaseError, database_url::DatabaseUrl};
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use serde::Deserialize;
use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::watch, task::AbortHandle, time::timeout};
use tokio_postgres::{Client, Connection, Socket, tls::TlsStream};

/// How long PostgreSQL and the network may keep us waiting, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// For a connection, its TLS and its password included.
    pub connect: u64,
    /// For one statement.
    pub statement: u64,
    /// For a lock that another transaction holds.
    pub lock: u64,
    /// Between two statements of a transaction: whoever vanished in the middle of one holds its locks no longer.
    pub idle_in_transaction: u64,
    /// For a whole transaction; then its connection is closed.
    pub transaction: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: 5,
            statement: 10,
            lock: 5,
            idle_in_transaction: 10,
            transaction: 15,
        }
    }
}

impl Timeouts {
    pub(crate) fn connect(&self) -> Duration {
        Duration::from_secs(self.connect)
    }

    pub(crate) fn transaction(&self) -> Duration {
        Duration::from_secs(self.transaction)
    }

    /// As PostgreSQL takes them at the start of a connection.
    pub(crate) fn options(&self) -> String {
        let Self {
            statement,
            lock,
            idle_in_transaction,
            ..
        } = self;
        format!(
            "-c statement_timeout={statement}s -c lock_timeout={lock}s \
             -c idle_in_transaction_session_timeout={idle_in_transaction}s"
        )
    }
}

/// How long the end of a connection may lag behind the error that tells of it: PostgreSQL, shutting down, first says so
/// and then hangs up.
const LAG: Duration = Duration::from_millis(100);

/// What keeps a connection going. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Driver {
    task: AbortHandle,
    /// Its other end is dropped when the connection is closed, by whichever side.
    open: watch::Receiver<()>,
}

impl Driver {
    #[expect(
        clippy::disallowed_methods,
        reason = "its end, a panic too, drops `alive`, and whoever waits on the connection is told"
    )]
    fn start<S>(connection: Connection<Socket, S>) -> Self
    where
        S: TlsStream + Unpin + Send + 'static,
    {
        let (alive, open) = watch::channel(());
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a database connection ended");
            }
            drop(alive);
        });
        Self {
            task: task.abort_handle(),
            open,
        }
    }

    /// Closes the connection without a word to PostgreSQL; whoever waits for an answer on it is told that it is closed.
    pub(crate) fn close(&self) {
        self.task.abort();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.open.has_changed().is_err()
    }

    /// Whether the connection on which something went wrong is closed.
    pub(crate) async fn has_closed(&self) -> bool {
        timeout(LAG, self.open.clone().changed()).await.is_ok()
    }
}

/// A connection as the pool keeps it.
pub(crate) struct Line {
    connection: AsyncPgConnection,
    pub(crate) driver: Driver,
}

impl Line {
    pub(crate) async fn of<S>(client: Client, connection: Connection<Socket, S>) -> diesel::ConnectionResult<Self>
    where
        S: TlsStream + Unpin + Send + 'static,
    {
        let driver = Driver::start(connection);
        let connection = AsyncPgConnection::try_from(client).await?;
        Ok(Self { connection, driver })
    }

    pub(crate) fn into_connection(self) -> AsyncPgConnection {
        self.connection
    }
}

impl Deref for Line {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Line {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

/// Makes the pool's connections.
pub(crate) struct Connector {
    pub(crate) url: Arc<DatabaseUrl>,
    pub(crate) patience: Duration,
    pub(crate) counts: Arc<Counts>,
}

impl Manager for Connector {
    type Type = Line;
    type Error = DatabaseError;

    async fn create(&self) -> Result<Line, DatabaseError> {
        let mut line = self.url.connect(self.patience).await?;
        line.set_instrumentation(Counter(Arc::clone(&self.counts)));
        Ok(line)
    }

    /// A connection that was closed meanwhile is noticed without a query of its own.
    async fn recycle(&self, line: &mut Line, _: &Metrics) -> RecycleResult<DatabaseError> {
        if line.driver.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        Ok(())
    }
}

/// Counts what is sent. Looks at no text: writing each statement out for it cost a twelfth of a page's time.
struct Counter(Arc<Counts>);

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}
