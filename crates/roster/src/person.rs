//! One person as the roster has them, and what loss of coverage leaves of their access. Never an account's data.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{
    BirthDate, Branch, EmailAddress, EmployeeNumber, KanaName, Number, PersonId, Problem, Relation, Symbol, calendar,
};

/// A person in the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Permanent, whatever becomes of the number.
    pub person_id: PersonId,
    /// 記号.
    pub symbol: Symbol,
    /// 番号.
    pub number: Number,
    /// 枝番; empty where the insurer gives none.
    pub branch: Branch,
    /// The name in kanji with every 外字 as imported; the kana name where the insurer gives no other.
    pub name: String,
    /// 氏名（カナ）.
    pub kana_name: KanaName,
    /// 生年月日.
    pub birth_date: BirthDate,
    /// True for 本人; in a 国保組合 for everybody.
    pub insured: bool,
    /// 続柄名称 as imported.
    pub relationship: String,
    /// What it means.
    pub relation: Relation,
    /// 資格取得日.
    pub acquired_on: Option<NaiveDate>,
    /// 資格喪失日: the first day without coverage.
    pub lost_on: Option<NaiveDate>,
    /// The address the insurer registered in advance; never the proven log-in address.
    pub email: Option<EmailAddress>,
    /// 事業所コード; empty where unknown.
    pub workplace_code: String,
    /// 所属コード; empty where unknown.
    pub department_code: String,
    /// 社員コード.
    pub employee_number: Option<EmployeeNumber>,
}

/// What a person may still do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Covered.
    Full,
    /// Coverage is lost, but the insurer leaves some days to read.
    ReadOnly {
        /// The last day, in Japan, on which pages may be read.
        until: NaiveDate,
    },
    /// Coverage is lost and the days to read are over, but the tax return needs one's own statements: they can be read, and
    /// nothing else.
    Former {
        /// The last day, in Japan, on which they may be read.
        until: NaiveDate,
    },
    /// Coverage is lost and there is nothing to read any more: sessions end, log-in is refused.
    Ended,
}

impl Person {
    /// Access on the day that `now` is in Japan, with the insurer's `after_loss_days`, and whether it has statements of
    /// costs open. 資格喪失日 is the day after the last covered one (健康保険法36条), so access ends as that day begins.
    pub fn access(&self, now: DateTime<Utc>, after_loss_days: u16, has_statements: bool) -> Access {
        let Some(lost_on) = self.lost_on else {
            return Access::Full;
        };
        let today = calendar::today_in_japan(now);
        if today < lost_on {
            return Access::Full;
        }
        let to_read = lost_on
            .checked_add_days(Days::new(after_loss_days.into()))
            .and_then(|end| end.pred_opt());
        if let Some(until) = to_read.filter(|until| today <= *until) {
            return Access::ReadOnly { until };
        }
        match last_of_march(lost_on.year() + 1) {
            Some(until) if has_statements && today <= until => Access::Former { until },
            _ => Access::Ended,
        }
    }
}

/// The newest day of loss with which access has [`Access::Ended`] by `now`.
pub fn access_ended_with(now: DateTime<Utc>, after_loss_days: u16, has_statements: bool) -> NaiveDate {
    let today = calendar::today_in_japan(now);
    let to_read = today - Days::new(after_loss_days.into());
    // Statements of a year are read until the March after it.
    let is_over = last_of_march(today.year()).is_some_and(|march| today > march);
    let year = today.year() - if is_over { 1 } else { 2 };
    match NaiveDate::from_ymd_opt(year, 12, 31) {
        Some(day) if has_statements => to_read.min(day),
        _ => to_read,
    }
}

/// The tax return of a year is due in the middle of this month of the next, and is corrected until its end.
fn last_of_march(year: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, 3, 31)
}

/// The condition on a person `p` whose access has not [`Access::Ended`]; `ended` is the newest day of loss that ends it, from
/// [`access_ended_with`], as a statement's parameter.
pub fn may_come_in(ended: &str) -> String {
    format!("p.emptied_at IS NULL AND (p.lost_on IS NULL OR p.lost_on > {ended})")
}

