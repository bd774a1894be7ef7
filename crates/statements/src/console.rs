//! Statements as the insurer's staff work on them: a file becomes a delivery, a delivery is looked at, published and taken back.

mod claims;
mod deliveries;
mod delivery;
mod disclosures;
mod drugs;
mod held;
mod import;
pub(crate) mod panels;
pub(crate) mod preview;
mod release;
mod settings;

use crate::permissions::{DISCLOSURES_MANAGE, OPERATOR_DRUGS, STATEMENTS_READ};
use access::Reach;
use approvals::Performer;
use ground::Ground;
use module::PersonPanel;
use pages::{ConsoleNav, Reply, Row, Visit};
use roster::search::Found;
use staff::{Clerk, reasons::NOT_PERMITTED};
use std::future::Future;

/// What the 続柄 of whoever is insured is called.
const PRINCIPAL: &str = "本人";
/// Where the console's part of it begins.
pub(crate) const HOME: &str = "/console/statements";

/// The pages' rows.
pub(crate) fn rows(ground: &Ground) -> Vec<Row> {
    [
        claims::rows(ground),
        deliveries::rows(ground),
        disclosures::rows(ground),
        drugs::rows(ground),
        held::rows(ground),
        import::rows(ground),
        preview::rows(ground),
        settings::rows(ground),
    ]
    .concat()
}

/// How their actions under four eyes are done once another has agreed.
pub(crate) fn performers() -> Vec<Performer> {
    vec![disclosures::performer(), import::performer()]
}

/// Their sections of a person's page.
pub(crate) fn person_panels() -> Vec<PersonPanel> {
    [panels::person(), vec![disclosures::panel(), preview::panel()]].concat()
}

/// Their entries of the menu.
pub(crate) fn nav() -> Vec<ConsoleNav> {
    vec![
        ConsoleNav {
            path: HOME,
            text: "医療費・お薬",
            permission: Some(STATEMENTS_READ),
        },
        ConsoleNav {
            path: disclosures::LIST,
            text: "表示の希望",
            permission: Some(DISCLOSURES_MANAGE),
        },
        ConsoleNav {
            path: drugs::PATH,
            text: "医薬品マスター",
            permission: Some(OPERATOR_DRUGS),
        },
    ]
}

/// By what those of one number stand in order: 本人 first, then by 枝番.
fn in_household(found: &Found) -> (bool, String) {
    (found.relationship != PRINCIPAL, found.branch.clone())
}

/// A handler that stands on the ground. A delivery is of the whole insurer: whoever is bounded to some of its people gets none.
pub(crate) fn with<F>(
    ground: &Ground,
    handler: impl Fn(Ground, Visit, Clerk) -> F + Clone + Send + Sync + 'static,
) -> impl Fn(Visit, Clerk) -> std::pin::Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync + 'static
where
    F: Future<Output = Reply> + Send + 'static,
{
    let ground = ground.clone();
    move |visit, clerk| {
        let (ground, handler) = (ground.clone(), handler.clone());
        Box::pin(async move {
            if clerk.reach != Reach::All {
                return Err(NOT_PERMITTED.into());
            }
            handler(ground, visit, clerk).await
        })
    }
}
