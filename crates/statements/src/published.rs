//! What an insurer has published of a kind: it says the same to everybody who looks, whatever of it they may see.

use crate::{
    delivery::{Delivery, State},
    kind::Kind,
    month::{Month, Months},
    schema::{statement_deliveries as t, statement_marks as m},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::AccountId;
use std::collections::BTreeSet;

/// What is published of a kind, of the months that the insurer keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Years of treatment of which there are rows, the newest first.
    pub years: Vec<i32>,
    /// 処理年月, the newest first.
    pub labels: Vec<Month>,
    /// When the newest that counts was published.
    pub last_at: Option<DateTime<Utc>>,
    /// When anything was published, replaced or taken back last, a single claim included.
    pub changed_at: Option<DateTime<Utc>>,
}

impl Published {
    /// True where what was treated in a month has come in: by a label of so many months later, or a newer one.
    pub fn has_arrived(&self, month: Month, arrives_after: u32) -> bool {
        self.newest().is_some_and(|newest| newest.back(arrives_after) >= month)
    }

    /// The last month of a year that has come in; none where not even January has.
    pub fn arrived_until(&self, year: i32, arrives_after: u32) -> Option<Month> {
        let Months { first, last } = Months::year(year);
        let until = self.newest()?.back(arrives_after).min(last);
        (until >= first).then_some(until)
    }

    /// True where there is something that whoever saw it at this mark has not seen; nobody has who never looked.
    pub fn is_news_to(&self, seen_at: Option<DateTime<Utc>>) -> bool {
        match seen_at {
            Some(seen_at) => self.has_changed_since(seen_at),
            None => self.changed_at.is_some(),
        }
    }

    /// True where anything was published, replaced or taken back behind a mark, a single claim included.
    pub fn has_changed_since(&self, seen_at: DateTime<Utc>) -> bool {
        self.changed_at.is_some_and(|changed_at| changed_at > seen_at)
    }

    fn of(heads: &[Head], online: Months) -> Self {
        let changed_at = heads
            .iter()
            .flat_map(|head| [head.published_at, head.ended_at, head.struck_at]);
        let changed_at = changed_at.flatten().max();
        let live = || heads.iter().filter(|head| head.state == State::Published.as_str());
        let months = live().flat_map(|head| &head.months);
        let years: BTreeSet<i32> = months
            .filter(|month| online.contains(**month))
            .map(|month| month.year())
            .collect();
        let labels: BTreeSet<Month> = live().map(|head| head.label).collect();
        Self {
            years: years.into_iter().rev().collect(),
            labels: labels.into_iter().rev().collect(),
            last_at: live().filter_map(|head| head.published_at).max(),
            changed_at,
        }
    }

    fn newest(&self) -> Option<Month> {
        self.labels.iter().max().copied()
    }
}

/// What is published of a kind, within [`Months::online`]. One statement; to be read before the rows, so that what is published
/// meanwhile is news the next time.
pub async fn published(tx: &TenantTransaction, kind: Kind, online: Months) -> Result<Published, DatabaseError> {
    let (heads, _) = read(tx, kind, online, None).await?;
    Ok(Published::of(&heads, online))
}

/// The same once a delivery that waits were published.
pub(crate) async fn published_with(
    tx: &TenantTransaction,
    trial: &Delivery,
    online: Months,
) -> Result<Published, DatabaseError> {
    let (mut heads, _) = read(tx, trial.kind, online, None).await?;
    heads.retain(|head| head.label != trial.label || head.state != State::Published.as_str());
    heads.push(Head {
        label: trial.label,
        state: State::Published.as_str().to_owned(),
        months: trial.months.clone(),
        published_at: None,
        ended_at: None,
        struck_at: None,
    });
    Ok(Published::of(&heads, online))
}

/// The same in one statement with up to when an account has seen it ([`crate::marks::seen_at`]). Where nothing was ever published
/// nobody has seen anything.
pub async fn published_and_seen(
    tx: &TenantTransaction,
    kind: Kind,
    online: Months,
    account: AccountId,
) -> Result<(Published, Option<DateTime<Utc>>), DatabaseError> {
    let (heads, seen) = read(tx, kind, online, Some(account)).await?;
    Ok((Published::of(&heads, online), seen))
}

/// The newest label that is published of each kind, and when it was: alike for everybody, whoever asks about whom.
pub(crate) async fn newest(tx: &TenantTransaction) -> Result<Vec<(Kind, Month, DateTime<Utc>)>, DatabaseError> {
    let rows = t::table
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::state.eq(State::Published.as_str()))
        .distinct_on(t::kind)
        .order((t::kind, t::label.desc()))
        .select((t::kind, t::label, t::published_at));
    let rows: Vec<(String, Month, Option<DateTime<Utc>>)> = rows.load(&mut &**tx).await?;
    let read = |(kind, label, at): (String, Month, Option<DateTime<Utc>>)| Some((Kind::from_word(&kind)?, label, at?));
    Ok(rows.into_iter().filter_map(read).collect())
}

async fn read(
    tx: &TenantTransaction,
    kind: Kind,
    online: Months,
    account: Option<AccountId>,
) -> Result<(Vec<Head>, Option<DateTime<Utc>>), DatabaseError> {
    let shown = [State::Published, State::Replaced, State::Withdrawn].map(State::as_str);
    let is_theirs = m::tenant_id.eq(tx.tenant()).and(m::kind.eq(kind.as_str()));
    let is_theirs = is_theirs.and(m::account_id.nullable().eq(account));
    let rows: Vec<(Head, Option<DateTime<Utc>>)> = t::table
        .left_join(m::table.on(is_theirs))
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::kind.eq(kind.as_str()))
        .filter(t::state.eq_any(shown))
        // Nothing was treated after its label.
        .filter(t::label.ge(online.first.first()))
        .select((Head::as_select(), m::seen_at.nullable()))
        .load(&mut &**tx)
        .await?;
    let seen = rows.iter().find_map(|(_, seen)| *seen);
    Ok((rows.into_iter().map(|(head, _)| head).collect(), seen))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Head {
    label: Month,
    state: String,
    months: Vec<Month>,
    published_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    struck_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    fn published(labels: &[&str]) -> Published {
        Published {
            labels: labels.iter().map(|label| month(label)).collect(),
            ..Published::default()
        }
    }

    #[test]
    fn a_month_has_arrived_by_a_label_of_two_months_later() {
        let arrived = published(&["2026-08", "2026-07"]);
        assert!(arrived.has_arrived(month("2026-06"), 2));
        assert!(!arrived.has_arrived(month("2026-07"), 2));
        assert!(arrived.has_arrived(month("2026-07"), 1));
        assert!(!Published::default().has_arrived(month("2020-01"), 2));
        // One of a month between them never came.
        assert!(published(&["2026-08", "2026-03"]).has_arrived(month("2026-02"), 2));
    }

    #[test]
    fn a_year_has_arrived_up_to_a_month_of_its_own() {
        let until = |labels: &[&str], year| published(labels).arrived_until(year, 2);
        assert_eq!(until(&["2026-08"], 2026), Some(month("2026-06")));
        assert_eq!(until(&["2026-08"], 2025), Some(month("2025-12")));
        assert_eq!(until(&["2027-01"], 2026), Some(month("2026-11")));
        assert_eq!(until(&["2027-02"], 2026), Some(month("2026-12")));
        assert_eq!(until(&["2027-02"], 2027), None);
        assert_eq!(until(&["2027-03"], 2027), Some(month("2027-01")));
        assert_eq!(until(&[], 2026), None);
    }
}
