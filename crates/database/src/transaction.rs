//! Transactions as values: dropped without [`Transaction::commit`] they roll back, so `?` never leaves half a job.
//!
//! BEGIN shares its round trip with the first statement where the caller names one, and statements that don't need each
//! other's answers may be joined: every trip saved is a wait less for the member and two wake-ups less for the machine.

use crate::{Connection, Counts, DatabaseError};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection as _,
    pooled_connection::deadpool::{Pool, PoolError},
};
use futures_util::future::{join, try_join_all};
use kernel::TenantId;
use scoped_futures::ScopedBoxFuture;
use std::{
    ops::{Deref, DerefMut},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
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

type Last<Scope> = Box<dyn for<'tx> FnOnce(&'tx mut Transaction<Scope>) -> Step<'tx> + Send + Sync>;
type Step<'tx> = Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + 'tx>>;

impl TenantTransaction {
    /// Whose rows it sees.
    pub fn tenant(&self) -> TenantId {
        self.scope
    }

    /// Rings [`crate::Database::rung`] once what was written is committed.
    pub fn ring(&mut self) {
        self.rings = true;
    }

    /// Leaves a step for the end, right before the commit, whatever is still written till then: one that takes a lock for
    /// which the insurer's other transactions wait.
    pub fn at_the_end(&mut self, step: impl for<'tx> FnOnce(&'tx mut Self) -> Step<'tx> + Send + Sync + 'static) {
        self.last.push(Box::new(step));
    }
}

impl<Scope> Transaction<Scope> {
    /// Makes what was written permanent.
    pub async fn commit(mut self) -> Result<(), DatabaseError> {
        for step in std::mem::take(&mut self.last) {
            step(&mut self).await?;
        }
        self.control("COMMIT").await?;
        if let Some(held) = self.held.take() {
            if self.rings {
                held.counts.bell.notify_one();
            }
            held.release();
        }
        Ok(())
    }

    /// Undoes what was written, and answers once it is undone: locks are free then. A drop undoes it in the background.
    pub async fn rollback(mut self) -> Result<(), DatabaseError> {
        self.control("ROLLBACK").await?;
        if let Some(held) = self.held.take() {
            held.release();
        }
        Ok(())
    }

    async fn control(&self, sql: &str) -> Result<(), DatabaseError> {
        match &self.held {
            Some(held) => held.control(sql).await,
            None => Ok(()),
        }
    }
}

impl<Scope> Deref for Transaction<Scope> {
    type Target = AsyncPgConnection;

    #[expect(
        clippy::expect_used,
        reason = "only commit and drop take the connection, and both end the value"
    )]
    fn deref(&self) -> &AsyncPgConnection {
        let connection = self.held.as_ref().and_then(|held| held.connection.as_deref());
        connection.expect("open transaction")
    }
}

impl<Scope> DerefMut for Transaction<Scope> {
    #[expect(
        clippy::expect_used,
        reason = "only commit and drop take the connection, and both end the value"
    )]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        let connection = self.held.as_mut().and_then(|held| held.connection.as_deref_mut());
        connection.expect("open transaction")
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
    connection: Option<Connection>,
    counts: Arc<Counts>,
}

impl Held {
    /// BEGIN, COMMIT and the like, apart from the statements in the count.
    async fn control(&self, sql: &str) -> Result<(), DatabaseError> {
        let Some(connection) = self.connection.as_deref() else {
            return Ok(());
        };
        self.counts.control.fetch_add(1, Ordering::Relaxed);
        Ok((&mut &*connection).batch_execute(sql).await?)
    }

    fn release(mut self) {
        self.connection.take();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Connection::take(connection));
        }
    }
}

/// Takes a connection, begins, and runs `first` in the same round trip. Each statement of the `opening` is a message of
/// its own: a distributed PostgreSQL forwards the whole message in which a SET LOCAL stands. A connection that a restart of PostgreSQL closed
/// fails here, before anything was done, so another is tried: at most as many as the pool can hold, and one fresh one.
pub(crate) async fn begin<'env, Scope: Copy, T>(
    pool: &Pool<AsyncPgConnection>,
    counts: &Arc<Counts>,
    opening: &[&str],
    scope: Scope,
    first: impl First<'env, Scope, T>,
) -> Result<(Transaction<Scope>, T), DatabaseError> {
    let mut stale = pool.status().max_size;
    loop {
        let mut tx = open(pool, counts, scope).await?;
        // Sent in this order. Were one refused, what follows would see no tenant, so no row, and is thrown away.
        let controls = opening.iter().map(|sql| tx.control(sql));
        let (begun, answer) = join(try_join_all(controls), first(&tx)).await;
        match begun {
            Ok(_) => return Ok((tx, answer?)),
            Err(error) => {
                // Out of the pool for good: the next one may be alive.
                drop(tx.held.take());
                if stale == 0 {
                    return Err(error);
                }
                stale -= 1;
            }
        }
    }
}

/// One statement without BEGIN and COMMIT. Where it fails its connection may be closed, so another is tried as in
/// [`begin`].
pub(crate) async fn look_up<'env, T>(
    pool: &Pool<AsyncPgConnection>,
    counts: &Arc<Counts>,
    statement: impl First<'env, Directory, T>,
) -> Result<T, DatabaseError> {
    let mut stale = pool.status().max_size;
    loop {
        let mut tx = open(pool, counts, Directory).await?;
        let answer = statement(&tx).await;
        let held = tx.held.take();
        if answer.is_ok() || stale == 0 {
            if let Some(held) = held {
                held.release();
            }
            return answer;
        }
        stale -= 1;
    }
}

async fn open<Scope>(
    pool: &Pool<AsyncPgConnection>,
    counts: &Arc<Counts>,
    scope: Scope,
) -> Result<Transaction<Scope>, DatabaseError> {
    if counts.shut.load(Ordering::Relaxed) {
        return Err(DatabaseError::Shut);
    }
    let connection = pool.get().await.map_err(|error| match error {
        PoolError::Timeout(_) => DatabaseError::Busy,
        other => DatabaseError::Connection(other.to_string()),
    })?;
    counts.transactions.fetch_add(1, Ordering::Relaxed);
    Ok(Transaction {
        held: Some(Held {
            connection: Some(connection),
            counts: Arc::clone(counts),
        }),
        scope,
        rings: false,
        last: Vec::new(),
    })
}
