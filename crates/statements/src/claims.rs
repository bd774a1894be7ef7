//! Claims (レセプト) by their number, as staff look at them: every row that is loaded, whatever counts of it.

use crate::{
    delivery::{self, DeliveryNo, State},
    kind::Kind,
    matching::NOBODY,
    month::Month,
};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Date, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;
use roster::protection;

/// Rows of a claim that are shown at most: versions of it, and of medicines its lines.
const ROWS: i64 = 200;

/// A claim, by what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Of what.
    pub kind: Kind,
    /// Month of treatment.
    pub month: Month,
    /// レセプト番号.
    pub key: String,
}

/// A row of it, by which it is named where its number must not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In which delivery.
    pub delivery: i32,
    /// Month of treatment.
    pub month: Month,
    /// On which line of its file.
    pub line: i32,
}

/// What a row of a claim says.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Row {
    /// In which delivery.
    #[diesel(sql_type = Integer)]
    pub delivery: i32,
    /// On which line of its file.
    #[diesel(sql_type = Integer)]
    pub line: i32,
    /// 処理年月.
    #[diesel(sql_type = Date)]
    pub label: Month,
    /// Of that label.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// What became of the delivery.
    #[diesel(sql_type = Text)]
    state: String,
    /// Whose it is; the nil id where a row that only takes the claim back is nobody's.
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
    /// 診療区分, or レセ電 code.
    #[diesel(sql_type = Text)]
    pub what: String,
    /// 医療機関等, or 薬局等; empty where it is not given.
    #[diesel(sql_type = Text)]
    pub place: String,
    /// 日数 or 回数.
    #[diesel(sql_type = Integer)]
    pub count: i32,
    /// 医療費の総額; 0 of medicines.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    /// 窓口相当負担額; 0 of medicines.
    #[diesel(sql_type = BigInt)]
    pub copay: i64,
    /// It takes the claim back.
    #[diesel(sql_type = Bool)]
    pub withdrawn: bool,
    /// A later label's stands in its place.
    #[diesel(sql_type = Bool)]
    pub superseded: bool,
    /// Withdrawn by hand.
    #[diesel(sql_type = Bool)]
    pub struck: bool,
}

impl Row {
    /// What became of its delivery.
    pub fn state(&self) -> Option<State> {
        State::from_word(&self.state)
    }

    /// Whose it is.
    pub fn person(&self) -> Option<PersonId> {
        (self.person_id != NOBODY).then_some(self.person_id)
    }
}

/// The claim of a number, by one of its rows; none where there is no such.
pub async fn find(tx: &TenantTransaction, claim: &Claim) -> Result<Option<Place>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Integer)]
        delivery: i32,
        #[diesel(sql_type = Integer)]
        line: i32,
    }
    let query = diesel::sql_query(of_kind(FIND, claim.kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(claim.month)
        .bind::<Text, _>(&claim.key);
    let found: Option<Found> = Prepared(query).get_result(&mut &**tx).await.optional()?;
    Ok(found.map(|Found { delivery, line }| Place {
        delivery,
        month: claim.month,
        line,
    }))
}

/// The claim that a row is of; none where there is no such row, or it has no number.
pub async fn at(tx: &TenantTransaction, place: Place) -> Result<Option<Claim>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        claim_key: String,
    }
    let Some(head) = delivery::one(tx, DeliveryNo(place.delivery)).await? else {
        return Ok(None);
    };
    let query = diesel::sql_query(of_kind(AT, head.kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(place.month)
        .bind::<Integer, _>(place.delivery)
        .bind::<Integer, _>(place.line);
    let found: Option<Found> = Prepared(query).get_result(&mut &**tx).await.optional()?;
    Ok(found.map(|Found { claim_key }| Claim {
        kind: head.kind,
        month: place.month,
        key: claim_key,
    }))
}

/// All rows of a claim in what is loaded, the newest label first. None where any of them is a protected person's, for whoever may
/// not see them.
pub async fn rows(tx: &TenantTransaction, claim: &Claim, sees_protected: bool) -> Result<Vec<Row>, DatabaseError> {
    let query = diesel::sql_query(of_kind(ROWS_OF, claim.kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(claim.month)
        .bind::<Text, _>(&claim.key)
        .bind::<BigInt, _>(ROWS);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    let people = persons(&rows);
    let is_hidden = !sees_protected && !protection::protected_of(tx, &people).await?.is_empty();
    Ok(if is_hidden { Vec::new() } else { rows })
}

/// Whose rows these are, each once.
pub fn persons(rows: &[Row]) -> Vec<PersonId> {
    let mut people: Vec<PersonId> = rows.iter().filter_map(Row::person).collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// Up to which label a claim would be withdrawn: the newest that is published with it, else the newest that is loaded. None where
/// there is nothing to be withdrawn.
pub fn until(rows: &[Row]) -> Option<Month> {
    let newest = |published: bool| {
        let of = rows.iter().filter(|row| !row.withdrawn && row.person().is_some());
        let in_state = of.filter(|row| !published || row.state() == Some(State::Published));
        in_state.map(|row| row.label).max()
    };
    newest(true).or_else(|| newest(false))
}

/// A statement on the rows of a kind.
pub(crate) fn of_kind(sql: &str, kind: Kind) -> String {
    let says = match kind {
        Kind::Costs => COST_SAYS,
        Kind::Medicines => MEDICINE_SAYS,
    };
    sql.replace("{table}", kind.table()).replace("{says}", says)
}

const COST_SAYS: &str =
    "r.category AS what, r.institution AS place, r.days::int AS count, r.total_yen::bigint AS total,
        r.copay_yen::bigint AS copay";

const MEDICINE_SAYS: &str =
    "r.drug AS what, r.pharmacy AS place, r.count::int AS count, 0::bigint AS total, 0::bigint AS copay";

const FIND: &str = "
    SELECT r.delivery, r.line FROM {table} r
    WHERE r.tenant_id = $1 AND r.month = $2 AND r.claim_key = $3 AND r.claim_key <> ''
    ORDER BY r.delivery DESC, r.line LIMIT 1";

const AT: &str = "
    SELECT r.claim_key FROM {table} r
    WHERE r.tenant_id = $1 AND r.month = $2 AND r.delivery = $3 AND r.line = $4 AND r.claim_key <> ''";

const ROWS_OF: &str = "
    SELECT r.delivery, r.line, d.label, d.version, d.state, r.person_id, {says}, r.withdrawn,
        r.superseded_by IS NOT NULL AS superseded, r.struck
    FROM {table} r CROSS JOIN LATERAL (
        SELECT * FROM statement_deliveries o WHERE o.tenant_id = $1 AND o.delivery = r.delivery OFFSET 0) d
    WHERE r.tenant_id = $1 AND r.month = $2 AND r.claim_key = $3 AND r.claim_key <> ''
      AND d.state IN ('ready', 'published', 'replaced', 'withdrawn') AND d.purged_at IS NULL
    ORDER BY d.label DESC, d.version DESC, r.line LIMIT $4";
