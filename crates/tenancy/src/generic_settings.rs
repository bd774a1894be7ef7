//! How an insurer proposes generics: from which saving on, what is never proposed, and which of several counts.

use crate::SavingBasis;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive};

/// What the savings of ジェネリック差額明細 go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenericSettings {
    /// What somebody saves in a month at the least for any of it to be proposed.
    pub min_month_yen: u32,
    /// What one medicine saves at the least.
    pub min_line_yen: u32,
    /// For how many days a medicine taken daily is given out at the least.
    pub min_days: u16,
    /// From which age on.
    pub min_age: u8,
    /// What is never proposed.
    pub exclude_classes: MedicineClasses,
    /// Against which of several generics a saving is reckoned.
    pub saving: SavingBasis,
}

impl GenericSettings {
    /// Of both least savings.
    pub const MIN_YEN: RangeInclusive<u32> = 0..=100_000;
    /// More days are in no prescription.
    pub const MIN_DAYS: RangeInclusive<u32> = 0..=180;
    /// Whoever is older is insured elsewhere.
    pub const MIN_AGE: RangeInclusive<u32> = 0..=75;
}

/// As most insurers notify: 300 yen a month, and neither cancer's medicines nor the mind's nor a virus's.
impl Default for GenericSettings {
    fn default() -> Self {
        Self {
            min_month_yen: 300,
            min_line_yen: 0,
            min_days: 0,
            min_age: 0,
            exclude_classes: MedicineClasses::USUAL,
            saving: SavingBasis::Most,
        }
    }
}

/// 薬効分類, by the first two to four digits that their medicines' 薬価基準コード have in common; twelve at most.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<u16>", into = "Vec<u16>")]
pub struct MedicineClasses([u16; Self::MOST]);

impl MedicineClasses {
    /// How many there may be.
    pub const MOST: usize = 12;
    /// 腫瘍用薬, 精神神経用剤, 抗ウイルス剤.
    const USUAL: Self = Self([42, 117, 625, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    /// Of such digits; none where there are too many.
    pub fn of(digits: &[u16]) -> Option<Self> {
        let mut classes = [0; Self::MOST];
        classes.get_mut(..digits.len())?.copy_from_slice(digits);
        Some(Self(classes))
    }

    /// Reads the digits of one: 42, 117 or 6250.
    pub fn read(text: &str) -> Option<u16> {
        let is_plain = (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_plain && !text.starts_with('0'))
    }

    /// The digits of each.
    pub fn all(self) -> impl Iterator<Item = u16> {
        self.0.into_iter().filter(|digits| *digits > 0)
    }

    /// True of a medicine of one of them.
    pub fn has(self, price_code: &str) -> bool {
        self.all().any(|digits| price_code.starts_with(&digits.to_string()))
    }
}

impl From<Vec<u16>> for MedicineClasses {
    /// What is too much is left out: only a program of another release wrote it.
    fn from(mut digits: Vec<u16>) -> Self {
        digits.truncate(Self::MOST);
        Self::of(&digits).unwrap_or(Self::USUAL)
    }
}

impl From<MedicineClasses> for Vec<u16> {
    fn from(classes: MedicineClasses) -> Self {
        classes.all().collect()
    }
}

impl fmt::Debug for MedicineClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_the_beginning_of_its_medicines_codes() {
        let usual = MedicineClasses::USUAL;
        for price_code in ["4291003F1020", "1179038F1058", "625001XF1013"] {
            assert!(usual.has(price_code), "{price_code}");
        }
        for price_code in ["2171022F1037", "1149019F1560", "6241013F1", ""] {
            assert!(!usual.has(price_code), "{price_code}");
        }
        assert!(!MedicineClasses::of(&[]).unwrap().has("4291003F1020"));
    }

    #[test]
    fn digits_are_read_and_kept_as_they_are() {
        assert_eq!(
            ["42", "117", "6250"].map(MedicineClasses::read),
            [Some(42), Some(117), Some(6_250)]
        );
        for text in ["", "4", "042", "42000", "４２", "4a", "+42", "-42"] {
            assert_eq!(MedicineClasses::read(text), None, "{text}");
        }
        assert_eq!(MedicineClasses::of(&[11; 13]), None);
        let kept = serde_json::to_string(&MedicineClasses::USUAL).unwrap();
        assert_eq!(kept, "[42,117,625]");
        assert_eq!(
            serde_json::from_str::<MedicineClasses>(&kept).unwrap(),
            MedicineClasses::USUAL
        );
    }
}
