//! A group of people by what the roster says of them: of a workplace, of an age, with dependants. Whoever is protected is in
//! no count of one, and nobody has them as a dependant: a family sees what it would see without them.

use crate::{
    Person,
    protection::{not_protected, not_protected_of_all},
};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{BigInt, Bool, Date, Integer, Text},
};
use diesel_async::RunQueryDsl;
use kernel::calendar;

/// Who is in it: whoever fulfils all that is set. Without anything set it is everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// 事業所コード.
    pub workplace_code: Option<String>,
    /// Years of age, at least.
    pub age_from: Option<i16>,
    /// Years of age, at most.
    pub age_to: Option<i16>,
    /// Insured, with a dependant under the same number.
    pub with_dependants: bool,
}

/// Years of age on a day.
pub fn age_on(birth: NaiveDate, day: NaiveDate) -> i16 {
    day.years_since(birth)
        .and_then(|years| i16::try_from(years).ok())
        .unwrap_or_default()
}

/// The last birthday of whoever is `years` old on a day.
pub fn born_by(day: NaiveDate, years: i16) -> NaiveDate {
    let year = day.year() - i32::from(years);
    // Whoever was born on a February 29 grows older on March 1.
    day.with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
        .unwrap_or(day)
}

/// The condition that somebody of this number, by its keys, is a dependant on a day, in a statement whose tenant is `$1`.
pub fn has_dependants(symbol_key: &str, number_key: &str, day: &str) -> String {
    format!(
        "EXISTS (SELECT FROM persons d WHERE d.tenant_id = $1 AND d.symbol_key = {symbol_key} AND d.number_key = {number_key}
            AND NOT d.insured AND d.emptied_at IS NULL AND (d.acquired_on IS NULL OR d.acquired_on <= {day})
            AND (d.lost_on IS NULL OR d.lost_on > {day}) AND {})",
        not_protected("d.person_id")
    )
}

impl Group {
    /// True where it is everybody.
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// True for a person who is in it by what stands in their own row; whether they have dependants is asked by
    /// [`Group::admits`].
    fn admits_alone(&self, person: &Person, day: NaiveDate) -> bool {
        let age = age_on(person.birth_date.date(), day);
        self.workplace_code
            .as_ref()
            .is_none_or(|code| *code == person.workplace_code)
            && self.age_from.is_none_or(|from| from <= age)
            && self.age_to.is_none_or(|to| age <= to)
            && (person.insured || !self.with_dependants)
    }

    /// True for a person who is in it.
    pub async fn admits(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        person: &Person,
    ) -> Result<bool, DatabaseError> {
        let day = calendar::today_in_japan(now);
        if !self.admits_alone(person, day) || !self.with_dependants {
            return Ok(self.admits_alone(person, day));
        }
        let query = diesel::sql_query(format!("SELECT {} AS found", has_dependants("$2", "$3", "$4")))
            .bind::<Integer, _>(tx.tenant())
            .bind::<Text, _>(person.symbol.key())
            .bind::<Text, _>(person.number.key())
            .bind::<Date, _>(day);
        let found: Found = Prepared(query).get_result(&mut &**tx).await?;
        Ok(found.found)
    }

    /// The condition on the person `p`, in a statement whose tenant is `$1`; its parameters are `$first` and those after it.
    pub fn condition(&self, first: usize) -> String {
        let mut next = first..;
        let mut parameter = || format!("${}", next.next().unwrap_or_default());
        let mut parts = Vec::new();
        if self.workplace_code.is_some() {
            parts.push(format!(" AND p.workplace_code = {}", parameter()));
        }
        if self.age_from.is_some() {
            parts.push(format!(" AND p.birth_date <= {}", parameter()));
        }
        if self.age_to.is_some() {
            parts.push(format!(" AND p.birth_date > {}", parameter()));
        }
        if self.with_dependants {
            let dependants = has_dependants("p.symbol_key", "p.number_key", &parameter());
            parts.push(format!(" AND p.insured AND {dependants}"));
        }
        parts.concat()
    }

    /// Gives the condition its parameters.
    pub fn bind<'q>(
        &self,
        mut statement: BoxedSqlQuery<'q, Pg, SqlQuery>,
        now: DateTime<Utc>,
    ) -> BoxedSqlQuery<'q, Pg, SqlQuery> {
        let day = calendar::today_in_japan(now);
        if let Some(code) = &self.workplace_code {
            statement = statement.bind::<Text, _>(code.clone());
        }
        if let Some(from) = self.age_from {
            statement = statement.bind::<Date, _>(born_by(day, from));
        }
        if let Some(to) = self.age_to {
            statement = statement.bind::<Date, _>(born_by(day, to.saturating_add(1)));
        }
        if self.with_dependants {
            statement = statement.bind::<Date, _>(day);
        }
        statement
    }

    /// How many people of it are registered and covered.
    pub async fn registered(&self, tx: &TenantTransaction, now: DateTime<Utc>) -> Result<i64, DatabaseError> {
        let sql = format!(
            "SELECT count(*) AS people FROM persons p WHERE p.registered AND {}",
            self.covered(&not_protected_of_all("p.person_id"))
        );
        let query = diesel::sql_query(sql)
            .into_boxed::<Pg>()
            .bind::<Integer, _>(tx.tenant())
            .bind::<Date, _>(calendar::today_in_japan(now));
        let counted: Counted = Prepared(self.bind(query, now)).get_result(&mut &**tx).await?;
        Ok(counted.people)
    }

    /// True where it has anybody who is covered, registered or not.
    pub async fn is_anybody(&self, tx: &TenantTransaction, now: DateTime<Utc>) -> Result<bool, DatabaseError> {
        let sql = format!(
            "SELECT EXISTS (SELECT FROM persons p WHERE {}) AS found",
            self.covered(&not_protected("p.person_id"))
        );
        let query = diesel::sql_query(sql)
            .into_boxed::<Pg>()
            .bind::<Integer, _>(tx.tenant())
            .bind::<Date, _>(calendar::today_in_japan(now));
        let found: Found = Prepared(self.bind(query, now)).get_result(&mut &**tx).await?;
        Ok(found.found)
    }

    /// The condition on a person `p` who is covered on the day `$2`, in the group, and protected from nobody.
    fn covered(&self, not_protected: &str) -> String {
        format!(
            "p.tenant_id = $1 AND p.emptied_at IS NULL AND (p.lost_on IS NULL OR p.lost_on > $2) AND {not_protected}{}",
            self.condition(3)
        )
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    people: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_age_is_the_same_counted_from_the_birth_and_from_the_day() {
        let births = ["1984-02-29", "1985-02-28", "1985-03-01", "1986-11-26"].map(day);
        let days = ["2026-02-28", "2026-03-01", "2024-02-29", "2026-11-25", "2026-11-26"].map(day);
        for (birth, day) in births.iter().flat_map(|birth| days.map(|day| (*birth, day))) {
            for years in 35..45 {
                assert_eq!(
                    age_on(birth, day) >= years,
                    birth <= born_by(day, years),
                    "{birth} {day} {years}"
                );
            }
        }
    }

    #[test]
    fn each_part_that_is_set_has_a_parameter_of_its_own() {
        let group = Group {
            age_to: Some(74),
            with_dependants: true,
            ..Group::default()
        };
        let condition = group.condition(6);
        assert!(
            condition.contains("p.birth_date > $6") && condition.contains("d.lost_on > $7"),
            "{condition}"
        );
        assert_eq!(Group::default().condition(6), "");
    }
}
