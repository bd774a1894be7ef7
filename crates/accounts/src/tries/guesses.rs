//! Guesses at members' passwords ([`guard::guesses`]), by [`super::rules`]: decided at the platform before anybody asks
//! whose the user ID is. What lasts is counted in the account itself.

use crate::{
    Accounts, reasons,
    schema::accounts,
    trail::{self, LOG_IN_HELD, LOG_IN_NETWORK_HELD, Typed},
};
use audit::Origin;
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
pub(crate) use guard::guesses::{Admitted, Counted, Guesser};
use guard::{
    guesses::{self, Admission, of_all},
    throttle,
};
use kernel::{AccountId, Outage, Refusal, TenantId};
use scoped_futures::ScopedFutureExt as _;

impl Accounts {
    /// What a log-in with this user ID is counted on.
    pub(crate) fn counted<'a>(&'a self, origin: &'a Origin, typed: String, device: Option<&str>) -> Counted<'a> {
        Counted::new(self.limits.guesses(), origin, typed, device)
    }

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
                (&LOG_IN_HELD, Typed::of(keys, "user_id", &counted.typed))
            };
            trail::note_held(&tx, now, counted.origin, held, &typed).await?;
        }
        tx.commit().await?;
        Ok(match admission {
            Admission::Admitted(admitted) => Ok(admitted),
            Admission::HeldOff { until: None, .. } => Err(reasons::LOG_IN_LOCKED.into()),
            Admission::HeldOff { until: Some(until), .. } => Err(reasons::wait(until)),
        })
    }

    /// An account that has reached its limit though the throttle forgot, refused as if it hadn't.
    pub(crate) async fn hold_off_locked(&self, counted: &Counted<'_>) -> Result<(), Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let typed = Typed::of(keys, "user_id", &counted.typed);
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                trail::note_held(tx, now, counted.origin, &LOG_IN_HELD, &typed).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
    }

    /// Counts a wrong password, or one for nobody's user ID.
    pub(crate) async fn count_guesses(&self, counted: &Counted<'_>) -> Result<(), Outage> {
        let (now, keys) = (self.clock.now(), &self.keys);
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| counted.count(tx, keys, now).scope_boxed())
            .await?;
        Ok(tx.commit().await?)
    }

    /// After a right password: what wrong ones counted for this user ID, from here and from all of this kind. What a
    /// network counts stays: others share it.
    pub(crate) async fn forgive_admitted(&self, counted: &Counted<'_>, admitted: &Admitted) -> Result<(), Outage> {
        let rules = counted.forgivable(admitted);
        if rules.is_empty() {
            return Ok(());
        }
        let (tx, ()) = self
            .database
            .tenant(TenantId::PLATFORM)
            .write_with(Durability::Relaxed, |tx| {
                guesses::forgive(tx, &self.keys, rules.iter().copied()).scope_boxed()
            })
            .await?;
        Ok(tx.commit().await?)
    }

    /// A new password proves its owner, and makes every guess so far worth nothing: all counts of this user ID end, and
    /// whoever set it may log in at once.
    pub(crate) async fn forgive_guesses(&self, origin: &Origin, folded: &str) -> Result<(), Outage> {
        let all = self.counted(origin, folded.to_owned(), None).all_of_name();
        let tx = self.database.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
        guesses::forgive(&tx, &self.keys, &all).await?;
        Ok(tx.commit().await?)
    }

    /// What strangers had guessed at a user ID while it was nobody's goes into the account that has it now: a lock must
    /// not tell by its end that somebody registered.
    pub(crate) async fn carry_over(&self, tenant: TenantId, id: AccountId, folded: &str) -> Result<(), Outage> {
        let watched = [(self.limits.log_in_id(), of_all(Guesser::Stranger, folded))];
        let now = self.clock.now();
        let (tx, standing) = self
            .database
            .tenant(TenantId::PLATFORM)
            .read_with(|tx| throttle::look(tx, &self.keys, now, &watched).scope_boxed())
            .await?;
        tx.commit().await?;
        let tries = standing.iter().map(|standing| standing.tries).sum::<u32>();
        if tries == 0 {
            return Ok(());
        }
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        diesel::update(accounts::table)
            .filter(accounts::tenant_id.eq(tenant))
            .filter(accounts::account_id.eq(id))
            .set(accounts::guesses.eq(i32::try_from(tries).unwrap_or(i32::MAX)))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// Takes a guess at an account's password, before it is looked at: fifty at once count as fifty.
pub(crate) async fn take_guess(tx: &TenantTransaction, id: AccountId, by: Guesser) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let guessed = diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(accounts::guesses + 1)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(accounts::device_guesses + 1)),
        ));
    Prepared(guessed).execute(&mut &**tx).await?;
    Ok(())
}

/// Gives it back: nothing was looked at.
pub(crate) async fn give_back_guess(tx: &TenantTransaction, id: AccountId, by: Guesser) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(accounts::guesses - 1)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(accounts::device_guesses - 1)),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}

/// After a right password: counts anew.
pub(crate) async fn end_guesses(tx: &TenantTransaction, id: AccountId, by: Guesser) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(accounts::table)
        .filter(accounts::tenant_id.eq(tenant))
        .filter(accounts::account_id.eq(id))
        .set((
            (by == Guesser::Stranger).then(|| accounts::guesses.eq(0)),
            (by == Guesser::Device).then(|| accounts::device_guesses.eq(0)),
        ))
        .execute(&mut &**tx)
        .await?;
    Ok(())
}
