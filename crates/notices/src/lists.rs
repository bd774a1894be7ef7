//! What a member sees listed: the two short lists of the my page, and the same lists page by page.
//!
//! One statement serves both. Pages go by key (time and id of the last line), so nothing is missed or shown twice
//! while new notices arrive.

use crate::{Audience, NoticeHead, Notices, open::UNREAD_FOR};
use accounts::Member;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Date, Integer, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{AccountId, NoticeId, PersonId, TenantId, calendar};
use roster::group;
use scoped_futures::ScopedFutureExt as _;
use serde::{Serialize, Serializer};
use std::sync::LazyLock;
use uuid::Uuid;

/// Among how many of the newest notices the unread ones are counted: the count costs the same however many an insurer has
/// published.
pub const COUNTED: i64 = 30;

/// The two short lists of the my page, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NoticeLists {
    /// 組合からのお知らせ.
    pub insurer: Vec<NoticeHead>,
    /// …さんへのお知らせ.
    pub personal: Vec<NoticeHead>,
    /// Of the insurer's newest [`COUNTED`] notices those that this member has not opened, listed here or not.
    pub unread_insurer: i64,
    /// The same of the personal ones.
    pub unread_personal: i64,
}

/// Which notices a page lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// 組合からのお知らせ.
    Insurer,
    /// …さんへのお知らせ.
    Personal,
    /// Both together, by time.
    Both,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticePage {
    /// The lines.
    pub notices: Vec<NoticeHead>,
    /// Where the next page begins; none at the end.
    pub next: Option<Cursor>,
}

/// The last line of a page: what the next page comes after. As text 「2026-06-15T00:00:00.000000Z_0197…」.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    published_at: DateTime<Utc>,
    id: NoticeId,
}

impl Cursor {
    /// Reads the text of a cursor; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('_')?;
        let published_at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
        let cursor = Self {
            published_at,
            id: NoticeId::parse(id)?,
        };
        // Only what was handed out: other spellings, and times that the database can't hold, are not.
        (cursor.to_string() == text).then_some(cursor)
    }

    /// What comes after a notice.
    pub(crate) fn new(published_at: DateTime<Utc>, id: NoticeId) -> Self {
        Self { published_at, id }
    }

    /// Before the first page of a list that shows what is to come, too.
    pub(crate) fn before_all() -> Self {
        let year_9999 = DateTime::from_timestamp(253_370_764_800, 0).unwrap_or(DateTime::UNIX_EPOCH);
        Self::new(year_9999, NoticeId(Uuid::max()))
    }

    pub(crate) fn published_at(&self) -> DateTime<Utc> {
        self.published_at
    }

    pub(crate) fn id(&self) -> NoticeId {
        self.id
    }

    fn of(head: &NoticeHead) -> Self {
        Self {
            published_at: head.published_at,
            id: head.id,
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}_{}",
            self.published_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.id
        )
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Notices {
    /// The first `limit` notices of each list, and how many are unread in all. One statement.
    pub async fn for_member(
        &self,
        tx: &TenantTransaction,
        member: &Member,
        limit: u32,
    ) -> Result<NoticeLists, DatabaseError> {
        let limit = i64::from(limit);
        let listing = Listing {
            insurer: limit,
            personal: limit,
            total: 2 * limit,
            ..self.listing(tx.tenant(), member, None)
        };
        let rows = listing.rows(tx).await?;
        let mut lists = NoticeLists::default();
        for row in rows {
            lists.unread_insurer = row.unread_insurer;
            lists.unread_personal = row.unread_personal;
            match row.audience {
                Audience::Person => lists.personal.push(row.into()),
                Audience::Insurer | Audience::Site => lists.insurer.push(row.into()),
            }
        }
        Ok(lists)
    }

    /// A page of at most `limit` notices after a cursor. One statement.
    pub async fn page(
        &self,
        member: &Member,
        shelf: Shelf,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<NoticePage, DatabaseError> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        // One more than asked for tells whether there is a next page.
        let total = i64::from(limit) + 1;
        let listing = Listing {
            insurer: if shelf == Shelf::Personal { 0 } else { total },
            personal: if shelf == Shelf::Insurer { 0 } else { total },
            total,
            ..self.listing(tenant.id(), member, after)
        };
        let (_, rows) = tenant.read_with(|tx| listing.rows(tx).scope_boxed()).await?;
        let mut notices: Vec<NoticeHead> = rows.into_iter().map(NoticeHead::from).collect();
        let limit = limit as usize;
        let more = notices.len() > limit;
        notices.truncate(limit);
        let next = if more { notices.last().map(Cursor::of) } else { None };
        Ok(NoticePage { notices, next })
    }

    fn listing(&self, tenant: TenantId, member: &Member, after: Option<Cursor>) -> Listing {
        let (now, person) = (self.clock.now(), &member.person);
        let today = calendar::today_in_japan(now);
        // Before the first page stands the present with the greatest id: what is published later is not shown.
        let after = after.filter(|cursor| cursor.published_at < now);
        let after = after.unwrap_or(Cursor {
            published_at: now,
            id: NoticeId(Uuid::max()),
        });
        Listing {
            tenant,
            account: member.account_id,
            person: person.person_id,
            facts: Facts {
                symbol_key: person.symbol.key().to_owned(),
                number_key: person.number.key().to_owned(),
                today,
                workplace_code: person.workplace_code.clone(),
                age: group::age_on(person.birth_date.date(), today),
                insured: person.insured,
            },
            now,
            fresh: now - UNREAD_FOR,
            after,
            insurer: 0,
            personal: 0,
            total: 0,
        }
    }
}

