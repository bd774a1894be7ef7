//! マイナンバー: never asked for and never kept. Known here only so that whoever types theirs by mistake is told.

use crate::text;

/// True where what was typed reads as a マイナンバー: twelve digits, grouped or not, whose check digit fits. One other
/// number of twelve digits in eleven does, too.
pub fn is_my_number(typed: &str) -> bool {
    let digits: Option<Vec<u32>> = text::normalize_dense(typed)
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(10))
        .collect();
    let Some([checked @ .., check]) = digits.as_deref() else {
        return false;
    };
    // 総務省令第85号 (2014), 5条: weights 2–7 and 2–6 from the right; a remainder of 0 or 1 gives 0.
    let weights = (2..=7).chain(2..=6);
    let sum: u32 = checked
        .iter()
        .rev()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder,
    };
    checked.len() == 11 && *check == expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn twelve_digits_with_the_right_check_digit_are_one_however_they_are_grouped() {
        for typed in [
            "123456789018",
            "1234 5678 9018",
            "１２３４－５６７８－９０１８",
            "　123456789018 ",
        ] {
            assert!(is_my_number(typed), "{typed}");
        }
        for typed in [
            "123456789012",
            "23456789018",
            "0123456789018",
            "12345678901a",
            "",
            "105",
        ] {
            assert!(!is_my_number(typed), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn of_ten_last_digits_one_fits_and_no_text_panics(front in "[0-9]{11}", typed in "\\PC{0,20}") {
            let fitting = (0..10).filter(|last| is_my_number(&format!("{front}{last}"))).count();
            prop_assert_eq!(fitting, 1);
            let _ = is_my_number(&typed);
        }
    }
}
