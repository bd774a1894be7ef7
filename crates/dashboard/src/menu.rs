//! The manual's menu (1-7): マイページ / 各種申請・登録 / 通院 / お薬, and which modules stand under which heading.
//!
//! Hidden modules are left out; a module in preparation stays, as text instead of a link.

use serde::Serialize;
use tenancy::{Module, ModuleState, Modules};

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

    const fn of(module: Module) -> Self {
        match module {
            Module::Survey | Module::FluSubsidy | Module::Applications | Module::Contacts => Self::Applications,
            Module::CostStatements | Module::MedicalGuide => Self::Visits,
            Module::GenericSavings | Module::MedicineGuide => Self::Medicines,
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

/// A module in the menu or as a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MenuEntry {
    /// Which module.
    pub module: Module,
    /// The manual's word.
    pub label: &'static str,
    /// Open or preparing; the state in effect.
    pub state: ModuleState,
    /// The slug of the guide page that it opens; none while it is in preparation.
    pub guide: Option<&'static str>,
}

impl MenuEntry {
    /// True where 準備中 stands instead of a link.
    pub fn is_preparing(&self) -> bool {
        self.state == ModuleState::Preparing
    }
}

/// The menu as an insurer's modules make it.
pub(crate) fn menu(modules: &Modules) -> Vec<MenuGroup> {
    Section::ALL
        .into_iter()
        .map(|section| MenuGroup {
            section,
            label: section.label(),
            entries: entries(modules, section),
        })
        .filter(|group| group.section == Section::MyPage || !group.entries.is_empty())
        .collect()
}

/// The entries of one heading; none where it is absent.
pub(crate) fn section(menu: &[MenuGroup], section: Section) -> Vec<MenuEntry> {
    menu.iter()
        .find(|group| group.section == section)
        .map(|group| group.entries.clone())
        .unwrap_or_default()
}

fn entries(modules: &Modules, section: Section) -> Vec<MenuEntry> {
    Module::ALL
        .iter()
        .copied()
        .filter(|module| Section::of(*module) == section)
        .map(|module| entry(module, modules.state(module)))
        .filter(|entry| entry.state != ModuleState::Hidden)
        .collect()
}

fn entry(module: Module, state: ModuleState) -> MenuEntry {
    MenuEntry {
        module,
        label: module.label(),
        state,
        guide: crate::guide(module).filter(|_| state == ModuleState::Open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(state: ModuleState) -> Modules {
        Module::ALL.iter().map(|module| (*module, state)).collect()
    }

    #[test]
    fn the_menu_stands_under_the_manuals_headings_in_its_order() {
        let labels: Vec<(&str, Vec<&str>)> = menu(&all(ModuleState::Open))
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
        let modules: Modules = [
            (Module::CostStatements, ModuleState::Hidden),
            (Module::MedicineGuide, ModuleState::Open),
        ]
        .into_iter()
        .collect();
        let headings: Vec<Section> = menu(&modules).iter().map(|group| group.section).collect();
        assert_eq!(headings, [Section::MyPage, Section::Medicines]);
    }

    #[test]
    fn only_an_open_guide_leads_anywhere() {
        let open = section(&menu(&all(ModuleState::Open)), Section::Visits);
        assert_eq!(
            open.iter().map(|entry| entry.guide).collect::<Vec<_>>(),
            [None, Some("medical-guide")]
        );
        assert_eq!(open.first().map(|entry| entry.state), Some(ModuleState::Preparing));
        let preparing = section(&menu(&all(ModuleState::Preparing)), Section::Visits);
        assert!(
            preparing
                .iter()
                .all(|entry| entry.guide.is_none() && entry.state == ModuleState::Preparing)
        );
    }
}
