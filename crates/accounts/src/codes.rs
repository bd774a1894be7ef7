//! Mailed codes, of sign-ups and of changes of address alike: how one is sent, shown while it is under way, read and
//! judged. Tries and sends are counted in the row of what the code proves, under that row's lock; wrong ones on the
//! person as well.

pub(crate) mod wrong;

pub use wrong::unlock;

use crate::{
    Accounts, fields,
    messages::{Letterhead, letterhead, sender},
    reasons,
    tries::limits::span,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::codes::{self, CodeVerdict, TypedCode};
use kernel::{EmailAddress, FieldError, MailId, Outage, PersonId, Reason, Refusal};
use mail::{Letter, MailState, Message};
use tenancy::Insurer;
use uuid::Uuid;

/// A code is on its way.
#[derive(Debug, Clone)]
pub struct CodeSent {
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// To where: the address as given, or the mask of the insurer's.
    pub sent_to: String,
    /// An address that some senders refuse: warn.
    pub unusual: bool,
}

/// A code under way.
#[derive(Debug, Clone)]
pub struct CodeView {
    /// Where it went: the address as given, or the mask of the insurer's.
    pub sent_to: String,
    /// An address that some senders refuse (manual 1-4): warn.
    pub unusual: bool,
    /// When the code ends.
    pub expires_at: DateTime<Utc>,
    /// When another may be asked for.
    pub resend_at: DateTime<Utc>,
    /// Mails left.
    pub sends_left: u32,
    /// Tries left.
    pub tries_left: u32,
    /// What became of the mail.
    pub mail: MailState,
}

/// What a code proves, and of whom.
#[derive(Clone, Copy)]
pub(crate) struct CodeFor {
    /// Its purpose in the guard.
    pub purpose: &'static str,
    /// Whose row counts it.
    pub subject: Uuid,
    /// Whose wrong codes count on.
    pub person: PersonId,
}

/// What a row says of its code.
pub(crate) struct UnderWay {
    pub sent_at: DateTime<Utc>,
    pub tries: i32,
    pub sends: i32,
    pub mail: Option<MailState>,
}

/// A typed code; what is none is to be mended and takes no try.
pub(crate) fn read_code(typed: &str) -> Result<TypedCode, Refusal> {
    TypedCode::parse(typed).map_err(|problem| Refusal::field(FieldError::new(fields::CODE, problem)))
}

impl Accounts {
    /// Issues a code and puts its mail into the outbox, all in the transaction that counts the send.
    pub(crate) async fn mail_code<M: Message>(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        code_for: CodeFor,
        to: &EmailAddress,
        message: impl FnOnce(Letterhead, String) -> M,
        now: DateTime<Utc>,
    ) -> Result<MailId, Outage> {
        let life = span(self.limits.code_life);
        let code = codes::issue(tx, &self.keys, now, code_for.subject, code_for.purpose, life).await?;
        let letter = Letter {
            sender: sender(insurer),
            to: to.clone(),
            subject_id: Some(code_for.person.0),
            expires_at: Some(now + life),
            message: &message(letterhead(insurer, &self.public_url), code.digits().to_owned()),
        };
        Ok(mail::post(tx, &self.keys, now, letter).await?)
    }

    /// What is said of a code that went out; `hint` stands for an address that the insurer registered.
    pub(crate) fn code_sent(&self, email: &EmailAddress, hint: Option<&str>, sent_at: DateTime<Utc>) -> CodeSent {
        CodeSent {
            expires_at: sent_at + span(self.limits.code_life),
            sent_to: hint.unwrap_or(email.as_str()).to_owned(),
            unusual: email.is_unusual(),
        }
    }

    /// What the page that waits for a code shows.
    pub(crate) fn code_view(&self, email: &EmailAddress, hint: Option<&str>, code: &UnderWay) -> CodeView {
        let CodeSent {
            expires_at,
            sent_to,
            unusual,
        } = self.code_sent(email, hint, code.sent_at);
        CodeView {
            sent_to,
            unusual,
            expires_at,
            resend_at: code.sent_at + span(self.limits.resend_after),
            sends_left: left(self.limits.code_sends, code.sends),
            tries_left: left(self.limits.code_tries, code.tries),
            mail: code.mail.unwrap_or(MailState::Queued),
        }
    }

    /// Why a row leads no further; `sends` where another code would be sent: one that can't be typed is not.
    pub(crate) fn codes_used_up(&self, tries: i32, sends: Option<i32>) -> Option<Reason> {
        if left(self.limits.code_tries, tries) == 0 {
            return Some(reasons::CODE_TRIES_USED_UP);
        }
        sends
            .filter(|sends| left(self.limits.code_sends, *sends) == 0)
            .map(|_| reasons::SENDS_USED_UP)
    }

    /// True where a person has no try left: no code is sent either.
    pub(crate) async fn codes_locked(
        &self,
        tx: &mut TenantTransaction,
        person: PersonId,
    ) -> Result<bool, DatabaseError> {
        wrong::used_up(tx, person, self.limits.code_failures).await
    }

    /// Judges a typed code, within the lock of the row that counts its `tries` so far. Only wrong ones count: on the
    /// person here, for all that is ever begun in their name; on that row by the caller, who sees them by the refusal.
    pub(crate) async fn judge_code(
        &self,
        tx: &mut TenantTransaction,
        CodeFor {
            purpose,
            subject,
            person,
        }: CodeFor,
        typed: &TypedCode,
        tries: i32,
    ) -> Result<Result<(), Refusal>, Outage> {
        if !wrong::take(tx, person, self.limits.code_failures).await? {
            return Ok(Err(reasons::CODES_LOCKED.into()));
        }
        let verdict = codes::check(tx, &self.keys, self.clock.now(), subject, purpose, typed).await?;
        match verdict {
            CodeVerdict::Wrong => {}
            CodeVerdict::Right => wrong::clear(tx, person).await.map(|_| ())?,
            CodeVerdict::Late | CodeVerdict::Superseded | CodeVerdict::Used => wrong::give_back(tx, person).await?,
        }
        Ok(match (verdict, left(self.limits.code_tries, tries + 1)) {
            (CodeVerdict::Right, _) => Ok(()),
            (CodeVerdict::Late, _) => Err(reasons::CODE_LATE.into()),
            (CodeVerdict::Superseded, _) => Err(reasons::CODE_SUPERSEDED.into()),
            (CodeVerdict::Used, _) => Err(reasons::CODE_USED.into()),
            (CodeVerdict::Wrong, 0) => Err(reasons::CODE_TRIES_USED_UP.into()),
            (CodeVerdict::Wrong, left) => Err(reasons::code_wrong(left)),
        })
    }
}

fn left(most: u32, used: i32) -> u32 {
    most.saturating_sub(u32::try_from(used).unwrap_or(0))
}
