//! Whom numbers of a month mean, and whom the insurer notifies for them. Numbers change, are given anew and outlive marriages:
//! what was treated in a month is theirs who had the number then. Where that is not sure it is nobody's.

#[cfg(test)]
mod tests;
mod told;

pub use told::{Bearer, bearers, resolve_as};

use crate::person::relation;
use chrono::{DateTime, Months, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, Relation, calendar};
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

/// Whom these mean, in the order asked; [`RESOLVED_AT_ONCE`] at most. One statement, and one more where any has a 個人ID.
pub async fn resolve(tx: &TenantTransaction, keys: &[NumberKey]) -> Result<Vec<Resolved>, DatabaseError> {
    let known = known(tx, keys).await?;
    let named: Vec<Named<'_>> = keys.iter().map(|key| named(key, &known)).collect();
    let numbers = Numbers::read(tx, named.iter().filter_map(|named| named.number)).await?;
    let resolved = keys.iter().zip(named);
    Ok(resolved
        .map(|(key, named)| choose(key, named.person, numbers.holders(named.number)))
        .collect())
}

/// Numbers with whoever has them, or had them.
struct Numbers<'a> {
    /// In order.
    numbers: Vec<Number<'a>>,
    /// Of each.
    holders: Vec<Vec<Holder>>,
}

impl<'a> Numbers<'a> {
    async fn read(tx: &TenantTransaction, numbers: impl Iterator<Item = Number<'a>>) -> Result<Self, DatabaseError> {
        let numbers: BTreeSet<Number<'a>> = numbers.collect();
        let numbers: Vec<Number<'a>> = numbers.into_iter().collect();
        let holders = holders(tx, &numbers).await?;
        Ok(Self { numbers, holders })
    }

    fn holders(&self, number: Option<Number<'_>>) -> &[Holder] {
        let place = number.and_then(|number| self.numbers.binary_search(&number).ok());
        place
            .and_then(|place| self.holders.get(place))
            .map_or(&[][..], Vec::as_slice)
    }
}

/// 記号 and 番号.
type Number<'a> = (&'a str, &'a str);

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

/// Somebody who has a number, or had it.
#[derive(Debug, Clone, QueryableByName)]
struct Row {
    /// Which of the numbers asked.
    #[diesel(sql_type = Integer)]
    nth: i32,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    branch_key: String,
    #[diesel(sql_type = Date)]
    birth_date: NaiveDate,
    #[diesel(sql_type = Nullable<Text>)]
    relation: Option<String>,
    #[diesel(sql_type = Text)]
    relationship: String,
    #[diesel(sql_type = Nullable<Date>)]
    acquired_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    lost_on: Option<NaiveDate>,
    /// The first day on which it counted; none where they had no other before.
    #[diesel(sql_type = Nullable<Date>)]
    since: Option<NaiveDate>,
    /// The first day on which it counted no more; none while they have it.
    #[diesel(sql_type = Nullable<Date>)]
    until: Option<NaiveDate>,
    /// Whether their branch is the same under their present number.
    #[diesel(sql_type = Bool)]
    keeps_branch: bool,
    /// When it was last told that they are something else to the insured one, under the number that they had.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    changed_at: Option<DateTime<Utc>>,
}

/// The same, with what they are to the insured one of their present number.
#[derive(Debug, Clone)]
struct Holder {
    person_id: PersonId,
    branch_key: String,
    birth_date: NaiveDate,
    relation: Relation,
    acquired_on: Option<NaiveDate>,
    lost_on: Option<NaiveDate>,
    since: Option<NaiveDate>,
    until: Option<NaiveDate>,
    keeps_branch: bool,
    changed_on: Option<NaiveDate>,
}

impl From<Row> for Holder {
    fn from(row: Row) -> Self {
        Self {
            person_id: row.person_id,
            branch_key: row.branch_key,
            birth_date: row.birth_date,
            relation: relation(row.relation.as_deref(), &row.relationship),
            acquired_on: row.acquired_on,
            lost_on: row.lost_on,
            since: row.since,
            until: row.until,
            keeps_branch: row.keeps_branch,
            changed_on: row.changed_at.map(|at| calendar::in_japan(at).date_naive()),
        }
    }
}

