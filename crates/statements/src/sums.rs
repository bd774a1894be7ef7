//! What rows come to. Nothing is looked up here: whatever rows somebody may see, these are their sums.

use crate::{
    category::Category,
    month::{Month, Months},
    published::Published,
    view::Cost,
};
use diesel::{QueryableByName, sql_types::BigInt};
use kernel::PersonId;
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    iter::Sum,
    ops::AddAssign,
};

/// The amounts of a row, or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Yen {
    /// 医療費の総額.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    /// 保険者の負担額.
    #[diesel(sql_type = BigInt)]
    pub insurer: i64,
    /// 公費の負担額.
    #[diesel(sql_type = BigInt)]
    pub public: i64,
    /// 窓口相当負担額.
    #[diesel(sql_type = BigInt)]
    pub copay: i64,
    /// 標準負担額（食事）.
    #[diesel(sql_type = BigInt)]
    pub meal: i64,
    /// 支給額（高額療養費・付加金）: of the row's own person, never of several together.
    #[diesel(sql_type = BigInt)]
    pub benefit: i64,
}

impl Yen {
    /// What was paid at the desk, the meals included.
    pub fn paid(&self) -> i64 {
        self.copay + self.meal
    }

    /// True of what takes something back.
    fn is_negative(&self) -> bool {
        let amounts = [
            self.total,
            self.insurer,
            self.public,
            self.copay,
            self.meal,
            self.benefit,
        ];
        amounts.iter().any(|yen| *yen < 0)
    }
}

impl AddAssign for Yen {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.insurer += other.insurer;
        self.public += other.public;
        self.copay += other.copay;
        self.meal += other.meal;
        self.benefit += other.benefit;
    }
}

impl Sum for Yen {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        let mut sum = Self::default();
        for yen in amounts {
            sum += yen;
        }
        sum
    }
}

/// Rows as they are shown. Where a core gives no レセプト番号 it corrects by a row that takes the old one back and a new one: of one
/// person, month, category and institution such rows are one, in the place of the first, and none where nothing is left of them.
pub fn shown(rows: Vec<Cost>) -> Vec<Cost> {
    let mut shown: Vec<Cost> = Vec::with_capacity(rows.len());
    let mut places = HashMap::new();
    for mut row in rows {
        if !row.claim.is_empty() {
            shown.push(row);
            continue;
        }
        if row.yen.is_negative() {
            row.days = row.days.saturating_neg();
            row.is_correction = true;
        }
        match places.entry((row.person, row.month, row.category, row.institution.clone())) {
            Entry::Vacant(place) => {
                place.insert(shown.len());
                shown.push(row);
            }
            Entry::Occupied(place) => {
                if let Some(first) = shown.get_mut(*place.get()) {
                    first.yen += row.yen;
                    first.days = first.days.saturating_add(row.days);
                    first.is_correction |= row.is_correction;
                }
            }
        }
    }
    shown.retain(|row| !row.claim.is_empty() || row.yen != Yen::default());
    for row in &mut shown {
        row.days = row.days.max(0);
    }
    shown
}

/// Months of which there are rows, the newest first.
pub fn by_month(rows: &[Cost]) -> Vec<(Month, Yen)> {
    let mut months: BTreeMap<Month, Yen> = BTreeMap::new();
    for row in rows {
        *months.entry(row.month).or_default() += row.yen;
    }
    months.into_iter().rev().collect()
}

/// 月遅れ: delivered later than what was treated in its month is.
pub fn is_late(row: &Cost, arrives_after: u32) -> bool {
    row.label.back(arrives_after) > row.month
}

/// By what the tax office counts (医療費の区分 of 医療費控除の明細書).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// 診療・治療, 施術 and 訪問看護 among it.
    Treatment,
    /// 医薬品購入.
    Medicine,
    /// その他の医療費: 装具 and whatever insurers call その他.
    Other,
}

impl Purpose {
    /// What a category counts as.
    pub fn of(category: Category) -> Self {
        match category {
            Category::MedicalIn
            | Category::MedicalOut
            | Category::DentalIn
            | Category::DentalOut
            | Category::HomeNursing
            | Category::Judo
            | Category::Acupuncture => Self::Treatment,
            Category::Pharmacy => Self::Medicine,
            Category::Appliance | Category::Other => Self::Other,
        }
    }

    /// As the form has it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Treatment => "診療・治療",
            Self::Medicine => "医薬品購入",
            Self::Other => "その他の医療費",
        }
    }
}

/// What a tax return asks of a year of treatment (所得税法施行規則; 国税庁タックスアンサー No.1119).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxYear {
    /// ① What was paid, the meals included, where the institution is known.
    pub with_institution: i64,
    /// ② The same where it isn't: one of the six items that a return needs is missing.
    pub without: i64,
    /// ③ 支給額: what was compensated, to go by; it is never subtracted.
    pub benefits: i64,
    /// By person and institution, as the form asks; ① and ② are their sum.
    pub groups: Vec<TaxGroup>,
    /// Months of the year that have not come in.
    pub missing: Vec<Month>,
}

/// A line of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxGroup {
    /// 医療を受けた方.
    pub person: PersonId,
    /// 病院・薬局などの名称; empty where nobody knows.
    pub institution: String,
    /// 医療費の区分.
    pub purpose: Purpose,
    /// 支払った医療費の額.
    pub paid: i64,
    /// 補てんされる金額.
    pub benefit: i64,
}

/// The tax year of rows, those of other years left out.
pub fn tax_year(rows: &[Cost], year: i32, arrived: &Published, arrives_after: u32) -> TaxYear {
    let months = Months::year(year);
    let mut lines: BTreeMap<(PersonId, &str, Purpose), Yen> = BTreeMap::new();
    for row in rows.iter().filter(|row| months.contains(row.month)) {
        let line = (row.person, row.institution.as_str(), Purpose::of(row.category));
        *lines.entry(line).or_default() += row.yen;
    }
    let groups = lines.into_iter().map(|((person, institution, purpose), yen)| TaxGroup {
        person,
        institution: institution.to_owned(),
        purpose,
        paid: yen.paid(),
        benefit: yen.benefit,
    });
    let groups: Vec<TaxGroup> = groups.filter(|group| group.paid != 0 || group.benefit != 0).collect();
    let paid = |is_known: bool| {
        let lines = groups.iter().filter(|group| group.institution.is_empty() != is_known);
        lines.map(|group| group.paid).sum()
    };
    TaxYear {
        with_institution: paid(true),
        without: paid(false),
        benefits: groups.iter().map(|group| group.benefit).sum(),
        missing: months
            .all()
            .filter(|month| !arrived.has_arrived(*month, arrives_after))
            .collect(),
        groups,
    }
}

#[cfg(test)]
mod tests;
