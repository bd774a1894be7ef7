//! Cost statements (医療費通知) and the generic savings statement (ジェネリック差額明細): what the insurer's core delivers,
//! how it is read, loaded and published, and who sees a row of it.

mod against;
mod amount;
mod announcement;
mod card;
mod category;
pub mod check;
pub mod claims;
mod columns;
mod command;
mod compare;
mod console;
pub mod delivery;
mod described;
pub mod desk;
pub mod disclosures;
pub mod drugs;
mod events;
mod generic_use;
pub mod held;
pub mod household;
pub mod import;
mod kind;
mod line;
mod load;
pub mod looks;
mod mailing;
pub mod marks;
mod matching;
mod messages;
mod month;
mod news;
pub mod permissions;
mod portal;
pub mod preview;
pub mod publish;
pub mod published;
pub mod purge;
pub mod reading;
pub mod reasons;
pub mod reckon;
pub mod recompute;
pub mod release;
pub mod remembered;
mod rows;
pub mod runs;
mod schema;
mod shared;
mod statement;
pub mod steps;
pub mod struck;
pub mod sums;
pub mod tally;
mod v1;
pub mod view;
pub mod visibility;
mod waiting;
mod words;

pub use category::{Category, Form};
pub use kind::Kind;
pub use month::{Month, Months};

use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Keyed, TenantTransaction, Yearly};
use ground::Ground;
use jobs::{JobError, Jobs, Worker};
use kernel::{Clock, Keys, TenantId};
use mailing::Mailing;
use module::{Module, Opening};
use publish::PublishAt;
use runs::Runs;
use std::sync::Arc;
use tenancy::Feature;

/// The module.
pub fn module(ground: &Ground) -> Module {
    let deliveries = Deliveries::new(ground);
    let (working, sweeping, asked) = (deliveries.clone(), deliveries.clone(), deliveries.clone());
    let runs = Runs::new(ground);
    let yearly = |table| Yearly {
        table,
        owner: "statements",
    };
    Module {
        name: "statements",
        portal: [
            portal::rows(&portal::Statements::new(ground)),
            portal::family::rows(ground),
            portal::looks::rows(ground),
        ]
        .concat(),
        operations: v1::groups(ground),
        console: console::rows(ground),
        console_nav: console::nav(),
        home_panels: console::panels::home(),
        home_tasks: console::panels::home_tasks(),
        events: &events::ALL,
        performers: [console::performers(), vec![release::performer(&deliveries)]].concat(),
        person_panels: console::person_panels(),
        permissions: (&permissions::ALL, include_str!("../permissions.csv")),
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
        mails: Some(Arc::new(move |registry, accounts| {
            mailing::known_to(registry, Mailing::new(&asked, accounts))
        })),
        work: Some(Arc::new(move |worker, accounts| {
            let mailing = Mailing::new(&working, accounts);
            runs.served_by(working.served_by(worker)).serving(mailing)
        })),
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
pub const KEYED: [Keyed; 3] = [
    sealed("held_rows", "held_id", "held row"),
    sealed("struck_claims", "struck_id", "struck claim"),
    runs::KEYED,
];

const fn sealed(table: &'static str, owner: &'static str, purpose: &'static str) -> Keyed {
    Keyed {
        table,
        column: "sealed",
        kind: database::Kind::Sealed { owner, purpose },
    }
}

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
        Ok(purge::sweep(tx, &self.keys, kept, now).await? + runs::sweep(tx, now).await?)
    }
}
