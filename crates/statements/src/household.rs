//! 受診者: whom somebody can choose between on their statements. Who is on the list says nothing about whose rows there are.

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{PersonId, Relation, calendar};
use roster::{Person, Sight};
use std::collections::BTreeSet;

/// Somebody on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOf {
    /// Who.
    pub person: PersonId,
    /// As they are called.
    pub name: String,
    /// True of whoever chooses.
    pub is_self: bool,
    /// True of whom the roster lists; false of those who are named for their rows alone, and are no choice.
    pub is_listed: bool,
}

/// The people of a principal's own number as the roster lists them, whether or not a row of theirs may be seen; of anybody else
/// themselves. Behind them whoever of `seen`, people of rows that may be seen, is not among these: former dependants, and people
/// whose guardian they are. A statement of the household where they are the principal, and one of names where there is
/// anybody to be named.
pub async fn household(
    tx: &TenantTransaction,
    me: &Person,
    now: DateTime<Utc>,
    seen: &[PersonId],
) -> Result<Vec<OneOf>, DatabaseError> {
    let one_of = |person: &Person, is_listed: bool| OneOf {
        person: person.person_id,
        name: person.called(),
        is_self: person.person_id == me.person_id,
        is_listed,
    };
    let mut list: Vec<OneOf> = Vec::new();
    if me.relation == Relation::Principal {
        // After the loss, as it was on the last day.
        let today = calendar::today_in_japan(now);
        let day = me.lost_on.and_then(|lost_on| lost_on.pred_opt());
        let day = day.map_or(today, |last| last.min(today));
        let people = roster::household(tx, &Sight::ALL, me.person_id, day).await?;
        list.extend(people.iter().map(|person| one_of(person, true)));
    }
    if list.iter().all(|one| !one.is_self) {
        list.insert(0, one_of(me, true));
    }
    let unnamed: BTreeSet<PersonId> = seen
        .iter()
        .copied()
        .filter(|person| list.iter().all(|one| one.person != *person))
        .collect();
    if !unnamed.is_empty() {
        let unnamed: Vec<PersonId> = unnamed.into_iter().collect();
        let people = roster::people(tx, &unnamed).await?;
        list.extend(people.iter().map(|person| one_of(person, false)));
    }
    Ok(list)
}
