//! What every medicine costs and of which class it is, the same for all insurers: a master with its own first day, brought by an
//! operator from the ministry's files. What counts in a month is the newest version of the newest master that was in force on
//! the month's first day; none is ever changed.

mod classes;
mod command;
mod difference;
mod drug;
mod import;
mod known;
mod master;
pub(crate) mod overview;
mod reasons;
mod tariffs;

pub(crate) use command::command;
pub(crate) use difference::Difference;
pub use drug::{Class, Drug};
pub use import::bring;
pub use known::{Known, of};
pub(crate) use tariffs::Tariffs;

#[cfg(test)]
pub(crate) use drug::tests;

use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Date, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use std::error::Error;

/// Drugs that are written at once.
const AT_ONCE: usize = 5_000;

/// A master: from when on it holds, and which one from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub(crate) struct Version {
    #[diesel(sql_type = Date)]
    pub(crate) valid_from: NaiveDate,
    #[diesel(sql_type = Integer)]
    pub(crate) version: i32,
}

/// Which masters are in force on some days; none of a day that has none.
pub(crate) async fn in_force(
    tx: &TenantTransaction,
    days: Vec<NaiveDate>,
) -> Result<Vec<(NaiveDate, Version)>, DatabaseError> {
    #[derive(QueryableByName)]
    struct InForce {
        #[diesel(sql_type = Date)]
        day: NaiveDate,
        #[diesel(embed)]
        version: Version,
    }
    let query = diesel::sql_query(IN_FORCE).bind::<Array<Date>, _>(days);
    let found: Vec<InForce> = Prepared(query).load(&mut &**tx).await?;
    Ok(found.into_iter().map(|found| (found.day, found.version)).collect())
}

/// All drugs of a master.
pub(crate) async fn all(tx: &TenantTransaction, version: Version) -> Result<Vec<Drug>, DatabaseError> {
    let query = diesel::sql_query(ALL)
        .bind::<Date, _>(version.valid_from)
        .bind::<Integer, _>(version.version);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(Drug::try_from).collect()
}

/// Writes a master behind the newest of its day. None where another was written meanwhile.
pub(crate) async fn add(
    tx: &mut TenantTransaction,
    valid_from: NaiveDate,
    drugs: &[Drug],
) -> Result<Option<Version>, DatabaseError> {
    let newest = diesel::sql_query(NEWEST).bind::<Date, _>(valid_from);
    let newest: Version = Prepared(newest).get_result(&mut **tx).await?;
    let version = Version {
        valid_from,
        version: newest.version + 1,
    };
    for drugs in drugs.chunks(AT_ONCE) {
        let texts = |of: fn(&Drug) -> &str| drugs.iter().map(of).collect::<Vec<&str>>();
        let sen = |of: fn(&Drug) -> i64| drugs.iter().map(of).collect::<Vec<i64>>();
        let add = diesel::sql_query(ADD)
            .bind::<Date, _>(version.valid_from)
            .bind::<Integer, _>(version.version)
            .bind::<Array<Text>, _>(texts(|drug| &drug.code))
            .bind::<Array<Text>, _>(texts(|drug| &drug.price_code))
            .bind::<Array<Text>, _>(texts(Drug::strength))
            .bind::<Array<Text>, _>(texts(|drug| &drug.name))
            .bind::<Array<Text>, _>(texts(|drug| &drug.unit))
            .bind::<Array<BigInt>, _>(sen(|drug| drug.price_sen))
            .bind::<Array<Text>, _>(texts(|drug| drug.class.as_str()))
            .bind::<Array<BigInt>, _>(sen(|drug| drug.charge_sen))
            .bind::<Array<Nullable<Date>>, _>(drugs.iter().map(|drug| drug.ends_on).collect::<Vec<_>>());
        if Prepared(add).execute(&mut **tx).await? != drugs.len() {
            return Ok(None);
        }
    }
    Ok(Some(version))
}

/// A drug as it stands in the database.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Date)]
    valid_from: NaiveDate,
    #[diesel(sql_type = Text)]
    price_code: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    unit: String,
    #[diesel(sql_type = BigInt)]
    price_sen: i64,
    #[diesel(sql_type = Text)]
    class: String,
    #[diesel(sql_type = BigInt)]
    charge_sen: i64,
    #[diesel(sql_type = Nullable<Date>)]
    ends_on: Option<NaiveDate>,
}

impl TryFrom<Row> for Drug {
    type Error = DatabaseError;

    fn try_from(row: Row) -> Result<Self, DatabaseError> {
        let class = Class::from_word(&row.class);
        Ok(Self {
            class: class.ok_or_else(|| unreadable(format!("unknown class {}", row.class)))?,
            code: row.code,
            valid_from: row.valid_from,
            price_code: row.price_code,
            name: row.name,
            unit: row.unit,
            price_sen: row.price_sen,
            charge_sen: row.charge_sen,
            ends_on: row.ends_on,
        })
    }
}

fn unreadable(error: impl Into<Box<dyn Error + Send + Sync>>) -> DatabaseError {
    diesel::result::Error::DeserializationError(error.into()).into()
}

const IN_FORCE: &str = "
    SELECT a.day, v.valid_from, v.version
    FROM unnest($1::date[]) AS a (day)
    CROSS JOIN LATERAL (
        SELECT valid_from, version FROM drugs WHERE valid_from <= a.day ORDER BY valid_from DESC, version DESC LIMIT 1
    ) AS v";

const ALL: &str = "
    SELECT code, valid_from, price_code, name, unit, price_sen, class, charge_sen, ends_on
    FROM drugs WHERE valid_from = $1 AND version = $2";

const NEWEST: &str =
    "SELECT $1::date AS valid_from, coalesce(max(version), 0) AS version FROM drugs WHERE valid_from = $1";

const ADD: &str = "
    INSERT INTO drugs (valid_from, version, code, price_code, strength, name, unit, price_sen, class, charge_sen, ends_on)
    SELECT $1, $2, rows.*
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::bigint[], $11::date[])
        AS rows
    ON CONFLICT DO NOTHING";
