//! Asking: a use case goes on, or leaves a wish waiting.

use crate::{
    Able, Action, Approvals, Difference,
    eyes::ways,
    lists::is_protected,
    messages::Event,
    reasons,
    rows::{self, Change, Content, Row, State, approvals},
};
use access::{MEMBERS_PROTECT, Permission};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::throttle::{self, Rule, Taken};
use kernel::{ApprovalId, Outage, Outcome, PersonId, StaffId};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};
use tenancy::{Insurer, insurer_of};
use uuid::Uuid;

/// What pages say once a wish waits.
pub const WAITS: &str = "ほかの職員の承認を待っています。承認されると行われ、結果をメールでお知らせします。";

/// How long a wish waits.
const WAIT: TimeDelta = TimeDelta::days(7);
/// So many wishes of one person's are told by mail within an hour: whoever asks and takes back again and again fills nobody's
/// mailbox. What is asked beyond waits untold, in the list to which the mails before it lead.
const TOLD: Rule<'static> = Rule::new("approval_asked", 10, Duration::from_hours(1), &[]);

/// Who asks, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who.
    pub staff_id: StaffId,
    /// How the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
}

/// What somebody wishes to do.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What.
    pub action: Action,
    /// Which of several things of one action, as its performer has it; empty where there is one.
    pub kind: &'static str,
    /// What it is about.
    pub subject: Uuid,
    /// Whose values of the roster it shows.
    pub person: Option<PersonId>,
    /// The colleague who gains by it.
    pub beneficiary: Option<Beneficiary>,
    /// By what somebody agrees no more once this is done. Whoever agrees by all of it may agree to this too, and counts. Empty
    /// where nobody's eyes are taken away.
    pub also: BTreeSet<Permission>,
    /// By what its performer does it.
    pub parameters: Value,
    /// What changes.
    pub difference: Difference,
}

/// A colleague who gains by a wish, and therefore never agrees to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beneficiary {
    /// Who.
    pub staff_id: StaffId,
    /// True where they lose by it too: they count, or one of two would take from the other whatever comes with a gift.
    pub loses: bool,
}

impl Wish {
    /// Whoever asks, and whoever gains, never agrees.
    fn is_own(&self, asks: StaffId, id: StaffId) -> bool {
        asks == id || self.beneficiary.is_some_and(|one| one.staff_id == id)
    }
}

/// What is to be done with what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is done, or to be done now: nobody else need agree, or somebody has.
    GoesOn,
    /// The wish waits; nothing else is done.
    Waits(ApprovalId),
}

impl Approvals {
    /// Whether a use case goes on, asked within its own transaction, which it commits either way.
    pub async fn ask(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        asker: Asker<'_>,
        wish: Wish,
    ) -> Result<Outcome<Asked>, Outage> {
        let insurer = insurer_of(tx).await?;
        let able = self.able(tx, now, ways(wish.action, &wish.also), wish.person).await?;
        let gains = wish.beneficiary.filter(|one| !one.loses).map(|one| one.staff_id);
        if !is_on(&insurer, wish.action, &able, Some(asker.staff_id), gains) {
            return Ok(Outcome::Done(Asked::GoesOn));
        }
        if matches!(asker.actor, Actor::Support { .. }) {
            return Ok(reasons::NOT_BY_SUPPORT.into());
        }
        let tenant = tx.tenant();
        let content = Content {
            parameters: wish.parameters.clone(),
            difference: wish.difference.clone(),
        };
        let id = ApprovalId::new(now);
        let mut own = standing(tx, &wish, asker.staff_id).await?;
        if let Some(row) = own.take_if(|row| row.state(now) == State::Lapsed) {
            rows::set(tx, row.approval_id, Change::to(State::Lapsed, None), now).await?;
        }
        if own.is_none() && is_one_at_a_time(wish.action) && anybodys(tx, now, &wish).await? {
            return Ok(reasons::COLLEAGUE_WAITS.into());
        }
        let others = able
            .iter()
            .filter(|one| !wish.is_own(asker.staff_id, one.staff_id) && one.agrees_at(now + WAIT));
        if own.is_none() && others.clone().next().is_none() {
            return Ok(reasons::NOBODY_ELSE.into());
        }
        if own.is_none() && !insert(tx, id, &wish, &asker, content.close(&self.keys, tenant, id)?, now).await? {
            // Of two at the same time this one came second.
            own = standing(tx, &wish, asker.staff_id).await?;
        }
        if let Some(row) = own {
            return match (row.content(&self.keys, tenant)? == content, row.state(now)) {
                (true, State::Agreed) => {
                    // A file goes once.
                    rows::set(tx, row.approval_id, Change::to(State::Done, row.decided_by), now).await?;
                    record(tx, now, &asker, ("approval.take", row.approval_id), wish.action).await?;
                    Ok(Outcome::Done(Asked::GoesOn))
                }
                (true, _) => Ok(Outcome::Done(Asked::Waits(row.approval_id))),
                (false, _) => Ok(reasons::ANOTHER_WAITS.into()),
            };
        }
        record(tx, now, &asker, ("approval.ask", id), wish.action).await?;
        let key = asker.staff_id.to_string();
        if throttle::take(tx, &self.keys, now, &TOLD, &key).await? == Taken::Free {
            for other in others {
                let to = (other.staff_id, other.email.as_str());
                self.mail(tx, &insurer, to, wish.action, Event::Asked, now).await?;
            }
        }
        Ok(Outcome::Done(Asked::Waits(id)))
    }

