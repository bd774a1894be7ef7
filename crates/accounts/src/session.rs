//! Entering with a session: who the member is, whether they may still, and what they must accept first. One read
//! transaction, handed on open to whoever shows the page.

use crate::{Accounts, DueTerms, Outage, Outcome, Refusal, consent, schema::accounts};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;
use guard::sessions::{self, Session, SubjectKind};
use kernel::{AccountId, EmailAddress, PersonId, TenantId, TenantSecret, UserId};
use roster::Person;
use serde_json::json;
use std::sync::Arc;
use tenancy::Insurer;

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
    /// Who a session is. Four statements: session, account, person, consents.
    pub async fn enter(&self, session: &TenantSecret) -> Result<Outcome<Entered>, Outage> {
        let Some(insurer) = self.directory.by_tenant(session.tenant).await? else {
            return Ok(Refusal::SessionEnded.into());
        };
        let platform = self.directory.platform().await?;
        let now = self.clock.now();
        let mut tx = self.database.tenant(session.tenant).read().await?;
        let Some(opened) = sessions::load(&tx, &self.keys, now, &session.secret).await? else {
            return Ok(Refusal::SessionEnded.into());
        };
        if opened.subject_kind != SubjectKind::Member {
            return Ok(Refusal::SessionEnded.into());
        }
        let account_id = AccountId(opened.subject);
        // Neither needs the other's answer, so both share a round trip.
        let (account, consents_due) = try_join(
            account(&tx, account_id),
            consent::due(&tx, account_id, &insurer, &platform, now),
        )
        .await?;
        let Some(account) = account else {
            return Ok(Refusal::SessionEnded.into());
        };
        if !insurer.is_open() {
            return Ok(Refusal::InsurerSuspended.into());
        }
        let Some(person) = roster::person(&mut tx, account.person_id).await? else {
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
            audit::record(&mut tx, now, origin, entry).await?;
        }
        Ok(tx.commit().await?)
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
