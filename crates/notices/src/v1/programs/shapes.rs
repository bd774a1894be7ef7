//! What the operations on an insurer's notices take and answer, with examples.

use crate::{
    content,
    drafts::{Aim, Content},
    programs::{Counted, Line, Written},
};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Field, FieldError, NoticeId, Refusal, dates};
use operations::{
    call::Call,
    text::{Form, Text, Time, WITHOUT_CONTROL, WITHOUT_NUL},
};
use poem_openapi::{Object, registry::MetaSchema};
use serde_json::{Value, json};

const TITLE: Field = Field::new("title", "件名");
const BODY: Field = Field::new("body", "本文");
const WORKPLACE: Field = Field::new("workplace_code", "事業所コード");
const AGE_FROM: Field = Field::new("age_from", "年齢（から）");
const AGE_TO: Field = Field::new("age_to", "年齢（まで）");
const FIRST_DAY: Field = Field::new("first_day", "掲載の最初の日");
const LAST_DAY: Field = Field::new("last_day", "掲載の最後の日");

/// The notice of the examples.
pub(super) const ID: &str = "0197a3c0-0000-7000-8000-00000000004d";

pub(super) fn draft_example() -> Value {
    json!({
        "title": "人間ドックの受付を始めました",
        "body": "お申し込みは**12月25日**までです。",
        "age_from": 40,
        "age_to": 74,
        "last_day": "2026-12-25",
        "mail": true,
    })
}

pub(super) fn line_example() -> Value {
    json!({
        "id": ID,
        "state": "shown",
        "title": "人間ドックの受付を始めました",
        "updated_at": "2026-11-22T01:00:00Z",
        "published_at": "2026-11-22T01:00:00Z",
        "ended_at": "2026-12-25T15:00:00Z",
    })
}

pub(super) fn example(state: &str) -> Value {
    let mut one = json!({
        "id": ID,
        "state": state,
        "title": "人間ドックの受付を始めました",
        "body": "お申し込みは**12月25日**までです。",
        "age_from": 40,
        "age_to": 74,
        "with_dependants": false,
        "mail": true,
        "updated_at": "2026-11-22T01:00:00Z",
    });
    let more = match state {
        "draft" => json!({"last_day": "2026-12-25"}),
        "withdrawn" => json!({
            "published_at": "2026-11-22T00:00:00Z", "ended_at": "2026-11-22T01:00:00Z",
            "withdrawn_at": "2026-11-22T01:00:00Z", "readers": 1204,
        }),
        _ => json!({"published_at": "2026-11-22T01:00:00Z", "ended_at": "2026-12-25T15:00:00Z", "readers": 1204}),
    };
    if let (Some(one), Value::Object(more)) = (one.as_object_mut(), more) {
        one.extend(more);
    }
    one
}

/// A page of an insurer's notices, the last begun first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct InsurerNoticeList {
    /// The lines.
    pub(super) notices: Vec<InsurerNoticeLine>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// A line of the list.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct InsurerNoticeLine {
    /// To read it by: a draft keeps it when it is published.
    id: String,
    /// `draft`, `scheduled` (its first day is to come), `shown`, `ended` or `withdrawn`.
    state: String,
    /// Plain text.
    title: String,
    /// When it last changed.
    updated_at: Time,
    /// From when members see it; absent of a draft.
    published_at: Option<Time>,
    /// From when they don't any more; absent where that is open.
    ended_at: Option<Time>,
    /// When it was withdrawn.
    withdrawn_at: Option<Time>,
}

/// A notice of an insurer, a draft or published.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct InsurerNotice {
    /// A draft keeps it when it is published.
    id: String,
    /// `draft`, `scheduled` (its first day is to come), `shown`, `ended` or `withdrawn`.
    state: String,
    /// Plain text.
    title: String,
    /// Markdown; raw HTML in it is not shown.
    body: String,
    /// 事業所コード: for the people of this workplace alone.
    workplace_code: Option<String>,
    /// For people of this age and older.
    age_from: Option<i16>,
    /// For people of this age and younger.
    age_to: Option<i16>,
    /// For the insured with a dependant alone.
    with_dependants: bool,
    /// The first day on which a draft is to be shown, in Japan; absent where it is shown once it is published.
    first_day: Option<NaiveDate>,
    /// The last one; absent where it is shown until somebody ends it.
    last_day: Option<NaiveDate>,
    /// Whether members who wish it are told by mail.
    mail: bool,
    /// When it last changed.
    updated_at: Time,
    /// From when members see it; absent of a draft.
    published_at: Option<Time>,
    /// From when they don't any more; absent where that is open.
    ended_at: Option<Time>,
    /// When it was withdrawn.
    withdrawn_at: Option<Time>,
    /// For how many registered people it was when it was published, without those who were protected then.
    readers: Option<i64>,
}

/// How often a notice was read.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct NoticeReads {
    /// For how many registered people it was when it was published, without those who were protected then; it stays what it was. Absent
    /// of a draft.
    readers: Option<i64>,
    /// How many have opened it, without those who are protected now; absent of a draft, before its first day, and a year after that,
    /// from when on nobody counts.
    reads: Option<i64>,
}

impl From<Counted> for NoticeReads {
    fn from(Counted { readers, reads }: Counted) -> Self {
        Self { readers, reads }
    }
}

