//! Passwords: parsed by the manual's rule or by length, held where nothing can print them, read by the hasher alone.

use crate::{blocklist, context};
use kernel::{PasswordFlaws, PasswordPart, Problem};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The insurer's rule on top of the platform's floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRule {
    /// Characters at least; below 8 it means 8, above 64 it means 64 (no insurer may ask for more).
    pub minimum_length: usize,
}

impl PasswordRule {
    /// Characters at least under the manual's rule; the platform's floor.
    pub const SHORTEST: usize = 8;
    /// Characters at most under the manual's rule.
    pub const MANUAL_LONGEST: usize = 20;
    /// Characters from which on anything goes (NIST SP 800-63B-4 for a sole factor).
    pub const LONG: usize = 15;
    /// Characters at most.
    pub const LONGEST: usize = 128;
    /// The manual's signs.
    pub const SIGNS: &'static str = "?!@#%&()_+";
    /// Shown as an example of the manual's rule, long enough for every insurer's minimum under it; on the blocklist.
    pub const EXAMPLE: &'static str = "Sakura7+hanami";

    fn shortest(self) -> usize {
        self.minimum_length.clamp(Self::SHORTEST, 64)
    }

    /// What keeps a text from both rules: from [`Self::LONG`] characters on anything goes; below that the manual's rule
    /// asks for characters of `A-Za-z0-9?!@#%&()_+`, at least one letter, one digit, one sign. All at once.
    fn flaws(self, text: &str) -> Option<PasswordFlaws> {
        let (min, length) = (self.shortest(), text.chars().count());
        if length >= min.max(Self::LONG) {
            return None;
        }
        let part = |c: char| match c {
            c if c.is_ascii_alphabetic() => Some(PasswordPart::Letter),
            c if c.is_ascii_digit() => Some(PasswordPart::Digit),
            c => Self::SIGNS.contains(c).then_some(PasswordPart::Sign),
        };
        let mut flaws = PasswordFlaws {
            min,
            is_short: length < min,
            stray: None,
            lacks: Vec::new(),
        };
        // Where the insurer asks for as many, length is all that counts.
        if min < Self::LONG {
            flaws.stray = text.chars().find(|c| part(*c).is_none());
            flaws.lacks = [PasswordPart::Letter, PasswordPart::Digit, PasswordPart::Sign]
                .into_iter()
                .filter(|needed| !text.chars().any(|c| part(c) == Some(*needed)))
                .collect();
        }
        let is_kept = !flaws.is_short && flaws.stray.is_none() && flaws.lacks.is_empty();
        (!is_kept).then_some(flaws)
    }
}

/// A password in its canonical form (NFKC, so that full-width typing is the same password). No Debug, no Display, no
/// getter, wiped when dropped: only a [`crate::Hasher`] reads it.
#[derive(Clone)]
pub struct Password(
    /// Nothing where what was typed is too long to be anybody's password.
    Option<Zeroizing<String>>,
);

impl Password {
    /// A new password by the rule (security.md, "The manual's password rule and the standards"): the manual's, or
    /// 15–128 characters of anything; not one made of `context` words (user ID, member number, birth date in its usual
    /// spellings, names, the insurer's name and code), and not a common one.
    pub fn new(typed: &str, rule: &PasswordRule, context: &[&str]) -> Result<Self, Problem> {
        let max = PasswordRule::LONGEST;
        if typed.is_empty() {
            return Err(Problem::Empty);
        }
        let text = canonical(typed).ok_or(Problem::TooLong { max })?;
        if text.chars().any(char::is_control) {
            return Err(Problem::Characters);
        }
        if let Some(flaws) = rule.flaws(&text) {
            return Err(Problem::PasswordRule(flaws));
        }
        if context::is_context(&text, context) {
            return Err(Problem::PasswordContext);
        }
        if blocklist::is_common(&text) {
            return Err(Problem::PasswordCommon);
        }
        Ok(Self(Some(text)))
    }

    /// A password as typed at log-in: no rule, for rules change and old passwords stay. Longer than any password can
    /// be, it fits none, at the cost of one hash like every other.
    pub fn typed(typed: &str) -> Self {
        Self(canonical(typed))
    }

