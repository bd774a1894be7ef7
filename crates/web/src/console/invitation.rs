//! The page behind an invitation: name and password, and on to the second factor.

use crate::{
    browser::Browser,
    console::log_in::{ends, enter},
};
use askama::Template;
use kernel::{Outcome, TenantSecret};
use pages::{Reply, Visit, cookies, frame::Frame, visit::settle, words};
use staff::{AcceptForm, PASSWORD_RULE, reasons};

#[derive(Template)]
#[template(path = "console/invitation.html")]
struct InvitationPage {
    frame: Frame,
    /// The link's secret, which the post uses up.
    token: String,
    email: String,
    person: String,
    password_rule: String,
}

/// Who invites whom. Looking at it uses nothing up: mail programs look, too.
pub(super) async fn show(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.query.text("token")).ok_or(reasons::STAFF_LINK_ENDED)?;
    let view = match visit.services.staff.invitation(&visit.origin, &link).await? {
        Outcome::Done(view) => view,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    visit.look = view.insurer;
    let again = visit.again().await;
    visit.html(&InvitationPage {
        frame: visit.frame().with_errors(again.errors),
        token: link.reveal(),
        email: view.email,
        person: again.typed.get("name").unwrap_or(&view.name).to_owned(),
        password_rule: words::password_rule(PASSWORD_RULE.minimum_length),
    })
}

/// Accepts it.
pub(super) async fn submit(visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.form.text("token")).ok_or(reasons::STAFF_LINK_ENDED)?;
    let form = AcceptForm {
        name: visit.form.text("name").to_owned(),
        password: visit.form.text("password").to_owned(),
    };
    let staff = &visit.services.staff;
    match settle(staff.accept(&visit.origin, &visit.agent, &link, &form).await) {
        Ok(logged_in) => {
            let browser = Browser::of(&visit, cookies::CONSOLE_DEVICE);
            Ok(enter(&visit, &logged_in, "", browser).await)
        }
        Err(refusal) if ends(&refusal) => Err(refusal.into()),
        Err(refusal) => {
            let page = format!("/console/invitation?token={}", link.reveal());
            Ok(visit.form_again(&refusal, &page, &["name"]).await)
        }
    }
}
