//! What is chosen on a page of files, and the lines of each file.

use crate::{
    Kind,
    household::OneOf,
    statement::{
        medicine::{Words, decimal},
        month_words, name,
    },
    sums::{Purpose, TaxGroup},
    view::{Cost, Medicine},
};
use kernel::{Field, FieldError, Problem, Refusal};
use pages::forms::Form;
use tabular::Written;

const YEAR: Field = Field::new("year", "年");
const FILE: Field = Field::new("file", "ファイルの種類");

/// The rows, by the names that マイナポータル has for them.
const ROWS: [&str; 11] = [
    "受診者",
    "診療年月",
    "診療区分",
    "日数（回数）",
    "医療機関等名称",
    "医療費の総額（円）",
    "保険者の負担額（円）",
    "その他の公費の負担額（円）",
    "窓口相当負担額（円）",
    "標準負担額（円）",
    "支給額（円）",
];
/// The columns of the tax office's 医療費集計フォーム, in its order.
const SUMS: [&str; 9] = [
    "医療を受けた人",
    "病院・薬局などの名称",
    "診療・治療",
    "医薬品購入",
    "介護保険サービス",
    "その他の医療費",
    "支払った医療費の金額",
    "左のうち補填される金額",
    "支払年月日",
];
/// The medicines, with what could be taken instead.
const MEDICINES: [&str; 17] = [
    "受診者",
    "お薬を受け取った月",
    "薬局等名称",
    "剤形区分",
    "お薬の名称",
    "医薬品コード",
    "1日量（1回量）",
    "単位",
    "日数（回数）",
    "今の自己負担（円）",
    "特別の料金のめやす（円）",
    "候補1",
    "候補1の削減可能金額（円）",
    "候補2",
    "候補2の削減可能金額（円）",
    "候補3",
    "候補3の削減可能金額（円）",
];
/// How the tax office's kinds are ticked.
const TICK: &str = "該当する";

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Row by row.
    Rows,
    /// Sums for the tax return.
    Sums,
    /// Medicine by medicine.
    Medicines,
}

impl Which {
    /// Those of a kind.
    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Costs => &[Self::Rows, Self::Sums],
            Kind::Medicines => &[Self::Medicines],
        }
    }

    /// The word in the form and in the trail.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Sums => "sums",
            Self::Medicines => "medicines",
        }
    }

    /// As people choose it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Rows => "明細（受診ごとの金額）",
            Self::Sums => "確定申告用（国税庁の医療費集計フォームと同じ列の順）",
            Self::Medicines => "明細（お薬ごとの金額と切り替えの候補）",
        }
    }

    /// What its columns are called.
    pub(super) fn header(self) -> &'static [&'static str] {
        match self {
            Self::Rows => &ROWS,
            Self::Sums => &SUMS,
            Self::Medicines => &MEDICINES,
        }
    }

    /// What the trail calls taking it.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Rows | Self::Sums => "costs.export",
            Self::Medicines => "medicines.export",
        }
    }

    fn read(kind: Kind, word: &str) -> Option<Self> {
        Self::of(kind).iter().copied().find(|which| which.as_str() == word)
    }
}

/// A file that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// Of which year of treatment.
    pub(super) year: i32,
    /// Which.
    pub(super) which: Which,
}

impl Wish {
    /// Reads the form: a year that is offered, and one of the files.
    pub(super) fn read(form: &Form, kind: Kind, years: &[i32]) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        let year = chosen(years, form.text("year")).ok_or(Problem::NotAChoice);
        let year = FieldError::gather(YEAR, year, &mut errors);
        let which = Which::read(kind, form.text("file")).ok_or(Problem::NotAChoice);
        let which = FieldError::gather(FILE, which, &mut errors);
        match (year, which) {
            (Some(year), Some(which)) => Ok(Self { year, which }),
            _ => Err(Refusal::fields(errors)),
        }
    }

    /// The file's name.
    pub(super) fn name(self) -> String {
        let what = match self.which {
            Which::Rows => "医療費の明細",
            Which::Sums => "医療費集計フォーム用",
            Which::Medicines => "お薬の明細",
        };
        format!("{what}{}年.csv", self.year)
    }
}

fn chosen(years: &[i32], word: &str) -> Option<i32> {
    years.iter().copied().find(|year| year.to_string() == word)
}

/// What the page offers, with what is chosen.
pub(super) struct Offered {
    /// The newest first.
    pub(super) years: Vec<i32>,
    pub(super) year: i32,
    pub(super) files: Vec<Which>,
    pub(super) which: Which,
}

impl Offered {
    /// None where there is no year.
    pub(super) fn of(kind: Kind, years: Vec<i32>, form: &Form) -> Option<Self> {
        let (newest, files) = (*years.first()?, Which::of(kind));
        Some(Self {
            year: chosen(&years, form.text("year")).unwrap_or(newest),
            which: Which::read(kind, form.text("file")).or(files.first().copied())?,
            files: files.to_vec(),
            years,
        })
    }
}

/// The lines of the rows.
pub(super) fn rows(rows: Vec<Cost>, people: &[OneOf]) -> Vec<Vec<u8>> {
    let line = |row: Cost| {
        let yen = row.yen;
        let amounts = [yen.total, yen.insurer, yen.public, yen.copay, yen.meal, yen.benefit];
        let [total, insurer, public, copay, meal, benefit] = amounts.map(|amount| amount.to_string());
        Written::Utf8.line(&[
            name(people, row.person),
            &month_words(row.month),
            row.category.label(),
            &row.days.to_string(),
            &row.institution,
            &total,
            &insurer,
            &public,
            &copay,
            &meal,
            &benefit,
        ])
    };
    rows.into_iter().map(line).collect()
}

/// The lines of the sums. When something was paid nobody knows here, and the form doesn't ask for it; without an institution's
/// name the line stands all the same, for whoever has the receipt.
pub(super) fn sums(groups: Vec<TaxGroup>, people: &[OneOf]) -> Vec<Vec<u8>> {
    let line = |group: TaxGroup| {
        let tick = |purpose| if group.purpose == purpose { TICK } else { "" };
        Written::Utf8.line(&[
            name(people, group.person),
            &group.institution,
            tick(Purpose::Treatment),
            tick(Purpose::Medicine),
            "",
            tick(Purpose::Other),
            &group.paid.to_string(),
            &group.benefit.to_string(),
            "",
        ])
    };
    groups.into_iter().map(line).collect()
}

/// The lines of medicines. Where there are fewer candidates the last cells are empty.
pub(super) fn medicines(rows: &[Medicine], words: &Words<'_>) -> Vec<Vec<u8>> {
    let line = |row: &Medicine| {
        let mut cells = vec![
            words.who(row).to_owned(),
            month_words(row.month),
            row.pharmacy.clone(),
            row.form.label().to_owned(),
            words.name(row),
            row.drug.clone(),
            decimal(row.daily_milli),
            words.unit(row).to_owned(),
            row.count.to_string(),
            words.share(row).map(|yen| yen.to_string()).unwrap_or_default(),
            row.charge.to_string(),
        ];
        let candidates = words.candidates(row).into_iter();
        cells.extend(candidates.flat_map(|other| [other.name, other.saving.to_string()]));
        cells.resize(MEDICINES.len(), String::new());
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        Written::Utf8.line(&cells)
    };
    rows.iter().map(line).collect()
}
