//! Facts by hand, as pages ask for them: who may be mended, what changes, and the write, each in a transaction of its own.

use crate::{Members, console::words, sight};
use access::{MEMBERS_EDIT, Reach};
use approvals::{Action, Agreed, Approvals, Asked, Difference, Performer, Wish};
use audit::{Actor, Look, Origin};
use database::{Durability, TenantTransaction};
use kernel::{Outage, Outcome, PersonId, Refusal, outcome};
use pages::visit::Trouble;
use roster::{
    Sight,
    by_hand::{Base, By, Draft, facts},
};
use serde::{Deserialize, Serialize};
use staff::{Clerk, reasons::NOT_PERMITTED};
use std::collections::BTreeMap;

/// The facts that were typed, by column.
pub(crate) type Typed<'a> = &'a [(&'static str, &'a str)];

/// What became of a fact.
pub(crate) enum Set {
    /// It stands in the roster.
    Written(PersonId),
    /// It waits until another agrees.
    Waits,
}

/// True where the clerk can add people to the roster: not where they are bounded to some of it.
pub(crate) fn may_add(clerk: &Clerk) -> bool {
    clerk.may(MEMBERS_EDIT) && clerk.reach == Reach::All
}

/// By what a wish is done.
#[derive(Serialize, Deserialize)]
struct Wished {
    typed: BTreeMap<String, String>,
    seen: String,
}

fn wish((person, whose): (PersonId, &str), draft: &Draft, typed: Typed<'_>, seen: &str) -> Result<Wish, Outage> {
    let typed = typed
        .iter()
        .map(|(column, text)| ((*column).to_owned(), (*text).to_owned()));
    let wished = Wished {
        typed: typed.collect(),
        seen: seen.to_owned(),
    };
    let parameters = serde_json::to_value(wished);
    Ok(Wish {
        action: Action::BirthDate,
        kind: "",
        subject: person.0,
        person: Some(person),
        beneficiary: None,
        also: [].into(),
        parameters: parameters.map_err(|error| Outage::new(kernel::OutageKind::Fault, error.to_string()))?,
        difference: difference(whose, draft),
    })
}

/// Of whom it is, for whoever mends or agrees.
pub(crate) fn whose(base: &Base) -> String {
    let names = ["name", "kana_name"].map(|column| base.value(column));
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let number = ["symbol", "number", "branch"].map(|column| base.value(column));
    let number: Vec<&str> = number.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{name}（{}）", number.join("・"))
}

fn difference(whose: &str, draft: &Draft) -> Difference {
    let line = |changed: &roster::Changed| {
        let said = |text: &Option<String>| words::value(&changed.field, text.as_deref().unwrap_or_default());
        (
            words::field(&changed.field).to_owned(),
            said(&changed.before),
            said(&changed.after),
        )
    };
    let whose = ("加入者".to_owned(), whose.to_owned(), whose.to_owned());
    std::iter::once(whose)
        .chain(draft.difference.iter().map(line))
        .collect()
}

impl Members {
    /// The person to be mended, or somebody new where there is none; the look is in the trail before it is shown.
    pub(crate) async fn base(&self, origin: &Origin, clerk: &Clerk, person: Option<PersonId>) -> Result<Base, Trouble> {
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let base = self.seen(&mut tx, origin, clerk, person).await?;
        tx.commit().await?;
        Ok(base)
    }

    /// What would change and of whom, before anybody says that it is to.
    pub(crate) async fn difference(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        person: Option<PersonId>,
        typed: Typed<'_>,
    ) -> Result<Result<(String, Draft), Refusal>, Trouble> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let base = self.seen(&mut tx, origin, clerk, person).await?;
        let whose = whose(&base);
        let draft = match base.draft(&clerk.insurer, (now, self.kept), typed.iter().copied()) {
            Ok(draft) => draft,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let against = draft.against(&tx, now).await?;
        tx.commit().await?;
        Ok(against.map_or(Ok((whose, draft)), Err))
    }

