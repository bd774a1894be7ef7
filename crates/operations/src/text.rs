//! The strings that requests hold, each of a documented form, and the times that answers hold. A form's lengths and
//! pattern are the kernel's own and say how a value is kept: full width, blanks and dashes are mended before it is looked
//! at, so more is taken than they say, and what they don't admit the use cases refuse. Checked before is what no mending
//! helps: NUL, [`MOST_TYPED`], and the length of what is compared as it is or may be ignored ([`WITHOUT_NUL`] alone).

use accounts::{CODE_DIGITS, PasswordRule};
use chrono::{DateTime, SecondsFormat, Utc};
use kernel::{EmailAddress, EmployeeNumber, KanaName, Number, Symbol, UserId};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;
use std::{borrow::Cow, marker::PhantomData};

/// Characters of any string at most, before anything is mended.
pub const MOST_TYPED: usize = 1024;
/// PostgreSQL stores no NUL, and no field of ours means one.
pub const WITHOUT_NUL: &str = r"^[^\u0000]*$";
/// No field of ours takes a control character.
const WITHOUT_CONTROL: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// 保険者指定コード; its check digit is no matter of a pattern.
pub const INSURER_CODE: &str = "^[0-9]{6}([0-9]{2})?$";

/// What the document says of a string.
pub trait Form: Send + Sync + 'static {
    /// Its lengths and pattern.
    fn schema() -> MetaSchema;
}

/// A string of a form, as sent.
pub struct Text<F>(String, PhantomData<F>);

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident: $lengths:expr, $pattern:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Form for $name {
            fn schema() -> MetaSchema {
                let lengths: std::ops::RangeInclusive<usize> = $lengths;
                MetaSchema {
                    min_length: Some(*lengths.start()).filter(|fewest| *fewest > 0),
                    max_length: Some(*lengths.end()),
                    pattern: Some($pattern.into()),
                    ..MetaSchema::new("string")
                }
            }
        }
    )*};
}

forms! {
    /// What was handed out or is one of a few words: compared as it is.
    Opaque: 0..=100, WITHOUT_NUL;
    /// The secret of a program that has logged in before.
    DeviceForm: 0..=400, WITHOUT_NUL;
    /// Words of scopes with blanks between them.
    ScopesForm: 0..=MOST_TYPED, WITHOUT_NUL;
    /// 保険者指定コード.
    InsurerCodeForm: 6..=8, INSURER_CODE;
    /// 記号.
    SymbolForm: 0..=Symbol::MAX, WITHOUT_CONTROL;
    /// 番号.
    NumberForm: 1..=Number::MAX, WITHOUT_CONTROL;
    /// 社員番号.
    EmployeeNumberForm: 0..=EmployeeNumber::MAX, WITHOUT_NUL;
    /// 生年月日.
    BirthDateForm: 10..=10, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
    /// 氏名（カナ）.
    KanaForm: 1..=KanaName::MAX, WITHOUT_CONTROL;
    /// ユーザーID.
    UserIdForm: UserId::MIN..=UserId::MAX, format!("^[A-Za-z0-9{}]*$", UserId::SIGNS);
    /// A password to log in with: rules change, and old passwords stay.
    PasswordForm: 1..=PasswordRule::LONGEST, WITHOUT_CONTROL;
    /// A new password.
    NewPasswordForm: PasswordRule::SHORTEST..=PasswordRule::LONGEST, WITHOUT_CONTROL;
    /// メールアドレス.
    EmailForm: 6..=EmailAddress::MAX, EmailAddress::PATTERN;
    /// 認証番号.
    CodeForm: CODE_DIGITS..=CODE_DIGITS, "^[0-9]*$";
}

impl<F> Text<F> {
    /// The text as sent.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<F: Form> Type for Text<F> {
    const IS_REQUIRED: bool = true;
    type RawValueType = String;
    type RawElementValueType = String;

    fn name() -> Cow<'static, str> {
        "string".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(F::schema()))
    }

    fn as_raw_value(&self) -> Option<&String> {
        Some(&self.0)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a String> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl<F: Form> ParseFromJSON for Text<F> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self(text, PhantomData)),
            other => Err(ParseError::expected_type(other.unwrap_or_default())),
        }
    }
}

impl<F: Form> ToJSON for Text<F> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }
}

/// A moment, written as `2026-11-24T01:00:00Z`.
#[derive(Clone, Copy)]
pub struct Time(DateTime<Utc>);

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl Type for Time {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_date-time".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl ParseFromJSON for Time {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let value = value.unwrap_or_default();
        let time = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        time.map(|time| Self(time.to_utc()))
            .ok_or_else(|| ParseError::expected_type(value))
    }
}

impl ToJSON for Time {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts that the document admits.
    fn admitted<F: Form>() -> impl Strategy<Value = String> {
        let schema = F::schema();
        let (fewest, most) = (schema.min_length.unwrap_or_default(), schema.max_length.unwrap());
        let pattern = schema.pattern.unwrap();
        let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
        let pattern = pattern
            .strip_suffix('*')
            .map_or(pattern.to_owned(), |class| format!("{class}{{{fewest},{most}}}"));
        proptest::string::string_regex(&pattern)
            .unwrap()
            .prop_filter("of a documented length", move |text| {
                (fewest..=most).contains(&text.chars().count())
            })
    }

    proptest! {
        #[test]
        fn what_the_document_admits_the_kernel_takes(
            user_id in admitted::<UserIdForm>(), email in admitted::<EmailForm>(), symbol in admitted::<SymbolForm>(),
        ) {
            prop_assert!(UserId::typed(&user_id).is_ok(), "{user_id}");
            prop_assert!(EmailAddress::parse(&email).is_ok(), "{email}");
            prop_assert!(Symbol::parse(&symbol).is_ok(), "{symbol}");
        }

        #[test]
        fn what_the_kernel_takes_is_kept_as_the_document_says(typed in "[ -~]{0,60}") {
            let form = UserIdForm::schema();
            if let Ok(id) = UserId::typed(&typed) {
                let length = id.as_str().chars().count();
                prop_assert!((form.min_length.unwrap()..=form.max_length.unwrap()).contains(&length));
            }
        }
    }
}
