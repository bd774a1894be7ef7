//! What has to be mended before a form goes through, field by field or as a whole.

use crate::words;
use accounts::{
    fields::CODE,
    reasons::{CODE_LATE, CODE_SUPERSEDED, CODE_USED, CODE_WRONG},
};
use chrono::{DateTime, Utc};
use kernel::{Field, FieldError, Problem, Refusal, Way, outcome};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One field to be mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// The field's name.
    pub field: Cow<'static, str>,
    /// The id of the element that the summary's link leads to.
    pub anchor: String,
    /// What to do.
    pub text: String,
}

/// What has to be mended or known before the form goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// Each field to be mended.
    pub fields: Vec<Mistake>,
    /// What concerns the form as a whole.
    pub heading: Option<Cow<'static, str>>,
    /// Under the heading.
    pub text: String,
    /// Where to go from here.
    pub ways: Vec<Way>,
}

impl Errors {
    /// What concerns the form as a whole, in words of its page's own.
    pub fn of_form(heading: &'static str, text: &str) -> Self {
        Self {
            heading: Some(heading.into()),
            text: text.into(),
            ..Self::default()
        }
    }

    /// What a form shows of a refusal.
    pub fn new(refusal: &Refusal, now: DateTime<Utc>) -> Self {
        let words = refusal.words(now);
        // About the one field of its page.
        if refusal.is_any(&[CODE_WRONG, CODE_LATE, CODE_SUPERSEDED, CODE_USED]) {
            return Self {
                fields: vec![Mistake {
                    field: CODE.name,
                    anchor: "f-code".into(),
                    text: words.text,
                }],
                ..Self::default()
            };
        }
        let mut errors = Self {
            fields: refusal.fields.iter().map(Mistake::new).collect(),
            ..Self::default()
        };
        if !refusal.is(outcome::FIELDS) {
            errors.heading = Some(words.heading.into());
            errors.text = words.text;
            errors.ways = words.ways;
        }
        if refusal.fields.iter().any(|error| error.problem == Problem::MyNumber) {
            errors.heading = Some("マイナンバーは入力しないでください".into());
        }
        errors
    }

    /// What is wrong with a field that this form labels in its own way: 「新しいパスワード」 for 「パスワード」.
    #[must_use]
    pub fn labelled(mut self, field: &Field, own: &str) -> Self {
        for mistake in self.fields.iter_mut().filter(|mistake| mistake.field == field.name) {
            if let Some(rest) = mistake.text.strip_prefix(&*field.label) {
                mistake.text = format!("{own}{rest}");
            }
        }
        self
    }

    /// True where all is well.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.heading.is_none()
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|mistake| mistake.field == field)
            .map(|mistake| mistake.text.as_str())
    }

    /// True where the summary's link leads to this element.
    pub fn leads_to(&self, anchor: &str) -> bool {
        self.fields.iter().any(|mistake| mistake.anchor == anchor)
    }

    /// 「入力内容を確認してください（2件）」, or the refusal's own heading.
    pub fn heading(&self) -> String {
        match &self.heading {
            Some(heading) => heading.to_string(),
            None => format!("入力内容を確認してください（{}件）", self.fields.len()),
        }
    }
}

impl Mistake {
    fn new(error: &FieldError) -> Self {
        let anchor = match (&*error.field.name, &error.problem) {
            ("birth_date", Problem::ImpossibleDate { .. }) => "f-birth_day".into(),
            ("birth_date", _) => "f-birth_year".into(),
            (field, _) => format!("f-{field}"),
        };
        Self {
            field: error.field.name.clone(),
            anchor,
            text: words::problem(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use accounts::fields;

    #[test]
    fn the_summary_counts_and_its_links_lead_to_the_fields() {
        let refused = Refusal::fields(vec![
            FieldError::new(fields::NUMBER, Problem::Empty),
            FieldError::new(fields::BIRTH_DATE, Problem::ImpossibleDate { month: 4, last_day: 30 }),
        ]);
        let errors = Errors::new(&refused, DateTime::UNIX_EPOCH);
        assert_eq!(errors.heading(), "入力内容を確認してください（2件）");
        assert_eq!(errors.of("number"), Some("番号を入力してください"));
        assert!(errors.leads_to("f-birth_day") && !errors.leads_to("f-birth_year"));
        assert_eq!(errors.of("symbol"), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_forms_own_label() {
        let refused = Refusal::fields(vec![
            FieldError::new(fields::CURRENT_PASSWORD, Problem::Empty),
            FieldError::new(fields::PASSWORD, Problem::Empty),
        ]);
        let errors = Errors::new(&refused, DateTime::UNIX_EPOCH).labelled(&fields::PASSWORD, "新しいパスワード");
        assert_eq!(errors.of("password"), Some("新しいパスワードを入力してください"));
        assert_eq!(errors.of("current_password"), Some("今のパスワードを入力してください"));
    }

    #[test]
    fn a_refused_code_is_said_at_its_field() {
        let errors = Errors::new(&CODE_LATE.into(), DateTime::UNIX_EPOCH);
        assert!(errors.of("code").is_some() && errors.heading.is_none());
    }
}
