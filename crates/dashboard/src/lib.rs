//! My page (the manual's 1-7): one view model, composed from what the features publish, for the page and the API alike.
//!
//! Entering and composing are two round trips, with at most seven statements between them. It never shows an amount that
//! nobody reported: without data it says so.

mod menu;

pub use menu::{MenuEntry, MenuGroup, Section};

use accounts::{Member, Outage};
use chrono::{DateTime, NaiveDate, Utc};
use database::Database;
use notices::{NoticeLists, Notices};
use roster::Access;
use scoped_futures::ScopedFutureExt as _;
use serde::Serialize;
use tenancy::Module;

/// Notices in each of the two short lists: on a phone the first card stays in sight below them.
pub const SHORT_LIST: u32 = 2;

/// Composes the my page. Cheap to clone.
#[derive(Clone)]
pub struct Dashboard {
    database: Database,
    notices: Notices,
}

/// The my page of one member.
#[derive(Debug, Clone, Serialize)]
pub struct MyPage {
    /// 「健保 太郎」: the roster's name, without さん.
    pub name: String,
    /// 前回ログイン; none at the first.
    pub previous_log_in_at: Option<DateTime<Utc>>,
    /// The last day of read-only access, where coverage is lost.
    pub read_only_until: Option<NaiveDate>,
    /// The manual's menu, without hidden modules and empty groups.
    pub menu: Vec<MenuGroup>,
    /// 組合からのお知らせ and …さんへのお知らせ.
    pub notices: NoticeLists,
    /// A card for each module of 各種申請・登録, in the menu's order.
    pub cards: Vec<MenuEntry>,
    /// 通院; none where both its modules are hidden.
    pub visits: Option<VisitsCard>,
    /// お薬; none where both its modules are hidden.
    pub medicines: Option<MedicinesCard>,
}

/// The 通院 card.
#[derive(Debug, Clone, Serialize)]
pub struct VisitsCard {
    /// Its entries of the menu.
    pub entries: Vec<MenuEntry>,
    /// 最近の医療費; none says 「まだデータがありません」, never ¥0.
    pub recent_cost: Option<RecentCost>,
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

/// The お薬 card.
#[derive(Debug, Clone, Serialize)]
pub struct MedicinesCard {
    /// Its entries of the menu.
    pub entries: Vec<MenuEntry>,
    /// ジェネリック利用状況; none says 「まだデータがありません」, never ¥0.
    pub generic_use: Option<GenericUse>,
}

/// ジェネリック利用状況.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GenericUse {
    /// 使用率, in percent.
    pub percent: u8,
    /// 削減可能金額, in yen.
    pub reducible_yen: i64,
}

impl VisitsCard {
    /// True where the insurer offers 医療費通知: only then is the lack of data worth a word.
    pub fn shows_cost(&self) -> bool {
        has(&self.entries, Module::CostStatements)
    }
}

impl MedicinesCard {
    /// True where the insurer offers ジェネリック差額明細.
    pub fn shows_generic_use(&self) -> bool {
        has(&self.entries, Module::GenericSavings)
    }
}

impl Dashboard {
    /// Composes from these.
    pub fn new(database: Database, notices: Notices) -> Self {
        Self { database, notices }
    }

    /// The my page of a member: one statement, in the round trip of its transaction's BEGIN.
    pub async fn my_page(&self, member: &Member) -> Result<MyPage, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let ids = member.ids();
        let (_, notices) = tenant
            .read_with(|tx| self.notices.for_member(tx, ids, SHORT_LIST).scope_boxed())
            .await?;
        Ok(MyPage::of(member, notices))
    }
}

impl MyPage {
    fn of(member: &Member, notices: NoticeLists) -> Self {
        let menu = menu::menu(&member.insurer.modules);
        Self {
            name: member.person.called(),
            previous_log_in_at: member.previous_log_in_at,
            read_only_until: match member.access {
                Access::ReadOnly { until } => Some(until),
                Access::Full | Access::Ended => None,
            },
            cards: menu::section(&menu, Section::Applications),
            visits: shown(menu::section(&menu, Section::Visits)).map(|entries| VisitsCard {
                entries,
                recent_cost: None,
            }),
            medicines: shown(menu::section(&menu, Section::Medicines)).map(|entries| MedicinesCard {
                entries,
                generic_use: None,
            }),
            menu,
            notices,
        }
    }
}

/// The guide that a module's page is, where it is one.
pub const fn guide(module: Module) -> Option<&'static str> {
    match module {
        Module::MedicalGuide => Some("medical-guide"),
        Module::MedicineGuide => Some("medicine-guide"),
        _ => None,
    }
}

/// The module of a guide page's slug.
pub fn module_of_guide(slug: &str) -> Option<Module> {
    Module::ALL.iter().copied().find(|module| guide(*module) == Some(slug))
}

fn shown(entries: Vec<MenuEntry>) -> Option<Vec<MenuEntry>> {
    (!entries.is_empty()).then_some(entries)
}

fn has(entries: &[MenuEntry], module: Module) -> bool {
    entries.iter().any(|entry| entry.module == module)
}
