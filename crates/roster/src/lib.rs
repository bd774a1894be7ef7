//! The insured as the insurer knows them: who a typed identity means, what the roster says of a person, the import of
//! a whole roster and the journal of what it changed.
//!
//! A person's `person_id` is permanent; 記号・番号 are not, and nothing outside this crate hangs on them (design,
//! people). Of accounts this crate reads no more than whether a person has one, for the workplaces' counts: the e-mail
//! address it keeps is the insurer's, not the one a member logs in with.

mod before;
pub mod by_hand;
pub mod changes;
mod conditions;
mod contact;
mod ended;
mod facts;
pub mod forget;
pub mod group;
mod held;
mod household;
pub mod identity;
pub mod import;
pub mod letters;
pub mod listed;
mod named;
mod numbers;
mod person;
pub mod protection;
mod registered;
mod resolve;
mod revealed;
pub mod runs;
pub mod search;
mod sight;
pub mod workplaces;
mod writing;

pub use before::{Changed, KEYED as KEYED_BEFORE, Past, history};
pub use changes::{Change, ChangeKind};
pub use conditions::{birth_date, has_left, is_born_after};
pub use contact::{Contact, contact};
pub use ended::KEYED as KEYED_ENDED;
pub use facts::{Facts, facts};
pub use group::{Group, age_on, born_by};
pub use household::{household, people};
pub use identity::{Identity, Level, Match, are_alike, find, find_former};
pub use import::{CODE_CHARS, LastImport, NAME_CHARS, TEXT_CHARS, last as last_import};
pub use named::{NamedError, Numbered, named};
pub use numbers::{FormerNumber, former_numbers};
pub use person::{Access, Person, access_ended_with, may_come_in, numbered, person};
pub use registered::set_registered;
pub use resolve::{Bearer, NumberKey, RESOLVED_AT_ONCE, Resolved, Resolver, bearers, resolve, resolve_as};
pub use runs::{KEYED, Runs};
pub use sight::{Protected, Sight};
pub use writing::{Writing, writing};
