//! For whoever settles by hand whose a row is: who has to do with what it names, and whom the insurer notified for somebody.

use super::{Known, NumberKey, Numbers, Resolved, choose, known, named, of_month};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::sql_types::{Array, Integer, Uuid};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use std::collections::{BTreeSet, HashMap};

/// Somebody who has a number that a row names, or had it, or whose 個人ID it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// Who.
    pub person: PersonId,
    /// Whether what is named is theirs now: by 枝番 and 生年月日, too, as far as the row gives them.
    pub has_it_now: bool,
}

/// Who has to do with what these name, of each in any order; [`super::RESOLVED_AT_ONCE`] at most.
pub async fn bearers(tx: &TenantTransaction, keys: &[NumberKey]) -> Result<Vec<Vec<Bearer>>, DatabaseError> {
    let known = known(tx, keys).await?;
    let numbers = Numbers::of(tx, keys.iter().filter_map(given)).await?;
    let of = |key: &NumberKey| {
        let by_number = numbers.holders(given(key)).iter().map(|holder| Bearer {
            person: holder.person_id,
            has_it_now: holder.until.is_none()
                && holder.has_branch(&key.branch_key)
                && key.birth_date.is_none_or(|day| day == holder.birth_date),
        });
        let by_id = named(key, &known).person.map(|person| Bearer {
            person,
            has_it_now: true,
        });
        by_number.chain(by_id).collect()
    };
    Ok(keys.iter().map(of).collect())
}

fn given(key: &NumberKey) -> Option<(&str, &str)> {
    let given = (key.symbol_key.as_str(), key.number_key.as_str());
    Some(given).filter(|(_, number)| !number.is_empty())
}

/// Whom the insurer notified for these people in a month, in the order asked, by the number that each had then; whoever has none
/// any more is unknown. [`super::RESOLVED_AT_ONCE`] at most.
pub async fn resolve_as(
    tx: &TenantTransaction,
    asked: &[(PersonId, NaiveDate)],
) -> Result<Vec<Resolved>, DatabaseError> {
    let people: BTreeSet<PersonId> = asked.iter().map(|(person, _)| *person).collect();
    let query = diesel::sql_query(NUMBERS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Uuid>, _>(people.into_iter().collect::<Vec<PersonId>>());
    let rows: Vec<Known> = Prepared(query).load(&mut &**tx).await?;
    let mut theirs = HashMap::<PersonId, Vec<Known>>::new();
    for row in rows {
        theirs.entry(row.person_id).or_default().push(row);
    }
    let number = |(person, month): &(PersonId, NaiveDate)| {
        let theirs = theirs.get(person).map_or(&[][..], Vec::as_slice);
        of_month(theirs, *month).map(Known::number)
    };
    let numbers = Numbers::of(tx, asked.iter().filter_map(number)).await?;
    let resolved = |asked: &(PersonId, NaiveDate)| {
        let (person, month) = *asked;
        let key = NumberKey {
            symbol_key: String::new(),
            number_key: String::new(),
            branch_key: String::new(),
            personal_id: String::new(),
            birth_date: None,
            month,
        };
        choose(&key, Some(person), numbers.holders(number(asked)))
    };
    Ok(asked.iter().map(resolved).collect())
}

/// As those of a 個人ID, in the order of time.
const NUMBERS: &str = "\
SELECT '' AS personal_id, k.person_id, k.symbol_key, k.number_key, k.until
FROM unnest($2::uuid[]) AS a (person_id)
CROSS JOIN LATERAL (
    SELECT n.person_id, n.symbol_key, n.number_key, n.ended_on AS until, n.import_id
    FROM person_numbers n WHERE n.tenant_id = $1 AND n.person_id = a.person_id
    UNION ALL
    SELECT p.person_id, p.symbol_key, p.number_key, NULL, NULL
    FROM persons p WHERE p.tenant_id = $1 AND p.person_id = a.person_id AND p.emptied_at IS NULL
    OFFSET 0
) AS k
ORDER BY k.person_id, k.import_id NULLS LAST";
