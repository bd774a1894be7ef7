//! People of the roster as an insurer's programs see and change them: what they set are facts by hand, held against the files
//! that come, and what is refused at the desk is refused here.
//!
//! Whoever changes a person says which state of them they know, and no other is changed. Every answer that holds a person is a
//! look, in the trail before it is given.

use crate::{Members, facts::Typed, reasons::BIRTH_DATE_BY_TWO};
use approvals::{Action, is_under_four_eyes};
use audit::Look;
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{Outcome, PersonId, calendar, outcome};
use roster::{
    Person, Sight,
    by_hand::{Base, By, reasons::CHANGED_MEANWHILE, reasons::NOTHING_CHANGED},
    facts,
    listed::{After, Filter, Listed, listed, numbered, page},
    search::NumberKeys,
};

/// People of one number that are answered at most: a family, and those who had it before.
const OF_NUMBER: u32 = 50;

/// Who asks, and whom they may see.
#[derive(Debug, Clone)]
pub(crate) struct Asker<'a> {
    pub by: By<'a>,
    pub sight: Sight,
}

/// Whether somebody is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Asked for this day.
    pub day: NaiveDate,
    pub is_covered: bool,
    /// 資格取得日.
    pub since: Option<NaiveDate>,
    /// The last day: the one before 資格喪失日.
    pub until: Option<NaiveDate>,
}

impl Coverage {
    /// That of a person at a time.
    pub(crate) fn at(now: DateTime<Utc>, person: &Person) -> Self {
        Self::on(calendar::today_in_japan(now), person.acquired_on, person.lost_on)
    }

    fn on(day: NaiveDate, acquired_on: Option<NaiveDate>, lost_on: Option<NaiveDate>) -> Self {
        Self {
            day,
            is_covered: acquired_on.is_none_or(|first| first <= day) && lost_on.is_none_or(|lost| day < lost),
            since: acquired_on,
            until: lost_on.and_then(|lost| lost.pred_opt()),
        }
    }
}

/// Names a state of a person's facts.
pub(crate) fn etag(person: &Listed) -> String {
    tag(&person.facts.rest.updated_at.timestamp_micros().to_string())
}

fn tag(seen: &str) -> String {
    format!("\"{seen}\"")
}

/// One person.
pub(crate) async fn one(
    tx: &TenantTransaction,
    asker: &Asker<'_>,
    id: PersonId,
) -> Result<Outcome<Listed>, DatabaseError> {
    let Some(person) = listed(tx, &asker.sight, id).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    look(tx, asker, Look::person("member", &id.0)).await?;
    Ok(Outcome::Done(person))
}

/// Those of a number, as it is read in one round trip with whatever begins the transaction.
pub(crate) async fn of_number(
    tx: &TenantTransaction,
    sight: &Sight,
    number: &NumberKeys,
) -> Result<Vec<Listed>, DatabaseError> {
    numbered(tx, sight, number, OF_NUMBER).await
}

/// The look at those of a number; at a person, where it is one's.
pub(crate) async fn look_at(tx: &TenantTransaction, asker: &Asker<'_>, people: &[Listed]) -> Result<(), DatabaseError> {
    let subjects = subjects(people);
    let seen = match subjects.as_slice() {
        [one] => Look::person("member", one),
        subjects => Look::list("members", vec!["number"], subjects),
    };
    look(tx, asker, seen).await
}

/// A page of everybody, or of those who fulfil the conditions, and whether there are more.
pub(crate) async fn list(
    tx: &TenantTransaction,
    asker: &Asker<'_>,
    filter: &Filter,
    after: After,
    limit: u32,
) -> Result<(Vec<Listed>, bool), DatabaseError> {
    let mut people = page(tx, &asker.sight, filter, after, limit + 1).await?;
    let more = people.len() > limit as usize;
    people.truncate(limit as usize);
    let set = [
        ("changed_since", matches!(after, After::Change(..))),
        ("workplace", filter.workplace.is_some()),
        ("registered", filter.registered.is_some()),
    ];
    let filters = set.into_iter().filter_map(|(name, set)| set.then_some(name)).collect();
    let subjects = subjects(&people);
    look(tx, asker, Look::list("members", filters, &subjects)).await?;
    Ok((people, more))
}

/// How a person is covered today.
pub(crate) async fn coverage(
    tx: &TenantTransaction,
    asker: &Asker<'_>,
    id: PersonId,
) -> Result<Outcome<Coverage>, DatabaseError> {
    let Some(facts) = facts(tx, &asker.sight, id).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    look(tx, asker, Look::person("coverage", &id.0)).await?;
    Ok(Outcome::Done(Coverage::at(asker.by.now, &facts.person)))
}

