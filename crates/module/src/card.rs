//! What a card of the my page holds besides its name.

use crate::Boxed;
use accounts::Member;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use serde::Serialize;
use std::sync::Arc;
use tenancy::{Feature, SavingBasis};

/// Where a card has its body from.
#[derive(Clone)]
pub struct CardSource {
    /// The feature that it is of: where the insurer hasn't opened it, it isn't asked.
    pub feature: Feature,
    /// Reads it.
    pub read: ReadCard,
}

/// One statement in the my page's transaction, which goes out together with those of all others.
pub type ReadCard = Arc<
    dyn for<'a> Fn(&'a TenantTransaction, &'a Member, DateTime<Utc>) -> Boxed<'a, Result<CardBody, DatabaseError>>
        + Send
        + Sync,
>;

/// A card's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum CardBody {
    /// Nothing but the feature's state.
    State,
    /// 最近の医療費; none says 「まだデータがありません」, never ¥0.
    Cost(Option<RecentCost>),
    /// ジェネリック利用状況; none says 「まだデータがありません」, never ¥0.
    GenericUse(Option<GenericUse>),
}

/// 最近の医療費.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecentCost {
    /// Year of the month of treatment.
    pub year: i32,
    /// Month of treatment, from 1.
    pub month: u32,
    /// What was paid at the counter, in yen.
    pub yen: i64,
    /// True where something was published since the member last looked.
    pub is_new: bool,
}

/// ジェネリック利用状況.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GenericUse {
    /// 使用率 in thousandths; none where nothing was taken of which there are generics.
    pub per_mille: Option<u16>,
    /// 削減可能金額 of the month that saves most; none where nothing is proposed.
    pub saving: Option<MonthSaving>,
    /// True where something was published since the member last looked.
    pub is_new: bool,
}

impl GenericUse {
    /// 「82.4」, in per cent.
    pub fn percent(&self) -> Option<String> {
        self.per_mille.map(|share| format!("{}.{}", share / 10, share % 10))
    }
}

/// What could be saved in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthSaving {
    /// Its year.
    pub year: i32,
    /// From 1.
    pub month: u32,
    /// So much at most, or at the least.
    pub basis: SavingBasis,
    /// In yen.
    pub yen: i64,
}
