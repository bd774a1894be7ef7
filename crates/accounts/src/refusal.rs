//! How a use case ends: done, refused (a value: what was counted stays), or an outage (rolled back).

use chrono::{DateTime, Utc};
use database::DatabaseError;
use guard::HashError;
use kernel::FieldError;

/// Done or refused.
#[derive(Debug)]
#[must_use]
pub enum Outcome<T> {
    /// It is done.
    Done(T),
    /// It was refused, and this is why.
    Refused(Refusal),
}

impl<T> Outcome<T> {
    /// The same end, with something else made of what is done.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(done) => Outcome::Done(make(done)),
            Self::Refused(refusal) => Outcome::Refused(refusal),
        }
    }
}

impl<T> From<Refusal> for Outcome<T> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a use case refused. `code()` is stable and public: the API answers with it, pages turn it into Japanese.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum Refusal {
    /// Fields to be mended, all at once.
    Fields(Vec<FieldError>),
    /// Sign-up can't go on with this identity: no match, already registered, or not to be told (security.md 2).
    NotMatched,
    /// Too many tries: wait.
    Wait {
        /// When the next try is taken.
        until: DateTime<Utc>,
    },
    /// The sign-up ticket is unknown, used or older than its 60 minutes: start again.
    TicketExpired,
    /// The ticket has not come to this step yet.
    StepMissing,
    /// The code is wrong.
    CodeWrong {
        /// Tries left on this ticket.
        left: u32,
    },
    /// The code is older than ten minutes.
    CodeLate,
    /// A newer code was sent; only that one counts.
    CodeSuperseded,
    /// The code was used already.
    CodeUsed,
    /// The tries are used up: start again.
    CodeTriesUsedUp,
    /// Too many wrong codes in this person's name: the desk opens it again.
    CodesLocked,
    /// The last code was sent less than a minute ago.
    ResendTooSoon {
        /// When the next may be asked for.
        at: DateTime<Utc>,
    },
    /// All mails of this ticket are sent.
    SendsUsedUp,
    /// User ID or password is wrong.
    LogInFailed,
    /// Too many wrong passwords for this user ID: a new password by mail opens it again.
    LogInLocked,
    /// The insurer's portal is suspended.
    InsurerSuspended,
    /// Coverage by this insurer has ended, and with it access.
    CoverageEnded,
    /// The link was used, replaced or is too old.
    LinkExpired,
    /// No session, or one that has ended.
    SessionEnded,
    /// The terms in force wait for consent.
    ConsentRequired,
    /// Consent was given to a revision that is not the one in force.
    RevisionOutdated,
    /// There is no such thing here.
    NotFound,
    /// Too much at once: come back in a few seconds.
    Overloaded,
    /// It was done or it was not: the database's last answer was lost.
    Unconfirmed,
}

impl Refusal {
    /// The stable, public code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fields(_) => "fields",
            Self::NotMatched => "not_matched",
            Self::Wait { .. } => "wait",
            Self::TicketExpired => "ticket_expired",
            Self::StepMissing => "step_missing",
            Self::CodeWrong { .. } => "code_wrong",
            Self::CodeLate => "code_late",
            Self::CodeSuperseded => "code_superseded",
            Self::CodeUsed => "code_used",
            Self::CodeTriesUsedUp => "code_tries_used_up",
            Self::CodesLocked => "codes_locked",
            Self::ResendTooSoon { .. } => "resend_too_soon",
            Self::SendsUsedUp => "sends_used_up",
            Self::LogInFailed => "log_in_failed",
            Self::LogInLocked => "log_in_locked",
            Self::InsurerSuspended => "insurer_suspended",
            Self::CoverageEnded => "coverage_ended",
            Self::LinkExpired => "link_expired",
            Self::SessionEnded => "session_ended",
            Self::ConsentRequired => "consent_required",
            Self::RevisionOutdated => "revision_outdated",
            Self::NotFound => "not_found",
            Self::Overloaded => "overloaded",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Something beneath is away or broken. Never shown; logged with the request's id.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The insurer directory.
    #[error("directory: {0}")]
    Directory(String),
    /// A sealed value that does not open.
    #[error(transparent)]
    Key(#[from] kernel::KeyError),
    /// A hashing thread broke off.
    #[error(transparent)]
    Hash(HashError),
}

impl Outage {
    /// Whether what was asked for may have been done all the same: the answer to COMMIT was lost.
    pub fn is_unconfirmed(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Unconfirmed))
    }
}

impl From<diesel::result::Error> for Outage {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What becomes of a use case whose password was not looked at: refused in a rush, else an outage.
pub(crate) fn unhashed(error: HashError) -> Result<Refusal, Outage> {
    match error {
        HashError::Busy => Ok(Refusal::Overloaded),
        HashError::Lost | HashError::Key(_) => Err(Outage::Hash(error)),
    }
}
