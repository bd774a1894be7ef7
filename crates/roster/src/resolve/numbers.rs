//! Who has numbers, or had them, as the roster tells it.

use super::Holder;
use crate::person::relation;
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, calendar};
use std::collections::{BTreeSet, HashMap};

/// Numbers that are asked for at once: each answers with a family.
const AT_ONCE: usize = 1_000;
/// Numbers and holders that are kept at most, beside those of the keys at hand: some twenty MiB.
const KEPT: usize = 300_000;

/// 記号 and 番号.
pub(super) type Number<'a> = (&'a str, &'a str);

/// Numbers with whoever has them, or had them; of one that nobody has it is known, too.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By 記号.
    holders: HashMap<Box<str>, OfSymbol>,
    /// How many numbers and holders that is.
    kept: usize,
}

/// By 番号.
type OfSymbol = HashMap<Box<str>, Box<[Holder]>>;

impl Numbers {
    /// These, and nothing else.
    pub(super) async fn of<'a>(
        tx: &TenantTransaction,
        numbers: impl Iterator<Item = Number<'a>>,
    ) -> Result<Self, DatabaseError> {
        let mut read = Self::default();
        read.add(tx, numbers).await?;
        Ok(read)
    }

    /// Reads those of these that it has not yet, and anew those of whoever has lost coverage: they may be forgotten since, of which
    /// the roster's journal tells nothing.
    pub(super) async fn add<'a>(
        &mut self,
        tx: &TenantTransaction,
        numbers: impl Iterator<Item = Number<'a>>,
    ) -> Result<(), DatabaseError> {
        if self.kept > KEPT {
            *self = Self::default();
        }
        let new: BTreeSet<Number<'a>> = numbers.filter(|number| !self.stands(*number)).collect();
        let new: Vec<Number<'a>> = new.into_iter().collect();
        for some in new.chunks(AT_ONCE) {
            for (number, holders) in some.iter().zip(holders(tx, some).await?) {
                self.keep(*number, holders);
            }
        }
        Ok(())
    }

    fn stands(&self, number: Number<'_>) -> bool {
        let has_lost = |holder: &Holder| holder.lost_on.is_some();
        self.get(number).is_some_and(|holders| !holders.iter().any(has_lost))
    }

    fn keep(&mut self, (symbol, number): Number<'_>, holders: Vec<Holder>) {
        let of_symbol = match self.holders.get_mut(symbol) {
            Some(of_symbol) => of_symbol,
            None => self.holders.entry(symbol.into()).or_default(),
        };
        self.kept += 1 + holders.len();
        if let Some(before) = of_symbol.insert(number.into(), holders.into()) {
            self.kept -= 1 + before.len();
        }
    }

    /// Who has a number, or had it, whoever has it first.
    pub(super) fn holders(&self, number: Option<Number<'_>>) -> &[Holder] {
        number.and_then(|number| self.get(number)).unwrap_or_default()
    }

    fn get(&self, (symbol, number): Number<'_>) -> Option<&[Holder]> {
        self.holders.get(symbol)?.get(number).map(Box::as_ref)
    }
}

/// Somebody who has a number, or had it.
#[derive(QueryableByName)]
struct Row {
    /// Which of the numbers asked.
    #[diesel(sql_type = Integer)]
    nth: i32,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    branch_key: String,
    #[diesel(sql_type = Date)]
    birth_date: NaiveDate,
    #[diesel(sql_type = Nullable<Text>)]
    relation: Option<String>,
    #[diesel(sql_type = Text)]
    relationship: String,
    #[diesel(sql_type = Nullable<Date>)]
    acquired_on: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    lost_on: Option<NaiveDate>,
    /// The first day on which it counted; none where they had no other before.
    #[diesel(sql_type = Nullable<Date>)]
    since: Option<NaiveDate>,
    /// The first day on which it counted no more; none while they have it.
    #[diesel(sql_type = Nullable<Date>)]
    until: Option<NaiveDate>,
    /// Whether their branch is the same under their present number.
    #[diesel(sql_type = Bool)]
    keeps_branch: bool,
    /// When it was last told that they are something else to the insured one, under the number that they had.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    changed_at: Option<DateTime<Utc>>,
}

