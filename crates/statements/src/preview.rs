//! 表示の確認: what a member sees, looked at by staff in their place. It is the member's own [`View`](crate::view::View) with two
//! differences, both in the statement that reads the rows: of protected people nothing is there for whoever may not see them, and a
//! delivery that waits may be taken for published, as the insurer looks at it before the members do.

use crate::{
    delivery::{Delivery, DeliveryNo},
    month::Month,
    visibility::Seeing,
};
use diesel::{
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Bool, Date, Integer, Nullable},
};
use roster::protection::not_protected;

/// Why staff look. The word stands in the trail, and the member reads what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody has asked about it.
    Inquiry,
    /// Before the members see it.
    BeforePublication,
    /// To see that something was corrected.
    Correction,
    /// For nothing of these.
    Other,
}

impl Reason {
    /// All of them, as a form lists them.
    pub const ALL: [Self; 4] = [Self::Inquiry, Self::BeforePublication, Self::Correction, Self::Other];

    /// The word in the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::BeforePublication => "before_publication",
            Self::Correction => "correction",
            Self::Other => "other",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Inquiry => "お問い合わせへの回答",
            Self::BeforePublication => "公開前の確認",
            Self::Correction => "訂正の確認",
            Self::Other => "その他",
        }
    }
}

/// How somebody looks in a member's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preview {
    /// The delivery that is taken for published, and its label: another version of it counts no more.
    trial: Option<(DeliveryNo, Month)>,
    /// Whether they may see what is of protected people.
    sees_protected: bool,
}

impl Preview {
    /// By whoever may or may not see protected people.
    pub fn new(sees_protected: bool, trial: Option<&Delivery>) -> Self {
        Self {
            trial: trial.map(|delivery| (delivery.delivery, delivery.label)),
            sees_protected,
        }
    }

    /// Gives a statement that [`select`] makes its parameters, behind those of who is looked at.
    pub(crate) fn bind(self, statement: BoxedSqlQuery<'_, Pg, SqlQuery>) -> BoxedSqlQuery<'_, Pg, SqlQuery> {
        statement
            .bind::<Bool, _>(self.sees_protected)
            .bind::<Nullable<Integer>, _>(self.trial.map(|(delivery, _)| delivery.0))
            .bind::<Nullable<Date>, _>(self.trial.map(|(_, label)| label))
    }
}

/// The statement of rows that would count: `$11` is whether protected people are seen, `$12` the delivery that is taken for
/// published, `$13` its label. Which row of a claim counts is decided as publishing decides it ([`crate::shared::settle`]).
pub(crate) fn select(seeing: Seeing<'_>, columns: &str) -> String {
    let chosen = format!(
        "($11 OR {}) AND NOT (r.claim_key <> '' AND EXISTS (
            SELECT FROM shared_claims s JOIN statement_deliveries e ON e.delivery = s.delivery
            WHERE s.tenant_id = $1 AND e.tenant_id = $1 AND s.month = r.month AND s.claim_key = r.claim_key AND e.kind = $4
              AND e.label > live.label AND {}
            OFFSET 0))",
        not_protected("r.person_id"),
        is_live("e")
    );
    let seeing = Seeing {
        deliveries: &is_live("live"),
        rows: "NOT r.withdrawn AND NOT r.struck",
        chosen: &chosen,
        ..seeing
    };
    seeing.select(columns)
}

/// The condition that a row `o` of a delivery `e` would be superseded by the row `r` that counts.
pub(crate) fn corrects() -> String {
    format!("e.label < live.label AND {}", is_live("e"))
}

/// True of a delivery that would be published.
fn is_live(delivery: &str) -> String {
    format!(
        "({delivery}.delivery IS NOT DISTINCT FROM $12
            OR {delivery}.state = 'published' AND {delivery}.label IS DISTINCT FROM $13)"
    )
}
