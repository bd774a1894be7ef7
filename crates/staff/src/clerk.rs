//! Entering the console with a session: who the clerk is and what they may do now. One short transaction, in one round trip
//! where this node has seen the session before: it asks for the rows of whom it then was, and throws them away where they
//! turn out to be another's.

use crate::{
    Staff, reasons,
    schema::{staff, staff_roles, support_grants},
};
use access::{Permission, Reach, Role};
use approvals::{Asker, Eye, LEAST_HELD};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{
    FutureExt as _,
    future::{OptionFuture, try_join, try_join3},
};
use guard::sessions::{self, Carrier, Session, SubjectKind};
use kernel::{GrantId, Outage, Outcome, StaffId, TenantId, TenantSecret};
use moka::future::Cache;
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use tenancy::Insurer;
use uuid::Uuid;

/// The purpose of the hashes by which a node remembers sessions.
const SEEN: &str = "seen-console-session";
/// How long a second factor counts as just proven.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// How far a log-in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The password is proven, a second factor not: nothing but that proof, or setting one up, is open.
    Pending,
    /// Inside.
    Full,
}

/// Somebody who works for an insurer and is logged in.
#[derive(Debug, Clone)]
pub struct Clerk {
    /// Who.
    pub staff_id: StaffId,
    /// 氏名.
    pub name: String,
    /// Their address, by which they log in.
    pub email: String,
    /// The session they came with.
    pub session: Session,
    /// Whom they work for.
    pub insurer: Arc<Insurer>,
    /// How far the log-in has come.
    pub stage: Stage,
    /// Their roles.
    pub roles: BTreeSet<Role>,
    /// What these allow.
    pub permissions: BTreeSet<Permission>,
    /// Over whom it reaches.
    pub reach: Reach,
    /// What of it they have held long enough to agree to others' wishes by.
    pub agrees: BTreeSet<Permission>,
    /// 前回ログイン.
    pub previous_log_in_at: Option<DateTime<Utc>>,
    /// The grant by which they are here, where they are the platform's support.
    pub support: Option<Support>,
}

/// The grant that a session of support lives by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Which.
    pub grant: GrantId,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
}

impl Clerk {
    /// True where they may do it.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// True where they have proven a second factor within ten minutes.
    pub fn has_just_proven(&self, now: DateTime<Utc>) -> bool {
        self.session.proved_at.is_some_and(|at| now - at < FRESH)
    }

    /// How the trail names them.
    pub fn actor(&self) -> Actor {
        actor(&self.session)
    }

    /// As they look at wishes. Whoever's reach is bounded sees none but their own.
    pub fn eye(&self) -> Eye<'_> {
        static NOTHING: BTreeSet<Permission> = BTreeSet::new();
        Eye {
            tenant: self.insurer.tenant_id,
            staff_id: self.staff_id,
            holds: if self.reach == Reach::All {
                &self.permissions
            } else {
                &NOTHING
            },
            agrees: &self.agrees,
        }
    }

    /// As they ask for another's agreement.
    pub fn asker<'a>(&self, origin: &'a Origin) -> Asker<'a> {
        Asker {
            staff_id: self.staff_id,
            actor: self.actor(),
            origin,
        }
    }
}

impl Staff {
    /// Who a session of the console is.
    pub async fn enter(&self, session: &TenantSecret) -> Result<Outcome<Clerk>, Outage> {
        let Some(insurer) = self.directory.by_tenant(session.tenant).await? else {
            return Ok(reasons::CONSOLE_SESSION_ENDED.into());
        };
        let now = self.clock.now();
        let key = session.secret.hash(&self.keys, SEEN);
        let seen = self.seen.get(&key).await;
        let (tx, (opened, guess)) = self
            .database
            .tenant(session.tenant)
            .read_with(|tx| {
                let guess = OptionFuture::from(seen.map(|ids| rows(tx, ids))).map(Option::transpose);
                let load = sessions::load(tx, &self.keys, now, Carrier::Console, &session.secret);
                try_join(load, guess).scope_boxed()
            })
            .await?;
        let Some(opened) = opened else {
            return Ok(reasons::CONSOLE_SESSION_ENDED.into());
        };
        let ids = Ids::of(&opened);
        let found = if let Some(found) = guess.filter(|_| seen == Some(ids)) {
            found
        } else {
            self.seen.insert(key, ids).await;
            rows(&tx, ids).await?
        };
        drop(tx);
        if opened.subject_kind == SubjectKind::Support && !self.stands_behind(session.tenant, &opened).await? {
            return Ok(reasons::CONSOLE_SESSION_ENDED.into());
        }
        Ok(self.admit(insurer, opened, found, now))
    }

