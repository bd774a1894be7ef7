//! People as programs read them: all that the roster says, with whether they have an account and are protected. By id, by
//! number, and in lists that go on by what never changes, so that nobody is missed or told twice while others come and go.

use crate::{
    Facts, Person, Protected, Sight,
    facts::{REST, Rest},
    person::{COLUMNS, PersonRow},
    protection::not_protected,
    search::{NumberKeys, OF_FOUND},
    sight::Statement,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    pg::Pg,
    sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use serde::{Deserialize, Serialize};

/// A person with what stands beside their facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the roster says.
    pub facts: Facts,
    /// 氏名（漢字）; empty where the insurer gives none.
    pub kanji_name: String,
    /// Whether they have an account.
    pub registered: bool,
    /// Whether they are protected.
    pub protected: bool,
}

/// Of whom a list is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// 事業所コード.
    pub workplace: Option<String>,
    /// With an account, or without one.
    pub registered: Option<bool>,
}

/// What a page begins after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// A person, in the order of ids.
    Person(PersonId),
    /// A person as they were changed at a time, in the order of changes.
    Change(DateTime<Utc>, PersonId),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    person: PersonRow,
    #[diesel(embed)]
    rest: Rest,
    #[diesel(sql_type = Text)]
    kanji_name: String,
    #[diesel(sql_type = Bool)]
    registered: bool,
    #[diesel(sql_type = Bool)]
    protected: bool,
}

impl Listed {
    /// Where a list that began after `start` goes on behind this one.
    pub fn place(&self, start: After) -> After {
        let person = self.facts.person.person_id;
        match start {
            After::Person(_) => After::Person(person),
            After::Change(..) => After::Change(self.facts.rest.updated_at, person),
        }
    }
}

impl TryFrom<Row> for Listed {
    type Error = DatabaseError;

    fn try_from(row: Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            facts: Facts {
                person: Person::try_from(row.person)?,
                rest: row.rest,
            },
            kanji_name: row.kanji_name,
            registered: row.registered,
            protected: row.protected,
        })
    }
}

/// One person whom `sight` sees.
pub async fn listed(tx: &TenantTransaction, sight: &Sight, person: PersonId) -> Result<Option<Listed>, DatabaseError> {
    let sql = ONE
        .replace("{columns}", &columns(sight))
        .replace("{seen}", &sight.condition(3));
    let statement = statement(sql, tx).bind::<Uuid, _>(person);
    let row: Option<Row> = Prepared(sight.bind(statement))
        .get_result(&mut &**tx)
        .await
        .optional()?;
    row.map(Listed::try_from).transpose()
}

/// Those whom `sight` sees of a number, `limit` at most, in the order of their branches: who has it, and who had it before. Of an
/// empty branch all.
pub async fn numbered(
    tx: &TenantTransaction,
    sight: &Sight,
    number: &NumberKeys,
    limit: u32,
) -> Result<Vec<Listed>, DatabaseError> {
    let sql = NUMBERED
        .replace("{columns}", &columns(sight))
        .replace("{people}", OF_FOUND)
        .replace("{seen}", &sight.condition(6));
    let statement = statement(sql, tx)
        .bind::<Text, _>(number.symbol.clone())
        .bind::<Text, _>(number.number.clone())
        .bind::<Text, _>(number.branch.clone())
        .bind::<BigInt, _>(i64::from(limit));
    load(tx, sight.bind(statement)).await
}

/// A page of those whom `sight` sees, `limit` at most.
pub async fn page(
    tx: &TenantTransaction,
    sight: &Sight,
    filter: &Filter,
    after: After,
    limit: u32,
) -> Result<Vec<Listed>, DatabaseError> {
    match after {
        After::Person(person) => by_id(tx, sight, filter, person, limit).await,
        After::Change(at, person) => by_change(tx, sight, filter, (at, person), limit).await,
    }
}

/// By the indexes of accounts and workplaces, which have ids in order for either value of `registered`.
async fn by_id(
    tx: &TenantTransaction,
    sight: &Sight,
    filter: &Filter,
    after: PersonId,
    limit: u32,
) -> Result<Vec<Listed>, DatabaseError> {
    let (workplace, next) = workplace(filter, 5);
    let sql = BY_ID
        .replace("{columns}", &columns(sight))
        .replace("{workplace}", workplace)
        .replace("{people}", OF_FOUND)
        .replace("{seen}", &sight.condition(next));
    let statement = statement(sql, tx)
        .bind::<Array<Bool>, _>(filter.registered.map_or_else(|| vec![true, false], |one| vec![one]))
        .bind::<Uuid, _>(after)
        .bind::<BigInt, _>(i64::from(limit));
    load(tx, sight.bind(narrowed(statement, filter))).await
}

