//! Sessions of members and staff: a random token, stored hashed, with an idle and an absolute end (security.md 37–41).
//!
//! An ended session's row is gone at once, on every node. Whether its subject may still come in (coverage lost,
//! account closed) is asked by the caller at each load.

use audit::{Channel, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Database, DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, Secret, SessionId, TenantId, TenantSecret};
use std::time::Duration;
use uuid::Uuid;

mod table {
    diesel::table! {
        sessions (tenant_id, token_hash) {
            tenant_id -> Integer,
            token_hash -> Binary,
            session_id -> Uuid,
            subject_kind -> Text,
            subject_id -> Uuid,
            created_at -> Timestamptz,
            last_seen_at -> Timestamptz,
            expires_at -> Timestamptz,
            idle_seconds -> Integer,
            address -> Nullable<Text>,
            agent -> Text,
            proved_at -> Nullable<Timestamptz>,
            grant_id -> Nullable<Uuid>,
        }
    }
}
use table::sessions;

/// How old `last_seen_at` may grow before it is written again.
const TOUCH_AFTER: TimeDelta = TimeDelta::seconds(60);
/// Sessions that are listed at most.
const LISTED: i64 = 50;
/// Characters of a browser's description that are kept.
const AGENT_LENGTH: usize = 200;

/// For what the token that comes after another is made.
const RENEWED: &str = "session:renewed";

/// How a session's token is brought. Each way has a key of its own: what was taken from a cookie is no bearer token, nor
/// the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A cookie of the portal.
    Cookie,
    /// A cookie of the console.
    Console,
    /// The API's `Authorization: Bearer`.
    Bearer,
}

impl Carrier {
    /// The way at this door.
    pub fn at(origin: &Origin) -> Self {
        match origin.channel {
            Channel::Api => Self::Bearer,
            Channel::Console => Self::Console,
            Channel::Portal | Channel::Command | Channel::Worker => Self::Cookie,
        }
    }

    /// The name of the key that hashes tokens.
    fn purpose(self) -> &'static str {
        match self {
            Self::Cookie => "session:cookie",
            Self::Console => "session:console",
            Self::Bearer => "session:bearer",
        }
    }
}

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A member, by account.
    Member,
    /// An insurer's staff.
    Staff,
    /// The platform's support in an insurer, by a grant: the subject is one of tenant 0's staff.
    Support,
}

impl SubjectKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Staff => "staff",
            Self::Support => "support",
        }
    }

    fn read(word: &str) -> Option<Self> {
        match word {
            "member" => Some(Self::Member),
            "staff" => Some(Self::Staff),
            "support" => Some(Self::Support),
            _ => None,
        }
    }
}

/// How long a session may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, for the list of sessions; opens nothing.
    pub id: SessionId,
    /// Member or staff.
    pub subject_kind: SubjectKind,
    /// Whose.
    pub subject: Uuid,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// The last request, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends whatever happens.
    pub expires_at: DateTime<Utc>,
    /// How long it lasts without a request.
    pub idle: TimeDelta,
    /// From which address it was opened.
    pub address: Option<String>,
    /// The browser as it described itself, cut to 200 characters.
    pub agent: String,
    /// When its holder last proved themself in it: staff by a second factor, a member by their password.
    pub proved_at: Option<DateTime<Utc>>,
    /// The grant it lives by, where it is support's.
    pub grant: Option<Uuid>,
    /// What was stored of its token when it was read.
    pub token_hash: Vec<u8>,
}

/// What a session is opened with.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Member or staff.
    pub kind: SubjectKind,
    /// Whose.
    pub subject: Uuid,
    /// How long it may last.
    pub limits: Limits,
    /// The browser as it describes itself.
    pub agent: &'a str,
    /// When its holder proved themself, where they did: staff elsewhere by a second factor, a member by logging in.
    pub proved_at: Option<DateTime<Utc>>,
    /// The grant it lives by.
    pub grant: Option<Uuid>,
}

impl<'a> Opening<'a> {
    /// A session that nothing more is proven for.
    pub fn new(kind: SubjectKind, subject: Uuid, limits: Limits, agent: &'a str) -> Self {
        Self {
            kind,
            subject,
            limits,
            agent,
            proved_at: None,
            grant: None,
        }
    }
}

impl Session {
    /// When it ends if nothing more is asked.
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.expires_at.min(self.last_seen_at + self.idle)
    }

    /// True where [`touch`] has something to write.
    pub fn needs_touch(&self, now: DateTime<Utc>) -> bool {
        now - self.last_seen_at >= TOUCH_AFTER
    }
}

