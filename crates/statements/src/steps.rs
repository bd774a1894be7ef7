//! What staff did with a delivery, and what is to be done with it: who, and of what was taken back why. Whoever works at the
//! command line is nobody here; the trail tells of them.

use crate::{delivery::DeliveryNo, schema::statement_deliveries as t};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::StaffId;
use std::collections::HashMap;

/// Why a delivery was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The file was another than the one that was meant.
    WrongFile,
    /// What it says is not right.
    WrongAmounts,
    /// Rows of somebody else are among it.
    WrongPeople,
    /// It was to be shown later.
    TooEarly,
    /// Something else.
    Other,
}

impl Why {
    /// All of them, as a form lists them.
    pub const ALL: [Self; 5] = [
        Self::WrongAmounts,
        Self::WrongPeople,
        Self::WrongFile,
        Self::TooEarly,
        Self::Other,
    ];

    /// The word in the database and the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongFile => "wrong_file",
            Self::WrongAmounts => "wrong_amounts",
            Self::WrongPeople => "wrong_people",
            Self::TooEarly => "too_early",
            Self::Other => "other",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }

    /// As staff read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::WrongFile => "別のファイルを取り込んでいた",
            Self::WrongAmounts => "金額や区分に誤りがあった",
            Self::WrongPeople => "別の方の明細が混ざっていた",
            Self::TooEarly => "公開する時期が早かった",
            Self::Other => "その他",
        }
    }
}

/// What staff did with one delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = t)]
pub struct Steps {
    /// Who imported it.
    pub imported_by: Option<StaffId>,
    /// Who wishes it to be published at its time.
    pub publish_by: Option<StaffId>,
    /// True where all members are to be told of it by a notice then.
    pub publish_notice: bool,
    /// Who published it last.
    pub published_by: Option<StaffId>,
    /// Who replaced or withdrew it.
    pub ended_by: Option<StaffId>,
    ended_why: Option<String>,
}

impl Steps {
    /// Why it was taken back.
    pub fn why(&self) -> Option<Why> {
        Why::from_word(self.ended_why.as_deref()?)
    }

    /// All who had a hand in it.
    pub fn staff(&self) -> impl Iterator<Item = StaffId> {
        let all = [self.imported_by, self.publish_by, self.published_by, self.ended_by];
        all.into_iter().flatten()
    }
}

/// Those of these deliveries.
pub async fn of(
    tx: &TenantTransaction,
    deliveries: &[DeliveryNo],
) -> Result<HashMap<DeliveryNo, Steps>, DatabaseError> {
    let numbers: Vec<i32> = deliveries.iter().map(|delivery| delivery.0).collect();
    let rows = t::table
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::delivery.eq_any(numbers))
        .select((t::delivery, Steps::as_select()));
    let rows: Vec<(i32, Steps)> = rows.load(&mut &**tx).await?;
    Ok(rows
        .into_iter()
        .map(|(delivery, steps)| (DeliveryNo(delivery), steps))
        .collect())
}

/// Those of one.
pub async fn of_one(tx: &TenantTransaction, delivery: DeliveryNo) -> Result<Steps, DatabaseError> {
    Ok(of(tx, &[delivery]).await?.remove(&delivery).unwrap_or_default())
}
