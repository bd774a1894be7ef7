//! What a program does with its imports besides sending them. It agrees to nothing: where more people than usual would be lost, or
//! two of the staff decide, the run waits for them in the console, as one of theirs would.

use super::{Author, By, Run, RunState, Runs, ndjson, reasons, rows, rows::Format};
use crate::import::{Column, Vanishing};
use approvals::{Action, is_under_four_eyes};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{ImportId, Outage, Outcome, TenantId, outcome};
use serde_json::json;
use tabular::{Column as _, ToldErrors, told};
use tenancy::Insurer;
use uuid::Uuid;

/// What of a compared file is the staff's to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// More people than usual lose their coverage by it.
    Loss,
    /// It corrects birth dates, which two of the staff agree to here.
    BirthDates,
}

impl Guard {
    /// Of a file that loses so many and corrects so many birth dates, where something of it is the staff's.
    pub(crate) fn of(insurer: &Insurer, vanishing: Vanishing, corrected: u64) -> Option<Self> {
        if vanishing.is_too_much() {
            return Some(Self::Loss);
        }
        let is_theirs = corrected > 0 && is_under_four_eyes(insurer, Action::BirthDate);
        is_theirs.then_some(Self::BirthDates)
    }

    /// For what the file waits, as the trail says it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Loss => reasons::LOSS_NOT_AGREED.code,
            Self::BirthDates => reasons::TWO_IMPORT.code,
        }
    }
}

impl Run {
    /// What of it is the staff's to decide, where that is so.
    pub fn guard(&self, insurer: &Insurer) -> Option<Guard> {
        Guard::of(insurer, self.counts.vanishing, self.counts.corrected)
    }

    fn is_of(&self, author: Author) -> bool {
        self.started_by == Some(author)
    }
}

impl Runs {
    /// A page of the insurer's imports, the last begun first.
    pub async fn page(&self, tenant: TenantId, before: Option<ImportId>, limit: u32) -> Result<Vec<Run>, Outage> {
        let mut tx = self.database.tenant(tenant).read().await?;
        let before = before.unwrap_or(ImportId(Uuid::max()));
        let runs = rows::page(&mut tx, before, i64::from(limit)).await?;
        tx.commit().await?;
        Ok(runs)
    }

    /// Has a program's own compared file imported; where something of it is the staff's to decide it is refused, and left to them.
    /// Whoever is given the transaction commits it.
    pub async fn confirm(&self, by: By<'_>, run: ImportId) -> Result<Outcome<(TenantTransaction, Run)>, Outage> {
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let done = match own(&mut tx, by, run).await? {
            Outcome::Done(()) => self.go_on_as(&mut tx, by, run, self.clock.now()).await?,
            refused @ Outcome::Refused(_) => refused,
        };
        if let Outcome::Refused(refusal) = &done
            && refusal.is_any(&[reasons::LOSS_NOT_AGREED, reasons::TWO_IMPORT])
        {
            rows::wish(&mut tx, run).await?;
            let waits = json!({ "waits": refusal.code() });
            self.record(&tx, by, run, "roster.wait", waits).await?;
            tx.commit().await?;
            return Ok(refusal.clone().into());
        }
        as_it_is(tx, run, done).await
    }

    /// Ends a program's own run that has not ended, likewise; nothing of it is imported. Its file is erased.
    pub async fn cancel_sent(&self, by: By<'_>, run: ImportId) -> Result<Outcome<(TenantTransaction, Run)>, Outage> {
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let done = match own(&mut tx, by, run).await? {
            Outcome::Done(()) => self.cancel_in(&mut tx, by, run).await?,
            refused @ Outcome::Refused(_) => refused,
        };
        as_it_is(tx, run, done).await
    }

