//! Where a member's statement is read: what the insurer has published first, then the rows.

use crate::{
    kind::Kind,
    marks::mark_seen,
    published::{Published, published_and_seen},
    statement::Reader,
    view::Changed,
};
use accounts::Member;
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use ground::Ground;
use operations::{
    call::{Call, up},
    failure::Failure,
};
use poem_openapi::Object;
use scoped_futures::ScopedFutureExt as _;

/// The statements of one kind.
pub(super) struct Shelf {
    database: Database,
    kind: Kind,
}

/// One that is being read.
pub(super) struct Opened {
    pub(super) tx: TenantTransaction,
    pub(super) published: Published,
    /// Up to when the member has seen it.
    seen: Option<DateTime<Utc>>,
    kind: Kind,
}

/// What became of rows since the member saw them, of all months and people together.
#[derive(Object)]
pub(super) struct StatementChanges {
    /// Claims that were corrected.
    corrected: u32,
    /// Claims that are there no more.
    withdrawn: u32,
}

impl Shelf {
    /// Puts it together.
    pub(super) fn new(ground: &Ground, kind: Kind) -> Self {
        Self {
            database: ground.database.clone(),
            kind,
        }
    }

    /// What was published is read before the rows: what is published between them is news the next time. What the insurer hasn't
    /// opened does not exist.
    pub(super) async fn open(&self, reader: &Reader<'_>, member: &Member) -> Result<Opened, Failure> {
        if !member.insurer.modules.is_open(self.kind.feature()) {
            return Err(Failure::of("not_found"));
        }
        let (kind, kept, account) = (self.kind, reader.kept(), member.account_id);
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let first = tenant.read_with(|tx| published_and_seen(tx, kind, kept, account).scope_boxed());
        let (tx, (published, seen)) = up(first.await)?;
        Ok(Opened {
            tx,
            published,
            seen,
            kind,
        })
    }

    /// Keeps that the member has seen it. Where that is lost, it is news once more; whoever asks for no body has seen nothing.
    pub(super) async fn close(&self, call: &Call, member: &Member, opened: Opened) {
        let Opened {
            tx, published, seen, ..
        } = opened;
        drop(tx);
        let news = published.changed_at.filter(|_| published.is_news_to(seen));
        let Some(at) = news.filter(|_| !call.is_head) else {
            return;
        };
        let marked = async {
            let tenant = self.database.tenant(member.insurer.tenant_id);
            let mut tx = tenant.write(Durability::Relaxed).await?;
            mark_seen(&mut tx, member.account_id, self.kind, at).await?;
            tx.commit().await
        };
        if let Err(error) = marked.await {
            edge::outage(&error.into());
        }
    }
}

impl Opened {
    /// What has changed of all that the insurer keeps.
    pub(super) async fn changed(&self, reader: &Reader<'_>) -> Result<Changed, DatabaseError> {
        match self.seen.filter(|seen| self.published.has_changed_since(*seen)) {
            Some(seen) => {
                let view = reader.view(reader.kept());
                view.changed_since(&self.tx, self.kind, seen).await
            }
            None => Ok(Changed::default()),
        }
    }
}

impl From<Changed> for StatementChanges {
    fn from(changed: Changed) -> Self {
        let Changed { corrected, withdrawn } = changed;
        Self { corrected, withdrawn }
    }
}
