//! 氏名（カナ） and how two writings of it are compared: the manual's rule (1-2) in the steps of domain.md §4.

use crate::{Problem, text};
use unicode_normalization::UnicodeNormalization;

/// The version of the keys that this crate makes of names and numbers. Stored beside them, so that the next import after
/// a change makes them anew.
pub const FOLD_VERSION: i16 = 5;

/// A person's name in kana (foreign names also in Latin letters), with the keys it is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KanaName {
    written: String,
    strict: String,
    folds: [String; 2],
}

impl KanaName {
    /// Characters at most.
    pub const MAX: usize = 100;

    /// Parses a typed or imported name: hiragana, full- or half-width katakana, with or without blanks.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let written = text::visible(typed).collect::<String>().trim().to_owned();
        if written.is_empty() {
            return Err(Problem::Empty);
        }
        if written.chars().count() > Self::MAX {
            return Err(Problem::TooLong { max: Self::MAX });
        }
        let katakana = katakana(&written);
        if katakana.is_empty() || !katakana.chars().all(is_name_char) {
            return Err(Problem::NotKana);
        }
        let folds = [fold(&katakana), fold(&katakana.replace('ヂ', "ジ").replace('ヅ', "ズ"))];
        // A length mark or a voicing mark alone names nobody.
        if !folds.iter().all(|fold| fold.chars().any(|c| c != 'ー' && c != '-')) {
            return Err(Problem::NotKana);
        }
        Ok(Self {
            written,
            strict: katakana,
            folds,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// True where it holds letters other than kana: rosters of some insurers write foreign names in Latin.
    pub fn has_latin(&self) -> bool {
        !self.strict.chars().all(is_kana)
    }

    /// One script and width, no blanks, every mark kept: equal where two people wrote the same name.
    pub fn strict_key(&self) -> &str {
        &self.strict
    }

    /// The folded keys (voicing, small kana, dashes and ヂ/ヅ set aside). Two names match folded where the sets meet.
    pub fn fold_keys(&self) -> &[String; 2] {
        &self.folds
    }

    /// True where the two are the same name under the manual's rule.
    pub fn matches_folded(&self, other: &Self) -> bool {
        self.folds.iter().any(|fold| other.folds.contains(fold))
    }
}

/// Full-width katakana with composed voicing marks, separators dropped, dashes unified to ー.
fn katakana(written: &str) -> String {
    let joined = text::joined(written.chars().filter(|c| !c.is_whitespace()))
        .nfkc()
        .map(text::hiragana_to_katakana);
    let mut name = String::with_capacity(written.len());
    for c in joined.nfc() {
        match c {
            c if c.is_whitespace() => {}
            '・' | '.' | '\'' | '’' | '=' | '゠' | ',' | '\u{3099}' | '\u{309A}' => {}
            'ー' | '~' | '〜' | '～' => name.push('ー'),
            c if text::is_dash(c) => name.push('ー'),
            'ヽ' => name.extend(name.chars().last()),
            'ヾ' => name.extend(name.chars().last().map(voiced)),
            other => name.extend(other.to_uppercase()),
        }
    }
    name
}

fn voiced(c: char) -> char {
    [c, '\u{3099}'].into_iter().nfc().next().unwrap_or(c)
}

/// Voicing marks off, small kana large, ヰヱヲ as spoken: 清音 as the manual has it.
fn fold(katakana: &str) -> String {
    katakana
        .nfd()
        .filter(|c| !matches!(c, '\u{3099}' | '\u{309A}'))
        .map(text::large_kana)
        .collect()
}

fn is_name_char(c: char) -> bool {
    is_kana(c) || (c.is_alphabetic() && c.is_uppercase())
}

fn is_kana(c: char) -> bool {
    matches!(c, 'ァ'..='ヺ' | 'ㇰ'..='ㇿ' | 'ー')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_in_a_pasted_name_is_no_part_of_it() {
        let pasted = KanaName::parse("\u{FEFF}ケンポ\u{200B}　ショウコ\u{200E}").unwrap();
        assert_eq!(pasted, KanaName::parse("ケンポ　ショウコ").unwrap());
        assert_eq!(KanaName::parse("\u{200B}　"), Err(Problem::Empty));
    }
    use proptest::prelude::*;

    fn matches(a: &str, b: &str) -> bool {
        KanaName::parse(a).unwrap().matches_folded(&KanaName::parse(b).unwrap())
    }

    #[test]
    fn the_manuals_writings_are_one_name() {
        for (a, b) in [
            ("ケンポ ショウコ", "ケンホ シヨウコ"),
            ("ｹﾝﾎﾟ ｼｮｳｺ", "けんぽしょうこ"),
            ("ケンポ　ショウコ", "ｹﾝﾎｼﾖｳｺ"),
            ("ハットリ", "ハツトリ"),
            ("ヴァン", "ウアン"),
            ("チヅル", "チズル"),
            ("オーノ", "オ-ノ"),
            ("オーノ", "オ―ノ"),
            ("いすゞ", "イスズ"),
            ("スミス　ジョン　ポール", "スミスジヨンポ－ル"),
            ("パク チソン", "ハク チソン"),
            ("か゛とう", "ガトウ"),
            ("カ ゛トウ", "ガトウ"),
            ("オ─ノ", "オーノ"),
            ("は゜ん", "ﾊﾟﾝ"),
            ("Smith John", "ＳＭＩＴＨ　ｊｏｈｎ"),
        ] {
            assert!(matches(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn names_that_sound_apart_stay_apart() {
        for (a, b) in [("ジロウ", "チロウ"), ("オーノ", "オオノ"), ("ユーコ", "ユウコ")] {
            assert!(!matches(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn the_strict_key_keeps_what_the_fold_drops() {
        let strict = |typed| KanaName::parse(typed).unwrap().strict_key().to_owned();
        assert_eq!(strict("ｹﾝﾎﾟ ｼｮｳｺ"), strict("けんぽしょうこ"));
        assert_ne!(strict("ケンタ"), strict("ゲンタ"));
        // A mark typed as a letter of its own (U+309B, U+309C) is the same mark.
        for (apart, whole) in [
            ("カ゛イト", "ガイト"),
            ("か゛いと", "ガイト"),
            ("ﾊ゜ン", "パン"),
            ("う゛ぁん", "ヴァン"),
            ("ワ゛", "ヷ"),
        ] {
            assert_eq!(strict(apart), strict(whole), "{apart}");
        }
        assert_ne!(strict("カ゛イト"), strict("カイト"));
    }

    #[test]
    fn letters_other_than_kana_are_seen_in_every_width() {
        let has_latin = |typed| KanaName::parse(typed).unwrap().has_latin();
        for typed in ["SMITH JOHN", "ｓｍｉｔｈ", "スミス John", "Ō'Neill"] {
            assert!(has_latin(typed), "{typed}");
        }
        for typed in [
            "スミス　ジョン・ポール",
            "ｹﾝﾎﾟ ｼｮｳｺ",
            "おーの ゆーこ",
            "いすゞ",
            "ケンポ-タロウ",
        ] {
            assert!(!has_latin(typed), "{typed}");
        }
    }

    #[test]
    fn what_names_nobody_is_refused() {
        assert_eq!(KanaName::parse(" 　"), Err(Problem::Empty));
        for typed in ["ー", "゛", "健保 太郎", "・・", "1234", "😀", "ケンポ\u{0}"] {
            assert_eq!(KanaName::parse(typed), Err(Problem::NotKana), "{typed:?}");
        }
        assert_eq!(KanaName::parse(&"ア".repeat(101)), Err(Problem::TooLong { max: 100 }));
    }

    proptest! {
        #[test]
        fn no_typed_text_panics_and_a_name_matches_itself(typed in "\\PC*") {
            if let Ok(name) = KanaName::parse(&typed) {
                prop_assert!(name.matches_folded(&name));
                prop_assert!(!name.strict_key().is_empty());
            }
        }

        #[test]
        fn a_mark_is_the_same_in_every_writing(
            bare in "[かきくけこさしすせそたちつてとはひふへほ]", half in prop::bool::ANY, rest in "[ァ-ヶー]{0,6}", blank in "[ 　\u{200B}]{0,2}",
        ) {
            let mark = if half { ['\u{309C}', '\u{309A}', 'ﾟ'] } else { ['\u{309B}', '\u{3099}', 'ﾞ'] };
            let katakana: String = bare.chars().map(text::hiragana_to_katakana).collect();
            let keys: Vec<String> = [&bare, &katakana]
                .into_iter()
                .flat_map(|bare| mark.map(|mark| format!("{bare}{blank}{mark}{rest}")))
                .map(|typed| KanaName::parse(&typed).unwrap().strict_key().to_owned())
                .collect();
            prop_assert!(keys.iter().all(|key| *key == keys[0]), "{:?}", keys);
        }

        #[test]
        fn hiragana_and_katakana_share_every_key(typed in "[ぁ-ゖ]{1,20}") {
            let katakana: String = typed.chars().map(text::hiragana_to_katakana).collect();
            if let (Ok(a), Ok(b)) = (KanaName::parse(&typed), KanaName::parse(&katakana)) {
                prop_assert_eq!(a.strict_key(), b.strict_key());
                prop_assert_eq!(a.fold_keys(), b.fold_keys());
            }
        }
    }
}
