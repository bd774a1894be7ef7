//! The masters that count, and those to come: how many drugs of which class each has, and what the newest changes.

use crate::drugs::{self, Class, Difference, Version};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Date, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

/// Masters that are shown at most: the ministry gives out some twenty in a year.
const MOST: usize = 24;

/// A master by its numbers.
#[derive(Debug)]
pub(crate) struct Master {
    pub(crate) version: Version,
    /// False of one to come.
    pub(crate) is_in_force: bool,
    classes: BTreeMap<Class, u64>,
}

impl Master {
    /// How many drugs are of a class.
    pub(crate) fn of(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    /// How many there are.
    pub(crate) fn drugs(&self) -> u64 {
        self.classes.values().sum()
    }
}

/// What counts and what will.
#[derive(Debug)]
pub(crate) struct Overview {
    /// The newest first, down to the one in force; of a day the version that counts.
    pub(crate) masters: Vec<Master>,
    /// What the newest was brought behind, and what differs from that.
    pub(crate) newest: Option<(Version, Difference)>,
}

/// What there is on a day.
pub(crate) async fn overview(tx: &TenantTransaction, today: NaiveDate) -> Result<Overview, DatabaseError> {
    let in_force = drugs::in_force(tx, vec![today]).await?;
    let in_force = in_force.into_iter().next().map(|(_, version)| version);
    let newest = before(tx, None).await?;
    let (mut masters, mut next) = (Vec::<Master>::new(), newest);
    while let Some(version) = next.filter(|_| masters.len() < MOST) {
        let is_corrected = masters
            .last()
            .is_some_and(|later| later.version.valid_from == version.valid_from);
        if !is_corrected {
            masters.push(Master {
                version,
                is_in_force: in_force == Some(version),
                classes: classes(tx, version).await?,
            });
        }
        next = if in_force == Some(version) {
            None
        } else {
            before(tx, Some(version)).await?
        };
    }
    let difference = match newest {
        Some(newest) => difference(tx, newest).await?,
        None => None,
    };
    Ok(Overview {
        masters,
        newest: difference,
    })
}

async fn difference(tx: &TenantTransaction, newest: Version) -> Result<Option<(Version, Difference)>, DatabaseError> {
    let Some(follows) = before(tx, Some(newest)).await? else {
        return Ok(None);
    };
    let (old, new) = (drugs::all(tx, follows).await?, drugs::all(tx, newest).await?);
    Ok(Some((follows, Difference::of(&old, &new))))
}

/// The master before another one, or the newest of all.
async fn before(tx: &TenantTransaction, version: Option<Version>) -> Result<Option<Version>, DatabaseError> {
    let query = diesel::sql_query(BEFORE)
        .bind::<Nullable<Date>, _>(version.map(|version| version.valid_from))
        .bind::<Nullable<Integer>, _>(version.map(|version| version.version));
    Ok(Prepared(query).get_result(&mut &**tx).await.optional()?)
}

async fn classes(tx: &TenantTransaction, version: Version) -> Result<BTreeMap<Class, u64>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = Text)]
        class: String,
        #[diesel(sql_type = BigInt)]
        drugs: i64,
    }
    let query = diesel::sql_query(CLASSES)
        .bind::<Date, _>(version.valid_from)
        .bind::<Integer, _>(version.version);
    let counts: Vec<Count> = Prepared(query).load(&mut &**tx).await?;
    let of = |count: Count| {
        let class = Class::from_word(&count.class).unwrap_or_default();
        (class, u64::try_from(count.drugs).unwrap_or_default())
    };
    Ok(counts.into_iter().map(of).collect())
}

const BEFORE: &str = "
    SELECT valid_from, version FROM drugs
    WHERE (valid_from, version) < (coalesce($1, 'infinity'::date), coalesce($2, 0))
    ORDER BY valid_from DESC, version DESC LIMIT 1";

const CLASSES: &str =
    "SELECT class, count(*) AS drugs FROM drugs WHERE valid_from = $1 AND version = $2 GROUP BY class";
