//! What a brand could be exchanged for.

use crate::drugs::{Class, Drug};
use chrono::NaiveDate;
use std::collections::HashSet;
use tenancy::{MedicineClasses, SavingBasis};

/// How many candidates are shown (domain.md §6).
pub const SHOWN: usize = 3;

/// What may be given in a drug's place: generics of the same 成分, 剤形 and 規格 that are in force on a day and cheaper, by price,
/// then name. Only a brand that has generics (2 of 厚労省's 薬価基準収載品目リスト) has them: ☆ is no dearer than its generics, and ★, a generic
/// as dear as its brand, is none to be proposed. Of an excluded 薬効分類 there are none.
pub fn candidates<'a>(
    of: &Drug,
    among: impl IntoIterator<Item = &'a Drug>,
    day: NaiveDate,
    excluded: MedicineClasses,
) -> Vec<&'a Drug> {
    if of.class != Class::Brand || of.strength().is_empty() || excluded.has(&of.price_code) {
        return Vec::new();
    }
    let may_replace = |other: &&Drug| {
        other.class == Class::Generic
            && other.strength() == of.strength()
            && other.is_in_force(day)
            && other.price_sen < of.price_sen
    };
    let mut candidates: Vec<&Drug> = among.into_iter().filter(may_replace).collect();
    candidates.sort_by(|a, b| (a.price_sen, &a.name, &a.code).cmp(&(b.price_sen, &b.name, &b.code)));
    // Makers of what is listed by its ingredient share its code: they are one thing to choose, by the name that is all of theirs.
    let mut listed = HashSet::new();
    candidates.retain(|drug| listed.insert(drug.price_code.as_str()));
    candidates
}

/// Against which of all candidates a saving is reckoned: the cheapest, so that it is 「最大」, or the dearest, 「少なくとも」.
pub fn counted<'a>(candidates: &[&'a Drug], basis: SavingBasis) -> Option<&'a Drug> {
    match basis {
        SavingBasis::Most => candidates.first().copied(),
        SavingBasis::Least => candidates.last().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drugs::tests::drug;
    use proptest::prelude::*;

    const NONE: [u16; 0] = [];

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 6, 1).unwrap()
    }

    fn excluding(digits: &[u16]) -> MedicineClasses {
        MedicineClasses::of(digits).unwrap()
    }

    fn codes(of: &Drug, among: &[Drug]) -> Vec<String> {
        let found = candidates(of, among, day(), excluding(&NONE));
        found.iter().map(|drug| drug.code.clone()).collect()
    }

    #[test]
    fn candidates_are_cheaper_generics_of_the_same_strength_by_price_and_name() {
        let brand = drug("999000001", "9990001F1024", Class::Brand, 10_000);
        let mut among = vec![
            brand.clone(),
            drug("999000011", "9990001F1032", Class::Generic, 5_000),
            drug("999000012", "9990001F1040", Class::Generic, 4_000),
            drug("999000013", "9990001F1059", Class::Generic, 4_000),
            drug("999000014", "9990001F1067", Class::Generic, 9_999),
            // As dear, dearer, of another strength, an OD錠, and of the other classes.
            drug("999000015", "9990001F1075", Class::Generic, 10_000),
            drug("999000016", "9990001F1083", Class::Generic, 12_000),
            drug("999000017", "9990001F2020", Class::Generic, 100),
            drug("999000018", "9990001G1020", Class::Generic, 100),
            drug("999000019", "9990001F1091", Class::GenericNoCheaper, 100),
            drug("999000020", "9990001F1105", Class::NoGeneric, 100),
            drug("999000021", "9990001F1113", Class::Unknown, 100),
        ];
        among[2].name = "試薬い".into();
        among[3].name = "試薬あ".into();
        assert_eq!(
            codes(&brand, &among),
            ["999000013", "999000012", "999000011", "999000014"]
        );
        let all = candidates(&brand, &among, day(), excluding(&NONE));
        assert_eq!(counted(&all, SavingBasis::Most).map(|drug| drug.price_sen), Some(4_000));
        assert_eq!(
            counted(&all, SavingBasis::Least).map(|drug| drug.price_sen),
            Some(9_999)
        );
        assert_eq!(counted(&[], SavingBasis::Most), None);
    }

    #[test]
    fn only_a_brand_with_generics_has_candidates() {
        let generic = drug("999000011", "9990001F1032", Class::Generic, 1_000);
        for class in Class::ALL {
            let of = drug("999000001", "9990001F1024", class, 10_000);
            let has = !codes(&of, std::slice::from_ref(&generic)).is_empty();
            assert_eq!(has, class == Class::Brand, "{class:?}");
        }
        // Without 薬価基準コード nobody knows what is alike.
        let of = drug("999000001", "", Class::Brand, 10_000);
        assert!(codes(&of, &[drug("999000011", "", Class::Generic, 1)]).is_empty());
    }

    #[test]
    fn what_has_ended_or_not_begun_is_no_candidate() {
        let brand = drug("999000001", "9990001F1024", Class::Brand, 10_000);
        let mut generic = drug("999000011", "9990001F1032", Class::Generic, 1_000);
        generic.ends_on = day().pred_opt();
        assert!(codes(&brand, std::slice::from_ref(&generic)).is_empty());
        generic.ends_on = Some(day());
        assert_eq!(codes(&brand, std::slice::from_ref(&generic)).len(), 1);
        generic.valid_from = day().succ_opt().unwrap();
        assert!(codes(&brand, std::slice::from_ref(&generic)).is_empty());
    }

    #[test]
    fn an_excluded_class_is_never_proposed() {
        let brand = drug("999000001", "1179001F1024", Class::Brand, 10_000);
        let generic = drug("999000011", "1179001F1032", Class::Generic, 1_000);
        let among = [generic];
        assert_eq!(candidates(&brand, &among, day(), excluding(&[42])).len(), 1);
        assert!(candidates(&brand, &among, day(), excluding(&[42, 117])).is_empty());
    }

    proptest! {
        #[test]
        fn candidates_are_never_dearer_and_stand_by_price(
            price in 0i64..100_000,
            others in proptest::collection::vec((0usize..6, 0i64..100_000, 0u8..3), 0..20),
        ) {
            let of = drug("999000001", "9990001F1024", Class::Brand, price);
            let others: Vec<Drug> = others
                .iter()
                .enumerate()
                .map(|(nth, (class, price, strength))| {
                    drug(&format!("{}", 999_000_100 + nth), &format!("9990001F{strength}024"), Class::ALL[*class], *price)
                })
                .collect();
            let found = candidates(&of, &others, day(), excluding(&NONE));
            prop_assert!(found.iter().all(|drug| drug.price_sen < price && drug.class == Class::Generic));
            prop_assert!(found.is_sorted_by_key(|drug| drug.price_sen));
        }
    }
}
