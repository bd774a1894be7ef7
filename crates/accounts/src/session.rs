//! Entering with a session: who the member is, whether they may still, and what they must accept first. One short
//! transaction; what a page shows is read in another, by its own use case.
//!
//! A session says whose it is only once it is read. So that a page doesn't wait for that before it asks for the rest,
//! each node remembers whose a session was, and asks for that member's rows in the session's own round trip. What is
//! remembered is only ever a guess: rows that turn out to be another's, or not to be due, are thrown away.

use crate::{Accounts, DueTerms, Proof, consent, reasons, schema::accounts, tries::guesses::Guesser};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{
    FutureExt as _,
    future::{OptionFuture, try_join, try_join3},
};
use guard::sessions::{self, Carrier, Session, SubjectKind};
use kernel::{AccountId, EmailAddress, Outage, Outcome, PersonId, TenantId, TenantSecret, UserId};
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
    /// How they were proven.
    pub proof: Proof,
    /// 前回ログイン.
    pub previous_log_in_at: Option<DateTime<Utc>>,
    /// Terms in force without their consent, in the order they are shown.
    pub consents_due: Vec<DueTerms>,
    /// What coverage leaves of their access.
    pub access: roster::Access,
}

impl Member {
    /// True of whoever may read their statements alone.
    pub fn is_former(&self) -> bool {
        matches!(self.access, roster::Access::Former { .. })
    }

    /// Whether a page or an operation is there for them, that is or is not for former members, too.
    pub fn may_open(&self, for_former: bool) -> bool {
        for_former || !self.is_former()
    }
}

impl Accounts {
    /// Who a session is, by a token that was brought this way. Four statements (session, account, person, consents), all in one round trip where this node
    /// has seen the session before.
    pub async fn enter(&self, carrier: Carrier, session: &TenantSecret) -> Result<Outcome<Member>, Outage> {
        let Some(door) = self.door(session).await? else {
            return Ok(reasons::SESSION_ENDED.into());
        };
        let (tx, looked) = self
            .database
            .tenant(session.tenant)
            .read_with(|tx| {
                let guess = OptionFuture::from(door.seen.map(|ids| Holder::of(tx, ids, &door)));
                let guess = guess.map(|found| found.transpose().map(Option::flatten));
                try_join(
                    sessions::load(tx, &self.keys, door.now, carrier, &session.secret),
                    guess,
                )
                .scope_boxed()
            })
            .await?;
        let (Some(opened), guess) = looked else {
            return Ok(reasons::SESSION_ENDED.into());
        };
        let found = match guess.filter(|found| found.holds(&opened)) {
            Some(found) => Some(found),
            None => self.look_up(&tx, &door, AccountId(opened.subject)).await?,
        };
        // Nothing more is read in it: it ends while the page goes on.
        drop(tx);
        Ok(self.admit(door, opened, found))
    }

    /// What is known before the session itself is read; none where its insurer is nobody.
    async fn door(&self, session: &TenantSecret) -> Result<Option<Door>, Outage> {
        let Some(insurer) = self.directory.by_tenant(session.tenant).await? else {
            return Ok(None);
        };
        let key = session.secret.hash(&self.keys, SEEN);
        Ok(Some(Door {
            insurer,
            platform: self.directory.platform().await?,
            now: self.clock.now(),
            seen: self.seen.get(&key).await,
            key,
        }))
    }

    /// Whether who was found may come in.
    fn admit(&self, door: Door, opened: Session, found: Option<Holder>) -> Outcome<Member> {
        let found = found.filter(|_| opened.subject_kind == SubjectKind::Member);
        let Some(Holder {
            account,
            person,
            consents_due,
        }) = found
        else {
            return reasons::SESSION_ENDED.into();
        };
        if !door.insurer.is_open() {
            return reasons::INSURER_SUSPENDED.into();
        }
        let Some(person) = person else {
            return reasons::COVERAGE_ENDED.into();
        };
        let access = person.access(door.now, door.insurer.after_loss_days, door.insurer.has_statements());
        if access == roster::Access::Ended {
            return reasons::COVERAGE_ENDED.into();
        }
        if opened.needs_touch(door.now) {
            sessions::touch_beside(&self.database, door.insurer.tenant_id, opened.clone(), door.now);
        }
        let (Ok(user_id), Ok(email)) = (UserId::typed(&account.user_id), EmailAddress::parse(&account.email)) else {
            return reasons::SESSION_ENDED.into();
        };
        Outcome::Done(Member {
            account_id: account.account_id,
            session: opened,
            insurer: door.insurer,
            platform: door.platform,
            person,
            user_id,
            email,
            proof: account.proof,
            previous_log_in_at: account.previous_log_in_at,
            consents_due,
            access,
        })
    }

