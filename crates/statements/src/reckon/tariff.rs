//! A month's master made ready to reckon many rows by.

use crate::{
    category::Form,
    drugs::{Class, Drug},
    reckon::{candidates, charge_yen, counted, saving_yen},
};
use chrono::NaiveDate;
use std::collections::HashMap;
use tenancy::GenericSettings;

/// What a row of a medicine comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reckoned {
    /// 後発区分.
    pub class: Class,
    /// What the counted candidate would save; 0 without one.
    pub saving_yen: i32,
    /// 特別の料金.
    pub charge_yen: i32,
}

/// Of each code what its rows are reckoned by, and no more: a file may need many months'.
#[derive(Debug, Clone, Default)]
pub struct Tariff(HashMap<u32, Rate>);

#[derive(Debug, Clone, Copy)]
struct Rate {
    class: Class,
    /// By how much the counted candidate is cheaper.
    gap_sen: i64,
    charge_sen: i64,
}

impl Tariff {
    /// Of a master, on the first day of a month. Codes that are no number are left out.
    pub fn of(master: &[Drug], day: NaiveDate, settings: &GenericSettings) -> Self {
        let mut generics = HashMap::<&str, Vec<&Drug>>::new();
        for drug in master.iter().filter(|drug| drug.class == Class::Generic) {
            generics.entry(drug.strength()).or_default().push(drug);
        }
        let rate = |drug: &Drug| {
            let alike = generics.get(drug.strength()).into_iter().flatten().copied();
            let candidates = candidates(drug, alike, day, settings.exclude_classes);
            let candidate = counted(&candidates, settings.saving);
            Rate {
                class: drug.class,
                gap_sen: candidate.map_or(0, |candidate| drug.price_sen.saturating_sub(candidate.price_sen)),
                charge_sen: drug.charge_sen,
            }
        };
        let rates = master
            .iter()
            .filter_map(|drug| Some((drug.code.parse().ok()?, rate(drug))));
        Self(rates.collect())
    }

    /// True of a code that the master has.
    pub fn has(&self, code: &str) -> bool {
        self.rate(code).is_some()
    }

    /// What a row comes to; nothing where the master hasn't its code.
    pub fn reckon(&self, code: &str, form: Form, daily_milli: i64, count: i16, rate: i16) -> Reckoned {
        self.rate(code).map_or_else(Reckoned::default, |of| Reckoned {
            class: of.class,
            saving_yen: saving_yen(of.gap_sen, 0, daily_milli, count, rate),
            charge_yen: charge_yen(of.charge_sen, form, daily_milli, count),
        })
    }

    fn rate(&self, code: &str) -> Option<&Rate> {
        self.0.get(&code.parse().ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drugs::tests::drug;
    use tenancy::SavingBasis;

    #[test]
    fn a_row_is_reckoned_against_the_cheapest_or_the_dearest_candidate() {
        let mut chosen = drug("999000002", "9990001F1024", Class::Brand, 8_500);
        chosen.charge_sen = 1_500;
        let master = [
            drug("999000001", "9990001F1024", Class::Brand, 10_000),
            chosen,
            drug("999000011", "9990001F1032", Class::Generic, 4_000),
            drug("999000012", "9990001F1040", Class::Generic, 7_000),
        ];
        let day = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
        let reckoned = |code, saving| {
            let settings = GenericSettings {
                saving,
                ..GenericSettings::default()
            };
            Tariff::of(&master, day, &settings).reckon(code, Form::Oral, 2_000, 30, 3)
        };
        let of = |class, saving_yen, charge_yen| Reckoned {
            class,
            saving_yen,
            charge_yen,
        };
        assert_eq!(reckoned("999000001", SavingBasis::Most), of(Class::Brand, 1_080, 0));
        assert_eq!(reckoned("999000001", SavingBasis::Least), of(Class::Brand, 540, 0));
        // Chosen against a generic: the same 薬価基準コード, a brand in the rate, and paid extra for.
        assert_eq!(reckoned("999000002", SavingBasis::Most), of(Class::Brand, 810, 990));
        assert_eq!(reckoned("999000011", SavingBasis::Most), of(Class::Generic, 0, 0));
        assert_eq!(reckoned("999000099", SavingBasis::Most), Reckoned::default());
        assert_eq!(reckoned("", SavingBasis::Most), Reckoned::default());
    }
}
