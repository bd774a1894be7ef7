//! My page (the manual's 1-7): one view model, composed from what the features publish, for the page and the API alike.
//!
//! Entering and composing are two round trips, with at most seven statements between them: four to enter, the notices', and one for
//! each card that has something to show. It never shows an amount that
//! nobody reported: without data it says so.

mod cards;
mod menu;
mod portal;
mod v1;

pub use cards::Card;
pub use menu::{MenuEntry, MenuGroup, Section};

use accounts::Member;
use chrono::{DateTime, NaiveDate, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use futures_util::future::{try_join, try_join_all};
use ground::Ground;
use kernel::{Clock, Outage};
use module::{CardBody, CardSource, GenericUse, Module, Opening, RecentCost};
use notices::{NoticeLists, Notices};
use pages::member;
use poem::http::Method;
use roster::Access;
use scoped_futures::ScopedFutureExt as _;
use serde::Serialize;
use std::sync::Arc;
use tenancy::{Feature, FeatureState};

/// Notices in each of the two short lists: on a phone the first card stays in sight below them.
pub const SHORT_LIST: u32 = 2;

/// Composes the my page. Cheap to clone.
#[derive(Clone)]
pub struct Dashboard {
    database: Database,
    clock: Clock,
    notices: Notices,
    openings: Arc<[Opening]>,
    sources: Arc<[CardSource]>,
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
    /// The manual's menu, without hidden features and empty groups.
    pub menu: Vec<MenuGroup>,
    /// 組合からのお知らせ and …さんへのお知らせ.
    pub notices: NoticeLists,
    /// In the menu's order.
    pub cards: Vec<Card>,
}

/// The my page as page and operation, with what the modules open.
pub fn module(ground: &Ground, notices: &Notices, modules: &[Module]) -> Module {
    let dashboard = Dashboard {
        database: ground.database.clone(),
        clock: ground.clock.clone(),
        notices: notices.clone(),
        openings: modules.iter().flat_map(|module| module.openings.clone()).collect(),
        sources: modules.iter().flat_map(|module| module.cards.clone()).collect(),
    };
    let page = dashboard.clone();
    Module {
        name: "dashboard",
        portal: vec![member(
            Method::GET,
            "/portal/mypage",
            "my_page",
            move |visit, member| portal::show(page.clone(), visit, member),
        )],
        operations: vec![v1::group(dashboard)],
        ..Module::default()
    }
}

impl Dashboard {
    /// The my page of a member: a statement for the notices and one for each card, in the round trip of its transaction's BEGIN.
    async fn my_page(&self, member: &Member) -> Result<MyPage, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let (_, (notices, bodies)) = tenant
            .read_with(|tx| {
                let notices = self.notices.for_member(tx, member, SHORT_LIST);
                try_join(notices, self.bodies(tx, member)).scope_boxed()
            })
            .await?;
        let menu = menu::menu(&member.insurer.modules, &self.openings);
        Ok(MyPage {
            name: member.person.called(),
            previous_log_in_at: member.previous_log_in_at,
            read_only_until: match member.access {
                Access::ReadOnly { until } => Some(until),
                Access::Full | Access::Former { .. } | Access::Ended => None,
            },
            cards: cards::cards(&menu, &bodies),
            menu,
            notices,
        })
    }

    /// What there is to show of the features that the insurer has opened.
    async fn bodies(&self, tx: &TenantTransaction, member: &Member) -> Result<Vec<(Feature, CardBody)>, DatabaseError> {
        let now = self.clock.now();
        let mut bodies = Vec::new();
        for CardSource { feature, read } in self.sources.iter() {
            if member.insurer.modules.state(*feature) == FeatureState::Open {
                let body = read(tx, member, now);
                bodies.push(async move { Ok::<_, DatabaseError>((*feature, body.await?)) });
            }
        }
        try_join_all(bodies).await
    }
}

impl MyPage {
    /// 最近の医療費, where it is known.
    pub fn recent_cost(&self) -> Option<&RecentCost> {
        self.cards.iter().find_map(|card| match &card.body {
            CardBody::Cost(cost) => cost.as_ref(),
            CardBody::State | CardBody::GenericUse(_) => None,
        })
    }

    /// ジェネリック利用状況, where it is known.
    pub fn generic_use(&self) -> Option<&GenericUse> {
        self.cards.iter().find_map(|card| match &card.body {
            CardBody::GenericUse(generic) => generic.as_ref(),
            CardBody::State | CardBody::Cost(_) => None,
        })
    }
}
