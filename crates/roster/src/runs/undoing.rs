//! Undoing an import: asked for on its page or at the command line, done by a run of its own; where by it more people than
//! usual lose their coverage, or birth dates are others again, on its page once another has agreed, as to an import that does.

use super::{
    Author, By, Runs,
    command::{begin, watched},
    lately::{Lately, lately},
    reasons,
    rows::{self, Beginning, Counts, Format, Run, RunState},
    wishes::{self, Wished, as_shown, asked_by, grave},
    work::{RosterRun, Watch},
};
use crate::{
    import::{
        Bounds, ImportError, ImportRefused, Progress, Report, Undoable, Vanishing, count_covered, losses, undo,
        undoable,
    },
    last_import,
};
use approvals::{Action, Agreed, Approvals, Asked, Difference, Performer};
use audit::{Actor, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use kernel::{Clock, ImportId, Keys, Outage, Outcome, Refusal, TenantId, UploadId, calendar, outcome};
use serde_json::json;
use tenancy::Insurer;

/// Of the wishes about losses and birth dates, those to undo.
const UNDO: &str = "undo";

/// What stands against undoing an import, or what is known of it.
async fn asked(tx: &mut TenantTransaction, import: ImportId) -> Result<Result<Undoable, Refusal>, DatabaseError> {
    if rows::undoing(tx, import)
        .await?
        .is_some_and(|run| run.state == RunState::Finished)
    {
        return Ok(Err(reasons::UNDONE_ALREADY.into()));
    }
    Ok(undoable(tx, import).await?.ok_or_else(|| reasons::NOT_UNDOABLE.into()))
}

/// The same where it is to be undone at once: while another import is at work, it is not. Asked once more, with the import's
/// row held, in the transaction that begins: an import is undone once, whoever asks with whom at the same moment.
async fn asked_now(
    tx: &mut TenantTransaction,
    import: ImportId,
    now: DateTime<Utc>,
) -> Result<Result<Undoable, Refusal>, DatabaseError> {
    rows::break_dead(tx, now).await?;
    if rows::at_work(tx).await?.is_some() || crate::import::is_imported(tx).await? {
        return Ok(Err(reasons::ANOTHER_RUN.into()));
    }
    asked(tx, import).await
}

/// What an import that undoes another is called in the history.
fn called(undoable: &Undoable) -> String {
    format!("「{}」の取り消し", undoable.file_name)
}

/// Whom undoing an import would lose; the runs of the days before aside.
async fn loss(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    (import, undoable): (&Run, &Undoable),
) -> Result<Vanishing, Outage> {
    let percent = tenancy::insurer_of(tx).await?.roster.loss_percent;
    let lost = losses(tx, keys, undoable, calendar::today_in_japan(now)).await?;
    Ok(Vanishing {
        missing: import.counts.new + import.counts.returned,
        percent: percent.into(),
        ..lost
    })
}

/// What undoing would change; after another import it would be something else.
async fn difference(tx: &mut TenantTransaction, import: &Run, loss: Vanishing) -> Result<Difference, Outage> {
    let last = last_import(tx).await?;
    let last = last.map_or_else(|| "なし".to_owned(), |last| calendar::moment(last.finished_at));
    let new = |label: &str, value: String| (label.to_owned(), String::new(), value);
    let mut difference = vec![new("取り消す取り込み", import.file_name.clone())];
    difference.extend(wishes::losses(loss));
    if import.counts.corrected > 0 {
        let people = format!("{}人の生年月日が、前のものに戻ります", import.counts.corrected);
        difference.push(new("生年月日の訂正", people));
    }
    difference.push(("この前の取り込み".to_owned(), last.clone(), last));
    Ok(difference)
}

/// What a wish to undo an import was shown with.
async fn shown(tx: &mut TenantTransaction, agreed: &Agreed) -> Result<Option<Difference>, Outage> {
    let import = rows::one(tx, ImportId(agreed.subject)).await?;
    let Some((import, loss)) = import.zip(as_shown(agreed)) else {
        return Ok(None);
    };
    Ok(Some(difference(tx, &import, loss).await?))
}

impl Runs {
    /// True where an import can be undone.
    pub async fn may_undo(&self, tenant: TenantId, import: ImportId) -> Result<bool, Outage> {
        let mut tx = self.database.tenant(tenant).read().await?;
        let asked = asked(&mut tx, import).await?;
        tx.commit().await?;
        Ok(asked.is_ok())
    }

    /// Whom undoing an import would lose; refused where it can't be undone.
    pub async fn lost_by_undoing(&self, tenant: TenantId, import: &Run) -> Result<Outcome<Vanishing>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).read().await?;
        let found = match asked(&mut tx, import.run_id).await? {
            Ok(undoable) => Outcome::Done(loss(&mut tx, &self.keys, now, (import, &undoable)).await?),
            Err(refusal) => Outcome::Refused(refusal),
        };
        tx.commit().await?;
        Ok(found)
    }

    /// Has an import undone by a worker; the run that does it, or none where it waits until another agrees.
    pub async fn undo(
        &self,
        approvals: &Approvals,
        by: By<'_>,
        import: ImportId,
    ) -> Result<Outcome<Option<ImportId>>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let Some(found) = rows::one(&mut tx, import).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        // What can't be undone is not asked about.
        let undoable = match asked_now(&mut tx, import, now).await? {
            Ok(undoable) => undoable,
            Err(refusal) => return Ok(refusal.into()),
        };
        let loss = loss(&mut tx, &self.keys, now, (&found, &undoable)).await?;
        let loss = loss.after(lately(&mut tx, now, Some(import)).await?);
        let loss = count_covered(&mut tx, calendar::today_in_japan(now), loss).await?;
        let wished = Wished {
            kind: |_| UNDO,
            run: import,
            grave: &grave(loss, found.counts.corrected),
            parameters: wishes::parameters(by, loss),
            difference: difference(&mut tx, &found, loss).await?,
        };
        match wishes::ask(approvals, &mut tx, now, by, wished).await? {
            Outcome::Done(Asked::GoesOn) => {}
            Outcome::Done(Asked::Waits(_)) => {
                tx.commit().await?;
                return Ok(Outcome::Done(None));
            }
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        }
        let begun = self.begin_undo(&mut tx, by, (&found, loss), now).await?;
        if matches!(begun, Outcome::Done(_)) {
            tx.commit().await?;
        }
        Ok(begun.map(Some))
    }

    /// Leaves it to a worker. What was counted is what it may do.
    async fn begin_undo(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        (found, loss): (&Run, Vanishing),
        now: DateTime<Utc>,
    ) -> Result<Outcome<ImportId>, Outage> {
        let import = found.run_id;
        rows::hold(tx, import).await?;
        let undoable = match asked_now(tx, import, now).await? {
            Ok(undoable) => undoable,
            Err(refusal) => return Ok(refusal.into()),
        };
        let run_id = ImportId::new(now);
        let beginning = Beginning {
            run_id,
            state: RunState::Running,
            started_by: Some(by.author),
            by_name: by.name,
            file_name: &called(&undoable),
            upload_id: UploadId(run_id.0),
            undoes: Some(import),
            goes_on: false,
            format: Format::Csv,
        };
        if !rows::begin(tx, &beginning, now).await? {
            return Ok(reasons::ANOTHER_RUN.into());
        }
        let counts = Counts {
            corrected: found.counts.corrected,
            vanishing: loss,
            ..Counts::default()
        };
        rows::keep_counts(tx, run_id, &counts).await?;
        let job = jobs::enqueue(tx, &self.keys, now, now, &RosterRun { run: run_id }).await?;
        rows::given_to(tx, run_id, job).await?;
        let detail = json!({ "undoes": import });
        self.record(tx, by, run_id, "roster.undo.start", detail).await?;
        Ok(Outcome::Done(run_id))
    }

    /// How it begins once another has agreed.
    pub(super) fn undo_performer(&self, action: Action) -> Performer {
        let runs = self.clone();
        Performer::new(
            action,
            UNDO,
            |tx, agreed| {
                Box::pin(async move {
                    Ok(match shown(tx, agreed).await? {
                        Some(difference) => Outcome::Done(difference),
                        None => outcome::NOT_FOUND.into(),
                    })
                })
            },
            move |tx, agreed| {
                let runs = runs.clone();
                Box::pin(async move {
                    let import = rows::one(tx, ImportId(agreed.subject)).await?;
                    let Some((import, loss)) = import.zip(as_shown(agreed)) else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    let begun = runs
                        .begin_undo(tx, asked_by(agreed), (&import, loss), agreed.now)
                        .await?;
                    Ok(begun.map(|_| ()))
                })
            },
        )
    }

    /// A worker's try.
    pub(super) async fn undo_once(
        &self,
        insurer: &Insurer,
        (run, lately): (&Run, Lately),
        undoes: ImportId,
        watch: &Watch<'_>,
    ) -> Result<Report, ImportError> {
        let by = (run.started_by.map_or(Actor::System, Author::actor), Origin::worker());
        let (with, within) = (
            (&self.database, &self.keys),
            (Some(run.bounds(lately)), self.lost_before()),
        );
        undo_import(with, insurer, (run.run_id, undoes), within, by, &self.clock, |at| {
            watch.see(at);
        })
        .await
    }
}