    fn admit(&self, insurer: Arc<Insurer>, session: Session, found: Rows, now: DateTime<Utc>) -> Outcome<Clerk> {
        let Rows { row, roles, grant } = found;
        let support = grant.filter(|grant| grant.is_on(now)).and_then(|grant| grant.support());
        let is_support = session.subject_kind == SubjectKind::Support;
        let resumed_at = row.as_ref().and_then(|row| row.resumed_at);
        let (name, email, roles, previous_log_in_at) = match (row, &support) {
            (Some(row), _) if !is_support => {
                if row.suspended_at.is_some() {
                    return reasons::STAFF_SUSPENDED.into();
                }
                (row.name, row.email, roles, row.previous_log_in_at)
            }
            (_, Some(_)) if is_support => {
                let name = "運営サポート".to_owned();
                (name, String::new(), vec![RoleRow::all(Role::Support, now)], None)
            }
            _ => return reasons::CONSOLE_SESSION_ENDED.into(),
        };
        // An operator may mend a suspended insurer; its own staff may not come in.
        if !insurer.is_open() && !is_support && insurer.tenant_id != TenantId::PLATFORM {
            return reasons::CONSOLE_CLOSED.into();
        }
        if session.needs_touch(now) {
            sessions::touch_beside(&self.database, insurer.tenant_id, session.clone(), now);
        }
        // The platform's staff are operators, and nobody else is; support is by a grant alone.
        let is_platform = insurer.tenant_id == TenantId::PLATFORM;
        let held: BTreeSet<Role> = roles
            .iter()
            .filter_map(|row| Role::read(&row.role))
            .filter(|role| match role {
                Role::Operator => is_platform,
                Role::Support => is_support,
                _ => !is_platform,
            })
            .collect();
        let reach = reach(&roles);
        let is_long = |row: &RoleRow| Some(row.granted_at).max(resumed_at) <= Some(now - LEAST_HELD);
        let long: Vec<Role> = roles
            .iter()
            .filter(|row| reach == Reach::All && is_long(row))
            .filter_map(|row| Role::read(&row.role).filter(|role| held.contains(role)))
            .collect();
        Outcome::Done(Clerk {
            staff_id: StaffId(session.subject),
            name,
            email,
            insurer,
            stage: if session.proved_at.is_some() {
                Stage::Full
            } else {
                Stage::Pending
            },
            permissions: self.permissions(&held, &reach),
            roles: held,
            reach,
            agrees: self.policy.permissions(long),
            previous_log_in_at,
            support,
            session,
        })
    }

    /// What roles allow together to whoever reaches so far.
    fn permissions(&self, held: &BTreeSet<Role>, reach: &Reach) -> BTreeSet<Permission> {
        let mut permissions = self.policy.permissions(held.iter().copied());
        permissions.retain(|permission| *reach == Reach::All || !permission.is_over_all());
        permissions
    }

