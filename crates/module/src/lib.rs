//! The value that a module hands over: everything by which the house knows it. A module is a crate that carries all of
//! itself; `madoguchi/src/modules.rs` has a line for each.

mod card;
mod command;
mod person;

pub use card::{CardBody, CardSource, GenericUse, MonthSaving, ReadCard, RecentCost};
pub use command::{Alone, Command, CommandFailed, Run, Tell};
pub use person::{DrawPanel, PersonPanel, Shown};

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction, Yearly};
use kernel::{AccountId, PersonId};
use std::{future::Future, pin::Pin, sync::Arc};
use tenancy::{Feature, FolderPart};

/// A future that borrows from whoever calls.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A module. What one has no use for stays empty: `Module { name, portal, ..Module::default() }`.
#[derive(Clone, Default)]
pub struct Module {
    /// The crate's.
    pub name: &'static str,
    /// Rows of the pages' table.
    pub portal: Vec<pages::Row>,
    /// Groups of the operations' table.
    pub operations: Vec<operations::Group>,
    /// Entries of the members' menu, between the my page and the account.
    pub nav: Vec<pages::Nav>,
    /// Rows of the pages' table for staff.
    pub console: Vec<pages::Row>,
    /// Entries of the console's menu.
    pub console_nav: Vec<pages::ConsoleNav>,
    /// Panels of the console's home.
    pub home_panels: Vec<pages::HomePanel>,
    /// What home says of its tasks that wait for staff.
    pub task_words: Vec<pages::TaskWords>,
    /// What else of it home says that it waits for staff.
    pub home_tasks: Vec<pages::HomeTaskSource>,
    /// What it shows on a person's page for staff.
    pub person_panels: Vec<PersonPanel>,
    /// How its actions under four eyes are done once another has agreed.
    pub performers: Vec<approvals::Performer>,
    /// Its own permissions, and the lines that give them to roles (`permissions.csv`).
    pub permissions: (&'static [access::Permission], &'static str),
    /// Where its features lead once the insurer has opened them.
    pub openings: Vec<Opening>,
    /// What its features show on the my page.
    pub cards: Vec<CardSource>,
    /// What stands below the log-in form.
    pub log_in_panel: Option<pages::PanelSource>,
    /// What it keeps in the insurers' folders.
    pub folder: Vec<FolderPart>,
    /// Kinds of its events of which programs may be told.
    pub events: &'static [webhooks::EventKind],
    /// Its tables that lie by calendar years.
    pub years: Vec<Yearly>,
    /// Subcommands of `madoguchi`.
    pub commands: Vec<Command>,
    /// Adds its mails to those that the postman knows.
    pub mails: Option<Mails>,
    /// Adds its queues to a worker.
    pub work: Option<Work>,
    /// Deletes of one insurer what has served its time.
    pub sweep: Option<Sweep>,
    /// Empties what there is of people whom the house forgets.
    pub forget: Option<Forget>,
    /// Gives the demo's registered person something to look at.
    pub samples: Option<Samples>,
}

/// An open feature's first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The feature.
    pub feature: Feature,
    /// Its path.
    pub path: &'static str,
}

/// Takes the pipeline: a mail that is asked about before it is sent may need it.
pub type Mails = Arc<dyn Fn(mail::Registry, &accounts::Accounts) -> mail::Registry + Send + Sync>;

/// Takes the pipeline, by which members are written to.
pub type Work = Arc<dyn Fn(jobs::Worker, &accounts::Accounts) -> jobs::Worker + Send + Sync>;

/// Gives how many rows went.
pub type Sweep = Arc<
    dyn for<'a> Fn(&'a mut TenantTransaction, DateTime<Utc>) -> Boxed<'a, Result<usize, DatabaseError>> + Send + Sync,
>;

/// Takes the persons and their accounts, in the transaction that empties these.
pub type Forget = Arc<
    dyn for<'a> Fn(
            &'a mut TenantTransaction,
            DateTime<Utc>,
            &'a [PersonId],
            &'a [AccountId],
        ) -> Boxed<'a, Result<(), DatabaseError>>
        + Send
        + Sync,
>;

/// Takes a person of the transaction's insurer.
pub type Samples =
    Arc<dyn for<'a> Fn(&'a mut TenantTransaction, PersonId) -> Boxed<'a, Result<(), DatabaseError>> + Send + Sync>;
