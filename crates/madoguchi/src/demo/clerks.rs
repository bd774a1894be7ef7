//! The demo's staff: of each sample insurer an administrator and somebody of benefits, who sees statements as no administrator does,
//! invited and accepted through the very use cases that pages and commands call. The second factor is set up at the first log-in,
//! as everybody's is.

use crate::{
    app::App,
    commands::{Failed, done, said},
};
use access::Role;
use audit::Origin;
use kernel::{TenantId, TenantSecret};
use staff::{AcceptForm, By, Grant, Invitation, Invited};

/// Somebody whom each insurer has.
pub(super) struct Sample {
    /// What they are there for.
    pub(super) what: &'static str,
    /// They log in with this address.
    pub(super) email: &'static str,
    /// What they are called.
    pub(super) name: &'static str,
    role: Role,
}

/// Who sets things up, and invites the others.
pub(super) const ADMINISTRATOR: Sample = Sample {
    what: "管理者",
    email: "kanri@example.jp",
    name: "管理 花子",
    role: Role::Administrator,
};
/// All of them.
pub(super) const CLERKS: [Sample; 2] = [
    ADMINISTRATOR,
    Sample {
        what: "給付担当（医療費・お薬の明細の取り込みと公開）",
        email: "kyufu-kakari@example.jp",
        name: "給付 次郎",
        role: Role::Benefits,
    },
];
/// The password of each.
pub(super) const PASSWORD: &str = "asagao-no-niwa-2026";

/// Invites them and accepts, but for whom an earlier start did.
pub(super) async fn bring(app: &App, tenant: TenantId) -> Result<(), Failed> {
    let there = app.staff.list(tenant).await.map_err(said)?;
    for clerk in CLERKS {
        if there.iter().any(|colleague| colleague.email == clerk.email) {
            continue;
        }
        let invitation = Invitation {
            email: clerk.email.into(),
            name: clerk.name.into(),
            grants: vec![Grant::all(clerk.role)],
        };
        let invited = app
            .staff
            .invite(&Origin::command(), By::Operator(tenant), &invitation)
            .await;
        let Invited::Sent(sent) = done(invited)? else {
            return Err(Failed::Said("the demo's invitation waits for another".into()));
        };
        accept(app, &sent.link, clerk.name).await?;
    }
    Ok(())
}

/// Accepts an invitation by its link.
pub(super) async fn accept(app: &App, link: &TenantSecret, name: &str) -> Result<(), Failed> {
    let origin = Origin::command();
    let form = AcceptForm {
        name: name.into(),
        password: PASSWORD.into(),
    };
    let session = done(app.staff.accept(&origin, "demo", link, &form).await)?.session;
    app.staff.log_out(&origin, &session).await.map_err(said)
}