/// The person of an id, covered or not; `None` where this insurer has none such.
pub async fn person(tx: &TenantTransaction, id: PersonId) -> Result<Option<Person>, DatabaseError> {
    let tenant = tx.tenant();
    let row = persons::table
        .filter(persons::tenant_id.eq(tenant))
        .filter(persons::person_id.eq(id))
        .filter(persons::emptied_at.is_null())
        .select(PersonRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?;
    row.map(Person::try_from).transpose()
}

/// The persons who share a number and are not lost for good, in the order of their branches: a household, as a clerk
/// asks for it.
pub async fn numbered(
    tx: &mut TenantTransaction,
    symbol: &Symbol,
    number: &Number,
) -> Result<Vec<Person>, DatabaseError> {
    let tenant = tx.tenant();
    let rows: Vec<PersonRow> = persons::table
        .filter(persons::tenant_id.eq(tenant))
        .filter(persons::symbol_key.eq(symbol.key()))
        .filter(persons::number_key.eq(number.key()))
        .filter(persons::lost_on.is_null())
        .order(persons::branch)
        .select(PersonRow::as_select())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Person::try_from).collect()
}

diesel::table! {
    /// What statements of this crate name of the table; the import writes the rest by SQL of its own.
    persons (tenant_id, person_id) {
        tenant_id -> Integer,
        person_id -> Uuid,
        symbol -> Text,
        symbol_key -> Text,
        number -> Text,
        number_key -> Text,
        branch -> Text,
        kana_name -> Text,
        name -> Text,
        birth_date -> Date,
        relationship -> Text,
        relation -> Nullable<Text>,
        insured -> Bool,
        acquired_on -> Nullable<Date>,
        lost_on -> Nullable<Date>,
        email -> Text,
        workplace_code -> Text,
        department_code -> Text,
        employee_number -> Text,
        emptied_at -> Nullable<Timestamptz>,
    }
}

/// The columns of a [`PersonRow`], for statements of their own on a person `p`.
pub(crate) const COLUMNS: &str = "p.person_id, p.symbol, p.number, p.branch, p.kana_name, p.name, p.birth_date, \
    p.relationship, p.relation, p.insured, p.acquired_on, p.lost_on, p.email, p.workplace_code, p.department_code, \
    p.employee_number";

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = persons)]
pub(crate) struct PersonRow {
    person_id: PersonId,
    symbol: String,
    number: String,
    branch: String,
    kana_name: String,
    name: String,
    birth_date: NaiveDate,
    relationship: String,
    relation: Option<String>,
    insured: bool,
    acquired_on: Option<NaiveDate>,
    lost_on: Option<NaiveDate>,
    email: String,
    workplace_code: String,
    department_code: String,
    employee_number: String,
}

impl TryFrom<PersonRow> for Person {
    type Error = DatabaseError;

    fn try_from(row: PersonRow) -> Result<Self, DatabaseError> {
        Self::from_row(row).map_err(|problem| diesel::result::Error::DeserializationError(Box::new(problem)).into())
    }
}

impl Person {
    /// The name as members are addressed: with one narrow blank between family and given name, 「健保 太郎」.
    pub fn called(&self) -> String {
        self.name.replace('\u{3000}', " ")
    }

    /// The import stored only what these parsers accept; anything else is damage and an outage.
    fn from_row(row: PersonRow) -> Result<Self, Problem> {
        let kana_name = KanaName::parse(&row.kana_name)?;
        Ok(Self {
            person_id: row.person_id,
            symbol: Symbol::parse(&row.symbol)?,
            number: Number::parse(&row.number)?,
            branch: Branch::parse(&row.branch)?,
            name: if row.name.is_empty() { row.kana_name } else { row.name },
            kana_name,
            birth_date: BirthDate::parse_iso(&row.birth_date.to_string(), row.birth_date)?,
            insured: row.insured,
            relation: relation(row.relation.as_deref(), &row.relationship),
            relationship: row.relationship,
            acquired_on: row.acquired_on,
            lost_on: row.lost_on,
            email: optional(&row.email, EmailAddress::parse)?,
            workplace_code: row.workplace_code,
            department_code: row.department_code,
            employee_number: optional(&row.employee_number, EmployeeNumber::parse)?,
        })
    }
}

