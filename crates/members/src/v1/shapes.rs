//! What the operations on people of the roster take and answer, with examples.

use crate::programs::Coverage;
use chrono::NaiveDate;
use kernel::{Branch, Field, FieldError, Number, Problem, Refusal, Symbol, dates};
use operations::text::{
    BirthDateForm, EmailForm, EmployeeNumberForm, Form, KanaForm, NumberForm, SymbolForm, Text, Time, WITHOUT_CONTROL,
};
use poem_openapi::{Object, registry::MetaSchema};
use roster::{Facts, Person, listed::Listed, search::NumberKeys};
use serde_json::{Value, json};

const SYMBOL: Field = Field::new("symbol", "記号");
const NUMBER: Field = Field::new("number", "番号");
const BRANCH: Field = Field::new("branch", "枝番");
const LOST_ON: Field = Field::new("lost_on", "資格喪失日");

/// The person of the examples, whom every sandbox has under an id of its own.
pub(super) const ID: &str = "0197a3c0-0000-7000-8000-000000000069";

pub(super) fn number_example() -> Value {
    json!({"symbol": "100", "number": "105", "branch": "00"})
}

pub(super) fn facts_example() -> Value {
    json!({
        "symbol": "100",
        "number": "105",
        "branch": "00",
        "kana_name": "ケンポ　タロウ",
        "name": "健保　太郎",
        "gender": "1",
        "birth_date": "1975-04-12",
        "relationship": "本人",
        "acquired_on": "1998-04-01",
        "workplace_code": "1000",
    })
}

/// Somebody whom no sandbox has yet.
pub(super) fn new_example() -> Value {
    json!({
        "symbol": "100",
        "number": "901",
        "branch": "00",
        "kana_name": "ミホン　ショウコ",
        "name": "見本　祥子",
        "gender": "2",
        "birth_date": "1985-04-01",
        "relationship": "本人",
        "acquired_on": "2026-11-01",
        "workplace_code": "1000",
    })
}

/// The same once added.
pub(super) fn added_example() -> Value {
    person(new_example(), "0197a3c0-0000-7000-8000-000000000385", false)
}

pub(super) fn example() -> Value {
    person(facts_example(), ID, true)
}

fn person(facts: Value, id: &str, registered: bool) -> Value {
    let mut person = json!({
        "id": id,
        "insured": true,
        "in_roster": true,
        "registered": registered,
        "protected": false,
        "created_at": "2026-04-01T01:00:00Z",
        "updated_at": "2026-11-22T01:00:00Z",
    });
    if let (Some(person), Value::Object(facts)) = (person.as_object_mut(), facts) {
        person.extend(facts);
    }
    person
}

pub(super) fn coverage_example(until: Option<&str>) -> Value {
    let mut coverage = json!({"as_of": "2026-11-22", "covered": true, "since": "1998-04-01"});
    if let (Some(coverage), Some(until)) = (coverage.as_object_mut(), until) {
        coverage.insert("until".into(), until.into());
    }
    coverage
}

/// People of the roster, page by page.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RosterMemberList {
    /// The people.
    pub(super) members: Vec<RosterMember>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// People of a number.
#[derive(Object)]
pub(super) struct RosterMembersFound {
    /// In the order of their branches; empty where there is nobody.
    pub(super) members: Vec<RosterMember>,
}

/// A person as the insurer's roster has them. What it doesn't say is absent. Days are Japan's.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
#[expect(clippy::struct_excessive_bools, reason = "what an answer says of a person")]
pub(super) struct RosterMember {
    /// Permanent, whatever becomes of name and number. Elsewhere it is called `person_id` or `member_id`.
    id: String,
    /// 記号.
    symbol: Option<String>,
    /// 番号.
    number: String,
    /// 枝番.
    branch: Option<String>,
    /// 氏名（カナ）.
    kana_name: String,
    /// 氏名（漢字）.
    name: Option<String>,
    /// 性別: `1` male, `2` female, `9` unknown.
    gender: Option<String>,
    /// 生年月日, `1985-04-01`.
    birth_date: NaiveDate,
    /// 属性.
    attribute: Option<String>,
    /// 続柄, as the insurer writes it.
    relationship: String,
    /// Whether they are insured themself (本人), and no dependant.
    insured: bool,
    /// 資格取得日.
    acquired_on: Option<NaiveDate>,
    /// 資格喪失日: the first day without coverage.
    lost_on: Option<NaiveDate>,
    /// 郵便番号.
    postal_code: Option<String>,
    /// 住所.
    address: Option<String>,
    /// 住所（建物名）.
    building: Option<String>,
    /// 電話.
    phone: Option<String>,
    /// The mail address that the insurer knows; not the one they log in with.
    email: Option<String>,
    /// 事業所コード.
    workplace_code: Option<String>,
    /// 所属コード.
    department_code: Option<String>,
    /// 配付先コード.
    distribution_code: Option<String>,
    /// 社員番号.
    employee_number: Option<String>,
    /// 個人ID of the insurer's own system; only an import sets it.
    personal_id: Option<String>,
    /// Whether the last whole roster had them, or staff or a program have added them since.
    in_roster: bool,
    /// Whether they have an account of the portal. While an import is at work it may follow a little later.
    registered: bool,
    /// Whether they are protected; such people exist for who holds `protected.read` alone.
    protected: bool,
    /// When they first came into the roster.
    created_at: Time,
    /// When the roster last said something else of them.
    updated_at: Time,
}

