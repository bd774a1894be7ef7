//! Having a compared file imported: at once, or, where by it more people than usual lose their coverage or birth dates are
//! corrected, once another has agreed.

use super::{
    Author, By, Run, RunState, Runs,
    lately::lately,
    reasons, rows,
    wishes::{self, Wished, as_shown, asked_by, grave},
    work::RosterRun,
};
use crate::{import::count_covered, last_import};
use approvals::{Action, Agreed, Approvals, Asked, Difference, Performer};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{ImportId, Outage, Outcome, calendar, outcome};
use serde_json::{Value, json};

/// Of the wishes about birth dates, those to import a file.
const IMPORT: &str = "import";

fn kind(action: Action) -> &'static str {
    if action == Action::ImportLoss { "" } else { IMPORT }
}

impl Runs {
    /// Has a compared file imported. `agrees` to more people lost than usual.
    pub async fn start(
        &self,
        approvals: &Approvals,
        by: By<'_>,
        run: ImportId,
        agrees: bool,
    ) -> Result<Outcome<Asked>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant).write(Durability::Safe).await?;
        let found = match self.ready(&mut tx, now, (by.author, run), agrees).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        let vanishing = found.counts.vanishing;
        let wished = Wished {
            kind,
            run,
            grave: &grave(vanishing, found.counts.corrected),
            parameters: parameters(by, &found),
            difference: difference(&mut tx, &found).await?,
        };
        match wishes::ask(approvals, &mut tx, now, by, wished).await? {
            Outcome::Done(Asked::GoesOn) => {}
            Outcome::Done(waits) => {
                tx.commit().await?;
                return Ok(Outcome::Done(waits));
            }
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        }
        let begun = self.begin_import(&mut tx, by, &found, now).await?;
        if matches!(begun, Outcome::Done(())) {
            tx.commit().await?;
        }
        Ok(begun.map(|()| Asked::GoesOn))
    }

    /// A compared run with what it loses now, where nobody has to agree to that, or has.
    pub(super) async fn ready(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        (author, run): (Author, ImportId),
        agrees: bool,
    ) -> Result<Outcome<Run>, DatabaseError> {
        let Some(mut found) = rows::one(tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.state != RunState::Compared {
            return Ok(reasons::RUN_MOVED_ON.into());
        }
        if found.is_dry_run() && found.started_by != Some(author) {
            return Ok(reasons::ONLY_COMPARED.into());
        }
        let vanishing = found.counts.vanishing.after(lately(tx, now, None).await?);
        let vanishing = count_covered(tx, calendar::today_in_japan(now), vanishing).await?;
        if vanishing.is_too_much() && !agrees {
            return Ok(reasons::LOSS_NOT_AGREED.into());
        }
        found.counts.vanishing = vanishing;
        Ok(Outcome::Done(found))
    }

    /// Leaves it to a worker, in the transaction that found the run. What was counted is what it may do.
    pub(super) async fn begin_import(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        found: &Run,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, DatabaseError> {
        let (run, agrees) = (found.run_id, found.counts.vanishing.is_too_much());
        let detail = json!({ "agrees_to_loss": agrees, "brought_by": found.started_by.map(Author::id) });
        self.record(tx, by, run, "roster.start", detail).await?;
        if found.started_by != Some(by.author) {
            rows::decided_by(tx, run, (by.author, by.name)).await?;
        }
        rows::keep_counts(tx, run, &found.counts).await?;
        self.put_to_work(tx, (run, found.state), RunState::Running, now).await
    }

    pub(super) async fn put_to_work(
        &self,
        tx: &mut TenantTransaction,
        (run, from): (ImportId, RunState),
        to: RunState,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, DatabaseError> {
        rows::break_dead(tx, now).await?;
        match rows::begin_work(tx, run, from, to, now).await? {
            rows::Begun::Yes => {}
            rows::Begun::MovedOn => return Ok(reasons::RUN_MOVED_ON.into()),
            rows::Begun::AnotherIsAtWork => return Ok(reasons::ANOTHER_RUN.into()),
        }
        let job = jobs::enqueue(tx, &self.keys, now, now, &RosterRun { run }).await?;
        rows::given_to(tx, run, job).await?;
        Ok(Outcome::Done(()))
    }

    /// How imports, and the undoing of some, begin once another has agreed.
    pub fn performers(&self) -> Vec<Performer> {
        let grave = [Action::ImportLoss, Action::BirthDate];
        let imports = grave.map(|action| self.performer(action));
        let undoing = grave.map(|action| self.undo_performer(action));
        imports.into_iter().chain(undoing).collect()
    }

    fn performer(&self, action: Action) -> Performer {
        let runs = self.clone();
        Performer::new(
            action,
            kind(action),
            |tx, agreed| {
                Box::pin(async move {
                    Ok(match compared(tx, agreed).await? {
                        Some(found) => Outcome::Done(difference(tx, &found).await?),
                        None => outcome::NOT_FOUND.into(),
                    })
                })
            },
            move |tx, agreed| {
                let runs = runs.clone();
                Box::pin(async move {
                    let Some(found) = compared(tx, agreed).await? else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    Ok(runs.begin_import(tx, asked_by(agreed), &found, agreed.now).await?)
                })
            },
        )
    }
}

/// By what the run is found again. Compared anew, by other columns, it is another.
fn parameters(by: By<'_>, found: &Run) -> Value {
    let mut parameters = wishes::parameters(by, found.counts.vanishing);
    if let Some(parameters) = parameters.as_object_mut() {
        parameters.insert("compared".to_owned(), json!(found.moved_at.timestamp_micros()));
    }
    parameters
}

/// The run of a wish, while it waits to begin and is what was shown.
async fn compared(tx: &mut TenantTransaction, agreed: &Agreed) -> Result<Option<Run>, Outage> {
    let shown = agreed.parameters.get("compared").and_then(Value::as_i64);
    let run = ImportId(agreed.subject);
    // Nobody compares it anew before it begins.
    rows::hold(tx, run).await?;
    let found = rows::one(tx, run).await?;
    let found = found.filter(|run| run.state == RunState::Compared && Some(run.moved_at.timestamp_micros()) == shown);
    Ok(found.zip(as_shown(agreed)).map(|(mut run, vanishing)| {
        run.counts.vanishing = vanishing;
        run
    }))
}

/// What the file was found to change. It was compared with the roster as the last import left it: after another one it would
/// change something else.
async fn difference(tx: &mut TenantTransaction, run: &Run) -> Result<Difference, Outage> {
    let last = last_import(tx).await?;
    let last = last.map_or_else(|| "なし".to_owned(), |last| calendar::moment(last.finished_at));
    let counts = &run.counts;
    let new = |label: &str, value: String| (label.to_owned(), String::new(), value);
    let mut difference = vec![
        new("ファイル", run.file_name.clone()),
        new("行", format!("{}行", counts.rows)),
    ];
    difference.extend(wishes::losses(counts.vanishing));
    difference.extend([
        new("新規", format!("{}人", counts.new)),
        new("変更", format!("{}人", counts.changed)),
    ]);
    if counts.corrected > 0 {
        difference.push(new(
            "生年月日の訂正",
            format!(
                "{}人（だれがどう変わるかは、名簿の取り込みの履歴から、このファイルを開いてお確かめください）",
                counts.corrected
            ),
        ));
    }
    difference.push(("この前の取り込み".to_owned(), last.clone(), last));
    Ok(difference)
}
