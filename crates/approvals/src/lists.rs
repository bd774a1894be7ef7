//! Wishes as pages list and show them.

use crate::{
    Action, Approvals, Difference, Eye,
    eyes::{Able, words},
    rows::{PURPOSE, Row, approvals},
};
use access::MEMBERS_PROTECT;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    dsl::{count_star, min, sql},
    prelude::*,
    sql_types::{Bool, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{ApprovalId, Outage, PersonId, TenantId};
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

/// The condition that a wish can be answered by whoever has these permissions: by that of its action, or by all whose holders'
/// eyes it takes away.
macro_rules! answered_by {
    ($permissions:expr) => {{
        let held: Vec<&str> = $permissions.iter().map(|one| one.0).collect();
        let takes_all = approvals::also
            .ne(Vec::<String>::new())
            .and(approvals::also.is_contained_by(held));
        approvals::action.eq_any(words($permissions)).or(takes_all)
    }};
}

/// The condition that somebody may know of the person whose values a wish shows: of a protected one few may.
macro_rules! may_know {
    ($tx:expr, $eye:expr) => {
        $eye.holds.contains(&MEMBERS_PROTECT).into_sql::<Bool>().or(sql::<Bool>(
            "NOT EXISTS (SELECT FROM protections x WHERE x.tenant_id = ",
        )
        .bind::<Integer, _>($tx.tenant())
        .sql(" AND x.person_id = approvals.person_id AND x.lifted_at IS NULL OFFSET 0)"))
    };
}

/// One, for those who may know of the person whose values it shows, if it shows any.
pub(crate) async fn known(tx: &TenantTransaction, eye: Eye<'_>, id: ApprovalId) -> Result<Option<Row>, DatabaseError> {
    Ok(approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::approval_id.eq(id))
        .filter(may_know!(tx, eye))
        .select(Row::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// True where nobody may know of this person but whoever may protect.
pub(crate) async fn is_protected(tx: &TenantTransaction, person: PersonId) -> Result<bool, DatabaseError> {
    let query = diesel::sql_query(PROTECTED)
        .bind::<Integer, _>(tx.tenant())
        .bind::<diesel::sql_types::Uuid, _>(person);
    let found: Protected = query.get_result(&mut &**tx).await?;
    Ok(found.is_protected)
}

#[derive(QueryableByName)]
struct Protected {
    #[diesel(sql_type = Bool)]
    is_protected: bool,
}

const PROTECTED: &str = "\
SELECT EXISTS (SELECT FROM protections x
    WHERE x.tenant_id = $1 AND x.person_id = $2 AND x.lifted_at IS NULL) AS is_protected";

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
                .filter(answered_by!(eye.agrees))
                .load(&mut &**tx)
                .await?
        }
        List::Decided => {
            of_all
                .filter(approvals::state.ne("waiting").or(approvals::ends_at.le(now)))
                .filter(approvals::asked_by.ne(me))
                .filter(answered_by!(eye.holds))
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
    let waiting = approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::state.eq("waiting"))
        .filter(approvals::ends_at.gt(now))
        .filter(approvals::asked_by.ne(eye.staff_id))
        .filter(approvals::beneficiary_id.is_distinct_from(eye.staff_id))
        .filter(answered_by!(eye.agrees))
        .filter(may_know!(tx, eye))
        .select((count_star(), min(approvals::asked_at)));
    let (wishes, since): (i64, Option<DateTime<Utc>>) = Prepared(waiting).get_result(&mut &**tx).await?;
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

/// The wishes of an action and kind that wait, the oldest first, at most so many of them.
pub async fn of_kind(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    (action, kind): (Action, &str),
    limit: i64,
) -> Result<Vec<Row>, DatabaseError> {
    Ok(approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::state.eq("waiting"))
        .filter(approvals::ends_at.gt(now))
        .filter(approvals::action.eq(action.as_str()))
        .filter(approvals::kind.eq(kind))
        .order(approvals::approval_id.asc())
        .limit(limit)
        .select(Row::as_select())
        .load(&mut &**tx)
        .await?)
}

/// What a wish may be about: an action, and of what.
pub type About = (Action, Uuid);

/// The wishes about these that wait, the oldest first, for whoever may know of the person whose values each shows.
pub async fn about(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    eye: Eye<'_>,
    about: &[About],
) -> Result<Vec<Row>, DatabaseError> {
    let actions: Vec<&str> = about.iter().map(|(action, _)| action.as_str()).collect();
    let subjects: Vec<Uuid> = about.iter().map(|(_, subject)| *subject).collect();
    Ok(approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::state.eq("waiting"))
        .filter(approvals::ends_at.gt(now))
        .filter(approvals::action.eq_any(actions))
        .filter(approvals::subject_id.eq_any(subjects))
        .filter(may_know!(tx, eye))
        .order(approvals::approval_id.asc())
        .select(Row::as_select())
        .load(&mut &**tx)
        .await?)
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
        self.row.is_own(eye.staff_id)
    }

    /// True where this one has held for long enough what agrees to it.
    pub fn is_agreed_to_by(&self, eye: Eye<'_>) -> bool {
        self.row.is_answered_by(eye.agrees)
    }
}

impl Approvals {
    /// What a wish is about, in the words by which lists tell it from others of its action. Only for whoever may see it.
    pub fn subject(&self, tenant: TenantId, row: &Row) -> Result<String, Outage> {
        let first = row.content(&self.keys, tenant)?.difference.into_iter().next();
        let words = first.map(|(label, _, after)| match row.action() {
            Some(Action::SwitchOff) => label,
            _ => after,
        });
        Ok(words.unwrap_or_default())
    }

    /// True where somebody is there who can agree to it now.
    pub async fn can_be_agreed_to(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        shown: &Shown,
    ) -> Result<bool, DatabaseError> {
        Ok(self
            .others(tx, now, &shown.row)
            .await?
            .iter()
            .any(|one| one.agrees_at(now)))
    }

    /// Who agrees to a wish, now or later, but for those who never do.
    pub(crate) async fn others(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        row: &Row,
    ) -> Result<Vec<Able>, DatabaseError> {
        let mut able = self.able(tx, now, row.ways(), row.person_id).await?;
        able.retain(|one| !row.is_own(one.staff_id));
        Ok(able)
    }

    /// One, for those who see it: who asked, and whoever may do the same.
    pub async fn one(&self, tx: &TenantTransaction, eye: Eye<'_>, id: ApprovalId) -> Result<Option<Shown>, Outage> {
        let Some(row) = known(tx, eye, id).await? else {
            return Ok(None);
        };
        let Some(action) = row.action().filter(|_| eye.sees(&row)) else {
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
