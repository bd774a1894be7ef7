//! Four eyes: what one person alone may not do waits, with its difference as it was shown, until another who may do the same
//! agrees, declines, or seven days are over.
//!
//! A use case that can be under it makes its difference, asks here within its own transaction ([`Approvals::ask`]) and either
//! goes on or leaves the wish waiting. At agreement a [`Performer`] makes the difference anew and, only where it is what was
//! shown, calls the write function that the use case would have called, in one transaction. A file is not made then: who asked
//! for it asks once more within a day, and is given it once.
//!
//! The difference and what it is done by are kept sealed as a whole, and compared as a whole: no hash of a birth date stands in
//! a row, where whoever reads the table could find it by trying all days.

mod ask;
mod decide;
mod eyes;
mod lists;
mod messages;
mod performer;
pub mod reasons;
mod rows;
mod switch;

pub use ask::{Asked, Asker, Beneficiary, WAITS, Wish, is_under_four_eyes};
pub use decide::Decided;
pub use eyes::{Able, Colleague, Colleagues, Eye, LEAST_HELD, agreeing, permission};
pub use lists::{About, List, Shown, about, list, of_kind, subjects_waiting, waiting};
pub use messages::registry;
pub use performer::{Agreed, Boxed, Compute, Perform, Performer};
pub use rows::{KEYED, Row, State, forget};
pub use switch::{Switch, Switching, taking_out};
pub use tenancy::ApprovalAction as Action;

use database::Database;
use ground::Ground;
use kernel::{Clock, Keys};
use std::sync::Arc;
use url::Url;

/// What changes: of each thing what it is called, what it was and what it will be. The first is what it is all about.
pub type Difference = Vec<(String, String, String)>;

/// The wishes of all insurers. Cheap to clone.
#[derive(Clone)]
pub struct Approvals {
    database: Database,
    keys: Keys,
    clock: Clock,
    colleagues: Arc<dyn Colleagues>,
    console_url: Url,
}

impl Approvals {
    /// Puts it together; `colleagues` tells who may agree, and links in mails begin with
    /// `console_url`.
    pub fn new(ground: &Ground, colleagues: Arc<dyn Colleagues>, console_url: Url) -> Self {
        Self {
            database: ground.database.clone(),
            keys: ground.keys.clone(),
            clock: ground.clock.clone(),
            colleagues,
            console_url,
        }
    }
}
