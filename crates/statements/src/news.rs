//! For whom a publication has something new: whoever sees a row of it that did not stand there before. Set-based, for so many
//! people at once; the rule of [`crate::visibility`] is inside.

use crate::{
    kind::Kind,
    month::Months,
    visibility::{Eyes, Family, STANDS, Seeing, Viewer},
};
use accounts::Proof;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::calendar;
use roster::born_by;
use std::collections::BTreeSet;
use tenancy::StatementSettings;

/// What was published, in the place of what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// Of what.
    pub(crate) kind: Kind,
    /// Which delivery.
    pub(crate) delivery: i32,
    /// The version that was published until then.
    pub(crate) replaced: Option<i32>,
    /// Of which its rows are.
    pub(crate) months: Months,
}

impl Change {
    /// Of these viewers those for whom it has something new, by their places in the list. One statement, however many they are.
    pub(crate) async fn is_news_to(
        &self,
        tx: &TenantTransaction,
        settings: &StatementSettings,
        now: DateTime<Utc>,
        viewers: &[Viewer],
    ) -> Result<BTreeSet<usize>, DatabaseError> {
        let Months { first, last } = self.months.within(Months::online(settings, now));
        let family = Family::of(settings, self.kind);
        let day = calendar::today_in_japan(now);
        let (people, are_sure): (Vec<_>, Vec<_>) = viewers
            .iter()
            .map(|viewer| (viewer.person, viewer.proof == Proof::Letter))
            .unzip();
        let query = diesel::sql_query(sql(self.kind))
            .bind::<Integer, _>(tx.tenant())
            .bind::<Array<SqlUuid>, _>(people)
            .bind::<Array<Bool>, _>(are_sure)
            .bind::<Text, _>(self.kind.as_str())
            .bind::<Bool, _>(family.self_only)
            .bind::<Date, _>(born_by(day, family.adult_age.into()))
            .bind::<Bool, _>(family.hides_former)
            .bind::<Date, _>(day)
            .bind::<Date, _>(first)
            .bind::<Date, _>(last)
            .bind::<Integer, _>(self.delivery)
            .bind::<Nullable<Integer>, _>(self.replaced);
        let found: Vec<Found> = Prepared(query).load(&mut &**tx).await?;
        let places = found.iter().filter_map(|found| usize::try_from(found.place).ok());
        Ok(places.filter_map(|place| place.checked_sub(1)).collect())
    }
}

#[derive(QueryableByName)]
struct Found {
    /// From 1.
    #[diesel(sql_type = BigInt)]
    place: i64,
}

/// Who looks is a row `v`.
const EACH: Eyes = Eyes {
    person: "v.person_id",
    is_sure: "v.is_sure",
};

/// What is compared of a row: all that is delivered but the claim's number.
const COST_SAYS: [&str; 9] = [
    "category",
    "days",
    "institution",
    "total_yen",
    "insurer_yen",
    "public_yen",
    "copay_yen",
    "meal_yen",
    "benefit_yen",
];
const MEDICINE_SAYS: [&str; 6] = ["drug", "form", "daily_milli", "count", "rate", "pharmacy"];

/// True of a row `r` that says something else than all rows of theirs that it stands in the place of: those of the version `$12`,
/// and those of earlier labels that it corrects.
fn is_new(kind: Kind) -> String {
    let says: &[&str] = match kind {
        Kind::Costs => &COST_SAYS,
        Kind::Medicines => &MEDICINE_SAYS,
    };
    let same: Vec<String> = says.iter().map(|column| format!("o.{column} = r.{column}")).collect();
    let same = same.join(" AND ");
    format!(
        "NOT EXISTS (
            SELECT FROM {} o CROSS JOIN LATERAL (
                SELECT * FROM statement_deliveries d WHERE d.tenant_id = $1 AND d.delivery = o.delivery OFFSET 0) e
            WHERE o.tenant_id = $1 AND o.month = r.month AND o.principal_id = r.principal_id AND o.person_id = r.person_id
              AND NOT o.withdrawn AND NOT o.struck AND {same} AND (o.delivery = $12 OR o.superseded_by = $11 AND e.state = 'published')
            OFFSET 0)",
        kind.table()
    )
}

/// Of what was published, the delivery `$11`. Costs without a claim's number are shown as their sum, with those of other deliveries,
/// and not at all where that is nothing.
fn sql(kind: Kind) -> String {
    let is_new = is_new(kind);
    let seeing = Seeing {
        eyes: EACH,
        ..Seeing::of(kind)
    };
    let news = match kind {
        Kind::Medicines => Seeing {
            rows: &format!("{STANDS} AND r.delivery = $11"),
            chosen: &is_new,
            ..seeing
        }
        .select(""),
        Kind::Costs => {
            let columns = format!(
                "r.month, r.line, r.person_id, r.claim_key, r.category, r.institution, r.total_yen, r.insurer_yen, r.public_yen,
                    r.copay_yen, r.meal_yen, r.benefit_yen, r.delivery = $11 AND {is_new} AS is_new"
            );
            let seeing = Seeing {
                rows: &format!("{STANDS} AND (r.delivery = $11 OR r.claim_key = '')"),
                ..seeing
            };
            format!(
                "SELECT FROM ({}) s
                GROUP BY s.month, s.person_id, s.claim_key, s.category, s.institution,
                    CASE WHEN s.claim_key <> '' THEN s.line END
                HAVING bool_or(s.is_new) AND (s.claim_key <> '' OR sum(s.total_yen) <> 0 OR sum(s.insurer_yen) <> 0
                    OR sum(s.public_yen) <> 0 OR sum(s.copay_yen) <> 0 OR sum(s.meal_yen) <> 0 OR sum(s.benefit_yen) <> 0)",
                seeing.select(&columns)
            )
        }
    };
    format!(
        "SELECT v.place FROM unnest($2::uuid[], $3::boolean[]) WITH ORDINALITY AS v (person_id, is_sure, place)
        WHERE EXISTS ({news})"
    )
}