/// What a draft is to say, as a whole: what is absent is not said. Without a condition it is for all members.
#[derive(Object)]
pub(super) struct NoticeDraft {
    /// 件名: one line of plain text.
    title: Text<TitleForm>,
    /// 本文: Markdown without raw HTML. It may be empty while nothing is to be published.
    body: Text<BodyForm>,
    /// 事業所コード: for the people of this workplace alone.
    #[oai(nullable)]
    workplace_code: Option<Text<WorkplaceForm>>,
    /// For people of this age and older.
    #[oai(nullable, validator(minimum(value = "0"), maximum(value = "150")))]
    age_from: Option<i16>,
    /// For people of this age and younger.
    #[oai(nullable, validator(minimum(value = "0"), maximum(value = "150")))]
    age_to: Option<i16>,
    /// For the insured with a dependant alone.
    #[oai(default)]
    with_dependants: bool,
    /// The first day on which it is shown, in Japan; where it is absent or over, from its publication on.
    #[oai(nullable)]
    first_day: Option<Text<DayForm>>,
    /// The last one; absent where it is shown until somebody ends it.
    #[oai(nullable)]
    last_day: Option<Text<DayForm>>,
    /// Whether members who wish it are told by mail once it is published.
    #[oai(default)]
    mail: bool,
}

struct TitleForm;

impl Form for TitleForm {
    fn schema() -> MetaSchema {
        string(1, content::TITLE_CHARS, WITHOUT_CONTROL)
    }
}

struct BodyForm;

impl Form for BodyForm {
    fn schema() -> MetaSchema {
        string(0, content::BODY_CHARS, WITHOUT_NUL)
    }
}

struct WorkplaceForm;

impl Form for WorkplaceForm {
    fn schema() -> MetaSchema {
        string(0, content::CODE_CHARS, WITHOUT_CONTROL)
    }
}

struct DayForm;

impl Form for DayForm {
    fn schema() -> MetaSchema {
        string(10, 10, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    }
}

fn string(fewest: usize, most: usize, pattern: &str) -> MetaSchema {
    MetaSchema {
        min_length: Some(fewest).filter(|fewest| *fewest > 0),
        max_length: Some(most),
        pattern: Some(pattern.into()),
        ..MetaSchema::new("string")
    }
}

impl NoticeDraft {
    /// What it says; all that is wrong at once.
    pub(super) fn read(self) -> Result<Content, Refusal> {
        let mut errors = Vec::new();
        let title = FieldError::gather(TITLE, content::title(&self.title.into_string()), &mut errors);
        let body = FieldError::gather(BODY, content::body(&self.body.into_string()), &mut errors);
        let typed = |text: Option<Text<_>>| text.map(Text::into_string).unwrap_or_default();
        let workplace = self.workplace_code.map(Text::into_string).unwrap_or_default();
        let workplace = FieldError::gather(WORKPLACE, content::workplace(&workplace), &mut errors);
        let group = roster::Group {
            workplace_code: workplace.flatten(),
            age_from: self.age_from,
            age_to: self.age_to,
            with_dependants: self.with_dependants,
        };
        FieldError::gather(AGE_TO, content::ages(&group, &AGE_FROM), &mut errors);
        let first_day = FieldError::gather(FIRST_DAY, dates::planned(&typed(self.first_day)), &mut errors).flatten();
        let last_day = FieldError::gather(LAST_DAY, dates::planned(&typed(self.last_day)), &mut errors).flatten();
        FieldError::gather(LAST_DAY, content::days(first_day, last_day, &FIRST_DAY), &mut errors);
        match title.zip(body) {
            Some((title, body)) if errors.is_empty() => Ok(Content {
                title,
                body,
                aim: Aim::Group(group),
                first_day,
                last_day,
                mail: self.mail,
            }),
            _ => Err(Refusal::fields(errors)),
        }
    }
}

impl InsurerNoticeLine {
    pub(super) fn of(line: Line, call: &Call) -> Self {
        Self {
            id: line.notice_id.to_string(),
            state: line.state(call.now()).into(),
            title: line.title,
            updated_at: line.updated_at.into(),
            published_at: line.published_at.map(Time::from),
            ended_at: line.ended_at.map(Time::from),
            withdrawn_at: line.withdrawn_at.map(Time::from),
        }
    }
}

impl InsurerNotice {
    pub(super) fn of(written: Written, call: &Call) -> Self {
        let state = written.state(call.now()).to_owned();
        match written {
            Written::Draft(draft) => {
                let Content {
                    title,
                    body,
                    aim,
                    first_day,
                    last_day,
                    mail,
                } = draft.content;
                let group = match aim {
                    Aim::Group(group) => group,
                    Aim::Person(_) => roster::Group::default(),
                };
                Self {
                    first_day,
                    last_day,
                    ..Self::new(draft.id, state, (title, body), group, mail, draft.updated_at)
                }
            }
            Written::Published(notice) => Self {
                published_at: Some(notice.published_at.into()),
                ended_at: notice.ended_at.map(Time::from),
                withdrawn_at: notice.withdrawn_at.map(Time::from),
                readers: notice.readers,
                ..Self::new(
                    notice.id,
                    state,
                    (notice.title, notice.body),
                    notice.group,
                    notice.mail,
                    notice.updated_at,
                )
            },
        }
    }

    /// What both have.
    fn new(
        id: NoticeId,
        state: String,
        (title, body): (String, String),
        group: roster::Group,
        mail: bool,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: id.to_string(),
            state,
            title,
            body,
            workplace_code: group.workplace_code,
            age_from: group.age_from,
            age_to: group.age_to,
            with_dependants: group.with_dependants,
            first_day: None,
            last_day: None,
            mail,
            updated_at: updated_at.into(),
            published_at: None,
            ended_at: None,
            withdrawn_at: None,
            readers: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        assert!(flaws::<NoticeDraft>(&draft_example()).is_empty());
        assert!(flaws::<InsurerNoticeLine>(&line_example()).is_empty());
        for state in ["draft", "shown", "withdrawn"] {
            assert!(flaws::<InsurerNotice>(&example(state)).is_empty(), "{state}");
        }
    }
}