impl Members {
    /// Adds somebody.
    pub(crate) async fn add(
        &self,
        tx: &mut TenantTransaction,
        asker: &Asker<'_>,
        typed: Typed<'_>,
    ) -> Result<Outcome<Listed>, DatabaseError> {
        let insurer = tenancy::insurer_of(tx).await?;
        let base = Base::new(asker.sight.clone());
        let draft = match base.draft(&insurer, (asker.by.now, self.kept), typed.iter().copied()) {
            Ok(draft) => draft,
            Err(refusal) => return Ok(refusal.into()),
        };
        match draft.write(tx, &self.keys, asker.by, "").await? {
            Outcome::Done(id) => one(tx, asker, id).await,
            Outcome::Refused(refusal) => Ok(refusal.into()),
        }
    }

    /// Puts the facts of a person as a whole, where they are `known` to whoever does. Who is all that already stays as they are.
    pub(crate) async fn replace(
        &self,
        tx: &mut TenantTransaction,
        asker: &Asker<'_>,
        (id, known): (PersonId, impl Fn(&str) -> bool),
        typed: Typed<'_>,
    ) -> Result<Outcome<Listed>, DatabaseError> {
        match self.mend(tx, asker, (id, known), typed).await? {
            Outcome::Done(()) => one(tx, asker, id).await,
            Outcome::Refused(refusal) => Ok(refusal.into()),
        }
    }

    /// Says from which day on a person is not covered, where they are `known` to whoever does.
    pub(crate) async fn end_coverage(
        &self,
        tx: &mut TenantTransaction,
        asker: &Asker<'_>,
        (id, known): (PersonId, impl Fn(&str) -> bool),
        lost_on: NaiveDate,
    ) -> Result<Outcome<Listed>, DatabaseError> {
        let typed = [("lost_on", &*lost_on.to_string())];
        self.replace(tx, asker, (id, known), &typed).await
    }

    /// Of two at the same instant the later one is judged by what the earlier one made of the person.
    async fn mend(
        &self,
        tx: &mut TenantTransaction,
        asker: &Asker<'_>,
        (id, known): (PersonId, impl Fn(&str) -> bool),
        typed: Typed<'_>,
    ) -> Result<Outcome<()>, DatabaseError> {
        match self.mend_seen(tx, asker, (id, &known), typed).await? {
            Outcome::Refused(refusal) if refusal.is(CHANGED_MEANWHILE) => {
                // Whoever else writes by hand waits by now.
                self.mend_seen(tx, asker, (id, &known), typed).await
            }
            mended => Ok(mended),
        }
    }

    /// The same as long as nobody else changes the person since they were read.
    async fn mend_seen(
        &self,
        tx: &mut TenantTransaction,
        asker: &Asker<'_>,
        (id, known): (PersonId, impl Fn(&str) -> bool),
        typed: Typed<'_>,
    ) -> Result<Outcome<()>, DatabaseError> {
        let Some(base) = Base::of(tx, asker.sight.clone(), id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let seen = base.seen.clone();
        if !known(&tag(&seen)) {
            return Ok(outcome::CONDITION_FAILED.into());
        }
        let insurer = tenancy::insurer_of(tx).await?;
        let draft = match base.draft(&insurer, (asker.by.now, self.kept), typed.iter().copied()) {
            Ok(draft) => draft,
            Err(refusal) if refusal.is(NOTHING_CHANGED) => return Ok(Outcome::Done(())),
            Err(refusal) => return Ok(refusal.into()),
        };
        if draft.mends_birth_date() && is_under_four_eyes(&insurer, Action::BirthDate) {
            return Ok(BIRTH_DATE_BY_TWO.into());
        }
        let written = draft.write(tx, &self.keys, asker.by, &seen).await?;
        Ok(written.map(|_| ()))
    }
}

fn subjects(people: &[Listed]) -> Vec<uuid::Uuid> {
    people.iter().map(|one| one.facts.person.person_id.0).collect()
}

async fn look(tx: &TenantTransaction, asker: &Asker<'_>, look: Look<'_>) -> Result<(), DatabaseError> {
    audit::look(tx, asker.by.now, asker.by.origin, asker.by.actor, look).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_from_its_first_day_to_the_one_before_the_loss() {
        let day = |day: &str| day.parse::<NaiveDate>().unwrap();
        for (acquired, lost, today, is_covered) in [
            (None, None, "2026-11-22", true),
            (Some("2026-11-22"), None, "2026-11-21", false),
            (Some("2026-11-22"), None, "2026-11-22", true),
            (None, Some("2026-11-22"), "2026-11-21", true),
            (None, Some("2026-11-22"), "2026-11-22", false),
            // Covered and lost on one day: never covered.
            (Some("2026-11-22"), Some("2026-11-22"), "2026-11-22", false),
        ] {
            let coverage = Coverage::on(day(today), acquired.map(day), lost.map(day));
            assert_eq!(coverage.is_covered, is_covered, "{acquired:?} {lost:?} on {today}");
        }
    }
}
