//! Deleting what has served its time (security.md 58): ended sign-ups and changes of address, codes, links, sessions, quiet throttles and
//! finished mails. Consents and the audit trail stay. Every node may run it; a second sweep finds nothing.

use crate::app::App;
use chrono::{DateTime, TimeDelta, Utc};
use database::DatabaseError;
use kernel::TenantId;
use std::time::Duration;
use tokio::sync::watch;

/// Between two sweeps.
const PAUSE: Duration = Duration::from_hours(1);
/// How long an ended sign-up is kept, so that a late comer is told it ended.
const TICKETS_KEPT: TimeDelta = TimeDelta::days(2);
/// How long the state of a finished mail is kept, for whoever asks what became of it.
const MAILS_KEPT: TimeDelta = TimeDelta::days(90);

/// Sweeps every hour until `stop` turns true.
pub(crate) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "retention: the next sweep goes on");
        }
    }
}

async fn sweep(app: &App) -> Result<(), DatabaseError> {
    let now = app.clock.now();
    for insurer in tenancy::list(&app.database).await? {
        let deleted = sweep_insurer(app, insurer.tenant_id, now).await?;
        if deleted > 0 {
            tracing::info!(tenant = insurer.tenant_id.0, deleted, "retention");
        }
    }
    Ok(())
}

async fn sweep_insurer(app: &App, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let mut tx = app.database.tenant(tenant).write().await?;
    let deleted = accounts::sweep(&mut tx, now - TICKETS_KEPT).await?
        + guard::sweep(&mut tx, now).await?
        + mail::sweep(&mut tx, now - MAILS_KEPT).await?;
    tx.commit().await?;
    Ok(deleted)
}