    /// The rows of a session that this node has not seen yet, and whose it is from now on.
    async fn look_up(
        &self,
        tx: &TenantTransaction,
        door: &Door,
        account_id: AccountId,
    ) -> Result<Option<Holder>, DatabaseError> {
        let Some(AccountRow { person_id, .. }) = account(tx, account_id).await? else {
            return Ok(None);
        };
        let ids = MemberIds { account_id, person_id };
        self.seen.insert(door.key.clone(), ids).await;
        Holder::of(tx, ids, door).await
    }

    /// Ends a session, whatever state it is in.
    pub async fn log_out(&self, origin: &Origin, session: &TenantSecret) -> Result<(), Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(session.tenant).write(Durability::Safe).await?;
        if let Some(opened) = sessions::load(&tx, &self.keys, now, Carrier::at(origin), &session.secret).await? {
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

/// What a member's own rows hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberIds {
    /// Their account.
    pub account_id: AccountId,
    /// Who they are in the roster.
    pub person_id: PersonId,
}

/// What is known of a request before its session is read.
struct Door {
    insurer: Arc<Insurer>,
    platform: Arc<Insurer>,
    now: DateTime<Utc>,
    /// By what this node remembers the session.
    key: Vec<u8>,
    /// Whose the session was when this node last saw it.
    seen: Option<MemberIds>,
}

/// The sessions that this node has seen of late, by a hash of their secret that is stored nowhere: as many as are busy
/// at once on one node, in some 3 MB.
pub(crate) fn seen_sessions() -> Cache<Vec<u8>, MemberIds> {
    Cache::builder()
        .max_capacity(10_000)
        .time_to_idle(std::time::Duration::from_mins(30))
        .build()
}

/// What a page needs to know of its member.
struct Holder {
    account: AccountRow,
    /// None where the roster has nobody of that id any more.
    person: Option<Person>,
    consents_due: Vec<DueTerms>,
}

impl Holder {
    /// Three statements in one round trip; `None` where there is no such account, or it is another person's.
    async fn of(
        tx: &TenantTransaction,
        MemberIds { account_id, person_id }: MemberIds,
        door: &Door,
    ) -> Result<Option<Self>, DatabaseError> {
        let (account, person, consents_due) = try_join3(
            account(tx, account_id),
            roster::person(tx, person_id),
            consent::due(tx, account_id, &door.insurer, &door.platform, door.now),
        )
        .await?;
        let account = account.filter(|account| account.person_id == person_id);
        Ok(account.map(|account| Self {
            account,
            person,
            consents_due,
        }))
    }

    fn holds(&self, session: &Session) -> bool {
        self.account.account_id.0 == session.subject
    }
}

/// What pages read of an account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct AccountRow {
    pub account_id: AccountId,
    pub person_id: PersonId,
    pub user_id: String,
    pub password_changed_at: DateTime<Utc>,
    pub email: String,
    pub registered_at: DateTime<Utc>,
    pub previous_log_in_at: Option<DateTime<Utc>>,
    pub proof: Proof,
}

/// The account of an id.
pub(crate) async fn account(tx: &TenantTransaction, id: AccountId) -> Result<Option<AccountRow>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .filter(accounts::emptied_at.is_null())
        .select(AccountRow::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

/// An account with what proves its owner.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct Credentials {
    #[diesel(embed)]
    pub account: AccountRow,
    tenant_id: TenantId,
    password: guard::PasswordHash,
    guesses: i32,
    device_guesses: i32,
}

impl Credentials {
    /// Wrong passwords since the last right one.
    pub(crate) fn guesses(&self, by: Guesser) -> i32 {
        match by {
            Guesser::Stranger => self.guesses,
            Guesser::Device => self.device_guesses,
        }
    }

    /// The hash, as this account's.
    pub fn stored(&self) -> guard::Stored {
        guard::Stored {
            hash: self.password.clone(),
            owner: self.account.account_id.of(self.tenant_id),
        }
    }
}

/// The credentials of an id.
pub(crate) async fn credentials(tx: &TenantTransaction, id: AccountId) -> Result<Option<Credentials>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(accounts::table
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .filter(accounts::emptied_at.is_null())
        .select(Credentials::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}
