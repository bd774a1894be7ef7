//! What somebody typed into the search box, and what it may be. One box takes everything, so what is typed decides which
//! look-ups run; each reading is looked up, and no look-up runs for what can't be it.

use kernel::{Branch, EmailAddress, EmployeeNumber, KanaName, Number, Symbol, UserId, text};
use roster::search::NumberKeys;
use std::{collections::BTreeSet, ops::RangeInclusive};

/// Characters at most: two of the longest fields of a number, or a name.
pub const MAX: usize = 100;
/// Kana at least: one alone begins a twentieth of all names.
const KANA: usize = 2;
/// Characters of a user ID at least.
const USER_ID: usize = 3;
/// Digits of a phone number: from one without its area code to the longest that there is.
const PHONE: RangeInclusive<usize> = 8..=15;

/// A typed term, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Term {
    /// Its readings as 記号・番号, with and without a separator.
    pub numbers: Vec<NumberKeys>,
    /// As the beginning of a name in kana, in whatever writing.
    pub kana: Option<KanaName>,
    /// As the beginning of a name in kanji: its key.
    pub name: Option<String>,
    /// As the beginning of a user ID, folded.
    pub user_id: Option<String>,
    /// As a mail address.
    pub email: Option<EmailAddress>,
    /// As a phone number: its key.
    pub phone: Option<String>,
    /// As 社員番号: its key.
    pub employee: Option<String>,
}

/// Why a term finds nobody whoever there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Nothing was typed.
    Empty,
    /// Too little to look for.
    TooShort,
    /// More than any name or number has.
    TooLong,
}

impl Term {
    /// Reads what was typed.
    pub fn parse(typed: &str) -> Result<Self, Unread> {
        if typed.chars().count() > MAX {
            return Err(Unread::TooLong);
        }
        let plain = text::normalize(typed);
        if plain.is_empty() || text::has_control(&plain) {
            return Err(Unread::Empty);
        }
        let has_digit = plain.chars().any(|c| c.is_ascii_digit());
        let term = Self {
            numbers: if has_digit { numbers(&plain) } else { Vec::new() },
            kana: KanaName::parse(typed)
                .ok()
                .filter(|name| name.fold_keys()[0].chars().count() >= KANA),
            name: Some(text::name_key(typed)).filter(|key| !has_digit && is_name(key)),
            user_id: user_id(&plain),
            email: EmailAddress::parse(typed).ok(),
            phone: phone(&plain),
            employee: EmployeeNumber::parse(typed)
                .ok()
                .map(|number| number.key().to_owned())
                .filter(|_| has_digit),
        };
        if term == Self::default() {
            return Err(Unread::TooShort);
        }
        Ok(term)
    }
}

/// One kanji is a name (林); of anything else two characters are.
fn is_name(key: &str) -> bool {
    let is_short = key.chars().count() == 1 && (key.is_ascii() || KanaName::parse(key).is_ok());
    !is_short && !key.contains('@') && key.chars().any(|c| !c.is_ascii_punctuation())
}

/// The beginning of a user ID: its characters alone, folded.
fn user_id(plain: &str) -> Option<String> {
    let takes = |c: char| c.is_ascii_alphanumeric() || UserId::SIGNS.contains(c);
    let length = plain.chars().count();
    ((USER_ID..=UserId::MAX).contains(&length) && plain.chars().all(takes)).then(|| plain.to_ascii_lowercase())
}

/// Digits, and what people write between and before them.
fn phone(plain: &str) -> Option<String> {
    let takes = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')') || is_separator(c);
    let key = text::phone_key(plain);
    (PHONE.contains(&key.len()) && plain.chars().all(takes)).then_some(key)
}

/// Every way to part what was typed into 記号 and 番号, the whole as a number without 記号 among them; and where it ends in a
/// group of two digits, the same with that as 枝番. Whoever reads it off a card may leave the separator out, and a 記号 may
/// hold one itself.
fn numbers(plain: &str) -> Vec<NumberKeys> {
    let mut bare = plain.to_owned();
    for label in ["記号", "番号", "枝番"] {
        bare = bare.replace(label, " ");
    }
    let bare = bare.trim_matches(is_separator);
    let mut readings = BTreeSet::new();
    parted(bare, "", &mut readings);
    if let Some((rest, branch)) = branched(bare) {
        parted(rest, branch, &mut readings);
    }
    readings.into_iter().collect()
}

fn branched(bare: &str) -> Option<(&str, &str)> {
    let (rest, branch) = bare.rsplit_once(is_separator)?;
    let is_branch = branch.len() == 2 && branch.bytes().all(|byte| byte.is_ascii_digit());
    is_branch.then_some((rest.trim_end_matches(is_separator), branch))
}

