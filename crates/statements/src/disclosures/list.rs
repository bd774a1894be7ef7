//! Who has asked for something, as staff list it: in the order of names, page by page, and whole for a file. Of whom staff may
//! not see there is nothing.

use super::AskedBy;
use crate::{kind::Kind, visibility::Audience};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    result::Error::DeserializationError,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use roster::{
    Sight,
    search::{self, After, By, Found, search},
};
use uuid::Uuid;

/// By what a list is narrowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of what.
    pub kind: Option<Kind>,
    /// Who is to see it.
    pub audience: Option<Audience>,
    /// Who asked.
    pub by: Option<AskedBy>,
}

impl Filter {
    /// Reads the words of its parts, by their names; what is none narrows nothing.
    pub fn read<'a>(text: impl Fn(&str) -> &'a str) -> Self {
        Self {
            kind: Kind::from_word(text("kind")),
            audience: Audience::from_word(text("audience")),
            by: AskedBy::from_word(text("by")),
        }
    }

    /// The names of what narrows it.
    pub fn names(self) -> Vec<&'static str> {
        let set = [
            ("kind", self.kind.is_some()),
            ("audience", self.audience.is_some()),
            ("by", self.by.is_some()),
        ];
        set.into_iter()
            .filter_map(|(name, is_set)| is_set.then_some(name))
            .collect()
    }

    /// As words of the columns, empty for every one.
    fn words(self) -> [&'static str; 3] {
        [
            self.kind.map_or("", Kind::as_str),
            self.audience.map_or("", Audience::as_str),
            self.by.map_or("", AskedBy::as_str),
        ]
    }
}

/// What somebody has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Whose rows.
    pub person: PersonId,
    /// Of what.
    pub kind: Kind,
    /// Who is to see them.
    pub audience: Audience,
    /// Who asked.
    pub by: AskedBy,
    /// When.
    pub at: DateTime<Utc>,
}

/// Somebody in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub found: Found,
    /// What they have asked for, each kind once.
    pub kept: Vec<Kept>,
}

/// Up to `limit` people whom `sight` sees, after one of them, in the order of their names; and whether there are more.
pub async fn page(
    tx: &TenantTransaction,
    sight: &Sight,
    filter: Filter,
    after: Option<PersonId>,
    limit: u32,
) -> Result<(Vec<Listed>, bool), DatabaseError> {
    let [kind, audience, by] = filter.words();
    let query = diesel::sql_query(PEOPLE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(kind)
        .bind::<Text, _>(audience)
        .bind::<Text, _>(by);
    let people: Vec<Whose> = Prepared(query).load(&mut &**tx).await?;
    let people: Vec<PersonId> = people.into_iter().map(|row| row.person_id).collect();
    let after = match after {
        Some(last) => place(tx, sight, last).await?,
        None => None,
    };
    let all = search::Filter::default();
    let found = search(tx, sight, &all, &By::People(&people), after.as_ref(), limit).await?;
    let shown: Vec<PersonId> = found.people.iter().map(|found| found.person_id).collect();
    let kept = of(tx, filter, &shown).await?;
    let listed = found.people.into_iter().map(|found| Listed {
        kept: kept
            .iter()
            .filter(|kept| kept.person == found.person_id)
            .copied()
            .collect(),
        found,
    });
    Ok((listed.collect(), found.more))
}

/// Where somebody stands in the order of names. Whoever is gone from it meanwhile stands nowhere: the list begins anew.
async fn place(tx: &TenantTransaction, sight: &Sight, last: PersonId) -> Result<Option<After>, DatabaseError> {
    let found = search(tx, sight, &search::Filter::default(), &By::People(&[last]), None, 1).await?;
    Ok(found.people.into_iter().next().map(|found| After {
        key: found.key,
        person: found.person_id,
    }))
}

/// What these people have asked for.
pub async fn of(tx: &TenantTransaction, filter: Filter, people: &[PersonId]) -> Result<Vec<Kept>, DatabaseError> {
    let [kind, audience, by] = filter.words();
    let query = diesel::sql_query(OF)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<SqlUuid>, _>(people)
        .bind::<Text, _>(kind)
        .bind::<Text, _>(audience)
        .bind::<Text, _>(by);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// Up to `limit` of all, in the order of their keys, after one of them: for a file.
pub async fn after(
    tx: &TenantTransaction,
    filter: Filter,
    last: Option<(PersonId, Kind)>,
    limit: i64,
) -> Result<Vec<Kept>, DatabaseError> {
    let (person, last) = last.map_or((PersonId(Uuid::nil()), ""), |(person, kind)| (person, kind.as_str()));
    let [kind, audience, by] = filter.words();
    let query = diesel::sql_query(AFTER)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(person)
        .bind::<Text, _>(last)
        .bind::<Text, _>(kind)
        .bind::<Text, _>(audience)
        .bind::<Text, _>(by)
        .bind::<BigInt, _>(limit);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(Kept::try_from).collect()
}

#[derive(QueryableByName)]
struct Whose {
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    audience: String,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Timestamptz)]
    changed_at: DateTime<Utc>,
}

impl TryFrom<Row> for Kept {
    type Error = DatabaseError;

    fn try_from(row: Row) -> Result<Self, DatabaseError> {
        let words = (
            Kind::from_word(&row.kind),
            Audience::from_word(&row.audience),
            AskedBy::from_word(&row.source),
        );
        let (Some(kind), Some(audience), Some(by)) = words else {
            return Err(DeserializationError("a disclosure of words that nobody knows".into()).into());
        };
        Ok(Self {
            person: row.person_id,
            kind,
            audience,
            by,
            at: row.changed_at,
        })
    }
}

const PEOPLE: &str = "\
SELECT DISTINCT d.person_id FROM disclosures d
WHERE d.tenant_id = $1 AND ($2 = '' OR d.kind = $2) AND ($3 = '' OR d.audience = $3) AND ($4 = '' OR d.source = $4)";

const OF: &str = "\
SELECT d.person_id, d.kind, d.audience, d.source, d.changed_at
FROM unnest($2::uuid[]) AS asked (person_id) CROSS JOIN LATERAL (
    SELECT * FROM disclosures q WHERE q.tenant_id = $1 AND q.person_id = asked.person_id OFFSET 0) d
WHERE ($3 = '' OR d.kind = $3) AND ($4 = '' OR d.audience = $4) AND ($5 = '' OR d.source = $5)
ORDER BY d.person_id, d.kind";

const AFTER: &str = "\
SELECT d.person_id, d.kind, d.audience, d.source, d.changed_at FROM disclosures d
WHERE d.tenant_id = $1 AND (d.person_id, d.kind) > ($2, $3)
    AND ($4 = '' OR d.kind = $4) AND ($5 = '' OR d.audience = $5) AND ($6 = '' OR d.source = $6)
ORDER BY d.person_id, d.kind LIMIT $7";
