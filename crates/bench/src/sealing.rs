//! Write transactions a second, each with its line in the trail, while these lines are sealed beside them, against the same
//! with nothing sealed: in turns. What is written in a turn is sealed in it, or before the next.

use crate::{
    alternate::{Medians, alternate},
    report::Row,
    stage::{Failed, INSURER, Stage},
};
use audit::{Actor, Entry, Origin, proof};
use database::{DatabaseError, Durability, TenantDatabase, cluster::DATABASE};
use futures_util::future::try_join_all;
use kernel::InsurerCode;
use mail::{Mailbox, Transport};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

const ROUNDS: usize = 10;
const TURN: Duration = Duration::from_secs(3);
/// Who write at the same time.
const WRITERS: usize = 8;
/// Between two looks of the sealer: a minute's lines at a minute's pause, sixty times as often.
const PAUSE: Duration = Duration::from_secs(1);

/// How much is left of the rate.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    let runtime = &stage.runtime;
    let app = runtime.block_on(stage.app(DATABASE, Transport::Mailbox(Mailbox::new())))?;
    let tenant = runtime.block_on(async {
        let code = InsurerCode::parse(INSURER).map_err(|_| Failed(format!("{INSURER}: no code")))?;
        let insurer = app.ground.directory.by_code(&code).await.map_err(Failed::at(INSURER))?;
        let insurer = insurer.ok_or_else(|| Failed(format!("{INSURER}: not applied")))?;
        Ok::<_, Failed>(app.ground.database.tenant(insurer.tenant_id))
    })?;
    let turn = |sealing: bool| {
        // On a thread of its own, as in the service.
        let sealer = sealing.then(|| runtime.spawn(seal_on(tenant.clone())));
        let written = runtime.block_on(write(&tenant));
        if let Some(sealer) = sealer {
            sealer.abort();
            // One that has ended by itself has failed.
            if let Ok(error) = runtime.block_on(sealer) {
                return Err(Failed(format!("sealing: {error}")));
            }
        }
        let sealed = runtime.block_on(seal(&tenant));
        sealed.and(written).map_err(Failed::at("the trail"))
    };
    turn(true)?;
    let Medians { a, b, ratio } = alternate(ROUNDS, || turn(false), || turn(true))?;
    eprintln!("  {b:.0} transactions/s with sealing, {a:.0} without: {ratio:.2}");
    app.ground.database.close();
    Ok(vec![Row::at_least("sealing", ratio, 0.9)])
}

/// Transactions a second, for a turn.
async fn write(tenant: &TenantDatabase) -> Result<f64, DatabaseError> {
    let begun = Instant::now();
    let writers = (0..WRITERS).map(|_| async {
        let mut written = 0_u32;
        while begun.elapsed() < TURN {
            let tx = tenant.write(Durability::Safe).await?;
            let entry = Entry {
                actor: Actor::Staff(Uuid::nil()),
                action: "session.open",
                object: Some(("account", Uuid::nil())),
                outcome: "done",
                detail: json!({ "rows": written }),
            };
            audit::record(&tx, chrono::Utc::now(), &Origin::command(), entry).await?;
            tx.commit().await?;
            written += 1;
        }
        Ok::<_, DatabaseError>(written)
    });
    let written: u32 = try_join_all(writers).await?.into_iter().sum();
    Ok(f64::from(written) / begun.elapsed().as_secs_f64())
}

/// Seals what there is, up to now: nothing is on its way but what these writers write.
async fn seal(tenant: &TenantDatabase) -> Result<(), DatabaseError> {
    let until = chrono::Utc::now() + proof::CLOSES;
    while proof::seal(tenant, until).await?.is_some() {}
    Ok(())
}

/// Until it fails.
async fn seal_on(tenant: TenantDatabase) -> DatabaseError {
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = seal(&tenant).await {
            return error;
        }
    }
}
