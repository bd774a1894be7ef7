//! The my page as data (the manual's 1-7).

use crate::{Dashboard, MenuEntry, MyPage, Section};
use chrono::NaiveDate;
use edge::Rights;
use notices::v1::{NoticeLine, line_example};
use operations::{
    Example, Group, Tag,
    answer::Done,
    call::{Call, Inside, up},
    get,
    text::Time,
};
use poem_openapi::{Object, OpenApi};
use serde_json::{Value, json};

struct DashboardApi(Dashboard);

/// The operation.
pub(crate) fn group(dashboard: Dashboard) -> Group {
    let example = Example {
        answer: Some(example()),
        ..Example::default()
    };
    let rows = vec![get("/me/dashboard", "get_dashboard", Rights::Member, &[], example)];
    Group::new(rows, DashboardApi(dashboard))
}

fn example() -> Value {
    json!({
        "name": "健保 太郎",
        "previous_log_in_at": "2024-04-22T03:00:17Z",
        "menu": [
            {"section": "my_page", "label": "マイページ", "modules": []},
            {"section": "visits", "label": "通院", "modules": [{
                "module": "medical_guide",
                "label": "上手な医療のかかり方",
                "state": "open",
                "guide": "medical-guide",
            }]},
        ],
        "insurer_notices": {"newest": [line_example()], "unread": 1},
        "personal_notices": {"newest": [], "unread": 0},
    })
}

/// The my page of one member.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Overview {
    /// The member's name as the roster has it, without さん.
    pub name: String,
    /// 前回ログイン; absent at the first.
    pub previous_log_in_at: Option<Time>,
    /// Where coverage is lost: the last day of read-only access.
    pub read_only_until: Option<NaiveDate>,
    /// The menu's headings; hidden modules are left out.
    pub menu: Vec<Heading>,
    /// The newest of 組合からのお知らせ.
    pub insurer_notices: NoticeSummary,
    /// The newest of the member's own.
    pub personal_notices: NoticeSummary,
    /// 最近の医療費; absent while nothing was reported, never ¥0.
    pub recent_cost: Option<RecentCost>,
    /// ジェネリック利用状況; absent while nothing was reported.
    pub generic_use: Option<GenericUse>,
}

/// A heading of the menu.
#[derive(Object)]
pub struct Heading {
    /// `my_page`, `applications`, `visits` or `medicines`.
    pub section: String,
    /// The heading on pages.
    pub label: String,
    /// What stands under it.
    pub modules: Vec<Entry>,
}

/// A module of the menu.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Entry {
    /// As `module` of the insurer.
    pub module: String,
    /// Its name on pages.
    pub label: String,
    /// `open` or `preparing`.
    pub state: String,
    /// The guide page `/portal/guides/<guide>` that it opens.
    pub guide: Option<String>,
}

impl From<MenuEntry> for Entry {
    fn from(entry: MenuEntry) -> Self {
        Self {
            module: entry.feature.as_str().into(),
            label: entry.label.into(),
            state: entry.state.as_str().into(),
            guide: entry
                .path
                .and_then(|path| path.strip_prefix("/portal/guides/"))
                .map(Into::into),
        }
    }
}

/// A short list.
#[derive(Object)]
pub struct NoticeSummary {
    /// The newest two at most; `/me/notices` lists them all.
    pub newest: Vec<NoticeLine>,
    /// How many of the newest thirty were never opened, listed here or not. After a year a notice is no longer unread.
    pub unread: i64,
}

/// What treatment cost in one month.
#[derive(Object)]
pub struct RecentCost {
    /// Year of treatment.
    pub year: i32,
    /// Month of treatment, from 1.
    pub month: u32,
    /// Yen.
    pub yen: i64,
}

/// How much of the medicine was generic.
#[derive(Object)]
pub struct GenericUse {
    /// Percent.
    pub percent: u32,
    /// Thousandths.
    pub per_mille: u32,
    /// What could be saved, in yen.
    pub reducible_yen: i64,
}

#[OpenApi(tag = "Tag::Member")]
impl DashboardApi {
    /// My page
    ///
    /// The view that `/portal/mypage` shows.
    #[oai(path = "/me/dashboard", method = "get", operation_id = "get_dashboard")]
    async fn get_dashboard(&self, _call: Call, Inside(member): Inside) -> poem::Result<Done<Overview>> {
        let page = up(self.0.my_page(&member).await)?;
        Ok(Done(view(page)))
    }
}

/// A share of nothing is none.
fn generic_use(generic: &module::GenericUse) -> Option<GenericUse> {
    let per_mille = u32::from(generic.per_mille?);
    Some(GenericUse {
        percent: (per_mille + 5) / 10,
        per_mille,
        reducible_yen: generic.saving.as_ref().map_or(0, |saving| saving.yen),
    })
}

fn view(page: MyPage) -> Overview {
    let summary = |newest: Vec<notices::NoticeHead>, unread| NoticeSummary {
        newest: newest.into_iter().map(NoticeLine::from).collect(),
        unread,
    };
    Overview {
        recent_cost: page.recent_cost().map(|cost| RecentCost {
            year: cost.year,
            month: cost.month,
            yen: cost.yen,
        }),
        generic_use: page.generic_use().and_then(generic_use),
        name: page.name,
        previous_log_in_at: page.previous_log_in_at.map(Time::from),
        read_only_until: page.read_only_until,
        menu: page
            .menu
            .into_iter()
            .map(|group| Heading {
                section: section_word(group.section).into(),
                label: group.label.into(),
                modules: group.entries.into_iter().map(Entry::from).collect(),
            })
            .collect(),
        insurer_notices: summary(page.notices.insurer, page.notices.unread_insurer),
        personal_notices: summary(page.notices.personal, page.notices.unread_personal),
    }
}

fn section_word(section: Section) -> &'static str {
    match section {
        Section::MyPage => "my_page",
        Section::Applications => "applications",
        Section::Visits => "visits",
        Section::Medicines => "medicines",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn the_example_fits_its_schema() {
        assert!(flaws::<Overview>(&example()).is_empty());
    }
}
