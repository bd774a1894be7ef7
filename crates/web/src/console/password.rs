//! A forgotten password of staff: one answer whatever is true, and the page behind the mailed link.

use crate::{
    browser::Browser,
    console::log_in::{Door, ends},
};
use askama::Template;
use kernel::{Outcome, TenantSecret};
use pages::{
    Reply, Visit, cookies,
    frame::Frame,
    reply::{self, see_other},
    visit::settle,
    words,
};
use staff::{PASSWORD_RULE, door_name, fields, reasons};

#[derive(Template)]
#[template(path = "console/password.html")]
struct PasswordPage {
    frame: Frame,
    door: Door,
    code: String,
    email: String,
    /// True on the page after the post.
    sent: bool,
}

#[derive(Template)]
#[template(path = "console/password_reset.html")]
struct ResetPage {
    frame: Frame,
    /// The link's secret, which the post uses up.
    token: String,
    email: String,
    password_rule: String,
}

/// パスワードを忘れた方.
pub(super) async fn show(door: Door, visit: Visit) -> Reply {
    let again = visit.again().await;
    let typed = again.typed.get("insurer_code");
    visit.html(&PasswordPage {
        frame: visit.frame().with_errors(again.errors),
        door,
        code: typed
            .or_else(|| visit.cookies.get(cookies::CONSOLE_INSURER))
            .unwrap_or_default()
            .to_owned(),
        email: again.typed.text("email").to_owned(),
        sent: visit.query.get("sent").is_some(),
    })
}

/// Asks for the mail with the link.
pub(super) async fn submit(door: Door, visit: Visit) -> Reply {
    let (code, email) = (door.code(&visit), visit.form.text("email"));
    let browser = Browser::of(&visit, cookies::CONSOLE_DEVICE);
    let device = browser.known_to(door_name(code, email).as_deref());
    let staff = &visit.services.staff;
    match settle(staff.forgot_password(&visit.origin, code, email, device).await) {
        Ok(()) => Ok(see_other(&format!("{}?sent=1", door.password()))),
        Err(refusal) => Ok(visit
            .form_again(&refusal, door.password(), &["insurer_code", "email"])
            .await),
    }
}

/// The page behind the mailed link. Looking at it uses nothing up.
pub(super) async fn reset(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.query.text("token")).ok_or(reasons::STAFF_LINK_ENDED)?;
    let view = match visit.services.staff.reset_link(&visit.origin, &link).await? {
        Outcome::Done(view) => view,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    visit.look = view.insurer;
    let errors = visit.again().await.errors;
    visit.html(&ResetPage {
        frame: visit
            .frame()
            .with_errors(errors.labelled(&fields::PASSWORD, "新しいパスワード")),
        token: link.reveal(),
        email: view.email,
        password_rule: words::password_rule(PASSWORD_RULE.minimum_length),
    })
}

/// Sets the new password. Nobody is logged in by it.
pub(super) async fn reset_submit(visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.form.text("token")).ok_or(reasons::STAFF_LINK_ENDED)?;
    let (staff, typed) = (&visit.services.staff, visit.form.text("password"));
    match settle(staff.reset_password(&visit.origin, &link, typed).await) {
        Ok(insurer) => {
            let door = if insurer.is_platform() {
                Door::Operator
            } else {
                Door::Insurer
            };
            // Wrong tries that this browser had on its own count are over as well.
            let ended = [cookies::CONSOLE, cookies::CONSOLE_DEVICE];
            let response = ended.into_iter().fold(see_other(door.log_in()), |response, name| {
                reply::with_cookie(response, cookies::clear(name))
            });
            Ok(visit.done(
                response,
                "パスワードを変更しました。新しいパスワードでログインしてください。",
            ))
        }
        Err(refusal) if ends(&refusal) => Err(refusal.into()),
        Err(refusal) => {
            let page = format!("/console/password/reset?token={}", link.reveal());
            Ok(visit.form_again(&refusal, &page, &[]).await)
        }
    }
}