    /// Who may agree to what is agreed to by one of these ways, and shows the values of this person.
    pub(crate) async fn able(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        ways: impl Iterator<Item = BTreeSet<Permission>>,
        person: Option<PersonId>,
    ) -> Result<Vec<Able>, DatabaseError> {
        let mut able: BTreeMap<StaffId, Able> = BTreeMap::new();
        for way in ways {
            for one in self.holders(tx, now, &way).await? {
                let both = match able.remove(&one.staff_id) {
                    Some(known) => known.or(&one),
                    None => one,
                };
                able.insert(both.staff_id, both);
            }
        }
        if let Some(person) = person
            && is_protected(tx, person).await?
        {
            let know = self.colleagues.able(tx, now, MEMBERS_PROTECT).await?;
            able.retain(|id, _| know.iter().any(|one| one.staff_id == *id));
        }
        Ok(able.into_values().collect())
    }

    /// Who holds all of these.
    async fn holders(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        permissions: &BTreeSet<Permission>,
    ) -> Result<Vec<Able>, DatabaseError> {
        let mut all: Option<Vec<Able>> = None;
        for permission in permissions {
            let some = self.colleagues.able(tx, now, *permission).await?;
            let both = |one: Able| {
                let other = some.iter().find(|other| other.staff_id == one.staff_id)?;
                Some(one.and(other))
            };
            all = Some(match all {
                Some(all) => all.into_iter().filter_map(both).collect(),
                None => some,
            });
        }
        Ok(all.unwrap_or_default())
    }
}

/// Whether an action is under four eyes: as the insurer says; of the usual ones, where it says nothing, wherever two can agree.
/// Whoever asks is one of them, though they be too new to agree to others' wishes: an administrator of yesterday does nothing
/// alone that one who has been there for a week agrees to. Where somebody gains by it who never agrees to it, there must be two
/// others.
pub(crate) fn is_on(
    insurer: &Insurer,
    action: Action,
    able: &[Able],
    asks: Option<StaffId>,
    gains: Option<StaffId>,
) -> bool {
    let counted = able.iter().filter(|one| one.counts).map(|one| one.staff_id);
    let eyes: HashSet<StaffId> = counted.chain(asks).collect();
    let two = eyes.iter().filter(|one| Some(**one) != gains).count() >= 2;
    insurer.approvals.said(action).unwrap_or(action.is_usual() && two)
}

/// Whether what a program wishes takes two of the staff: it is neither of them, and how many could agree makes no difference to
/// it.
pub fn is_under_four_eyes(insurer: &Insurer, action: Action) -> bool {
    insurer.approvals.said(action).unwrap_or(action.is_usual())
}

/// The wish of the same person about the same thing that has not come to its end.
async fn standing(tx: &TenantTransaction, wish: &Wish, asked_by: StaffId) -> Result<Option<Row>, DatabaseError> {
    Ok(approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::action.eq(wish.action.as_str()))
        .filter(approvals::kind.eq(wish.kind))
        .filter(approvals::subject_id.eq(wish.subject))
        .filter(approvals::asked_by.eq(asked_by))
        .filter(approvals::state.eq("waiting").or(approvals::state.eq("agreed")))
        .select(Row::as_select())
        .for_no_key_update()
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// True of what is asked about one thing once at a time, whoever asks: of two wishes one would lie there when the other is done
/// and, once that is undone, fit again. Whoever asks holds what it is about; but of an invitation, whose account is not there
/// yet: of two asked at the same instant the first that is agreed to ends the other.
pub(crate) fn is_one_at_a_time(action: Action) -> bool {
    matches!(
        action,
        Action::Proof | Action::ResetFactor | Action::Grant | Action::MemberMail
    )
}

/// True where anybody's wish about the same thing waits.
async fn anybodys(tx: &TenantTransaction, now: DateTime<Utc>, wish: &Wish) -> Result<bool, DatabaseError> {
    let waiting = approvals::table
        .filter(approvals::tenant_id.eq(tx.tenant()))
        .filter(approvals::action.eq(wish.action.as_str()))
        .filter(approvals::kind.eq(wish.kind))
        .filter(approvals::subject_id.eq(wish.subject))
        .filter(approvals::state.eq("waiting"))
        .filter(approvals::ends_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(waiting))
        .get_result(&mut &**tx)
        .await?)
}

/// False where the same person has a wish about the same thing already.
async fn insert(
    tx: &TenantTransaction,
    id: ApprovalId,
    wish: &Wish,
    asker: &Asker<'_>,
    sealed: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let inserted = diesel::insert_into(approvals::table)
        .values((
            approvals::tenant_id.eq(tx.tenant()),
            approvals::approval_id.eq(id),
            approvals::action.eq(wish.action.as_str()),
            approvals::kind.eq(wish.kind),
            approvals::subject_id.eq(wish.subject),
            approvals::person_id.eq(wish.person),
            approvals::beneficiary_id.eq(wish.beneficiary.map(|one| one.staff_id)),
            approvals::also.eq(wish.also.iter().map(|one| one.0).collect::<Vec<_>>()),
            approvals::sealed.eq(sealed),
            approvals::state.eq(State::Waiting.as_str()),
            approvals::asked_by.eq(asker.staff_id),
            approvals::asked_at.eq(now),
            approvals::ends_at.eq(now + WAIT),
        ))
        .on_conflict_do_nothing()
        .execute(&mut &**tx)
        .await?;
    Ok(inserted > 0)
}

/// A line of the trail: codes and ids, never what was shown.
pub(crate) async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    by: &Asker<'_>,
    (action, id): (&'static str, ApprovalId),
    wished: Action,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: by.actor,
        action,
        object: Some(("approval", id.0)),
        outcome: "done",
        detail: json!({ "action": wished.as_str() }),
    };
    audit::record(tx, now, by.origin, entry).await
}