    /// Ends a session, whatever state it is in.
    pub async fn log_out(&self, origin: &Origin, session: &TenantSecret) -> Result<(), Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(session.tenant).write(Durability::Safe).await?;
        if let Some(opened) = sessions::load(&tx, &self.keys, now, Carrier::Console, &session.secret).await? {
            sessions::end(&mut tx, opened.subject, opened.id).await?;
            let entry = Entry {
                actor: actor(&opened),
                action: "session.end",
                object: Some(("session", opened.id.0)),
                outcome: "done",
                detail: json!({}),
            };
            audit::record(&tx, now, origin, entry).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// How the trail names a session's holder.
fn actor(session: &Session) -> Actor {
    match session.grant {
        Some(grant) => Actor::Support {
            operator: session.subject,
            grant,
        },
        None => Actor::Staff(session.subject),
    }
}

/// Whose rows a session needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    subject: Uuid,
    grant: Option<Uuid>,
}

impl Ids {
    fn of(session: &Session) -> Self {
        Self {
            subject: session.subject,
            grant: session.grant,
        }
    }
}

/// The sessions that this node has seen of late, by a hash of their secret that is stored nowhere.
pub(crate) fn seen_sessions() -> Cache<Vec<u8>, Ids> {
    Cache::builder()
        .max_capacity(10_000)
        .time_to_idle(std::time::Duration::from_mins(30))
        .build()
}

/// What is read of whoever comes in.
struct Rows {
    row: Option<StaffRow>,
    roles: Vec<RoleRow>,
    grant: Option<GrantRow>,
}

async fn rows(tx: &TenantTransaction, ids: Ids) -> Result<Rows, DatabaseError> {
    let id = StaffId(ids.subject);
    let grant = OptionFuture::from(ids.grant.map(|grant| self::grant(tx, GrantId(grant))));
    let grant = grant.map(|found| found.transpose().map(Option::flatten));
    let (row, roles, grant) = try_join3(row(tx, id), roles(tx, id), grant).await?;
    Ok(Rows { row, roles, grant })
}

/// What pages read of somebody who works here.
#[derive(Queryable, Selectable)]
#[diesel(table_name = staff)]
pub(crate) struct StaffRow {
    pub name: String,
    pub email: String,
    pub previous_log_in_at: Option<DateTime<Utc>>,
    pub suspended_at: Option<DateTime<Utc>>,
    pub resumed_at: Option<DateTime<Utc>>,
}

async fn row(tx: &TenantTransaction, id: StaffId) -> Result<Option<StaffRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff::table
        .filter(staff::tenant_id.eq(tenant))
        .filter(staff::staff_id.eq(id))
        .select(StaffRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// A role that somebody holds.
#[derive(Queryable, Selectable)]
#[diesel(table_name = staff_roles)]
pub(crate) struct RoleRow {
    pub role: String,
    pub symbols: Option<Vec<String>>,
    pub workplaces: Option<Vec<String>>,
    pub granted_at: DateTime<Utc>,
}

impl RoleRow {
    fn all(role: Role, granted_at: DateTime<Utc>) -> Self {
        Self {
            role: role.as_str().to_owned(),
            symbols: None,
            workplaces: None,
            granted_at,
        }
    }
}

/// One role that is bounded bounds them all: nobody sees more by being given more.
pub(crate) fn reach(roles: &[RoleRow]) -> Reach {
    let is_bounded =
        |row: &RoleRow| row.role == Role::Workplace.as_str() || row.symbols.is_some() || row.workplaces.is_some();
    if !roles.iter().any(is_bounded) {
        return Reach::All;
    }
    let texts = |texts: &Option<Vec<String>>| texts.iter().flatten().cloned().collect::<Vec<_>>();
    Reach::Workplaces {
        symbols: roles.iter().flat_map(|row| texts(&row.symbols)).collect(),
        codes: roles.iter().flat_map(|row| texts(&row.workplaces)).collect(),
    }
}

/// The roles of somebody.
pub(crate) async fn roles(tx: &TenantTransaction, id: StaffId) -> Result<Vec<RoleRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(staff_roles::table
        .filter(staff_roles::tenant_id.eq(tenant))
        .filter(staff_roles::staff_id.eq(id))
        .select(RoleRow::as_select())
        .load(&mut &**tx)
        .await?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = support_grants)]
struct GrantRow {
    grant_id: GrantId,
    ends_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl GrantRow {
    fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && self.ends_at.is_some_and(|at| now < at)
    }

    fn support(&self) -> Option<Support> {
        self.ends_at.map(|ends_at| Support {
            grant: self.grant_id,
            ends_at,
        })
    }
}

async fn grant(tx: &TenantTransaction, id: GrantId) -> Result<Option<GrantRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(support_grants::table
        .filter(support_grants::tenant_id.eq(tenant))
        .filter(support_grants::grant_id.eq(id))
        .select(GrantRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}
