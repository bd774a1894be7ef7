//! The manual's menu (1-7): マイページ / 各種申請・登録 / 通院 / お薬, and which modules stand under which heading.
//!
//! Hidden modules are left out; a module in preparation stays, as text instead of a link.

use module::Opening;
use serde::Serialize;
use tenancy::{Feature, FeatureState, Features};

/// A heading of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// マイページ.
    MyPage,
    /// 各種申請・登録.
    Applications,
    /// 通院.
    Visits,
    /// お薬.
    Medicines,
}

impl Section {
    /// The manual's headings, in its order.
    pub const ALL: [Self; 4] = [Self::MyPage, Self::Applications, Self::Visits, Self::Medicines];

    /// The manual's word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::MyPage => "マイページ",
            Self::Applications => "各種申請・登録",
            Self::Visits => "通院",
            Self::Medicines => "お薬",
        }
    }

    const fn of(feature: Feature) -> Self {
        match feature {
            Feature::Survey | Feature::FluSubsidy | Feature::Applications | Feature::Contacts => Self::Applications,
            Feature::CostStatements | Feature::MedicalGuide => Self::Visits,
            Feature::GenericSavings | Feature::MedicineGuide => Self::Medicines,
        }
    }
}

/// A heading with its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MenuGroup {
    /// Which.
    pub section: Section,
    /// The heading.
    pub label: &'static str,
    /// What stands under it; under マイページ nothing, it is the page itself.
    pub entries: Vec<MenuEntry>,
}

impl MenuGroup {
    /// True for the heading that is the my page itself.
    pub fn is_my_page(&self) -> bool {
        self.section == Section::MyPage
    }
}

/// A feature in the menu or as a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MenuEntry {
    /// Which feature.
    pub feature: Feature,
    /// The manual's word.
    pub label: &'static str,
    /// Open or preparing; the state in effect.
    pub state: FeatureState,
    /// Where it leads; nowhere while it is in preparation.
    pub path: Option<&'static str>,
}

impl MenuEntry {
    /// True where 準備中 stands instead of a link.
    pub fn is_preparing(&self) -> bool {
        self.state == FeatureState::Preparing
    }
}

/// The menu as an insurer's modules make it.
pub(crate) fn menu(modules: &Features, openings: &[Opening]) -> Vec<MenuGroup> {
    Section::ALL
        .into_iter()
        .map(|section| MenuGroup {
            section,
            label: section.label(),
            entries: entries(modules, openings, section),
        })
        .filter(|group| group.section == Section::MyPage || !group.entries.is_empty())
        .collect()
}

fn entries(modules: &Features, openings: &[Opening], section: Section) -> Vec<MenuEntry> {
    Feature::ALL
        .iter()
        .copied()
        .filter(|feature| Section::of(*feature) == section)
        .map(|feature| entry(feature, modules.state(feature), openings))
        .filter(|entry| entry.state != FeatureState::Hidden)
        .collect()
}

fn entry(feature: Feature, state: FeatureState, openings: &[Opening]) -> MenuEntry {
    let opening = openings.iter().find(|opening| opening.feature == feature);
    MenuEntry {
        feature,
        label: feature.label(),
        state,
        path: opening
            .filter(|_| state == FeatureState::Open)
            .map(|opening| opening.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: Opening = Opening {
        feature: Feature::MedicalGuide,
        path: "/portal/guides/medical-guide",
    };

    fn all(state: FeatureState) -> Features {
        Feature::ALL.iter().map(|module| (*module, state)).collect()
    }

    #[test]
    fn the_menu_stands_under_the_manuals_headings_in_its_order() {
        let labels: Vec<(&str, Vec<&str>)> = menu(&all(FeatureState::Open), &[GUIDE])
            .into_iter()
            .map(|group| (group.label, group.entries.iter().map(|entry| entry.label).collect()))
            .collect();
        assert_eq!(
            labels,
            [
                ("マイページ", vec![]),
                (
                    "各種申請・登録",
                    vec![
                        "被扶養者資格調査",
                        "インフルエンザ補助金申請",
                        "WEB申請",
                        "被扶養者連絡先登録"
                    ]
                ),
                ("通院", vec!["医療費通知", "上手な医療のかかり方"]),
                ("お薬", vec!["ジェネリック差額明細", "上手なお薬との付き合い"]),
            ]
        );
    }

    #[test]
    fn a_hidden_module_is_not_in_the_menu_and_an_empty_heading_goes_with_it() {
        let modules: Features = [
            (Feature::CostStatements, FeatureState::Hidden),
            (Feature::MedicineGuide, FeatureState::Open),
        ]
        .into_iter()
        .collect();
        let headings: Vec<Section> = menu(&modules, &[GUIDE]).iter().map(|group| group.section).collect();
        assert_eq!(headings, [Section::MyPage, Section::Medicines]);
    }

    #[test]
    fn only_an_open_guide_leads_anywhere() {
        let guide = Opening {
            feature: Feature::MedicineGuide,
            path: "/portal/guides/medicine-guide",
        };
        let medicines = |state| {
            let menu = menu(&all(state), &[guide]);
            let group = menu.into_iter().find(|group| group.section == Section::Medicines);
            group.unwrap().entries
        };
        let open = medicines(FeatureState::Open);
        assert_eq!(
            open.iter().map(|entry| entry.path).collect::<Vec<_>>(),
            [None, Some(guide.path)]
        );
        assert!(open.iter().all(|entry| entry.state == FeatureState::Open));
        assert!(
            medicines(FeatureState::Preparing)
                .iter()
                .all(|entry| entry.path.is_none() && entry.state == FeatureState::Preparing)
        );
    }
}
