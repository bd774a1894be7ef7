//! What can be wrong with one field, as a value that the shells put into words: Japanese on pages, a code in the API.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is wrong with one typed value. `code()` is stable and public; words are the shells' business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.code())]
pub enum Problem {
    /// Nothing was typed.
    Empty,
    /// Fewer than `min` characters.
    TooShort {
        /// Characters needed at least.
        min: usize,
    },
    /// More than `max` characters.
    TooLong {
        /// Characters allowed at most.
        max: usize,
    },
    /// Holds characters that the field cannot take.
    Characters,
    /// Holds this one, which the field cannot take.
    Character(char),
    /// One of several that are typed into a field, as this one, can't be read.
    Unread(String),
    /// A マイナンバー, it seems, which nobody may ask for: it is shown and kept nowhere.
    MyNumber,
    /// An insurer code that has not 8 (or, for the national health kind, 6) digits.
    CodeLength,
    /// An insurer code whose check digit does not fit: mistyped.
    CheckDigit,
    /// An insurer code that is well formed but belongs to no insurer here.
    Unregistered,
    /// A kana name with characters that are not kana (kanji, for example).
    NotKana,
    /// A year, month or day was left open.
    DateIncomplete,
    /// A day that its month does not have; `last_day` is the month's last.
    ImpossibleDate {
        /// 1–12.
        month: u32,
        /// The last day of that month in that year.
        last_day: u32,
    },
    /// No month of any year.
    ImpossibleMonth,
    /// No day in any known form, in a field whose own words say how one is written.
    DateShape,
    /// Before, or less than, what another field says.
    BeforeOther {
        /// That field's name …
        name: Box<str>,
        /// … and label.
        label: Box<str>,
    },
    /// A date that nobody's birth can have: in the future or before 1868.
    DateOutOfRange,
    /// Not the shape of an e-mail address.
    EmailShape,
    /// The address that it is already.
    EmailUnchanged,
    /// Not the address that was meant, it seems: a well-known provider's name with a slip in it. Asked about once.
    EmailDoubtful {
        /// The address that it was taken for.
        meant: String,
    },
    /// A short password that does not keep the manual's rule.
    PasswordRule(PasswordFlaws),
    /// A password that is on the list of common ones.
    PasswordCommon,
    /// A password made of what others know: the user ID, the member number, the birth date, the insurer's name.
    PasswordContext,
    /// A password that repeats the present one where a new one is asked for.
    PasswordUnchanged,
    /// The user ID belongs to somebody else already.
    UserIdTaken,
    /// A user ID that is kept for the platform (admin, root, …).
    UserIdReserved,
    /// The typed present password is wrong.
    PasswordWrong,
    /// A box that must be ticked was left open.
    NotAgreed,
    /// A value that is none of the choices offered.
    NotAChoice,
    /// The same, with what the choices are.
    NotOneOf(Vec<String>),
    /// Not a URL of the shape that is asked for: absolute, by https, naming nobody.
    UrlShape,
    /// A URL that leads to no public address.
    NotPublic,
    /// Of a file's line that is no object of JSON.
    NotJson,
    /// Another value of JSON than a text.
    NotText,
    /// Not there at all.
    Missing,
    /// A key that the first line of its file has not.
    UnknownKey,
    /// A day that has begun where one to come is asked for.
    NotInFuture,
    /// A time that isn't after the one that it belongs to.
    NotLater,
    /// A time of which nothing is kept any more.
    TooLongAgo {
        /// How long it is kept.
        days: i64,
    },
    /// A text with raw HTML, which is not shown.
    Html {
        /// From 1.
        line: usize,
    },
    /// A text with a link that leads where none may.
    Link {
        /// From 1.
        line: usize,
    },
}

