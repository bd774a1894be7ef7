//! A member stops the change of their address that the desk has begun: on their account's page, or by the link in the mail
//! that told the old address of it. Looking at the link stops nothing, and it opens nothing else.

use super::{DELAY, KEPT, change, end};
use crate::{Accounts, Member, account::actor, close::lock, reasons, recover::SECOND_CLICK};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use guard::links::{self, LinkState};
use kernel::{AccountId, Outage, Outcome, TenantSecret};
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// The link's purpose in the guard.
const STOP: &str = "desk_email_stop";
/// What the trail calls it, and what begins a change anew.
const STOPPED: &str = "email.stop";
const ASKED: &str = "email.ask";
/// How long staff are shown that a member stopped a change.
const SHOWN: TimeDelta = TimeDelta::days(30);

/// A change by the desk, as its member is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskEmailTold {
    /// The new address, masked: whoever set it may be wrong about whose it is.
    pub masked: String,
    /// From when it counts.
    pub counts_at: DateTime<Utc>,
}

/// What a link stops.
#[derive(Debug, Clone)]
pub struct DeskEmailToStop {
    /// Whose portal.
    pub insurer: Arc<Insurer>,
    /// The change.
    pub change: DeskEmailTold,
}

/// That a member stopped a change, as staff are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskEmailStopped {
    /// When.
    pub at: DateTime<Utc>,
    /// By the link in the mail; else on their account's page.
    pub by_link: bool,
}

impl Accounts {
    /// The change of an account that is under way, for its member.
    pub async fn desk_email_told(
        &self,
        tx: &TenantTransaction,
        id: AccountId,
    ) -> Result<Option<DeskEmailTold>, Outage> {
        let now = self.clock.now();
        let Some(row) = change(tx, id).await?.filter(|row| row.expires_at > now) else {
            return Ok(None);
        };
        Ok(Some(DeskEmailTold {
            masked: self.desk_wanted(tx.tenant(), id, &row.email)?.mask(),
            counts_at: row.counts_at,
        }))
    }

    /// What a link stops.
    pub async fn desk_email_to_stop(&self, link: &TenantSecret) -> Result<Outcome<DeskEmailToStop>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(reasons::CHANGE_OVER.into());
        };
        let mut tx = self.database.tenant(link.tenant).read().await?;
        let found = links::peek(&mut tx, &self.keys, self.clock.now(), &link.secret, STOP).await?;
        let change = match found {
            LinkState::Open { subject } => self.desk_email_told(&tx, AccountId(subject)).await?,
            LinkState::Used { .. } | LinkState::Late | LinkState::Unknown => None,
        };
        tx.commit().await?;
        Ok(change.map_or(reasons::CHANGE_OVER.into(), |change| {
            Outcome::Done(DeskEmailToStop { insurer, change })
        }))
    }

    /// Stops the change of a link, once. The second of two clicks is told what the first one did.
    pub async fn stop_desk_email_by_link(
        &self,
        origin: &Origin,
        link: &TenantSecret,
    ) -> Result<Outcome<Arc<Insurer>>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(reasons::CHANGE_OVER.into());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(link.tenant).write(Durability::Safe).await?;
        let id = match links::peek(&mut tx, &self.keys, now, &link.secret, STOP).await? {
            LinkState::Open { subject } | LinkState::Used { subject, .. } => AccountId(subject),
            LinkState::Late | LinkState::Unknown => return Ok(reasons::CHANGE_OVER.into()),
        };
        // Of two at the same time the other waits here, and then finds it stopped.
        lock(&tx, id).await?;
        let is_stopped = match links::peek(&mut tx, &self.keys, now, &link.secret, STOP).await? {
            // Closed by what stopped the change, or by a change of the address.
            LinkState::Used { .. } => is_just_stopped(&tx, now, id).await?,
            _ => stop(&mut tx, now, id, (Actor::Visitor, origin)).await?,
        };
        tx.commit().await?;
        Ok(if is_stopped {
            Outcome::Done(insurer)
        } else {
            reasons::CHANGE_OVER.into()
        })
    }

    /// Stops the change of the member's own account; false where none is under way.
    pub async fn stop_desk_email(&self, origin: &Origin, member: &Member) -> Result<bool, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        let by = (actor(member), origin);
        let stopped = stop(&mut tx, self.clock.now(), member.account_id, by).await?;
        tx.commit().await?;
        Ok(stopped)
    }

    /// That the member stopped the last change of their address, until another is asked for.
    pub async fn desk_email_stopped(
        &self,
        tx: &TenantTransaction,
        id: AccountId,
    ) -> Result<Option<DeskEmailStopped>, DatabaseError> {
        let since = self.clock.now() - SHOWN;
        let last = audit::about(tx, id.0, &[STOPPED, ASKED], since, 1).await?;
        let last = last.into_iter().next().filter(|line| line.action == STOPPED);
        Ok(last.map(|line| DeskEmailStopped {
            at: line.at,
            by_link: line.actor_kind == "visitor",
        }))
    }

    /// The address of a link that stops an account's change.
    pub(super) async fn stop_url(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        id: AccountId,
    ) -> Result<String, DatabaseError> {
        let link = links::issue(tx, &self.keys, now, id.0, STOP, DELAY + KEPT).await?;
        let mut url = self.public_url.clone();
        url.set_path("/portal/email/stop");
        url.query_pairs_mut().append_pair("token", &link.reveal());
        Ok(url.into())
    }
}

/// Closes every link that would stop a change of an account: they went to an address that is its own no more, and whoever
/// reads that one is neither told of a later change nor stops it.
pub(crate) async fn close_links(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    id: AccountId,
) -> Result<(), DatabaseError> {
    links::close(tx, now, id.0, STOP).await
}

/// True where a change of the account was stopped a click ago.
async fn is_just_stopped(tx: &TenantTransaction, now: DateTime<Utc>, id: AccountId) -> Result<bool, DatabaseError> {
    let stopped = audit::about(tx, id.0, &[STOPPED], now - SECOND_CLICK, 1).await?;
    Ok(!stopped.is_empty())
}

/// Ends the change that is under way, and every link that would stop it; false where there is none.
async fn stop(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    id: AccountId,
    (actor, origin): (Actor, &Origin),
) -> Result<bool, Outage> {
    lock(tx, id).await?;
    if change(tx, id).await?.is_none_or(|row| row.expires_at <= now) {
        return Ok(false);
    }
    end(tx, id).await?;
    close_links(tx, now, id).await?;
    let entry = Entry {
        actor,
        action: STOPPED,
        object: Some(("account", id.0)),
        outcome: "done",
        detail: json!({}),
    };
    audit::record(tx, now, origin, entry).await?;
    Ok(true)
}
