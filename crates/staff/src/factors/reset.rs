//! Taking a colleague's second factors away.

use super::rows;
use crate::{
    By, FactorChange, Staff,
    account::{Account, locked},
    log_in::FACTOR_RESET,
    messages::{FactorResetLink, letterhead},
    reasons, trail,
};
use approvals::{Action, Asked, Beneficiary, Difference, Performer, Wish};
use audit::Origin;
use chrono::{DateTime, TimeDelta, Utc};
use database::{Durability, TenantTransaction};
use guard::{links, sessions};
use kernel::{Outage, Outcome, StaffId, outcome};
use serde_json::json;
use tenancy::insurer_of;

/// How long the link of a reset second factor works.
const LINK_LIFE: TimeDelta = TimeDelta::hours(72);

impl Staff {
    /// Takes somebody's second factors and printed codes away. Their sessions end, and only a mailed link lets them in to
    /// set up anew: whoever talked an administrator into this has no more than a password.
    pub async fn reset_factor(&self, origin: &Origin, by: By<'_>, id: StaffId) -> Result<Outcome<Asked>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let (found, difference) = match reset_of(&mut tx, by, id).await? {
            Outcome::Done(found) => found,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if let By::Clerk(clerk) = by {
            let wish = Wish {
                action: Action::ResetFactor,
                kind: "",
                subject: id.0,
                person: None,
                beneficiary: Some(Beneficiary {
                    staff_id: id,
                    loses: false,
                }),
                also: [].into(),
                parameters: json!({}),
                difference,
            };
            match self.approvals.ask(&mut tx, now, clerk.asker(origin), wish).await? {
                Outcome::Done(Asked::GoesOn) => {}
                Outcome::Done(waits) => {
                    tx.commit().await?;
                    return Ok(Outcome::Done(waits));
                }
                Outcome::Refused(refusal) => return Ok(refusal.into()),
            }
        }
        if let Err(refusal) = self.may_mail(&tx, by, (id, FACTOR_RESET), now).await? {
            return Ok(refusal.into());
        }
        self.reset(&mut tx, origin, by, &found, now).await?;
        self.approvals.end(&mut tx, now, (Action::ResetFactor, id.0)).await?;
        tx.commit().await?;
        Ok(Outcome::Done(Asked::GoesOn))
    }

    /// Does it, in the transaction that found whose.
    async fn reset(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        by: By<'_>,
        found: &Account,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let (insurer, id) = (insurer_of(tx).await?, found.staff_id);
        rows::forget_all(tx, id, now).await?;
        sessions::end_all(tx, id.0, None).await?;
        links::close(tx, now, id.0, FACTOR_RESET).await?;
        let link = links::issue(tx, &self.keys, now, id.0, FACTOR_RESET, LINK_LIFE).await?;
        let message = FactorResetLink {
            letterhead: letterhead(&insurer, &self.console_url),
            url: self.address("/console/login/link", &link),
            hours: LINK_LIFE.num_hours(),
        };
        let (to, until) = ((id, found.email.as_str()), Some(now + LINK_LIFE));
        self.write_to(tx, &insurer, to, until, &message, now).await?;
        self.tell_of_factor(tx, &insurer, id, FactorChange::Reset, now).await?;
        let about = (Some(id), json!({}));
        trail::record(tx, now, origin, by.actor(), ("staff.reset_factor", "done"), about).await?;
        Ok(())
    }

    pub(crate) fn reset_performer(&self) -> Performer {
        let staff = self.clone();
        Performer::new(
            Action::ResetFactor,
            "",
            |tx, agreed| {
                Box::pin(async move {
                    let found = reset_of(tx, By::Wish(agreed), StaffId(agreed.subject)).await?;
                    Ok(found.map(|(_, difference)| difference))
                })
            },
            move |tx, agreed| {
                let staff = staff.clone();
                Box::pin(async move {
                    let by = By::Wish(agreed);
                    match reset_of(tx, by, StaffId(agreed.subject)).await? {
                        Outcome::Done((found, _)) => {
                            staff.reset(tx, &agreed.origin, by, &found, agreed.now).await?;
                            Ok(Outcome::Done(()))
                        }
                        Outcome::Refused(refusal) => Ok(refusal.into()),
                    }
                })
            },
        )
    }
}

/// Whose factors are to go, and what goes.
async fn reset_of(
    tx: &mut TenantTransaction,
    by: By<'_>,
    id: StaffId,
) -> Result<Outcome<(Account, Difference)>, Outage> {
    if by.id() == Some(id.0) {
        return Ok(reasons::OWN_FACTOR.into());
    }
    let Some(found) = locked(tx, id).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    if found.suspended_at.is_some() {
        return Ok(reasons::COLLEAGUE_SUSPENDED.into());
    }
    if !found.has_come() {
        return Ok(reasons::NOT_ACCEPTED.into());
    }
    let factors = rows::factors(tx, id).await?;
    let labels = factors.kept.iter().map(|factor| factor.kind.label());
    let printed = (factors.codes_left > 0).then_some("印刷した確認コード");
    let held: Vec<&str> = labels.chain(printed).collect();
    let held = if held.is_empty() {
        "なし".to_owned()
    } else {
        held.join("、")
    };
    let difference = vec![
        ("職員".to_owned(), found.name.clone(), found.name.clone()),
        ("2つ目の確認".to_owned(), held, "なし".to_owned()),
    ];
    Ok(Outcome::Done((found, difference)))
}
