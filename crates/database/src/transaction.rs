//! Transactions as values: dropped without [`Transaction::commit`] they roll back, so `?` never leaves half a job.
//!
//! BEGIN shares its round trip with the first statement where the caller names one, and statements that don't need each
//! other's answers may be joined: every trip saved is a wait less for the member and two wake-ups less for the machine.
//!
//! Each has an end. When its time is up the connection is closed, and whoever waits on it gets
//! [`DatabaseError::Lost`]: a silent network costs a request so many seconds, and the pool nothing.

use crate::{
    Counts, Database, DatabaseError,
    connection::{Connector, Driver},
};
use deadpool::managed::{Object, PoolError, TimeoutType};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::future::{join, try_join_all};
use kernel::TenantId;
use scoped_futures::ScopedBoxFuture;
use std::{
    ops::{Deref, DerefMut},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep_until},
};

/// A transaction inside one insurer.
pub type TenantTransaction = Transaction<TenantId>;
/// A transaction on the directory tables, outside every insurer.
pub type DirectoryTransaction = Transaction<Directory>;

/// The scope of what belongs to no insurer.
#[derive(Debug, Clone, Copy)]
pub struct Directory;

/// What a transaction does in the round trip of its BEGIN: `|tx| statement(tx).scope_boxed()`.
pub trait First<'env, Scope, T>:
    for<'tx> Fn(&'tx Transaction<Scope>) -> ScopedBoxFuture<'env, 'tx, Result<T, DatabaseError>>
{
}

impl<'env, Scope, T, F> First<'env, Scope, T> for F where
    F: for<'tx> Fn(&'tx Transaction<Scope>) -> ScopedBoxFuture<'env, 'tx, Result<T, DatabaseError>>
{
}

/// How a transaction begins and when it has to be over.
pub(crate) struct Opening<'a> {
    /// BEGIN and what is set for it, each a message of its own: a distributed PostgreSQL forwards the whole message in
    /// which a SET LOCAL stands.
    pub(crate) statements: &'a [&'a str],
    /// From the moment it has a connection.
    pub(crate) limit: Duration,
    /// Whether anything hangs on its COMMIT.
    pub(crate) writes: bool,
}

/// An open transaction and whose rows it sees.
pub struct Transaction<Scope> {
    /// There until commit or drop takes it.
    held: Option<Held>,
    scope: Scope,
    /// Whether its commit rings the bell.
    rings: bool,
    /// What comes right before its commit.
    last: Vec<Last<Scope>>,
}

type Last<Scope> = Box<dyn for<'tx> FnOnce(&'tx mut Transaction<Scope>) -> Closing<'tx> + Send + Sync>;
type Closing<'tx> = Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + 'tx>>;

impl TenantTransaction {
    /// Whose rows it sees.
    pub fn tenant(&self) -> TenantId {
        self.scope
    }

    /// Rings [`crate::Database::rung`] once what was written is committed.
    pub fn ring(&mut self) {
        self.rings = true;
    }

    /// Goes on as the platform in the same transaction, on its one connection: for the platform's own line of what was done
    /// to an insurer, which is there exactly where that is done. What was left for the end is done before.
    pub async fn go_on_as_platform(&mut self) -> Result<(), DatabaseError> {
        self.finish().await?;
        let control = format!("SET LOCAL madoguchi.tenant_id = '{}'", TenantId::PLATFORM);
        self.control(&control).await?;
        self.scope = TenantId::PLATFORM;
        Ok(())
    }

    /// Leaves work for the end, right before the commit, whatever is still written till then: what takes a lock for
    /// which the insurer's other transactions wait.
    pub fn at_the_end(&mut self, work: impl for<'tx> FnOnce(&'tx mut Self) -> Closing<'tx> + Send + Sync + 'static) {
        self.last.push(Box::new(work));
    }
}

impl<Scope> Transaction<Scope> {
    /// Makes what was written permanent. Where the connection is lost after COMMIT was sent and before it was answered,
    /// nobody knows whether it is: [`DatabaseError::Unconfirmed`].
    pub async fn commit(mut self) -> Result<(), DatabaseError> {
        self.finish().await?;
        let may_arrive = self
            .held
            .as_ref()
            .is_some_and(|held| held.writes && !held.driver.is_closed());
        match self.control("COMMIT").await {
            Ok(()) => {
                if let Some(held) = self.held.as_ref().filter(|_| self.rings) {
                    held.counts.bell.notify_one();
                }
                self.release();
                Ok(())
            }
            Err(_) if may_arrive && self.has_closed().await => Err(DatabaseError::Unconfirmed),
            Err(error) => Err(error),
        }
    }

    /// Does what was left for the end.
    async fn finish(&mut self) -> Result<(), DatabaseError> {
        for work in std::mem::take(&mut self.last) {
            work(self).await?;
        }
        Ok(())
    }

    /// Undoes what was written, and answers once it is undone: locks are free then. A drop undoes it in the background.
    pub async fn rollback(mut self) -> Result<(), DatabaseError> {
        self.control("ROLLBACK").await?;
        self.release();
        Ok(())
    }

    /// Gives the connection back to the pool: nothing is open on it any more.
    fn release(&mut self) {
        if let Some(held) = self.held.take() {
            held.release();
        }
    }

    async fn control(&self, sql: &str) -> Result<(), DatabaseError> {
        match &self.held {
            Some(held) => held.control(sql).await,
            None => Ok(()),
        }
    }

    /// Whether the connection on which something went wrong is closed.
    async fn has_closed(&self) -> bool {
        match &self.held {
            Some(held) => held.driver.has_closed().await,
            None => false,
        }
    }
}

impl<Scope> Deref for Transaction<Scope> {
    type Target = AsyncPgConnection;

