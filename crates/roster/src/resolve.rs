//! Whom numbers of a month mean, and whom the insurer notifies for them. Numbers change, are given anew and outlive marriages:
//! what was treated in a month is theirs who had the number then. Where that is not sure it is nobody's.

mod numbers;
#[cfg(test)]
mod tests;
mod told;

pub use told::{Bearer, bearers, resolve_as};

use chrono::{Months, NaiveDate};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, BigInt, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, Relation};
use numbers::{Number, Numbers};
use std::collections::{BTreeSet, HashMap};

/// Keys that are resolved at a time, at most.
pub const RESOLVED_AT_ONCE: usize = 5_000;

/// By what a row of a file names somebody; '' is not given. Numbers by their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberKey {
    /// 記号.
    pub symbol_key: String,
    /// 番号.
    pub number_key: String,
    /// 枝番.
    pub branch_key: String,
    /// 個人ID, which goes before the number.
    pub personal_id: String,
    /// 生年月日.
    pub birth_date: Option<NaiveDate>,
    /// The month's first day.
    pub month: NaiveDate,
}

/// Whom it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// One person.
    One {
        /// Who.
        person: PersonId,
        /// Whom the insurer notified for them in that month.
        principal: PersonId,
    },
    /// Nobody, or nobody who is notified for them.
    Unknown,
    /// More than one, or more than one who may be notified.
    Several,
}

/// Whom these mean, in the order asked; [`RESOLVED_AT_ONCE`] at most.
pub async fn resolve(tx: &TenantTransaction, keys: &[NumberKey]) -> Result<Vec<Resolved>, DatabaseError> {
    Numbers::default().resolve(tx, keys).await
}

/// [`resolve`] for a file of many keys, which names most numbers again and again: whose they are is kept while the roster stands
/// where it stood.
#[derive(Debug, Default)]
pub struct Resolver {
    numbers: Numbers,
    /// Where the roster's journal stood when they were read; none before the first import.
    position: Option<i64>,
}

impl Resolver {
    /// Whom these mean, in the order asked; [`RESOLVED_AT_ONCE`] at most.
    pub async fn resolve(
        &mut self,
        tx: &TenantTransaction,
        keys: &[NumberKey],
    ) -> Result<Vec<Resolved>, DatabaseError> {
        // Asked for first: of an import that ends now, what is read below may be newer than this says, never older.
        let position = position(tx).await?;
        if position != self.position {
            *self = Self {
                numbers: Numbers::default(),
                position,
            };
        }
        self.numbers.resolve(tx, keys).await
    }
}

impl Numbers {
    async fn resolve(&mut self, tx: &TenantTransaction, keys: &[NumberKey]) -> Result<Vec<Resolved>, DatabaseError> {
        let known = known(tx, keys).await?;
        let named: Vec<Named<'_>> = keys.iter().map(|key| named(key, &known)).collect();
        self.add(tx, named.iter().filter_map(|named| named.number)).await?;
        let resolved = keys.iter().zip(named);
        Ok(resolved
            .map(|(key, named)| choose(key, named.person, self.holders(named.number)))
            .collect())
    }
}

async fn position(tx: &TenantTransaction) -> Result<Option<i64>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Head {
        #[diesel(sql_type = BigInt)]
        position: i64,
    }
    let head = diesel::sql_query(POSITION).bind::<Integer, _>(tx.tenant());
    let head: Option<Head> = Prepared(head).get_result(&mut &**tx).await.optional()?;
    Ok(head.map(|head| head.position))
}

/// By what a key is looked up.
#[derive(Clone, Copy)]
struct Named<'a> {
    number: Option<Number<'a>>,
    /// Whose 個人ID it has.
    person: Option<PersonId>,
}

/// Whoever has a 個人ID that the roster knows is looked up by a number of their own: the one they are named by, if it ever was
/// theirs, else the one of the month.
fn named<'a>(key: &'a NumberKey, known: &'a HashMap<String, Vec<Known>>) -> Named<'a> {
    let given = (key.symbol_key.as_str(), key.number_key.as_str());
    let Some(theirs) = known.get(&key.personal_id) else {
        let number = Some(given).filter(|(_, number)| !number.is_empty());
        return Named { number, person: None };
    };
    let of_month = of_month(theirs, key.month);
    let number = theirs.iter().map(Known::number).find(|number| *number == given);
    Named {
        number: number.or_else(|| of_month.map(Known::number)),
        person: of_month.map(|known| known.person_id),
    }
}

