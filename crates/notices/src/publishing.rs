//! Publishing what staff wrote: who it would be for, what would be done, and doing it. Showing and doing are apart, so that
//! another may agree between them.

use crate::{
    To,
    drafts::{self, Aim, By, Content, Stored, lock, record},
    mailing,
    publish::{Draft, Drafted, New, announce},
    reasons::{NO_TEXT, OVER_ALREADY, TO_NOBODY},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{NoticeId, Outcome, Refusal, calendar};
use roster::{Access, Group};
use serde_json::json;

/// How many people a notice would be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readers {
    /// Registered and covered.
    pub registered: i64,
    /// False where nobody in the roster is meant, registered or not.
    pub is_anybody: bool,
}

/// Counts whom a draft is for now. Whoever is protected is in no count but that of a notice to themself.
pub async fn readers(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    after_loss_days: u16,
    aim: &Aim,
) -> Result<Readers, DatabaseError> {
    match aim {
        Aim::Group(group) => {
            let registered = group.registered(tx, now).await?;
            Ok(Readers {
                registered,
                is_anybody: registered > 0 || group.is_anybody(tx, now).await?,
            })
        }
        Aim::Person(id) => {
            let person = roster::person(tx, *id).await?;
            // Whoever reads statements alone reads no notice.
            let is_anybody = person.is_some_and(|person| person.access(now, after_loss_days, false) != Access::Ended);
            let registered = !accounts::for_staff::states_of(tx, &[*id]).await?.is_empty();
            Ok(Readers {
                registered: i64::from(is_anybody && registered),
                is_anybody,
            })
        }
    }
}

/// Why a draft can't be published as it is.
pub async fn obstacle(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    content: &Content,
    readers: Readers,
) -> Result<Option<Refusal>, DatabaseError> {
    let today = calendar::today_in_japan(now);
    if content.body.is_empty() {
        Ok(Some(NO_TEXT.into()))
    } else if content.last_day.is_some_and(|last| last < today) {
        Ok(Some(OVER_ALREADY.into()))
    } else if !readers.is_anybody {
        Ok(Some(TO_NOBODY.into()))
    } else if is_told_to_many(content) {
        let day = content.first_day.map_or(today, |first| first.max(today));
        mailing::used_up(tx, day).await
    } else {
        Ok(None)
    }
}

/// True where more than one member may be told of it by mail.
fn is_told_to_many(content: &Content) -> bool {
    content.mail && content.aim.person().is_none()
}

/// What publishing would do, as label, before and after: what whoever agrees is shown. `to` says whom it is for. How many they
/// are is no part of it: it may change until then.
pub fn difference(content: &Content, to: &str) -> Vec<(String, String, String)> {
    let day =
        |day: Option<chrono::NaiveDate>, open: &str| day.map_or_else(|| open.to_owned(), calendar::date_with_weekday);
    let mail = if content.mail { "送る" } else { "送らない" };
    let lines = [
        ("件名", content.title.clone()),
        ("本文", content.body.clone()),
        ("宛先", to.to_owned()),
        ("掲載の最初の日", day(content.first_day, "公開したときから")),
        ("掲載の最後の日", day(content.last_day, "決めない")),
        ("メール", mail.to_owned()),
    ];
    lines
        .into_iter()
        .map(|(label, after)| (label.to_owned(), String::new(), after))
        .collect()
}

/// A draft that can be published as it is.
pub struct Ready {
    draft: Stored,
    readers: Readers,
}

impl Ready {
    /// What it says.
    pub fn content(&self) -> &Content {
        &self.draft.content
    }
}

/// A draft of which somebody has seen this version, if it can be published; nobody else changes it before the transaction ends.
pub async fn ready(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (id, version): (NoticeId, i64),
    after_loss_days: u16,
) -> Result<Outcome<Ready>, DatabaseError> {
    let draft = match lock(tx, id, version).await? {
        Outcome::Done(draft) => draft,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    if is_told_to_many(&draft.content) {
        mailing::lock_day(tx).await?;
    }
    let readers = readers(tx, now, after_loss_days, &draft.content.aim).await?;
    Ok(match obstacle(tx, now, &draft.content, readers).await? {
        Some(refusal) => refusal.into(),
        None => Outcome::Done(Ready { draft, readers }),
    })
}

/// Publishes a draft. It is a notice then, and no draft any more.
pub async fn publish(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    ready: &Ready,
) -> Result<(), DatabaseError> {
    let Ready { draft, readers } = ready;
    let (id, content) = (draft.id, &draft.content);
    let everybody = Group::default();
    let (to, group) = match &content.aim {
        Aim::Group(group) => (To::All, group),
        Aim::Person(person) => (To::Person(*person), &everybody),
    };
    let first = content.first_day.map(calendar::start_of_day);
    let notice = Draft {
        title: content.title.clone(),
        body: content.body.clone(),
        published_at: first.map_or(now, |first| first.max(now)),
        // Still shown on its last day.
        ended_at: content
            .last_day
            .and_then(|last| last.succ_opt())
            .map(calendar::start_of_day),
        mail: content.mail,
    };
    let new = New {
        slug: None,
        to,
        draft: &notice,
        drafted: Some(Drafted {
            id,
            by: by.author,
            group,
            readers: readers.registered,
        }),
    };
    new.insert(tx, now).await?;
    announce(tx, now, id, new.audience(tx.tenant()));
    let detail = json!({ "readers": readers.registered, "mail": content.mail });
    record(tx, now, by, "notice.publish", id, detail).await?;
    drafts::remove(tx, id).await
}
