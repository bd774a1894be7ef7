//! How an insurer shows what its members' treatment cost and which medicines they had.

use crate::{FamilyDefault, FormerDependants, MedicineClasses, OfficialNotice};
use kernel::text::grouped;
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
    /// Members who are told of a publication by mail in a minute at most, 10–6000.
    pub mails_per_minute: u32,
}

impl StatementSettings {
    /// A tax year at the least; the tables have places for no more.
    pub const MONTHS_ONLINE: RangeInclusive<u32> = 12..=database::MOST_MONTHS;
    /// From the end of compulsory school to the age of majority of old.
    pub const ADULT_AGE: RangeInclusive<u32> = 15..=20;
    /// Claimed in the month after treatment at the earliest.
    pub const ARRIVES_AFTER_MONTHS: RangeInclusive<u32> = 1..=6;
    /// The slowest tells a hundred thousand in a week, after which nobody is told any more.
    pub const MAILS_PER_MINUTE: RangeInclusive<u32> = 10..=6_000;

    /// All of it as people read it.
    pub fn facts(&self) -> Vec<StatementFact> {
        let generics = &self.generics;
        let facts = [
            (
                "months_online",
                "明細を表示する月数",
                format!("{}か月", self.months_online),
            ),
            (
                "arrives_after_months",
                "診療から明細が届くまでの月数",
                format!("{}か月", self.arrives_after_months),
            ),
            (
                "costs_family",
                "家族の医療費の表示",
                self.costs_family.label().to_owned(),
            ),
            (
                "medicines_family",
                "家族のお薬の表示",
                self.medicines_family.label().to_owned(),
            ),
            ("adult_age", "成人とみなす年齢", format!("{}歳", self.adult_age)),
            (
                "former_dependants",
                "もと被扶養者の明細の表示",
                self.former_dependants.label().to_owned(),
            ),
            (
                "official_notice",
                "確定申告用の医療費通知",
                self.official_notice.label().to_owned(),
            ),
            (
                "mails_per_minute",
                "公開をお知らせするメール（1分あたり）",
                format!("{}通まで", grouped(self.mails_per_minute)),
            ),
            (
                "min_month_yen",
                "提案する削減可能金額（1か月）",
                format!("{}円以上", grouped(generics.min_month_yen)),
            ),
            (
                "min_line_yen",
                "提案する削減可能金額（お薬ごと）",
                format!("{}円以上", grouped(generics.min_line_yen)),
            ),
            (
                "min_days",
                "提案する日数（内服）",
                format!("{}日以上", generics.min_days),
            ),
            ("min_age", "提案する年齢", format!("{}歳以上", generics.min_age)),
            (
                "exclude_classes",
                "提案しない薬効分類",
                classes(generics.exclude_classes),
            ),
            ("saving", "削減可能金額の示し方", generics.saving.label().to_owned()),
        ];
        facts
            .map(|(key, label, value)| StatementFact { key, label, value })
            .into()
    }
}

/// One of the settings, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementFact {
    /// Its key in tenant.toml.
    pub key: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it is.
    pub value: String,
}

fn classes(classes: MedicineClasses) -> String {
    let classes: Vec<String> = classes.all().map(|digits| digits.to_string()).collect();
    match classes.as_slice() {
        [] => "なし".to_owned(),
        some => some.join("、"),
    }
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
            mails_per_minute: 600,
        }
    }
}
