//! What a draft may say, whoever writes it: the rules of its fields.

use chrono::NaiveDate;
use kernel::{Field, Problem, text};
use roster::Group;

/// Characters of a title.
pub(crate) const TITLE_CHARS: usize = 200;
/// Characters of a text: what a form may hold is bytes, and a Japanese letter is nine of them.
pub(crate) const BODY_CHARS: usize = 6000;
/// Characters of a 事業所コード.
pub(crate) const CODE_CHARS: usize = 40;
/// Years of age.
pub(crate) const OLDEST: i16 = 150;

pub(crate) fn title(typed: &str) -> Result<String, Problem> {
    let title = text::written(typed);
    if title.is_empty() {
        Err(Problem::Empty)
    } else if title.chars().count() > TITLE_CHARS {
        Err(Problem::TooLong { max: TITLE_CHARS })
    } else if text::has_control(&title) {
        Err(Problem::Characters)
    } else {
        Ok(title)
    }
}

/// A draft may have none yet.
pub(crate) fn body(typed: &str) -> Result<String, Problem> {
    let body = text::written_lines(typed);
    if body.chars().count() > BODY_CHARS {
        Err(Problem::TooLong { max: BODY_CHARS })
    } else if body.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        Err(Problem::Characters)
    } else {
        tenancy::text_problem(&body).map_or(Ok(body), Err)
    }
}

/// 事業所コード; none where nothing is typed.
pub(crate) fn workplace(typed: &str) -> Result<Option<String>, Problem> {
    let code = text::written(typed);
    if code.chars().count() > CODE_CHARS {
        Err(Problem::TooLong { max: CODE_CHARS })
    } else if text::has_control(&code) {
        Err(Problem::Characters)
    } else {
        Ok(Some(code).filter(|code| !code.is_empty()))
    }
}

/// The older age is the second; the first is this field's.
pub(crate) fn ages(group: &Group, from: &Field) -> Result<(), Problem> {
    if group.age_from.zip(group.age_to).is_some_and(|(from, to)| to < from) {
        Err(Problem::before(from))
    } else {
        Ok(())
    }
}

/// The later day is the second; the first is this field's.
pub(crate) fn days(first: Option<NaiveDate>, last: Option<NaiveDate>, from: &Field) -> Result<(), Problem> {
    if first.zip(last).is_some_and(|(first, last)| last < first) {
        Err(Problem::before(from))
    } else {
        Ok(())
    }
}
