//! A row of a file as a value: whose, of which month, and what it cost or which medicine it was.

use crate::{
    amount::{self, blank_or},
    category::{Category, Form},
    columns::{CostColumn, MedicineColumn},
    month::Month,
    reasons::Reason,
};
use chrono::NaiveDate;
use kernel::{Branch, Number, Problem, Symbol, dates, text};
use roster::NumberKey;
use serde::{Deserialize, Serialize};
use tabular::{Column, Fault, texts};

const MAX_NAME: usize = 100;
const MAX_CODE: usize = 40;

/// A row being read.
pub(crate) type Row<'a, C> = tabular::Row<'a, C, Reason>;

/// By what a row says whose it is, as written; '' is not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// 記号.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// 枝番.
    pub branch: String,
    /// 個人ID.
    pub personal_id: String,
    /// 生年月日.
    pub birth_date: Option<NaiveDate>,
}

impl Who {
    /// By what the roster knows them.
    pub fn key(&self, month: Month) -> NumberKey {
        let key = |parsed: Result<String, Problem>| parsed.unwrap_or_default();
        NumberKey {
            symbol_key: key(Symbol::parse(&self.symbol).map(|symbol| symbol.key().to_owned())),
            number_key: key(Number::parse(&self.number).map(|number| number.key().to_owned())),
            branch_key: key(Branch::parse(&self.branch).map(|branch| branch.key().to_owned())),
            personal_id: self.personal_id.clone(),
            birth_date: self.birth_date,
            month: month.first(),
        }
    }
}

/// A row of 医療費通知.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// Where it stands in the file.
    pub line: u32,
    /// Whose it is.
    pub who: Who,
    /// The month of treatment.
    pub month: Month,
    /// レセプト番号, '' where it has none.
    pub claim: String,
    /// What was treated how.
    pub category: Category,
    /// For how many days.
    pub days: i16,
    /// Where, '' where it is not given.
    pub institution: String,
    /// 医療費の総額.
    pub total: i32,
    /// 保険者の負担額.
    pub insurer: i32,
    /// その他の公費の負担額.
    pub public: i32,
    /// 窓口相当負担額.
    pub copay: i32,
    /// 標準負担額.
    pub meal: i32,
    /// 支給額.
    pub benefit: i32,
    /// True where it takes its claim back.
    pub withdrawn: bool,
}

/// A row of ジェネリック差額明細.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MedicineLine {
    /// Where it stands in the file.
    pub line: u32,
    /// Whose it is.
    pub who: Who,
    /// The month in which it was given out.
    pub month: Month,
    /// レセプト番号, '' where it has none.
    pub claim: String,
    /// レセ電 code, '' where a row only takes its claim back.
    pub drug: String,
    /// How it is taken.
    pub form: Form,
    /// How much a day, or at a time, in thousandths of the price's unit.
    pub daily_milli: i64,
    /// For how many days, or times.
    pub count: i16,
    /// 負担割合 in tenths.
    pub rate: i16,
    /// By whom it was given out, '' where it is not given.
    pub pharmacy: String,
    /// True where it takes its claim back.
    pub withdrawn: bool,
}

/// A row of either kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Of 医療費通知.
    Cost(CostLine),
    /// Of ジェネリック差額明細.
    Medicine(MedicineLine),
}

impl Line {
    /// Where it stands in the file.
    pub fn line(&self) -> u32 {
        match self {
            Self::Cost(cost) => cost.line,
            Self::Medicine(medicine) => medicine.line,
        }
    }

    /// Whose it is.
    pub fn who(&self) -> &Who {
        match self {
            Self::Cost(cost) => &cost.who,
            Self::Medicine(medicine) => &medicine.who,
        }
    }

    /// The month of treatment.
    pub fn month(&self) -> Month {
        match self {
            Self::Cost(cost) => cost.month,
            Self::Medicine(medicine) => medicine.month,
        }
    }

    /// レセプト番号, '' where it has none.
    pub fn claim(&self) -> &str {
        match self {
            Self::Cost(cost) => &cost.claim,
            Self::Medicine(medicine) => &medicine.claim,
        }
    }

    /// True where it takes its claim back.
    pub fn withdrawn(&self) -> bool {
        match self {
            Self::Cost(cost) => cost.withdrawn,
            Self::Medicine(medicine) => medicine.withdrawn,
        }
    }

    /// 医療費の総額; none of medicines.
    pub fn yen(&self) -> i64 {
        match self {
            Self::Cost(cost) => cost.total.into(),
            Self::Medicine(_) => 0,
        }
    }
}

/// What rows of both kinds say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) line: u32,
    pub(crate) who: Who,
    pub(crate) month: Month,
    pub(crate) claim: String,
    pub(crate) withdrawn: bool,
}

