//! Giving roles, and taking them.

use crate::{
    By, Grant, Staff,
    account::locked,
    colleagues::keepers,
    reasons,
    roles::{self, Held},
    trail,
};
use access::{Permission, Role};
use approvals::{Action, Asked, Beneficiary, Difference, Performer, Wish, agreeing, permission};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use guard::sessions;
use kernel::{Outage, Outcome, StaffId, outcome};
use serde_json::json;
use std::collections::BTreeSet;

/// Roles about to become somebody's.
struct Change {
    before: Held,
    difference: Difference,
}

impl Staff {
    /// Makes these their roles, and ends their sessions where that changes anything. Nobody gives themself anything, and no
    /// administrator takes the last one's role away. `mark` is of the roles that the form was shown with; none of the command
    /// line.
    pub async fn set_roles(
        &self,
        origin: &Origin,
        by: By<'_>,
        id: StaffId,
        grants: &[Grant],
        mark: Option<&str>,
    ) -> Result<Outcome<Asked>, Outage> {
        let grants = match roles::checked(by.tenant(), grants) {
            Ok(grants) => grants,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(by.tenant()).write(Durability::Safe).await?;
        let change = match change(&tx, by, id, &grants).await? {
            Outcome::Done(change) => change,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if mark.is_some_and(|mark| mark != roles::mark(&change.before)) {
            return Ok(reasons::ROLES_CHANGED_MEANWHILE.into());
        }
        if change.before == grants {
            return Ok(Outcome::Done(Asked::GoesOn));
        }
        let (gives, takes) = (
            self.gives(&change.before, &grants),
            self.takes(by, id, &change.before, &grants),
        );
        if let By::Clerk(clerk) = by
            && (gives || takes)
        {
            let wish = Wish {
                action: Action::Grant,
                kind: "roles",
                subject: id.0,
                person: None,
                // Whoever only loses by it may well agree, and counts: of two nobody takes the other's away alone.
                beneficiary: gives.then_some(Beneficiary {
                    staff_id: id,
                    loses: takes,
                }),
                also: if takes {
                    self.eyes_taken(&tx, now, by, (&change.before, &grants)).await?
                } else {
                    BTreeSet::new()
                },
                parameters: json!({ "grants": grants }),
                difference: change.difference,
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
        write(&mut tx, (origin, by), id, &grants, now).await?;
        self.approvals.end(&mut tx, now, (Action::Grant, id.0)).await?;
        tx.commit().await?;
        Ok(Outcome::Done(Asked::GoesOn))
    }

    /// True where a role is given by which one administers, sees what is medical, or agrees; or the bounds of one who holds
    /// such a role are taken away.
    pub(crate) fn gives(&self, before: &Held, after: &Held) -> bool {
        let widens = roles::is_bounded(before) && !roles::is_bounded(after);
        self.has_grave(roles::otherwise(after, before)) || widens && self.has_grave(roles::of(after))
    }

    /// True where such a role is taken from somebody else, or bounded: whoever shuts a colleague's eyes ends four eyes as well.
    pub(crate) fn takes(&self, by: By<'_>, id: StaffId, before: &Held, after: &Held) -> bool {
        let narrows = !roles::is_bounded(before) && roles::is_bounded(after);
        by.id() != Some(id.0)
            && (self.has_grave(roles::otherwise(before, after)) || narrows && self.has_grave(roles::of(before)))
    }

    /// By what they would agree no more to what is under four eyes now.
    async fn eyes_taken(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        by: By<'_>,
        (before, after): (&Held, &Held),
    ) -> Result<BTreeSet<Permission>, Outage> {
        let agrees = |held: &Held| {
            let roles = roles::of(held).filter(|_| !roles::is_bounded(held));
            self.policy.permissions(roles)
        };
        let (before, after) = (agrees(before), agrees(after));
        let switches = self.approvals.switches(tx, now, by.id().map(StaffId)).await?;
        let on = switches.iter().filter(|switch| switch.is_on);
        let taken = on.map(|switch| permission(switch.action));
        Ok(taken
            .filter(|one| before.contains(one) && !after.contains(one))
            .collect())
    }

    fn has_grave(&self, mut roles: impl Iterator<Item = Role>) -> bool {
        let agrees = agreeing();
        roles.any(|role| {
            matches!(role, Role::Administrator | Role::Benefits)
                || self.policy.of(role).any(|permission| agrees.contains(&permission))
        })
    }

    pub(crate) fn roles_performer() -> Performer {
        Performer::new(
            Action::Grant,
            "roles",
            |tx, agreed| {
                Box::pin(async move {
                    let change = match grants(&agreed.parameters) {
                        Some(grants) => change(tx, By::Wish(agreed), StaffId(agreed.subject), &grants).await?,
                        None => outcome::NOT_FOUND.into(),
                    };
                    Ok(change.map(|change| change.difference))
                })
            },
            |tx, agreed| {
                Box::pin(async move {
                    let Some(grants) = grants(&agreed.parameters) else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    let by = (&agreed.origin, By::Wish(agreed));
                    write(tx, by, StaffId(agreed.subject), &grants, agreed.now).await?;
                    Ok(Outcome::Done(()))
                })
            },
        )
    }

    /// How what staff ask for is done once another has agreed.
    pub fn performers(&self) -> Vec<Performer> {
        vec![
            self.reset_performer(),
            Self::roles_performer(),
            self.invitation_performer(),
        ]
    }
}

/// The grants of a wish.
pub(crate) fn grants(parameters: &serde_json::Value) -> Option<Held> {
    serde_json::from_value(parameters.get("grants")?.clone()).ok()
}

/// What becomes of somebody's roles, their row and those of whoever runs the insurer held.
async fn change(tx: &TenantTransaction, by: By<'_>, id: StaffId, grants: &Held) -> Result<Outcome<Change>, Outage> {
    let keepers = keepers(tx).await?;
    let Some(found) = locked(tx, id).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    let before = roles::held(tx, id).await?;
    if by.id() == Some(id.0) && roles::otherwise(grants, &before).next().is_some() {
        return Ok(reasons::OWN_ROLES.into());
    }
    let keeps = grants.contains_key(roles::keeper(by.tenant()).as_str()) && !roles::is_bounded(grants);
    if by.is_staff() && keepers == [id] && !keeps {
        return Ok(reasons::LAST_ADMINISTRATOR.into());
    }
    let difference = vec![
        ("職員".to_owned(), found.name.clone(), found.name),
        ("役割".to_owned(), roles::words(&before), roles::words(grants)),
    ];
    Ok(Outcome::Done(Change { before, difference }))
}

async fn write(
    tx: &mut TenantTransaction,
    (origin, by): (&Origin, By<'_>),
    id: StaffId,
    grants: &Held,
    now: DateTime<Utc>,
) -> Result<(), Outage> {
    let change = roles::replace(tx, id, grants, by, now).await?;
    sessions::end_all(tx, id.0, None).await?;
    let about = (Some(id), change);
    Ok(trail::record(tx, now, origin, by.actor(), ("staff.roles", "done"), about).await?)
}