impl Holder {
    /// True where neither says another.
    fn has_branch(&self, branch_key: &str) -> bool {
        branch_key.is_empty() || self.branch_key.is_empty() || branch_key == self.branch_key
    }

    /// True where both say the same.
    fn is_named(&self, branch_key: &str) -> bool {
        !branch_key.is_empty() && branch_key == self.branch_key
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

async fn holders(tx: &TenantTransaction, numbers: &[Number<'_>]) -> Result<Vec<Vec<Holder>>, DatabaseError> {
    let mut holders = vec![Vec::new(); numbers.len()];
    if numbers.is_empty() {
        return Ok(holders);
    }
    let (symbols, texts): (Vec<&str>, Vec<&str>) = numbers.iter().copied().unzip();
    let query = diesel::sql_query(HOLDERS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Integer>, _>((0..).take(numbers.len()).collect::<Vec<i32>>())
        .bind::<Array<Text>, _>(symbols)
        .bind::<Array<Text>, _>(texts);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    for row in rows {
        let place = usize::try_from(row.nth).ok().and_then(|nth| holders.get_mut(nth));
        if let Some(place) = place {
            place.push(Holder::from(row));
        }
    }
    // Who has a number comes before who had it: it may be the same. A handful here, twenty thousand rows there.
    for of_number in &mut holders {
        of_number.sort_by_key(|holder| (holder.until, holder.person_id));
    }
    Ok(holders)
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

/// Each number counted from the day on which the one before was left. One number after the other, each by an index: how many there are PostgreSQL doesn't know when it plans. In a society all are
/// insured, so there another word for what somebody is may mean another 組合員. Whoever moves to another workplace is acquired anew:
/// of a number left behind it is known only that it was theirs since the roster has had them, or longer.
const HOLDERS: &str = "\
SELECT a.nth, h.person_id, h.branch_key, h.birth_date, h.relation, h.relationship, h.acquired_on, h.lost_on, h.since, h.until,
    h.keeps_branch,
    CASE WHEN h.insured THEN (
        SELECT max(c.at) FROM roster_changes c
        WHERE c.tenant_id = $1 AND c.person_id = h.person_id AND c.kind <> 'new' AND NOT c.fields && '{symbol,number}'
          AND ('insured' = ANY (c.fields) OR 'relationship' = ANY (c.fields) AND EXISTS (
              SELECT FROM persons q
              WHERE q.tenant_id = $1 AND q.symbol_key = h.symbol_key AND q.number_key = h.number_key
                AND q.person_id <> h.person_id AND q.insured))
    ) END AS changed_at
FROM unnest($2::int[], $3::text[], $4::text[]) AS a (nth, symbol_key, number_key)
CROSS JOIN LATERAL (
    SELECT p.person_id, p.branch_key, p.birth_date, p.relation, p.relationship, p.acquired_on, p.lost_on,
        (SELECT max(b.ended_on) FROM person_numbers b WHERE b.tenant_id = $1 AND b.person_id = p.person_id) AS since,
        NULL::date AS until, true AS keeps_branch, p.insured, p.symbol_key, p.number_key
    FROM persons p
    WHERE p.tenant_id = $1 AND p.symbol_key = a.symbol_key AND p.number_key = a.number_key AND p.emptied_at IS NULL
    UNION ALL
    SELECT p.person_id, n.branch_key, p.birth_date, p.relation, p.relationship,
        CASE WHEN p.acquired_on IS NOT NULL THEN least(p.acquired_on, p.created_at::date) END, p.lost_on,
        (SELECT max(b.ended_on) FROM person_numbers b
         WHERE b.tenant_id = $1 AND b.person_id = n.person_id AND b.import_id < n.import_id),
        n.ended_on, n.branch_key = p.branch_key, p.insured, p.symbol_key, p.number_key
    FROM person_numbers n JOIN persons p ON p.person_id = n.person_id
    WHERE n.tenant_id = $1 AND p.tenant_id = $1 AND n.symbol_key = a.symbol_key AND n.number_key = a.number_key
      AND p.emptied_at IS NULL
    OFFSET 0
) AS h";

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
