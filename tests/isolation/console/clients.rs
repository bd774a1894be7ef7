//! The routes of programs of other systems: an insurer's, and the platform's of vendors'.

use super::{Case, at};
use crate::isolation::{MARK, Other};
use access::Role;
use kernel::GrantId;

/// Makes a program of the other insurer's: its id.
pub(super) async fn made(other: &Other) -> String {
    let clerk = other.app.clerk(&[Role::Administrator]).await;
    let fields = [
        ("name", MARK),
        ("contact", "system@example.jp"),
        ("scopes", "notices.read"),
    ];
    let answer = clerk.post("/console/clients/new", &fields).await;
    let id = answer.location().split('/').nth(3);
    id.unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

/// An endpoint of another program's, which nobody ends: the program and the endpoint, as an address has them.
pub(super) async fn hooked(other: &Other) -> String {
    let (client, id) = (made(other).await, uuid::Uuid::new_v4());
    let row = format!(
        "INSERT INTO webhook_endpoints (tenant_id, webhook_id, grant_id, url, kinds, state, after_position, version, secret, created_at)
         SELECT tenant_id, '{id}', grant_id, 'https://hooks.example.jp/{MARK}', '{{import.finished}}', 'active', 0, 1, '', created_at
         FROM client_grants WHERE client_id = '{client}'"
    );
    testkit::sql(other.app.tenant(), &row).await;
    format!("{client}/webhooks/{id}")
}

/// None for a route that is none of these.
pub(super) fn case(name: &str, grant: GrantId, (client, webhook): (&str, &str)) -> Option<Case> {
    let one = |page: &str, own| at(&format!("/console/clients/{client}{page}"), own).elsewhere(404);
    let hook = |page: &str, own| at(&format!("/console/clients/{webhook}{page}"), own).elsewhere(404);
    // The platform has none of this id.
    let vendors = |page: &str| at(&format!("/operator/clients/{grant}{page}"), 404);
    Some(match name {
        "console.clients" => at("/console/clients", 200),
        "console.clients.new" => at("/console/clients/new", 200),
        // Nothing is typed.
        "console.clients.new.submit" => at("/console/clients/new", 422),
        // Not a vendor's.
        "console.clients.vendor" => at(&format!("/console/clients/vendor?client_id={client}"), 200),
        "console.clients.vendor.submit" => at("/console/clients/vendor", 422),
        "console.client" => one("", 200),
        "console.client.secret" => one("/secret", 200),
        "console.client.change" => one("/change", 200),
        "console.client.change.submit" => one("/change", 422),
        "console.client.rename" => one("/rename", 200),
        "console.client.rename.submit" => one("/rename", 422),
        "console.client.rotate" => one("/rotate", 200),
        "console.client.rotate.submit" => one("/rotate", 303),
        "console.client.suspend" => one("/suspend", 200),
        "console.client.suspend.submit" => one("/suspend", 303),
        "console.client.resume" => one("/resume", 200),
        "console.client.resume.submit" => one("/resume", 303),
        "console.client.revoke" => one("/revoke", 200),
        "console.client.revoke.submit" => one("/revoke", 303),
        "console.webhook" => hook("", 200),
        // There is no such delivery.
        "console.webhook.replay" => hook(&format!("/deliveries/{grant}/replay"), 404),
        "console.webhook.range" => hook("/replay", 200),
        // Nothing is typed.
        "console.webhook.range.submit" => hook("/replay", 422),
        "console.webhook.stop" => hook("/stop", 200),
        "console.webhook.stop.submit" => hook("/stop", 303),
        "console.webhook.start" => hook("/start", 200),
        "console.webhook.start.submit" => hook("/start", 303),
        "console.webhook.test" => hook("/test", 200),
        "console.webhook.test.submit" => hook("/test", 303),
        "operator.clients" => at("/operator/clients", 200),
        "operator.clients.new" => at("/operator/clients/new", 200),
        "operator.clients.new.submit" => at("/operator/clients/new", 422),
        "operator.client" => vendors(""),
        "operator.client.secret" => vendors("/secret"),
        "operator.client.change" | "operator.client.change.submit" => vendors("/change"),
        "operator.client.rename" | "operator.client.rename.submit" => vendors("/rename"),
        "operator.client.rotate" | "operator.client.rotate.submit" => vendors("/rotate"),
        "operator.client.suspend" | "operator.client.suspend.submit" => vendors("/suspend"),
        "operator.client.resume" | "operator.client.resume.submit" => vendors("/resume"),
        "operator.client.revoke" | "operator.client.revoke.submit" => vendors("/revoke"),
        _ => return None,
    })
}