    /// Writes what was shown; a birth date once another has agreed, where the insurer has it so. `seen` says with which state
    /// of the person it was shown.
    pub(crate) async fn set(
        &self,
        (approvals, origin): (&Approvals, &Origin),
        clerk: &Clerk,
        person: Option<PersonId>,
        (typed, seen): (Typed<'_>, &str),
    ) -> Result<Result<Set, Refusal>, Trouble> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let base = self.seen(&mut tx, origin, clerk, person).await?;
        let whose = whose(&base);
        let draft = match base.draft(&clerk.insurer, (now, self.kept), typed.iter().copied()) {
            Ok(draft) => draft,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(person) = person.filter(|_| draft.mends_birth_date()) {
            if let Some(refusal) = draft.against(&tx, now).await? {
                return Ok(Err(refusal));
            }
            let wish = wish((person, &whose), &draft, typed, seen)?;
            match approvals.ask(&mut tx, now, clerk.asker(origin), wish).await? {
                Outcome::Done(Asked::GoesOn) => {}
                Outcome::Done(Asked::Waits(_)) => {
                    tx.commit().await?;
                    return Ok(Ok(Set::Waits));
                }
                Outcome::Refused(refusal) => return Ok(Err(refusal)),
            }
        }
        let by = By {
            actor: clerk.actor(),
            origin,
            now,
        };
        match draft.write(&mut tx, &self.keys, by, seen).await? {
            Outcome::Done(person) => {
                tx.commit().await?;
                Ok(Ok(Set::Written(person)))
            }
            Outcome::Refused(refusal) => Ok(Err(refusal)),
        }
    }

    /// How a birth date is mended once another has agreed.
    pub(crate) fn performer(&self) -> Performer {
        let (shown, written) = (self.clone(), self.clone());
        Performer::new(
            Action::BirthDate,
            "",
            move |tx, agreed| {
                let members = shown.clone();
                Box::pin(async move {
                    let found = members.agreed(tx, agreed).await?;
                    Ok(found.map(|(whose, draft, _)| difference(&whose, &draft)))
                })
            },
            move |tx, agreed| {
                let members = written.clone();
                Box::pin(async move {
                    let (_, draft, seen) = match members.agreed(tx, agreed).await? {
                        Outcome::Done(found) => found,
                        Outcome::Refused(refusal) => return Ok(refusal.into()),
                    };
                    let by = By {
                        actor: Actor::Staff(agreed.asked_by.0),
                        origin: &agreed.origin,
                        now: agreed.now,
                    };
                    let written = draft.write(tx, &members.keys, by, &seen).await?;
                    Ok(written.map(|_| ()))
                })
            },
        )
    }

    /// What was wished for, made anew: of whom, what, and the state that it was shown with.
    async fn agreed(
        &self,
        tx: &mut TenantTransaction,
        agreed: &Agreed,
    ) -> Result<Outcome<(String, Draft, String)>, Outage> {
        // Who asked was held to their reach as they asked.
        let base = Base::of(tx, Sight::ALL, PersonId(agreed.subject)).await?;
        let insurer = tenancy::insurer_of(tx).await?;
        let wished: Option<Wished> = serde_json::from_value(agreed.parameters.clone()).ok();
        let (Some(base), Some(wished)) = (base, wished) else {
            return Ok(outcome::NOT_FOUND.into());
        };
        // Another state of the person than the difference was shown with: the wish is over, or it could never be agreed to.
        if base.seen != wished.seen {
            return Ok(outcome::NOT_FOUND.into());
        }
        let whose = whose(&base);
        let typed = facts().filter_map(|(column, _)| Some((column, wished.typed.get(column)?.as_str())));
        Ok(match base.draft(&insurer, (agreed.now, self.kept), typed) {
            Ok(draft) => Outcome::Done((whose, draft, wished.seen)),
            Err(refusal) => refusal.into(),
        })
    }

    /// Only of people whom the clerk may see; whoever is bounded to workplaces adds nobody.
    async fn seen(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        clerk: &Clerk,
        person: Option<PersonId>,
    ) -> Result<Base, Trouble> {
        let Some(person) = person else {
            return if may_add(clerk) {
                Ok(Base::new(sight(clerk)))
            } else {
                Err(NOT_PERMITTED.into())
            };
        };
        let base = Base::of(tx, sight(clerk), person).await?;
        let base = base.ok_or(Trouble::NotFound)?;
        let look = Look::person("member", &person.0);
        audit::look(tx, self.clock.now(), origin, clerk.actor(), look).await?;
        Ok(base)
    }
}
