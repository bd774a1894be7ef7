//! Whether a node may be sent requests, as far as PostgreSQL goes.
//!
//! Asked on a connection of its own: a pool that is all in use says nothing of PostgreSQL, whether it is busy with honest
//! work or waits on a network that swallows packets. Once all is well it is not asked again for [`AGE`], however often a
//! load balancer calls; whatever else was found is told to those alone who waited for it.

use crate::{
    DatabaseError,
    connection::{Connector, Line},
    distribution, pending_migrations,
};
use deadpool::managed::Manager as _;
use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use std::time::{Duration, Instant};
use tokio::{sync::Mutex, time::timeout};

/// How old good news may be.
const AGE: Duration = Duration::from_secs(1);
/// How long a look may take, connection included.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// All is well.
    Ready,
    /// So many migrations that this build knows have not been run.
    Pending(usize),
    /// It is a cluster, and some table is not distributed over it.
    Undistributed,
    /// PostgreSQL takes nothing that is written: a standby, or set so.
    ReadOnly,
    /// It answers, and refuses what it was asked: a full disk, rights taken away.
    Failing,
    /// It does not answer in time.
    Away,
}

impl Readiness {
    /// Whether PostgreSQL itself is in trouble, whatever is asked of it.
    pub fn is_outage(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Failing | Self::Away)
    }
}

/// Looks, and remembers.
pub(crate) struct Probe {
    connector: Connector,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    line: Option<Line>,
    last: Option<(Instant, Readiness)>,
}

impl Probe {
    pub(crate) fn new(connector: Connector) -> Self {
        Self {
            connector,
            kept: Mutex::default(),
        }
    }

    /// One look at a time; whoever comes meanwhile waits for its answer.
    pub(crate) async fn look(&self) -> Readiness {
        let came = Instant::now();
        let mut kept = self.kept.lock().await;
        if let Some((at, readiness)) = kept.last
            && (at >= came || readiness == Readiness::Ready && at.elapsed() < AGE)
        {
            return readiness;
        }
        let line = kept.line.take();
        let found = timeout(PATIENCE, self.ask(line)).await;
        let found = found.unwrap_or_else(|_| Err(DatabaseError::Lost(format!("no answer within {PATIENCE:?}"))));
        let readiness = match found {
            Ok((line, readiness)) => {
                kept.line = Some(line);
                readiness
            }
            Err(error) => {
                tracing::warn!(%error, "not ready");
                match error {
                    DatabaseError::Statement(_) | DatabaseError::Migration(_) => Readiness::Failing,
                    _ => Readiness::Away,
                }
            }
        };
        kept.last = Some((Instant::now(), readiness));
        readiness
    }

    /// On the connection of the last look; on a new one where that is closed meanwhile.
    async fn ask(&self, line: Option<Line>) -> Result<(Line, Readiness), DatabaseError> {
        if let Some(mut line) = line {
            match check(&mut line).await {
                Ok(readiness) => return Ok((line, readiness)),
                Err(_) if line.driver.has_closed().await => {}
                Err(error) => return Err(error),
            }
        }
        let mut line = self.connector.create().await?;
        let readiness = check(&mut line).await?;
        Ok((line, readiness))
    }
}

async fn check(line: &mut Line) -> Result<Readiness, DatabaseError> {
    #[derive(QueryableByName)]
    struct Written {
        #[diesel(sql_type = Bool)]
        read_only: bool,
    }
    for control in ["BEGIN", "SET LOCAL work_mem = '64kB'"] {
        line.batch_execute(control).await?;
    }
    let Written { read_only } = diesel::sql_query(WRITE).get_result(&mut **line).await?;
    let pending = pending_migrations(line).await?;
    let wrong = distribution::undistributed(line).await?;
    line.batch_execute("COMMIT").await?;
    Ok(match pending.len() {
        _ if read_only => Readiness::ReadOnly,
        0 if wrong.is_empty() => Readiness::Ready,
        0 => {
            tracing::warn!(wrong = wrong.join("; "), "not ready: run madoguchi distribute");
            Readiness::Undistributed
        }
        pending => Readiness::Pending(pending),
    })
}

/// Writes without leaving a row: an empty message into the write-ahead log, which COMMIT waits to see on the disk, and a
/// quarter of a megabyte to be sorted in a quarter of that memory, which takes room among the data's temporary files. A
/// full disk refuses the second while small rows still find room in pages that are there.
const WRITE: &str = "
SELECT current_setting('transaction_read_only')::bool AS read_only,
       CASE WHEN NOT current_setting('transaction_read_only')::bool
            THEN pg_logical_emit_message(true, 'madoguchi', '') END AS written,
       (SELECT max(length(page)) FROM (
            SELECT repeat('x', 1000) AS page FROM generate_series(1, 256) AS n ORDER BY n DESC) AS pages) AS sorted";