    #[expect(
        clippy::expect_used,
        reason = "only commit, rollback and drop take the connection, and each ends the value"
    )]
    fn deref(&self) -> &AsyncPgConnection {
        let line = self.held.as_ref().and_then(|held| held.line.as_deref());
        line.expect("open transaction")
    }
}

impl<Scope> DerefMut for Transaction<Scope> {
    #[expect(
        clippy::expect_used,
        reason = "only commit, rollback and drop take the connection, and each ends the value"
    )]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        let line = self.held.as_mut().and_then(|held| held.line.as_deref_mut());
        line.expect("open transaction")
    }
}

impl<Scope> Drop for Transaction<Scope> {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        // The answer need not wait for the rollback; the connection goes back to the pool once it is done.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                match held.control("ROLLBACK").await {
                    Ok(()) => held.release(),
                    Err(error) => tracing::debug!(%error, "rollback failed; the connection is dropped"),
                }
            });
        }
    }
}

/// A connection in the middle of a transaction. Only [`Held::release`] gives it back to the pool; otherwise it is
/// closed, so nobody ever gets one with somebody else's transaction open.
struct Held {
    /// There until release or drop takes it.
    line: Option<Object<Connector>>,
    driver: Driver,
    writes: bool,
    /// Closes the connection when the transaction's time is up.
    end: AbortHandle,
    counts: Arc<Counts>,
}

impl Held {
    #[expect(
        clippy::disallowed_methods,
        reason = "it only closes what is overdue; at shutdown connections end anyway"
    )]
    fn new(line: Object<Connector>, counts: Arc<Counts>, writes: bool, until: Instant) -> Self {
        let driver = line.driver.clone();
        let overdue = driver.clone();
        let end = tokio::spawn(async move {
            sleep_until(until).await;
            tracing::warn!("a transaction's time is up; its connection is closed");
            overdue.close();
        });
        Self {
            line: Some(line),
            driver,
            writes,
            end: end.abort_handle(),
            counts,
        }
    }

    /// BEGIN, COMMIT and the like, apart from the statements in the count.
    async fn control(&self, sql: &str) -> Result<(), DatabaseError> {
        let Some(line) = self.line.as_deref() else {
            return Ok(());
        };
        self.counts.control.fetch_add(1, Ordering::Relaxed);
        let mut connection: &AsyncPgConnection = line;
        Ok(connection.batch_execute(sql).await?)
    }

    fn release(mut self) {
        self.end.abort();
        self.line.take();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end.abort();
        if let Some(line) = self.line.take() {
            drop(Object::take(line));
        }
    }
}

/// Takes a connection, begins, and runs `first` in the same round trip. Where the connection turns out to be closed, as
/// all of the pool's are after a restart of PostgreSQL, nothing was done, and another is tried: at most as many as the
/// pool can hold, and one fresh one. Any other error is the caller's.
pub(crate) async fn begin<'env, Scope: Copy, T>(
    database: &Database,
    opening: Opening<'_>,
    scope: Scope,
    first: impl First<'env, Scope, T>,
) -> Result<(Transaction<Scope>, T), DatabaseError> {
    let mut tries = Tries::new(database, opening.limit);
    loop {
        let tx = tries.open(scope, opening.writes).await?;
        // Sent in this order. Were one refused, what follows would see no tenant, so no row, and is thrown away.
        let controls = opening.statements.iter().map(|sql| tx.control(sql));
        let error = match join(try_join_all(controls), first(&tx)).await {
            (Ok(_), Ok(answer)) => return Ok((tx, answer)),
            (Err(error), _) | (Ok(_), Err(error)) => error,
        };
        if !tries.may_go_on(&tx).await {
            return Err(error);
        }
    }
}

/// One statement without BEGIN and COMMIT, tried again as in [`begin`].
pub(crate) async fn look_up<'env, T>(
    database: &Database,
    limit: Duration,
    statement: impl First<'env, Directory, T>,
) -> Result<T, DatabaseError> {
    let mut tries = Tries::new(database, limit);
    loop {
        let mut tx = tries.open(Directory, false).await?;
        let answer = statement(&tx).await;
        if answer.is_err() && tries.may_go_on(&tx).await {
            continue;
        }
        tx.release();
        return answer;
    }
}

/// The connections that a transaction may try, and until when.
struct Tries<'a> {
    database: &'a Database,
    limit: Duration,
    /// The limit's end; none before the first connection.
    until: Option<Instant>,
    closed: usize,
}

impl<'a> Tries<'a> {
    fn new(database: &'a Database, limit: Duration) -> Self {
        Self {
            database,
            limit,
            until: None,
            closed: 0,
        }
    }

    async fn open<Scope>(&mut self, scope: Scope, writes: bool) -> Result<Transaction<Scope>, DatabaseError> {
        let Database { pool, counts, .. } = self.database;
        if counts.shut.load(Ordering::Relaxed) {
            return Err(DatabaseError::Shut);
        }
        let line = pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => DatabaseError::Busy,
            PoolError::Backend(error) => error,
            other => DatabaseError::Connection(other.to_string()),
        })?;
        let until = *self.until.get_or_insert_with(|| Instant::now() + self.limit);
        counts.transactions.fetch_add(1, Ordering::Relaxed);
        Ok(Transaction {
            held: Some(Held::new(line, Arc::clone(counts), writes, until)),
            scope,
            rings: false,
            last: Vec::new(),
        })
    }

    /// Whether another connection may be tried after what went wrong on this one.
    async fn may_go_on<Scope>(&mut self, tx: &Transaction<Scope>) -> bool {
        self.closed += 1;
        self.closed <= self.database.pool.status().max_size
            && self.until.is_some_and(|until| Instant::now() < until)
            && tx.has_closed().await
    }
}
