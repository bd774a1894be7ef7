//! 案内状: the letters that lead to sign-up: to whom they may go, in the order of workplaces, and who was sent one.

use crate::{
    protection::not_protected,
    workplaces::{bounds, counted_at_workplaces},
};
use access::Reach;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{LetterId, PersonId, StaffId, Symbol, calendar};

/// Who of those with an account and those without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registered {
    /// Who has none: for whom the letter is.
    #[default]
    No,
    /// Who has one.
    Yes,
    /// All.
    Either,
}

/// Of whom letters are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// 事業所コード.
    pub workplace_code: Option<String>,
    /// 記号.
    pub symbol: Option<Symbol>,
    /// With an account or without.
    pub registered: Registered,
}

/// How a letter goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Printed.
    Print,
    /// In a mailing house's file.
    File,
}

/// Whom a letter is to.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Addressee {
    /// Who.
    #[diesel(sql_type = SqlUuid)]
    pub person_id: PersonId,
    /// 記号.
    #[diesel(sql_type = Text)]
    pub symbol: String,
    /// 番号.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// 氏名.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// 郵便番号.
    #[diesel(sql_type = Text)]
    pub postal_code: String,
    /// 住所.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// 住所（建物名）.
    #[diesel(sql_type = Text)]
    pub building: String,
    /// 事業所コード.
    #[diesel(sql_type = Text)]
    pub workplace_code: String,
    /// With an account.
    #[diesel(sql_type = Bool)]
    pub registered: bool,
    /// When they were last sent one.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_at: Option<DateTime<Utc>>,
}

/// The insured and covered of a filter within somebody's reach, in the order of workplaces and numbers, after one of them;
/// none where that one is not within it. The protected are in no list of letters.
pub async fn list(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    reach: &Reach,
    filter: &Filter,
    after: Option<PersonId>,
    limit: i64,
) -> Result<Option<Vec<Addressee>>, DatabaseError> {
    let Some(place) = place(tx, reach, after).await? else {
        return Ok(None);
    };
    let (symbols, codes) = bounds(reach);
    let query = diesel::sql_query(list_sql(reach, filter))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .bind::<Nullable<Array<Text>>, _>(symbols)
        .bind::<Nullable<Array<Text>>, _>(codes)
        .bind::<Nullable<Text>, _>(filter.workplace_code.as_deref())
        .bind::<Nullable<Text>, _>(filter.symbol.as_ref().map(Symbol::key))
        .bind::<Text, _>(place.workplace_code)
        .bind::<Text, _>(place.symbol_key)
        .bind::<Text, _>(place.number_key)
        .bind::<SqlUuid, _>(place.person_id)
        .bind::<BigInt, _>(limit);
    Ok(Some(Prepared(query).load(&mut &**tx).await?))
}

