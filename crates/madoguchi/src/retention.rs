//! Deleting what has served its time (security.md 58). Every node sweeps ended sign-ups and changes of address, codes,
//! links, sessions, tokens of programs, quiet throttles, whose looks stand for an hour, finished mails, dead jobs, refused forms, marks of old
//! notices, uploads that nobody ended, deliveries of webhooks, who was sent letters, daily numbers and tasks about names that the roster tells apart; and it empties the
//! persons whose coverage was lost long ago, with their accounts and what was written to them alone. A second sweep finds
//! nothing. The audit trail, the events and the roster's journal are only ever added to by the service's role, so their
//! old lines are the owner's to delete: `madoguchi prune`, from a timer. Consents stay.

use crate::{app::App, config::RetentionConfig};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability};
use kernel::{Outage, TenantId};
use serde_json::json;
use std::time::Duration;
use tenancy::Insurer;
use tokio::sync::watch;

/// Between two sweeps.
const PAUSE: Duration = Duration::from_hours(1);
/// How long an ended sign-up is kept, so that a late comer is told it ended.
const TICKETS_KEPT: TimeDelta = TimeDelta::days(2);
/// How long it is kept who was sent a letter to sign up by: two of the yearly rounds of them.
const LETTERS_KEPT: TimeDelta = TimeDelta::days(2 * 366);
/// People forgotten in one transaction.
const AT_ONCE: i64 = 200;
/// What a transaction may take here, where nobody waits for it.
const LONG: Duration = Duration::from_mins(5);

