//! Deleting what has served its time (security.md 58). Every node sweeps ended sign-ups and changes of address, codes,
//! links, sessions, quiet throttles, finished mails and dead jobs; a second sweep finds nothing. The audit trail and the
//! events are only ever added to by the service's role, so their old lines are the owner's to delete: `madoguchi prune`,
//! from a timer. Consents stay.

use crate::{app::App, config::RetentionConfig};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability};
use kernel::TenantId;
use std::time::Duration;
use tokio::sync::watch;

/// Between two sweeps.
const PAUSE: Duration = Duration::from_hours(1);
/// How long an ended sign-up is kept, so that a late comer is told it ended.
const TICKETS_KEPT: TimeDelta = TimeDelta::days(2);

/// Sweeps now and then every hour, until `stop` turns true.
pub(crate) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "retention: the next sweep goes on");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Insurer by insurer: trouble with one leaves no other unswept.
async fn sweep(app: &App) -> Result<(), DatabaseError> {
    let now = app.clock.now();
    for insurer in tenancy::list(&app.database).await? {
        let tenant = insurer.tenant_id;
        match sweep_insurer(app, tenant, now).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(tenant = tenant.0, deleted, "retention"),
            Err(error) => tracing::warn!(tenant = tenant.0, %error, "retention: the next sweep goes on"),
        }
    }
    Ok(())
}

async fn sweep_insurer(app: &App, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let kept = app.retention;
    let mut tx = app.database.tenant(tenant).write(Durability::Safe).await?;
    accounts::tell_refusals(&mut tx, now).await?;
    let deleted = accounts::sweep(&mut tx, &app.names, now - TICKETS_KEPT).await?
        + guard::sweep(&mut tx, now).await?
        + mail::sweep(&mut tx, now - days(kept.mail_days)).await?
        + jobs::sweep(&mut tx, now - days(kept.dead_job_days)).await?;
    tx.commit().await?;
    Ok(deleted)
}

/// As the owner: deletes the lines of the audit trail and the events that are older than they are kept; gives how many
/// of each.
pub(crate) async fn prune(
    owner: &Database,
    kept: RetentionConfig,
    now: DateTime<Utc>,
) -> Result<(usize, usize), DatabaseError> {
    let (mut lines, mut events) = (0, 0);
    for insurer in tenancy::list(owner).await? {
        let mut tx = owner.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        lines += audit::forget(&mut tx, now - days(kept.audit_days)).await?;
        events += jobs::forget(&mut tx, now - days(kept.event_days)).await?;
        tx.commit().await?;
    }
    Ok((lines, events))
}

fn days(days: u32) -> TimeDelta {
    TimeDelta::days(days.into())
}