fn parted(bare: &str, branch: &str, readings: &mut BTreeSet<NumberKeys>) {
    let places = bare.char_indices().map(|(at, _)| at);
    for (symbol, number) in places.filter_map(|at| bare.split_at_checked(at)) {
        let (symbol, number) = (symbol.trim_matches(is_separator), number.trim_matches(is_separator));
        let (Ok(symbol), Ok(number), Ok(branch)) =
            (Symbol::parse(symbol), Number::parse(number), Branch::parse(branch))
        else {
            continue;
        };
        // A number ends in a digit, whatever it begins with.
        if number.key().ends_with(|c: char| c.is_ascii_digit()) {
            readings.insert(NumberKeys {
                symbol: symbol.key().to_owned(),
                number: number.key().to_owned(),
                branch: branch.key().to_owned(),
            });
        }
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '・' | '/' | ':' | ',' | '、' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reads(typed: &str, symbol: &str, number: &str) -> bool {
        let term = Term::parse(typed).unwrap();
        term.numbers
            .iter()
            .any(|keys| keys.symbol == symbol && keys.number == number)
    }

    #[test]
    fn a_number_is_read_with_and_without_its_separator() {
        for typed in [
            "12-3456",
            "12 3456",
            "１２・３４５６",
            "123456",
            "0012-003456",
            "0012003456",
            "記号12 番号3456",
            "12-3456-01",
            "12ー3456",
        ] {
            assert!(reads(typed, "12", "3456"), "{typed}");
        }
        assert!(reads("公立-12-34", "公立-12", "34") && reads("公立-1234", "公立-12", "34"));
        assert!(reads("3456", "", "3456"));
        assert!(Term::parse("健保").unwrap().numbers.is_empty());
    }

    #[test]
    fn a_group_of_two_digits_at_the_end_may_be_a_branch() {
        let of = |typed: &str| Term::parse(typed).unwrap().numbers;
        let branch = |keys: &NumberKeys| {
            (keys.symbol.as_str(), keys.number.as_str(), keys.branch.as_str()) == ("12", "3456", "1")
        };
        assert!(of("12-3456-01").iter().any(branch));
        assert!(!of("12-345601").iter().any(branch));
    }

    #[test]
    fn what_is_typed_decides_what_is_looked_up() {
        let kinds = |typed: &str| {
            let term = Term::parse(typed).unwrap();
            [
                (!term.numbers.is_empty(), "number"),
                (term.kana.is_some(), "kana"),
                (term.name.is_some(), "name"),
                (term.user_id.is_some(), "user_id"),
                (term.email.is_some(), "email"),
                (term.phone.is_some(), "phone"),
                (term.employee.is_some(), "employee"),
            ]
            .into_iter()
            .filter_map(|(runs, kind)| runs.then_some(kind))
            .collect::<Vec<_>>()
            .join(" ")
        };
        for (typed, expected) in [
            ("健保　祥子", "name"),
            ("林", "name"),
            ("ｹﾝﾎﾟ", "kana name"),
            ("けんぽ しょうこ", "kana name"),
            ("12-3456", "number user_id employee"),
            ("E-1055", "number user_id employee"),
            ("taro_105", "number user_id employee"),
            ("smith", "kana name user_id"),
            ("taro@example.jp", "email"),
            ("7", "number employee"),
            ("090-1234-5678", "number user_id phone employee"),
            ("+81 90 1234 5678", "number phone employee"),
            ("090-1234-567x", "user_id employee"),
        ] {
            assert_eq!(kinds(typed), expected, "{typed}");
        }
    }

    #[test]
    fn what_finds_nobody_whoever_there_is_is_told_apart() {
        for (typed, unread) in [
            ("", Unread::Empty),
            (" 　\u{200B}", Unread::Empty),
            ("ア", Unread::TooShort),
            ("a", Unread::TooShort),
            ("-", Unread::TooShort),
        ] {
            assert_eq!(Term::parse(typed), Err(unread), "{typed:?}");
        }
        assert_eq!(Term::parse(&"1".repeat(101)), Err(Unread::TooLong));
    }

    proptest! {
        #[test]
        fn no_typed_text_panics_and_what_is_read_says_something(typed in "(\\PC|[0-9a-zア-ンｱ-ﾝ健保@._ 　・ー-]){0,40}") {
            if let Ok(term) = Term::parse(&typed) {
                prop_assert!(term != Term::default());
                // Two readings for each character.
                prop_assert!(term.numbers.len() <= 200);
                prop_assert!(term.numbers.iter().all(|keys| !keys.number.is_empty()));
                prop_assert!(term.name.as_deref() != Some("") && term.user_id.as_deref() != Some(""));
            }
        }

        #[test]
        fn any_number_is_found_however_it_is_typed(
            symbol in "([1-9][0-9]{0,3}|公立-[1-9]{1,2}|[A-Z]{1,3})", number in "[1-9][0-9]{0,6}",
            between in "(-|−|ー| |　|・|)", zeros in "0{0,3}",
        ) {
            // A separator may also be part of a number behind letters; where digits meet, zeros are the number's.
            let typed = format!("{symbol}{between}{zeros}{number}");
            let keys = Symbol::parse(&symbol).unwrap();
            prop_assert!(reads(&typed, keys.key(), &number), "{}", typed);
        }
    }
}