/// The statement of every list. A hand-written fragment with a fixed text, so that it is prepared once per connection:
/// `sql_query` would be prepared anew for each my page.
struct Listing {
    tenant: TenantId,
    account: AccountId,
    person: PersonId,
    facts: Facts,
    now: DateTime<Utc>,
    /// What was published before it is never unread.
    fresh: DateTime<Utc>,
    after: Cursor,
    insurer: i64,
    personal: i64,
    total: i64,
}

/// What the roster says of the reader, by which a group's notices are theirs or not.
struct Facts {
    symbol_key: String,
    number_key: String,
    today: NaiveDate,
    workplace_code: String,
    age: i16,
    insured: bool,
}

impl Listing {
    async fn rows(&self, tx: &TenantTransaction) -> Result<Vec<Row>, DatabaseError> {
        Ok(self.load(&mut &**tx).await?)
    }
}

impl QueryId for Listing {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Listing {
    type SqlType = (SqlUuid, Text, Text, Timestamptz, Bool, BigInt, BigInt);
}

impl<Connection> diesel::RunQueryDsl<Connection> for Listing {}

impl QueryFragment<Pg> for Listing {
    // Each list reads its own partial index backwards; the counts are taken once, not per line. What is another group's is passed
    // over: an insurer publishes some hundreds a year.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.bind_facts(&mut out)?;
        out.push_sql("SELECT notice_id, audience, title, published_at, unread, (");
        self.count_unread(&mut out, Audience::Insurer)?;
        out.push_sql("), (");
        self.count_unread(&mut out, Audience::Person)?;
        out.push_sql(") FROM ((");
        self.list(&mut out, Audience::Insurer)?;
        out.push_sql(") UNION ALL (");
        self.list(&mut out, Audience::Person)?;
        out.push_sql(")) AS lines ORDER BY published_at DESC, notice_id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.total)
    }
}

impl Listing {
    /// The tenant and the reader's facts are `$1` to `$7`, by which [`MEANT`] names them.
    fn bind_facts<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let facts = &self.facts;
        out.push_sql("WITH facts AS (SELECT ");
        out.push_bind_param::<Integer, _>(&self.tenant)?;
        out.push_sql("::integer, ");
        out.push_bind_param::<Text, _>(&facts.symbol_key)?;
        out.push_sql("::text, ");
        out.push_bind_param::<Text, _>(&facts.number_key)?;
        out.push_sql("::text, ");
        out.push_bind_param::<Date, _>(&facts.today)?;
        out.push_sql("::date, ");
        out.push_bind_param::<Text, _>(&facts.workplace_code)?;
        out.push_sql("::text, ");
        out.push_bind_param::<SmallInt, _>(&facts.age)?;
        out.push_sql("::smallint, ");
        out.push_bind_param::<Bool, _>(&facts.insured)?;
        out.push_sql("::boolean) ");
        Ok(())
    }