/// What the roster is to say of a person, as a whole: what is absent it doesn't say any more. Names, numbers and days are mended
/// as those of a file are: full width, blanks, kana, 和暦.
#[derive(Object)]
pub(super) struct MemberFacts {
    /// 記号; empty or absent where the insurer has none.
    #[oai(nullable)]
    symbol: Option<Text<SymbolForm>>,
    /// 番号.
    number: Text<NumberForm>,
    /// 枝番.
    #[oai(nullable)]
    branch: Option<Text<BranchForm>>,
    /// 氏名（カナ）.
    kana_name: Text<KanaForm>,
    /// 氏名（漢字）.
    #[oai(nullable)]
    name: Option<Text<NameForm>>,
    /// 性別: `1` male, `2` female, `9` unknown.
    #[oai(nullable)]
    gender: Option<Text<GenderForm>>,
    /// 生年月日, `1985-04-01`.
    birth_date: Text<BirthDateForm>,
    /// 属性.
    #[oai(nullable)]
    attribute: Option<Text<NameForm>>,
    /// 続柄, as the insurer writes it: 本人, 妻, 長男.
    relationship: Text<CodeForm>,
    /// 資格取得日.
    #[oai(nullable)]
    acquired_on: Option<Text<DayForm>>,
    /// 資格喪失日: the first day without coverage; not before 資格取得日.
    #[oai(nullable)]
    lost_on: Option<Text<DayForm>>,
    /// 郵便番号.
    #[oai(nullable)]
    postal_code: Option<Text<CodeForm>>,
    /// 住所.
    #[oai(nullable)]
    address: Option<Text<LineForm>>,
    /// 住所（建物名）.
    #[oai(nullable)]
    building: Option<Text<LineForm>>,
    /// 電話.
    #[oai(nullable)]
    phone: Option<Text<CodeForm>>,
    /// The mail address that the insurer knows; the one they log in with stays.
    #[oai(nullable)]
    email: Option<Text<EmailForm>>,
    /// 事業所コード.
    #[oai(nullable)]
    workplace_code: Option<Text<CodeForm>>,
    /// 所属コード.
    #[oai(nullable)]
    department_code: Option<Text<CodeForm>>,
    /// 配付先コード.
    #[oai(nullable)]
    distribution_code: Option<Text<CodeForm>>,
    /// 社員番号.
    #[oai(nullable)]
    employee_number: Option<Text<EmployeeNumberForm>>,
}

/// A number of the roster.
#[derive(Object)]
pub(super) struct MemberNumber {
    /// 記号; empty where the insurer has none.
    symbol: Text<SymbolForm>,
    /// 番号.
    number: Text<NumberForm>,
    /// 枝番; everybody of the number where it is absent.
    #[oai(nullable)]
    branch: Option<Text<BranchForm>>,
}

/// From which day on somebody is not covered.
#[derive(Object)]
pub(super) struct CoverageEnd {
    /// 資格喪失日: the first day without coverage; it may be to come.
    lost_on: Text<DayForm>,
}

/// How somebody is covered.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct MemberCoverage {
    /// The day of which it is told: today in Japan.
    as_of: NaiveDate,
    /// Whether they are covered on it.
    covered: bool,
    /// 資格取得日; absent where the roster doesn't say it.
    since: Option<NaiveDate>,
    /// The last day of coverage, the one before 資格喪失日; absent where no end is known.
    until: Option<NaiveDate>,
}

macro_rules! forms {
    ($($name:ident: $most:expr, $pattern:expr;)*) => {$(
        pub(super) struct $name;

        impl Form for $name {
            fn schema() -> MetaSchema {
                MetaSchema {
                    max_length: Some($most),
                    pattern: Some($pattern.into()),
                    ..MetaSchema::new("string")
                }
            }
        }
    )*};
}

forms! {
    BranchForm: Branch::MAX, WITHOUT_CONTROL;
    NameForm: roster::NAME_CHARS, WITHOUT_CONTROL;
    LineForm: roster::TEXT_CHARS, WITHOUT_CONTROL;
    CodeForm: roster::CODE_CHARS, WITHOUT_CONTROL;
    GenderForm: 1, "^[129]?$";
    DayForm: 10, "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$";
}