/// Rows of an import before relations were stored have none until the next one. A word that a newer version of this
/// service stored is one that this version has no name for.
pub(crate) fn relation(stored: Option<&str>, relationship: &str) -> Relation {
    match stored {
        Some(word) => Relation::from_word(word).unwrap_or(Relation::Unknown),
        None => Relation::read(relationship),
    }
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
    if text.is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost_on(lost_on: Option<&str>) -> Person {
        let row = PersonRow {
            person_id: PersonId::new(DateTime::UNIX_EPOCH),
            symbol: "12".into(),
            number: "3456".into(),
            branch: "00".into(),
            kana_name: "ケンポ タロウ".into(),
            name: String::new(),
            birth_date: "1985-04-01".parse().unwrap(),
            relationship: "本人".into(),
            relation: None,
            insured: true,
            acquired_on: None,
            lost_on: lost_on.map(|day| day.parse().unwrap()),
            email: String::new(),
            workplace_code: String::new(),
            department_code: String::new(),
            employee_number: String::new(),
        };
        Person::from_row(row).unwrap()
    }

    fn at(moment: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(moment).unwrap().to_utc()
    }

    #[test]
    fn access_ends_as_the_day_of_loss_begins_in_japan() {
        let person = lost_on(Some("2026-04-01"));
        assert_eq!(person.access(at("2026-03-31T23:59:59+09:00"), 0, false), Access::Full);
        assert_eq!(person.access(at("2026-04-01T00:00:00+09:00"), 0, false), Access::Ended);
        assert_eq!(
            lost_on(None).access(at("2126-04-01T00:00:00+09:00"), 0, true),
            Access::Full
        );
    }

    #[test]
    fn the_insurers_days_after_loss_are_for_reading_only() {
        let person = lost_on(Some("2026-04-01"));
        let until = "2026-04-30".parse().unwrap();
        assert_eq!(
            person.access(at("2026-04-01T00:00:00+09:00"), 30, true),
            Access::ReadOnly { until }
        );
        assert_eq!(
            person.access(at("2026-04-30T23:59:59+09:00"), 30, false),
            Access::ReadOnly { until }
        );
        assert_eq!(person.access(at("2026-05-01T00:00:00+09:00"), 30, false), Access::Ended);
    }

    #[test]
    fn statements_can_be_read_until_the_march_after_the_year_of_the_loss() {
        let former = |until: &str| Access::Former {
            until: until.parse().unwrap(),
        };
        for (lost, at_moment, days, access) in [
            ("2026-04-01", "2026-03-31T23:59:59+09:00", 0, Access::Full),
            ("2026-04-01", "2026-04-01T00:00:00+09:00", 0, former("2027-03-31")),
            ("2026-04-01", "2026-05-01T00:00:00+09:00", 30, former("2027-03-31")),
            ("2026-04-01", "2027-03-31T23:59:59+09:00", 0, former("2027-03-31")),
            ("2026-04-01", "2027-04-01T00:00:00+09:00", 0, Access::Ended),
            ("2026-12-31", "2027-03-31T23:59:59+09:00", 0, former("2027-03-31")),
            ("2026-12-31", "2027-04-01T00:00:00+09:00", 0, Access::Ended),
            ("2027-01-01", "2027-04-01T00:00:00+09:00", 0, former("2028-03-31")),
            // Whoever may read everything for longer than that does so, and nothing behind it.
            (
                "2026-12-31",
                "2027-12-31T23:59:59+09:00",
                366,
                Access::ReadOnly {
                    until: "2027-12-31".parse().unwrap(),
                },
            ),
            ("2026-12-31", "2028-01-01T00:00:00+09:00", 366, Access::Ended),
        ] {
            let person = lost_on(Some(lost));
            assert_eq!(person.access(at(at_moment), days, true), access, "{lost} {at_moment}");
            if matches!(access, Access::Former { .. }) {
                assert_eq!(person.access(at(at_moment), days, false), Access::Ended, "{lost}");
            }
        }
    }

    #[test]
    fn the_newest_day_of_loss_that_ends_access_is_told_alike_for_one_and_for_all() {
        let first: NaiveDate = "2025-01-01".parse().unwrap();
        let losses = first.iter_days().step_by(3).take(300);
        let lost: Vec<(NaiveDate, Person)> = losses.map(|day| (day, lost_on(Some(&day.to_string())))).collect();
        for today in first.iter_days().skip(365).step_by(7).take(120) {
            let now = at(&format!("{today}T12:00:00+09:00"));
            for (days, has_statements) in [(0, false), (0, true), (30, true), (366, false), (366, true)] {
                let ended = access_ended_with(now, days, has_statements);
                for (loss, person) in &lost {
                    let has_ended = person.access(now, days, has_statements) == Access::Ended;
                    assert_eq!(has_ended, *loss <= ended, "{loss} on {today} with {days} days");
                }
            }
        }
    }

    #[test]
    fn a_person_without_a_name_in_kanji_goes_by_kana() {
        assert_eq!(lost_on(None).name, "ケンポ タロウ");
    }
}
