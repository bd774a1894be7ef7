//! What of a run waits until another has agreed: that by it more people than usual lose their coverage, and that it corrects
//! birth dates. A run that does both is one wish.

use super::{Author, By, reasons};
use crate::import::Vanishing;
use approvals::{Action, Agreed, Approvals, Asked, Asker, Difference, Wish};
use audit::Actor;
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use kernel::{ImportId, Outage, Outcome};
use serde_json::{Value, json};

/// What may be under four eyes of a run that loses and corrects so many.
pub(super) fn grave(vanishing: Vanishing, corrected: u64) -> Vec<Action> {
    let loss = vanishing.is_too_much().then_some(Action::ImportLoss);
    loss.into_iter()
        .chain((corrected > 0).then_some(Action::BirthDate))
        .collect()
}

/// What somebody wishes to do with a run.
pub(super) struct Wished<'a> {
    /// What it is called, of each action that it may be a wish for.
    pub(super) kind: fn(Action) -> &'static str,
    pub(super) run: ImportId,
    /// What of it may be under four eyes.
    pub(super) grave: &'a [Action],
    /// By what its performer finds it as it was shown.
    pub(super) parameters: Value,
    pub(super) difference: Difference,
}

/// Asks for the first that is under four eyes; whoever agrees is shown all of it.
pub(super) async fn ask(
    approvals: &Approvals,
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: By<'_>,
    wished: Wished<'_>,
) -> Result<Outcome<Asked>, Outage> {
    let Author::Staff(staff_id) = by.author else {
        // A program asks nobody: it goes on by itself, or hands the run to the staff.
        return Ok(reasons::TWO_IMPORT.into());
    };
    for action in wished.grave {
        let asker = Asker {
            staff_id,
            actor: by.actor,
            origin: by.origin,
        };
        let wish = Wish {
            action: *action,
            kind: (wished.kind)(*action),
            subject: wished.run.0,
            person: None,
            beneficiary: None,
            also: [].into(),
            parameters: wished.parameters.clone(),
            difference: wished.difference.clone(),
        };
        match approvals.ask(tx, now, asker, wish).await? {
            Outcome::Done(Asked::GoesOn) => {}
            waits => return Ok(waits),
        }
    }
    Ok(Outcome::Done(Asked::GoesOn))
}

/// What a wish is found again by: who asked, and what was counted when it was shown, for a day later other imports count, and
/// other people are covered.
pub(super) fn parameters(by: By<'_>, vanishing: Vanishing) -> Value {
    json!({ "name": by.name, "vanishing": vanishing })
}

/// The losses as they were shown.
pub(super) fn as_shown(agreed: &Agreed) -> Option<Vanishing> {
    let shown = agreed.parameters.get("vanishing")?;
    serde_json::from_value(shown.clone()).ok()
}

/// In whose name a wish is done.
pub(super) fn asked_by(agreed: &Agreed) -> By<'_> {
    let name = agreed.parameters.get("name").and_then(Value::as_str);
    By {
        tenant: agreed.tenant,
        author: Author::Staff(agreed.asked_by),
        name: name.unwrap_or_default(),
        actor: Actor::Staff(agreed.asked_by.0),
        origin: &agreed.origin,
    }
}

/// The losses in a difference.
pub(super) fn losses(vanishing: Vanishing) -> Difference {
    let lost = match vanishing.covered {
        Some(covered) => (
            "加入中の人".to_owned(),
            format!("{covered}人"),
            format!("うち{}人が資格を失います", vanishing.lost()),
        ),
        None => (
            "資格を失う人".to_owned(),
            String::new(),
            format!("{}人", vanishing.lost()),
        ),
    };
    let earlier = (vanishing.earlier > 0).then(|| {
        let before = vanishing.before_earlier();
        let before = before.map_or_else(String::new, |people| {
            format!("（はじめの取り込みの前に加入中の人は{people}人）")
        });
        (
            "この7日間の取り込みで資格を失った人".to_owned(),
            String::new(),
            format!("{}人{before}", vanishing.earlier),
        )
    });
    std::iter::once(lost).chain(earlier).collect()
}
