//! Writing a folder into the database: all of it in one transaction, or nothing. A folder that changes nothing writes
//! nothing. Running nodes see the new revision within seconds.

use crate::{
    Difference, Folder, FolderProblem, InsurerState, PartFiles, Settings,
    difference::{compare, compare_parts, stale, stored},
    directory::{InsurerRow, unreadable},
    logos,
    revise::NewRevision,
    schema::{insurers, terms_documents},
};
use audit::Channel;
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::{dsl::max, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::TenantId;
use serde_json::json;

/// Held to the end of the transaction, so that two operators never give out one tenant id or one revision.
const LOCK: i64 = 0x6d61_646f_6775_6368;

/// What applying a folder did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The database held it already; nothing was written.
    Unchanged,
    /// A new insurer.
    Created {
        /// 1.
        revision: i64,
    },
    /// A new revision of a known one.
    Changed {
        /// The revision that is in force now.
        revision: i64,
    },
}

/// Why a folder was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It changes what is published.
    #[error("the folder changes what is published")]
    Refused(Vec<FolderProblem>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<diesel::result::Error> for ApplyError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Applies a folder in the name of `applied_by`; what it did, and what modules have to say of their files.
pub async fn apply(
    database: &Database,
    now: DateTime<Utc>,
    folder: &Folder,
    applied_by: &str,
) -> Result<(Applied, Vec<String>), ApplyError> {
    loop {
        // The transaction needs its tenant from the start; whether the guess was right shows under the lock.
        let mut directory = database.directory().await?;
        let tenant = tenant_of(&mut directory, folder).await?;
        directory.commit().await?;
        let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
        lock(&mut tx).await?;
        if tenant_of(&mut tx, folder).await? != tenant {
            continue;
        }
        let row = stored(&mut tx, folder).await?;
        let settings = row.as_ref().map(InsurerRow::settings).transpose()?;
        let mut difference = compare(settings.as_ref(), folder, now);
        if !difference.refused.is_empty() {
            tx.commit().await?;
            return Err(ApplyError::Refused(difference.refused));
        }
        compare_parts(&mut difference, Some(&mut tx), folder, now).await?;
        // Revision 0 of the platform is nobody's: even a folder like it is applied once.
        let revision = row.as_ref().map_or(0, |row| row.revision);
        if row.is_some() && difference.lines.is_empty() && revision > 0 {
            let said = apply_parts(&mut tx, folder, now).await?;
            tx.commit().await?;
            return Ok((Applied::Unchanged, said));
        }
        if let Some(problem) = stale(&mut tx, folder).await? {
            tx.commit().await?;
            return Err(ApplyError::Refused(vec![problem]));
        }
        let change = Change {
            now,
            folder,
            by: applied_by,
            revision: revision + 1,
            stored: settings.unwrap_or_default(),
        };
        change.write(&mut tx, &difference, row.is_none()).await?;
        let said = apply_parts(&mut tx, folder, now).await?;
        tx.commit().await?;
        let revision = change.revision;
        let applied = if row.is_none() {
            Applied::Created { revision }
        } else {
            Applied::Changed { revision }
        };
        return Ok((applied, said));
    }
}

async fn apply_parts(
    tx: &mut TenantTransaction,
    folder: &Folder,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DatabaseError> {
    let mut said = Vec::new();
    for PartFiles { part, files } in &folder.parts {
        said.extend((part.apply)(tx, now, files).await?);
    }
    Ok(said)
}

/// A revision about to be written.
struct Change<'a> {
    now: DateTime<Utc>,
    folder: &'a Folder,
    by: &'a str,
    revision: i64,
    stored: Settings,
}

impl Change<'_> {
    async fn write(&self, tx: &mut TenantTransaction, difference: &Difference, new: bool) -> Result<(), DatabaseError> {
        if new {
            self.insert_insurer(tx).await?;
        }
        let revision = NewRevision {
            now: self.now,
            revision: self.revision,
            channel: Channel::Command,
            by: self.by,
            why: None,
            lines: &difference.lines,
        };
        revision.write(tx, &self.folder.settings).await?;
        self.write_terms(tx).await?;
        if let Some(logo) = &self.folder.logo {
            logos::keep(tx, logo).await?;
        }
        let detail = json!({ "revision": self.revision, "changes": difference.lines.len() });
        audit::record_command(tx, self.now, "insurer.apply", None, detail).await
    }

    async fn insert_insurer(&self, tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
        let settings = serde_json::to_value(&self.folder.settings).map_err(unreadable)?;
        let row = (
            insurers::tenant_id.eq(tx.tenant()),
            insurers::insurer_code.eq(self.folder.code.as_ref().map(kernel::InsurerCode::as_str)),
            insurers::name.eq(&self.folder.settings.name),
            insurers::kind.eq(self.folder.settings.kind.as_str()),
            insurers::state.eq(InsurerState::Open.as_str()),
            insurers::revision.eq(self.revision),
            insurers::settings.eq(settings),
            insurers::created_at.eq(self.now),
            insurers::updated_at.eq(self.now),
            insurers::applied_by.eq(self.by),
            insurers::sandbox.eq(self.folder.settings.sandbox),
        );
        diesel::insert_into(insurers::table)
            .values(row)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Adds what is new or rewritten; nothing is ever changed or removed.
    async fn write_terms(&self, tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
        for terms in self
            .folder
            .terms
            .iter()
            .filter(|terms| !self.stored.terms.contains(&terms.head))
        {
            let row = (
                terms_documents::tenant_id.eq(tx.tenant()),
                terms_documents::document.eq(&terms.head.document),
                terms_documents::revision.eq(terms.head.revision),
                terms_documents::insurer_revision.eq(self.revision),
                terms_documents::title.eq(&terms.head.title),
                terms_documents::effective_at.eq(terms.head.effective_at),
                terms_documents::changes.eq(terms.changes.as_deref()),
                terms_documents::body.eq(&terms.body),
                terms_documents::content_hash.eq(&terms.head.content_hash),
            );
            diesel::insert_into(terms_documents::table)
                .values(row)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }
}

/// The folder's tenant: its insurer's where that is known, else the next free one.
async fn tenant_of(connection: &mut AsyncPgConnection, folder: &Folder) -> Result<TenantId, DatabaseError> {
    let Some(code) = &folder.code else {
        return Ok(TenantId::PLATFORM);
    };
    let known = insurers::table
        .filter(insurers::insurer_code.eq(code.as_str()))
        .select(insurers::tenant_id)
        .first(connection)
        .await
        .optional()?;
    if let Some(tenant) = known {
        return Ok(tenant);
    }
    let last: Option<i32> = insurers::table
        .select(max(insurers::tenant_id))
        .first(connection)
        .await?;
    Ok(TenantId(last.unwrap_or_default() + 1))
}

/// One change of the insurers at a time, so that no two have the same revision.
pub(crate) async fn lock(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