impl MemberFacts {
    /// By the columns of the roster, each of them.
    pub(super) fn typed(self) -> Vec<(&'static str, String)> {
        fn given<F>(text: Option<Text<F>>) -> String {
            text.map(Text::into_string).unwrap_or_default()
        }
        vec![
            ("symbol", given(self.symbol)),
            ("number", self.number.into_string()),
            ("branch", given(self.branch)),
            ("kana_name", self.kana_name.into_string()),
            ("name", given(self.name)),
            ("gender", given(self.gender)),
            ("birth_date", self.birth_date.into_string()),
            ("attribute", given(self.attribute)),
            ("relationship", self.relationship.into_string()),
            ("acquired_on", given(self.acquired_on)),
            ("lost_on", given(self.lost_on)),
            ("postal_code", given(self.postal_code)),
            ("address", given(self.address)),
            ("building", given(self.building)),
            ("phone", given(self.phone)),
            ("email", given(self.email)),
            ("workplace_code", given(self.workplace_code)),
            ("department_code", given(self.department_code)),
            ("distribution_code", given(self.distribution_code)),
            ("employee_number", given(self.employee_number)),
        ]
    }
}

impl MemberNumber {
    /// As the roster compares numbers; all that is wrong at once.
    pub(super) fn read(self) -> Result<NumberKeys, Refusal> {
        let mut errors = Vec::new();
        let branch = self.branch.map(Text::into_string).unwrap_or_default();
        let symbol = FieldError::gather(SYMBOL, Symbol::parse(&self.symbol.into_string()), &mut errors);
        let number = FieldError::gather(NUMBER, Number::parse(&self.number.into_string()), &mut errors);
        let branch = FieldError::gather(BRANCH, Branch::parse(&branch), &mut errors);
        match (symbol, number, branch) {
            (Some(symbol), Some(number), Some(branch)) => Ok(NumberKeys {
                symbol: symbol.key().to_owned(),
                number: number.key().to_owned(),
                branch: branch.key().to_owned(),
            }),
            _ => Err(Refusal::fields(errors)),
        }
    }
}

impl CoverageEnd {
    /// The day; coverage isn't given back by none.
    pub(super) fn read(self) -> Result<NaiveDate, Refusal> {
        let day = dates::parse(&self.lost_on.into_string()).and_then(|day| day.ok_or(Problem::Empty));
        day.map_err(|problem| Refusal::fields(vec![FieldError::new(LOST_ON, problem)]))
    }
}

impl RosterMember {
    pub(super) fn of(listed: Listed) -> Self {
        let Listed {
            facts: Facts { person, rest },
            kanji_name,
            registered,
            protected,
        } = listed;
        let Person {
            person_id,
            symbol,
            number,
            branch,
            name: _,
            kana_name,
            birth_date,
            insured,
            relationship,
            relation: _,
            acquired_on,
            lost_on,
            email,
            workplace_code,
            department_code,
            employee_number,
        } = person;
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: person_id.to_string(),
            symbol: said(symbol.as_str().to_owned()),
            number: number.as_str().to_owned(),
            branch: said(branch.as_str().to_owned()),
            kana_name: kana_name.as_str().to_owned(),
            name: said(kanji_name),
            gender: said(rest.gender),
            birth_date: birth_date.date(),
            attribute: said(rest.attribute),
            relationship,
            insured,
            acquired_on,
            lost_on,
            postal_code: said(rest.postal_code),
            address: said(rest.address),
            building: said(rest.building),
            phone: said(rest.phone),
            email: email.map(|email| email.as_str().to_owned()),
            workplace_code: said(workplace_code),
            department_code: said(department_code),
            distribution_code: said(rest.distribution_code),
            employee_number: employee_number.map(|number| number.as_str().to_owned()),
            personal_id: said(rest.personal_id),
            in_roster: rest.present,
            registered,
            protected,
            created_at: rest.created_at.into(),
            updated_at: rest.updated_at.into(),
        }
    }
}

impl MemberCoverage {
    pub(super) fn of(coverage: Coverage) -> Self {
        Self {
            as_of: coverage.day,
            covered: coverage.is_covered,
            since: coverage.since,
            until: coverage.until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;
    use poem_openapi::types::ParseFromJSON as _;
    use std::collections::BTreeSet;

    #[test]
    fn every_example_fits_its_schema() {
        assert!(flaws::<MemberFacts>(&facts_example()).is_empty());
        assert!(flaws::<MemberFacts>(&new_example()).is_empty());
        assert!(flaws::<RosterMember>(&added_example()).is_empty());
        assert!(flaws::<MemberNumber>(&number_example()).is_empty());
        assert!(flaws::<RosterMember>(&example()).is_empty());
        assert!(flaws::<MemberCoverage>(&coverage_example(Some("2027-03-31"))).is_empty());
    }

    #[test]
    fn every_fact_that_is_set_by_hand_is_one_of_a_programs() {
        let facts = MemberFacts::parse_from_json(Some(facts_example())).ok().unwrap();
        let typed: BTreeSet<&str> = facts.typed().into_iter().map(|(column, _)| column).collect();
        let by_hand: BTreeSet<&str> = roster::by_hand::facts().map(|(column, _)| column).collect();
        assert_eq!(typed, by_hand);
    }
}
