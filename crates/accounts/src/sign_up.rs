//! Sign-up: identity (manual 1-2), account (1-3), code (1-4). Three steps on one ticket, each a use case in a file of
//! its own.

mod confirm;
mod create;
mod identify;

pub use confirm::Registered;
pub use create::AccountForm;
pub use identify::{Ticketed, has_account};
