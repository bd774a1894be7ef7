//! Entering with a session: who the member is, whether they may still, and what they must accept first. One read
//! transaction, handed on open to whoever shows the page.
//!
//! A session says whose it is only once it is read. So that a page doesn't wait for that before it asks for the rest,
//! each node remembers whose a session was, and asks for that member's rows in the session's own round trip. What is
//! remembered is only ever a guess: rows that turn out to be another's, or not to be due, are thrown away.

use crate::{Accounts, DueTerms, Outage, Outcome, Refusal, consent, schema::accounts};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{
    FutureExt as _,
    future::{OptionFuture, try_join, try_join3},
};
use guard::sessions::{self, Session, SubjectKind};
use kernel::{AccountId, EmailAddress, PersonId, TenantId, TenantSecret, UserId};
use moka::future::Cache;
use roster::Person;
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

/// The purpose of the hashes by which a node remembers sessions.
const SEEN: &str = "seen-session";

/// A member who is logged in.
#[derive(Debug, Clone)]
pub struct Member {
    /// Their account.
    pub account_id: AccountId,
    /// The session they came with.
    pub session: Session,
    /// Their insurer.
    pub insurer: Arc<Insurer>,
    /// The platform, whose terms hold as well.
    pub platform: Arc<Insurer>,
    /// Who they are in the roster.
    pub person: Person,
    /// ユーザーID.
    pub user_id: UserId,
    /// The proven address.
    pub email: EmailAddress,
    /// 前回ログイン.
    pub previous_log_in_at: Option<DateTime<Utc>>,
    /// Terms in force without their consent, in the order they are shown.
    pub consents_due: Vec<DueTerms>,
    /// What coverage leaves of their access.
    pub access: roster::Access,
}

/// A member at the door, with the transaction that found them still open for reading.
pub struct Entered {
    /// Reads of this member's insurer.
    pub tx: TenantTransaction,
    /// The member.
    pub member: Member,
}

impl Accounts {
    /// Who a session is. Four statements (session, account, person, consents), all in one round trip where this node
    /// has seen the session before.
    pub async fn enter(&self, session: &TenantSecret) -> Result<Outcome<Entered>, Outage> {
        let Some(insurer) = self.directory.by_tenant(session.tenant).await? else {
            return Ok(Refusal::SessionEnded.into());
        };
        let platform = self.directory.platform().await?;
        let now = self.clock.now();
        let key = session.secret.hash(&self.keys, SEEN);
        let seen = self.seen.get(&key).await;
        let (tx, (opened, guess)) = self
            .database
            .tenant(session.tenant)
            .read_with(|tx| {
                let guess = OptionFuture::from(seen.map(|seen| Found::of(tx, seen, &insurer, &platform, now)));
                let guess = guess.map(|found| found.transpose().map(Option::flatten));
                try_join(sessions::load(tx, &self.keys, now, &session.secret), guess).scope_boxed()
            })
            .await?;
        let Some(opened) = opened.filter(|opened| opened.subject_kind == SubjectKind::Member) else {
            return Ok(Refusal::SessionEnded.into());
        };
        let account_id = AccountId(opened.subject);
        let found = match guess.filter(|found| found.account.account_id == account_id) {
            Some(found) => Some(found),
            None => self.look_up(&tx, key, account_id, &insurer, &platform, now).await?,
        };
        let Some(Found {
            account,
            person,
            consents_due,
        }) = found
        else {
            return Ok(Refusal::SessionEnded.into());
        };
        if !insurer.is_open() {
            return Ok(Refusal::InsurerSuspended.into());
        }
        let Some(person) = person else {
            return Ok(Refusal::CoverageEnded.into());
        };
        let access = person.access(now, insurer.after_loss_days);
        if access == roster::Access::Ended {
            return Ok(Refusal::CoverageEnded.into());
        }
        if opened.needs_touch(now) {
            self.touch(session.tenant, opened.clone(), now);
        }
        let (Ok(user_id), Ok(email)) = (UserId::typed(&account.user_id), EmailAddress::parse(&account.email)) else {
            return Ok(Refusal::SessionEnded.into());
        };
        let member = Member {
            account_id,
            session: opened,
            insurer,
            platform,
            person,
            user_id,
            email,
            previous_log_in_at: account.previous_log_in_at,
            consents_due,
            access,
        };
        Ok(Outcome::Done(Entered { tx, member }))
    }