async fn undo_import(
    (database, keys): (&Database, &Keys),
    insurer: &Insurer,
    (run, undoes): (ImportId, ImportId),
    within: (Option<Bounds>, NaiveDate),
    by: (Actor, Origin),
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, ImportError> {
    let mut tx = database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
    let found = undoable(&mut tx, undoes).await?;
    tx.commit().await?;
    // It was there when the run began, and entries are deleted by age alone.
    let mut found = found.ok_or(ImportRefused::Cancelled)?;
    found.file_name = called(&found);
    undo((database, keys), insurer, (run, &found), within, by, clock, progress).await
}

/// The command line's; refused as on the page. Who lost coverage before that day is forgotten.
pub async fn undo_at_command(
    (database, keys): (&Database, &Keys),
    insurer: &Insurer,
    (import, lost_before): (ImportId, NaiveDate),
    clock: &Clock,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Result<Report, Refusal>, ImportError> {
    let mut tx = database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
    rows::hold(&mut tx, import).await?;
    let undoable = match asked_now(&mut tx, import, clock.now()).await? {
        Ok(undoable) => undoable,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let run = begin(&mut tx, (&called(&undoable), Some(import)), clock.now()).await?;
    tx.commit().await?;
    let watch = Watch::new(database.tenant(insurer.tenant_id), run, RunState::Running, clock);
    let told = |at: Progress| {
        watch.see(at);
        progress(at);
    };
    let by = (Actor::Operator, Origin::command());
    let work = undo_import(
        (database, keys),
        insurer,
        (run, import),
        (None, lost_before),
        by,
        clock,
        told,
    );
    let report = watched(database, insurer, (run, &watch, false), clock, Box::pin(work)).await?;
    Ok(Ok(report))
}
