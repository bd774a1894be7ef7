//! A row of medicines as pages and files write it.

use super::{name, yen};
use crate::{
    Form,
    drugs::{self, Drug, Known},
    generic_use::Savings,
    household::OneOf,
    reckon::{saving_yen, share_yen},
    view::Medicine,
};
use database::{DatabaseError, TenantTransaction};
use tenancy::GenericSettings;

/// What is needed to write rows besides them.
pub(crate) struct Words<'a> {
    pub(crate) people: &'a [OneOf],
    pub(crate) known: &'a Known,
    pub(crate) savings: &'a Savings,
    pub(crate) settings: &'a GenericSettings,
}

/// What rows are of, in one statement.
pub(crate) async fn known(tx: &TenantTransaction, rows: &[Medicine]) -> Result<Known, DatabaseError> {
    let asked: Vec<_> = rows.iter().map(|row| (row.month, row.drug.as_str())).collect();
    drugs::of(tx, &asked).await
}

/// What could be taken instead.
pub(crate) struct Candidate {
    pub(crate) name: String,
    /// What it would save.
    pub(crate) saving: i32,
}

impl Words<'_> {
    pub(crate) fn who(&self, row: &Medicine) -> &str {
        name(self.people, row.person)
    }

    /// What it is called.
    pub(crate) fn name(&self, row: &Medicine) -> String {
        self.known.name(row.month, &row.drug)
    }

    /// What its price is for; empty of what nobody knows.
    pub(crate) fn unit(&self, row: &Medicine) -> &str {
        self.drug(row).map_or("", |drug| drug.unit.as_str())
    }

    /// What it cost whoever took it, by its price alone; none of what nobody knows.
    pub(crate) fn share(&self, row: &Medicine) -> Option<i32> {
        let drug = self.drug(row)?;
        Some(share_yen(drug.price_sen, row.daily_milli, row.count, row.rate))
    }

    /// The cheapest first, where they are proposed.
    pub(crate) fn candidates(&self, row: &Medicine) -> Vec<Candidate> {
        let Some(drug) = self.drug(row).filter(|_| self.savings.proposes(row)) else {
            return Vec::new();
        };
        let candidate = |other: &Drug| Candidate {
            name: other.shown_name(),
            saving: saving_yen(drug.price_sen, other.price_sen, row.daily_milli, row.count, row.rate),
        };
        let others = self.known.candidates(row.month, &row.drug, self.settings);
        others.into_iter().map(candidate).collect()
    }

    fn drug(&self, row: &Medicine) -> Option<&Drug> {
        self.known.drug(row.month, &row.drug)
    }
}

/// A row in words.
pub(crate) struct Line {
    /// 受診者.
    pub(crate) who: String,
    /// The medicine.
    pub(crate) name: String,
    /// 薬局等; empty where the file names none.
    pub(crate) institution: String,
    /// 剤形区分.
    pub(crate) form: &'static str,
    /// 「60錠」.
    pub(crate) quantity: String,
    /// 「1日2錠を30日分」; empty of what isn't taken by the day or the time.
    pub(crate) dose: String,
    /// 今の自己負担, where it is known.
    pub(crate) share: Option<String>,
    /// 特別の料金, where there is any.
    pub(crate) charge: Option<String>,
    /// Names and 削減可能金額.
    pub(crate) candidates: Vec<(String, String)>,
}

impl Line {
    /// Of a row.
    pub(crate) fn new(row: &Medicine, words: &Words<'_>) -> Self {
        let (unit, count) = (words.unit(row), row.count);
        let daily = decimal(row.daily_milli);
        let candidate = |candidate: Candidate| (candidate.name, yen(candidate.saving.into()));
        Self {
            who: words.who(row).to_owned(),
            name: words.name(row),
            institution: row.pharmacy.clone(),
            form: row.form.label(),
            quantity: format!("{}{unit}", decimal(row.daily_milli.saturating_mul(count.into()))),
            dose: match row.form {
                Form::Oral => format!("1日{daily}{unit}を{count}日分"),
                Form::AsNeeded => format!("1回{daily}{unit}を{count}回分"),
                Form::Topical | Form::Injection | Form::Other => String::new(),
            },
            share: words.share(row).map(|share| yen(share.into())),
            charge: (row.charge != 0).then(|| yen(row.charge.into())),
            candidates: words.candidates(row).into_iter().map(candidate).collect(),
        }
    }

    /// True where the file names no pharmacy.
    pub(crate) fn is_nameless(&self) -> bool {
        self.institution.is_empty()
    }
}

/// Thousandths as they are written by hand: 0.5, 60.
pub(crate) fn decimal(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / 1_000, (milli % 1_000).abs());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_written_without_zeros_behind() {
        for (milli, text) in [
            (60_000, "60"),
            (500, "0.5"),
            (1_250, "1.25"),
            (5, "0.005"),
            (0, "0"),
            (100_000, "100"),
        ] {
            assert_eq!(decimal(milli), text);
        }
    }
}