/// Opens a session; the token is for its holder alone, to be brought back as is usual at this door.
pub async fn open(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    origin: &Origin,
    opening: Opening<'_>,
) -> Result<TenantSecret, DatabaseError> {
    let Opening { limits, .. } = opening;
    let token = TenantSecret::random(tx.tenant());
    let purpose = Carrier::at(origin).purpose();
    let absolute = TimeDelta::from_std(limits.absolute).unwrap_or(TimeDelta::days(1));
    diesel::insert_into(sessions::table)
        .values((
            sessions::tenant_id.eq(tx.tenant()),
            sessions::token_hash.eq(token.secret.hash(keys, purpose)),
            sessions::session_id.eq(SessionId::new(now)),
            sessions::subject_kind.eq(opening.kind.as_str()),
            sessions::subject_id.eq(opening.subject),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(now + absolute),
            sessions::idle_seconds.eq(i32::try_from(limits.idle.as_secs()).unwrap_or(i32::MAX)),
            sessions::address.eq(origin.address.map(|address| address.to_string())),
            sessions::agent.eq(shown(opening.agent)),
            sessions::proved_at.eq(opening.proved_at),
            sessions::grant_id.eq(opening.grant),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(token)
}

/// Ends the oldest sessions of a subject beyond so many. For the transaction that opens one, which holds the subject's
/// row: of two at the same time the second counts the first's.
pub async fn end_oldest(tx: &TenantTransaction, subject: Uuid, kept: u32) -> Result<(), DatabaseError> {
    let statement = diesel::sql_query(END_OLDEST)
        .bind::<diesel::sql_types::Integer, _>(tx.tenant())
        .bind::<diesel::sql_types::Uuid, _>(subject)
        .bind::<diesel::sql_types::BigInt, _>(i64::from(kept.max(1)));
    Prepared(statement).execute(&mut &**tx).await?;
    Ok(())
}

/// The session of a token: `None` where it is unknown or brought another way, ended, idle for too long, or too old.
pub async fn load(
    tx: &TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    carrier: Carrier,
    secret: &Secret,
) -> Result<Option<Session>, DatabaseError> {
    for hash in secret.hashes(keys, carrier.purpose()) {
        let row: Option<Row> = sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::token_hash.eq(hash))
            .select(Row::as_select())
            .first(&mut &**tx)
            .await
            .optional()?;
        if let Some(row) = row {
            return Ok(row.live(now));
        }
    }
    Ok(None)
}

/// Notes that the session is in use, once a minute at most; without a statement where there is nothing to note.
pub async fn touch(tx: &mut TenantTransaction, now: DateTime<Utc>, session: &Session) -> Result<(), DatabaseError> {
    if !session.needs_touch(now) {
        return Ok(());
    }
    diesel::update(
        sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::subject_id.eq(session.subject))
            .filter(sessions::session_id.eq(session.id))
            .filter(sessions::last_seen_at.le(now - TOUCH_AFTER)),
    )
    .set(sessions::last_seen_at.eq(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// [`touch`], beside the request: no page waits for it.
#[expect(
    clippy::disallowed_methods,
    reason = "a touch that is lost costs a session a minute of its idle time"
)]
pub fn touch_beside(database: &Database, tenant: TenantId, session: Session, now: DateTime<Utc>) {
    let within = database.tenant(tenant);
    tokio::spawn(async move {
        let touched = async {
            let mut tx = within.write(Durability::Safe).await?;
            touch(&mut tx, now, &session).await?;
            tx.commit().await
        };
        if let Err(error) = touched.await {
            tracing::warn!(%error, "session not touched");
        }
    });
}

/// A new token for a session whose holder has just proven themself again; the old one is worth nothing any more
/// (security.md 38). It follows from the old one: two clicks that brought that one get the same, so that whichever answer a
/// browser keeps, it is inside. `None` where the session has ended, or goes on under another token.
pub async fn renew(
    tx: &mut TenantTransaction,
    keys: &Keys,
    carrier: Carrier,
    session: &Session,
) -> Result<Option<TenantSecret>, DatabaseError> {
    let token = TenantSecret {
        tenant: tx.tenant(),
        secret: Secret::after(keys, RENEWED, &session.token_hash),
    };
    let hash = token.secret.hash(keys, carrier.purpose());
    let is_theirs = sessions::token_hash.eq(&session.token_hash);
    let renewed = diesel::update(
        sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::subject_id.eq(session.subject))
            .filter(sessions::session_id.eq(session.id))
            .filter(is_theirs.or(sessions::token_hash.eq(&hash))),
    )
    .set(sessions::token_hash.eq(&hash))
    .execute(&mut **tx)
    .await?;
    Ok((renewed > 0).then_some(token))
}

/// Notes that the holder has proven themself just now; the session goes on under a new token (security.md 38).
/// `None` where it has ended.
pub async fn prove(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    carrier: Carrier,
    session: &Session,
) -> Result<Option<TenantSecret>, DatabaseError> {
    note_proof(tx, now, session).await?;
    renew(tx, keys, carrier, session).await
}

