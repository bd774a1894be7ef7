//! One person as a form or the roster itself has them: read as a file's row is, with what is wrong said of a form's fields.

use super::{
    columns::Column,
    merge::stated,
    reasons::Reason,
    rows::{Fields, Reading, Row},
};
use crate::before::Values;
use chrono::NaiveDate;
use kernel::{EmployeeNumber, Field, FieldError, Problem};
use tabular::{Column as _, Fault, texts};

/// The field of a column.
fn field(column: Column) -> Field {
    let field = Field::new(stated::name(column), label(column));
    match column {
        Column::BirthDate | Column::AcquiredOn => {
            field.takes("1985-04-01 や昭和60年4月1日のように、実際にある日付を入力してください")
        }
        Column::LostOn => field.takes("資格取得日より後の、実際にある日付を入力してください"),
        _ => field,
    }
}

/// What a form calls a column.
pub(crate) fn label(column: Column) -> &'static str {
    match column {
        Column::Symbol => "記号",
        Column::KanaName => "氏名（カナ）",
        Column::Relationship => "続柄",
        Column::Attribute => "属性",
        Column::EmployeeNumber => "社員番号",
        other => other.name(),
    }
}

impl Reading {
    /// The row of these values, or all that is wrong with them.
    pub(crate) fn row(&self, values: &Values) -> Result<Row, Vec<FieldError>> {
        let errors = Vec::new();
        let mut typed = Typed { values, errors };
        self.parse(&mut typed).ok_or(typed.errors)
    }
}

struct Typed<'a> {
    values: &'a Values,
    errors: Vec<FieldError>,
}

impl Fields for Typed<'_> {
    fn read<T, E: Into<Reason>>(&mut self, column: Column, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text = self.values.get(stated::name(column)).map_or("", String::as_str);
        let parsed = if texts::is_plain(text) {
            parse(text).map_err(|error| problem(&error.into()))
        } else {
            Err(Problem::Characters)
        };
        FieldError::gather(field(column), parsed, &mut self.errors)
    }
}

/// What a form says of it.
fn problem(reason: &Reason) -> Problem {
    match reason {
        Reason::Table(Fault::Empty) => Problem::Empty,
        Reason::Table(Fault::TooLong { max }) => Problem::TooLong { max: *max },
        Reason::Table(Fault::NotKana) => Problem::NotKana,
        Reason::Table(Fault::EmailShape) => Problem::EmailShape,
        Reason::Table(Fault::ImpossibleDate { month, last_day }) => Problem::ImpossibleDate {
            month: *month,
            last_day: *last_day,
        },
        Reason::Table(Fault::ImpossibleMonth) => Problem::ImpossibleMonth,
        Reason::Table(Fault::DateShape | Fault::DateOutOfRange) => Problem::DateShape,
        Reason::LostBeforeAcquired { .. } => Problem::before(&field(Column::AcquiredOn)),
        Reason::BornLater => Problem::DateOutOfRange,
        Reason::Gender => Problem::not_one_of(["1", "2", "9"]),
        _ => Problem::Characters,
    }
}

impl Row {
    /// What it says, by the columns of `persons` that staff see.
    pub(crate) fn values(&self) -> Values {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let employee = self.employee_number.as_ref().map_or("", EmployeeNumber::as_str);
        let texts = [
            ("symbol", self.symbol.as_str()),
            ("number", self.number.as_str()),
            ("branch", self.branch.as_str()),
            ("kana_name", self.kana_name.as_str()),
            ("name", &self.name),
            ("gender", self.gender),
            ("attribute", &self.attribute),
            ("relationship", &self.relationship),
            ("postal_code", &self.postal_code),
            ("address", &self.address),
            ("building", &self.building),
            ("phone", &self.phone),
            ("email", &self.email),
            ("workplace_code", &self.workplace_code),
            ("department_code", &self.department_code),
            ("distribution_code", &self.distribution_code),
            ("employee_number", employee),
            ("personal_id", &self.personal_id),
        ];
        let days = [
            ("birth_date", day(Some(self.birth_date))),
            ("acquired_on", day(self.acquired_on)),
            ("lost_on", day(self.lost_on)),
        ];
        let texts = texts.map(|(column, text)| (column, text.to_owned()));
        texts
            .into_iter()
            .chain(days)
            .map(|(column, text)| (column.to_owned(), text))
            .collect()
    }
}
