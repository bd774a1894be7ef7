//! What a program does with its imports besides sending them. It agrees to nothing: what is unusual about a file waits for the staff
//! in the console, as it would of one of theirs.

use super::{By, Run, RunState, Runs, reasons, rows};
use crate::delivery;
use access::scope::STATEMENTS_IMPORT;
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{DeliveryId, ImportId, Outage, Outcome, TenantId, outcome};
use roster::runs::{Author, WHY_SHUT};
use serde_json::json;
use std::collections::HashMap;
use tabular::{ToldErrors, told};
use uuid::Uuid;

impl Runs {
    /// A page of the insurer's imports, the last begun first.
    pub async fn page(&self, tenant: TenantId, before: Option<ImportId>, limit: u32) -> Result<Vec<Run>, Outage> {
        let mut tx = self.on.database.tenant(tenant).read().await?;
        let before = before.unwrap_or(ImportId(Uuid::max()));
        let runs = rows::page(&mut tx, before, i64::from(limit)).await?;
        tx.commit().await?;
        Ok(runs)
    }

    /// The deliveries into which those of these runs that are loaded have loaded their files.
    pub async fn loaded_into(&self, tenant: TenantId, runs: &[Run]) -> Result<HashMap<ImportId, DeliveryId>, Outage> {
        let loaded = |run: &Run| run.delivery.filter(|_| run.state == RunState::Loaded);
        let deliveries: Vec<_> = runs.iter().filter_map(loaded).collect();
        if deliveries.is_empty() {
            return Ok(HashMap::new());
        }
        let tx = self.on.database.tenant(tenant).read().await?;
        let ids = delivery::ids(&tx, &deliveries).await?;
        tx.commit().await?;
        let of = |run: &Run| Some((run.run_id, *ids.get(&loaded(run)?)?));
        Ok(runs.iter().filter_map(of).collect())
    }

    /// Ends a program's own run that has not ended; nothing of it is loaded. Its file is erased. Whoever is given the transaction
    /// commits it.
    pub async fn cancel_sent(&self, by: By<'_>, run: ImportId) -> Result<Outcome<(TenantTransaction, Run)>, Outage> {
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let Some(found) = rows::one(&mut tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        // What the staff have taken a decision on is theirs.
        if found.started_by != by.author || found.decided_by.is_some() {
            return Ok(reasons::OF_OTHERS.into());
        }
        if let Outcome::Refused(refusal) = self.cancel_in(&mut tx, by, run).await? {
            return Ok(refusal.into());
        }
        let found = rows::one(&mut tx, run).await?;
        Ok(match found {
            Some(found) => Outcome::Done((tx, found)),
            None => outcome::NOT_FOUND.into(),
        })
    }

    /// A page of the errors of a program's own refused file, from where a page before ended; in the trail before it is given. Of
    /// another's it is empty; none where there is no such run.
    pub async fn told_errors(
        &self,
        by: By<'_>,
        run: ImportId,
        (from, most): (Option<u64>, u32),
    ) -> Result<Option<ToldErrors>, Outage> {
        let now = self.on.clock.now();
        let mut tx = self.on.database.tenant(by.tenant).write(Durability::Safe).await?;
        let found = rows::one(&mut tx, run).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let Some(errors) = found.errors().filter(|_| found.started_by == by.author) else {
            return Ok(Some(ToldErrors::default()));
        };
        let page = (from.unwrap_or_default(), usize::try_from(most).unwrap_or(usize::MAX));
        let page = told(&mut tx, (&self.on.keys, now), &errors, page).await?;
        let detail = json!({ "errors": page.errors.len() });
        self.record(&tx, by, run, "statements.errors", detail).await?;
        tx.commit().await?;
        Ok(Some(page))
    }

    /// Goes on with a program's run that was just checked, or leaves it to the staff.
    pub(super) async fn go_on(&self, tx: &mut TenantTransaction, run: ImportId) -> Result<(), DatabaseError> {
        let found = rows::one(tx, run).await?;
        let Some(found) = found.filter(|found| found.state == RunState::Checked) else {
            return Ok(());
        };
        let by = By {
            tenant: tx.tenant(),
            author: found.started_by,
            name: &found.by_name,
            actor: found.started_by.actor(),
            origin: &Origin::worker(),
        };
        let now = self.on.clock.now();
        let waits = if found.has_doubts() {
            Some(reasons::DOUBTS_NOT_AGREED.code)
        } else if !may_go_on(tx, now, &found).await? {
            Some(WHY_SHUT)
        } else {
            match self.begin_load(tx, by, &found, now).await? {
                Outcome::Done(()) => None,
                Outcome::Refused(refusal) => Some(refusal.reason.code),
            }
        };
        if let Some(code) = waits {
            self.record(tx, by, run, "statements.wait", json!({ "waits": code }))
                .await?;
        }
        Ok(())
    }
}

/// What its program was let in for when it sent the file it may have lost since.
async fn may_go_on(tx: &TenantTransaction, now: DateTime<Utc>, run: &Run) -> Result<bool, DatabaseError> {
    match run.started_by {
        Author::Client(client) => clients::may(tx, now, client, STATEMENTS_IMPORT).await,
        Author::Staff(_) => Ok(true),
    }
}
