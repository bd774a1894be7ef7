//! Published notices as staff see them: listed by time, with how they stand and by how many they were read; never by whom.
//! Notices to a protected person are there only for whoever may see such people, and what a protected person read is in no
//! count.

use crate::{
    Audience, Author, Cursor,
    drafts::{By, record},
    group::GroupColumns,
    open::UNREAD_FOR,
    reasons::OF_FOLDER,
    schema::notices,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, Outcome, PersonId, outcome, text};
use roster::{Group, protection::not_protected};
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// Among how many notices a title is looked for at a time: what is looked at doesn't grow with what there is.
const LOOKED_AT: usize = 1000;
/// Up to how many readers a list counts.
const COUNTED_TO: i64 = 1000;

/// Which notices a page lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Those to all members or to a group of them.
    ToMembers,
    /// Those to one person each.
    ToPeople,
}

/// How a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its day is to come.
    Scheduled,
    /// Members read it.
    Shown,
    /// Its time is over.
    Ended,
    /// Staff took it back.
    Withdrawn,
}

impl Standing {
    /// Its word for programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Shown => "shown",
            Self::Ended => "ended",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A notice in a list.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Head {
    /// Which.
    #[diesel(sql_type = SqlUuid)]
    pub notice_id: NoticeId,
    /// Plain text.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// From when it is shown.
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    /// From when it isn't any more.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    /// When staff took it back.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// True where it comes from the insurer's folder.
    #[diesel(sql_type = Bool)]
    pub is_of_folder: bool,
    /// True where it is for some of the members alone.
    #[diesel(sql_type = Bool)]
    pub is_of_group: bool,
    /// For how many registered people it was when it was published.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub readers: Option<i64>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The lines.
    pub heads: Vec<Head>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
    /// By how many each was read, where marks are still kept.
    pub reads: HashMap<NoticeId, Reads>,
}

/// A notice as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which.
    pub id: NoticeId,
    /// To whom.
    pub audience: Audience,
    /// The one person.
    pub person: Option<PersonId>,
    /// The members whom it is for.
    pub group: Group,
    /// Where it comes from, if from the insurer's folder.
    pub slug: Option<String>,
    /// Plain text.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// From when it is shown.
    pub published_at: DateTime<Utc>,
    /// From when it isn't any more.
    pub ended_at: Option<DateTime<Utc>>,
    /// When staff took it back.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Whether members who wish it are told by mail.
    pub mail: bool,
    /// For how many registered people it was when it was published.
    pub readers: Option<i64>,
    /// Who published it, where it was a draft.
    pub published_by: Option<Author>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// How a notice of these times stands.
pub fn standing(
    now: DateTime<Utc>,
    published_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
) -> Standing {
    if withdrawn_at.is_some() {
        Standing::Withdrawn
    } else if ended_at.is_some_and(|end| end <= now) {
        Standing::Ended
    } else if published_at > now {
        Standing::Scheduled
    } else {
        Standing::Shown
    }
}

/// A page of a list, the newest first; with a title, of those whose title holds it.
pub async fn list(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    (kind, sees_protected): (Kind, bool),
    title: &str,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, DatabaseError> {
    let sought = folded(title);
    let looked_at = if sought.is_empty() { limit + 1 } else { LOOKED_AT };
    let after = after.unwrap_or_else(Cursor::before_all);
    let query = diesel::sql_query(list_sql(kind, sees_protected))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(after.published_at())
        .bind::<SqlUuid, _>(after.id())
        .bind::<BigInt, _>(i64::try_from(looked_at).unwrap_or(i64::MAX));
    let found: Vec<Head> = Prepared(query).load(&mut &**tx).await?;
    let last = found.last().filter(|_| found.len() == looked_at).map(Head::cursor);
    let mut heads: Vec<Head> = found
        .into_iter()
        .filter(|head| sought.is_empty() || folded(&head.title).contains(&sought))
        .collect();
    let next = if heads.len() > limit {
        heads.truncate(limit);
        heads.last().map(Head::cursor)
    } else {
        last
    };
    let counted: Vec<NoticeId> = heads
        .iter()
        .filter(|head| is_counted(now, head.published_at))
        .map(|head| head.notice_id)
        .collect();
    let reads = reads(tx, &counted, COUNTED_TO).await?;
    Ok(Page { heads, next, reads })
}

/// What two writings of a title share.
fn folded(title: &str) -> String {
    text::normalize(title).to_lowercase()
}

impl Head {
    fn cursor(&self) -> Cursor {
        Cursor::new(self.published_at, self.notice_id)
    }
}

/// Marks are kept for a year: before that nobody can say how many have read it.
pub fn is_counted(now: DateTime<Utc>, published_at: DateTime<Utc>) -> bool {
    published_at <= now && published_at > now - UNREAD_FOR
}

/// By how many a notice was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// So many.
    pub people: i64,
    /// True where counting stopped there.
    pub or_more: bool,
}

/// By how many each of these notices was read; counting stops at `most`.
pub async fn reads(
    tx: &TenantTransaction,
    ids: &[NoticeId],
    most: i64,
) -> Result<HashMap<NoticeId, Reads>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = SqlUuid)]
        notice_id: NoticeId,
        #[diesel(sql_type = BigInt)]
        marks: i64,
        #[diesel(sql_type = BigInt)]
        of_protected: i64,
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = diesel::sql_query(READS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<BigInt, _>(most);
    let rows: Vec<Read> = Prepared(query).load(&mut &**tx).await?;
    let reads = rows.into_iter().map(|row| {
        let or_more = row.marks >= most;
        let others = if or_more {
            row.marks
        } else {
            row.marks - row.of_protected
        };
        (
            row.notice_id,
            Reads {
                people: others.max(0),
                or_more,
            },
        )
    });
    Ok(reads.collect())
}

