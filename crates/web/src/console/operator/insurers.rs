//! The list of insurers on the platform's first page, and what is told of each: numbers, nobody's name.

use super::HOME;
use chrono::{DateTime, Utc};
use database::DatabaseError;
use kernel::{TenantId, calendar};
use pages::{
    Visit,
    forms::encode,
    words::{grouped, share},
};
use tenancy::InsurerState;

/// Insurers of a page.
const PER_PAGE: usize = 50;
/// What stands where there is nothing to say.
const NONE: &str = "―";

/// Insurers that were found.
pub(super) struct Page {
    pub(super) lines: Vec<Line>,
    /// In all.
    pub(super) found: usize,
    /// The address of the next page.
    pub(super) more: Option<String>,
}

/// An insurer.
pub(super) struct Line {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) is_open: bool,
    pub(super) roster: RosterState,
}

/// How an insurer's roster stands.
pub(super) struct RosterState {
    pub(super) insured: String,
    pub(super) registered: String,
    pub(super) share: String,
    /// When the last import ended, and how.
    pub(super) import: String,
    /// Days since.
    pub(super) age: String,
}

/// One page of what is sought, after an insurer's code.
pub(super) async fn page(visit: &Visit, sought: &str, after: &str) -> Result<Page, DatabaseError> {
    let (found, mut insurers) = tenancy::search(&visit.services.database, sought, after, PER_PAGE + 1).await?;
    let is_all = insurers.len() <= PER_PAGE;
    insurers.truncate(PER_PAGE);
    let last = insurers.last().filter(|_| !is_all);
    let more = last.map(|last| format!("{HOME}?q={}&after={}", encode(sought), last.code));
    let mut lines = Vec::with_capacity(insurers.len());
    for insurer in insurers {
        lines.push(Line {
            path: super::insurer::path(&insurer.code),
            roster: roster_state(visit, insurer.tenant_id).await?,
            is_open: insurer.state == InsurerState::Open,
            code: insurer.code,
            name: insurer.name,
        });
    }
    Ok(Page { lines, found, more })
}

/// Counts and times alone.
pub(super) async fn roster_state(visit: &Visit, tenant: TenantId) -> Result<RosterState, DatabaseError> {
    let tx = visit.services.database.tenant(tenant).read().await?;
    let (total, last) = futures_util::try_join!(roster::workplaces::total(&tx, visit.now), roster::last_import(&tx))?;
    tx.commit().await?;
    let total = total.unwrap_or_default();
    Ok(RosterState {
        insured: grouped(total.insured),
        registered: grouped(total.registered),
        share: share(total.registered, total.insured),
        import: last.as_ref().map_or(NONE.to_owned(), |last| {
            let ending = if last.state == "finished" {
                ""
            } else {
                "（取り込めず）"
            };
            format!("{}{ending}", calendar::moment(last.finished_at))
        }),
        age: last.map_or(NONE.to_owned(), |last| age(last.finished_at, visit.now)),
    })
}

fn age(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - since).num_days() {
        ..1 => "1日未満".to_owned(),
        days => format!("{days}日"),
    }
}
