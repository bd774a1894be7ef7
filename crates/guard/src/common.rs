//! The blocklist (security.md 20): passwords that others choose too, by zxcvbn's lists and patterns, and passwords made
//! of what others know of their owner. Compares; no password of the manual's rule is refused for a score.

use unicode_normalization::UnicodeNormalization as _;
use zxcvbn::{
    Entropy, Match,
    matching::patterns::{DictionaryPattern, MatchPattern},
};

/// The longest word of the lists has so many characters (`verwaltungsgemeinschaft`), and no more are ever estimated:
/// at most the time of a hash, where a hundred look-alike signs would take half a second.
const LONGEST_WORD: usize = 23;
/// How common a word must be to be refused with something stuck onto it as well: among the first 3,000 (ASVS 6.2.4).
const COMMONEST: usize = 3_000;
/// A long password that falls within so few guesses is one that guessers try (`aaaa…`, `1234…`, `qwerty…`).
const FEW_GUESSES: u64 = 1_000_000;
/// A context word shorter than this says nothing: `12` is in half of all passwords.
const CONTEXT_WORD: usize = 4;
/// So few characters beside context words do not hide them.
const FEW_OTHERS: usize = 4;
/// The service's own names, which are context for everybody.
const SERVICE: [&str; 4] = ["madoguchi", "mypage", "窓口", "マイページ"];

/// True for a password that is common as a whole, case folded: an entry of the dictionaries (backwards and with
/// look-alike signs too: `P@ssw0rd`); a long one of plain runs and repetitions; or one of the 3,000 commonest
/// passwords with the usual decoration at its end (`Password1!`, `Welcome2024!`). Takes up to some ten milliseconds.
pub(crate) fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let is_plain = |part: &str| {
        let entropy = zxcvbn::zxcvbn(part, &[]);
        whole_entry(&entropy, &folded).is_some() || entropy.guesses() < FEW_GUESSES && !is_mixed(&folded)
    };
    if ends(two_turns(&folded)).into_iter().all(is_plain) {
        return true;
    }
    let core = undecorated(&folded);
    core.len() < folded.len()
        && core.chars().count() <= LONGEST_WORD
        && whole_entry(&zxcvbn::zxcvbn(core, &[]), core)
            .is_some_and(|entry| is_password(entry) && entry.rank <= COMMONEST)
}

/// Two turns of what a text goes on repeating (`qwertyqwerty` of a hundred), else the text itself.
fn two_turns(text: &str) -> &str {
    let mut turns = text.char_indices().map(|(at, _)| at).skip(1).take(LONGEST_WORD / 2);
    let repeats = |at: &usize| 2 * at <= text.len() && text.get(*at..).is_some_and(|rest| text.starts_with(rest));
    turns.find(repeats).and_then(|at| text.get(..2 * at)).unwrap_or(text)
}

/// The text, or the two ends of one that is longer than any word: runs and repetitions show at both.
fn ends(text: &str) -> [&str; 2] {
    let head = text.char_indices().nth(LONGEST_WORD).map_or(text.len(), |(at, _)| at);
    let tail = text.char_indices().nth_back(LONGEST_WORD - 1).map_or(0, |(at, _)| at);
    [text.get(..head).unwrap_or(text), text.get(tail..).unwrap_or(text)]
}

/// True for a password that is little more than the words given: the user ID, the member number, the birth date, the
/// insurer's name, ours.
pub(crate) fn is_context(password: &str, context: &[&str]) -> bool {
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

fn folded(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace())
        .collect()
}

/// The one dictionary entry that covers the whole text.
fn whole_entry<'a>(entropy: &'a Entropy, text: &str) -> Option<&'a DictionaryPattern> {
    match entropy.sequence() {
        [
            Match {
                i: 0,
                j,
                pattern: MatchPattern::Dictionary(entry),
                ..
            },
        ] if j + 1 == text.chars().count() => Some(entry),
        _ => None,
    }
}

/// Letters, digits and signs: what the manual's rule asks for. `a1!a1!a1!` is valid under the manual and on no list.
fn is_mixed(text: &str) -> bool {
    let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
    has(char::is_ascii_digit) && has(char::is_ascii_alphabetic) && has(char::is_ascii_punctuation)
}

fn is_password(entry: &DictionaryPattern) -> bool {
    // zxcvbn keeps the type of this name to itself; it can only be printed.
    format!("{:?}", entry.dictionary_name) == "Passwords"
}

/// Without what people stick onto a word to satisfy a rule: up to two signs, and before or after them a year, one or
/// two digits, or a run of digits (`1!`, `123`, `#2024`, `!!`). Anything less usual stays and makes another password.
fn undecorated(folded: &str) -> &str {
    let core = folded.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let decoration = folded.strip_prefix(core).unwrap_or_default();
    let signs = decoration.chars().filter(char::is_ascii_punctuation).count();
    let digits: String = decoration.chars().filter(char::is_ascii_digit).collect();
    let in_one_piece = decoration.contains(&digits);
    if signs <= 2 && in_one_piece && is_usual_number(&digits) {
        core
    } else {
        folded
    }
}

fn is_usual_number(digits: &str) -> bool {
    digits.len() <= 2
        || "1234567890".starts_with(digits)
        || "9876543210".ends_with(digits)
        || digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
        || digits.bytes().all(|digit| digits.bytes().next() == Some(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 20
    #[test]
    fn what_others_choose_is_common_whatever_its_case_look_alikes_or_end() {
        for password in [
            "password1",
            "Trustno1",
            "P@ssw0rd",
            "drowssap",
            "Password1!",
            "P@ssw0rd!",
            "Welcome2024!",
            "Qwerty123!",
            "iloveyou#1",
            "Dragon99!!",
            "monkey!1985",
            "aaaaaaaaaaaaaaa",
            "123456789012345",
            "qwertyuiopasdfghj",
            "responsibilities",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn what_nobody_else_chooses_is_not_common_even_with_a_common_word_in_it() {
        for password in [
            "Kenpo#2024",
            "taro!1985",
            "a1!a1!a1!",
            "Dragon#4821",
            "monkey7tail&",
            "x9?Password!",
            "みどりの窓口で待つ三毛猫です",
            "correct horse battery",
            "Yama-to 3 kawa",
            "sakura%7f2",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    // security.md 20, 26
    #[test]
    fn the_longest_password_is_looked_up_by_its_ends_alone() {
        let word = "verwaltungsgemeinschaft";
        assert!(is_common(word));
        assert_eq!(ends(word), [word; 2]);
        assert_eq!(two_turns("窓口窓口窓口窓"), "窓口窓口");
        for password in ["aa".repeat(64), "1234567890".repeat(12), "qwertyuiop".repeat(12)] {
            assert!(is_common(&password), "{password}");
        }
        let look_alikes = "4@8({[<3691!|70$5+%2".repeat(6);
        assert!(ends(&look_alikes).iter().all(|end| end.len() == LONGEST_WORD));
        for password in [look_alikes, format!("{}みどりの窓口で待つ三毛猫です", "a".repeat(60))] {
            assert!(!is_common(&password), "{password}");
        }
    }

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
}
