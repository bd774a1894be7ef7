//! Transactions as values: dropped without [`TenantTransaction::commit`] they roll back, so `?` never leaves half a job.

use crate::{Connection, DatabaseError};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, TransactionManager,
    pooled_connection::deadpool::{Pool, PoolError},
};
use kernel::TenantId;
use std::ops::{Deref, DerefMut};

/// A transaction inside one insurer.
pub struct TenantTransaction {
    inner: Transaction,
    tenant: TenantId,
}

impl TenantTransaction {
    pub(crate) fn new(connection: Connection, tenant: TenantId) -> Self {
        Self {
            inner: Transaction(Some(connection)),
            tenant,
        }
    }

    /// Whose rows it sees.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Makes what was written permanent.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        self.inner.commit().await
    }
}

impl Deref for TenantTransaction {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        self.inner.connection()
    }
}

impl DerefMut for TenantTransaction {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.inner.connection_mut()
    }
}

/// A transaction on the directory tables, outside every insurer.
pub struct DirectoryTransaction(Transaction);

impl DirectoryTransaction {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Transaction(Some(connection)))
    }

    /// Makes what was written permanent.
    pub async fn commit(self) -> Result<(), DatabaseError> {
        self.0.commit().await
    }
}

impl Deref for DirectoryTransaction {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        self.0.connection()
    }
}

impl DerefMut for DirectoryTransaction {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.0.connection_mut()
    }
}

/// The connection is there until commit or drop takes it.
struct Transaction(Option<Connection>);

impl Transaction {
    #[expect(
        clippy::expect_used,
        reason = "only commit and drop take the connection, and both end the value"
    )]
    fn connection(&self) -> &AsyncPgConnection {
        self.0.as_ref().expect("open transaction")
    }

    #[expect(
        clippy::expect_used,
        reason = "only commit and drop take the connection, and both end the value"
    )]
    fn connection_mut(&mut self) -> &mut AsyncPgConnection {
        self.0.as_mut().expect("open transaction")
    }

    async fn commit(mut self) -> Result<(), DatabaseError> {
        let Some(mut connection) = self.0.take() else {
            return Ok(());
        };
        Ok(AnsiTransactionManager::commit_transaction(&mut *connection).await?)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        // The answer need not wait for the rollback; the connection goes back to the pool once it is done.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = AnsiTransactionManager::rollback_transaction(&mut *connection).await {
                    tracing::debug!(%error, "rollback failed; the connection is dropped");
                }
            });
        }
    }
}

/// Takes a connection and begins. A connection that a restart of PostgreSQL closed fails here, before anything was
/// done, so another is tried: at most as many as the pool can hold, and one fresh one.
pub(crate) async fn begin(pool: &Pool<AsyncPgConnection>, sql: &str) -> Result<Connection, DatabaseError> {
    let mut stale = pool.status().max_size;
    loop {
        let mut connection = pool.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => DatabaseError::Busy,
            other => DatabaseError::Connection(other.to_string()),
        })?;
        match AnsiTransactionManager::begin_transaction_sql(&mut *connection, sql).await {
            Ok(()) => return Ok(connection),
            Err(error) => {
                // Out of the pool for good: the next one may be alive.
                drop(Connection::take(connection));
                if stale == 0 {
                    return Err(error.into());
                }
                stale -= 1;
            }
        }
    }
}