/// One notice.
pub async fn find(tx: &TenantTransaction, id: NoticeId) -> Result<Option<Published>, DatabaseError> {
    let row: Option<Row> = notices::table
        .filter(notices::tenant_id.eq(tx.tenant()))
        .filter(notices::notice_id.eq(id))
        .select(Row::as_select())
        .first(&mut &**tx)
        .await
        .optional()?;
    Ok(row.map(Published::from))
}

/// How a notice is taken from its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its time is over, earlier than was said.
    End,
    /// It should not have been published.
    Withdraw,
}

/// Takes a notice from its readers at once; false where it is no longer shown anyway. What comes from the insurer's folder can
/// only be withdrawn: an end would be undone by the next `tenant apply`.
pub async fn take(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    id: NoticeId,
    ending: Ending,
) -> Result<Outcome<bool>, DatabaseError> {
    let row: Option<Row> = notices::table
        .filter(notices::tenant_id.eq(tx.tenant()))
        .filter(notices::notice_id.eq(id))
        .select(Row::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?;
    let Some(notice) = row.map(Published::from) else {
        return Ok(outcome::NOT_FOUND.into());
    };
    match notice.may_be_taken(now, ending) {
        Outcome::Done(true) => {}
        not => return Ok(not),
    }
    let (action, withdrawn_at) = match ending {
        Ending::End => ("notice.end", None),
        Ending::Withdraw => ("notice.withdraw", Some(now)),
    };
    diesel::update(notices::table)
        .filter(notices::tenant_id.eq(tx.tenant()))
        .filter(notices::notice_id.eq(id))
        .set((
            notices::ended_at.eq(now),
            notices::withdrawn_at.eq(withdrawn_at),
            notices::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    record(tx, now, by, action, id, json!({})).await?;
    Ok(Outcome::Done(true))
}

impl Published {
    /// How it stands.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        standing(now, self.published_at, self.ended_at, self.withdrawn_at)
    }

    /// Whether it can be taken from its readers so; false where it is no longer shown anyway.
    pub fn may_be_taken(&self, now: DateTime<Utc>, ending: Ending) -> Outcome<bool> {
        if ending == Ending::End && self.slug.is_some() {
            return OF_FOLDER.into();
        }
        Outcome::Done(match self.standing(now) {
            Standing::Shown => true,
            Standing::Scheduled => ending == Ending::Withdraw,
            Standing::Ended | Standing::Withdrawn => false,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
struct Row {
    notice_id: NoticeId,
    audience: Audience,
    person_id: Option<PersonId>,
    #[diesel(embed)]
    group: GroupColumns,
    slug: Option<String>,
    title: String,
    body: String,
    published_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
    mail: bool,
    readers: Option<i64>,
    published_by: Option<Uuid>,
    by_client: bool,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Published {
    fn from(row: Row) -> Self {
        Self {
            id: row.notice_id,
            audience: row.audience,
            person: row.person_id,
            group: row.group.into_group(),
            slug: row.slug,
            title: row.title,
            body: row.body,
            published_at: row.published_at,
            ended_at: row.ended_at,
            withdrawn_at: row.withdrawn_at,
            mail: row.mail,
            readers: row.readers,
            published_by: row.published_by.map(|id| Author::read(id, row.by_client)),
            updated_at: row.updated_at,
        }
    }
}

fn list_sql(kind: Kind, sees_protected: bool) -> String {
    let kind = match kind {
        Kind::ToMembers => "n.audience <> 'person'".to_owned(),
        Kind::ToPeople if sees_protected => "n.audience = 'person'".to_owned(),
        Kind::ToPeople => format!("n.audience = 'person' AND {}", not_protected("n.person_id")),
    };
    format!(
        "SELECT n.notice_id, n.title, n.published_at, n.ended_at, n.withdrawn_at, n.slug IS NOT NULL AS is_of_folder,
             (n.workplace_code IS NOT NULL OR n.age_from IS NOT NULL OR n.age_to IS NOT NULL OR n.with_dependants)
                 AS is_of_group, n.readers
         FROM notices n
         WHERE n.tenant_id = $1 AND {kind} AND (n.published_at, n.notice_id) < ($2, $3)
         ORDER BY n.published_at DESC, n.notice_id DESC LIMIT $4"
    )
}

/// Less those who are protected, of whom there are few: what they have read of these notices is looked up once for all, with the
/// accounts they have closed.
const READS: &str = "
    WITH theirs AS MATERIALIZED (
        SELECT s.notice_id FROM protections x
        CROSS JOIN LATERAL (
            SELECT b.account_id FROM accounts b WHERE b.tenant_id = $1 AND b.person_id = x.person_id
            UNION ALL
            SELECT b.account_id FROM accounts b WHERE b.tenant_id = $1 AND b.closed_person_id = x.person_id OFFSET 0) a
        CROSS JOIN LATERAL (
            SELECT r.notice_id FROM notice_reads r
            WHERE r.tenant_id = $1 AND r.account_id = a.account_id AND r.notice_id = ANY ($2) OFFSET 0) s
        WHERE x.tenant_id = $1 AND x.lifted_at IS NULL
    )
    SELECT asked.notice_id, (
        SELECT count(*) FROM (
            SELECT FROM notice_reads r WHERE r.tenant_id = $1 AND r.notice_id = asked.notice_id LIMIT $3) marks
    ) AS marks, (SELECT count(*) FROM theirs WHERE theirs.notice_id = asked.notice_id) AS of_protected
    FROM unnest($2::uuid[]) AS asked (notice_id)";
