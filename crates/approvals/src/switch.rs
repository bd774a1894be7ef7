//! Switching four eyes on and off: more of them at once, fewer only by another's agreement.

use crate::{
    About, Action, Agreed, Approvals, Asked, Asker, Difference, Performer, Wish, ask::is_on, eyes::ways, permission,
    reasons,
};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use kernel::{Outage, Outcome, StaffId, TenantId, outcome};
use serde_json::{Value, json};
use tenancy::{CHANGED_MEANWHILE, REVISE, Revising, insurer_of, revise, revisions};
use uuid::Uuid;

/// Who switches, and what they have seen.
#[derive(Debug, Clone, Copy)]
pub struct Switching<'a> {
    /// Whose settings.
    pub tenant: TenantId,
    /// Who asks.
    pub asker: Asker<'a>,
    /// Their name, for the list of revisions.
    pub name: &'a str,
    /// The revision that the form was shown with.
    pub expected: i64,
    /// Why, in their words.
    pub why: &'a str,
}

/// How an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// Which.
    pub action: Action,
    /// Under four eyes now.
    pub is_on: bool,
    /// How many can agree to it.
    pub eyes: usize,
}

impl Approvals {
    /// How each action stands, for whoever would do it where that is known: they are one of two, however new.
    pub async fn switches(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        asks: Option<StaffId>,
    ) -> Result<Vec<Switch>, Outage> {
        let insurer = insurer_of(tx).await?;
        let mut switches = Vec::new();
        for action in Action::SWITCHED {
            let able = self.able(tx, now, ways(action, &[].into()), None).await?;
            switches.push(Switch {
                action,
                is_on: is_on(&insurer, action, &able, asks, None),
                eyes: able.iter().filter(|one| one.agrees_at(now)).count(),
            });
        }
        Ok(switches)
    }

    /// Puts these actions under four eyes and no others. What is put under them is so at once. Each that is taken out is a wish
    /// of its own wherever another could agree to the action or to its switch: whoever could do neither has no say in it.
    pub async fn switch(&self, switching: Switching<'_>, on: &[Action]) -> Result<Outcome<Asked>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(switching.tenant).write(Durability::Safe).await?;
        // What was ticked says something of the switches that were shown, and of no others.
        if revisions::has_changed_since(&mut tx, switching.expected).await? {
            return Ok(CHANGED_MEANWHILE.into());
        }
        let stands = self.switches(&tx, now, None).await?;
        let changed: Vec<&Switch> = stands
            .iter()
            .filter(|switch| switch.is_on != on.contains(&switch.action))
            .collect();
        // Alone nobody could do it any more, nor take it out again.
        if changed.iter().any(|switch| !switch.is_on && switch.eyes < 2) {
            return Ok(reasons::NOBODY_TO_AGREE.into());
        }
        let mut at_once: Vec<(Action, bool)> = Vec::new();
        let mut asked = Asked::GoesOn;
        for switch in changed {
            if switch.is_on {
                let wish = off(&switching, &stands, switch.action);
                match self.ask(&mut tx, now, switching.asker, wish).await? {
                    Outcome::Done(Asked::GoesOn) => {}
                    Outcome::Done(waits) => {
                        asked = waits;
                        continue;
                    }
                    Outcome::Refused(refusal) => return Ok(refusal.into()),
                }
            }
            at_once.push((switch.action, !switch.is_on));
        }
        if !at_once.is_empty() {
            let revising = Revising {
                action: REVISE,
                expected: switching.expected,
                actor: switching.asker.actor,
                by: switching.name,
                why: switching.why,
            };
            let revised = say(&mut tx, now, switching.asker.origin, &revising, &at_once).await?;
            if let Outcome::Refused(refusal) = revised {
                return Ok(refusal.into());
            }
        }
        tx.commit().await?;
        Ok(Outcome::Done(asked))
    }

    /// How actions are taken out once another has agreed.
    pub fn switch_performer(&self) -> Performer {
        let seen = self.clone();
        Performer::new(
            Action::SwitchOff,
            "",
            move |tx, agreed| {
                let approvals = seen.clone();
                Box::pin(async move {
                    Ok(match said(agreed) {
                        Some(said) => {
                            Outcome::Done(difference(&approvals.switches(tx, agreed.now, None).await?, &said))
                        }
                        None => outcome::NOT_FOUND.into(),
                    })
                })
            },
            |tx, agreed| {
                Box::pin(async move {
                    let Some(said) = said(agreed) else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    let text = |name: &str| agreed.parameters.get(name).and_then(Value::as_str).unwrap_or_default();
                    let revising = Revising {
                        action: REVISE,
                        // What else was set meanwhile stays: the difference is these switches alone.
                        expected: revisions::standing(tx).await?.revision,
                        actor: Actor::Staff(agreed.asked_by.0),
                        by: text("name"),
                        why: text("why"),
                    };
                    say(tx, agreed.now, &agreed.origin, &revising, &said).await
                })
            },
        )
    }
}

/// What a wish to take an action out is about: one thing among the insurer's actions. It is stored, so that no action may come
/// before another that was there already.
fn place(action: Action) -> Uuid {
    Uuid::from_u128(action as u128)
}

/// All that wishes to take actions out may be about.
pub fn taking_out() -> [About; Action::SWITCHED.len()] {
    Action::SWITCHED.map(|action| (Action::SwitchOff, place(action)))
}

/// The wish that takes an action out.
fn off(switching: &Switching<'_>, stands: &[Switch], action: Action) -> Wish {
    let said = [(action, false)];
    Wish {
        action: Action::SwitchOff,
        kind: "",
        subject: place(action),
        person: None,
        beneficiary: None,
        also: [permission(action)].into(),
        parameters: json!({ "said": said, "name": switching.name, "why": switching.why }),
        difference: difference(stands, &said),
    }
}

/// What is said, beside how it stands.
fn difference(stands: &[Switch], said: &[(Action, bool)]) -> Difference {
    let words = |is_on: bool| {
        if is_on {
            "承認が要る"
        } else {
            "承認が要らない"
        }
        .to_owned()
    };
    let line = |(action, becomes): &(Action, bool)| {
        let is_on = stands.iter().any(|switch| switch.action == *action && switch.is_on);
        (action.label().to_owned(), words(is_on), words(*becomes))
    };
    said.iter().map(line).collect()
}

fn said(agreed: &Agreed) -> Option<Vec<(Action, bool)>> {
    serde_json::from_value(agreed.parameters.get("said")?.clone()).ok()
}

async fn say(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    revising: &Revising<'_>,
    said: &[(Action, bool)],
) -> Result<Outcome<()>, Outage> {
    let revised = revise(tx, now, origin, revising, |settings| {
        for (action, is_on) in said {
            settings.approvals.say(*action, *is_on);
        }
    });
    Ok(revised.await?.map(|_| ()))
}
