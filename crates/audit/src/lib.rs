//! The audit trail: who did what to whom, when, from where. Rows are only ever added; the service may not change one,
//! and only the owner deletes those that have served their time.
//!
//! Details hold codes, counts and ids, never a name, number, birth date, address of mail, code, token or password.

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantDatabase, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, AuditId, RequestId};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::OnceLock,
};
use uuid::Uuid;

mod about;
mod looks;
pub mod proof;
pub mod read;

pub use about::{Line, about};
pub use looks::{Look, look, record_showing, sweep};

mod table {
    diesel::table! {
        audit_subjects (tenant_id, subject_id, audit_id) {
            tenant_id -> Integer,
            subject_id -> Uuid,
            audit_id -> Uuid,
        }
    }
    diesel::table! {
        audit_events (tenant_id, audit_id) {
            tenant_id -> Integer,
            audit_id -> Uuid,
            at -> Timestamptz,
            actor_kind -> Text,
            actor_id -> Nullable<Uuid>,
            action -> Text,
            outcome -> Text,
            object_kind -> Nullable<Text>,
            object_id -> Nullable<Uuid>,
            channel -> Text,
            address -> Nullable<Text>,
            request_id -> Nullable<Uuid>,
            detail -> Jsonb,
        }
    }
}
use table::{audit_events, audit_subjects};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody not logged in.
    Visitor,
    /// A member, by account.
    Member(AccountId),
    /// An insurer's staff.
    Staff(Uuid),
    /// The platform's support in an insurer: one of tenant 0's staff, by a grant.
    Support {
        /// Who.
        operator: Uuid,
        /// Which grant; every line names it.
        grant: Uuid,
    },
    /// The platform's operator at the command line.
    Operator,
    /// One of the platform's staff, in the console: as an insurer's trail names them.
    Platform(Uuid),
    /// A program of another system.
    Client(Uuid),
    /// Madoguchi itself.
    System,
}

impl Actor {
    fn columns(self) -> (&'static str, Option<Uuid>) {
        match self {
            Self::Visitor => ("visitor", None),
            Self::Member(id) => ("member", Some(id.0)),
            Self::Staff(id) => ("staff", Some(id)),
            Self::Support { operator, .. } => ("support", Some(operator)),
            Self::Operator => ("operator", None),
            Self::Platform(id) => ("operator", Some(id)),
            Self::Client(id) => ("client", Some(id)),
            Self::System => ("system", None),
        }
    }
}

/// Through which door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The members' pages.
    Portal,
    /// The staff's pages.
    Console,
    /// The API.
    Api,
    /// The command line.
    Command,
    /// Work in the background.
    Worker,
}

impl Channel {
    /// The word in the trail and the ledger of consents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Console => "console",
            Self::Api => "api",
            Self::Command => "command",
            Self::Worker => "worker",
        }
    }
}

/// From where: the client's address (behind trusted proxies), the request, the door.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The client's address, where there is one.
    pub address: Option<IpAddr>,
    /// The request's id, as in the log and the answer.
    pub request_id: Option<RequestId>,
    /// The door.
    pub channel: Channel,
}

impl Origin {
    /// What throttles count as one place: the IPv4 address, or the /64 of an IPv6 address, which is what one household
    /// or office is given. Empty where there is none.
    pub fn network(&self) -> String {
        match self.address {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            Some(IpAddr::V4(address)) => address.to_string(),
            None => String::new(),
        }
    }

    /// The origin of background work.
    pub fn worker() -> Self {
        Self {
            address: None,
            request_id: None,
            channel: Channel::Worker,
        }
    }

    /// The origin of a command.
    pub fn command() -> Self {
        Self {
            address: None,
            request_id: None,
            channel: Channel::Command,
        }
    }
}

