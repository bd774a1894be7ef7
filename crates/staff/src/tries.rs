//! The console's door kept by [`crate::rules`]: decided at the platform, before anybody looks whose the mail is.

use crate::{
    Staff, reasons,
    rules::GUESSES,
    trail::{self, LOG_IN_HELD, LOG_IN_NETWORK_HELD, Typed},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::Durability;
use guard::{
    guesses::{self, Admission, Admitted, Counted},
    network,
    throttle::Rule,
};
use kernel::{Outage, Refusal, TenantId};
use scoped_futures::ScopedFutureExt as _;

impl Staff {
    /// Takes a log-in of what was typed, unless it is to be held off.
    pub(crate) async fn admit_log_in(&self, counted: &Counted<'_>) -> Result<Result<Admitted, Refusal>, Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let (tx, admission) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| counted.admit(tx, keys, now).scope_boxed())
            .await?;
        if let Admission::HeldOff { by_network, .. } = &admission {
            let (held, typed) = if *by_network {
                (&LOG_IN_NETWORK_HELD, Typed::network(keys, counted.origin))
            } else {
                (&LOG_IN_HELD, Typed::of(keys, "staff", &counted.typed))
            };
            trail::note_held(&tx, now, counted.origin, held, &typed).await?;
        }
        tx.commit().await?;
        Ok(match admission {
            Admission::Admitted(admitted) => Ok(admitted),
            Admission::HeldOff { until: None, .. } => Err(reasons::STAFF_LOCKED.into()),
            Admission::HeldOff { until: Some(until), .. } => Err(reasons::wait(until)),
        })
    }

    /// An account that has reached its limit though the throttle forgot, refused as if it hadn't.
    pub(crate) async fn hold_off_locked(&self, counted: &Counted<'_>) -> Result<(), Outage> {
        let typed = Typed::of(&self.keys, "staff", &counted.typed);
        let tx = self.platform_write(Durability::Relaxed).await?;
        trail::note_held(&tx, self.clock.now(), counted.origin, &LOG_IN_HELD, &typed).await?;
        Ok(tx.commit().await?)
    }

    /// Counts a wrong password, or one for nobody's mail.
    pub(crate) async fn count_guesses(&self, counted: &Counted<'_>) -> Result<(), Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| counted.count(tx, keys, now).scope_boxed())
            .await?;
        Ok(tx.commit().await?)
    }

    /// After a right password: what wrong ones counted for this mail, from here and from all of this kind.
    pub(crate) async fn forgive_admitted(&self, counted: &Counted<'_>, admitted: &Admitted) -> Result<(), Outage> {
        let rules = counted.forgivable(admitted);
        if rules.is_empty() {
            return Ok(());
        }
        let tx = self.platform_write(Durability::Relaxed).await?;
        guesses::forgive(&tx, &self.keys, rules).await?;
        Ok(tx.commit().await?)
    }

    /// A new password makes every guess so far worth nothing: whoever set it may log in at once.
    pub(crate) async fn forgive_guesses(&self, origin: &Origin, typed: String) -> Result<(), Outage> {
        let all = Counted::new(GUESSES, origin, typed, None).all_of_name();
        let tx = self.platform_write(Durability::Safe).await?;
        guesses::forgive(&tx, &self.keys, &all).await?;
        Ok(tx.commit().await?)
    }

    /// Until when a network is refused, where it has used a rule up.
    pub(crate) async fn network_wait(&self, watched: &[(Rule<'_>, String)]) -> Result<Option<DateTime<Utc>>, Outage> {
        let tx = self.platform_write(Durability::Relaxed).await?;
        let wait = network::wait(&tx, &self.keys, self.clock.now(), watched).await?;
        tx.commit().await?;
        Ok(wait)
    }

    pub(crate) async fn platform_write(
        &self,
        durability: Durability,
    ) -> Result<database::TenantTransaction, database::DatabaseError> {
        self.database.tenant(TenantId::PLATFORM).write(durability).await
    }
}
