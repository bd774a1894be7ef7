//! Cost statements (医療費通知) and the generic savings statement (ジェネリック差額明細): what the insurer's core delivers,
//! how it is read, loaded and published, and who sees a row of it.

mod amount;
mod card;
mod category;
pub mod check;
mod columns;
mod command;
mod compare;
pub mod delivery;
pub mod disclosures;
pub mod drugs;
mod generic_use;
pub mod held;
pub mod household;
pub mod import;
mod kind;
mod line;
mod load;
pub mod marks;
mod matching;
mod month;
mod portal;
pub mod publish;
pub mod published;
pub mod purge;
pub mod reading;
pub mod reasons;
pub mod reckon;
pub mod recompute;
mod rows;
mod schema;
mod shared;
pub mod sums;
pub mod tally;
pub mod view;
pub mod visibility;
mod words;

pub use category::{Category, Form};
pub use kind::Kind;
pub use month::{Month, Months};

use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Keyed, TenantTransaction, Yearly};
use ground::Ground;
use jobs::{JobError, Jobs, Worker};
use kernel::{Clock, Keys, TenantId};
use module::{Module, Opening};
use publish::PublishAt;
use std::sync::Arc;
use tenancy::Feature;

/// The module.
pub fn module(ground: &Ground) -> Module {
    let (working, sweeping) = (Deliveries::new(ground), Deliveries::new(ground));
    let yearly = |table| Yearly {
        table,
        owner: "statements",
    };
    Module {
        name: "statements",
        portal: [
            portal::rows(&portal::Statements::new(ground)),
            portal::family::rows(ground),
        ]
        .concat(),
        cards: card::sources(),
        openings: vec![
            Opening {
                feature: Feature::CostStatements,
                path: portal::COSTS,
            },
            Opening {
                feature: Feature::GenericSavings,
                path: portal::MEDICINES,
            },
        ],
        years: Kind::ALL.map(|kind| yearly(kind.table())).into(),
        commands: vec![command::command(), drugs::command()],
        work: Some(Arc::new(move |worker, _| working.served_by(worker))),
        sweep: Some(Arc::new(move |tx, now| {
            let deliveries = sweeping.clone();
            Box::pin(async move { deliveries.sweep(tx, now).await })
        })),
        forget: Some(Arc::new(|tx, _, people, accounts| {
            Box::pin(purge::forget(tx, people, accounts))
        })),
        ..Module::default()
    }
}

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "held_rows",
    column: "sealed",
    kind: database::Kind::Sealed {
        owner: "held_id",
        purpose: "held row",
    },
}];

/// The use cases of deliveries. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    database: Database,
    keys: Keys,
    clock: Clock,
}

impl Deliveries {
    /// Puts them together.
    pub fn new(ground: &Ground) -> Self {
        Self {
            database: ground.database.clone(),
            keys: ground.keys.clone(),
            clock: ground.clock.clone(),
        }
    }

    /// Adds to a worker what publishes when its time has come.
    fn served_by(&self, worker: Worker) -> Worker {
        let deliveries = self.clone();
        let (database, keys, clock) = (self.database.clone(), self.keys.clone(), self.clock.clone());
        worker.serving(Jobs::new(database, keys, clock, move |tenant, job: PublishAt| {
            let deliveries = deliveries.clone();
            async move { deliveries.publish_due(tenant, job).await.map_err(JobError::from) }
        }))
    }

    /// Deletes of an insurer what has served its time.
    async fn sweep(&self, tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
        // The platform insures nobody.
        if tx.tenant() == TenantId::PLATFORM {
            return Ok(0);
        }
        let kept = tenancy::insurer_of(tx).await?.statements.months_online;
        purge::sweep(tx, &self.keys, kept, now).await
    }
}
