//! Passwords made of what others know of their owner (security.md 20): the user ID, the number, the birth date, the names.

use crate::romaji;
use unicode_normalization::UnicodeNormalization as _;

/// A context word shorter than this says nothing: `12` is in half of all passwords.
const CONTEXT_WORD: usize = 4;
/// So few characters beside context words do not hide them.
const FEW_OTHERS: usize = 4;
/// The service's own names, which are context for everybody.
const SERVICE: [&str; 4] = ["madoguchi", "mypage", "窓口", "マイページ"];

/// True for a password that is little more than the words given: the user ID, the member number, the birth date, the
/// insurer's name, ours; and for one whose letters are pieces of a name in kana as people spell it in Latin letters
/// (`nara-kyosai1!` of ナラケンシチョウソンショクインキョウサイクミアイ).
pub(crate) fn is_context(password: &str, context: &[&str]) -> bool {
    is_made_of(password, context) || is_spelled(password, context)
}

fn is_made_of(password: &str, context: &[&str]) -> bool {
    let mut rest = folded(password);
    let mut words: Vec<String> = context.iter().copied().chain(SERVICE).map(folded).collect();
    words.retain(|word| word.chars().count() >= CONTEXT_WORD || !word.is_ascii() && word.chars().count() >= 2);
    // Longer words first: 19850401 goes before 1985 would take its head.
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let mut found = false;
    for word in words {
        if rest.contains(&word) {
            rest = rest.replace(&word, "");
            found = true;
        }
    }
    found && rest.chars().count() <= FEW_OTHERS
}

fn is_spelled(password: &str, context: &[&str]) -> bool {
    let folded = password.to_ascii_lowercase();
    let core = folded.trim_matches(|c: char| !c.is_ascii_lowercase());
    let letters: String = core.chars().filter(char::is_ascii_lowercase).collect();
    if core.len() - letters.len() > FEW_OTHERS {
        return false;
    }
    let letters = romaji::one_form(&letters);
    let mut names = context.iter().filter_map(|word| romaji::of_kana(word));
    names.any(|name| is_of_pieces(&letters, &name))
}

/// True where a text is nothing but pieces of a name, in any order.
fn is_of_pieces(text: &str, name: &str) -> bool {
    let mut ends = vec![0];
    for end in CONTEXT_WORD..=text.len() {
        let is_piece = |start: &usize| {
            start + CONTEXT_WORD <= end && text.get(*start..end).is_some_and(|piece| name.contains(piece))
        };
        if ends.iter().any(is_piece) {
            ends.push(end);
        }
    }
    !text.is_empty() && ends.last() == Some(&text.len())
}

fn folded(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_made_of_what_others_know_is_recognised() {
        let context = [
            "Taro.Kenpo",
            "123456",
            "19850401",
            "1985",
            "0401",
            "S600401",
            "奈良県市町村職員共済組合",
        ];
        for password in [
            "Taro.Kenpo1!",
            "taro.kenpo",
            "ａｂ!123456",
            "19850401aA!",
            "1985!0401",
            "s600401?a",
            "Madoguchi1!",
            "!123456!123456a",
            "奈良県市町村職員共済組合 1",
            "MyPage!1",
        ] {
            assert!(is_context(password, &context), "{password}");
        }
        for password in ["kitsune!3", "1985!kitsune", "taro!kitsune1", "Yama123456kawa!"] {
            assert!(!is_context(password, &context), "{password}");
        }
        assert!(!is_context("a1!bcdefg", &["", "a", "1", "12"]));
    }

    // security.md 20
    #[test]
    fn a_name_in_latin_letters_is_recognised_however_it_is_spelled() {
        let context = ["ナラケンシチョウソンショクインキョウサイクミアイ", "ケンポ　ジュンイチ"];
        for password in [
            "narakyosai1!",
            "NaraKyousai#2026",
            "nara-kyohsai1!",
            "shichouson(5)",
            "sityoson12345!",
            "kenpojunichi1!",
            "Zyuniti_Kenpo7",
            "kumiai_nara8%",
        ] {
            assert!(is_context(password, &context), "{password}");
        }
        for password in ["narabete3!", "kitsune_nara8!", "nar4!kyo7", "nara!82%5#71kyosai"] {
            assert!(!is_context(password, &context), "{password}");
        }
    }
}
