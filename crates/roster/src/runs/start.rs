//! Having a compared file imported: at once, or, where by it more people than usual lose their coverage, once another has
//! agreed.

use super::{By, Run, RunState, Runs, reasons, rows, work::RosterRun};
use crate::last_import;
use approvals::{Action, Agreed, Approvals, Asked, Asker, Difference, Performer, Wish};
use audit::Actor;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use kernel::{ImportId, Outage, Outcome, StaffId, calendar, outcome};
use serde_json::{Value, json};

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
        let Some(found) = rows::one(&mut tx, run).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.state != RunState::Compared {
            return Ok(reasons::RUN_MOVED_ON.into());
        }
        if found.counts.vanishing.is_too_much() {
            if !agrees {
                return Ok(reasons::LOSS_NOT_AGREED.into());
            }
            let wish = Wish {
                action: Action::ImportLoss,
                kind: "",
                subject: run.0,
                person: None,
                beneficiary: None,
                parameters: json!({ "name": by.name }),
                difference: difference(&mut tx, &found).await?,
            };
            let asker = Asker {
                staff_id: StaffId(by.staff),
                actor: by.actor,
                origin: by.origin,
            };
            match approvals.ask(&mut tx, now, asker, wish).await? {
                Outcome::Done(Asked::GoesOn) => {}
                Outcome::Done(waits) => {
                    tx.commit().await?;
                    return Ok(Outcome::Done(waits));
                }
                Outcome::Refused(refusal) => return Ok(refusal.into()),
            }
        }
        let begun = self.begin_import(&mut tx, by, &found, now).await?;
        if matches!(begun, Outcome::Done(())) {
            tx.commit().await?;
        }
        Ok(begun.map(|()| Asked::GoesOn))
    }

    /// Leaves it to a worker, in the transaction that found the run.
    async fn begin_import(
        &self,
        tx: &mut TenantTransaction,
        by: By<'_>,
        found: &Run,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, Outage> {
        let (run, agrees) = (found.run_id, found.counts.vanishing.is_too_much());
        self.record(tx, by, run, "roster.start", json!({ "agrees_to_loss": agrees }))
            .await?;
        rows::started_by(tx, run, by.staff, by.name).await?;
        self.put_to_work(tx, (run, found.state), RunState::Running, now).await
    }

    pub(super) async fn put_to_work(
        &self,
        tx: &mut TenantTransaction,
        (run, from): (ImportId, RunState),
        to: RunState,
        now: DateTime<Utc>,
    ) -> Result<Outcome<()>, Outage> {
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

    /// How it begins once another has agreed.
    pub fn performer(&self) -> Performer {
        let runs = self.clone();
        Performer::new(
            Action::ImportLoss,
            "",
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
                    runs.begin_import(tx, asked_by(agreed), &found, agreed.now).await
                })
            },
        )
    }
}

/// In whose name a wish is done.
pub(super) fn asked_by(agreed: &Agreed) -> By<'_> {
    let name = agreed.parameters.get("name").and_then(Value::as_str);
    By {
        tenant: agreed.tenant,
        staff: agreed.asked_by.0,
        name: name.unwrap_or_default(),
        actor: Actor::Staff(agreed.asked_by.0),
        origin: &agreed.origin,
    }
}

/// The run of a wish, while it waits to begin.
async fn compared(tx: &mut TenantTransaction, agreed: &Agreed) -> Result<Option<Run>, Outage> {
    let found = rows::one(tx, ImportId(agreed.subject)).await?;
    Ok(found.filter(|run| run.state == RunState::Compared))
}

/// What the file was found to change. It was compared with the roster as the last import left it: after another one it would
/// change something else.
async fn difference(tx: &mut TenantTransaction, run: &Run) -> Result<Difference, Outage> {
    let last = last_import(tx).await?;
    let last = last.map_or_else(|| "なし".to_owned(), |last| calendar::moment(last.finished_at));
    let (counts, new) = (&run.counts, String::new);
    let lost = counts.vanishing.missing + counts.vanishing.ended;
    Ok(vec![
        ("ファイル".to_owned(), new(), run.file_name.clone()),
        ("行".to_owned(), new(), format!("{}行", counts.rows)),
        (
            "加入中の人".to_owned(),
            format!("{}人", counts.vanishing.covered),
            format!("うち{lost}人が資格を失います"),
        ),
        ("新しい人".to_owned(), new(), format!("{}人", counts.new)),
        ("変更".to_owned(), new(), format!("{}人", counts.changed)),
        ("この前の取り込み".to_owned(), last.clone(), last),
    ])
}
