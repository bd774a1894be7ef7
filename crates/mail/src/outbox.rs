//! The outbox: mails as sealed rows, from the business transaction to their end. What is sealed (address, parameters)
//! is erased at that end; what stays says which template went to which masked address, and how it ended. A mail that
//! reached nobody and holds neither code nor link keeps it for [`dead::AGAIN_KEPT`], to be sent again by hand; one of a sandbox
//! keeps it for [`kept::KEPT`], to be read.

use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jobs::{Due, Event, due};
use kernel::{EmailAddress, Keys, MailId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Message, Registry, dead, kept, message::one_line};

pub(crate) mod table {
    diesel::table! {
        mails (tenant_id, mail_id) {
            tenant_id -> Integer,
            mail_id -> Uuid,
            template -> Text,
            masked_to -> Text,
            message_id -> Text,
            subject_id -> Nullable<Uuid>,
            sealed -> Nullable<Binary>,
            state -> Text,
            attempts -> Integer,
            last_error -> Nullable<Text>,
            expires_at -> Nullable<Timestamptz>,
            created_at -> Timestamptz,
            finished_at -> Nullable<Timestamptz>,
            again_at -> Nullable<Timestamptz>,
        }
    }
}
use table::mails;

/// The queue's name in `due`.
pub const QUEUE: &str = "mail";
/// How long a mail that nobody takes is tried (RFC 5321, 4.5.4.1).
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(4);
/// How often a mail is taken without its sending coming to any end: it must be what ends the worker.
const TAKES: i16 = 5;
/// What is told of a mail whose end the database refuses.
const UNNOTED: &str = "its end could not be noted";
/// The name of the key that seals.
const PURPOSE: &str = "mail";
/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "mails",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "mail_id",
        purpose: PURPOSE,
    },
}];

/// Who sends: the insurer's name and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Shown to the reader.
    pub name: String,
    /// Also the envelope's sender.
    pub address: EmailAddress,
}

/// A mail to be posted.
pub struct Letter<'a, M> {
    /// From whom.
    pub sender: Sender,
    /// To whom.
    pub to: EmailAddress,
    /// The person or account it is about, where there is one: what an undeliverable mail is reported for.
    pub subject_id: Option<Uuid>,
    /// From when on it must not be sent any more: a code that has run out helps nobody.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it says.
    pub message: &'a M,
}

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// Waiting to be sent, or to be tried again.
    Queued,
    /// Taken by the recipient's or our relay's server.
    Sent,
    /// Not sent before its time was over.
    Expired,
    /// Refused for good, or tried in vain for days.
    Undeliverable,
    /// Of a sandbox: kept in the place of being sent.
    Kept,
}

impl MailState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Sent, Self::Expired, Self::Undeliverable, Self::Kept];

    /// The word in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Expired => "expired",
            Self::Undeliverable => "undeliverable",
            Self::Kept => "kept",
        }
    }

    /// Reads its word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Writes a mail into the outbox, in the transaction of what it tells; a worker sends it once that is committed.
pub async fn post<M: Message>(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    letter: Letter<'_, M>,
) -> Result<MailId, DatabaseError> {
    let mail = NewMail::new(tx.tenant(), keys, now, &letter)?;
    let id = mail.mail_id;
    diesel::insert_into(mails::table)
        .values(mail)
        .execute(&mut **tx)
        .await?;
    due::schedule(tx, QUEUE, id.0, now, M::RANK).await?;
    Ok(id)
}

/// As [`post`] for many, in two statements.
pub async fn post_all<'a, M: Message>(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    letters: impl IntoIterator<Item = Letter<'a, M>>,
) -> Result<(), DatabaseError> {
    let letters = letters.into_iter();
    let all = letters.map(|letter| NewMail::new(tx.tenant(), keys, now, &letter));
    let all: Vec<NewMail> = all.collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Ok(());
    }
    let ids = all.iter().map(|mail| mail.mail_id.0).collect();
    diesel::insert_into(mails::table).values(all).execute(&mut **tx).await?;
    due::schedule_all(tx, QUEUE, ids, now, M::RANK).await
}

