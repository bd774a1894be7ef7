//! A drug as the master has it.

use chrono::NaiveDate;
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    pg::Pg,
    sql_types::Text,
};
use kernel::text;
use serde::{Deserialize, Serialize};

/// Characters of a 薬価基準コード that 成分, 剤形 and 規格 take.
const STRENGTH: usize = 9;
/// 銘柄番号 behind them of what stands in the price list by its ingredient alone, whoever makes it.
const COMMON: &str = "01";

/// 後発区分 of 厚労省's 薬価基準収載品目リスト.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, FromSqlRow)]
pub enum Class {
    /// The list says nothing of it.
    #[default]
    #[serde(rename = "")]
    Unknown,
    /// 後発医薬品がない先発医薬品.
    #[serde(rename = "1")]
    NoGeneric,
    /// 後発医薬品がある先発医薬品.
    #[serde(rename = "2")]
    Brand,
    /// The same, no dearer than its generics.
    #[serde(rename = "☆")]
    BrandNoDearer,
    /// 後発医薬品.
    #[serde(rename = "3")]
    Generic,
    /// The same, as dear as its brand or dearer.
    #[serde(rename = "★")]
    GenericNoCheaper,
}

impl Class {
    /// All of them, as the list orders them.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::NoGeneric,
        Self::Brand,
        Self::BrandNoDearer,
        Self::Generic,
        Self::GenericNoCheaper,
    ];

    /// The list's own mark, which is the word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::NoGeneric => "1",
            Self::Brand => "2",
            Self::BrandNoDearer => "☆",
            Self::Generic => "3",
            Self::GenericNoCheaper => "★",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

impl FromSql<Text, Pg> for Class {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<Text, Pg>>::from_sql(bytes)?;
        Self::from_word(&word).ok_or_else(|| format!("no class is called {word}").into())
    }
}

/// A drug of a master.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drug {
    /// レセ電 code: nine digits.
    pub code: String,
    /// From when on its master holds.
    pub valid_from: NaiveDate,
    /// 薬価基準コード: twelve characters, or ''. Not its key: one that is chosen instead of a generic shares it with its like.
    pub price_code: String,
    /// As the master writes it.
    pub name: String,
    /// What the price is for: 錠, mL.
    #[serde(default)]
    pub unit: String,
    /// 薬価 in 1/100 yen.
    pub price_sen: i64,
    /// 後発区分.
    #[serde(default)]
    pub class: Class,
    /// 特別の料金 of a unit in 1/100 yen, before tax: 0 of what nobody pays extra for.
    #[serde(default)]
    pub charge_sen: i64,
    /// 経過措置: the last day on which it may be given out.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
}

impl Drug {
    /// What it has in common with what it may be exchanged for: 成分, 剤形 and 規格, so that OD錠 and plain ones differ. ''
    /// where nobody knows.
    pub fn strength(&self) -> &str {
        self.price_code.get(..STRENGTH).unwrap_or_default()
    }

    /// True where it may be given out on a day.
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.ends_on.is_none_or(|last| day <= last)
    }

    /// Its name as people read it: Latin and digits in one width, without （選）, which is the price list's own mark; of what is
    /// listed by its ingredient that it is many makers'.
    pub fn shown_name(&self) -> String {
        let name = text::normalize(&self.name).replace("(選)", "");
        let makers = match self.price_code.get(STRENGTH..) {
            // One maker's may stand there, too, by its own name.
            Some(brand) if brand.starts_with(COMMON) && !name.contains('「') => "（各社の製品）",
            _ => "",
        };
        format!("{}{makers}", name.trim())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An invented one, in force since 2026-04-01.
    pub(crate) fn drug(code: &str, price_code: &str, class: Class, price_sen: i64) -> Drug {
        Drug {
            code: code.to_owned(),
            valid_from: NaiveDate::from_ymd_opt(2026, 4, 1).unwrap(),
            price_code: price_code.to_owned(),
            name: format!("試薬{code}"),
            unit: "錠".to_owned(),
            price_sen,
            class,
            charge_sen: 0,
            ends_on: None,
        }
    }

    #[test]
    fn names_are_shown_in_one_width_without_marks_of_the_price_list() {
        let named = |name: &str, price_code: &str| {
            let drug = Drug {
                name: name.to_owned(),
                ..drug("999000001", price_code, Class::Brand, 100)
            };
            drug.shown_name()
        };
        assert_eq!(named("アサガオ錠５ｍｇ", "9990001F1024"), "アサガオ錠5mg");
        assert_eq!(named("アサガオ錠５ｍｇ（選）", "9990001F1024"), "アサガオ錠5mg");
        assert_eq!(named("ｱｻｶﾞｵ軟膏０．１％", "9990001F1024"), "アサガオ軟膏0.1%");
        assert_eq!(named("アサガオ５ｍｇ錠", "9990001F1016"), "アサガオ5mg錠（各社の製品）");
        assert_eq!(named("アサガオ散", ""), "アサガオ散");
    }

    #[test]
    fn strength_is_the_first_nine_characters_of_the_price_code() {
        assert_eq!(
            drug("999000001", "9990001F1024", Class::Brand, 1).strength(),
            "9990001F1"
        );
        assert_eq!(drug("999000001", "", Class::Brand, 1).strength(), "");
        assert_eq!(drug("999000001", "あいう", Class::Brand, 1).strength(), "あいう");
    }

    #[test]
    fn a_drug_is_in_force_from_its_masters_first_day_to_its_own_last() {
        let day = |text: &str| text.parse().unwrap();
        let mut drug = drug("999000001", "9990001F1024", Class::Generic, 1);
        assert!(!drug.is_in_force(day("2026-03-31")) && drug.is_in_force(day("2026-04-01")));
        drug.ends_on = Some(day("2027-03-31"));
        assert!(drug.is_in_force(day("2027-03-31")) && !drug.is_in_force(day("2027-04-01")));
    }

    #[test]
    fn marks_read_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_word(class.as_str()), Some(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
        assert_eq!(Class::from_word("4"), None);
    }
}
