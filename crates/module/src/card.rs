//! What a card of the my page holds besides its name.

use serde::Serialize;

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
    /// Yen.
    pub yen: i64,
}

/// ジェネリック利用状況.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GenericUse {
    /// 使用率, in percent.
    pub percent: u8,
    /// 削減可能金額, in yen.
    pub reducible_yen: i64,
}