impl Problem {
    /// The stable, public code, as in `errors[].code` of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Characters | Self::Character(_) | Self::Unread(_) => "characters",
            Self::MyNumber => "my_number",
            Self::CodeLength => "code_length",
            Self::CheckDigit => "check_digit",
            Self::Unregistered => "unregistered",
            Self::NotKana => "not_kana",
            Self::DateIncomplete => "date_incomplete",
            Self::ImpossibleDate { .. } => "impossible_date",
            Self::ImpossibleMonth => "impossible_month",
            Self::DateShape => "date_shape",
            Self::BeforeOther { .. } => "before_other",
            Self::DateOutOfRange => "date_out_of_range",
            Self::EmailShape => "email_shape",
            Self::EmailUnchanged => "email_unchanged",
            Self::EmailDoubtful { .. } => "email_doubtful",
            Self::PasswordRule(_) => "password_rule",
            Self::PasswordCommon => "password_common",
            Self::PasswordContext => "password_context",
            Self::PasswordUnchanged => "password_unchanged",
            Self::UserIdTaken => "user_id_taken",
            Self::UserIdReserved => "user_id_reserved",
            Self::PasswordWrong => "password_wrong",
            Self::NotAgreed => "not_agreed",
            Self::NotAChoice | Self::NotOneOf(_) => "not_a_choice",
            Self::UrlShape => "url_shape",
            Self::NotPublic => "not_public",
            Self::NotJson => "not_json",
            Self::NotText => "type",
            Self::Missing => "required",
            Self::UnknownKey => "unknown_key",
            Self::NotInFuture => "not_in_future",
            Self::NotLater => "not_later",
            Self::TooLongAgo { .. } => "too_long_ago",
            Self::Html { .. } => "html",
            Self::Link { .. } => "link",
        }
    }
}

impl Problem {
    /// None of these.
    pub fn not_one_of<'a>(choices: impl IntoIterator<Item = &'a str>) -> Self {
        Self::NotOneOf(choices.into_iter().map(str::to_owned).collect())
    }

    /// Before, or less than, what this field says.
    pub fn before(other: &Field) -> Self {
        Self::BeforeOther {
            name: other.name.as_ref().into(),
            label: other.label.as_ref().into(),
        }
    }
}

/// What keeps a short password from the manual's rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordFlaws {
    /// The fewest characters a password needs at this insurer.
    pub min: usize,
    /// It has fewer.
    pub is_short: bool,
    /// Its first character that only a long password may hold.
    pub stray: Option<char>,
    /// What it has none of.
    pub lacks: Vec<PasswordPart>,
}

/// What a password of the manual's rule is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordPart {
    /// 英字.
    Letter,
    /// 数字.
    Digit,
    /// 記号.
    Sign,
}

/// A field of a form or of a program's request, with the words that are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the form and the API: `birth_date`, `user_id`.
    pub name: Cow<'static, str>,
    /// Its label on pages: 「生年月日」.
    pub label: Cow<'static, str>,
    /// What to do where it is left open; else 「…を入力してください」.
    pub empty: Option<&'static str>,
    /// What to do where it holds characters that it does not take.
    pub characters: Option<&'static str>,
}

impl Field {
    /// A field that asks for something to be typed.
    pub const fn new(name: &'static str, label: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            label: Cow::Borrowed(label),
            empty: None,
            characters: None,
        }
    }

    /// With words of its own for being left open.
    #[must_use]
    pub const fn or_empty(mut self, words: &'static str) -> Self {
        self.empty = Some(words);
        self
    }

    /// With words of its own for characters that it does not take.
    #[must_use]
    pub const fn takes(mut self, words: &'static str) -> Self {
        self.characters = Some(words);
        self
    }
}

/// A [`Problem`] and the field it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// What is wrong with it.
    pub problem: Problem,
}

impl FieldError {
    /// Names a problem's field.
    pub fn new(field: Field, problem: Problem) -> Self {
        Self { field, problem }
    }

    /// Takes a parser's answer: the value, or nothing with the error noted in `errors`. So a form gathers all its
    /// errors at once.
    pub fn gather<T>(field: Field, parsed: Result<T, Problem>, errors: &mut Vec<Self>) -> Option<T> {
        parsed.map_err(|problem| errors.push(Self::new(field, problem))).ok()
    }
}