/// Those of these people to whom a letter may go, in the same order. A protected person's goes out alone, by somebody who
/// may see them.
pub async fn chosen(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    reach: &Reach,
    people: &[PersonId],
    with_protected: bool,
) -> Result<Vec<Addressee>, DatabaseError> {
    let (symbols, codes) = bounds(reach);
    let query = diesel::sql_query(chosen_sql(with_protected))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(calendar::today_in_japan(now))
        .bind::<Nullable<Array<Text>>, _>(symbols)
        .bind::<Nullable<Array<Text>>, _>(codes)
        .bind::<Array<SqlUuid>, _>(people);
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// Keeps who is sent one.
pub async fn keep(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    by: StaffId,
    kind: Kind,
    people: &[Addressee],
) -> Result<(), DatabaseError> {
    let people: Vec<PersonId> = people.iter().map(|person| person.person_id).collect();
    let query = diesel::sql_query(KEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<SqlUuid>, _>(people)
        .bind::<SqlUuid, _>(LetterId::new(now))
        .bind::<Text, _>(match kind {
            Kind::Print => "print",
            Kind::File => "file",
        })
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(by);
    Prepared(query).execute(&mut &**tx).await?;
    Ok(())
}

/// Deletes what was sent before this time; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let query = diesel::sql_query(SWEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(before);
    Ok(Prepared(query).execute(&mut **tx).await?)
}

/// Forgets what a person was sent.
pub(crate) async fn forget(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    diesel::sql_query(FORGET)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(person)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    workplace_code: String,
    #[diesel(sql_type = Text)]
    symbol_key: String,
    #[diesel(sql_type = Text)]
    number_key: String,
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
}

/// Where a person stands in the order; before all where none is named, and none where nobody within reach has the id.
async fn place(tx: &TenantTransaction, reach: &Reach, after: Option<PersonId>) -> Result<Option<Place>, DatabaseError> {
    let Some(after) = after else {
        return Ok(Some(Place {
            workplace_code: String::new(),
            symbol_key: String::new(),
            number_key: String::new(),
            person_id: PersonId(uuid::Uuid::nil()),
        }));
    };
    let (symbols, codes) = bounds(reach);
    let query = diesel::sql_query(PLACE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(after)
        .bind::<Nullable<Array<Text>>, _>(symbols)
        .bind::<Nullable<Array<Text>>, _>(codes);
    Ok(Prepared(query).get_result(&mut &**tx).await.optional()?)
}

const COLUMNS: &str = "p.person_id, p.symbol, p.number, CASE WHEN p.name = '' THEN p.kana_name ELSE p.name END AS name,
    p.postal_code, p.address, p.building, p.workplace_code,
    p.registered,
    (SELECT max(l.at) FROM letters l WHERE l.tenant_id = $1 AND l.person_id = p.person_id) AS last_at";

const ORDER: &str = "p.workplace_code, p.symbol_key, p.number_key, p.person_id";

/// Each filter has a statement of its own: asked for together, as `$5 IS NULL OR …`, they would read the whole insurer.
fn of_filter(reach: &Reach, filter: &Filter) -> String {
    let within = match reach {
        Reach::All => "$3::text[] IS NULL AND $4::text[] IS NULL",
        Reach::Workplaces { .. } => "(p.symbol_key = ANY ($3) OR p.workplace_code = ANY ($4))",
    };
    let code = match filter.workplace_code {
        Some(_) => "p.workplace_code = $5",
        None => "$5::text IS NULL",
    };
    let symbol = match filter.symbol {
        Some(_) => "p.symbol_key = $6",
        None => "$6::text IS NULL",
    };
    let registered = match filter.registered {
        Registered::No => "NOT p.registered",
        Registered::Yes => "p.registered",
        Registered::Either => "true",
    };
    format!(
        "FROM persons p
         WHERE p.tenant_id = $1 AND {counted} AND {within} AND {code} AND {symbol} AND {registered}",
        counted = counted_at_workplaces()
    )
}

fn list_sql(reach: &Reach, filter: &Filter) -> String {
    format!(
        "SELECT {COLUMNS} {of}
           AND ({ORDER}) > ($7, $8, $9, $10)
         ORDER BY {ORDER} LIMIT $11",
        of = of_filter(reach, filter)
    )
}

fn chosen_sql(with_protected: bool) -> String {
    let protected = if with_protected {
        "true".to_owned()
    } else {
        not_protected("p.person_id")
    };
    format!(
        "SELECT {COLUMNS} FROM unnest($5::uuid[]) AS asked (person_id) CROSS JOIN LATERAL (
             SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = asked.person_id OFFSET 0) p
         WHERE p.insured AND p.emptied_at IS NULL AND (p.lost_on IS NULL OR p.lost_on > $2)
           AND ($3::text[] IS NULL OR p.symbol_key = ANY ($3) OR p.workplace_code = ANY ($4)) AND {protected}
         ORDER BY {ORDER}"
    )
}

const PLACE: &str = "\
SELECT workplace_code, symbol_key, number_key, person_id FROM persons
WHERE tenant_id = $1 AND person_id = $2
  AND ($3::text[] IS NULL OR symbol_key = ANY ($3) OR workplace_code = ANY ($4::text[]))";

// The tenant comes from a row: a distributed PostgreSQL runs the statement where that lives.
const KEEP: &str = "\
INSERT INTO letters (tenant_id, person_id, letter_id, kind, at, made_by)
SELECT p.tenant_id, unnest($2::uuid[]), $3, $4, $5, $6 FROM persons p
WHERE p.tenant_id = $1 AND p.person_id = ($2::uuid[])[1]";

const SWEEP: &str = "DELETE FROM letters WHERE tenant_id = $1 AND at < $2";
const FORGET: &str = "DELETE FROM letters WHERE tenant_id = $1 AND person_id = $2";
