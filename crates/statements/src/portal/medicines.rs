//! ジェネリック差額明細: the newest months, and one of them.

use super::{StatementPage, Statements, is_open, section};
use crate::{
    Kind,
    marks::seen_at,
    published::published,
    statement::{Reader, changes, medicines::Found, medicines_month, month},
    view::Changed,
};
use accounts::Member;
use futures_util::future::try_join;
use pages::{Reply, Visit};
use scoped_futures::ScopedFutureExt as _;
use tenancy::Feature;

/// `GET /portal/medicines[?person=…]`. What was published is read before the rows: what is published between them is news the next
/// time.
pub(super) async fn show(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::GenericSavings)?;
    let (reader, account) = (Reader::of_member(&member, visit.now), member.account_id);
    let (kept, tenant) = (reader.kept(), statements.database.tenant(member.insurer.tenant_id));
    let first = tenant.read_with(|tx| {
        try_join(
            published(tx, Kind::Medicines, kept),
            seen_at(tx, account, Kind::Medicines),
        )
        .scope_boxed()
    });
    let (tx, (published, seen)) = first.await?;
    let (news, at) = (published.is_news_to(seen), published.changed_at);
    let changed = async {
        match seen.filter(|seen| published.has_changed_since(*seen)) {
            Some(seen) => reader.view(kept).changed_since(&tx, Kind::Medicines, seen).await,
            None => Ok(Changed::default()),
        }
    };
    let (found, changed) = try_join(Found::read(&tx, &reader, &published), changed).await?;
    drop(tx);
    let body = found.body(&reader, visit.query.text("person"), changes(changed))?;
    let page = visit.html(&StatementPage {
        frame: visit.frame().in_section(section(&member, super::MEDICINES)),
        body,
    })?;
    // Whoever doesn't read the page has not seen what it tells.
    if let Some(at) = at.filter(|_| news && !visit.is_head)
        && let Err(error) = statements.mark(&member, Kind::Medicines, at).await
    {
        edge::outage(&error.into());
    }
    Ok(page)
}

/// `GET /portal/medicines/:month`.
pub(super) async fn month(statements: Statements, visit: Visit, member: Member) -> Reply {
    is_open(&member, Feature::GenericSavings)?;
    let reader = Reader::of_member(&member, visit.now);
    let month = month::asked(visit.param("month"), reader.kept())?;
    let (tx, published) = statements.published(&reader, Kind::Medicines).await?;
    let body = medicines_month::body(&tx, &reader, &published, month).await?;
    drop(tx);
    visit.html(&StatementPage {
        frame: visit.frame().in_section(section(&member, super::MEDICINES)),
        body,
    })
}
