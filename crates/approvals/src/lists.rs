//! Wishes as pages list and show them.

use crate::{
    Action, Approvals, Difference, Eye,
    eyes::words,
    rows::{PURPOSE, Row, approvals},
};
use access::MEMBERS_PROTECT;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    dsl::{count_star, min, sql},
    prelude::*,
    sql_types::{Bool, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{ApprovalId, Outage};
use serde_json::Value;
use std::collections::HashSet;
use uuid::Uuid;

/// Which wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Others', which wait for somebody's agreement.
    Waiting,
    /// One's own.
    Asked,
    /// Others' that wait no longer.
    Decided,
}

/// The condition that somebody may know of the person whose values a wish shows: of a protected one few may.
macro_rules! may_know {
    ($tx:expr, $eye:expr) => {
        $eye.holds.contains(&MEMBERS_PROTECT).into_sql::<Bool>().or(sql::<Bool>(
            "NOT EXISTS (SELECT FROM protections x WHERE x.tenant_id = ",
        )
        .bind::<Integer, _>($tx.tenant())
        .sql(" AND x.person_id = approvals.person_id AND x.lifted_at IS NULL)"))
    };
}

/// True where somebody may know of the person whose values this wish shows, if it shows any.
pub(crate) async fn may_know(tx: &TenantTransaction, eye: Eye<'_>, id: ApprovalId) -> Result<bool, DatabaseError> {
    let found: Option<ApprovalId> = approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::approval_id.eq(id))
        .filter(may_know!(tx, eye))
        .select(approvals::approval_id)
        .first(&mut &**tx)
        .await
        .optional()?;
    Ok(found.is_some())
}

/// Some of them, the latest first, after one of them.
pub async fn list(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    eye: Eye<'_>,
    list: List,
    after: Option<ApprovalId>,
    limit: i64,
) -> Result<Vec<Row>, DatabaseError> {
    let of_all = approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::approval_id.lt(after.unwrap_or(ApprovalId(Uuid::max()))))
        .filter(may_know!(tx, eye))
        .order(approvals::approval_id.desc())
        .limit(limit)
        .select(Row::as_select());
    let me = eye.staff_id;
    Ok(match list {
        List::Asked => of_all.filter(approvals::asked_by.eq(me)).load(&mut &**tx).await?,
        List::Waiting => {
            of_all
                .filter(approvals::state.eq("waiting"))
                .filter(approvals::ends_at.gt(now))
                .filter(approvals::asked_by.ne(me))
                .filter(approvals::beneficiary_id.is_distinct_from(me))
                .filter(approvals::action.eq_any(words(eye.agrees)))
                .load(&mut &**tx)
                .await?
        }
        List::Decided => {
            of_all
                .filter(approvals::state.ne("waiting").or(approvals::ends_at.le(now)))
                .filter(approvals::asked_by.ne(me))
                .filter(approvals::action.eq_any(words(eye.holds)))
                .load(&mut &**tx)
                .await?
        }
    })
}

/// How many wishes wait for somebody's agreement, and since when the oldest does.
pub async fn waiting(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    eye: Eye<'_>,
) -> Result<Option<(i64, DateTime<Utc>)>, DatabaseError> {
    let (wishes, since): (i64, Option<DateTime<Utc>>) = approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::state.eq("waiting"))
        .filter(approvals::ends_at.gt(now))
        .filter(approvals::asked_by.ne(eye.staff_id))
        .filter(approvals::beneficiary_id.is_distinct_from(eye.staff_id))
        .filter(approvals::action.eq_any(words(eye.agrees)))
        .filter(may_know!(tx, eye))
        .select((count_star(), min(approvals::asked_at)))
        .first(&mut &**tx)
        .await?;
    Ok(since.map(|since| (wishes, since)))
}

/// What the wishes of an action that wait are about, at most so many of them.
pub async fn subjects_waiting(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    action: Action,
    limit: i64,
) -> Result<HashSet<Uuid>, DatabaseError> {
    let subjects: Vec<Uuid> = approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::state.eq("waiting"))
        .filter(approvals::ends_at.gt(now))
        .filter(approvals::action.eq(action.as_str()))
        .select(approvals::subject_id)
        .limit(limit)
        .load(&mut &**tx)
        .await?;
    Ok(subjects.into_iter().collect())
}

/// A wish with what it shows.
#[derive(Debug)]
pub struct Shown {
    /// Its row.
    pub row: Row,
    /// What is wished.
    pub action: Action,
    /// What changes.
    pub difference: Difference,
    /// By what it is done; a file is taken by it.
    pub parameters: Value,
    /// Why it was declined.
    pub word: Option<String>,
}

impl Shown {
    /// True where this one never agrees to it, whatever they hold: it is theirs, or they gain by it.
    pub fn is_own(&self, eye: Eye<'_>) -> bool {
        self.row.asked_by == eye.staff_id || self.row.beneficiary_id == Some(eye.staff_id)
    }
}

impl Approvals {
    /// True where somebody is there who can agree to it now.
    pub async fn can_be_agreed_to(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        shown: &Shown,
    ) -> Result<bool, DatabaseError> {
        let never = [Some(shown.row.asked_by), shown.row.beneficiary_id];
        let able = self.able(tx, now, shown.action).await?;
        Ok(able
            .iter()
            .any(|one| one.is_active && !never.contains(&Some(one.staff_id))))
    }

    /// One, for those who see it: who asked, and whoever may do the same.
    pub async fn one(&self, tx: &TenantTransaction, eye: Eye<'_>, id: ApprovalId) -> Result<Option<Shown>, Outage> {
        let found: Option<Row> = approvals::table
            .filter(approvals::tenant_id.eq(tx.tenant()))
            .filter(approvals::approval_id.eq(id))
            .filter(may_know!(tx, eye))
            .select(Row::as_select())
            .first(&mut &**tx)
            .await
            .optional()?;
        let Some(row) = found else { return Ok(None) };
        let Some(action) = row.action().filter(|action| eye.sees(*action, row.asked_by)) else {
            return Ok(None);
        };
        let content = row.content(&self.keys, tx.tenant())?;
        let word = match &row.word {
            Some(word) => Some(self.keys.open(PURPOSE, id.of(tx.tenant()), word)?),
            None => None,
        };
        Ok(Some(Shown {
            action,
            difference: content.difference,
            parameters: content.parameters,
            word: word.map(|word| String::from_utf8_lossy(&word).into_owned()),
            row,
        }))
    }
}
