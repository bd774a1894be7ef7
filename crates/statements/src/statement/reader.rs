//! Whose statement a page is.

use super::ways::Ways;
use crate::{
    Kind, Months,
    delivery::Delivery,
    household::{OneOf, household},
    preview::Preview,
    published::{Published, published, published_with},
    view::View,
    visibility::Viewer,
};
use accounts::{Member, Proof};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::PersonId;
use roster::{Access, Person};
use tenancy::{Feature, Insurer, StatementSettings};

/// Who reads it, and when. Everything that a page says comes by them.
pub(crate) struct Reader<'a> {
    pub(crate) insurer: &'a Insurer,
    pub(crate) person: &'a Person,
    pub(crate) proof: Proof,
    /// What coverage leaves of their access.
    pub(crate) access: Access,
    pub(crate) now: DateTime<Utc>,
    pub(crate) ways: Ways,
    /// Where staff look in their place: how, and at which delivery that waits.
    pub(crate) preview: Option<(Preview, Option<&'a Delivery>)>,
}

impl<'a> Reader<'a> {
    /// A member on their own pages.
    pub(crate) fn of_member(member: &'a Member, now: DateTime<Utc>) -> Self {
        Self {
            insurer: &member.insurer,
            person: &member.person,
            proof: member.proof,
            access: member.access,
            now,
            ways: Ways::default(),
            preview: None,
        }
    }

    pub(crate) fn settings(&self) -> &StatementSettings {
        &self.insurer.statements
    }

    /// True of whoever has the whole portal, and not their statements alone.
    pub(crate) fn is_member(&self) -> bool {
        !matches!(self.access, Access::Former { .. })
    }

    /// Whether medicines are explained elsewhere.
    pub(crate) fn has_guide(&self) -> bool {
        self.is_member() && self.insurer.modules.is_open(Feature::MedicineGuide)
    }

    /// The months that the insurer keeps.
    pub(crate) fn kept(&self) -> Months {
        Months::online(self.settings(), self.now)
    }

    /// What they may see.
    pub(crate) fn view(&self, months: Months) -> View {
        let viewer = Viewer {
            person: self.person.person_id,
            proof: self.proof,
        };
        let view = View::of(viewer, self.settings(), self.now, months);
        match self.preview {
            Some((preview, _)) => view.looked_at(preview),
            None => view,
        }
    }

    /// What the insurer has published, as far as it is kept.
    pub(crate) async fn published(&self, tx: &TenantTransaction, kind: Kind) -> Result<Published, DatabaseError> {
        match self.preview.and_then(|(_, trial)| trial) {
            Some(trial) => published_with(tx, trial, self.kept()).await,
            None => published(tx, kind, self.kept()).await,
        }
    }

    /// Whom they can choose between, and whoever else has rows here.
    pub(crate) async fn household(
        &self,
        tx: &TenantTransaction,
        seen: &[PersonId],
    ) -> Result<Vec<OneOf>, DatabaseError> {
        household(tx, self.person, self.now, seen).await
    }
}
