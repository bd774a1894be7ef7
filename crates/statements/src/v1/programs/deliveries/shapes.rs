//! What the operations on deliveries take and answer, with examples.

use crate::{delivery, release::FARTHEST, steps::Why};
use chrono::{DateTime, Utc};
use operations::{
    failure::Flaw,
    text::{Form, Text, Time},
};
use poem_openapi::{Object, registry::MetaSchema};
use serde_json::{Value, json};

/// The delivery of the examples.
pub(super) const ID: &str = "0197a3c0-0000-7000-8000-00000000005c";

pub(super) fn example(state: &str) -> Value {
    let mut one = json!({
        "id": ID, "kind": "costs", "label": "2026-11", "version": 1, "state": state, "rows": 1204, "held": 2, "too_old": 0,
        "persons": 611, "months": ["2026-08"], "imported_at": "2026-11-22T01:02:00Z", "published_at": "2026-11-22T02:00:00Z",
    });
    if let (Some(one), "withdrawn") = (one.as_object_mut(), state) {
        one.insert("ended_at".into(), json!("2026-11-22T03:00:00Z"));
    }
    one
}

/// A page of an insurer's deliveries, the last imported first.
#[derive(Object)]
#[oai(rename = "StatementDeliveryList", skip_serializing_if_is_none)]
pub(super) struct DeliveryList {
    /// The deliveries.
    pub(super) deliveries: Vec<Delivery>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    pub(super) next: Option<String>,
}

/// 提供分: one file of statements of one 処理年月, in one version.
#[derive(Object)]
#[oai(rename = "StatementDelivery", skip_serializing_if_is_none)]
pub(super) struct Delivery {
    /// The id of the delivery.
    id: String,
    /// `costs` 医療費通知 or `medicines` ジェネリック差額明細.
    kind: String,
    /// 処理年月.
    label: String,
    /// Counts within kind and label.
    version: i32,
    /// `checked`, `loading`, `ready` (loaded, and not shown), `published`, `replaced` (by another version), `withdrawn` or `refused`.
    state: String,
    /// Rows that count, held ones among them.
    rows: u64,
    /// Rows that wait for the roster.
    held: u64,
    /// Rows of months too old to be shown, which were left out.
    too_old: u64,
    /// People whose rows are in it.
    persons: u64,
    /// Months of treatment of which rows are kept.
    months: Vec<String>,
    /// When its file was read.
    imported_at: Time,
    /// When it is to be published, where that was asked for.
    publish_at: Option<Time>,
    /// When it was published last.
    published_at: Option<Time>,
    /// When it was replaced, withdrawn or refused.
    ended_at: Option<Time>,
}

impl From<delivery::Delivery> for Delivery {
    fn from(of: delivery::Delivery) -> Self {
        Self {
            id: of.id.to_string(),
            kind: of.kind.as_str().into(),
            label: of.label.to_string(),
            version: of.version,
            state: of.state.as_str().into(),
            rows: of.rows,
            held: of.held,
            too_old: of.too_old,
            persons: of.persons,
            months: of.months.iter().map(ToString::to_string).collect(),
            imported_at: of.imported_at.into(),
            publish_at: of.publish_at.map(Time::from),
            published_at: of.published_at.map(Time::from),
            ended_at: of.ended_at.map(Time::from),
        }
    }
}

/// How a delivery is to be published.
#[derive(Object)]
#[oai(rename = "NewStatementRelease")]
pub(super) struct NewRelease {
    /// When, RFC 3339, within a year; at once where it is absent.
    #[oai(nullable)]
    at: Option<Text<MomentForm>>,
    /// Whether all members are told of it by a notice.
    #[oai(default)]
    pub(super) notice: bool,
}

impl NewRelease {
    /// The time that is asked for.
    pub(super) fn at(self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Flaw> {
        let Some(at) = self.at else { return Ok(None) };
        let flaw = |code| {
            Flaw::new("/at", code).saying("Must be a moment within a year from now, as 2026-12-01T09:00:00+09:00.")
        };
        let at = DateTime::parse_from_rfc3339(&at.into_string()).map_err(|_| flaw("type"))?;
        let at = at.to_utc();
        if at > now + FARTHEST {
            return Err(flaw("out_of_range"));
        }
        Ok(Some(at))
    }
}

struct MomentForm;

impl Form for MomentForm {
    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(40),
            pattern: Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})$".into()),
            ..MetaSchema::new("string")
        }
    }
}

/// Why a delivery is taken back.
#[derive(Object)]
#[oai(rename = "NewStatementWithdrawal")]
pub(super) struct NewWithdrawal {
    /// `wrong_amounts`, `wrong_people`, `wrong_file`, `too_early` or `other`.
    reason: Text<ReasonForm>,
}

impl NewWithdrawal {
    /// The reason.
    pub(super) fn why(self) -> Result<Why, Flaw> {
        Why::from_word(&self.reason.into_string())
            .ok_or_else(|| Flaw::new("/reason", "not_a_choice").asking(&ReasonForm::schema()))
    }
}

struct ReasonForm;

impl Form for ReasonForm {
    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(20),
            pattern: Some("^(wrong_amounts|wrong_people|wrong_file|too_early|other)$".into()),
            ..MetaSchema::new("string")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        for state in ["published", "withdrawn"] {
            assert!(flaws::<Delivery>(&example(state)).is_empty(), "{state}");
        }
    }
}
