//! The demo's staff: an administrator of each sample insurer, invited and accepted through the very use cases that pages
//! and commands call. The second factor is set up at the first log-in, as everybody's is.

use crate::{
    app::App,
    commands::{Failed, said},
};
use access::Role;
use audit::Origin;
use kernel::{Outage, Outcome, TenantSecret};
use mail::Mailbox;
use staff::{AcceptForm, By, Grant, Invitation};
use tenancy::Insurer;

/// Each insurer's administrator logs in with this address.
pub(super) const EMAIL: &str = "kanri@example.jp";
/// And this password.
pub(super) const PASSWORD: &str = "asagao-no-niwa-2026";
const NAME: &str = "管理 花子";

/// Invites the administrator and accepts, unless an earlier start did.
pub(super) async fn administrator(app: &App, mailbox: &Mailbox, insurer: &Insurer) -> Result<(), Failed> {
    let tenant = insurer.tenant_id;
    if !app.staff.list(tenant).await.map_err(said)?.is_empty() {
        return Ok(());
    }
    let origin = Origin::command();
    let invitation = Invitation {
        email: EMAIL.into(),
        name: NAME.into(),
        grants: vec![Grant::all(Role::Administrator)],
    };
    done(app.staff.invite(&origin, By::Operator(tenant), &invitation).await)?;
    app.worker.run_once().await?;
    let mails = mailbox.mails_to(EMAIL);
    let link = mails.first().and_then(|mail| link_in(&mail.text));
    let link = link.ok_or_else(|| Failed::Said("the demo's invitation did not arrive".into()))?;
    let form = AcceptForm {
        name: NAME.into(),
        password: PASSWORD.into(),
    };
    let session = done(app.staff.accept(&origin, "demo", &link, &form).await)?.session;
    app.staff.log_out(&origin, &session).await.map_err(said)
}

/// The secret of a mail's link.
fn link_in(text: &str) -> Option<TenantSecret> {
    let (_, rest) = text.split_once("token=")?;
    TenantSecret::parse_link(rest.split_whitespace().next()?)
}

fn done<T>(outcome: Result<Outcome<T>, Outage>) -> Result<T, Failed> {
    match outcome.map_err(said)? {
        Outcome::Done(value) => Ok(value),
        Outcome::Refused(refusal) => Err(Failed::Said(format!(
            "the demo's administrator was refused: {refusal:?}"
        ))),
    }
}