    /// A page of the errors of a program's own refused file, from where a page before ended; in the trail before it is given. Of
    /// another's it is empty; none where there is no such run.
    pub async fn told_errors(
        &self,
        by: By<'_>,
        run: ImportId,
        (from, most): (Option<u64>, u32),
    ) -> Result<Option<ToldErrors>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let found = rows::one(&mut tx, run).await?;
        // While its file comes it is nobody's to see.
        let Some(found) = found.filter(|found| found.state != RunState::Receiving) else {
            return Ok(None);
        };
        let Some(errors) = found.errors().filter(|_| found.is_of(by.author)) else {
            return Ok(Some(ToldErrors::default()));
        };
        let page = (from.unwrap_or_default(), usize::try_from(most).unwrap_or(usize::MAX));
        let mut page = told(&mut tx, (&self.keys, now), &errors, page).await?;
        if found.format == Format::Ndjson {
            for error in &mut page.errors {
                // The table that was made of it has a header before its first line.
                error.line = error.line.saturating_sub(1).max(1);
                let column = Column::ALL
                    .iter()
                    .find(|column| Some(column.name()) == error.column.as_deref());
                error.reason = ndjson::said(&error.reason);
                if let Some(column) = column {
                    error.column = Some(ndjson::name(*column).to_owned());
                }
            }
        }
        let detail = json!({ "errors": page.errors.len() });
        self.record(&tx, by, run, "roster.errors", detail).await?;
        tx.commit().await?;
        Ok(Some(page))
    }

    /// Headers, or keys, of a file that meant nothing and were ignored, the first of them, and how many they are in all: as long as
    /// what is shown of it is kept.
    pub async fn unknown_columns(&self, tenant: TenantId, run: ImportId) -> Result<(Vec<String>, u64), Outage> {
        let mut tx = self.database.tenant(tenant).read().await?;
        let shown = rows::shown(&mut tx, &self.keys, run).await?;
        tx.commit().await?;
        let shown = shown.unwrap_or_default();
        let in_all = shown.unknown_in_all();
        Ok((shown.unknown_columns, in_all))
    }

    /// Notes for what a program's run, which would have gone on, waits.
    pub(super) async fn leave_to_staff(
        &self,
        tx: &TenantTransaction,
        run: &Run,
        waits: &'static str,
    ) -> Result<(), DatabaseError> {
        let Some(author @ Author::Client(client)) = run.started_by else {
            return Ok(());
        };
        let by = By {
            tenant: tx.tenant(),
            author,
            name: &run.by_name,
            actor: Actor::Client(client.0),
            origin: &Origin::worker(),
        };
        self.record(tx, by, run.run_id, "roster.wait", json!({ "waits": waits }))
            .await
    }

    async fn go_on_as(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        run: ImportId,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, DatabaseError> {
        let found = match self.ready(tx, now, (by.author, run), false).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let insurer = tenancy::insurer_of(tx).await?;
        if found.guard(&insurer).is_some() {
            return Ok(reasons::TWO_IMPORT.into());
        }
        rows::wish(tx, run).await?;
        self.begin_import(tx, by, &found, now).await
    }
}

/// A run is a program's own to go on with or end, or why it is not: it is not there, or another's.
async fn own(tx: &mut TenantTransaction, by: By<'_>, run: ImportId) -> Result<Outcome<()>, DatabaseError> {
    rows::hold(tx, run).await?;
    Ok(match rows::one(tx, run).await? {
        // While its file comes it is nobody's to see.
        Some(found) if found.state != RunState::Receiving => {
            // What the staff have taken a decision on is theirs.
            if found.is_of(by.author) && found.decided_by.is_none() {
                Outcome::Done(())
            } else {
                reasons::OF_OTHERS.into()
            }
        }
        _ => outcome::NOT_FOUND.into(),
    })
}

/// The run after what was done with it.
async fn as_it_is(
    mut tx: TenantTransaction,
    run: ImportId,
    done: Outcome<()>,
) -> Result<Outcome<(TenantTransaction, Run)>, Outage> {
    if let Outcome::Refused(refusal) = done {
        return Ok(refusal.into());
    }
    let found = rows::one(&mut tx, run).await?;
    Ok(match found {
        Some(found) => Outcome::Done((tx, found)),
        None => outcome::NOT_FOUND.into(),
    })
}
