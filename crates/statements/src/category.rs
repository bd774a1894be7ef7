//! What was treated how (診療区分), and how a medicine is taken (剤形区分).

use crate::reasons::Reason;
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    pg::Pg,
    sql_types::Text,
};
use kernel::text;
use serde::{Deserialize, Serialize};
use tabular::Fault;

/// 診療区分.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromSqlRow)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// 医科入院.
    MedicalIn,
    /// 医科外来.
    MedicalOut,
    /// 歯科入院.
    DentalIn,
    /// 歯科外来.
    DentalOut,
    /// 調剤.
    Pharmacy,
    /// 訪問看護.
    HomeNursing,
    /// 柔道整復.
    Judo,
    /// あん摩マッサージ, はり, きゅう.
    Acupuncture,
    /// 治療用装具.
    Appliance,
    /// その他.
    Other,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::MedicalIn,
        Self::MedicalOut,
        Self::DentalIn,
        Self::DentalOut,
        Self::Pharmacy,
        Self::HomeNursing,
        Self::Judo,
        Self::Acupuncture,
        Self::Appliance,
        Self::Other,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MedicalIn => "medical_in",
            Self::MedicalOut => "medical_out",
            Self::DentalIn => "dental_in",
            Self::DentalOut => "dental_out",
            Self::Pharmacy => "pharmacy",
            Self::HomeNursing => "home_nursing",
            Self::Judo => "judo",
            Self::Acupuncture => "acupuncture",
            Self::Appliance => "appliance",
            Self::Other => "other",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    /// As members read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::MedicalIn => "医科入院",
            Self::MedicalOut => "医科外来",
            Self::DentalIn => "歯科入院",
            Self::DentalOut => "歯科外来",
            Self::Pharmacy => "調剤",
            Self::HomeNursing => "訪問看護",
            Self::Judo => "柔整",
            Self::Acupuncture => "あはき",
            Self::Appliance => "装具",
            Self::Other => "その他",
        }
    }

    /// Reads what insurers write, in any width and with anything between the words: 医科・入院, 医科（入院）.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let word = word(text)?;
        match word.strip_suffix("療養費").unwrap_or(&word) {
            "医科入院" | "入院" => Ok(Self::MedicalIn),
            "医科外来" | "医科入院外" | "医科通院" | "外来" | "入院外" | "通院" => {
                Ok(Self::MedicalOut)
            }
            "歯科入院" => Ok(Self::DentalIn),
            "歯科外来" | "歯科入院外" | "歯科通院" | "歯科" => Ok(Self::DentalOut),
            "調剤" | "調剤薬局" | "薬局" => Ok(Self::Pharmacy),
            "訪問看護" => Ok(Self::HomeNursing),
            "柔整" | "柔道整復" | "柔道整復師" => Ok(Self::Judo),
            "アハキ"
            | "ハリ"
            | "キュウ"
            | "ハリキュウ"
            | "鍼"
            | "灸"
            | "鍼灸"
            | "アン摩"
            | "アンマ"
            | "アン摩マッサージ"
            | "アンママッサージ"
            | "マッサージ" => Ok(Self::Acupuncture),
            "装具" | "治療用装具" => Ok(Self::Appliance),
            "ソノ他" => Ok(Self::Other),
            _ => Err(Reason::Category),
        }
    }
}

/// 剤形区分: how a medicine is taken, by which it is known what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromSqlRow)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// 内服: so much a day, for so many days.
    Oral,
    /// 屯服: so much at a time, for so many times.
    AsNeeded,
    /// 外用.
    Topical,
    /// 注射.
    Injection,
    /// その他.
    Other,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Oral, Self::AsNeeded, Self::Topical, Self::Injection, Self::Other];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oral => "oral",
            Self::AsNeeded => "as_needed",
            Self::Topical => "topical",
            Self::Injection => "injection",
            Self::Other => "other",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// As members read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Oral => "内服",
            Self::AsNeeded => "屯服",
            Self::Topical => "外用",
            Self::Injection => "注射",
            Self::Other => "その他",
        }
    }

    /// Reads what insurers write, in any width.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let word = word(text)?;
        match word.strip_suffix(['薬', '剤']).unwrap_or(&word) {
            "内服" => Ok(Self::Oral),
            "屯服" | "頓服" => Ok(Self::AsNeeded),
            "外用" => Ok(Self::Topical),
            "注射" => Ok(Self::Injection),
            "ソノ他" => Ok(Self::Other),
            _ => Err(Reason::Form),
        }
    }
}