/// One of the two formats: where it has what both have, and what else it has.
pub(crate) trait Format: Column {
    const LABEL: Self;
    const CLAIM: Self;
    const SYMBOL: Self;
    const NUMBER: Self;
    const BRANCH: Self;
    const PERSONAL_ID: Self;
    const BIRTH_DATE: Self;
    const MONTH: Self;
    const WITHDRAWN: Self;
    /// True where a claim is one row.
    const IS_A_CLAIM: bool;
    /// What else a row has.
    type Rest;

    /// Reads it; nothing, with the errors noted, where something is wrong. A row that takes its claim back may leave all
    /// of it blank.
    fn rest(row: &mut Row<'_, Self>, is_back: bool) -> Option<Self::Rest>;

    /// The whole row.
    fn line(head: Head, rest: Self::Rest) -> Line;
}

/// Whose a row is; nothing, with the errors noted, where something is wrong.
pub(crate) fn who<C: Format>(row: &mut Row<'_, C>) -> Option<Who> {
    let symbol = row.read(C::SYMBOL, |text| Symbol::parse(text).map(|symbol| symbol.to_string()));
    let number = row.read(C::NUMBER, |text| {
        blank_or(text, String::new(), |text| {
            Number::parse(text).map(|number| number.to_string())
        })
    });
    let branch = row.read(C::BRANCH, |text| Branch::parse(text).map(|branch| branch.to_string()));
    let personal_id = row.read(C::PERSONAL_ID, code);
    let birth_date = row.read(C::BIRTH_DATE, dates::parse);
    if let (Some(""), Some("")) = (number.as_deref(), personal_id.as_deref()) {
        return refuse(row, C::NUMBER, &Reason::NoNumber);
    }
    Some(Who {
        symbol: symbol?,
        number: number?,
        branch: branch?,
        personal_id: personal_id?,
        birth_date: birth_date?,
    })
}

/// Notes what is wrong with what stands in a column though it could be read.
pub(crate) fn refuse<C: Format, T>(row: &mut Row<'_, C>, column: C, reason: &Reason) -> Option<T> {
    row.read(column, |_| Err(reason.clone()))
}

/// A code of at most 40 characters, in one width.
pub(crate) fn code(text: &str) -> Result<String, Fault> {
    texts::code(text, MAX_CODE)
}

/// A name as written, without what nobody sees: a direction mark would turn what stands behind it.
fn name(text: &str) -> Result<String, Fault> {
    texts::kanji(&text::written(text), MAX_NAME)
}

/// レセ電 code of a medicine: nine digits.
fn drug(text: &str) -> Result<String, Reason> {
    let code = text::normalize_dense(text);
    if code.is_empty() {
        Err(Fault::Empty.into())
    } else if code.len() == 9 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(code)
    } else {
        Err(Reason::Drug)
    }
}

/// What `parse` makes of a column; a row that takes its claim back may leave it blank.
fn required<C: Format, T: Clone>(
    row: &mut Row<'_, C>,
    column: C,
    (is_back, blank): (bool, T),
    parse: impl Fn(&str) -> Result<T, Reason>,
) -> Option<T> {
    row.read(column, |text| {
        if is_back {
            blank_or(text, blank.clone(), &parse)
        } else {
            parse(text)
        }
    })
}

impl Format for CostColumn {
    const LABEL: Self = Self::Label;
    const CLAIM: Self = Self::Claim;
    const SYMBOL: Self = Self::Symbol;
    const NUMBER: Self = Self::Number;
    const BRANCH: Self = Self::Branch;
    const PERSONAL_ID: Self = Self::PersonalId;
    const BIRTH_DATE: Self = Self::BirthDate;
    const MONTH: Self = Self::Month;
    const WITHDRAWN: Self = Self::Withdrawn;
    const IS_A_CLAIM: bool = true;
    type Rest = Cost;

    fn rest(row: &mut Row<'_, Self>, is_back: bool) -> Option<Cost> {
        let category = required(row, Self::Category, (is_back, Category::Other), Category::parse);
        let days = row.read(Self::Days, amount::days);
        let institution = row.read(Self::Institution, name);
        let total = required(row, Self::Total, (is_back, 0), amount::yen);
        let insurer = required(row, Self::Insurer, (is_back, 0), amount::yen);
        let copay = required(row, Self::Copay, (is_back, 0), amount::yen);
        let public = row.read(Self::Public, amount::optional_yen);
        let meal = row.read(Self::Meal, amount::optional_yen);
        let benefit = row.read(Self::Benefit, amount::optional_yen);
        Some(Cost {
            category: category?,
            days: days?,
            institution: institution?,
            total: total?,
            insurer: insurer?,
            public: public?,
            copay: copay?,
            meal: meal?,
            benefit: benefit?,
        })
    }