    /// What is hashed; `None` fits nothing.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        self.0.as_ref().map(|text| text.as_bytes())
    }
}

/// NFKC, nothing trimmed and nothing cut; `None` past the longest.
fn canonical(typed: &str) -> Option<Zeroizing<String>> {
    // NFKC may shorten (a base and its mark), but never a text of four times the length.
    if typed.chars().take(4 * PasswordRule::LONGEST + 1).count() > 4 * PasswordRule::LONGEST {
        return None;
    }
    // Room for the worst growth of NFKC would be a waste: what outgrows the cap is left.
    let mut text = Zeroizing::new(String::with_capacity(4 * PasswordRule::LONGEST));
    let mut count = 0;
    for c in typed.nfkc() {
        count += 1;
        if count > PasswordRule::LONGEST {
            return None;
        }
        text.push(c);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: PasswordRule = PasswordRule { minimum_length: 8 };

    fn problem(typed: &str) -> Option<Problem> {
        Password::new(typed, &RULE, &["taro.kenpo", "19850401"]).err()
    }

    #[test]
    fn the_manuals_passwords_stay_valid() {
        for typed in [
            "Ken4po#Ya",
            "abcd4xyz!",
            "nara(2)kyosai",
            "9%yuki_yama+fuji&Zz1",
            "ABKZEF1?",
            "x7!k2&q9",
        ] {
            assert_eq!(problem(typed), None, "{typed}");
        }
    }

    fn kanji(count: u32) -> String {
        (0..count).filter_map(|n| char::from_u32(0x4E00 + n * 37)).collect()
    }

    // security.md 18, 19
    #[test]
    fn long_ones_may_hold_anything() {
        for typed in [
            "山のあなたの空遠く幸住むと人のいう",
            "correct horse battery",
            "   みどり の まどぐち に いる ねこ  ",
            "🐈‍⬛🐕🐇🦔🐁🐀🐿️🦫🦦🦥🦨🦡🐾🐉🐲🦕",
            &kanji(128),
        ] {
            assert_eq!(problem(typed), None, "{typed}");
        }
        assert_eq!(problem(&kanji(129)), Some(Problem::TooLong { max: 128 }));
    }

    /// Fewer than `min` characters, a stray one, parts that lack.
    fn flaws(min: usize, is_short: bool, stray: Option<char>, lacks: &[PasswordPart]) -> Problem {
        let lacks = lacks.to_vec();
        Problem::PasswordRule(PasswordFlaws {
            min,
            is_short,
            stray,
            lacks,
        })
    }

    #[test]
    fn short_ones_outside_the_manuals_rule_are_refused_with_all_that_keeps_them_from_it() {
        use PasswordPart::{Digit, Letter, Sign};
        let cases: [(&str, bool, Option<char>, &[PasswordPart]); 11] = [
            ("Kenpo#2", true, None, &[]),
            ("kenpo2024", false, None, &[Sign]),
            ("kenpo###", false, None, &[Digit]),
            ("1234567!", false, None, &[Letter]),
            ("himawariyama", false, None, &[Digit, Sign]),
            ("Chizuru-1961", false, Some('-'), &[Sign]),
            ("けんぽ#2024", false, Some('け'), &[Letter]),
            ("ken po#24", false, Some(' '), &[]),
            ("ken\u{3000}po#24", false, Some(' '), &[]),
            ("abcdefg!x/1", false, Some('/'), &[]),
            ("a-b", true, Some('-'), &[Digit, Sign]),
        ];
        for (typed, is_short, stray, lacks) in cases {
            assert_eq!(problem(typed), Some(flaws(8, is_short, stray, lacks)), "{typed}");
        }
        assert_eq!(problem(""), Some(Problem::Empty));
        assert_eq!(problem("nara\u{7}kyosai no machi"), Some(Problem::Characters));
        assert_eq!(problem("nara\nkyosai no machi 1!"), Some(Problem::Characters));
    }

    #[test]
    fn the_refusal_says_whether_it_is_common_or_known() {
        assert_eq!(problem("Password1!"), Some(Problem::PasswordCommon));
        assert_eq!(problem("aaaaaaaaaaaaaaaaaaaa"), Some(Problem::PasswordCommon));
        assert_eq!(problem("taro.kenpo.taro.kenpo"), Some(Problem::PasswordContext));
        assert_eq!(problem("19850401aA!"), Some(Problem::PasswordContext));
    }

    #[test]
    fn an_insurer_may_raise_the_minimum_but_not_lower_it() {
        let rule = |minimum_length| PasswordRule { minimum_length };
        let parse = |typed, minimum| Password::new(typed, &rule(minimum), &[]).err();
        assert_eq!(parse("Ken4po#Y", 0), None);
        assert_eq!(parse("Ken4po#Y", 12), Some(flaws(12, true, None, &[])));
        assert_eq!(parse("Kenpo#24Yama", 12), None);
        assert_eq!(parse("Kenpo-24Yama3+kawa", 24), Some(flaws(24, true, None, &[])));
        assert_eq!(
            parse(
                "a long walk in the hills of Yoshino, then a long bath in the evening",
                900
            ),
            None
        );
    }

    #[test]
    fn the_example_keeps_the_rule_of_every_insurer_that_has_one_and_is_nobodys() {
        for minimum_length in 8..PasswordRule::LONG {
            let rule = PasswordRule { minimum_length };
            let refused = Password::new(PasswordRule::EXAMPLE, &rule, &[]).err();
            assert_eq!(refused, Some(Problem::PasswordCommon), "{minimum_length}");
        }
    }

    // security.md 22
    #[test]
    fn full_width_typing_is_the_same_password() {
        let wide = Password::new("Ｋｅｎ４ｐｏ＃Ｙ", &RULE, &[]).ok().unwrap();
        assert_eq!(wide.bytes(), Password::typed("Ken4po#Y").bytes());
        assert_eq!(wide.bytes().unwrap(), b"Ken4po#Y");
    }

    #[test]
    fn blanks_at_the_ends_are_part_of_it() {
        assert_ne!(
            Password::typed(" Kenpo#24").bytes(),
            Password::typed("Kenpo#24").bytes()
        );
    }

    #[test]
    fn what_is_typed_at_log_in_has_no_rule_but_an_end() {
        assert!(Password::typed("").bytes().is_some());
        assert!(Password::typed(&"x".repeat(128)).bytes().is_some());
        assert!(Password::typed(&"x".repeat(129)).bytes().is_none());
        assert!(Password::typed(&"ﷺ".repeat(500)).bytes().is_none());
        assert!(Password::typed(&"x".repeat(10_000_000)).bytes().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_password_of_the_manual_drawn_by_chance_is_accepted(
            body in "[A-Za-z0-9?!@#%&()_+]{5,5}", letters in "[A-Za-z]{4}", digit in "[0-9]", sign in "[?!@#%&()_+]",
        ) {
            // Letters apart from each other: by chance alone four in a row are a word of the list now and then.
            let drawn = letters.chars().zip(body.chars()).flat_map(|(letter, any)| [letter, any]);
            let typed = format!("{}{sign}{digit}x", drawn.collect::<String>());
            prop_assert_eq!(problem(&typed), None, "{}", typed);
        }

        #[test]
        fn what_is_refused_by_the_rule_says_what_and_what_says_nothing_keeps_it(
            typed in "[A-Za-z0-9?!@#%&()_+あ. -]{1,22}", minimum_length in 0..30usize,
        ) {
            let rule = PasswordRule { minimum_length };
            let length = typed.chars().count();
            match rule.flaws(&typed) {
                Some(flaws) => {
                    prop_assert!(flaws.is_short || flaws.stray.is_some() || !flaws.lacks.is_empty());
                    prop_assert!(flaws.stray.is_none_or(|c| typed.contains(c) && !PasswordRule::SIGNS.contains(c)));
                    prop_assert!(length < PasswordRule::LONG.max(minimum_length));
                }
                None => prop_assert!(length >= minimum_length.max(8)),
            }
        }

        #[test]
        fn no_text_panics(typed in "\\PC{0,40}", context in "\\PC{0,12}") {
            let _ = Password::new(&typed, &RULE, &[&context]);
            let _ = Password::typed(&typed);
        }
    }
}