/// Which of somebody's numbers, in the order of time and the present one last, counted in a month.
fn of_month(theirs: &[Known], month: NaiveDate) -> Option<&Known> {
    theirs
        .iter()
        .find(|known| known.until.is_none_or(|until| until > month))
}

/// Who is meant, of those who ever had the number.
fn choose(key: &NumberKey, person: Option<PersonId>, holders: &[Holder]) -> Resolved {
    let is_meant = |holder: &&Holder| match person {
        Some(person) => holder.person_id == person,
        None => holder.has_branch(&key.branch_key),
    };
    let is_born = |holder: &&Holder| key.birth_date.is_none_or(|day| day == holder.birth_date);
    // A number alone may have been given to somebody else since, whom the roster need not know yet.
    let is_told = person.is_some() || key.birth_date.is_some();
    let is_theirs = |holder: &&Holder| is_told || holder.is_covered(key.month) && !holder.had_left(key.month);
    let meant: Vec<&Holder> = holders
        .iter()
        .filter(is_meant)
        .filter(is_born)
        .filter(is_theirs)
        .collect();
    let notified = only(&meant, key.month).and_then(|found| {
        // The number's only one may still be another than a newborn whom nothing else names.
        if !is_told && !found.is_named(&key.branch_key) {
            return Err(Resolved::Unknown);
        }
        let principal = principal(found, key.month, holders)?;
        Ok((found.person_id, principal.person_id))
    });
    match notified {
        Ok((person, principal)) => Resolved::One { person, principal },
        Err(unsure) => unsure,
    }
}

/// Whom the insurer notified for somebody in a month: of the insured who had the number while they had it. What people are to the
/// insured one is known of their present number alone: who has left a number since and is insured now may have been a dependant
/// then, and gives way to who stayed.
fn principal<'a>(person: &'a Holder, month: NaiveDate, holders: &'a [Holder]) -> Result<&'a Holder, Resolved> {
    // Of a number whose insured one was a dependant before nobody knows who was notified until then.
    if holders.iter().any(|holder| holder.became_insured_after(month)) {
        return Err(Resolved::Several);
    }
    let is_other = |holder: &&Holder| {
        holder.was_insured()
            // Nor was it whoever came and became the insured one since.
            && holder.changed_on.is_none_or(|day| day <= month)
            && holder.person_id != person.person_id
            && overlap(holder.time(), person.time())
            // Who left the number before the month did not leave whoever went along.
            && (holder.had_left(month) || !person.had_left(month))
    };
    let others: Vec<&Holder> = holders.iter().filter(is_other).collect();
    let then: Vec<&Holder> = others.iter().copied().filter(|holder| holder.had_it(month)).collect();
    let is_alone = person.until.is_none() || !person.had_it(month) || then.is_empty();
    if person.is_insured() && is_alone {
        return Ok(person);
    }
    let stayed: Vec<&Holder> = then.into_iter().filter(|holder| holder.until.is_none()).collect();
    if !stayed.is_empty() && (person.is_insured() || only(&others, month).is_err()) {
        return only(&stayed, month);
    }
    // Of two who left with their branches and are insured now nobody knows which one was notified then.
    if person.was_insured() {
        return Err(Resolved::Several);
    }
    only(&others, month)
}

/// The only one of them, or the only one who had the number and was covered in the month.
fn only<'a>(holders: &[&'a Holder], month: NaiveDate) -> Result<&'a Holder, Resolved> {
    let one = |holders: &[&'a Holder]| {
        let first = *holders.first().ok_or(Resolved::Unknown)?;
        let is_alone = holders.iter().all(|holder| holder.person_id == first.person_id);
        if is_alone { Ok(first) } else { Err(Resolved::Several) }
    };
    one(holders).or_else(|unsure| {
        let then: Vec<&Holder> = holders.iter().copied().filter(|holder| holder.had_it(month)).collect();
        if then.is_empty() { Err(unsure) } else { one(&then) }
    })
}

/// Somebody who has a number, or had it, with what they are to the insured one of their present number.
#[derive(Debug, Clone)]
struct Holder {
    person_id: PersonId,
    branch_key: Box<str>,
    birth_date: NaiveDate,
    relation: Relation,
    acquired_on: Option<NaiveDate>,
    lost_on: Option<NaiveDate>,
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
    keeps_branch: bool,
    changed_on: Option<NaiveDate>,
}

impl Holder {
    /// True where neither says another.
    fn has_branch(&self, branch_key: &str) -> bool {
        branch_key.is_empty() || self.branch_key.is_empty() || branch_key == &*self.branch_key
    }

