//! What every page shows around its own matter: the insurer's name and colours, the menu, a message from the step before,
//! what has to be mended, and the contact desk. Templates reach it as `frame`.

use crate::words::{self, Link};
use accounts::Refusal;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{FieldError, Problem, calendar};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tenancy::{DeskStatus, Insurer};

/// Which menu a page has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Menu {
    /// Not logged in.
    #[default]
    Visitor,
    /// Logged in, the terms not accepted yet: help and log-out only.
    Waiting,
    /// Logged in.
    Member,
}

/// A message from the step before, shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flash {
    pub kind: FlashKind,
    pub text: String,
}

impl Flash {
    pub(crate) fn is_done(&self) -> bool {
        self.kind == FlashKind::Done
    }
}

/// Good news, or something to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FlashKind {
    Done,
    Info,
}

/// Around every page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub insurer: Arc<Insurer>,
    pub menu: Menu,
    /// The address of the menu's entry that the page belongs to.
    pub section: &'static str,
    pub flash: Option<Flash>,
    pub errors: Errors,
    /// The last day of reading after loss of coverage.
    pub read_only_until: Option<NaiveDate>,
    /// The mark of the page's forms; none on pages for anybody.
    pub shown_for: Option<String>,
    now: DateTime<Utc>,
}

impl Frame {
    pub(crate) fn new(insurer: Arc<Insurer>, menu: Menu, now: DateTime<Utc>) -> Self {
        Self {
            insurer,
            menu,
            section: "",
            flash: None,
            errors: Errors::default(),
            read_only_until: None,
            shown_for: None,
            now,
        }
    }

    /// The page with something to mend.
    pub(crate) fn with_errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }

    /// The page as part of a menu entry: `/portal/notices`.
    pub(crate) fn in_section(mut self, address: &'static str) -> Self {
        self.section = address;
        self
    }

    /// Beside the identity's birth date.
    pub(crate) fn birth_date_hint(&self) -> String {
        format!("{}の生年月日を選んでください", words::whose(self.insurer.kind))
    }

    /// Beside the identity's name.
    pub(crate) fn kana_name_hint(&self) -> String {
        format!(
            "{}の氏名を、ひらがなかカタカナで入力してください。名字と名前の間の空白は、あってもなくても構いません",
            words::whose(self.insurer.kind)
        )
    }

    /// True where the menu's entry is the page's own.
    pub(crate) fn is_section(&self, address: &str) -> bool {
        self.section == address
    }

    pub(crate) fn is_member(&self) -> bool {
        self.menu == Menu::Member
    }

    pub(crate) fn is_logged_in(&self) -> bool {
        self.menu != Menu::Visitor
    }

    /// Where the name in the header leads.
    pub(crate) fn home(&self) -> &'static str {
        if self.is_member() { "/portal/mypage" } else { "/portal/" }
    }

    pub(crate) fn style(&self) -> &str {
        self.insurer.brand.style()
    }

    /// The logo's address, which another logo does not share.
    pub(crate) fn logo(&self) -> Option<LogoView> {
        let logo = self.insurer.logo.as_ref()?;
        let owner = self.insurer.code.as_ref().map_or("platform", |code| code.as_str());
        let source = format!("/portal/logo/{owner}/{}", logo.hash);
        // Shown 40 pixels high; the browser knows the place it takes before the picture is there.
        let (height, wide) = (40, u64::from(logo.width) * 40 / u64::from(logo.height.max(1)));
        Some(LogoView {
            source,
            width: wide.clamp(1, 240),
            height,
        })
    }

    /// The desk as it is now. A template asks once: looking for the next opening day is work.
    pub(crate) fn desk_hours(&self) -> DeskHours {
        let desk = &self.insurer.desk;
        let status = desk.status(self.now);
        DeskHours {
            text: desk.hours_text(),
            is_open: matches!(status, DeskStatus::Open { .. }),
            status: match status {
                DeskStatus::Open { until } => format!("{}まで受け付けています", words::moment(until, self.now)),
                DeskStatus::Closed { opens_at: Some(at) } => {
                    format!("次の受付は{}からです", words::moment(at, self.now))
                }
                DeskStatus::Closed { opens_at: None } => "ただいまお休みしています".into(),
            },
        }
    }

    /// The desk's number for `tel:`.
    pub(crate) fn telephone(&self) -> String {
        self.insurer
            .desk
            .phone
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect()
    }

    pub(crate) fn read_only_text(&self) -> Option<String> {
        self.read_only_until.map(|day| {
            format!(
                "資格を失われたため、ご覧になることだけができます（{}まで）",
                calendar::date_with_weekday(day)
            )
        })
    }
}