/// Notes that the holder has proven themself just now, where the session has not ended. For whoever renews it later, or by
/// [`prove`].
pub async fn note_proof(tx: &TenantTransaction, now: DateTime<Utc>, session: &Session) -> Result<(), DatabaseError> {
    diesel::update(
        sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::subject_id.eq(session.subject))
            .filter(sessions::session_id.eq(session.id)),
    )
    .set(sessions::proved_at.eq(now))
    .execute(&mut &**tx)
    .await?;
    Ok(())
}

/// Ends every session that lives by a grant of a subject's.
pub async fn end_granted(tx: &mut TenantTransaction, subject: Uuid, grant: Uuid) -> Result<usize, DatabaseError> {
    Ok(diesel::delete(
        sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::subject_id.eq(subject))
            .filter(sessions::grant_id.eq(grant)),
    )
    .execute(&mut **tx)
    .await?)
}

/// Ends one session of a subject; false where there is none such.
pub async fn end(tx: &mut TenantTransaction, subject: Uuid, session: SessionId) -> Result<bool, DatabaseError> {
    let ended = diesel::delete(
        sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::subject_id.eq(subject))
            .filter(sessions::session_id.eq(session)),
    )
    .execute(&mut **tx)
    .await?;
    Ok(ended > 0)
}

/// Ends all sessions of a subject, `except` one; how many there were.
pub async fn end_all(
    tx: &mut TenantTransaction,
    subject: Uuid,
    except: Option<SessionId>,
) -> Result<usize, DatabaseError> {
    let of_subject = sessions::table
        .filter(sessions::tenant_id.eq(tx.tenant()))
        .filter(sessions::subject_id.eq(subject));
    Ok(match except {
        None => diesel::delete(of_subject).execute(&mut **tx).await?,
        Some(kept) => {
            diesel::delete(of_subject.filter(sessions::session_id.ne(kept)))
                .execute(&mut **tx)
                .await?
        }
    })
}

/// The live sessions of a subject, the one used last first; so many at most.
pub async fn list(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    subject: Uuid,
) -> Result<Vec<Session>, DatabaseError> {
    let rows: Vec<Row> = sessions::table
        .filter(sessions::tenant_id.eq(tx.tenant()))
        .filter(sessions::subject_id.eq(subject))
        .order((sessions::last_seen_at.desc(), sessions::session_id.desc()))
        .limit(LISTED)
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().filter_map(|row| row.live(now)).collect())
}

/// A browser's description, fit to be shown: no control characters, not endless.
fn shown(agent: &str) -> String {
    agent.chars().filter(|c| !c.is_control()).take(AGENT_LENGTH).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    session_id: SessionId,
    subject_kind: String,
    subject_id: Uuid,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    idle_seconds: i32,
    address: Option<String>,
    agent: String,
    proved_at: Option<DateTime<Utc>>,
    grant_id: Option<Uuid>,
    token_hash: Vec<u8>,
}

impl Row {
    fn live(self, now: DateTime<Utc>) -> Option<Session> {
        let session = Session {
            id: self.session_id,
            subject_kind: SubjectKind::read(&self.subject_kind)?,
            subject: self.subject_id,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            expires_at: self.expires_at,
            idle: TimeDelta::seconds(self.idle_seconds.into()),
            address: self.address,
            agent: self.agent,
            proved_at: self.proved_at,
            grant: self.grant_id,
            token_hash: self.token_hash,
        };
        (now < session.ends_at()).then_some(session)
    }
}

const END_OLDEST: &str = "\
DELETE FROM sessions WHERE tenant_id = $1 AND subject_id = $2 AND session_id <= (
    SELECT session_id FROM sessions WHERE tenant_id = $1 AND subject_id = $2
    ORDER BY session_id DESC OFFSET $3 LIMIT 1)";

pub(crate) async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let deleted = diesel::delete(
        sessions::table
            .filter(sessions::tenant_id.eq(tx.tenant()))
            .filter(sessions::expires_at.lt(before)),
    )
    .execute(&mut **tx)
    .await?;
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_idleness_or_by_age_whichever_is_first() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let row = |seen: i64| Row {
            session_id: SessionId::new(start),
            subject_kind: "member".into(),
            subject_id: Uuid::nil(),
            created_at: start,
            last_seen_at: start + TimeDelta::minutes(seen),
            expires_at: start + TimeDelta::hours(12),
            idle_seconds: 1800,
            address: None,
            agent: String::new(),
            proved_at: None,
            grant_id: None,
            token_hash: Vec::new(),
        };
        let alive = |seen, at| row(seen).live(start + TimeDelta::minutes(at)).is_some();
        assert!(alive(0, 29) && !alive(0, 30));
        assert!(alive(715, 719) && !alive(715, 720));
    }

    #[test]
    fn a_browser_cannot_write_control_characters_or_novels_into_the_list() {
        assert_eq!(shown("Mozi\u{1b}lla\r\n"), "Mozilla");
        assert_eq!(shown(&"x".repeat(9000)).len(), 200);
    }
}
