//! 使用率: how much of what somebody takes, and could take as a generic, is one.

use crate::{drugs::Class, reckon::Taken};
use serde::Serialize;
use std::fmt;

/// A share in thousandths, 0–1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PerMille(u16);

impl PerMille {
    /// Thousandths.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// In per cent with one decimal: 77.5%.
impl fmt::Display for PerMille {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}%", self.0 / 10, self.0 % 10)
    }
}

/// 後発医薬品 ÷ (後発医薬品のある先発医薬品 + 後発医薬品), by quantity in 薬価基準の規格単位 (調剤医療費の動向's definition, 新指標), half a thousandth up. ☆,
/// ★, what has no generics and what the list says nothing of count in neither. None where nothing counts: a share of nothing is
/// not 0 %. It can fall though nobody takes anything else, where new generics are listed (domain.md §6).
pub fn usage(taken: impl IntoIterator<Item = Taken>) -> Option<PerMille> {
    let (mut generic, mut brand) = (0u128, 0u128);
    for taken in taken {
        let daily = u128::try_from(taken.daily_milli).unwrap_or_default();
        let quantity = daily * u128::try_from(taken.count).unwrap_or_default();
        match taken.class {
            Class::Generic => generic += quantity,
            Class::Brand => brand += quantity,
            Class::Unknown | Class::NoGeneric | Class::BrandNoDearer | Class::GenericNoCheaper => {}
        }
    }
    let all = generic + brand;
    let thousandths = (generic * 2_000 + all).checked_div(all * 2)?;
    u16::try_from(thousandths).ok().map(PerMille)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Form;
    use proptest::prelude::*;

    fn taken(class: Class, daily_milli: i64, count: i16) -> Taken {
        Taken {
            class,
            form: Form::Oral,
            daily_milli,
            count,
            saving_yen: 0,
        }
    }

    #[test]
    fn the_share_is_of_what_has_generics_by_quantity() {
        let (generic, brand) = (taken(Class::Generic, 4_000, 31), taken(Class::Brand, 3_000, 12));
        assert_eq!(usage([generic, brand]).unwrap().to_string(), "77.5%");
        let others = [
            Class::Unknown,
            Class::NoGeneric,
            Class::BrandNoDearer,
            Class::GenericNoCheaper,
        ];
        let beside = others.map(|class| taken(class, 9_000, 90));
        let all = usage([generic, brand].into_iter().chain(beside));
        assert_eq!(all, usage([generic, brand]));
        assert_eq!(usage(beside), None);
        assert_eq!(usage([]), None);
        assert_eq!(usage([generic]).unwrap().to_string(), "100.0%");
        assert_eq!(usage([brand]).unwrap().to_string(), "0.0%");
    }

    #[test]
    fn half_a_thousandth_is_rounded_up() {
        let of = |generic, brand| usage([taken(Class::Generic, generic, 1), taken(Class::Brand, brand, 1)]);
        assert_eq!(of(1, 1_999).unwrap().get(), 1);
        assert_eq!(of(1, 2_000).unwrap().get(), 0);
        assert_eq!(of(1_999, 1).unwrap().get(), 1_000);
        assert_eq!(of(824, 176).unwrap().to_string(), "82.4%");
    }

    proptest! {
        #[test]
        fn a_share_is_none_or_within_a_thousand(
            lines in proptest::collection::vec((0usize..6, any::<i64>(), any::<i16>()), 0..30),
        ) {
            let lines = lines.into_iter().map(|(class, daily, count)| taken(Class::ALL[class], daily, count));
            if let Some(share) = usage(lines) {
                prop_assert!(share.get() <= 1_000);
            }
        }
    }
}
