//! What one viewer may see: the only way to rows, for pages, files, cards, mails and whatever else shows them. The rule of
//! [`crate::visibility`] is inside.

use crate::{
    category::{Category, Form},
    kind::Kind,
    month::{Month, Months},
    preview::{self, Preview},
    sums::Yen,
    visibility::{Family, Looking, PUBLISHED, STANDS, Seeing, Viewer},
};
use accounts::Member;
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, TenantId, calendar};
use std::{cmp::Reverse, collections::BTreeMap};
use tenancy::StatementSettings;

/// What one viewer may see over some months, of those that the insurer keeps.
#[derive(Debug, Clone, Copy)]
pub struct View {
    viewer: Viewer,
    settings: StatementSettings,
    day: NaiveDate,
    months: Months,
    preview: Option<Preview>,
}

/// A row of 医療費通知.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Cost {
    /// Month of treatment.
    #[diesel(sql_type = Date)]
    pub month: Month,
    /// 処理年月 of its delivery.
    #[diesel(sql_type = Date)]
    pub label: Month,
    /// Its delivery.
    #[diesel(sql_type = Integer)]
    pub delivery: i32,
    /// On which line of its file it stands.
    #[diesel(sql_type = Integer)]
    pub line: i32,
    /// Who was treated.
    #[diesel(sql_type = SqlUuid)]
    pub person: PersonId,
    /// レセプト番号; empty where the core gives none.
    #[diesel(sql_type = Text)]
    pub claim: String,
    /// 診療区分.
    #[diesel(sql_type = Text)]
    pub category: Category,
    /// 日数 or 回数; 0 is not given.
    #[diesel(sql_type = SmallInt)]
    pub days: i16,
    /// 医療機関等; empty where the insurer gives none.
    #[diesel(sql_type = Text)]
    pub institution: String,
    /// What it cost.
    #[diesel(embed)]
    pub yen: Yen,
    /// True where it stands in the place of an earlier row of theirs.
    #[diesel(sql_type = Bool)]
    pub is_correction: bool,
}

/// A row of ジェネリック差額明細.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Medicine {
    /// Month of dispensing.
    #[diesel(sql_type = Date)]
    pub month: Month,
    /// 処理年月 of its delivery.
    #[diesel(sql_type = Date)]
    pub label: Month,
    /// Its delivery.
    #[diesel(sql_type = Integer)]
    pub delivery: i32,
    /// On which line of its file it stands.
    #[diesel(sql_type = Integer)]
    pub line: i32,
    /// Whose medicine it is.
    #[diesel(sql_type = SqlUuid)]
    pub person: PersonId,
    /// レセプト番号; empty where the core gives none.
    #[diesel(sql_type = Text)]
    pub claim: String,
    /// レセ電 code.
    #[diesel(sql_type = Text)]
    pub drug: String,
    /// 剤形区分.
    #[diesel(sql_type = Text)]
    pub form: Form,
    /// 1日量, or of a time, in thousandths of the price's unit.
    #[diesel(sql_type = BigInt)]
    pub daily_milli: i64,
    /// For how many days, or times.
    #[diesel(sql_type = SmallInt)]
    pub count: i16,
    /// 負担割合 in tenths.
    #[diesel(sql_type = SmallInt)]
    pub rate: i16,
    /// 薬局等; empty where the insurer gives none.
    #[diesel(sql_type = Text)]
    pub pharmacy: String,
    /// 後発区分; empty where the code is in no master.
    #[diesel(sql_type = Text)]
    pub class: String,
    /// What a cheaper one would save.
    #[diesel(sql_type = Integer)]
    pub saving: i32,
    /// 特別の料金.
    #[diesel(sql_type = Integer)]
    pub charge: i32,
    /// When they were born; none of whom the roster has no more.
    #[diesel(sql_type = Nullable<Date>)]
    pub born_on: Option<NaiveDate>,
}

/// Of what somebody has seen, how much is another now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Claims that were corrected.
    pub corrected: u32,
    /// Claims that are there no more.
    pub withdrawn: u32,
}

impl View {
    /// A member's.
    pub fn of_member(member: &Member, now: DateTime<Utc>, months: Months) -> Self {
        let viewer = Viewer {
            person: member.person.person_id,
            proof: member.proof,
        };
        Self::of(viewer, &member.insurer.statements, now, months)
    }

    /// Anybody's, where their insurer has these settings.
    pub fn of(viewer: Viewer, settings: &StatementSettings, now: DateTime<Utc>, months: Months) -> Self {
        Self {
            viewer,
            settings: *settings,
            day: calendar::today_in_japan(now),
            months: months.within(Months::online(settings, now)),
            preview: None,
        }
    }

    /// The same as staff look at it in their place.
    #[must_use]
    pub fn looked_at(self, preview: Preview) -> Self {
        Self {
            preview: Some(preview),
            ..self
        }
    }

