//! The platform's own pages: insurers, planned interruptions, what died, and who runs. Each is tried on a database of its
//! own where it looks over all insurers.

pub(super) mod dead;
mod drugs;
mod insurers;
mod maintenance;
mod nodes;
mod suspended;

use crate::operations::Installation;
use access::Role;
use kernel::TenantId;
use testkit::{TestApp, TestClerk, service_url, url_of};

/// A server with a database that no other test looks at, and an operator.
async fn alone() -> (Installation, TestApp, TestClerk) {
    let installation = Installation::new().await;
    let service = url_of(&service_url(), &installation.database);
    let app = Box::pin(TestApp::on(&installation.owner_url(), &service)).await;
    let operator = app.operator(&[Role::Operator]).await;
    (installation, app, operator)
}

/// What the platform's trail says of these actions.
async fn platform_trail(app: &TestApp, actions: &str) -> Vec<String> {
    let query = format!(
        "SELECT concat_ws(' ', action, actor_kind, actor_id) AS line FROM audit_events
         WHERE tenant_id = 0 AND action LIKE '{actions}' ORDER BY at, audit_id"
    );
    app.insurer.lines_of(TenantId::PLATFORM, &query).await
}

/// What the insurer's own says.
async fn trail(app: &TestApp, actions: &str) -> Vec<String> {
    let query = format!(
        "SELECT concat_ws(' ', action, actor_kind, actor_id) AS line FROM audit_events
         WHERE action LIKE '{actions}' ORDER BY at, audit_id"
    );
    app.insurer.lines(&query).await
}