/// A mail's row as it is posted.
#[derive(Insertable)]
#[diesel(table_name = mails)]
struct NewMail {
    tenant_id: TenantId,
    mail_id: MailId,
    template: &'static str,
    masked_to: String,
    message_id: String,
    subject_id: Option<Uuid>,
    sealed: Vec<u8>,
    state: &'static str,
    attempts: i32,
    expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl NewMail {
    fn new<M: Message>(
        tenant: TenantId,
        keys: &Keys,
        now: DateTime<Utc>,
        letter: &Letter<'_, M>,
    ) -> Result<Self, DatabaseError> {
        let id = MailId::new(now);
        let (_, domain) = letter.sender.address.parts();
        let plain = serde_json::to_vec(&SealedOut {
            sender_name: &one_line(&letter.sender.name),
            sender: letter.sender.address.as_str(),
            to: letter.to.as_str(),
            parameters: letter.message,
        })
        .map(Zeroizing::new)
        .map_err(|error| DatabaseError::Statement(diesel::result::Error::SerializationError(error.into())))?;
        Ok(Self {
            tenant_id: tenant,
            mail_id: id,
            template: M::TEMPLATE,
            masked_to: letter.to.mask(),
            message_id: format!("{id}@{domain}"),
            subject_id: letter.subject_id,
            sealed: keys.seal(PURPOSE, id.of(tenant), &plain),
            state: MailState::Queued.as_str(),
            attempts: 0,
            expires_at: letter.expires_at,
            created_at: now,
        })
    }
}

/// How far a mail is; `None` where this insurer has no such mail.
pub async fn state(tx: &mut TenantTransaction, id: MailId) -> Result<Option<MailState>, DatabaseError> {
    let word: Option<String> = mails::table
        .find((tx.tenant(), id))
        .select(mails::state)
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(word.map(|word| MailState::read(&word).unwrap_or(MailState::Queued)))
}

/// Deletes the records of mails that ended before `before` and those of a sandbox whose time is over, and erases what is not to be
/// sent again any more: for a daily job; gives how many.
pub async fn sweep(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<usize, DatabaseError> {
    dead::erase(tx, now).await?;
    let kept = kept::sweep(tx, now).await?;
    let deleted = diesel::delete(
        mails::table
            .filter(mails::tenant_id.eq(tx.tenant()))
            .filter(mails::finished_at.lt(before)),
    )
    .execute(&mut **tx)
    .await?;
    Ok(kept + deleted)
}

#[derive(Serialize)]
struct SealedOut<'a, M> {
    sender_name: &'a str,
    sender: &'a str,
    to: &'a str,
    parameters: &'a M,
}

/// What was sealed, opened for sending.
#[derive(Deserialize)]
pub(crate) struct Opened {
    pub(crate) sender_name: String,
    pub(crate) sender: String,
    pub(crate) to: String,
    pub(crate) parameters: Box<serde_json::value::RawValue>,
}

/// A mail under way.
#[derive(Queryable, Selectable)]
#[diesel(table_name = mails)]
pub(crate) struct Begun {
    tenant_id: TenantId,
    pub(crate) mail_id: MailId,
    pub(crate) template: String,
    pub(crate) message_id: String,
    pub(crate) subject_id: Option<Uuid>,
    sealed: Option<Vec<u8>>,
    /// This one included.
    pub(crate) attempts: i32,
    expires_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    again_at: Option<DateTime<Utc>>,
}

impl Begun {
    /// Address and parameters; the reason where they do not open: a key is missing, or the row was altered.
    pub(crate) fn open(&self, keys: &Keys) -> Result<Opened, &'static str> {
        let sealed = self.sealed.as_deref().ok_or("nothing sealed")?;
        let plain = keys
            .open(PURPOSE, self.mail_id.of(self.tenant_id), sealed)
            .map_err(|_| "does not open")?;
        serde_json::from_slice(&plain).map_err(|_| "sealed part does not read")
    }
}

/// How one try ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Taken by the server.
    Sent,
    /// Refused for good.
    Refused(String),
    /// Not this time.
    Failed(String),
    /// Not seen to its end: this process is about to end.
    GivenBack,
}

impl Ending {
    /// What is noted in its place where the database refuses it. What has come to its end is laid aside, or it would go
    /// out again; what is to be tried again still is.
    pub(crate) fn unnoted(&self) -> Self {
        match self {
            Self::Sent | Self::Refused(_) => Self::Refused(UNNOTED.to_owned()),
            Self::Failed(_) | Self::GivenBack => Self::Failed(UNNOTED.to_owned()),
        }
    }
}

