//! Recoveries asked for: counted on what was typed, from each network and from everywhere. Nobody looks whose it is.

use crate::{
    Accounts,
    trail::{self, Held, Typed},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::throttle::{self, Rule};

impl Accounts {
    /// Takes a try of each; the time to wait until, where one refuses, which the trail hears of.
    pub(crate) async fn take_asked(
        &self,
        tx: &TenantTransaction,
        origin: &Origin,
        tries: &[(Rule<'_>, String)],
        held: &'static Held,
        typed: &Typed,
    ) -> Result<Option<DateTime<Utc>>, DatabaseError> {
        let now = self.clock.now();
        let until = throttle::take_all(tx, &self.keys, now, tries).await?;
        if until.is_some() {
            trail::note_held(tx, now, origin, held, typed).await?;
        }
        Ok(until)
    }
}