    fn list<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, audience: Audience) -> QueryResult<()> {
        let limit = if audience == Audience::Person {
            &self.personal
        } else {
            &self.insurer
        };
        out.push_sql("SELECT notice_id, audience, title, published_at, published_at > ");
        out.push_bind_param::<Timestamptz, _>(&self.fresh)?;
        out.push_sql(" AND NOT ");
        self.is_read(out)?;
        out.push_sql(" AS unread FROM notices AS n WHERE ");
        self.published(out, audience)?;
        self.not_ended(out)?;
        out.push_sql(" AND (published_at, notice_id) < (");
        out.push_bind_param::<Timestamptz, _>(&self.after.published_at)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.after.id)?;
        out.push_sql(") ORDER BY published_at DESC, notice_id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(limit)
    }

    fn count_unread<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, audience: Audience) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (SELECT notice_id, ended_at FROM notices AS n WHERE ");
        self.published(out, audience)?;
        self.published_at(out, audience, " > ", &self.fresh)?;
        out.push_sql(" ORDER BY published_at DESC, notice_id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&COUNTED)?;
        out.push_sql(") AS n WHERE NOT ");
        self.is_read(out)?;
        self.not_ended(out)
    }

    fn published<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, audience: Audience) -> QueryResult<()> {
        out.push_sql("n.tenant_id = ");
        out.push_bind_param::<Integer, _>(&self.tenant)?;
        if audience == Audience::Person {
            out.push_sql(" AND n.audience = 'person' AND n.person_id = ");
            out.push_bind_param::<SqlUuid, _>(&self.person)?;
        } else {
            out.push_sql(" AND n.audience <> 'person'");
            out.push_sql(&MEANT);
        }
        self.published_at(out, audience, " <= ", &self.now)
    }

    /// Of one person's as a row that names them: of bare bounds PostgreSQL expects so few notices that it may go through
    /// everybody's.
    fn published_at<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        audience: Audience,
        compared: &str,
        at: &'b DateTime<Utc>,
    ) -> QueryResult<()> {
        if audience != Audience::Person {
            out.push_sql(" AND n.published_at");
            out.push_sql(compared);
            return out.push_bind_param::<Timestamptz, _>(at);
        }
        out.push_sql(" AND (n.person_id, n.published_at)");
        out.push_sql(compared);
        out.push_sql("(");
        out.push_bind_param::<SqlUuid, _>(&self.person)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(at)?;
        out.push_sql(")");
        Ok(())
    }

    fn not_ended<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" AND (n.ended_at IS NULL OR n.ended_at > ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(")");
        Ok(())
    }

    fn is_read<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("EXISTS (SELECT FROM notice_reads AS r WHERE r.tenant_id = ");
        out.push_bind_param::<Integer, _>(&self.tenant)?;
        out.push_sql(" AND r.account_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.account)?;
        out.push_sql(" AND r.notice_id = n.notice_id)");
        Ok(())
    }
}

/// Of a notice `n` that the reader's facts are those of whom it is for. Whether they have dependants is looked up once, and
/// only where a notice asks for it.
static MEANT: LazyLock<String> = LazyLock::new(|| {
    let dependants = group::has_dependants("$2", "$3", "$4");
    format!(
        " AND (n.workplace_code IS NULL OR n.workplace_code = $5) AND (n.age_from IS NULL OR n.age_from <= $6)
          AND (n.age_to IS NULL OR n.age_to >= $6) AND (NOT n.with_dependants OR ($7 AND (SELECT {dependants})))"
    )
});

#[derive(Queryable)]
struct Row {
    id: NoticeId,
    audience: Audience,
    title: String,
    published_at: DateTime<Utc>,
    unread: bool,
    unread_insurer: i64,
    unread_personal: i64,
}

impl From<Row> for NoticeHead {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            audience: row.audience,
            title: row.title,
            published_at: row.published_at,
            unread: row.unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let at = DateTime::from_timestamp_micros(1_781_535_600_000_001).unwrap();
        let cursor = Cursor {
            published_at: at,
            id: NoticeId::new(at),
        };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
    }

    #[test]
    fn what_was_never_handed_out_is_no_cursor() {
        let id = NoticeId(Uuid::max());
        for text in [
            String::new(),
            "_".into(),
            format!("2026-06-15_{id}"),
            format!("2026-06-15T00:00:00Z_{id}"),
            format!("2026-06-15T00:00:00.000000+09:00_{id}"),
            format!("+262142-01-01T00:00:00.000000Z_{id}x"),
            "2026-06-15T00:00:00.000000Z_7".into(),
        ] {
            assert_eq!(Cursor::parse(&text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_be_refused(text in "\\PC{0,80}") {
            let _ = Cursor::parse(&text);
        }
    }
}
