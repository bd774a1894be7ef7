//! The password once more before something that matters (security.md 42), where it has not been typed in this very session
//! of late: whoever sits down at an open page takes nothing along.

use crate::{Accounts, Member, reasons};
use audit::Origin;
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use guard::sessions::{self, Carrier};
use kernel::{Outage, Outcome, TenantSecret};

/// How long a password that was typed counts; logging in is typing it.
const FRESH: TimeDelta = TimeDelta::minutes(15);

impl Member {
    /// True where the password was typed in this session within a quarter of an hour.
    pub fn has_just_proven(&self, now: DateTime<Utc>) -> bool {
        self.session.proved_at.is_some_and(|at| now - at < FRESH)
    }
}

impl Accounts {
    /// The session goes on under a new token (security.md 38), where something that was proven for is done in this transaction: of
    /// two clicks that brought one token under the same. `None` where it has ended.
    pub async fn renew(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        member: &Member,
    ) -> Result<Option<TenantSecret>, DatabaseError> {
        sessions::renew(tx, &self.keys, Carrier::at(origin), &member.session).await
    }

    /// Asks for the password where it was typed too long ago. Its tries are those of every other proof, and the session goes on
    /// under a new token (security.md 38); without one where nothing was asked.
    pub async fn prove_again(
        &self,
        origin: &Origin,
        member: &Member,
        typed: &str,
    ) -> Result<Outcome<Option<TenantSecret>>, Outage> {
        if member.has_just_proven(self.clock.now()) {
            return Ok(Outcome::Done(None));
        }
        if let Outcome::Refused(refusal) = self.prove_present_password(origin, member, typed).await? {
            return Ok(refusal.into());
        }
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        let token = self.renew(&mut tx, origin, member).await?;
        tx.commit().await?;
        // Logged out elsewhere meanwhile: nothing is proven any more.
        Ok(token.map_or(reasons::SESSION_ENDED.into(), |token| Outcome::Done(Some(token))))
    }
}
