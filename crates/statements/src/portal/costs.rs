//! 医療費通知: a year, a month, and a year for the tax return.

use super::{StatementPage, Statements, is_open, section};
use crate::{
    Kind,
    marks::mark_seen,
    published::published_and_seen,
    statement::{Reader, changes, costs::Found, month, tax},
    view::Changed,
};
use accounts::Member;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability};
use futures_util::future::try_join;
use pages::{Reply, Visit, visit::Trouble};
use scoped_futures::ScopedFutureExt as _;
use tenancy::Feature;

/// `GET /portal/costs[?year=…&person=…]`. What was published is read before the rows: what is published between them is news the
/// next time.
pub(super) async fn show(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::CostStatements)?;
    let (reader, account) = (Reader::of_member(&member, visit.now), member.account_id);
    let (kept, tenant) = (reader.kept(), statements.database.tenant(member.insurer.tenant_id));
    let first = tenant.read_with(|tx| published_and_seen(tx, Kind::Costs, kept, account).scope_boxed());
    let (tx, (published, seen)) = first.await?;
    let (news, at) = (published.is_news_to(seen), published.changed_at);
    let changed = async {
        match seen.filter(|seen| published.has_changed_since(*seen)) {
            Some(seen) => {
                let changed = reader.view(kept).changed_since(&tx, Kind::Costs, seen).await;
                changed.map_err(Trouble::from)
            }
            None => Ok(Changed::default()),
        }
    };
    let found = Found::read(&tx, &reader, published.clone(), visit.query.text("year"));
    let (found, changed) = try_join(found, changed).await?;
    drop(tx);
    let body = found.body(&reader, visit.query.text("person"), changes(changed))?;
    let page = visit.html(&StatementPage {
        frame: visit.frame().in_section(section(&member, super::COSTS)),
        body,
    })?;
    // Whoever doesn't read the page has not seen what it tells.
    if let Some(at) = at.filter(|_| news && !visit.is_head)
        && let Err(error) = statements.mark(&member, Kind::Costs, at).await
    {
        edge::outage(&error.into());
    }
    Ok(page)
}

/// `GET /portal/costs/:month`.
pub(super) async fn month(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::CostStatements)?;
    let reader = Reader::of_member(&member, visit.now);
    let month = month::asked(visit.param("month"), reader.kept())?;
    let (tx, published) = statements.published(&reader, Kind::Costs).await?;
    let body = month::body(&tx, &reader, &published, month).await?;
    drop(tx);
    visit.html(&StatementPage {
        frame: visit.frame().in_section(section(&member, super::COSTS)),
        body,
    })
}

/// `GET /portal/costs/tax/:year`.
pub(super) async fn tax(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::CostStatements)?;
    let reader = Reader::of_member(&member, visit.now);
    let (tx, published) = statements.published(&reader, Kind::Costs).await?;
    let body = tax::body(&tx, &reader, &published, visit.param("year")).await?;
    drop(tx);
    visit.html(&StatementPage {
        frame: visit.frame().in_section(section(&member, super::COSTS)),
        body,
    })
}

impl Statements {
    /// Where it is lost, the next page tells once more what this one told.
    pub(super) async fn mark(&self, member: &Member, kind: Kind, at: DateTime<Utc>) -> Result<(), DatabaseError> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Relaxed).await?;
        mark_seen(&mut tx, member.account_id, kind, at).await?;
        tx.commit().await
    }
}
