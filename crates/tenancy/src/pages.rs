//! Guide pages (上手な医療のかかり方, よくあるご質問 …): an insurer's own, else the platform's.

use crate::schema::pages;
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::TenantId;

/// A guide page.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pages)]
pub struct Page {
    /// Its name in addresses: `medical-guide`.
    pub slug: String,
    /// As members see it.
    pub title: String,
    /// Markdown without raw HTML.
    pub body: String,
    /// When its text last changed.
    pub updated_at: DateTime<Utc>,
}

/// A page of the transaction's tenant.
async fn page(tx: &mut TenantTransaction, slug: &str) -> Result<Option<Page>, DatabaseError> {
    let row = pages::table
        .filter(pages::tenant_id.eq(tx.tenant()))
        .filter(pages::slug.eq(slug))
        .select(Page::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row)
}

/// What members of an insurer read under `slug`: its own page, else the platform's.
pub async fn guide(database: &Database, tenant: TenantId, slug: &str) -> Result<Option<Page>, DatabaseError> {
    let mut tx = database.tenant(tenant).read().await?;
    let own = page(&mut tx, slug).await?;
    tx.commit().await?;
    if own.is_some() || tenant == TenantId::PLATFORM {
        return Ok(own);
    }
    let mut tx = database.tenant(TenantId::PLATFORM).read().await?;
    let shared = page(&mut tx, slug).await?;
    tx.commit().await?;
    Ok(shared)
}