    /// The rows of a session that this node has not seen yet, and whose it is from now on.
    async fn look_up(
        &self,
        tx: &TenantTransaction,
        key: Vec<u8>,
        account_id: AccountId,
        insurer: &Insurer,
        platform: &Insurer,
        now: DateTime<Utc>,
    ) -> Result<Option<Found>, DatabaseError> {
        let Some(AccountRow { person_id, .. }) = account(tx, account_id).await? else {
            return Ok(None);
        };
        let seen = Seen { account_id, person_id };
        self.seen.insert(key, seen).await;
        Found::of(tx, seen, insurer, platform, now).await
    }

    /// Notes that a session is in use, beside the request: at most once a minute, and no page waits for it.
    fn touch(&self, tenant: TenantId, session: Session, now: DateTime<Utc>) {
        let accounts = self.clone();
        tokio::spawn(async move {
            let touched = async {
                let mut tx = accounts.database.tenant(tenant).write().await?;
                sessions::touch(&mut tx, now, &session).await?;
                tx.commit().await
            };
            if let Err(error) = touched.await {
                tracing::warn!(%error, "session not touched");
            }
        });
    }

    /// Ends a session, whatever state it is in.
    pub async fn log_out(&self, origin: &Origin, session: &TenantSecret) -> Result<(), Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(session.tenant).write().await?;
        if let Some(opened) = sessions::load(&tx, &self.keys, now, &session.secret).await? {
            sessions::end(&mut tx, opened.subject, opened.id).await?;
            let actor = Actor::Member(AccountId(opened.subject));
            let object = Some(("session", opened.id.0));
            let entry = Entry {
                actor,
                action: "session.end",
                object,
                outcome: "done",
                detail: json!({}),
            };
            audit::record(&tx, now, origin, entry).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Whose a session was when this node last saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    account_id: AccountId,
    person_id: PersonId,
}

/// The sessions that this node has seen of late, by a hash of their secret that is stored nowhere: as many as are busy
/// at once on one node, in some 3 MB.
pub(crate) fn seen_sessions() -> Cache<Vec<u8>, Seen> {
    Cache::builder()
        .max_capacity(10_000)
        .time_to_idle(std::time::Duration::from_mins(30))
        .build()
}

/// What a page needs to know of its member.
struct Found {
    account: AccountRow,
    /// None where the roster has nobody of that id any more.
    person: Option<Person>,
    consents_due: Vec<DueTerms>,
}

impl Found {
    /// Three statements in one round trip; `None` where there is no such account, or it is another person's.
    async fn of(
        tx: &TenantTransaction,
        Seen { account_id, person_id }: Seen,
        insurer: &Insurer,
        platform: &Insurer,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, DatabaseError> {
        let (account, person, consents_due) = try_join3(
            account(tx, account_id),
            roster::person(tx, person_id),
            consent::due(tx, account_id, insurer, platform, now),
        )
        .await?;
        let account = account.filter(|account| account.person_id == person_id);
        Ok(account.map(|account| Self {
            account,
            person,
            consents_due,
        }))
    }
}

/// What the pipeline reads of an account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct AccountRow {
    pub account_id: AccountId,
    pub person_id: PersonId,
    pub user_id: String,
    pub password: guard::PasswordHash,
    pub password_changed_at: DateTime<Utc>,
    pub email: String,
    pub registered_at: DateTime<Utc>,
    pub previous_log_in_at: Option<DateTime<Utc>>,
}

/// The account of an id.
pub(crate) async fn account(tx: &TenantTransaction, id: AccountId) -> Result<Option<AccountRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .select(AccountRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}
