//! Statements: how their pages are called.

use super::{Case, at};
use crate::isolation::{MARK, Other};
use access::Role;
use kernel::GrantId;
use testkit::Fields;

/// The page of a name; of whoever is protected where it names a person, else of nobody.
pub(super) fn case(name: &str, grant: GrantId, person: &str) -> Option<Case> {
    Some(match name {
        "console.statements.settings" => at("/console/statements/settings", 200),
        // Nothing is typed; and there is nothing before the first revision.
        "console.statements.settings.save" => at("/console/statements/settings", 422),
        "console.statements.settings.ask" => at("/console/statements/settings/1/take-back", 303),
        "console.statements.settings.take_back" => at("/console/statements/settings/1/take-back", 409),
        "console.statements.disclosures" => at("/console/statements/disclosures", 200),
        // Nothing is typed.
        "console.statements.disclosures.find" => at("/console/statements/disclosures/find", 422),
        // Protected, and so nobody for whom whoever lacks members.protect does anything.
        "console.statements.disclosure" => at(&format!("/console/statements/disclosures/{person}"), 200)
            .but(Role::Benefits, 403)
            .elsewhere(404),
        // Nothing is chosen.
        "console.statements.disclosure.change" => at(&format!("/console/statements/disclosures/{person}"), 303)
            .but(Role::Benefits, 403)
            .elsewhere(404),
        // A file with people takes both permissions.
        "console.statements.disclosures.file" | "console.statements.disclosures.file.submit" => {
            at("/console/statements/disclosures/file", 200).but(Role::Administrator, 403)
        }
        "console.statements.preview" => at("/console/statements/preview", 200),
        // Nothing is chosen.
        "console.statements.preview.find" => at("/console/statements/preview", 422),
        // Protected, and told by name alone.
        "console.statements.preview.costs" => preview(person, "costs"),
        "console.statements.preview.month" => preview(person, "costs/2026-06"),
        "console.statements.preview.tax" => preview(person, "costs/tax/2026"),
        "console.statements.preview.medicines" => preview(person, "medicines"),
        "console.statements.preview.medicines_month" => preview(person, "medicines/2026-06"),
        "console.statements.held" => at("/console/statements/held", 200),
        // No such row waits, and no such claim is withdrawn.
        "console.statements.held.row" | "console.statements.held.find" => {
            at(&format!("/console/statements/held/{grant}"), 404)
        }
        "console.statements.held.settle" => {
            at(&format!("/console/statements/held/{grant}/settle?person={person}"), 404)
        }
        "console.statements.held.settle.submit" => {
            at(&format!("/console/statements/held/{grant}/settle"), 404).sending(&[("person", person)])
        }
        "console.statements.held.drop" | "console.statements.held.drop.submit" => {
            at(&format!("/console/statements/held/{grant}/drop"), 404)
        }
        "console.statements.remembered" => at("/console/statements/held/remembered", 200),
        // None such is remembered.
        "console.statements.remembered.forget" => {
            at("/console/statements/held/remembered", 303).sending(&[("number", person)])
        }
        "console.statements.claims" => at("/console/statements/claims", 200),
        // Nothing is typed.
        "console.statements.claims.find" => at("/console/statements/claims", 422),
        "console.statements.claim" | "console.statements.claim.withdraw" => {
            at("/console/statements/claims/1-202606-1", 404)
        }
        "console.statements.claims.struck" => at(&format!("/console/statements/claims/struck/{grant}"), 404),
        "console.statements.claims.restore" => at(&format!("/console/statements/claims/struck/{grant}"), 303),
        "console.statements.import" => at("/console/statements/import", 200),
        // For nobody: a form with a file says in its address for whom it was shown.
        "console.statements.bring" => at("/console/statements/import/costs", 409),
        "console.statements.blank" => at("/console/statements/import/costs/blank", 200),
        "console.statements.run" => at(&format!("/console/statements/runs/{grant}"), 404),
        "console.statements.run.progress" => at(&format!("/console/statements/runs/{grant}/progress"), 404),
        "console.statements.run.check" => at(&format!("/console/statements/runs/{grant}/check"), 404),
        "console.statements.run.load" => at(&format!("/console/statements/runs/{grant}/load"), 404),
        "console.statements.run.again" => at(&format!("/console/statements/runs/{grant}/again"), 404),
        "console.statements.run.cancel" => at(&format!("/console/statements/runs/{grant}/cancel"), 404),
        // Whoever imports may not take people's data along by that alone.
        "console.statements.run.errors" => at(&format!("/console/statements/runs/{grant}/errors"), 403).elsewhere(404),
        "console.statements" => at("/console/statements", 200),
        "console.statements.one" => at("/console/statements/1", 200).elsewhere(404),
        // It is published already, and the forms were shown for nothing.
        "console.statements.publish" => at("/console/statements/1/publish", 303).elsewhere(404),
        "console.statements.publish.submit" => at("/console/statements/1/publish", 409)
            .sending(&[("when", "now")])
            .elsewhere(404),
        "console.statements.withdraw" => at("/console/statements/1/withdraw", 200).elsewhere(404),
        "console.statements.withdraw.submit" => at("/console/statements/1/withdraw", 409).elsewhere(404),
        _ => return None,
    })
}

/// A statement of the protected person.
fn preview(person: &str, page: &str) -> Case {
    Case {
        path: format!("/console/statements/preview/{person}/{page}?reason=inquiry"),
        fields: Fields::new(&[]),
        own: 200,
        but: vec![],
        elsewhere: 404,
    }
}

/// Has members see the delivery of statements, the insurer's first.
pub(super) fn published(other: &Other) -> String {
    let delivery = &other.statements.1;
    format!(
        "UPDATE statement_deliveries SET state = 'published', file_name = '{MARK}', published_at = imported_at
         WHERE delivery_id = '{delivery}'"
    )
}
