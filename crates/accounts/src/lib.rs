//! The shared pipeline of every insurer: sign up, log in, recover, consent, and the member's own account.
//!
//! Each public method of [`Accounts`] is one use case. It opens the short transactions it needs, none across hashing or
//! mail. A refusal is a value, and what it counted stays; an [`Outage`](kernel::Outage) rolls back. Both shells call these very methods.

mod account;
pub mod agreed;
pub mod alike;
mod announce;
mod close;
mod codes;
mod consent;
mod desk;
mod desk_email;
mod desk_proof;
mod device;
mod email_change;
pub mod fields;
pub mod for_staff;
pub mod forget;
mod identity;
mod log_in;
mod login_names;
mod mails;
mod messages;
mod new_password;
mod password_again;
mod proof;
pub mod protection;
mod read_email;
pub mod reasons;
mod recover;
pub mod registrations;
mod rehash;
mod schema;
mod session;
mod sign_up;
mod sweep;
pub mod tallies;
mod ticket;
mod trail;
mod tries;
mod work;

pub use account::{AccountView, PasswordChange, SessionView};
pub use announce::{Links, LookedAt, Reader, Readers};
pub use close::Closing;
pub use codes::{CodeSent, CodeView, unlock};
pub use consent::{Consent, DueTerms, TermsChoice};
pub use desk::{Desk, Unlocked};
pub use desk_email::{DeskEmailChange, DeskEmailStopped, DeskEmailToStop, DeskEmailTold, email_difference};
pub use email_change::{EmailChange, EmailChangeView};
pub use guard::sessions::Carrier;
pub use identity::{BirthForm, IdentityForm};
pub use log_in::{LogInForm, LoggedIn};
pub use mails::{MailsToStop, Stream, turn_mails_off};
pub use messages::{Letterhead, registry};
pub use proof::{Identified, Proof};
pub use recover::{ResetForm, ResetView};
pub use rehash::{Names, count_names, rehash_names};
pub use session::Member;
use session::MemberIds;
pub use sign_up::{AccountForm, Registered, Ticketed, has_account};
pub use sweep::sweep;
pub use ticket::{Step, TicketView};
pub use trail::tell_refusals;
pub use tries::limits::Limits;

pub use guard::{PasswordRule, codes::DIGITS as CODE_DIGITS};

use database::{Database, Keyed, Kind};
use ground::Ground;
use guard::Hasher;
use kernel::{Clock, Keys, NameKeys};
use std::sync::Arc;
use tenancy::Directory;
use url::Url;

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 6] = [
    sealed("accounts", "account_id", "password", guard::PEPPER),
    sealed("sign_up_tickets", "ticket_id", "password", guard::PEPPER),
    sealed("sign_up_tickets", "ticket_id", "email", ticket::PURPOSE),
    sealed("email_changes", "account_id", "email", email_change::EMAIL),
    sealed("desk_email_changes", "account_id", "email", desk_email::EMAIL),
    Keyed {
        table: "sign_up_tickets",
        column: "secret_hash",
        kind: Kind::Hash,
    },
];

const fn sealed(table: &'static str, owner: &'static str, column: &'static str, purpose: &'static str) -> Keyed {
    Keyed {
        table,
        column,
        kind: Kind::Sealed { owner, purpose },
    }
}

/// The pipeline with all it stands on. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    database: Database,
    directory: Directory,
    keys: Keys,
    names: NameKeys,
    clock: Clock,
    hasher: Hasher,
    limits: Arc<Limits>,
    public_url: Url,
    seen: moka::future::Cache<Vec<u8>, MemberIds>,
}

impl Accounts {
    /// Puts the pipeline together. `public_url` is what links in mails begin with.
    pub fn new(ground: &Ground, limits: Limits, public_url: Url) -> Self {
        let Ground {
            database,
            directory,
            keys,
            names,
            clock,
            hasher,
            ..
        } = ground.clone();
        Self {
            database,
            directory,
            keys,
            names,
            clock,
            hasher,
            limits: Arc::new(limits),
            public_url,
            seen: session::seen_sessions(),
        }
    }

    /// The insurer directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The clock everything here goes by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}