impl FromSql<Text, Pg> for Category {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<Text, Pg>>::from_sql(bytes)?;
        Self::from_word(&word).ok_or_else(|| format!("no category is called {word}").into())
    }
}

impl FromSql<Text, Pg> for Form {
    fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<Text, Pg>>::from_sql(bytes)?;
        Self::from_word(&word).ok_or_else(|| format!("no form is called {word}").into())
    }
}

/// The letters of a word, kana as カタカナ.
fn word(text: &str) -> Result<String, Fault> {
    let letters = text::normalize_dense(text);
    let letters = letters.chars().filter(|c| c.is_alphanumeric());
    let word: String = letters.map(text::hiragana_to_katakana).collect();
    if word.is_empty() { Err(Fault::Empty) } else { Ok(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_word_of_insurers_is_a_category() {
        for (words, category) in [
            (
                "医科入院 医科・入院 医科（入院） 医科(入院) 医科/入院 医科-入院 医科_入院 入院",
                Category::MedicalIn,
            ),
            (
                "医科外来 医科入院外 医科・入院外 医科（外来） 医科･外来 医科通院 外来 入院外",
                Category::MedicalOut,
            ),
            ("歯科入院 歯科・入院 歯科（入院）", Category::DentalIn),
            ("歯科 歯科外来 歯科入院外 歯科・外来", Category::DentalOut),
            ("調剤 調剤薬局 薬局 （調剤）", Category::Pharmacy),
            ("訪問看護 訪問看護療養費 訪問・看護", Category::HomeNursing),
            ("柔整 柔道整復 柔道整復師 柔道整復療養費", Category::Judo),
            (
                "あはき アハキ ｱﾊｷ はり・きゅう はりきゅう 鍼灸 あん摩マッサージ あん摩・マッサージ あんまマッサージ ｱﾝﾏ･ﾏｯｻｰｼﾞ マッサージ はり きゅう",
                Category::Acupuncture,
            ),
            ("装具 治療用装具 治療用・装具", Category::Appliance),
            ("その他 ソノ他 （その他）", Category::Other),
        ] {
            for word in words.split(' ') {
                assert_eq!(Category::parse(word), Ok(category), "{word}");
            }
            assert_eq!(Category::parse(category.label()), Ok(category));
            assert_eq!(Category::from_word(category.as_str()), Some(category));
        }
        for word in ["医科", "入院中", "眼科", "1", "医科入院歯科", "療養費", "medical_in"] {
            assert_eq!(Category::parse(word), Err(Reason::Category), "{word}");
        }
        for blank in ["", " 　", "・"] {
            assert_eq!(Category::parse(blank), Err(Fault::Empty.into()), "{blank:?}");
        }
    }

    #[test]
    fn every_word_of_insurers_is_a_form() {
        for (words, form) in [
            ("内服 内服薬 内服剤 （内服）", Form::Oral),
            ("屯服 頓服 頓服薬", Form::AsNeeded),
            ("外用 外用薬 外用剤", Form::Topical),
            ("注射 注射薬", Form::Injection),
            ("その他 ソノ他", Form::Other),
        ] {
            for word in words.split(' ') {
                assert_eq!(Form::parse(word), Ok(form), "{word}");
            }
            assert_eq!(Form::parse(form.label()), Ok(form));
            assert_eq!(Form::from_word(form.as_str()), Some(form));
        }
        for word in ["21", "錠剤", "薬", "oral"] {
            assert_eq!(Form::parse(word), Err(Reason::Form), "{word}");
        }
        assert_eq!(Form::parse(" "), Err(Fault::Empty.into()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = (Category::parse(&text), Form::parse(&text));
        }
    }
}
