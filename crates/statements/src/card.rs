//! What the my page's cards show, each read in one statement by the rule and the sums of the pages: 最近の医療費, the newest month
//! of which somebody sees a row, and ジェネリック利用状況, 使用率 and 削減可能金額 of the six newest months that were delivered.

use crate::{
    generic_use::{DISPENSED, Dispensed, Savings, usage},
    kind::Kind,
    month::{Month, Months},
    reckon::{PerMille, WINDOW},
    view::{View, of_person},
    visibility::{STANDS, Seeing},
};
use accounts::Member;
use chrono::{DateTime, Datelike as _, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bool, Date, Integer, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use module::{CardBody, CardSource, GenericUse, MonthSaving, RecentCost};
use std::sync::{Arc, LazyLock};

/// Of 通院 and of お薬.
pub(crate) fn sources() -> Vec<CardSource> {
    vec![
        CardSource {
            feature: Kind::Costs.feature(),
            read: Arc::new(|tx, member, now| Box::pin(recent_cost(tx, member, now))),
        },
        CardSource {
            feature: Kind::Medicines.feature(),
            read: Arc::new(|tx, member, now| Box::pin(generic_use(tx, member, now))),
        },
    ]
}

async fn recent_cost(tx: &TenantTransaction, member: &Member, now: DateTime<Utc>) -> Result<CardBody, DatabaseError> {
    let months = Months::online(&member.insurer.statements, now);
    let looking = View::of_member(member, now, months).looking(Kind::Costs);
    let query = diesel::sql_query(RECENT.as_str()).into_boxed::<Pg>();
    let query = looking.bind(tx.tenant(), query).bind::<SqlUuid, _>(member.account_id);
    let found: Option<Recent> = Prepared(query).get_result(&mut &**tx).await.optional()?;
    Ok(CardBody::Cost(found.map(|recent| RecentCost {
        year: recent.month.year(),
        month: recent.month.first().month(),
        yen: recent.yen,
        is_new: recent.is_new,
    })))
}

#[derive(QueryableByName)]
struct Recent {
    #[diesel(sql_type = Date)]
    month: Month,
    #[diesel(sql_type = BigInt)]
    yen: i64,
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

async fn generic_use(tx: &TenantTransaction, member: &Member, now: DateTime<Utc>) -> Result<CardBody, DatabaseError> {
    let settings = &member.insurer.statements;
    let looking = View::of_member(member, now, Months::online(settings, now)).looking(Kind::Medicines);
    let query = diesel::sql_query(TAKEN.as_str()).into_boxed::<Pg>();
    let query = looking
        .bind(tx.tenant(), query)
        .bind::<SqlUuid, _>(member.account_id)
        .bind::<Integer, _>(i32::try_from(settings.arrives_after_months).unwrap_or(i32::MAX));
    let found: Vec<Taken> = Prepared(query).load(&mut &**tx).await?;
    let Some(is_new) = found.as_slice().first().map(|taken| taken.is_new) else {
        return Ok(CardBody::GenericUse(None));
    };
    let rows: Vec<Dispensed> = found.into_iter().map(|taken| taken.dispensed).collect();
    let best = Savings::of(rows.iter().copied(), &settings.generics).best();
    Ok(CardBody::GenericUse(Some(GenericUse {
        per_mille: usage(rows).map(PerMille::get),
        saving: best.map(|(month, yen)| MonthSaving {
            year: month.year(),
            month: month.first().month(),
            basis: settings.generics.saving,
            yen,
        }),
        is_new,
    })))
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(embed)]
    dispensed: Dispensed,
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

/// True where a version that counts was published since the account `$11` looked.
const IS_NEW: &str = "EXISTS (
    SELECT FROM statement_deliveries d
    WHERE d.tenant_id = $1 AND d.kind = $4 AND d.state = 'published' AND d.published_at > coalesce((
        SELECT m.seen_at FROM statement_marks m
        WHERE m.tenant_id = $1 AND m.account_id = $11 AND m.kind = $4), '-infinity'))";

/// Of each month from the newest backwards, up to the first that has a sum: no row of an older one is read. Rows without a claim's
/// number count as their sum, and not at all where that is nothing.
static RECENT: LazyLock<String> = LazyLock::new(|| {
    let of_month = Seeing {
        rows: &format!("{STANDS} AND r.month = m.month"),
        kept: "r.person_id, r.principal_id, r.delivery, r.line, r.claim_key, r.category, r.institution, r.total_yen,
            r.insurer_yen, r.public_yen, r.copay_yen, r.meal_yen, r.benefit_yen",
        ..Seeing::of(Kind::Costs)
    };
    let rows = of_month.select(
        "r.delivery, r.line, r.person_id, r.claim_key, r.category, r.institution,
            r.total_yen, r.insurer_yen, r.public_yen, r.copay_yen, r.meal_yen, r.benefit_yen",
    );
    format!(
        "SELECT m.month, s.yen, {IS_NEW} AS is_new
        FROM (
            SELECT n::date AS month FROM generate_series($10::timestamp, $9::timestamp, '-1 month') n ORDER BY month DESC
        ) m CROSS JOIN LATERAL (
            SELECT sum(c.yen)::bigint AS yen
            FROM (
                SELECT sum(v.copay_yen) AS yen
                FROM ({rows}) v
                GROUP BY v.person_id, v.category, v.institution, v.claim_key,
                    CASE WHEN v.claim_key <> '' THEN v.delivery END, CASE WHEN v.claim_key <> '' THEN v.line END
                HAVING v.claim_key <> '' OR sum(v.total_yen) <> 0 OR sum(v.insurer_yen) <> 0 OR sum(v.public_yen) <> 0
                    OR sum(v.copay_yen) <> 0 OR sum(v.meal_yen) <> 0 OR sum(v.benefit_yen) <> 0
            ) c
            HAVING count(*) > 0
        ) s
        ORDER BY m.month DESC LIMIT 1"
    )
});

/// Of the months of [`crate::reckon::window`], where treatment arrives `$12` months later: known before any row is read, so that
/// none of another month is.
static TAKEN: LazyLock<String> = LazyLock::new(|| {
    let of_person = of_person(Kind::Medicines);
    let in_window = Seeing {
        rows: &format!("{STANDS} AND r.month > span.before AND r.month <= span.last"),
        kept: "r.month, r.person_id, r.principal_id, r.delivery, r.form, r.daily_milli, r.count, r.class, r.saving_yen",
        of_person: &of_person,
        ..Seeing::of(Kind::Medicines)
    };
    format!(
        "SELECT v.*, {IS_NEW} AS is_new
        FROM (
            SELECT (max(n.label) - make_interval(months => $12 + {WINDOW}))::date AS before,
                (max(n.label) - make_interval(months => $12))::date AS last
            FROM statement_deliveries n
            WHERE n.tenant_id = $1 AND n.kind = $4 AND n.state = 'published' AND n.label >= $9
        ) span CROSS JOIN LATERAL ({}) v",
        in_window.select(DISPENSED)
    )
});
