//! The demo's staff: an administrator of each sample insurer, invited and accepted through the very use cases that pages
//! and commands call. The second factor is set up at the first log-in, as everybody's is.

use crate::{
    app::App,
    commands::{Failed, done, said},
};
use access::Role;
use audit::Origin;
use kernel::{TenantId, TenantSecret};
use staff::{AcceptForm, By, Grant, Invitation, Invited};

/// Each insurer's administrator logs in with this address.
pub(super) const EMAIL: &str = "kanri@example.jp";
/// And this password.
pub(super) const PASSWORD: &str = "asagao-no-niwa-2026";
const NAME: &str = "管理 花子";

/// Invites the administrator and accepts, unless an earlier start did.
pub(super) async fn administrator(app: &App, tenant: TenantId) -> Result<(), Failed> {
    if !app.staff.list(tenant).await.map_err(said)?.is_empty() {
        return Ok(());
    }
    let invitation = Invitation {
        email: EMAIL.into(),
        name: NAME.into(),
        grants: vec![Grant::all(Role::Administrator)],
    };
    let invited = app
        .staff
        .invite(&Origin::command(), By::Operator(tenant), &invitation)
        .await;
    let Invited::Sent(sent) = done(invited)? else {
        return Err(Failed::Said("the demo's invitation waits for another".into()));
    };
    accept(app, &sent.link).await
}

/// Accepts an invitation by its link.
pub(super) async fn accept(app: &App, link: &TenantSecret) -> Result<(), Failed> {
    let origin = Origin::command();
    let form = AcceptForm {
        name: NAME.into(),
        password: PASSWORD.into(),
    };
    let session = done(app.staff.accept(&origin, "demo", link, &form).await)?.session;
    app.staff.log_out(&origin, &session).await.map_err(said)
}
