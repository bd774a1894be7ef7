//! Notices as an insurer's programs see them: those to all members or to a group of them, drafts and published ones as one kind of
//! thing that keeps its id. What is for one person alone is not among them.
//!
//! Whoever changes something says which state they know; each use case finds the notice, is told whether that is the one, and
//! changes no other.

use crate::{
    drafts::{self, By, Content, Stored},
    published::{self, Ending, Published, standing},
    publishing,
    reasons::{NOT_PUBLISHED, PUBLISHED_ALREADY, TWO_PUBLISH},
};
use approvals::{Action, is_under_four_eyes};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, Outcome, outcome};
use uuid::Uuid;

/// A notice, published or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is being written.
    Draft(Stored),
    /// Members see it, will see it, or did.
    Published(Published),
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(crate) struct Line {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) notice_id: NoticeId,
    #[diesel(sql_type = Text)]
    pub(crate) title: String,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) updated_at: DateTime<Utc>,
    /// None of a draft.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) published_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) withdrawn_at: Option<DateTime<Utc>>,
}

impl Line {
    /// How it stands, in a word.
    pub(crate) fn state(&self, now: DateTime<Utc>) -> &'static str {
        match self.published_at {
            Some(published_at) => standing(now, published_at, self.ended_at, self.withdrawn_at).as_str(),
            None => DRAFT,
        }
    }
}

/// The word of what is not published.
const DRAFT: &str = "draft";

impl Written {
    /// Which.
    pub(crate) fn id(&self) -> NoticeId {
        match self {
            Self::Draft(draft) => draft.id,
            Self::Published(notice) => notice.id,
        }
    }

    /// How it stands, in a word.
    pub(crate) fn state(&self, now: DateTime<Utc>) -> &'static str {
        match self {
            Self::Draft(_) => DRAFT,
            Self::Published(notice) => notice.standing(now).as_str(),
        }
    }

    /// Names how it stands: another after every change, and after the passing of a day that changes it.
    pub(crate) fn etag(&self, now: DateTime<Utc>) -> String {
        let count = match self {
            Self::Draft(draft) => draft.version,
            Self::Published(notice) => notice.updated_at.timestamp_micros(),
        };
        format!("\"{}-{count}\"", self.state(now))
    }
}

