//! What of a page's own matter waits for another's agreement: said on top of it, whoever looks.

use crate::visit::{Trouble, Visit};
use approvals::{About, Action, Row};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use kernel::{StaffId, calendar};
use staff::Clerk;

/// A wish that waits, as a page tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// What is wished.
    pub action: &'static str,
    /// Who asked.
    pub by: String,
    /// When they did.
    pub asked_at: String,
    /// Its own page, for whoever may open it.
    pub path: Option<String>,
}

impl Waits {
    /// Those about these things, the oldest first. A page asks with the transaction that it reads by.
    pub async fn about(
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        clerk: &Clerk,
        about: &[About],
    ) -> Result<Vec<Self>, DatabaseError> {
        let wishes = approvals::about(tx, now, clerk.eye(), about).await?;
        Self::told(tx, clerk, &wishes).await
    }

    /// Those for a file that the clerk takes, one of these.
    pub async fn for_file(
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        clerk: &Clerk,
        file: &str,
    ) -> Result<Vec<Self>, DatabaseError> {
        let about = [(Action::Export, clerk.staff_id.0)];
        let mut wishes = approvals::about(tx, now, clerk.eye(), &about).await?;
        wishes.retain(|wish| wish.is_of_kind(file));
        Self::told(tx, clerk, &wishes).await
    }

    async fn told(tx: &TenantTransaction, clerk: &Clerk, wishes: &[Row]) -> Result<Vec<Self>, DatabaseError> {
        if wishes.is_empty() {
            return Ok(Vec::new());
        }
        let by: Vec<StaffId> = wishes.iter().map(|wish| wish.asked_by).collect();
        let names = staff::names(tx, &by).await?;
        let waits = wishes.iter().map(|wish| Self {
            action: wish.action().map_or("", Action::label),
            by: names.get(&wish.asked_by).cloned().unwrap_or_else(|| "職員".to_owned()),
            asked_at: calendar::moment(wish.asked_at),
            path: clerk
                .eye()
                .sees(wish)
                .then(|| format!("/console/approvals/{}", wish.approval_id)),
        });
        Ok(waits.collect())
    }
}

impl Visit {
    /// [`Waits::for_file`] for a page that reads by no transaction of its own.
    pub async fn waits_for_file(&self, clerk: &Clerk, file: &str) -> Result<Vec<Waits>, Trouble> {
        let tx = self.services.database.tenant(clerk.insurer.tenant_id).read().await?;
        let waits = Waits::for_file(&tx, self.now, clerk, file).await?;
        tx.commit().await?;
        Ok(waits)
    }

    /// [`Waits::about`] for a page that reads by no transaction of its own.
    pub async fn waits(&self, clerk: &Clerk, about: &[About]) -> Result<Vec<Waits>, Trouble> {
        let tx = self.services.database.tenant(clerk.insurer.tenant_id).read().await?;
        let waits = Waits::about(&tx, self.now, clerk, about).await?;
        tx.commit().await?;
        Ok(waits)
    }
}
