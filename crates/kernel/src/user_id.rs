//! ユーザーID: the manual's 6–50 characters of `A-Za-z0-9@-_+` (1-3). Its second list shows a stray comma, which is
//! refused (security.md). Checked character by character: in a regex class `@-_` would be a range.

use crate::{Problem, text};

const RESERVED: [&str; 13] = [
    UserId::EXAMPLE,
    "administrator",
    "madoguchi",
    "operator",
    "support",
    "system",
    "webmaster",
    "postmaster",
    "mypage",
    "portal",
    "console",
    "security",
    "anonymous",
];
/// Short words that are reserved with anything but letters after them (`admin-1`), too short to be IDs alone.
const RESERVED_STEMS: [&str; 3] = ["admin", "root", "staff"];

/// A user ID, unique over the platform whatever the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId(String);

impl UserId {
    /// Characters at least.
    pub const MIN: usize = 6;
    /// Characters at most.
    pub const MAX: usize = 50;
    /// What may stand in one beside letters and digits; the hyphen last, so that no regex class makes a range of it.
    pub const SIGNS: &'static str = "@_+-";

    /// Shown as an example of the rule, and so nobody's.
    pub const EXAMPLE: &'static str = "sakura_hana7";

    /// Parses a user ID that somebody wants to have.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let id = Self::typed(typed)?;
        let folded = id.folded();
        let stem_taken = RESERVED_STEMS.iter().any(|stem| {
            folded
                .strip_prefix(stem)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        });
        if stem_taken || RESERVED.contains(&folded.as_str()) {
            return Err(Problem::UserIdReserved);
        }
        Ok(id)
    }

    /// Parses a user ID typed to log in: the shape only, since nobody is told here what is reserved.
    pub fn typed(typed: &str) -> Result<Self, Problem> {
        let id = text::normalize(typed);
        if id.is_empty() {
            return Err(Problem::Empty);
        }
        let takes = |c: char| c.is_ascii_alphanumeric() || Self::SIGNS.contains(c);
        if let Some(stray) = id.chars().find(|c| !takes(*c)) {
            return Err(Problem::Character(stray));
        }
        if id.len() < Self::MIN {
            return Err(Problem::TooShort { min: Self::MIN });
        }
        if id.len() > Self::MAX {
            return Err(Problem::TooLong { max: Self::MAX });
        }
        Ok(Self(id))
    }

    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes it unique: lower case.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_manuals_signs_are_allowed_and_its_stray_comma_is_not() {
        assert_eq!(UserId::parse("ＫＥＮＰＯ＠-_+１").unwrap().as_str(), "KENPO@-_+1");
        for (typed, stray) in [
            ("kenpo,1", ','),
            ("kenpo[1", '['),
            ("kenpo^1", '^'),
            ("kenpo\\1", '\\'),
            ("kenpo.1@nara/2", '.'),
            ("kenpo 1", ' '),
            ("健保太郎さん", '健'),
        ] {
            assert_eq!(UserId::parse(typed), Err(Problem::Character(stray)), "{typed}");
        }
    }

    #[test]
    fn length_and_reserved_words_are_told_apart() {
        assert_eq!(UserId::parse("abcde"), Err(Problem::TooShort { min: 6 }));
        assert_eq!(UserId::parse(&"a".repeat(51)), Err(Problem::TooLong { max: 50 }));
        for typed in ["Madoguchi", "admin-1", "root_1", "ADMINISTRATOR", UserId::EXAMPLE] {
            assert_eq!(UserId::parse(typed), Err(Problem::UserIdReserved), "{typed}");
        }
        assert!(UserId::parse("administered").is_ok() && UserId::parse("rooted").is_ok());
    }

    proptest! {
        #[test]
        fn a_user_id_holds_only_the_manuals_characters(typed in "\\PC*") {
            if let Ok(id) = UserId::parse(&typed) {
                prop_assert!(id.as_str().chars().all(|c| c.is_ascii_alphanumeric() || "@-_+".contains(c)));
                prop_assert!((6..=50).contains(&id.as_str().len()));
            }
        }
    }
}
