//! The journal of what imports and staff changed, one row per person and import, numbered per insurer without gaps in the order
//! of commit: whoever remembers a position misses nothing and reads nothing twice. It holds names of fields; what
//! they said before stands beside it, sealed ([`history`](crate::history)).

use crate::{Sight, before, ended, revealed};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, Prepared, TenantDatabase, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{ImportId, PersonId};
use serde::{Deserialize, Serialize};

/// Entries looked at in one transaction of [`forget`].
const BATCH: i64 = 1_000;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Counts from 1 per insurer, without gaps.
    pub position: i64,
    /// The import that brought it.
    pub import_id: ImportId,
    /// Whom it concerns.
    pub person_id: PersonId,
    /// What happened.
    pub kind: ChangeKind,
    /// The columns of `persons` that changed; empty for a new person.
    pub fields: Vec<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What happened to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// In the roster for the first time.
    New,
    /// Something about the person changed.
    Changed,
    /// Coverage was lost: a day of loss was given, or the person was left out of a whole roster.
    Lost,
    /// Covered again after a loss, under the same person id.
    Returned,
}

impl ChangeKind {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Lost => "lost",
            Self::Returned => "returned",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::New, Self::Changed, Self::Lost, Self::Returned]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// The entries after `position` (0 for all), oldest first, `limit` at most; none about people who are not to be seen.
pub async fn after(
    tx: &TenantTransaction,
    sight: &Sight,
    position: i64,
    limit: i64,
) -> Result<Vec<Change>, DatabaseError> {
    let query = diesel::sql_query(after_sql(sight))
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(position)
        .bind::<BigInt, _>(limit);
    let rows: Vec<ChangeRow> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(Change::try_from).collect()
}

/// How far somebody has followed what is told of people: in the journal, and in what was protected or is no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    journal: i64,
    protections: i64,
}

impl Followed {
    /// All that was told by now: who goes on from here is told of what comes.
    pub async fn all(tx: &TenantTransaction) -> Result<Self, DatabaseError> {
        let journal = roster_changes::table
            .filter(roster_changes::tenant_id.eq(tx.tenant()))
            .order(roster_changes::position.desc())
            .select(roster_changes::position)
            .first(&mut &**tx)
            .await
            .optional()?;
        Ok(Self {
            journal: journal.unwrap_or_default(),
            protections: revealed::last(tx).await?,
        })
    }
}

/// What is told of a person, for whoever follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whom it concerns.
    pub person_id: PersonId,
    /// What happened.
    pub kind: ChangeKind,
    /// The columns of `persons` that changed; empty where the person is to be read as a whole.
    pub fields: Vec<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The next that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    /// Oldest first.
    pub told: Vec<Told>,
    /// From where to go on.
    pub followed: Followed,
    /// More is there already.
    pub is_more: bool,
}

/// What was told of people after where somebody was, `limit` at most. Whoever is protected is no part of it where they are not to
/// be seen; once they are not protected any more they have changed, and are so told of, though what was told meanwhile was passed
/// by.
pub async fn follow(
    tx: &TenantTransaction,
    sight: &Sight,
    followed: Followed,
    limit: u32,
) -> Result<Following, DatabaseError> {
    let (most, one_more) = (limit as usize, i64::from(limit) + 1);
    let journal = after(tx, sight, followed.journal, one_more).await?;
    let revealed = revealed::after(tx, sight, followed.protections, one_more).await?;
    let is_more = journal.len() + revealed.len() > most;
    let mut following = Following {
        told: Vec::new(),
        followed,
        is_more,
    };
    for change in journal.into_iter().take(most) {
        following.followed.journal = change.position;
        following.told.push(Told {
            person_id: change.person_id,
            kind: change.kind,
            fields: change.fields,
            at: change.at,
        });
    }
    let room = most.saturating_sub(following.told.len());
    for revealed in revealed.into_iter().take(room) {
        following.followed.protections = revealed.position;
        following.told.push(Told {
            person_id: revealed.person_id,
            kind: ChangeKind::Changed,
            fields: Vec::new(),
            at: revealed.at,
        });
    }
    Ok(following)
}

/// What changed of a person since they first came into the roster, the latest first, `limit` at most.
pub(crate) async fn of_person(
    tx: &TenantTransaction,
    person: PersonId,
    limit: i64,
) -> Result<Vec<Change>, DatabaseError> {
    let rows: Vec<ChangeRow> = roster_changes::table
        .filter(roster_changes::tenant_id.eq(tx.tenant()))
        .filter(roster_changes::person_id.eq(person))
        // As the index that finds them says it.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("kind <> 'new'"))
        .order(roster_changes::position.desc())
        .limit(limit)
        .select(ChangeRow::as_select())
        .load(&mut &**tx)
        .await?;
    rows.into_iter().map(Change::try_from).collect()
}

/// Deletes the entries of before `before`, batch by batch from the first; gives how many. The service may not: for the
/// owner, who runs it on schedule.
pub async fn forget(owner: &TenantDatabase, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let mut tx = owner.write(Durability::Safe).await?;
    ended::forget_before(&mut tx, before).await?;
    tx.commit().await?;
    let mut deleted = 0;
    loop {
        let mut tx = owner.write(Durability::Safe).await?;
        let of_tenant = roster_changes::table.filter(roster_changes::tenant_id.eq(tx.tenant()));
        let first: Vec<(i64, DateTime<Utc>)> = of_tenant
            .order(roster_changes::position)
            .limit(BATCH)
            .select((roster_changes::position, roster_changes::at))
            .load(&mut *tx)
            .await?;
        let old = first.iter().take_while(|(_, at)| *at < before);
        let Some((last, _)) = old.last() else {
            return Ok(deleted);
        };
        // By range: a list of positions reads the whole insurer.
        let old = of_tenant.filter(roster_changes::position.le(last));
        deleted += diesel::delete(old).execute(&mut *tx).await?;
        before::forget_until(&mut tx, *last).await?;
        tx.commit().await?;
    }
}

mod table {
    diesel::table! {
        roster_changes (tenant_id, position) {
            tenant_id -> Integer,
            position -> BigInt,
            import_id -> Uuid,
            person_id -> Uuid,
            kind -> Text,
            fields -> Array<Text>,
            at -> Timestamptz,
        }
    }
}
use table::roster_changes;

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = roster_changes)]
struct ChangeRow {
    position: i64,
    import_id: ImportId,
    person_id: PersonId,
    kind: String,
    fields: Vec<String>,
    at: DateTime<Utc>,
}

impl TryFrom<ChangeRow> for Change {
    type Error = DatabaseError;

    fn try_from(row: ChangeRow) -> Result<Self, DatabaseError> {
        let kind = ChangeKind::parse(&row.kind).ok_or_else(|| {
            diesel::result::Error::DeserializationError(format!("unknown kind of change {}", row.kind).into())
        })?;
        Ok(Self {
            position: row.position,
            import_id: row.import_id,
            person_id: row.person_id,
            kind,
            fields: row.fields,
            at: row.at,
        })
    }
}

fn after_sql(sight: &Sight) -> String {
    format!(
        "SELECT p.position, p.import_id, p.person_id, p.kind, p.fields, p.at FROM roster_changes AS p
         WHERE p.tenant_id = $1 AND p.position > $2{} ORDER BY p.position LIMIT $3",
        sight.protected_condition()
    )
}