/// The newest first by when they were begun, after one of them. Nothing is missed or shown twice while some are written, published
/// or changed meanwhile.
pub(crate) async fn list(
    tx: &TenantTransaction,
    after: Option<NoticeId>,
    limit: u32,
) -> Result<Vec<Line>, DatabaseError> {
    let query = diesel::sql_query(LIST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(after.unwrap_or(NoticeId(Uuid::max())))
        .bind::<BigInt, _>(i64::from(limit));
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// One of them.
pub(crate) async fn find(tx: &TenantTransaction, id: NoticeId) -> Result<Option<Written>, DatabaseError> {
    let draft = drafts::find(tx, id).await?;
    if let Some(draft) = draft {
        let is_ours = draft.content.aim.person().is_none();
        return Ok(is_ours.then_some(Written::Draft(draft)));
    }
    let notice = published::find(tx, id).await?;
    Ok(notice.filter(|notice| notice.person.is_none()).map(Written::Published))
}

/// How often a notice was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// For how many registered people it was.
    pub(crate) readers: Option<i64>,
    /// How many have read it; none where nobody counts, yet or any more.
    pub(crate) reads: Option<i64>,
}

/// How often one of them was read, as the desk counts it.
pub(crate) async fn reads(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    id: NoticeId,
) -> Result<Option<Counted>, DatabaseError> {
    let notice = match find(tx, id).await? {
        None => return Ok(None),
        Some(Written::Draft(_)) => return Ok(Some(Counted::default())),
        Some(Written::Published(notice)) => notice,
    };
    let mut counted = Counted {
        readers: notice.readers,
        reads: None,
    };
    if published::is_counted(now, notice.published_at) {
        let reads = published::reads(tx, &[id], i64::MAX).await?;
        counted.reads = Some(reads.get(&id).map_or(0, |reads| reads.people));
    }
    Ok(Some(counted))
}

/// Keeps a new draft.
pub(crate) async fn create(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    content: &Content,
) -> Result<Outcome<Written>, DatabaseError> {
    let id = drafts::create(tx, now, by, content).await?;
    as_it_is(tx, id).await
}

/// Puts a draft as a whole, where it is `known` to whoever does.
pub(crate) async fn replace(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, known): (NoticeId, impl Fn(&str) -> bool),
    content: &Content,
) -> Result<Outcome<Written>, DatabaseError> {
    let draft = match draft(tx, now, (id, known)).await? {
        Outcome::Done(draft) => draft,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    match drafts::save(tx, now, by, (id, draft.version), content).await? {
        Outcome::Done(()) => as_it_is(tx, id).await,
        Outcome::Refused(refusal) => Ok(refusal.into()),
    }
}

/// Publishes a draft that is `known` to whoever does. Where the insurer has it done by two, it is handed to its staff instead.
pub(crate) async fn publish(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, known): (NoticeId, impl Fn(&str) -> bool),
) -> Result<Outcome<Written>, DatabaseError> {
    let draft = match draft(tx, now, (id, known)).await? {
        Outcome::Done(draft) => draft,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    let insurer = tenancy::insurer_of(tx).await?;
    let seen = (id, draft.version);
    let ready = match publishing::ready(tx, now, seen, insurer.after_loss_days).await? {
        Outcome::Done(ready) => ready,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    if is_under_four_eyes(&insurer, Action::Notice) {
        if draft.asked_at.is_none()
            && let Outcome::Refused(refusal) = drafts::ask(tx, now, by, seen).await?
        {
            return Ok(refusal.into());
        }
        return Ok(TWO_PUBLISH.into());
    }
    publishing::publish(tx, now, by, &ready).await?;
    as_it_is(tx, id).await
}

/// Takes a published notice that is `known` to whoever does from its readers. What they don't see any more stays as it is.
pub(crate) async fn withdraw(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    (id, known): (NoticeId, impl Fn(&str) -> bool),
) -> Result<Outcome<Written>, DatabaseError> {
    match found(tx, now, (id, known)).await? {
        Outcome::Done(Written::Published(_)) => {}
        Outcome::Done(Written::Draft(_)) => return Ok(NOT_PUBLISHED.into()),
        refused @ Outcome::Refused(_) => return Ok(refused),
    }
    match published::take(tx, now, by, id, Ending::Withdraw).await? {
        Outcome::Done(_) => as_it_is(tx, id).await,
        Outcome::Refused(refusal) => Ok(refusal.into()),
    }
}

/// The notice, where it stands as it is known.
async fn found(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    (id, known): (NoticeId, impl Fn(&str) -> bool),
) -> Result<Outcome<Written>, DatabaseError> {
    Ok(match find(tx, id).await? {
        None => outcome::NOT_FOUND.into(),
        Some(written) if !known(&written.etag(now)) => outcome::CONDITION_FAILED.into(),
        Some(written) => Outcome::Done(written),
    })
}

/// The same of a draft, which nobody else changes before the transaction ends: of two at the same instant the later one is judged
/// by what the earlier one made of it.
async fn draft(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    seen: (NoticeId, impl Fn(&str) -> bool),
) -> Result<Outcome<Stored>, DatabaseError> {
    drafts::wait_for(tx, seen.0).await?;
    Ok(match found(tx, now, seen).await? {
        Outcome::Done(Written::Draft(draft)) => Outcome::Done(draft),
        Outcome::Done(Written::Published(_)) => PUBLISHED_ALREADY.into(),
        Outcome::Refused(refusal) => refusal.into(),
    })
}

async fn as_it_is(tx: &TenantTransaction, id: NoticeId) -> Result<Outcome<Written>, DatabaseError> {
    let written = find(tx, id).await?;
    Ok(written.map_or_else(|| outcome::NOT_FOUND.into(), Outcome::Done))
}

const LIST: &str = "\
SELECT * FROM (
    (SELECT d.draft_id AS notice_id, d.title, d.updated_at, NULL::timestamptz AS published_at, NULL::timestamptz AS ended_at,
         NULL::timestamptz AS withdrawn_at
     FROM notice_drafts d WHERE d.tenant_id = $1 AND d.person_id IS NULL AND d.draft_id < $2
     ORDER BY d.draft_id DESC LIMIT $3)
    UNION ALL
    (SELECT n.notice_id, n.title, n.updated_at, n.published_at, n.ended_at, n.withdrawn_at
     FROM notices n WHERE n.tenant_id = $1 AND n.audience <> 'person' AND n.notice_id < $2
     ORDER BY n.notice_id DESC LIMIT $3)) lines
ORDER BY notice_id DESC LIMIT $3";
