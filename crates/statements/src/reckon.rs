//! 差額と使用率: what medicines could be exchanged for, what that would save, how much of what somebody takes are generics, and
//! what is paid extra for a brand. Values in, values out: nothing here reads a clock or a database, and no amount that a file or
//! a master can hold overflows. Money is whole yen, prices are 1/100 yen, quantities thousandths of the price's unit (薬価基準の規格単位),
//! shares tenths.

mod candidates;
mod charge;
pub(crate) mod file;
mod saving;
mod tariff;
mod usage;

pub use candidates::{SHOWN, candidates, counted};
pub use charge::charge_yen;
pub(crate) use saving::WINDOW;
pub use saving::{best, is_proposed, month_saving, saving_yen, share_yen, window};
pub use tariff::{Reckoned, Tariff};
pub use usage::{PerMille, usage};

use crate::{category::Form, drugs::Class};

/// A medicine that somebody took in a month, as its row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// 後発区分.
    pub class: Class,
    /// How it is taken.
    pub form: Form,
    /// 1日量 or 1回量 in thousandths of the price's unit.
    pub daily_milli: i64,
    /// 日数 or 回数.
    pub count: i16,
    /// What its row saves.
    pub saving_yen: i32,
}
