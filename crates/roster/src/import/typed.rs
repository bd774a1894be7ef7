//! One person as a form or the roster itself has them, into a row that can be staged: by the rules of a file's row, all
//! errors at once.

use super::{
    columns::Column,
    merge::stated::STATED,
    rows::{MAX_CODE, MAX_NAME, MAX_TEXT, Movement, Row, day_of_loss},
};
use crate::before::Values;
use chrono::NaiveDate;
use kernel::{
    Branch, EmailAddress, EmployeeNumber, Field, FieldError, KanaName, Number, Problem, RelationWords, Symbol,
    calendar, text,
};
use tabular::{Column as _, Fault, dates, texts};

/// By what a person is read.
pub(crate) struct Reading<'a> {
    /// The day, in Japan.
    pub(crate) today: NaiveDate,
    /// The insurer's words for 続柄.
    pub(crate) relations: &'a RelationWords,
    /// True where everybody is an insured person.
    pub(crate) all_insured: bool,
}

/// The field of a column.
fn field(name: &'static str) -> Field {
    let known = STATED.iter().find(|(_, names)| names.iter().next() == Some(&name));
    let field = Field::new(name, known.map_or("", |(column, _)| label(*column)));
    match name {
        "birth_date" | "acquired_on" => {
            field.takes("1985-04-01 や昭和60年4月1日のように、実際にある日付を入力してください")
        }
        "lost_on" => field.takes("資格取得日より後の、実際にある日付を入力してください"),
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

impl Reading<'_> {
    /// The row, or all that is wrong with it.
    pub(crate) fn row(&self, values: &Values) -> Result<Row, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut typed = Typed {
            values,
            errors: &mut errors,
        };
        let symbol = typed.read("symbol", Symbol::parse);
        let number = typed.read("number", Number::parse);
        let branch = typed.read("branch", Branch::parse);
        let kana_name = typed.read("kana_name", KanaName::parse);
        let name = typed.read("name", |text| texts::kanji(text, MAX_NAME).map_err(problem));
        let gender = typed.read("gender", gender);
        let birth_date = typed.read("birth_date", |text| self.birth_date(text));
        let attribute = typed.text("attribute", MAX_NAME);
        let relationship = typed.read("relationship", |text| match texts::written(text, MAX_CODE) {
            Ok(text) if text.is_empty() => Err(Problem::Empty),
            written => written.map_err(problem),
        });
        let acquired_on = typed.read("acquired_on", day);
        let lost_on = typed.read("lost_on", |text| {
            match (day_of_loss(text).map_err(problem)?, acquired_on.flatten()) {
                (Some(lost), Some(acquired)) if lost < acquired => Err(Problem::Characters),
                (lost, _) => Ok(lost),
            }
        });
        let postal_code = typed.code("postal_code");
        let address = typed.text("address", MAX_TEXT);
        let building = typed.text("building", MAX_TEXT);
        let phone = typed.code("phone");
        let email = typed.read("email", |text| optional(text, EmailAddress::parse));
        let workplace_code = typed.code("workplace_code");
        let department_code = typed.code("department_code");
        let distribution_code = typed.code("distribution_code");
        let employee_number = typed.read("employee_number", |text| optional(text, EmployeeNumber::parse));
        let personal_id = typed.code("personal_id");
        let row = (|| {
            let relationship = relationship?;
            let relation = self.relations.read(&relationship);
            Some(Row {
                insured: self.all_insured || relation == kernel::Relation::Principal,
                relation,
                relationship,
                symbol: symbol?,
                number: number?,
                branch: branch?,
                kana_name: kana_name?,
                name: name?,
                gender: gender?,
                birth_date: birth_date?,
                attribute: attribute?,
                acquired_on: acquired_on?,
                lost_on: lost_on?,
                postal_code: postal_code?,
                address: address?,
                building: building?,
                phone: phone?,
                email: email?.map(|email| email.as_str().to_owned()).unwrap_or_default(),
                workplace_code: workplace_code?,
                department_code: department_code?,
                distribution_code: distribution_code?,
                employee_number: employee_number?,
                personal_id: personal_id?,
                movement: Movement::Change,
            })
        })();
        row.ok_or(errors)
    }

    fn birth_date(&self, text: &str) -> Result<NaiveDate, Problem> {
        match day(text)? {
            None => Err(Problem::Empty),
            Some(date) if date > self.today => Err(Problem::DateOutOfRange),
            Some(date) => Ok(date),
        }
    }

    /// By the rules of an insurer, on the day of a time.
    pub(crate) fn of(insurer: &tenancy::Insurer, now: chrono::DateTime<chrono::Utc>) -> Reading<'_> {
        Reading {
            today: calendar::today_in_japan(now),
            relations: &insurer.relations,
            all_insured: insurer.kind == tenancy::InsurerKind::NationalHealth,
        }
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

struct Typed<'a> {
    values: &'a Values,
    errors: &'a mut Vec<FieldError>,
}

impl Typed<'_> {
    fn read<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        let text = self.values.get(name).map_or("", String::as_str);
        let parsed = if text.chars().any(char::is_control) {
            Err(Problem::Characters)
        } else {
            parse(text)
        };
        FieldError::gather(field(name), parsed, self.errors)
    }

    fn text(&mut self, name: &'static str, max: usize) -> Option<String> {
        self.read(name, |text| texts::written(text, max).map_err(problem))
    }

    fn code(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |text| texts::code(text, MAX_CODE).map_err(problem))
    }
}

fn gender(text: &str) -> Result<&'static str, Problem> {
    match text::normalize_dense(text).as_str() {
        "" => Ok(""),
        "1" => Ok("1"),
        "2" => Ok("2"),
        "9" => Ok("9"),
        _ => Err(Problem::NotAChoice),
    }
}

fn day(text: &str) -> Result<Option<NaiveDate>, Problem> {
    dates::parse(text).map_err(problem)
}

fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
    match parse(text) {
        Ok(value) => Ok(Some(value)),
        Err(Problem::Empty) => Ok(None),
        Err(problem) => Err(problem),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn problem(fault: Fault) -> Problem {
    match fault {
        Fault::TooLong { max } => Problem::TooLong { max },
        Fault::ImpossibleDate { month, last_day } => Problem::ImpossibleDate { month, last_day },
        _ => Problem::Characters,
    }
}