/// One line of the trail.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who.
    pub actor: Actor,
    /// What, as `noun.verb` (`session.open`).
    pub action: &'static str,
    /// To whom or what: a kind and an id.
    pub object: Option<(&'static str, Uuid)>,
    /// How it ended: `done`, or the refusal's code.
    pub outcome: &'static str,
    /// Codes, counts and ids that explain it.
    pub detail: Value,
}

/// The operator, as the machine knows who runs this command; behind sudo, who asked for it.
pub fn operator() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let id = nix::unistd::getuid();
        let user = nix::unistd::User::from_uid(id).ok().flatten();
        let name = user.map_or_else(|| id.to_string(), |user| user.name);
        let asked = std::env::var("SUDO_USER").ok().filter(|_| id.is_root());
        asked.map_or(name.clone(), |asked| format!("{asked} as {name}"))
    })
}

/// Adds a line, in the transaction of what it tells. An operator's says who it was, support's by which grant.
pub async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    entry: Entry,
) -> Result<(), DatabaseError> {
    add(tx, now, origin, entry).await?;
    Ok(())
}

/// [`record`], and the line's id.
async fn add(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    mut entry: Entry,
) -> Result<AuditId, DatabaseError> {
    match (entry.actor, &mut entry.detail) {
        (Actor::Operator, Value::Object(detail)) => {
            detail.insert("by".into(), operator().into());
        }
        (Actor::Support { grant, .. }, Value::Object(detail)) => {
            detail.insert("grant".into(), grant.to_string().into());
        }
        _ => {}
    }
    let (actor_kind, actor_id) = entry.actor.columns();
    let id = AuditId::new(now);
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::tenant_id.eq(tx.tenant()),
            audit_events::audit_id.eq(id),
            audit_events::at.eq(now),
            audit_events::actor_kind.eq(actor_kind),
            audit_events::actor_id.eq(actor_id),
            audit_events::action.eq(entry.action),
            audit_events::outcome.eq(entry.outcome),
            audit_events::object_kind.eq(entry.object.map(|(kind, _)| kind)),
            audit_events::object_id.eq(entry.object.map(|(_, id)| id)),
            audit_events::channel.eq(origin.channel.as_str()),
            audit_events::address.eq(origin.address.map(|address| address.to_string())),
            audit_events::request_id.eq(origin.request_id),
            audit_events::detail.eq(entry.detail),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(id)
}

/// A line of what an operator did at the command line.
pub async fn record_command(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    action: &'static str,
    object: Option<(&'static str, Uuid)>,
    detail: Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: Actor::Operator,
        action,
        object,
        outcome: "done",
        detail,
    };
    record(tx, now, &Origin::command(), entry).await
}

/// Deletes what is older than `before`, whole segments, the oldest first, with whom their lines show; gives how many lines.
/// What is old enough is sealed first. The service may not: for the owner, who runs it on schedule.
pub async fn forget(owner: &TenantDatabase, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    while proof::seal(owner, now).await?.is_some() {}
    let mut deleted = 0;
    while let Some(lines) = proof::prune(owner, before).await? {
        deleted += lines;
    }
    Ok(deleted)
}

/// Deletes the lines before an id with whom they show. By range: a list of ids reads the whole insurer.
async fn delete_before(tx: &mut TenantTransaction, id: Uuid) -> Result<usize, DatabaseError> {
    let shown = audit_subjects::table
        .filter(audit_subjects::tenant_id.eq(tx.tenant()))
        .filter(audit_subjects::audit_id.lt(id));
    diesel::delete(shown).execute(&mut **tx).await?;
    let lines = audit_events::table
        .filter(audit_events::tenant_id.eq(tx.tenant()))
        .filter(audit_events::audit_id.lt(id));
    Ok(diesel::delete(lines).execute(&mut **tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_what_one_household_is_given() {
        let network = |address: &str| {
            Origin {
                address: Some(address.parse().unwrap()),
                ..Origin::command()
            }
            .network()
        };
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(Origin::command().network(), "");
    }
}
