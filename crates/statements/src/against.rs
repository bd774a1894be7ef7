//! What a version says otherwise than the one of its label that it replaces, claim by claim, as it was found when its file was
//! read. It stays as it was found: what whoever agrees is shown must not change while rows that wait are settled.

use crate::{
    delivery::{Delivery, unreadable},
    kind::Kind,
    line::Line,
    month::Month,
    tally::Sum,
};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Date, Integer},
};
use diesel_async::RunQueryDsl as _;
use kernel::text::grouped;
use serde::{Deserialize, Serialize};

/// Claims of a version against those of another of its label. One all of whose rows wait is not there, as members see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Against {
    /// The other version.
    pub version: i32,
    /// Claims that only this one has.
    pub new: u64,
    /// Claims of which it says other amounts, or of medicines another quantity.
    pub changed: u64,
    /// Claims that only the other one has.
    pub gone: u64,
}

/// Claims of a file, and which of them the published version of its label has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Compared {
    pub(crate) claims: u64,
    pub(crate) common: u64,
    pub(crate) changed: u64,
}

impl Compared {
    /// Against that version.
    pub(crate) async fn against(self, tx: &TenantTransaction, published: &Delivery) -> Result<Against, DatabaseError> {
        let theirs = claims(tx, published).await?;
        Ok(Against {
            version: published.version,
            new: self.claims.saturating_sub(self.common),
            changed: self.changed,
            gone: theirs.saturating_sub(self.common),
        })
    }
}

impl Against {
    /// What one version was found to say otherwise than another, whichever of the two came later; none where they were never
    /// compared.
    fn between(comes: &Delivery, goes: &Delivery) -> Option<Self> {
        let of = |one: &Delivery, other: &Delivery| {
            let against = one.totals.against;
            against.filter(|against| against.version == other.version)
        };
        let back = |against: Self| Self {
            version: goes.version,
            new: against.gone,
            gone: against.new,
            ..against
        };
        of(comes, goes).or_else(|| of(goes, comes).map(back))
    }

    /// 「新しいレセプト3件、金額が変わるレセプト8件、なくなるレセプト2件」.
    pub(crate) fn words(self, kind: Kind) -> String {
        let what = match kind {
            Kind::Costs => "金額",
            Kind::Medicines => "量",
        };
        let [new, changed, gone] = [self.new, self.changed, self.gone].map(grouped);
        format!("新しいレセプト{new}件、{what}が変わるレセプト{changed}件、なくなるレセプト{gone}件")
    }
}

/// By what two versions' rows of a claim are compared besides 医療費の総額: 窓口相当負担額, or of medicines the quantity.
pub(crate) fn measure(line: &Line) -> i64 {
    match line {
        Line::Cost(cost) => cost.copay.into(),
        Line::Medicine(medicine) => medicine.daily_milli.saturating_mul(medicine.count.into()),
    }
}

/// What is otherwise of a version, in words.
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    /// Empty where there was nothing.
    pub(crate) before: String,
    pub(crate) after: String,
}

/// What it is to put one version in the place of another, as whoever decides on it is shown.
pub(crate) fn lines(comes: &Delivery, goes: Option<&Delivery>) -> Vec<Difference> {
    let mut lines = Vec::new();
    let mut add = |what, of: &dyn Fn(&Delivery) -> String| {
        lines.push(Difference {
            what,
            before: goes.map(of).unwrap_or_default(),
            after: of(comes),
        });
    };
    add("行数", &|of| format!("{}行", grouped(of.rows)));
    if comes.kind == Kind::Costs {
        add("医療費の総額", &|of| format!("{}円", grouped(yen(of))));
    }
    // As it was when they were loaded: they become fewer by themselves.
    if comes.totals.held.is_some() {
        add("保留（取り込んだとき）", &|of| {
            let held = of.totals.held;
            held.map_or_else(String::new, |rows| format!("{}行", grouped(rows)))
        });
    }
    if let Some(goes) = goes {
        let found = Against::between(comes, goes).map(|against| against.words(comes.kind));
        let found = found.unwrap_or_else(|| {
            "レセプトごとには比べていません。比べるには、同じファイルをもう一度取り込んでください。".to_owned()
        });
        let between = |what, after| Difference {
            what,
            before: String::new(),
            after,
        };
        lines.push(between("前の版との違い", found));
        if comes.kind == Kind::Costs {
            lines.push(between("総額の増減", more_or_less(yen(comes) - yen(goes))));
        }
    }
    lines
}

/// 「＋1,200円」.
pub(crate) fn more_or_less(yen: i64) -> String {
    let sign = match yen {
        1.. => "＋",
        0 => "±",
        _ => "－",
    };
    format!("{sign}{}円", grouped(yen.unsigned_abs()))
}

fn yen(of: &Delivery) -> i64 {
    of.totals.by.iter().map(|(_, _, Sum { total, .. })| total).sum()
}

/// How many claims a version has of which a row is shown.
async fn claims(tx: &TenantTransaction, of: &Delivery) -> Result<u64, DatabaseError> {
    let months: Vec<NaiveDate> = of.months.iter().map(|month| Month::first(*month)).collect();
    let counted = diesel::sql_query(claims_of(of.kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(of.delivery.0)
        .bind::<Array<Date>, _>(months);
    let counted: Counted = Prepared(counted).get_result(&mut &**tx).await?;
    u64::try_from(counted.claims).map_err(unreadable)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    claims: i64,
}

fn claims_of(kind: Kind) -> String {
    format!(
        "SELECT count(*) AS claims FROM unnest($3::date[]) AS m (month)
         CROSS JOIN LATERAL (
             SELECT DISTINCT r.claim_key FROM {} r
             WHERE r.tenant_id = $1 AND r.month = m.month AND r.delivery = $2 AND r.claim_key <> '' AND NOT r.withdrawn
             OFFSET 0) c",
        kind.table()
    )
}
