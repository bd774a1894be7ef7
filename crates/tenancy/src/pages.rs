//! Guide pages (上手な医療のかかり方, よくあるご質問 …): an insurer's own, else the platform's.

use crate::{FolderPart, PartFile, PartLines, Problems, schema::pages};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::{prelude::*, upsert::excluded};
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
pub(crate) async fn page(tx: &mut TenantTransaction, slug: &str) -> Result<Option<Page>, DatabaseError> {
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

/// `pages/` in an insurer's folder: a page by its slug, with a title.
pub fn folder() -> FolderPart {
    FolderPart {
        folder: "pages",
        check: |files, problems| drop(read(files, problems)),
        difference: |tx, _, files| Box::pin(difference(tx, files)),
        apply: |tx, now, files| Box::pin(apply(tx, now, files)),
        export: |tx, _| Box::pin(export(tx)),
    }
}

/// A page as its file has it.
#[derive(Debug, PartialEq, Eq)]
struct Written<'a> {
    slug: &'a str,
    title: String,
    body: String,
}

impl Written<'_> {
    fn is(&self, page: &Page) -> bool {
        (self.slug, &self.title, &self.body) == (&page.slug, &page.title, &page.body)
    }
}

fn read<'a>(files: &'a [PartFile], problems: &Problems) -> Vec<Written<'a>> {
    let read = |file: &'a PartFile| {
        let (title, body) = file.read(problems, |front| front.text("title"))?;
        Some(Written {
            slug: &file.slug,
            title: title.value,
            body,
        })
    };
    files.iter().filter_map(read).collect()
}

async fn difference(tx: Option<&mut TenantTransaction>, files: &[PartFile]) -> Result<PartLines, DatabaseError> {
    let stored = match tx {
        Some(tx) => stored(tx).await?,
        None => Vec::new(),
    };
    let written = read(files, &Problems::default());
    let of_file = |new: &Written<'_>| match stored.iter().find(|old| old.slug == new.slug) {
        Some(old) if new.is(old) => None,
        Some(_) => Some(format!("page {} changed", new.slug)),
        None => Some(format!("page {} added", new.slug)),
    };
    let mut changes: Vec<String> = written.iter().filter_map(of_file).collect();
    let removed = stored
        .iter()
        .filter(|old| !written.iter().any(|new| new.slug == old.slug));
    changes.extend(removed.map(|old| format!("page {} removed", old.slug)));
    Ok(PartLines {
        changes,
        ..PartLines::default()
    })
}

async fn apply(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    files: &[PartFile],
) -> Result<Option<String>, DatabaseError> {
    let stored = stored(tx).await?;
    let written = read(files, &Problems::default());
    for page in written.iter().filter(|new| !stored.iter().any(|old| new.is(old))) {
        let row = (
            pages::tenant_id.eq(tx.tenant()),
            pages::slug.eq(page.slug),
            pages::title.eq(&page.title),
            pages::body.eq(&page.body),
            pages::updated_at.eq(now),
        );
        diesel::insert_into(pages::table)
            .values(row)
            .on_conflict((pages::tenant_id, pages::slug))
            .do_update()
            .set((
                pages::title.eq(excluded(pages::title)),
                pages::body.eq(excluded(pages::body)),
                pages::updated_at.eq(excluded(pages::updated_at)),
            ))
            .execute(&mut **tx)
            .await?;
    }
    let kept: Vec<&str> = written.iter().map(|page| page.slug).collect();
    diesel::delete(pages::table)
        .filter(pages::tenant_id.eq(tx.tenant()))
        .filter(pages::slug.ne_all(kept))
        .execute(&mut **tx)
        .await?;
    Ok(None)
}

async fn export(tx: &mut TenantTransaction) -> Result<Vec<PartFile>, DatabaseError> {
    let file = |page: Page| PartFile::written(&page.slug, &[("title", &page.title)], &page.body);
    Ok(stored(tx).await?.into_iter().map(file).collect())
}

/// All of the transaction's tenant, by slug.
async fn stored(tx: &mut TenantTransaction) -> Result<Vec<Page>, DatabaseError> {
    let pages = pages::table
        .filter(pages::tenant_id.eq(tx.tenant()))
        .order(pages::slug)
        .select(Page::as_select());
    Ok(pages.load(&mut **tx).await?)
}
