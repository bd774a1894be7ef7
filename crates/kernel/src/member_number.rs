//! 記号・番号・枝番 and 社員番号: by which an insurer knows its members (domain.md §3). Kept as written, compared by key.

use crate::{Problem, text};

macro_rules! written {
    ($(#[$doc:meta])* $name:ident, $optional:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name {
            written: String,
            key: String,
        }

        impl $name {
            /// Characters at most. The claims record holds 19 full-width ones; twice that leaves room for what insurers
            /// really print.
            pub const MAX: usize = 40;

            /// Parses what was typed or imported; any width, dash and spacing.
            pub fn parse(typed: &str) -> Result<Self, Problem> {
                let written = text::visible(typed).collect::<String>().trim().to_owned();
                let key = key(&written);
                if key.is_empty() && !$optional {
                    return Err(Problem::Empty);
                }
                if written.chars().count() > Self::MAX {
                    return Err(Problem::TooLong { max: Self::MAX });
                }
                if text::has_control(&written) {
                    return Err(Problem::Characters);
                }
                Ok(Self { written, key })
            }

            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.written
            }

            /// True where the field's name was typed along with what belongs into it: `記号100`.
            pub fn has_label(&self) -> bool {
                ["記号", "番号"].iter().any(|label| self.key.starts_with(label))
            }

            /// What two writings of the same value share.
            pub fn key(&self) -> &str {
                &self.key
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.written)
            }
        }
    };
}

written!(
    /// 記号: the employer's or municipality's part of a member number. Some insurers have none: empty is allowed.
    Symbol,
    true
);
written!(
    /// 番号: the member's part, shared by the family (in a 国保組合, by the household).
    Number,
    false
);
written!(
    /// 枝番: two digits that tell the persons of one number apart; empty in rosters older than 2020-10.
    Branch,
    true
);
written!(
    /// 社員番号: the employee number that some insurers ask for as well.
    EmployeeNumber,
    false
);

impl Number {
    /// True for digits alone, grouped or not. Two digits behind a single blank are a 枝番, and none of it.
    pub fn is_digits(&self) -> bool {
        let plain = text::normalize(&self.written);
        let groups: Vec<&str> = plain.split_whitespace().collect();
        let has_branch = matches!(groups.as_slice(), [_, branch] if branch.len() == 2);
        !has_branch && self.key.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// NFKC, all dashes and middle dots one, no blanks, circled letters as the claims format writes them `( )`,
/// upper-case; purely numeric values without leading zeros.
fn key(written: &str) -> String {
    let dense = if written.is_ascii() {
        text::normalize_dense(written).to_ascii_uppercase()
    } else {
        uncircled_dense(written)
    };
    if !dense.is_empty() && dense.bytes().all(|b| b.is_ascii_digit()) {
        let short = dense.trim_start_matches('0');
        return if short.is_empty() { "0".into() } else { short.into() };
    }
    dense
}

fn uncircled_dense(written: &str) -> String {
    let uncircled: String = written
        .chars()
        .flat_map(|c| {
            let circled = matches!(c, '\u{2460}'..='\u{24FF}' | '\u{3251}'..='\u{32FE}');
            let (open, close) = if circled { (Some('('), Some(')')) } else { (None, None) };
            open.into_iter().chain([c]).chain(close)
        })
        .collect();
    text::normalize_dense(&uncircled)
        .chars()
        .map(|c| match c {
            // No symbol holds a real length mark, beside kana neither.
            'ー' => '-',
            '·' | '•' | '･' | '‧' => '・',
            other => other,
        })
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(a: &str, b: &str) -> bool {
        Symbol::parse(a).unwrap().key() == Symbol::parse(b).unwrap().key()
    }

    #[test]
    fn writings_of_one_symbol_share_a_key() {
        assert!(same("１２－３４", "12-34"));
        assert!(same("公立‐１２", "公立-12"));
        assert!(same("奈良ー３", "奈良-3"));
        assert!(same("公立─１２", "公立-12"));
        assert!(same("公立\u{2060}-\u{E0020}12", "公立-12"));
        assert!(same("㋐12", "(ア)12"));
        assert!(same("0012", "12"));
        assert!(same("ab1", "ＡＢ１"));
        assert!(same("公・12", "公･12"));
        assert!(same("ケ゛ン-12", "ゲン-12"));
        assert!(same("は゜12", "ぱ12"));
    }

    #[test]
    fn leading_zeros_count_where_a_value_is_not_all_digits() {
        assert!(!same("A01", "A1"));
        assert_eq!(Number::parse("000").unwrap().key(), "0");
    }

    #[test]
    fn an_empty_symbol_is_a_symbol_and_an_empty_number_is_none() {
        assert_eq!(Symbol::parse(" ").unwrap().key(), "");
        assert_eq!(Number::parse("　"), Err(Problem::Empty));
        assert_eq!(Number::parse(&"1".repeat(41)), Err(Problem::TooLong { max: 40 }));
        assert_eq!(Number::parse("1\u{7}"), Err(Problem::Characters));
    }

    #[test]
    fn a_number_with_its_branch_its_symbol_or_a_label_is_not_digits_alone() {
        let is_digits = |typed| Number::parse(typed).unwrap().is_digits();
        for typed in ["105", "０１０５", " 105 ", "1 234", "1234 5678 90", "105\u{200B}"] {
            assert!(is_digits(typed), "{typed}");
        }
        for typed in [
            "0012-00",
            "0012 00",
            "００１２　００",
            "0012ー00",
            "100・12",
            "100-105",
            "番号105",
            "105(00)",
            "①05",
            "12a",
            "No.5",
        ] {
            assert!(!is_digits(typed), "{typed}");
        }
    }

    #[test]
    fn a_label_typed_along_is_seen() {
        let has_label = |typed| Symbol::parse(typed).unwrap().has_label();
        assert!(has_label("記号100") && has_label("記号：公立－12") && has_label("番 号 5"));
        assert!(!has_label("公立-12") && !has_label("100") && !has_label(""));
    }

    proptest! {
        #[test]
        fn a_number_of_digits_has_a_key_of_digits(typed in "[0-9０-９ 　・ー()-]{1,12}") {
            if let Ok(number) = Number::parse(&typed) {
                prop_assert!(!number.is_digits() || number.key().bytes().all(|byte| byte.is_ascii_digit()));
            }
        }

        #[test]
        fn no_typed_text_panics(typed in "\\PC*") {
            let _ = Symbol::parse(&typed);
        }

        #[test]
        fn a_key_is_its_own_key(typed in "[0-9０-９A-Za-zａ-ｚァ-ンぁ-ん一-龠ー─‐−・･()（）㋐-㋾①-⑳ 　\u{200B}-]{0,40}") {
            if let Ok(symbol) = Symbol::parse(&typed) {
                prop_assert_eq!(key(symbol.key()), symbol.key());
            }
        }
    }
}