    /// What treatment cost, the newest month first, by person and in the order of delivery. One statement: of a label that is
    /// published anew meanwhile the rows are all of one version.
    pub async fn costs(&self, tx: &TenantTransaction) -> Result<Vec<Cost>, DatabaseError> {
        let query = self.query(tx.tenant(), Kind::Costs, cost);
        let mut rows: Vec<Cost> = Prepared(query).load(&mut &**tx).await?;
        rows.sort_by_key(|row| (Reverse(row.month), row.person, row.label, row.delivery, row.line));
        Ok(rows)
    }

    /// Which medicines were dispensed, in the same order. One statement.
    pub async fn medicines(&self, tx: &TenantTransaction) -> Result<Vec<Medicine>, DatabaseError> {
        let query = self.query(tx.tenant(), Kind::Medicines, |_| MEDICINE.to_owned());
        let mut rows: Vec<Medicine> = Prepared(query).load(&mut &**tx).await?;
        rows.sort_by_key(|row| (Reverse(row.month), row.person, row.label, row.delivery, row.line));
        Ok(rows)
    }

    /// What was corrected or taken back of what they saw at a mark ([`crate::marks::seen_at`]), of rows that they may see today: of
    /// anybody else's nothing is told. Of a version that was replaced or taken back, only while its rows are kept. One statement;
    /// none for staff in their place, since it would tell what somebody has seen.
    pub async fn changed_since(
        &self,
        tx: &TenantTransaction,
        kind: Kind,
        seen_at: DateTime<Utc>,
    ) -> Result<Changed, DatabaseError> {
        if self.preview.is_some() {
            return Ok(Changed::default());
        }
        let query = diesel::sql_query(then_or_now(kind)).into_boxed::<Pg>();
        let query = self.looking(kind).bind(tx.tenant(), query);
        let rows: Vec<ThenOrNow> = Prepared(query.bind::<Timestamptz, _>(seen_at)).load(&mut &**tx).await?;
        Ok(compare(rows))
    }

    /// The statement of their rows, of columns that hang on when a row is a correction.
    fn query(
        &self,
        tenant: TenantId,
        kind: Kind,
        columns: impl FnOnce(&str) -> String,
    ) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let looking = self.looking(kind);
        let of_person = of_person(kind);
        let seeing = Seeing {
            of_person: &of_person,
            ..Seeing::of(kind)
        };
        let Some(preview) = self.preview else {
            let query = diesel::sql_query(seeing.select(&columns(CORRECTS)));
            return looking.bind(tenant, query.into_boxed::<Pg>());
        };
        let rows = preview::select(seeing, &columns(&preview::corrects()));
        preview.bind(looking.bind(tenant, diesel::sql_query(rows).into_boxed::<Pg>()))
    }

    pub(crate) fn looking(&self, kind: Kind) -> Looking {
        Looking {
            viewer: self.viewer,
            kind,
            family: Family::of(&self.settings, kind),
            day: self.day,
            months: (self.months.first, self.months.last),
        }
    }
}

/// A row that counted at a mark, or counts now.
#[derive(QueryableByName)]
struct ThenOrNow {
    #[diesel(sql_type = Date)]
    month: Month,
    #[diesel(sql_type = SqlUuid)]
    person: PersonId,
    /// What it is called by from one version to another: the claim's number, or else what such rows are summed by.
    #[diesel(sql_type = Text)]
    claim: String,
    /// What it says besides amounts.
    #[diesel(sql_type = Text)]
    says: String,
    #[diesel(sql_type = Array<BigInt>)]
    amounts: Vec<i64>,
    #[diesel(sql_type = Bool)]
    was: bool,
    #[diesel(sql_type = Bool)]
    is: bool,
}

/// What rows of a claim say, and the sum of what says the same.
type Said = BTreeMap<String, Vec<i64>>;

fn compare(rows: Vec<ThenOrNow>) -> Changed {
    let mut claims: BTreeMap<(Month, PersonId, String), (Said, Said)> = BTreeMap::new();
    for row in rows {
        let (then, now) = claims.entry((row.month, row.person, row.claim)).or_default();
        if row.was {
            add(then, row.says.clone(), &row.amounts);
        }
        if row.is {
            add(now, row.says, &row.amounts);
        }
    }
    let mut changed = Changed::default();
    for (mut then, mut now) in claims.into_values() {
        for said in [&mut then, &mut now] {
            said.retain(|_, amounts| amounts.iter().any(|amount| *amount != 0));
        }
        if then.is_empty() || then == now {
            continue;
        }
        if now.is_empty() {
            changed.withdrawn += 1;
        } else {
            changed.corrected += 1;
        }
    }
    changed
}

fn add(said: &mut Said, says: String, amounts: &[i64]) {
    let sums = said.entry(says).or_insert_with(|| vec![0; amounts.len()]);
    for (sum, amount) in sums.iter_mut().zip(amounts) {
        *sum += amount;
    }
}

/// The condition that a row `o` of a delivery `e` is superseded by the row `r`.
const CORRECTS: &str = "o.superseded_by = r.delivery AND e.state = 'published'";

