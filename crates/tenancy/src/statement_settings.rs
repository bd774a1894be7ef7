//! How an insurer shows what its members' treatment cost and which medicines they had.

use crate::{FamilyDefault, FormerDependants, OfficialNotice};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// What statements of costs and medicines go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatementSettings {
    /// Months of treatment that are kept, counted back from the present one, 12–36.
    pub months_online: u32,
    /// Which savings are proposed.
    #[serde(flatten)]
    pub generics: crate::GenericSettings,
    /// Who sees what treatment cost somebody of the family who has said nothing.
    pub costs_family: FamilyDefault,
    /// Who sees their medicines.
    pub medicines_family: FamilyDefault,
    /// The birthday from which somebody counts as grown up, 15–20: a child's are shown to the family.
    pub adult_age: u8,
    /// What becomes of the months in which somebody was a dependant, once they are none any more.
    pub former_dependants: FormerDependants,
    /// Months from treatment to the 処理年月 of the delivery that holds most of it, 1–6.
    pub arrives_after_months: u32,
    /// What members have for their tax return.
    pub official_notice: OfficialNotice,
}

impl StatementSettings {
    /// A tax year at the least; the tables have places for no more.
    pub const MONTHS_ONLINE: RangeInclusive<u32> = 12..=database::MOST_MONTHS;
    /// From the end of compulsory school to the age of majority of old.
    pub const ADULT_AGE: RangeInclusive<u32> = 15..=20;
    /// Claimed in the month after treatment at the earliest.
    pub const ARRIVES_AFTER_MONTHS: RangeInclusive<u32> = 1..=6;
}

impl Default for StatementSettings {
    fn default() -> Self {
        Self {
            months_online: 24,
            generics: crate::GenericSettings::default(),
            costs_family: FamilyDefault::Household,
            medicines_family: FamilyDefault::Household,
            adult_age: 18,
            former_dependants: FormerDependants::Show,
            arrives_after_months: 2,
            official_notice: OfficialNotice::None,
        }
    }
}