impl From<Row> for Holder {
    fn from(row: Row) -> Self {
        Self {
            person_id: row.person_id,
            branch_key: row.branch_key.into(),
            birth_date: row.birth_date,
            relation: relation(row.relation.as_deref(), &row.relationship),
            acquired_on: row.acquired_on,
            lost_on: row.lost_on,
            since: row.since,
            until: row.until,
            keeps_branch: row.keeps_branch,
            changed_on: row.changed_at.map(|at| calendar::in_japan(at).date_naive()),
        }
    }
}

async fn holders(tx: &TenantTransaction, numbers: &[Number<'_>]) -> Result<Vec<Vec<Holder>>, DatabaseError> {
    let mut holders = vec![Vec::new(); numbers.len()];
    let (symbols, texts): (Vec<&str>, Vec<&str>) = numbers.iter().copied().unzip();
    let query = diesel::sql_query(HOLDERS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<Integer>, _>((0..).take(numbers.len()).collect::<Vec<i32>>())
        .bind::<Array<Text>, _>(symbols)
        .bind::<Array<Text>, _>(texts);
    let rows: Vec<Row> = Prepared(query).load(&mut &**tx).await?;
    for row in rows {
        let place = usize::try_from(row.nth).ok().and_then(|nth| holders.get_mut(nth));
        if let Some(place) = place {
            place.push(Holder::from(row));
        }
    }
    // Who has a number comes before who had it: it may be the same. A handful here, twenty thousand rows there.
    for of_number in &mut holders {
        of_number.sort_by_key(|holder| (holder.until, holder.person_id));
    }
    Ok(holders)
}

/// Each number counted from the day on which the one before was left. One number after the other, each by an index: how many there are PostgreSQL doesn't know when it plans. In a society all are
/// insured, so there another word for what somebody is may mean another 組合員. Whoever moves to another workplace is acquired anew:
/// of a number left behind it is known only that it was theirs since the roster has had them, or longer.
const HOLDERS: &str = "\
SELECT a.nth, h.person_id, h.branch_key, h.birth_date, h.relation, h.relationship, h.acquired_on, h.lost_on, h.since, h.until,
    h.keeps_branch,
    CASE WHEN h.insured THEN (
        SELECT max(c.at) FROM roster_changes c
        WHERE c.tenant_id = $1 AND c.person_id = h.person_id AND c.kind <> 'new' AND NOT c.fields && '{symbol,number}'
          AND ('insured' = ANY (c.fields) OR 'relationship' = ANY (c.fields) AND EXISTS (
              SELECT FROM persons q
              WHERE q.tenant_id = $1 AND q.symbol_key = h.symbol_key AND q.number_key = h.number_key
                AND q.person_id <> h.person_id AND q.insured))
    ) END AS changed_at
FROM unnest($2::int[], $3::text[], $4::text[]) AS a (nth, symbol_key, number_key)
CROSS JOIN LATERAL (
    SELECT p.person_id, p.branch_key, p.birth_date, p.relation, p.relationship, p.acquired_on, p.lost_on,
        (SELECT max(b.ended_on) FROM person_numbers b WHERE b.tenant_id = $1 AND b.person_id = p.person_id) AS since,
        NULL::date AS until, true AS keeps_branch, p.insured, p.symbol_key, p.number_key
    FROM persons p
    WHERE p.tenant_id = $1 AND p.symbol_key = a.symbol_key AND p.number_key = a.number_key AND p.emptied_at IS NULL
    UNION ALL
    SELECT p.person_id, n.branch_key, p.birth_date, p.relation, p.relationship,
        CASE WHEN p.acquired_on IS NOT NULL THEN least(p.acquired_on, p.created_at::date) END, p.lost_on,
        (SELECT max(b.ended_on) FROM person_numbers b
         WHERE b.tenant_id = $1 AND b.person_id = n.person_id AND b.import_id < n.import_id),
        n.ended_on, n.branch_key = p.branch_key, p.insured, p.symbol_key, p.number_key
    FROM person_numbers n JOIN persons p ON p.person_id = n.person_id
    WHERE n.tenant_id = $1 AND p.tenant_id = $1 AND n.symbol_key = a.symbol_key AND n.number_key = a.number_key
      AND p.emptied_at IS NULL
    OFFSET 0
) AS h";
