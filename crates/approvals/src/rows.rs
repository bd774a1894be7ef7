//! The rows of wishes.

use crate::{
    Action, Difference,
    eyes::{agreeing, ways},
};
use access::Permission;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ApprovalId, Keys, Outage, OutageKind, PersonId, StaffId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What wishes are sealed for.
pub(crate) const PURPOSE: &str = "approval";

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 2] = [sealed("sealed"), sealed("word")];

const fn sealed(column: &'static str) -> Keyed {
    Keyed {
        table: "approvals",
        column,
        kind: Kind::Sealed {
            owner: "approval_id",
            purpose: PURPOSE,
        },
    }
}

mod schema {
    diesel::table! {
        approvals (tenant_id, approval_id) {
            tenant_id -> Integer,
            approval_id -> Uuid,
            action -> Text,
            kind -> Text,
            subject_id -> Uuid,
            person_id -> Nullable<Uuid>,
            beneficiary_id -> Nullable<Uuid>,
            also -> Array<Text>,
            sealed -> Binary,
            state -> Text,
            asked_by -> Uuid,
            asked_at -> Timestamptz,
            ends_at -> Timestamptz,
            decided_by -> Nullable<Uuid>,
            decided_at -> Nullable<Timestamptz>,
            word -> Nullable<Binary>,
        }
    }
}
pub(crate) use schema::approvals;

/// How a wish stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// For another's agreement.
    Waiting,
    /// Agreed to: the file waits for who asked.
    Agreed,
    /// Agreed to and done.
    Done,
    /// Declined.
    Declined,
    /// Taken back by who asked.
    Withdrawn,
    /// Nobody decided in time, what was shown has changed, or the file was not taken in time.
    Lapsed,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Agreed => "agreed",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A wish as it stands in its row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = approvals)]
pub struct Row {
    /// Which.
    pub approval_id: ApprovalId,
    pub(crate) action: String,
    pub(crate) kind: String,
    pub(crate) subject_id: Uuid,
    /// Whose values of the roster it shows.
    pub person_id: Option<PersonId>,
    pub(crate) beneficiary_id: Option<StaffId>,
    also: Vec<String>,
    pub(crate) sealed: Vec<u8>,
    state: String,
    /// Who asked.
    pub asked_by: StaffId,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Until when it waits: for an answer, or agreed to for who asked for a file.
    pub ends_at: DateTime<Utc>,
    /// Who answered.
    pub decided_by: Option<StaffId>,
    /// When it was answered.
    pub decided_at: Option<DateTime<Utc>>,
    pub(crate) word: Option<Vec<u8>>,
}

impl Row {
    /// What is wished.
    pub fn action(&self) -> Option<Action> {
        Action::read(&self.action)
    }

    /// True of this one of several things of its action.
    pub fn is_of_kind(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// By what somebody agrees to it.
    pub(crate) fn ways(&self) -> impl Iterator<Item = BTreeSet<Permission>> {
        let known = agreeing().into_iter();
        let mut also: BTreeSet<Permission> = known.filter(|one| self.also.iter().any(|word| word == one.0)).collect();
        if also.len() < self.also.len() {
            // What this release doesn't know nobody holds here: without it the rest would be too little.
            also.clear();
        }
        self.action().into_iter().flat_map(move |action| ways(action, &also))
    }

    /// True where whoever has these permissions may answer it.
    pub(crate) fn is_answered_by(&self, permissions: &BTreeSet<Permission>) -> bool {
        self.ways().any(|way| way.is_subset(permissions))
    }

    /// True where this one never agrees to it, whatever they hold: it is theirs, or they gain by it.
    pub(crate) fn is_own(&self, id: StaffId) -> bool {
        self.asked_by == id || self.beneficiary_id == Some(id)
    }

    /// How it stands at `now`: what was not swept yet has lapsed all the same.
    pub fn state(&self, now: DateTime<Utc>) -> State {
        match self.state.as_str() {
            "waiting" if now < self.ends_at => State::Waiting,
            "agreed" if now < self.ends_at => State::Agreed,
            "done" => State::Done,
            "declined" => State::Declined,
            "withdrawn" => State::Withdrawn,
            _ => State::Lapsed,
        }
    }

    pub(crate) fn content(&self, keys: &Keys, tenant: TenantId) -> Result<Content, Outage> {
        let plain = keys.open(PURPOSE, self.approval_id.of(tenant), &self.sealed)?;
        serde_json::from_slice(&plain).map_err(fault)
    }
}

/// What of a wish is sealed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) parameters: Value,
    pub(crate) difference: Difference,
}

impl Content {
    pub(crate) fn close(&self, keys: &Keys, tenant: TenantId, id: ApprovalId) -> Result<Vec<u8>, Outage> {
        let plain = serde_json::to_vec(self).map_err(fault)?;
        Ok(keys.seal(PURPOSE, id.of(tenant), &plain))
    }
}

pub(crate) fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Outage {
    Outage::new(OutageKind::Fault, error)
}

/// One, kept from others' changes until the transaction ends: of two who answer at the same time the second finds it
/// answered.
pub(crate) async fn locked(tx: &TenantTransaction, id: ApprovalId) -> Result<Option<Row>, DatabaseError> {
    Ok(approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::approval_id.eq(id))
        .select(Row::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// What becomes of a wish.
pub(crate) struct Change {
    pub(crate) state: State,
    pub(crate) by: Option<StaffId>,
    pub(crate) word: Option<Vec<u8>>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
}

impl Change {
    pub(crate) fn to(state: State, by: Option<StaffId>) -> Self {
        Self {
            state,
            by,
            word: None,
            ends_at: None,
        }
    }
}

pub(crate) async fn set(
    tx: &TenantTransaction,
    id: ApprovalId,
    change: Change,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    diesel::update(approvals::table)
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::approval_id.eq(id))
        .set((
            approvals::state.eq(change.state.as_str()),
            approvals::decided_by.eq(change.by),
            approvals::decided_at.eq(now),
            change.word.map(|word| approvals::word.eq(word)),
            change.ends_at.map(|at| approvals::ends_at.eq(at)),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// Forgets the wishes about people whom the house forgets.
pub async fn forget(tx: &mut TenantTransaction, people: &[PersonId]) -> Result<(), DatabaseError> {
    for person in people {
        diesel::delete(approvals::table)
            .filter(approvals::tenant_id.eq(tx.tenant()))
            .filter(approvals::person_id.eq(person))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