    fn line(head: Head, rest: Cost) -> Line {
        Line::Cost(CostLine {
            line: head.line,
            who: head.who,
            month: head.month,
            claim: head.claim,
            category: rest.category,
            days: rest.days,
            institution: rest.institution,
            total: rest.total,
            insurer: rest.insurer,
            public: rest.public,
            copay: rest.copay,
            meal: rest.meal,
            benefit: rest.benefit,
            withdrawn: head.withdrawn,
        })
    }
}

/// What a row of costs says besides.
pub(crate) struct Cost {
    category: Category,
    days: i16,
    institution: String,
    total: i32,
    insurer: i32,
    public: i32,
    copay: i32,
    meal: i32,
    benefit: i32,
}

impl Format for MedicineColumn {
    const LABEL: Self = Self::Label;
    const CLAIM: Self = Self::Claim;
    const SYMBOL: Self = Self::Symbol;
    const NUMBER: Self = Self::Number;
    const BRANCH: Self = Self::Branch;
    const PERSONAL_ID: Self = Self::PersonalId;
    const BIRTH_DATE: Self = Self::BirthDate;
    const MONTH: Self = Self::Month;
    const WITHDRAWN: Self = Self::Withdrawn;
    const IS_A_CLAIM: bool = false;
    type Rest = Medicine;

    fn rest(row: &mut Row<'_, Self>, is_back: bool) -> Option<Medicine> {
        let pharmacy = row.read(Self::Pharmacy, name);
        let form = required(row, Self::Form, (is_back, Form::Other), Form::parse);
        let drug = required(row, Self::Drug, (is_back, String::new()), drug);
        let daily_milli = required(row, Self::Daily, (is_back, 0), amount::milli);
        let count = required(row, Self::Count, (is_back, 0), amount::count);
        let rate = required(row, Self::Rate, (is_back, 0), amount::rate);
        Some(Medicine {
            pharmacy: pharmacy?,
            form: form?,
            drug: drug?,
            daily_milli: daily_milli?,
            count: count?,
            rate: rate?,
        })
    }

    fn line(head: Head, rest: Medicine) -> Line {
        Line::Medicine(MedicineLine {
            line: head.line,
            who: head.who,
            month: head.month,
            claim: head.claim,
            drug: rest.drug,
            form: rest.form,
            daily_milli: rest.daily_milli,
            count: rest.count,
            rate: rest.rate,
            pharmacy: rest.pharmacy,
            withdrawn: head.withdrawn,
        })
    }
}

/// What a row of medicines says besides.
pub(crate) struct Medicine {
    pharmacy: String,
    form: Form,
    drug: String,
    daily_milli: i64,
    count: i16,
    rate: i16,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row of costs: 総額, 保険者, 公費 and 窓口相当 in a month.
    pub(crate) fn cost(month: &str, [total, insurer, public, copay]: [i32; 4]) -> CostLine {
        CostLine {
            line: 2,
            who: Who {
                symbol: "公立-12".into(),
                number: "0034".into(),
                branch: "00".into(),
                personal_id: String::new(),
                birth_date: None,
            },
            month: Month::parse(month).unwrap(),
            claim: String::new(),
            category: Category::MedicalOut,
            days: 1,
            institution: "奈良診療所".into(),
            total,
            insurer,
            public,
            copay,
            meal: 0,
            benefit: 0,
            withdrawn: false,
        }
    }

    #[test]
    fn people_are_sought_by_the_keys_of_their_numbers() {
        let line = cost("2026-06", [0; 4]);
        let key = line.who.key(line.month);
        assert_eq!(
            (
                key.symbol_key.as_str(),
                key.number_key.as_str(),
                key.branch_key.as_str()
            ),
            ("公立-12", "34", "0")
        );
        assert_eq!(key.month, line.month.first());
        let nobody = Who {
            symbol: String::new(),
            number: String::new(),
            branch: String::new(),
            personal_id: "A1".into(),
            birth_date: None,
        };
        let key = nobody.key(line.month);
        assert_eq!(
            (
                key.number_key.as_str(),
                key.branch_key.as_str(),
                key.personal_id.as_str()
            ),
            ("", "", "A1")
        );
    }

    #[test]
    fn a_row_that_waits_is_the_same_when_it_is_read_again() {
        let line = Line::Cost(cost("2026-06", [1_000, 700, 0, 300]));
        let kept = serde_json::to_vec(&line).unwrap();
        assert_eq!(serde_json::from_slice::<Line>(&kept).unwrap(), line);
    }

    #[test]
    fn a_medicines_code_has_nine_digits() {
        assert_eq!(drug("６２０００１２３４").as_deref(), Ok("620001234"));
        for text in ["62000123", "6200012345", "62000123A"] {
            assert_eq!(drug(text), Err(Reason::Drug), "{text}");
        }
        assert_eq!(drug(" "), Err(Fault::Empty.into()));
    }
}
