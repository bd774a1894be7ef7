//! The cards below the notices: one for each feature of 各種申請・登録, one for 通院, one for お薬.

use crate::menu::{MenuEntry, MenuGroup, Section};
use module::CardBody;
use serde::Serialize;
use tenancy::Feature;

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Under which heading of the menu its features stand.
    pub section: Section,
    /// Over it.
    pub heading: &'static str,
    /// Its features.
    pub entries: Vec<MenuEntry>,
    /// What it shows of them.
    pub body: CardBody,
}

impl Card {
    /// True for one of many that a feature has to itself.
    pub fn is_single(&self) -> bool {
        self.section == Section::Applications
    }
}

/// The cards of a menu, with what was read for them; a heading without entries has none.
pub(crate) fn cards(menu: &[MenuGroup], read: &[(Feature, CardBody)]) -> Vec<Card> {
    menu.iter().flat_map(|group| of_group(group, read)).collect()
}

fn of_group(group: &MenuGroup, read: &[(Feature, CardBody)]) -> Vec<Card> {
    let whole = |body| {
        vec![Card {
            section: group.section,
            heading: group.label,
            entries: group.entries.clone(),
            body,
        }]
    };
    // Only where the insurer offers the feature is the lack of data worth a word.
    let offers = |feature| group.entries.iter().any(|entry| entry.feature == feature);
    let body = |feature, none| {
        let found = read.iter().find(|(of, _)| *of == feature);
        found.map_or(none, |(_, body)| body.clone())
    };
    match group.section {
        Section::MyPage => vec![],
        Section::Applications => group.entries.iter().map(single).collect(),
        Section::Visits if offers(Feature::CostStatements) => {
            whole(body(Feature::CostStatements, CardBody::Cost(None)))
        }
        Section::Medicines if offers(Feature::GenericSavings) => {
            whole(body(Feature::GenericSavings, CardBody::GenericUse(None)))
        }
        Section::Visits | Section::Medicines => whole(CardBody::State),
    }
}

fn single(entry: &MenuEntry) -> Card {
    Card {
        section: Section::Applications,
        heading: entry.label,
        entries: vec![entry.clone()],
        body: CardBody::State,
    }
}
