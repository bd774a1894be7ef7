//! The console's gate kept by [`crate::rules`]: decided at the platform, before anybody looks whose the mail is.

use crate::{
    By, Staff, reasons,
    rules::{GUESSES, LINK},
    trail::{LOG_IN_HELD, LOG_IN_NETWORK_HELD},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use guard::{
    guesses::{Counted, Gate},
    network,
    throttle::{self, Rule, Taken},
};
use kernel::{Outage, Refusal, StaffId, TenantId};

impl Staff {
    /// The gate that a log-in comes to.
    pub(crate) fn gate(&self) -> Gate<'_> {
        Gate {
            database: &self.database,
            keys: &self.keys,
            now: self.clock.now(),
            name_held: &LOG_IN_HELD,
            network_held: &LOG_IN_NETWORK_HELD,
            locked: reasons::STAFF_LOCKED,
            wait: reasons::wait,
        }
    }

    /// A new password makes every guess so far at its mail worth nothing.
    pub(crate) async fn forgive_guesses(&self, origin: &Origin, typed: String) -> Result<(), Outage> {
        let counted = Counted::new(GUESSES, origin, typed, None);
        Ok(self.gate().forgive_all(&counted).await?)
    }

    /// Until when a network is refused, where it has used a rule up.
    pub(crate) async fn network_wait(&self, watched: &[(Rule<'_>, String)]) -> Result<Option<DateTime<Utc>>, Outage> {
        let tx = self.platform_write(Durability::Relaxed).await?;
        let wait = network::wait(&tx, &self.keys, self.clock.now(), watched).await?;
        tx.commit().await?;
        Ok(wait)
    }

    /// Whether a colleague may have one more mail of a kind sent about somebody: nobody's mailbox is filled by it.
    pub(crate) async fn may_mail(
        &self,
        tx: &TenantTransaction,
        by: By<'_>,
        (id, purpose): (StaffId, &str),
        now: DateTime<Utc>,
    ) -> Result<Result<(), Refusal>, DatabaseError> {
        if !by.is_staff() {
            return Ok(Ok(()));
        }
        let key = format!("{purpose}:{id}");
        Ok(match throttle::take(tx, &self.keys, now, &LINK, &key).await? {
            Taken::Free => Ok(()),
            Taken::Wait { until } => Err(Refusal {
                until: Some(until),
                ..reasons::MAILED_ENOUGH.into()
            }),
        })
    }

    pub(crate) async fn platform_write(&self, durability: Durability) -> Result<TenantTransaction, DatabaseError> {
        self.database.tenant(TenantId::PLATFORM).write(durability).await
    }
}