/// The columns of a [`Cost`]. It is a correction where a row of the same person's was published before under the same number.
fn cost(corrects: &str) -> String {
    format!(
        "
    r.month, live.label, r.delivery, r.line, r.person_id AS person, r.claim_key AS claim, r.category, r.days, r.institution,
    r.total_yen::bigint AS total, r.insurer_yen::bigint AS insurer, r.public_yen::bigint AS public,
    r.copay_yen::bigint AS copay, r.meal_yen::bigint AS meal, r.benefit_yen::bigint AS benefit,
    r.claim_key <> '' AND EXISTS (
        SELECT FROM cost_rows o CROSS JOIN LATERAL (
            SELECT * FROM statement_deliveries d WHERE d.tenant_id = $1 AND d.delivery = o.delivery OFFSET 0) e
        WHERE o.tenant_id = $1 AND o.month = r.month AND o.claim_key = r.claim_key AND o.claim_key <> ''
          AND o.person_id = r.person_id AND NOT o.withdrawn AND {corrects}
        OFFSET 0) AS is_correction"
    )
}

/// The columns of a [`Medicine`].
const MEDICINE: &str = "
    r.month, live.label, r.delivery, r.line, r.person_id AS person, r.claim_key AS claim, r.drug, r.form, r.daily_milli,
    r.count, r.rate, r.pharmacy, r.class, r.saving_yen AS saving, r.charge_yen AS charge, p.born_on";

/// What is asked of a person for the columns of a kind's rows: what is saved hangs on their age.
pub(crate) fn of_person(kind: Kind) -> String {
    match kind {
        Kind::Costs => String::new(),
        Kind::Medicines => format!(", {} AS born_on", roster::birth_date("p.person_id")),
    }
}

/// Rows without a number are compared by their sums, those with one by all they say; that there is a claim counts, too, where it
/// cost nothing.
const COST_SAYS: &str = "
    CASE WHEN r.claim_key = '' THEN concat_ws(' ', '', r.category, r.institution) ELSE r.claim_key END AS claim,
    CASE WHEN r.claim_key = '' THEN '' ELSE concat_ws(' ', r.category, r.days, r.institution) END AS says,
    ARRAY[r.total_yen, r.insurer_yen, r.public_yen, r.copay_yen, r.meal_yen, r.benefit_yen,
        (r.claim_key <> '')::int]::bigint[] AS amounts";

/// Savings are reckoned, and no part of what was delivered.
const MEDICINE_SAYS: &str = "
    CASE WHEN r.claim_key = '' THEN concat_ws(' ', '', r.pharmacy) ELSE r.claim_key END AS claim,
    concat_ws(' ', r.drug, r.form, r.daily_milli, r.count, r.rate) AS says, ARRAY[1::bigint] AS amounts";

/// True where the row's claim was struck by the moment `$11`.
const STRUCK_THEN: &str = "EXISTS (
    SELECT FROM struck_claims c
    WHERE c.tenant_id = $1 AND c.kind = $4 AND c.month = r.month AND c.claim_key = r.claim_key
      AND c.until_label >= live.label AND c.struck_at <= $11
    OFFSET 0)";

/// Rows that counted at the moment `$11`, and those that count now.
fn then_or_now(kind: Kind) -> String {
    let says = match kind {
        Kind::Costs => COST_SAYS,
        Kind::Medicines => MEDICINE_SAYS,
    };
    let was_live = |delivery: &str| {
        format!("{delivery}.published_at <= $11 AND ({delivery}.state = 'published' OR {delivery}.ended_at > $11)")
    };
    // A version that counted then and whose rows go: what it held and what it stood over nobody knows any more.
    let is_gone = |which: &str| {
        format!(
            "EXISTS (SELECT FROM statement_deliveries p
                WHERE p.tenant_id = $1 AND p.kind = $4 AND {which} AND p.purged_at IS NOT NULL AND {} OFFSET 0)",
            was_live("p")
        )
    };
    // By what publishing decides which row of a claim counts. One that was struck since counted then.
    let was = format!(
        "NOT r.withdrawn AND NOT (r.struck AND {STRUCK_THEN}) AND live.purged_at IS NULL AND {} AND NOT (r.claim_key = '' AND {}) AND NOT (r.claim_key <> '' AND EXISTS (
            SELECT FROM shared_claims s JOIN statement_deliveries e ON e.delivery = s.delivery
            WHERE s.tenant_id = $1 AND e.tenant_id = $1 AND s.month = r.month AND s.claim_key = r.claim_key AND e.kind = $4
              AND e.label > live.label AND (({}) OR {})
            OFFSET 0))",
        was_live("live"),
        is_gone("true"),
        was_live("e"),
        is_gone("p.label = e.label")
    );
    let columns = format!(
        "r.month, r.person_id AS person, {says}, coalesce({was}, false) AS was, {PUBLISHED} AND {STANDS} AS is"
    );
    let seeing = Seeing {
        deliveries: "true",
        rows: "true",
        chosen: &format!("({was} OR {PUBLISHED} AND {STANDS})"),
        ..Seeing::of(kind)
    };
    seeing.select(&columns)
}
