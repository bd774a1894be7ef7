//! A row of treatment as pages write it.

use super::{name, yen};
use crate::{Category, household::OneOf, sums, view::Cost};

/// A row in words.
pub(crate) struct Line {
    /// 受診者.
    pub(crate) who: String,
    /// 診療区分.
    pub(crate) category: &'static str,
    /// 医療機関等; empty where the file names none.
    pub(crate) institution: String,
    /// 「3日」; empty where the file doesn't say.
    pub(crate) days: String,
    /// 医療費の総額.
    pub(crate) total: String,
    /// 保険者の負担.
    pub(crate) insurer: String,
    /// 公費の負担.
    pub(crate) public: String,
    /// 窓口負担.
    pub(crate) copay: String,
    /// 食事の標準負担額, where there is any.
    pub(crate) meal: Option<String>,
    /// 支給額, where there is any.
    pub(crate) benefit: Option<String>,
    /// 訂正.
    pub(crate) is_correction: bool,
    /// 遅れて届いた分.
    pub(crate) is_late: bool,
}

impl Line {
    /// Of a row, where rows usually arrive so many months after treatment.
    pub(crate) fn new(row: &Cost, people: &[OneOf], arrives_after: u32) -> Self {
        // Pharmacies are paid by the prescription, not by the day.
        let unit = if row.category == Category::Pharmacy {
            "回"
        } else {
            "日"
        };
        let some = |amount: i64| (amount != 0).then(|| yen(amount));
        Self {
            who: name(people, row.person).to_owned(),
            category: row.category.label(),
            institution: row.institution.clone(),
            days: if row.days == 0 {
                String::new()
            } else {
                format!("{}{unit}", row.days)
            },
            total: yen(row.yen.total),
            insurer: yen(row.yen.insurer),
            public: yen(row.yen.public),
            copay: yen(row.yen.copay),
            meal: some(row.yen.meal),
            benefit: some(row.yen.benefit),
            is_correction: row.is_correction,
            // What stands in the place of an earlier row came when that did.
            is_late: !row.is_correction && sums::is_late(row, arrives_after),
        }
    }

    /// True where the file names no institution.
    pub(crate) fn is_nameless(&self) -> bool {
        self.institution.is_empty()
    }
}
