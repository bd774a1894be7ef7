//! サイトからのお知らせ: the platform's notices to everybody, shown below the log-in form. They live in tenant 0, and a
//! short cache keeps them off the database while many people log in.

use crate::{Audience, Notice, NoticeHead, Notices, schema::notices};
use chrono::{DateTime, TimeDelta, Utc};
use database::DatabaseError;
use diesel::{dsl::sql, prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, TenantId};
use std::sync::{Arc, Mutex, PoisonError};

/// For how long a running node may still show what was changed elsewhere.
pub const SITE_CACHE_SECONDS: i64 = 10;

/// Lines in the list of site notices; older ones are still open by their address.
const SITE_LIST: i64 = 50;

type Cached = Option<(DateTime<Utc>, Arc<Vec<NoticeHead>>)>;

#[derive(Default)]
pub(crate) struct SiteCache(Mutex<Cached>);

impl SiteCache {
    fn get(&self, now: DateTime<Utc>) -> Option<Arc<Vec<NoticeHead>>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, heads) = cached.as_ref()?;
        let age = now - *at;
        (age >= TimeDelta::zero() && age < TimeDelta::seconds(SITE_CACHE_SECONDS)).then(|| Arc::clone(heads))
    }

    fn set(&self, cached: Cached) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cached;
    }

    /// What this process itself changed is seen at once.
    pub(crate) fn forget(&self) {
        self.set(None);
    }
}

impl Notices {
    /// The site notices in force, newest first; at most [`SITE_CACHE_SECONDS`] old.
    pub async fn site_notices(&self) -> Result<Arc<Vec<NoticeHead>>, DatabaseError> {
        let now = self.clock.now();
        if let Some(heads) = self.site.get(now) {
            return Ok(heads);
        }
        let heads = Arc::new(self.load_site_notices(now).await?);
        self.site.set(Some((now, Arc::clone(&heads))));
        Ok(heads)
    }

    /// A site notice in force.
    pub async fn site_notice(&self, id: NoticeId) -> Result<Option<Notice>, DatabaseError> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(TenantId::PLATFORM).read().await?;
        let row = notices::table
            .filter(notices::tenant_id.eq(tx.tenant()))
            .filter(notices::notice_id.eq(id))
            .filter(notices::audience.eq(Audience::Site))
            .filter(notices::published_at.le(now))
            .filter(
                notices::ended_at
                    .is_null()
                    .or(notices::ended_at.assume_not_null().gt(now)),
            )
            .select((notices::notice_id, notices::title, notices::published_at, notices::body))
            .first::<(NoticeId, String, DateTime<Utc>, String)>(&mut *tx)
            .await
            .optional()?;
        tx.commit().await?;
        Ok(row.map(|(id, title, at, body)| Notice {
            head: head((id, title, at)),
            body,
        }))
    }

    async fn load_site_notices(&self, now: DateTime<Utc>) -> Result<Vec<NoticeHead>, DatabaseError> {
        let mut tx = self.database.tenant(TenantId::PLATFORM).read().await?;
        let rows = notices::table
            .filter(notices::tenant_id.eq(tx.tenant()))
            // As text, so that the planner sees the partial index's own condition.
            .filter(sql::<Bool>("audience <> 'person'"))
            .filter(notices::published_at.le(now))
            .filter(
                notices::ended_at
                    .is_null()
                    .or(notices::ended_at.assume_not_null().gt(now)),
            )
            .order((notices::published_at.desc(), notices::notice_id.desc()))
            .limit(SITE_LIST)
            .select((notices::notice_id, notices::title, notices::published_at))
            .load::<(NoticeId, String, DateTime<Utc>)>(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(rows.into_iter().map(head).collect())
    }
}

fn head((id, title, published_at): (NoticeId, String, DateTime<Utc>)) -> NoticeHead {
    NoticeHead {
        id,
        audience: Audience::Site,
        title,
        published_at,
        unread: false,
    }
}