/// Counts the try. None where there is nothing to send: the mail has ended, just now where its time was over or where its
/// sending never comes to an end.
pub(crate) async fn begin(
    tx: &mut TenantTransaction,
    due: &Due,
    now: DateTime<Utc>,
    registry: &Registry,
) -> Result<Option<Begun>, DatabaseError> {
    let queued = mails::table
        .find((tx.tenant(), due.item))
        .filter(mails::state.eq(MailState::Queued.as_str()));
    let begun: Option<Begun> = diesel::update(queued)
        .set(mails::attempts.eq(mails::attempts + 1))
        .returning(Begun::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()?;
    let Some(mail) = begun else {
        due::finish(tx, due).await?;
        return Ok(None);
    };
    if mail.expires_at.is_some_and(|at| at <= now) {
        if due::finish(tx, due).await? {
            end(tx, mail.mail_id, now, MailState::Expired, None).await?;
        }
        return Ok(None);
    }
    if due.takes > TAKES {
        if due::bury(tx, due, now).await? {
            undeliverable(tx, &mail, now, "never came to an end", registry).await?;
        }
        return Ok(None);
    }
    Ok(Some(mail))
}

/// Takes a mail out that is not to be sent any more; nothing says that there was one. Left alone where another has it now.
pub(crate) async fn take_back(tx: &mut TenantTransaction, due: &Due, mail: &Begun) -> Result<(), DatabaseError> {
    if due::finish(tx, due).await? {
        diesel::delete(mails::table.find((tx.tenant(), mail.mail_id)))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Notes how a try ended: the mail is done with, or waits for the next try. False where it is no longer ours, and nothing
/// was changed.
pub(crate) async fn settle(
    tx: &mut TenantTransaction,
    due: &Due,
    mail: &Begun,
    now: DateTime<Utc>,
    ending: &Ending,
    registry: &Registry,
) -> Result<bool, DatabaseError> {
    let given_up = now - mail.again_at.unwrap_or(mail.created_at) >= GIVE_UP_AFTER;
    let (next, attempts, reason) = match ending {
        Ending::Sent => {
            let ours = due::finish(tx, due).await?;
            if ours {
                end(tx, mail.mail_id, now, MailState::Sent, None).await?;
            }
            return Ok(ours);
        }
        Ending::Failed(reason) if !given_up => {
            let next = next_try(now, mail.attempts, mail.expires_at);
            (next, mail.attempts, Some(reason.as_str()))
        }
        Ending::Refused(reason) | Ending::Failed(reason) => {
            let ours = due::bury(tx, due, now).await?;
            if ours {
                undeliverable(tx, mail, now, reason, registry).await?;
            }
            return Ok(ours);
        }
        Ending::GivenBack => (now, mail.attempts - 1, None),
    };
    let ours = due::put_back(tx, due, next).await?;
    if ours {
        diesel::update(mails::table.find((tx.tenant(), mail.mail_id)))
            .set((mails::attempts.eq(attempts), mails::last_error.eq(reason)))
            .execute(&mut **tx)
            .await?;
    }
    Ok(ours)
}

/// 5 s, 30 s, 2 min, 10 min, then every half hour. A mail with an end is tried more often towards it, and looked at
/// once more at the end itself, so that whoever waits for it is told.
fn next_try(now: DateTime<Utc>, attempts: i32, expires_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let wait = TimeDelta::seconds(match attempts {
        ..=1 => 5,
        2 => 30,
        3 => 120,
        4 => 600,
        _ => 1800,
    });
    match expires_at {
        Some(end) => (now + wait.min(((end - now) / 4).max(TimeDelta::seconds(5)))).min(end),
        None => now + wait,
    }
}

async fn undeliverable(
    tx: &mut TenantTransaction,
    mail: &Begun,
    now: DateTime<Utc>,
    reason: &str,
    registry: &Registry,
) -> Result<(), DatabaseError> {
    let state = MailState::Undeliverable;
    end(
        tx,
        mail.mail_id,
        now,
        state,
        Some((reason, registry.lasts(&mail.template))),
    )
    .await?;
    let event = Event {
        kind: "mail.undeliverable",
        subject: mail.subject_id.unwrap_or(mail.mail_id.0),
        payload: serde_json::json!({ "mail_id": mail.mail_id, "template": mail.template, "reason": reason }),
    };
    jobs::publish(tx, now, event);
    Ok(())
}

/// The end of a mail, whichever: what was sealed is erased, unless a bad end says that it is kept.
async fn end(
    tx: &mut TenantTransaction,
    id: MailId,
    now: DateTime<Utc>,
    state: MailState,
    bad: Option<(&str, bool)>,
) -> Result<(), DatabaseError> {
    let is_kept = bad.is_some_and(|(_, is_kept)| is_kept);
    diesel::update(mails::table.find((tx.tenant(), id)))
        .set((
            mails::state.eq(state.as_str()),
            (!is_kept).then(|| mails::sealed.eq(None::<Vec<u8>>)),
            mails::last_error.eq(bad.map(|(reason, _)| reason)),
            mails::finished_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_apart_but_not_past_half_an_hour() {
        let now = DateTime::UNIX_EPOCH;
        let waits: Vec<_> = (1..8).map(|n| (next_try(now, n, None) - now).num_seconds()).collect();
        assert_eq!(waits, [5, 30, 120, 600, 1800, 1800, 1800]);
    }

    #[test]
    fn a_mail_with_an_end_is_tried_towards_it_and_never_scheduled_past_it() {
        let (mut now, mut tries) = (DateTime::UNIX_EPOCH, 0);
        let end = now + TimeDelta::minutes(10);
        while now < end {
            tries += 1;
            now = next_try(now, tries, Some(end));
        }
        assert_eq!(now, end);
        assert!((8..=40).contains(&tries), "{tries}");
    }
}
