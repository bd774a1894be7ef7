//! Whom a typed identity means: strict before folded, one person or nobody (domain.md §4). It never says why nobody
//! was found; the caller has one answer for every mismatch.

use crate::{
    Person,
    person::{PersonRow, access_ended_with, person, persons},
    protection::protected_of,
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{dsl, pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;
use kernel::{BirthDate, EmployeeNumber, KanaName, Number, PersonId, Symbol, TenantId};
use tenancy::Insurer;

/// What a person types to be recognised (manual 1-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// 記号; empty where the insurer has none.
    pub symbol: Symbol,
    /// 番号.
    pub number: Number,
    /// 生年月日.
    pub birth_date: BirthDate,
    /// 氏名（カナ）.
    pub kana_name: KanaName,
    /// 社員番号, where the insurer asks for it.
    pub employee_number: Option<EmployeeNumber>,
}

/// Whom an identity means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once per sign-up and taken apart at once")]
pub enum Match {
    /// Exactly one person.
    One {
        /// The person.
        person: Person,
        /// How the name matched; logged.
        level: Level,
    },
    /// More than one person, as twins whose names fold alike: the neutral answer, and a task for staff.
    Several {
        /// Whom.
        people: Vec<PersonId>,
    },
    /// Nobody.
    None,
}

impl Match {
    fn people(&self) -> Vec<PersonId> {
        match self {
            Self::One { person, .. } => vec![person.person_id],
            Self::Several { people } => people.clone(),
            Self::None => vec![],
        }
    }
}

/// How a name matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The same kana, script and width aside.
    Strict,
    /// The same under the manual's rule: voicing, small kana and dashes set aside.
    Folded,
}

impl Level {
    /// The word for logs and the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Folded => "folded",
        }
    }
}

/// Looks for the one insured person of this insurer whom the identity means. Whoever has no access any more is no
/// candidate, dependants neither. Whoever may be a protected person is nobody: what others know of them opens nothing.
/// Two statements, whatever the answer.
pub async fn find(
    tx: &mut TenantTransaction,
    insurer: &Insurer,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<Match, DatabaseError> {
    let ended = access_ended_with(now, insurer.after_loss_days, false);
    find_among(tx, insurer, identity, ended).await
}

/// [`find`] among those, too, whose statements alone can still be read.
pub async fn find_former(
    tx: &mut TenantTransaction,
    insurer: &Insurer,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<Match, DatabaseError> {
    let ended = access_ended_with(now, insurer.after_loss_days, insurer.has_statements());
    find_among(tx, insurer, identity, ended).await
}

/// Among those who were lost after a day, if at all.
async fn find_among(
    tx: &mut TenantTransaction,
    insurer: &Insurer,
    identity: &Identity,
    ended: NaiveDate,
) -> Result<Match, DatabaseError> {
    let rows: Vec<PersonRow> = candidates(tx.tenant(), identity, ended).load(&mut **tx).await?;
    let mut persons = rows.into_iter().map(Person::try_from).collect::<Result<Vec<_>, _>>()?;
    if insurer.sign_up.employee_number {
        persons.retain(|person| same_employee(person, identity));
    }
    let found = choose(persons, &identity.kana_name);
    let protected = protected_of(tx, &found.people()).await?;
    Ok(if protected.is_empty() { found } else { Match::None })
}

/// True where a typed identity can still mean more than one of these people.
pub async fn are_alike(
    tx: &mut TenantTransaction,
    insurer: &Insurer,
    people: &[PersonId],
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let ended = access_ended_with(now, insurer.after_loss_days, false);
    let mut persons: Vec<Person> = Vec::new();
    for id in people {
        let found = person(tx, *id).await?;
        persons.extend(found.filter(|person| person.insured && person.lost_on.is_none_or(|day| day > ended)));
    }
    let asks = insurer.sign_up.employee_number;
    let alike = |a: &Person, b: &Person| {
        (a.symbol.key(), a.number.key(), a.birth_date) == (b.symbol.key(), b.number.key(), b.birth_date)
            && a.kana_name.matches_folded(&b.kana_name)
            && (!asks || employee_key(a) == employee_key(b))
    };
    Ok(persons
        .iter()
        .enumerate()
        .any(|(nth, a)| persons.iter().skip(nth + 1).any(|b| alike(a, b))))
}

fn employee_key(person: &Person) -> Option<&str> {
    person.employee_number.as_ref().map(EmployeeNumber::key)
}

fn same_employee(person: &Person, identity: &Identity) -> bool {
    match (&person.employee_number, &identity.employee_number) {
        (Some(known), Some(typed)) => known.key() == typed.key(),
        _ => false,
    }
}

/// Exactly one strict match, else exactly one folded one.
fn choose(persons: Vec<Person>, typed: &KanaName) -> Match {
    let strict = |person: &Person| person.kana_name.strict_key() == typed.strict_key();
    let folded = |person: &Person| person.kana_name.matches_folded(typed);
    let level = if persons.iter().any(strict) {
        Level::Strict
    } else {
        Level::Folded
    };
    let mut matches: Vec<Person> = persons
        .into_iter()
        .filter(|person| match level {
            Level::Strict => strict(person),
            Level::Folded => folded(person),
        })
        .collect();
    match (matches.pop(), matches.as_slice()) {
        (None, _) => Match::None,
        (Some(person), []) => Match::One { person, level },
        (Some(last), rest) => Match::Several {
            people: rest.iter().chain([&last]).map(|person| person.person_id).collect(),
        },
    }
}

/// The SQL of the look-up, for plan tests: $1 tenant, $2 symbol key, $3 number key, $4 birth date, $5 the newest day
/// of loss that ends access.
pub fn statement() -> Option<String> {
    let today = NaiveDate::default();
    let identity = Identity {
        symbol: Symbol::parse("").ok()?,
        number: Number::parse("0").ok()?,
        birth_date: BirthDate::parse_iso(&today.to_string(), today).ok()?,
        kana_name: KanaName::parse("ア").ok()?,
        employee_number: None,
    };
    let query = candidates(TenantId::PLATFORM, &identity, today);
    let text = diesel::debug_query::<Pg, _>(&query).to_string();
    text.split(" -- binds:").next().map(str::to_owned)
}

/// Equality on stored keys only, in the order of the index `persons_identity`: under row-level security anything else
/// reads the whole insurer.
#[diesel::dsl::auto_type(no_type_alias)]
fn candidates<'a>(tenant: TenantId, identity: &'a Identity, ended: NaiveDate) -> _ {
    let symbol: &'a str = identity.symbol.key();
    let number: &'a str = identity.number.key();
    let birth_date: NaiveDate = identity.birth_date.date();
    let row: dsl::AsSelect<PersonRow, Pg> = PersonRow::as_select();
    persons::table
        .filter(persons::tenant_id.eq(tenant))
        .filter(persons::symbol_key.eq(symbol))
        .filter(persons::number_key.eq(number))
        .filter(persons::birth_date.eq(birth_date))
        .filter(persons::insured)
        .filter(persons::lost_on.is_null().or(persons::lost_on.gt(ended)))
        .select(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_up_compares_stored_keys_and_nothing_else() {
        let sql = statement().unwrap();
        let (_, conditions) = sql.split_once(" WHERE ").unwrap();
        assert_eq!(
            conditions.replace(['"', '(', ')'], "").replace("persons.", "").trim(),
            "tenant_id = $1 AND symbol_key = $2 AND number_key = $3 AND birth_date = $4 AND insured \
             AND lost_on IS NULL OR lost_on > $5"
        );
    }
}