/// When the desk answers, on the page.
pub(crate) struct DeskHours {
    /// Its hours in words; empty where the insurer gives none.
    pub text: String,
    /// 受付中, else 受付時間外.
    pub is_open: bool,
    /// Beside that: until when, or when the desk opens next.
    pub status: String,
}

/// A logo on the page.
pub(crate) struct LogoView {
    pub source: String,
    pub width: u64,
    pub height: u32,
}

/// One field to be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub field: &'static str,
    /// The id of the element that the summary's link leads to.
    pub anchor: String,
    pub text: String,
}

/// What has to be mended or known before the form goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    pub fields: Vec<Mistake>,
    /// What concerns the form as a whole.
    pub heading: Option<&'static str>,
    pub text: String,
    pub links: Vec<Link>,
}

impl Errors {
    /// What a form shows of a refusal.
    pub(crate) fn new(refusal: &Refusal, now: DateTime<Utc>) -> Self {
        match refusal {
            Refusal::Fields(errors) => Self {
                fields: errors.iter().map(Mistake::new).collect(),
                ..Self::default()
            },
            // About the one field of its page.
            Refusal::CodeWrong { .. } | Refusal::CodeLate | Refusal::CodeSuperseded | Refusal::CodeUsed => {
                let text = words::refusal(refusal, now).text;
                Self {
                    fields: vec![Mistake {
                        field: "code",
                        anchor: "f-code".into(),
                        text,
                    }],
                    ..Self::default()
                }
            }
            other => {
                let words = words::refusal(other, now);
                Self {
                    heading: Some(words.heading),
                    text: words.text,
                    links: words.links,
                    fields: vec![],
                }
            }
        }
    }

    /// What is wrong with a field that this form labels in its own way: 「新しいパスワード」 for 「パスワード」.
    pub(crate) fn labelled(mut self, field: &str, own: &str) -> Self {
        let label = words::label(field);
        for mistake in self.fields.iter_mut().filter(|mistake| mistake.field == field) {
            if let Some(rest) = mistake.text.strip_prefix(label) {
                mistake.text = format!("{own}{rest}");
            }
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.heading.is_none()
    }

    /// What is wrong with a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|mistake| mistake.field == field)
            .map(|mistake| mistake.text.as_str())
    }

    /// True where the summary's link leads to this element.
    pub(crate) fn leads_to(&self, anchor: &str) -> bool {
        self.fields.iter().any(|mistake| mistake.anchor == anchor)
    }

    /// 「入力内容を確認してください（2件）」, or the refusal's own heading.
    pub(crate) fn heading(&self) -> String {
        match self.heading {
            Some(heading) => heading.into(),
            None => format!("入力内容を確認してください（{}件）", self.fields.len()),
        }
    }
}

impl Mistake {
    fn new(error: &FieldError) -> Self {
        let anchor = match (error.field, &error.problem) {
            ("birth_date", Problem::ImpossibleDate { .. }) => "f-birth_day".into(),
            ("birth_date", _) => "f-birth_year".into(),
            (field, _) => format!("f-{field}"),
        };
        Self {
            field: error.field,
            anchor,
            text: words::problem(error.field, &error.problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_and_its_links_lead_to_the_fields() {
        let refused = Refusal::Fields(vec![
            FieldError::new("number", Problem::Empty),
            FieldError::new("birth_date", Problem::ImpossibleDate { month: 4, last_day: 30 }),
        ]);
        let errors = Errors::new(&refused, DateTime::UNIX_EPOCH);
        assert_eq!(errors.heading(), "入力内容を確認してください（2件）");
        assert_eq!(errors.of("number"), Some("番号を入力してください"));
        assert!(errors.leads_to("f-birth_day") && !errors.leads_to("f-birth_year"));
        assert_eq!(errors.of("symbol"), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_forms_own_label() {
        let refused = Refusal::Fields(vec![
            FieldError::new("current_password", Problem::Empty),
            FieldError::new("password", Problem::Empty),
        ]);
        let errors = Errors::new(&refused, DateTime::UNIX_EPOCH).labelled("password", "新しいパスワード");
        assert_eq!(errors.of("password"), Some("新しいパスワードを入力してください"));
        assert_eq!(errors.of("current_password"), Some("今のパスワードを入力してください"));
    }

    #[test]
    fn a_refused_code_is_said_at_its_field() {
        let errors = Errors::new(&Refusal::CodeLate, DateTime::UNIX_EPOCH);
        assert!(errors.of("code").is_some() && errors.heading.is_none());
    }
}
