//! The blocklist (security.md 20): passwords that others choose too. What people stick onto a word to satisfy a rule is
//! taken off before it is compared: case, digits and signs before and behind, look-alike letters, the shift key. No
//! password is refused for a score, and every other one of the manual's rule stays valid.
//!
//! `blocklist/breached.txt` says in `make.sh` how it was made; words of our own go into `ours.txt` as they are spoken.

use crate::romaji;
use std::{collections::HashSet, sync::LazyLock};

/// Words as [`look_alikes`] leaves them, sorted by bytes.
static BREACHED: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("../blocklist/breached.txt").lines().collect());
static OURS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = include_str!("../blocklist/ours.txt").lines().map(look_alikes);
    words.flat_map(|word| [romaji::one_form(&word), word]).collect()
});

/// A shorter word keeps no password: a letter between digits is not what makes it.
const SHORTEST_WORD: usize = 4;
/// A longer text is no word.
const LONGEST_WORD: usize = 32;
/// Digits and signs beside a word that may belong to it (`1qaz2wsx`, `p@$$`): so many on either side are tried.
const BESIDE: usize = 8;
/// A run goes on for so many characters between two places where it begins anew.
const RUN: usize = 6;
/// Rows of keys and of the alphabet, along which a finger runs.
const ROWS: [&str; 6] = [
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

/// True for a word of the lists, a run or a repetition of such, whatever its case, its decoration and its look-alikes.
pub(crate) fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let core = folded.trim_matches(|c: char| !c.is_alphabetic());
    let is_plain = |text: &str| is_run(text) || words(one_turn(text)).any(is_listed);
    is_plain(&folded) || is_plain(core) || is_little_beside_a_number(&folded, core)
}

/// The parts of a text that may be the word in it: all that is between digits and signs at both ends, with some of them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_letter = |c: char| c.is_alphabetic();
    let first = text.find(is_letter).unwrap_or(text.len());
    let last = text.rfind(is_letter).map_or(0, |at| at + 1);
    let starts = (first.saturating_sub(BESIDE)..=first).filter(|at| text.is_char_boundary(*at));
    starts.flat_map(move |start| {
        let ends = (last..=text.len().min(last + BESIDE)).filter(|at| text.is_char_boundary(*at));
        ends.filter_map(move |end| text.get(start..end))
    })
}

fn is_listed(word: &str) -> bool {
    if word.len() > LONGEST_WORD {
        return false;
    }
    [look_alikes(word), look_alikes(&unshifted(word))]
        .into_iter()
        .any(|word| {
            let backwards: String = word.chars().rev().collect();
            [romaji::one_form(&word), backwards, word].into_iter().any(|form| {
                form.len() >= SHORTEST_WORD
                    && (BREACHED.binary_search(&form.as_str()).is_ok() || OURS.contains(form.as_str()))
            })
        })
}

/// One letter for all that look like it.
fn look_alikes(word: &str) -> String {
    let letter = |c| match c {
        '1' | '!' | '|' | 'l' => 'i',
        '0' => 'o',
        '@' | '4' => 'a',
        '3' => 'e',
        '$' | '5' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' | '6' => 'g',
        '2' => 'z',
        '(' => 'c',
        c => c,
    };
    word.chars().map(letter).collect()
}

/// What the same keys give without shift: `1qaz@wsx` is `1qaz2wsx`.
fn unshifted(word: &str) -> String {
    let key = |c| match c {
        '!' => '1',
        '@' => '2',
        '#' => '3',
        '$' => '4',
        '%' => '5',
        '^' => '6',
        '&' => '7',
        '*' => '8',
        '(' => '9',
        ')' => '0',
        c => c,
    };
    word.chars().map(key).collect()
}

/// What a text goes on repeating, else the text itself.
fn one_turn(text: &str) -> &str {
    let turns = text.char_indices().map(|(at, _)| at).skip(1).take(LONGEST_WORD);
    let mut turns = turns.take_while(|at| at + at <= text.len() + 1);
    let repeats = |at: &usize| text.get(*at..).is_some_and(|rest| text.starts_with(rest));
    turns.find(repeats).and_then(|at| text.get(..at)).unwrap_or(text)
}

/// Repeats a character, counts, spells the alphabet or follows the keys, forwards or backwards, in long strides.
fn is_run(text: &str) -> bool {
    let goes_on = |(a, b): (char, char)| {
        a == b
            || (a, b) == ('9', '0')
            || (a, b) == ('0', '1')
            || ROWS.iter().any(|row| {
                let mut pairs = row.chars().zip(row.chars().skip(1));
                pairs.any(|pair| pair == (a, b) || pair == (b, a))
            })
    };
    let length = text.chars().count();
    let breaks = text.chars().zip(text.chars().skip(1)).filter(|pair| !goes_on(*pair));
    length >= SHORTEST_WORD && breaks.count() <= (length - 1) / RUN
}

/// Less than a word, and one usual number: a year, a count, a digit over and over (`a1234567!`, `yu2024!!`).
fn is_little_beside_a_number(folded: &str, core: &str) -> bool {
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    core.chars().count() < SHORTEST_WORD
        && digits.len() >= 4
        && folded.contains(&digits)
        && ("1234567890".starts_with(&digits)
            || "9876543210".ends_with(&digits)
            || digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
            || digits.bytes().all(|digit| digits.bytes().next() == Some(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By others, with what the manual's rule asks for stuck on.
    const WEAK: &str = include_str!("../blocklist/weak.txt");
    /// Not by others, though many hold a word that is.
    const GOOD: &str = include_str!("../blocklist/good.txt");

    // security.md 20
    #[test]
    fn what_others_choose_is_common_whatever_its_case_look_alikes_or_decoration() {
        let passed: Vec<&str> = WEAK
            .split_whitespace()
            .filter(|password| !is_common(password))
            .collect();
        assert!(passed.is_empty(), "{passed:?}");
        for password in [
            "password",
            "drowssap",
            "aaaaaaaaaaaaaaa",
            "123456789012345",
            "qwertyuiopasdfghj",
            "responsibilities",
            "password password",
            "hunter2 hunter2 hunter2",
            &"aa".repeat(64),
            &"1234567890".repeat(12),
            &"Tokyo!".repeat(20),
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn what_nobody_else_chooses_is_not_common_even_with_a_common_word_in_it() {
        for password in GOOD.split_whitespace().chain([
            "correct horse battery",
            "Yama-to 3 kawa",
            "   みどり の まどぐち に いる ねこ  ",
            &format!("{}みどりの窓口で待つ三毛猫です", "a".repeat(60)),
            &"4@8({[<3691!|70$5+%2".repeat(6),
        ]) {
            assert!(!is_common(password), "{password}");
        }
    }

    // security.md 20, 26
    #[test]
    fn a_look_up_is_a_few_searches_in_a_sorted_list_however_long_the_password() {
        assert!(BREACHED.is_sorted() && BREACHED.len() > 50_000);
        assert!(
            BREACHED
                .iter()
                .all(|word| look_alikes(word) == *word && word.len() >= SHORTEST_WORD)
        );
        for password in [
            "1".repeat(128),
            "!1".repeat(64),
            format!("{0}a{0}", "7!".repeat(30)),
            "窓1".repeat(60),
        ] {
            assert!(words(&password).count() <= (BESIDE + 1) * (BESIDE + 1), "{password}");
        }
    }
}
