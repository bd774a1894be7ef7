//! The insured as the insurer knows them: who a typed identity means, what the roster says of a person, the import of
//! a whole roster and the journal of what it changed.
//!
//! A person's `person_id` is permanent; 記号・番号 are not, and nothing outside this crate hangs on them (design,
//! people). This crate never touches accounts: the e-mail address it keeps is the insurer's, not the one a member logs
//! in with.

pub mod changes;
pub mod forget;
pub mod identity;
pub mod import;
mod named;
mod person;
mod writing;

pub use changes::{Change, ChangeKind};
pub use identity::{Identity, Level, Match, are_alike, find};
pub use named::{NamedError, Numbered, named};
pub use person::{Access, Person, numbered, person};
pub use writing::{Writing, writing};
