//! Both statements as members read them, each in the frame of their pages.

mod costs;
pub(crate) mod family;
mod files;
pub(crate) mod looks;
mod medicines;

use crate::{
    Kind,
    published::{Published, published},
    statement::{Body, Reader},
};
use accounts::Member;
use askama::Template;
use database::{Database, DatabaseError, TenantTransaction};
use ground::Ground;
use pages::{Row, frame::Frame, member, visit::Trouble};
use poem::http::Method;
use scoped_futures::ScopedFutureExt as _;
use tenancy::{Feature, FeatureState};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// 医療費通知.
pub(crate) const COSTS: &str = "/portal/costs";
/// ジェネリック差額明細.
pub(crate) const MEDICINES: &str = "/portal/medicines";

/// A statement in the frame of a member's pages.
#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage {
    frame: Frame,
    body: Body,
}

/// What the pages stand on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Statements {
    database: Database,
}

impl Statements {
    /// Puts it together.
    pub(crate) fn new(ground: &Ground) -> Self {
        Self {
            database: ground.database.clone(),
        }
    }

    /// A transaction with what the insurer has published.
    async fn published(
        &self,
        reader: &Reader<'_>,
        kind: Kind,
    ) -> Result<(TenantTransaction, Published), DatabaseError> {
        let (kept, tenant) = (reader.kept(), self.database.tenant(reader.insurer.tenant_id));
        tenant.read_with(|tx| published(tx, kind, kept).scope_boxed()).await
    }
}

/// The pages' rows.
pub(crate) fn rows(statements: &Statements) -> Vec<Row> {
    [of_costs(statements), of_medicines(statements)].concat()
}

fn of_costs(statements: &Statements) -> Vec<Row> {
    let of = || statements.clone();
    let (costs, month) = (of(), of());
    let (tax, offer, take) = (of(), of(), of());
    vec![
        member(GET, COSTS, "costs", move |visit, member| {
            costs::show(costs.clone(), visit, member)
        })
        .for_former(),
        member(GET, "/portal/costs/:month", "costs_month", move |visit, member| {
            costs::month(month.clone(), visit, member)
        })
        .for_former(),
        member(GET, "/portal/costs/tax/:year", "costs_tax", move |visit, member| {
            costs::tax(tax.clone(), visit, member)
        })
        .for_former(),
        member(GET, files::COSTS, "costs_files", move |visit, member| {
            files::show(offer.clone(), Kind::Costs, visit, member)
        })
        .for_former(),
        member(POST, files::COSTS, "costs_files_take", move |visit, member| {
            files::take(take.clone(), Kind::Costs, visit, member)
        })
        .for_former(),
    ]
}

fn of_medicines(statements: &Statements) -> Vec<Row> {
    let of = || statements.clone();
    let (medicines, month, offer, take) = (of(), of(), of(), of());
    vec![
        member(GET, MEDICINES, "medicines", move |visit, member| {
            medicines::show(medicines.clone(), visit, member)
        })
        .for_former(),
        member(
            GET,
            "/portal/medicines/:month",
            "medicines_month",
            move |visit, member| medicines::month(month.clone(), visit, member),
        )
        .for_former(),
        member(GET, files::MEDICINES, "medicines_files", move |visit, member| {
            files::show(offer.clone(), Kind::Medicines, visit, member)
        })
        .for_former(),
        member(POST, files::MEDICINES, "medicines_files_take", move |visit, member| {
            files::take(take.clone(), Kind::Medicines, visit, member)
        })
        .for_former(),
    ]
}

/// What the insurer hasn't opened does not exist.
fn is_open(member: &Member, feature: Feature) -> Result<(), Trouble> {
    match member.insurer.modules.state(feature) {
        FeatureState::Open => Ok(()),
        FeatureState::Preparing | FeatureState::Hidden => Err(Trouble::NotFound),
    }
}

/// The menu's entry that the pages belong to: of whoever has no my page any more, their own.
fn section(member: &Member, own: &'static str) -> &'static str {
    if member.is_former() { own } else { "/portal/mypage" }
}
