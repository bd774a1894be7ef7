//! What a new master changes against the one that is in force on its first day.

use crate::drugs::{Class, Drug};
use std::collections::{BTreeMap, HashMap};

/// How many drugs differ, and in what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Difference {
    pub(crate) new: u64,
    pub(crate) gone: u64,
    pub(crate) dearer: u64,
    pub(crate) cheaper: u64,
    /// Whose 特別の料金 is another.
    pub(crate) charged: u64,
    /// In their name, unit, code of the price list or last day.
    pub(crate) otherwise: u64,
    /// From which class to which.
    pub(crate) classes: BTreeMap<(Class, Class), u64>,
}

impl Difference {
    /// Of two masters.
    pub(crate) fn of(before: &[Drug], after: &[Drug]) -> Self {
        let mut left: HashMap<&str, &Drug> = before.iter().map(|drug| (drug.code.as_str(), drug)).collect();
        let mut difference = Self::default();
        for drug in after {
            match left.remove(drug.code.as_str()) {
                Some(earlier) => difference.add(earlier, drug),
                None => difference.new += 1,
            }
        }
        difference.gone = left.len() as u64;
        difference
    }

    fn add(&mut self, earlier: &Drug, drug: &Drug) {
        self.dearer += u64::from(drug.price_sen > earlier.price_sen);
        self.cheaper += u64::from(drug.price_sen < earlier.price_sen);
        self.charged += u64::from(drug.charge_sen != earlier.charge_sen);
        if drug.class != earlier.class {
            *self.classes.entry((earlier.class, drug.class)).or_default() += 1;
        }
        let is_otherwise = drug.name != earlier.name
            || drug.unit != earlier.unit
            || drug.price_code != earlier.price_code
            || drug.ends_on != earlier.ends_on;
        self.otherwise += u64::from(is_otherwise);
    }

    /// True where nothing differs.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drugs::tests::drug;

    #[test]
    fn what_differs_is_counted_by_what_it_is() {
        let plain = |code: &str| drug(code, "9990001F1024", Class::Brand, 1_000);
        let before = ["999000001", "999000002", "999000003", "999000004"].map(plain);
        let mut after = before.clone();
        after[0].price_sen = 900;
        after[0].class = Class::BrandNoDearer;
        after[1].price_sen = 1_100;
        after[1].charge_sen = 5;
        after[2].unit = "カプセル".into();
        after[3].code = "999000005".into();
        let difference = Difference::of(&before, &after);
        let expected = Difference {
            new: 1,
            gone: 1,
            dearer: 1,
            cheaper: 1,
            charged: 1,
            otherwise: 1,
            classes: [((Class::Brand, Class::BrandNoDearer), 1)].into(),
        };
        assert_eq!(difference, expected);
        assert!(Difference::of(&before, &before).is_none());
        // A master of another day says the same.
        after = before.clone();
        after[0].valid_from = after[0].valid_from.succ_opt().unwrap();
        assert!(Difference::of(&before, &after).is_none());
    }
}
