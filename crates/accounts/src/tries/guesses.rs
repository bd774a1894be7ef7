//! Guesses at members' passwords ([`guard::guesses`]), by [`super::rules`]: decided at the platform before anybody asks
//! whose the user ID is. What lasts is counted in the account itself.

use crate::{
    Accounts, reasons,
    schema::accounts,
    trail::{LOG_IN_HELD, LOG_IN_NETWORK_HELD},
};
use audit::Origin;
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
pub(crate) use guard::guesses::{Admitted, Counted, Guesser};
use guard::{
    guesses::{Gate, of_all},
    throttle,
};
use kernel::{AccountId, Outage, TenantId};
use scoped_futures::ScopedFutureExt as _;

impl Accounts {
    /// What a log-in with this user ID is counted on.
    pub(crate) fn counted<'a>(&'a self, origin: &'a Origin, typed: String, device: Option<&str>) -> Counted<'a> {
        Counted::new(self.limits.guesses(), origin, typed, device)
    }

    /// The gate that a log-in comes to.
    pub(crate) fn gate(&self) -> Gate<'_> {
        Gate {
            database: &self.database,
            keys: &self.keys,
            now: self.clock.now(),
            name_held: &LOG_IN_HELD,
            network_held: &LOG_IN_NETWORK_HELD,
            locked: reasons::LOG_IN_LOCKED,
            wait: reasons::wait,
        }
    }

    /// A new password makes every guess so far at its user ID worth nothing.
    pub(crate) async fn forgive_guesses(&self, origin: &Origin, folded: &str) -> Result<(), Outage> {
        let counted = self.counted(origin, folded.to_owned(), None);
        Ok(self.gate().forgive_all(&counted).await?)
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