/// By when people were changed; what narrows the list is asked of each of those.
async fn by_change(
    tx: &TenantTransaction,
    sight: &Sight,
    filter: &Filter,
    (at, person): (DateTime<Utc>, PersonId),
    limit: u32,
) -> Result<Vec<Listed>, DatabaseError> {
    let registered = match filter.registered {
        None => "",
        Some(true) => " AND p.registered",
        Some(false) => " AND NOT p.registered",
    };
    let (workplace, next) = workplace(filter, 5);
    let sql = BY_CHANGE
        .replace("{columns}", &columns(sight))
        .replace("{registered}", registered)
        .replace("{workplace}", workplace)
        .replace("{seen}", &sight.condition(next));
    let statement = statement(sql, tx)
        .bind::<Timestamptz, _>(at)
        .bind::<Uuid, _>(person)
        .bind::<BigInt, _>(i64::from(limit));
    load(tx, sight.bind(narrowed(statement, filter))).await
}

/// The condition on a workplace, whose parameter is the fifth, and which parameter comes next.
fn workplace(filter: &Filter, next: usize) -> (&'static str, usize) {
    match filter.workplace {
        Some(_) => (" AND p.workplace_code = $5 AND p.workplace_code <> ''", next + 1),
        None => ("", next),
    }
}

fn narrowed<'q>(statement: Statement<'q>, filter: &Filter) -> Statement<'q> {
    match &filter.workplace {
        Some(code) => statement.bind::<Text, _>(code.clone()),
        None => statement,
    }
}

fn statement(sql: String, tx: &TenantTransaction) -> Statement<'static> {
    diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
}

async fn load(tx: &TenantTransaction, statement: Statement<'_>) -> Result<Vec<Listed>, DatabaseError> {
    let rows: Vec<Row> = Prepared(statement).load(&mut &**tx).await?;
    rows.into_iter().map(Listed::try_from).collect()
}

/// The columns of a [`Row`] of a person `p`. Whoever sees no protected people is shown none.
fn columns(sight: &Sight) -> String {
    let protected = if sight.protected == Protected::Seen {
        format!("NOT {}", not_protected("p.person_id"))
    } else {
        "false".to_owned()
    };
    format!("{COLUMNS}, {REST}, p.name AS kanji_name, p.registered, {protected} AS protected")
}

const ONE: &str = "\
SELECT {columns} FROM persons p
WHERE p.tenant_id = $1 AND p.person_id = $2 AND p.emptied_at IS NULL{seen}";

const NUMBERED: &str = "\
WITH found AS MATERIALIZED (
    SELECT p.person_id FROM persons p
    WHERE p.tenant_id = $1 AND p.symbol_key = $2 AND p.number_key = $3 AND ($4 = '' OR p.branch_key = $4)
    UNION
    SELECT n.person_id FROM person_numbers n
    WHERE n.tenant_id = $1 AND n.symbol_key = $2 AND n.number_key = $3 AND ($4 = '' OR n.branch_key = $4)
)
SELECT {columns} FROM {people}
WHERE p.tenant_id = $1 AND p.emptied_at IS NULL{seen}
ORDER BY p.branch_key, p.person_id LIMIT $5";

const BY_ID: &str = "\
WITH found AS MATERIALIZED (
    SELECT few.person_id FROM unnest($2::bool[]) AS asked (registered) CROSS JOIN LATERAL (
        SELECT p.person_id FROM persons p
        WHERE p.tenant_id = $1 AND p.registered = asked.registered AND p.person_id > $3 AND p.emptied_at IS NULL{workplace}{seen}
        ORDER BY p.person_id LIMIT $4) few
    ORDER BY few.person_id LIMIT $4
)
SELECT {columns} FROM {people}
WHERE p.tenant_id = $1
ORDER BY p.person_id";

const BY_CHANGE: &str = "\
SELECT {columns} FROM persons p
WHERE p.tenant_id = $1 AND (p.updated_at, p.person_id) > ($2, $3) AND p.emptied_at IS NULL{registered}{workplace}{seen}
ORDER BY p.updated_at, p.person_id LIMIT $4";
