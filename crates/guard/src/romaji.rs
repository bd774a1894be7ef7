//! Japanese in Latin letters, as people spell it in passwords: 佐藤 is `satou`, `sato` and `satoh`, 清水 `shimizu` and
//! `simizu`. One form stands for all spellings of a word, Hepburn's and Kunrei's, long vowels short; it is compared, never
//! shown.

/// What is spelled alike, in the order in which it is replaced.
const SPELLINGS: [(&str, &str); 14] = [
    ("sh", "sy"),
    ("ch", "ty"),
    ("ts", "t"),
    ("j", "zy"),
    ("f", "h"),
    ("dz", "z"),
    ("syi", "si"),
    ("tyi", "ti"),
    ("zyi", "zi"),
    ("du", "zu"),
    ("di", "zi"),
    ("mp", "np"),
    ("mb", "nb"),
    ("uu", "u"),
];

/// The morae by their vowel, a row per consonant.
const KANA: [(&str, &str); 14] = [
    ("", "アイウエオ"),
    ("k", "カキクケコ"),
    ("s", "サシスセソ"),
    ("t", "タチツテト"),
    ("n", "ナニヌネノ"),
    ("h", "ハヒフヘホ"),
    ("m", "マミムメモ"),
    ("y", "ヤ　ユ　ヨ"),
    ("r", "ラリルレロ"),
    ("w", "ワヰ　ヱヲ"),
    ("g", "ガギグゲゴ"),
    ("z", "ザジズゼゾ"),
    ("b", "バビブベボ"),
    ("p", "パピプペポ"),
];
const VOWELS: &str = "aiueo";

/// The one form of small Latin letters.
pub(crate) fn one_form(latin: &str) -> String {
    let mut text = latin.to_owned();
    for (spelling, form) in SPELLINGS {
        if text.contains(spelling) {
            text = text.replace(spelling, form);
        }
    }
    let mut form = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let before = form.chars().next_back();
        let is_vowel = |c: char| "aiueo".contains(c);
        let lengthens = before == Some('o')
            && (matches!(letter, 'o' | 'u')
                || letter == 'h' && !letters.peek().is_some_and(|c| is_vowel(*c) || *c == 'y'));
        // A doubled consonant is one here: `nippon` and `nipon`, `onna` and `ona`.
        let doubles = before == Some(letter) && !is_vowel(letter);
        if !lengthens && !doubles {
            form.push(letter);
        }
    }
    form
}

/// The one form of a word in katakana; none where it holds anything else.
pub(crate) fn of_kana(kana: &str) -> Option<String> {
    let mut latin = String::new();
    for c in kana.chars() {
        match c {
            'ー' | 'ッ' | '　' | ' ' | '・' => {}
            'ン' => latin.push('n'),
            'ヂ' => latin.push_str("zi"),
            'ヅ' => latin.push_str("zu"),
            'ダ' => latin.push_str("da"),
            'デ' => latin.push_str("de"),
            'ド' => latin.push_str("do"),
            'ヴ' => latin.push_str("bu"),
            'ャ' | 'ュ' | 'ョ' => {
                latin.pop();
                if !latin.ends_with('y') {
                    latin.push('y');
                }
                latin.push(match c {
                    'ャ' => 'a',
                    'ュ' => 'u',
                    _ => 'o',
                });
            }
            'ァ' | 'ィ' | 'ゥ' | 'ェ' | 'ォ' => {
                latin.pop();
                latin.push(match c {
                    'ァ' => 'a',
                    'ィ' => 'i',
                    'ゥ' => 'u',
                    'ェ' => 'e',
                    _ => 'o',
                });
            }
            c => latin.push_str(&mora(c)?),
        }
    }
    Some(one_form(&latin))
}

fn mora(kana: char) -> Option<String> {
    KANA.iter().find_map(|(consonant, row)| {
        let vowel = row.chars().position(|c| c == kana && c != '　')?;
        Some(format!("{consonant}{}", VOWELS.chars().nth(vowel)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_word_has_one_form() {
        for (kana, spellings) in [
            ("サトウ", &["satou", "sato", "satoh", "satoo"][..]),
            ("シミズ", &["shimizu", "simizu"]),
            ("イトウ", &["itou", "ito", "itoh"]),
            ("キョウサイ", &["kyousai", "kyosai", "kyohsai"]),
            ("ジュンイチ", &["junichi", "zyuniti", "jyunichi"]),
            ("ツチヤ", &["tsuchiya", "tutiya"]),
            ("フジタ", &["fujita", "huzita"]),
            ("ナンバ", &["namba", "nanba"]),
            ("ハットリ", &["hattori", "hatori"]),
            ("ショウコ", &["shouko", "shoko", "syouko"]),
            ("ユウキ", &["yuuki", "yuki"]),
            ("ミヅキ", &["mizuki", "miduki"]),
            ("オオノ", &["ohno", "oono", "ono"]),
            ("ナラ　ケン", &["naraken"]),
        ] {
            for spelling in spellings {
                assert_eq!(
                    of_kana(kana).as_deref(),
                    Some(one_form(spelling).as_str()),
                    "{spelling}"
                );
            }
        }
        assert_eq!(of_kana("奈良"), None);
        assert_ne!(one_form("sakura"), one_form("satou"));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_form_stays_itself(text in "\\PC{0,20}", kana in "[ァ-ヴー]{0,12}", latin in "[a-z]{0,16}") {
            let _ = (one_form(&text), of_kana(&text));
            let form = of_kana(&kana).unwrap_or_default();
            prop_assert!(form.bytes().all(|b| b.is_ascii_lowercase()));
            let _ = one_form(&latin);
        }
    }
}