/// Sweeps now and then every hour, until `stop` turns true.
pub(crate) async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let sweeps = async {
        loop {
            if let Err(error) = sweep(&app).await {
                tracing::warn!(%error, "retention: the next sweep goes on");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // A sweep that is broken off undoes one insurer's part, which the next does.
    tokio::select! {
        () = sweeps => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Insurer by insurer: trouble with one leaves no other unswept.
async fn sweep(app: &App) -> Result<(), DatabaseError> {
    for insurer in tenancy::list(&app.ground.database).await? {
        let tenant = insurer.tenant_id;
        // Each at its own time: what it writes into the trail is sealed soon after.
        match sweep_insurer(app, tenant, app.ground.clock.now()).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(tenant = tenant.0, deleted, "retention"),
            Err(error) => tracing::warn!(tenant = tenant.0, %error, "retention: the next sweep goes on"),
        }
    }
    Ok(())
}

/// Deletes what has served its time at one insurer; gives how much.
pub async fn sweep_insurer(app: &App, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let kept = app.retention;
    let settings = app.ground.directory.by_tenant(tenant).await?;
    let mut tx = app
        .ground
        .database
        .tenant(tenant)
        .within(LONG)
        .write(Durability::Safe)
        .await?;
    accounts::tell_refusals(&mut tx, now).await?;
    staff::tell_refusals(&mut tx, now).await?;
    clients::tell_refusals(&mut tx, now).await?;
    let settled = match &settings {
        Some(insurer) => accounts::alike::settle(&mut tx, insurer, now).await?,
        None => 0,
    };
    let mut deleted = settled
        + accounts::sweep(&mut tx, &app.ground.names, now - TICKETS_KEPT).await?
        + audit::sweep(&mut tx, now).await?
        + guard::sweep(&mut tx, now).await?
        + mail::sweep(&mut tx, now, now - days(kept.mail_days)).await?
        + jobs::sweep(&mut tx, now - days(kept.dead_job_days)).await?
        + roster::letters::sweep(&mut tx, now - LETTERS_KEPT).await?
        + tabular::uploads::sweep(&mut tx, now).await?
        + staff::sweep_factors(&mut tx, now).await?
        + clients::sweep(&mut tx, now).await?
        + webhooks::sweep(&mut tx, now).await?
        + roster::runs::sweep(&mut tx, now).await?
        + pages::sweep(&mut tx, now).await?;
    for sweep in app.modules.iter().filter_map(|module| module.sweep.as_ref()) {
        deleted += sweep(&mut tx, now).await?;
    }
    tx.commit().await?;
    deleted += keep_tallies(app, tenant, now).await?;
    suspend_unused(app, settings.as_deref(), now).await;
    tell_of_ends(app, settings.as_deref()).await;
    lapse_wishes(app, tenant, now).await;
    Ok(deleted + forget_people(app, tenant, now).await?)
}

/// Counts for the console what the day changed. Apart from the rest and from each other: an import may hold the workplaces'
/// counts till its end, and whoever protects somebody waits for the days'.
async fn keep_tallies(app: &App, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = app.ground.database.tenant(tenant).within(LONG);
    let mut tx = tenant.write(Durability::Safe).await?;
    let deleted = accounts::tallies::keep(&mut tx, now).await?;
    tx.commit().await?;
    let mut tx = tenant.write(Durability::Safe).await?;
    roster::workplaces::keep(&mut tx, now).await?;
    tx.commit().await?;
    Ok(deleted)
}

/// Suspends the accounts of staff that nobody used for long, in a transaction of their own.
async fn suspend_unused(app: &App, insurer: Option<&Insurer>, now: DateTime<Utc>) {
    let Some(insurer) = insurer else { return };
    match app.staff.sweep(insurer, now).await {
        Ok(0) => {}
        Ok(suspended) => tracing::info!(tenant = insurer.tenant_id.0, suspended, "unused accounts of staff"),
        Err(error) => tracing::warn!(tenant = insurer.tenant_id.0, %error, "retention: the next sweep goes on"),
    }
}

/// Tells whoever is behind a client that its last day comes near, in transactions of their own.
async fn tell_of_ends(app: &App, insurer: Option<&Insurer>) {
    let Some(insurer) = insurer else { return };
    match app.clients.tell_of_ends(insurer).await {
        Ok(0) => {}
        Ok(told) => tracing::info!(tenant = insurer.tenant_id.0, told, "clients that end soon"),
        Err(error) => tracing::warn!(tenant = insurer.tenant_id.0, %error, "retention: the next sweep goes on"),
    }
}

/// Ends the wishes that nobody answered, in a transaction of their own.
async fn lapse_wishes(app: &App, tenant: TenantId, now: DateTime<Utc>) {
    let lapsed = async {
        let mut tx = app.ground.database.tenant(tenant).write(Durability::Safe).await?;
        let lapsed = app.staff.approvals().sweep(&mut tx, now).await?;
        tx.commit().await?;
        Ok::<_, Outage>(lapsed)
    };
    match lapsed.await {
        Ok(0) => {}
        Ok(lapsed) => tracing::info!(tenant = tenant.0, lapsed, "wishes"),
        Err(error) => tracing::warn!(tenant = tenant.0, %error, "retention: the next sweep goes on"),
    }
}

/// Empties people and accounts, so many in a transaction; gives how many, with the user IDs that are free again.
async fn forget_people(app: &App, tenant: TenantId, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let lost_before = roster::forget::lost_before(now, person_kept(app.retention));
    let tenant = app.ground.database.tenant(tenant).within(LONG);
    let mut forgotten = 0;
    loop {
        let mut tx = tenant.write(Durability::Safe).await?;
        let people = roster::forget::empty(&mut tx, now, lost_before, AT_ONCE).await?;
        let accounts = accounts::forget::empty(&mut tx, now, &people).await?;
        tasks::empty(&mut tx, &people).await?;
        approvals::forget(&mut tx, &people).await?;
        for forget in app.modules.iter().filter_map(|module| module.forget.as_ref()) {
            forget(&mut tx, now, &people, &accounts).await?;
        }
        let freed = accounts::forget::free_names(&mut tx, &app.ground.names, now, AT_ONCE).await?;
        for person in &people {
            let entry = Entry {
                actor: Actor::System,
                action: "person.forget",
                object: Some(("person", person.0)),
                outcome: "done",
                detail: json!({}),
            };
            audit::record(&tx, now, &Origin::worker(), entry).await?;
        }
        tx.commit().await?;
        if people.is_empty() && freed == 0 {
            return Ok(forgotten);
        }
        forgotten += people.len() + freed;
    }
}

/// How long a person is kept after coverage is lost.
pub(crate) fn person_kept(kept: RetentionConfig) -> TimeDelta {
    days(kept.person_days)
}

/// What [`prune`] deleted.
#[derive(Default)]
pub(crate) struct Pruned {
    /// Lines of the audit trail.
    pub(crate) lines: usize,
    /// Events.
    pub(crate) events: usize,
    /// Entries of the rosters' journals.
    pub(crate) changes: usize,
}

/// As the owner: deletes the lines of the audit trail, the events and the roster's journal that are older than they are
/// kept.
pub(crate) async fn prune(
    owner: &Database,
    kept: RetentionConfig,
    now: DateTime<Utc>,
) -> Result<Pruned, DatabaseError> {
    let mut pruned = Pruned::default();
    for insurer in tenancy::list(owner).await? {
        let tenant = owner.tenant(insurer.tenant_id).within(LONG);
        pruned.lines += audit::forget(&tenant, now - days(kept.audit_days), now).await?;
        pruned.events += jobs::forget(&tenant, now - days(kept.event_days)).await?;
        pruned.changes += roster::changes::forget(&tenant, now - days(kept.roster_change_days)).await?;
    }
    Ok(pruned)
}

fn days(days: u32) -> TimeDelta {
    TimeDelta::days(days.into())
}
