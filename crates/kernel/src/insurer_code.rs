//! 保険者指定コード: which insurer a person belongs to, with its check digit (domain.md §3).

use crate::{Problem, text};

/// An insurer's designated code: 8 digits, or 6 for the national health kind, with a valid check digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InsurerCode(String);

impl InsurerCode {
    /// Parses a typed code: any width, blanks and hyphens between the digits allowed.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let digits = digits(typed);
        if digits.is_empty() {
            return Err(Problem::Empty);
        }
        if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 6 | 8) {
            return Err(Problem::CodeLength);
        }
        if !check_digit_fits(&digits) {
            return Err(Problem::CheckDigit);
        }
        Ok(Self(digits))
    }

    /// The code that a typed one with a wrong check digit would be with the right one; none where the check digit is not
    /// what is wrong with it.
    pub fn corrected(typed: &str) -> Option<Self> {
        if Self::parse(typed) != Err(Problem::CheckDigit) {
            return None;
        }
        let digits = digits(typed);
        let body = digits.get(..digits.len().checked_sub(1)?)?;
        Self::with_check_digit(body).ok()
    }

    /// The code of this body (7 or 5 digits) with its check digit added: for tests and sample data.
    pub fn with_check_digit(body: &str) -> Result<Self, Problem> {
        (0..10)
            .find_map(|digit| Self::parse(&format!("{body}{digit}")).ok())
            .ok_or(Problem::CodeLength)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for InsurerCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was typed, without blanks and hyphens.
fn digits(typed: &str) -> String {
    text::normalize_dense(typed).chars().filter(|c| *c != '-').collect()
}

/// Modulus 10 with weights 2, 1 from the right: the sum over all digits, the check digit included, ends in 0.
fn check_digit_fits(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0') * if place % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn public_codes_pass_and_mistyped_ones_fail_by_their_check_digit() {
        for code in [
            "32290413", "33120015", "01130012", "32010316", "32230310", "06999015", "06139992", "139998",
        ] {
            assert_eq!(InsurerCode::parse(code).map(|c| c.0), Ok(code.to_owned()), "{code}");
        }
        for code in ["42290413", "32290423", "32291413", "23290413"] {
            assert_eq!(InsurerCode::parse(code), Err(Problem::CheckDigit), "{code}");
        }
        // Swapping 0 and 9 is what this check digit cannot see: well formed, and only the directory knows better.
        assert!(InsurerCode::parse("32209413").is_ok());
    }

    #[test]
    fn the_right_check_digit_of_a_mistyped_code_is_known() {
        let corrected = |typed| InsurerCode::corrected(typed).map(|code| code.0);
        assert_eq!(corrected("139999"), Some("139998".into()));
        assert_eq!(corrected("３２２９－０４１０"), Some("32290413".into()));
        for typed in ["139998", "13999", "", "1399x9"] {
            assert_eq!(corrected(typed), None, "{typed}");
        }
    }

    #[test]
    fn full_width_and_grouped_digits_are_the_same_code() {
        assert_eq!(
            InsurerCode::parse("３２２９－０４１３").map(|c| c.0),
            Ok("32290413".into())
        );
        assert_eq!(InsurerCode::parse(" 3229 0413 ").map(|c| c.0), Ok("32290413".into()));
    }

    #[test]
    fn other_lengths_and_letters_are_told_apart_from_a_wrong_check_digit() {
        assert_eq!(InsurerCode::parse(""), Err(Problem::Empty));
        assert_eq!(InsurerCode::parse("3229041"), Err(Problem::CodeLength));
        assert_eq!(InsurerCode::parse("3229041x"), Err(Problem::CodeLength));
    }

    proptest! {
        #[test]
        fn anything_typed_is_either_a_code_or_a_problem(typed in "\\PC*") {
            if let Ok(code) = InsurerCode::parse(&typed) {
                prop_assert_eq!(InsurerCode::parse(code.as_str()), Ok(code));
            }
        }

        #[test]
        fn one_wrong_digit_is_always_seen(body in "[0-9]{7}", place in 0usize..8, other in 0u8..10) {
            let code = InsurerCode::with_check_digit(&body).unwrap();
            let mut digits = code.as_str().to_owned().into_bytes();
            prop_assume!(digits[place] != b'0' + other);
            digits[place] = b'0' + other;
            prop_assert_eq!(InsurerCode::parse(std::str::from_utf8(&digits).unwrap()), Err(Problem::CheckDigit));
        }
    }
}