    /// True where both say the same.
    fn is_named(&self, branch_key: &str) -> bool {
        !branch_key.is_empty() && branch_key == &*self.branch_key
    }

    /// True of whoever had the number in a month and was told to be its insured one since.
    fn became_insured_after(&self, month: NaiveDate) -> bool {
        self.is_insured() && self.had_it(month) && self.changed_on.is_some_and(|day| day > month)
    }

    /// True for the insured one of their present number.
    fn is_insured(&self) -> bool {
        self.relation == Relation::Principal
    }

    /// True for whom this number was theirs as the insured one. A whole number that moves keeps its branches; whoever parts, is
    /// insured by work or becomes a dependant gets another one.
    fn was_insured(&self) -> bool {
        self.is_insured() && self.keeps_branch
    }

    /// True where they had another number before the month began.
    fn had_left(&self, month: NaiveDate) -> bool {
        self.until.is_some_and(|until| until <= month)
    }

    /// True where they were covered on a day of the month.
    fn is_covered(&self, month: NaiveDate) -> bool {
        let from = self.acquired_on.unwrap_or(NaiveDate::MIN);
        overlap((from, self.lost_on.unwrap_or(NaiveDate::MAX)), whole(month))
    }

    /// True where the number was theirs on a day of the month, while they were covered.
    fn had_it(&self, month: NaiveDate) -> bool {
        overlap(self.time(), whole(month))
    }

    /// From when until before when the number was theirs, while they were covered.
    fn time(&self) -> (NaiveDate, NaiveDate) {
        let from = self.since.max(self.acquired_on);
        let until = [self.until, self.lost_on].into_iter().flatten().min();
        (from.unwrap_or(NaiveDate::MIN), until.unwrap_or(NaiveDate::MAX))
    }
}

/// Its first day, and the next one's.
fn whole(month: NaiveDate) -> (NaiveDate, NaiveDate) {
    let next = month.checked_add_months(Months::new(1));
    (month, next.unwrap_or(NaiveDate::MAX))
}

/// True where two times, each up to the day before its second, have a day in common.
fn overlap(one: (NaiveDate, NaiveDate), other: (NaiveDate, NaiveDate)) -> bool {
    one.0.max(other.0) < one.1.min(other.1)
}

/// A number of somebody with a 個人ID.
#[derive(Debug, Clone, QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    personal_id: String,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    symbol_key: String,
    #[diesel(sql_type = Text)]
    number_key: String,
    #[diesel(sql_type = Nullable<Date>)]
    until: Option<NaiveDate>,
}

impl Known {
    fn number(&self) -> Number<'_> {
        (&self.symbol_key, &self.number_key)
    }
}

/// Whose the 個人ID are, with all of their numbers in the order of time.
async fn known(tx: &TenantTransaction, keys: &[NumberKey]) -> Result<HashMap<String, Vec<Known>>, DatabaseError> {
    let mut known = HashMap::<String, Vec<Known>>::new();
    let ids: BTreeSet<&str> = keys
        .iter()
        .map(|key| key.personal_id.as_str())
        .filter(|id| !id.is_empty())
        .collect();
    if ids.is_empty() {
        return Ok(known);
    }
    let query = diesel::sql_query(KNOWN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Text>, _>(ids.into_iter().collect::<Vec<&str>>());
    let rows: Vec<Known> = Prepared(query).load(&mut &**tx).await?;
    for row in rows {
        known.entry(row.personal_id.clone()).or_default().push(row);
    }
    Ok(known)
}

const POSITION: &str = "SELECT position FROM roster_heads WHERE tenant_id = $1";

const KNOWN: &str = "\
SELECT a.personal_id, k.person_id, k.symbol_key, k.number_key, k.until
FROM unnest($2::text[]) AS a (personal_id)
CROSS JOIN LATERAL (
    SELECT p.person_id, n.symbol_key, n.number_key, n.ended_on AS until, n.import_id
    FROM persons p JOIN person_numbers n ON n.person_id = p.person_id
    WHERE p.tenant_id = $1 AND n.tenant_id = $1 AND p.personal_id = a.personal_id AND p.personal_id <> ''
      AND p.emptied_at IS NULL
    UNION ALL
    SELECT p.person_id, p.symbol_key, p.number_key, NULL, NULL
    FROM persons p
    WHERE p.tenant_id = $1 AND p.personal_id = a.personal_id AND p.personal_id <> '' AND p.emptied_at IS NULL
    OFFSET 0
) AS k
ORDER BY k.person_id, k.import_id NULLS LAST";
