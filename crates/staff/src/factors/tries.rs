//! Tries at second factors, counted apart for each kind: a lost phone's codes keep nobody from their passkey. A try is
//! taken before the check, in its transaction, whose lock makes fifty at once count as fifty. In all kinds together there
//! are at most a hundred until one is right (security.md 28, 68).

use super::FactorKind;
use crate::{
    Clerk, Staff, reasons, rules,
    schema::staff,
    trail::{self, FACTOR_HELD, Typed},
};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::throttle::{self, Rule, Taken};
use kernel::{Refusal, StaffId};

fn rule(kind: FactorKind) -> Rule<'static> {
    match kind {
        FactorKind::App => rules::FACTOR_APP,
        FactorKind::Passkey => rules::FACTOR_PASSKEY,
        FactorKind::Printed => rules::FACTOR_PRINTED,
    }
}

impl Staff {
    /// Takes a try, or says why none is free.
    pub(super) async fn take_try(
        &self,
        tx: &TenantTransaction,
        origin: &Origin,
        clerk: &Clerk,
        kind: FactorKind,
        now: DateTime<Utc>,
    ) -> Result<Result<(), Refusal>, DatabaseError> {
        let (rule, id) = (rule(kind), clerk.staff_id);
        if let Taken::Wait { until } = throttle::take(tx, &self.keys, now, &rule, &id.to_string()).await? {
            let typed = Typed::of(&self.keys, "staff", &id.to_string());
            trail::note_held(tx, now, origin, &FACTOR_HELD, &typed).await?;
            return Ok(Err(reasons::wait(until)));
        }
        let guesses: Option<i32> = diesel::update(staff::table)
            .filter(staff::tenant_id.eq(tx.tenant()))
            .filter(staff::staff_id.eq(id))
            .set(staff::factor_guesses.eq(staff::factor_guesses + 1))
            .returning(staff::factor_guesses)
            .get_result(&mut &**tx)
            .await
            .optional()?;
        Ok(match guesses {
            None => Err(reasons::CONSOLE_SESSION_ENDED.into()),
            Some(guesses) if guesses > rules::MOST_GUESSES => Err(reasons::FACTOR_LOCKED.into()),
            Some(_) => Ok(()),
        })
    }

    /// After a right one: counts anew.
    pub(super) async fn end_tries(
        &self,
        tx: &TenantTransaction,
        id: StaffId,
        kind: FactorKind,
    ) -> Result<(), DatabaseError> {
        throttle::forgive(tx, &self.keys, &rule(kind), &id.to_string()).await?;
        diesel::update(staff::table)
            .filter(staff::tenant_id.eq(tx.tenant()))
            .filter(staff::staff_id.eq(id))
            .set(staff::factor_guesses.eq(0))
            .execute(&mut &**tx)
            .await?;
        Ok(())
    }
}
