//! One's own account: where one is logged in, and one's log-ins of late.

use crate::{Clerk, Staff, reasons, trail};
use audit::{Line, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::Durability;
use guard::sessions;
use kernel::{Outage, Outcome, SessionId, outcome};
use serde_json::json;

/// How long one's own log-ins are shown.
const SHOWN: TimeDelta = TimeDelta::days(90);
/// Lines that are shown at most.
const MOST: i64 = 100;
/// What the trail calls them: a wrong password, or the proof of a second factor.
const LOG_INS: [&str; 2] = ["session.open", "factor.prove"];

/// The account page.
#[derive(Debug, Clone)]
pub struct OwnAccount {
    /// Where the clerk is logged in, the latest in use first.
    pub sessions: Vec<OwnSession>,
    /// Log-ins of 90 days, the last first.
    pub log_ins: Vec<LogIn>,
}

/// A log-in that is still open.
#[derive(Debug, Clone)]
pub struct OwnSession {
    /// By which it can be ended.
    pub id: SessionId,
    /// True for the one that asks.
    pub is_current: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was last in use, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// From which address it was opened.
    pub address: Option<String>,
    /// With what.
    pub agent: String,
}

/// A log-in, or a try.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// When.
    pub at: DateTime<Utc>,
    /// From where.
    pub address: Option<String>,
    /// With what, where it was told.
    pub agent: Option<String>,
    /// How it ended.
    pub end: LogInEnd,
}

/// How a log-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogInEnd {
    /// Inside.
    Done,
    /// The password was wrong.
    WrongPassword,
    /// The password was right, the second factor not.
    WrongFactor,
    /// Held off, or the account was suspended.
    Refused,
}

impl LogIn {
    /// A line as its owner reads it; none where it is no log-in. A right password alone is none: the second factor says how
    /// it went on. Nor is a factor that was asked for once more inside.
    fn of(line: Line) -> Option<Self> {
        let detail = |name: &str| line.detail.get(name).cloned();
        let is_factor = line.action == "factor.prove";
        let end = match (&*line.outcome, is_factor) {
            ("done", true) if detail("again") == Some(json!(true)) => return None,
            ("done", true) => LogInEnd::Done,
            ("done", false) => return None,
            (code, true) if code == reasons::STAFF_WAIT.code => LogInEnd::Refused,
            (_, true) => LogInEnd::WrongFactor,
            (code, false) if code == reasons::STAFF_LOG_IN_FAILED.code => LogInEnd::WrongPassword,
            (_, false) => LogInEnd::Refused,
        };
        Some(Self {
            at: line.at,
            agent: detail("agent").and_then(|agent| agent.as_str().map(str::to_owned)),
            address: line.address,
            end,
        })
    }
}

impl Staff {
    /// The account page of a clerk.
    pub async fn own_account(&self, clerk: &Clerk) -> Result<OwnAccount, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(clerk.insurer.tenant_id).read().await?;
        let open = sessions::list(&mut tx, now, clerk.staff_id.0).await?;
        let lines = audit::about(&tx, clerk.staff_id.0, &LOG_INS, now - SHOWN, MOST).await?;
        tx.commit().await?;
        let session = |session: sessions::Session| OwnSession {
            id: session.id,
            is_current: session.id == clerk.session.id,
            opened_at: session.created_at,
            last_seen_at: session.last_seen_at,
            address: session.address,
            agent: session.agent,
        };
        Ok(OwnAccount {
            sessions: open.into_iter().map(session).collect(),
            log_ins: lines.into_iter().filter_map(LogIn::of).collect(),
        })
    }

    /// Ends one of the clerk's sessions; another person's does not exist.
    pub async fn end_own_session(&self, origin: &Origin, clerk: &Clerk, id: SessionId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        if !sessions::end(&mut tx, clerk.staff_id.0, id).await? {
            return Ok(outcome::NOT_FOUND.into());
        }
        let about = (Some(clerk.staff_id), json!({ "session": id }));
        trail::record(&tx, now, origin, clerk.actor(), ("session.end", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Ends every session but this one; how many.
    pub async fn end_other_sessions(&self, origin: &Origin, clerk: &Clerk) -> Result<usize, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let ended = sessions::end_all(&mut tx, clerk.staff_id.0, Some(clerk.session.id)).await?;
        let about = (Some(clerk.staff_id), json!({ "ended": ended }));
        trail::record(&tx, now, origin, clerk.actor(), ("session.end_others", "done"), about).await?;
        tx.commit().await?;
        Ok(ended)
    }
}
