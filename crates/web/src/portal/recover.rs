//! Forgotten password and forgotten user ID (manual 1-5). Each has one answer, whatever is true.

use crate::{
    browser::Browser,
    portal::{
        identity_fields::{Choice, IdentityFields},
        log_in::folded,
        sign_up::SIGN_UP,
    },
};
use accounts::{ResetForm, fields, reasons};
use askama::Template;
use kernel::{Outcome, TenantSecret};
use pages::{
    cookies,
    frame::Frame,
    reply::{self, Reply, see_other},
    visit::{Visit, settle},
    words,
};

/// Where a forgotten user ID is asked for.
pub(super) const USER_ID: &str = "/portal/user-id";

#[derive(Template)]
#[template(path = "portal/recover_password.html")]
struct PasswordPage {
    frame: Frame,
    user_id: String,
    /// True on the page after the post.
    sent: bool,
}

#[derive(Template)]
#[template(path = "portal/recover_reset.html")]
struct ResetPage {
    frame: Frame,
    /// The link's secret, which the post uses up.
    token: String,
    password_rule: String,
}

#[derive(Template)]
#[template(path = "portal/recover_user_id.html")]
struct UserIdPage {
    frame: Frame,
    identity: IdentityFields,
    years: Vec<Choice>,
    sent: bool,
}

impl UserIdPage {
    fn new(visit: &Visit, frame: Frame, identity: IdentityFields, sent: bool) -> Self {
        Self {
            frame,
            years: identity.years(visit.now),
            identity,
            sent,
        }
    }

    fn asks_employee_number(&self) -> bool {
        self.frame.insurer.sign_up.employee_number
    }
}

/// パスワードを忘れた方.
pub(super) async fn password(visit: Visit) -> Reply {
    let sent = visit.query.get("sent").is_some();
    let again = visit.again().await;
    visit.html(&PasswordPage {
        frame: visit.frame().with_errors(again.errors),
        user_id: again.typed.text("user_id").to_owned(),
        sent,
    })
}

/// Asks for the mail with the link.
pub(super) async fn password_submit(visit: Visit) -> Reply {
    let user_id = visit.form.text("user_id");
    let browser = Browser::of(&visit, cookies::DEVICE);
    let device = browser.known_to(folded(user_id).as_deref());
    let asked = visit.services.accounts.forgot_password(&visit.origin, user_id, device);
    match settle(asked.await) {
        Ok(()) => Ok(see_other("/portal/password?sent=1")),
        Err(refusal) => Ok(visit.form_again(&refusal, "/portal/password", &["user_id"]).await),
    }
}

/// The page behind the mailed link. Looking at it uses nothing up: mail programs look, too.
pub(super) async fn reset(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.query.text("token")).ok_or(reasons::LINK_EXPIRED)?;
    match visit.services.accounts.reset_link(&visit.origin, &link).await? {
        Outcome::Done(view) => visit.look = view.insurer,
        Outcome::Refused(refusal) => {
            wear_link(&mut visit, &link).await;
            return Err(refusal.into());
        }
    }
    let errors = visit.again().await.errors;
    visit.html(&ResetPage {
        frame: visit
            .frame()
            .with_errors(errors.labelled(&fields::PASSWORD, "新しいパスワード")),
        token: link.reveal(),
        password_rule: words::password_rule(visit.look.password.minimum_length),
    })
}

/// Sets the new password. Nobody is logged in by it.
pub(super) async fn reset_submit(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.form.text("token")).ok_or(reasons::LINK_EXPIRED)?;
    let form = ResetForm {
        password: visit.form.text("password").to_owned(),
    };
    match settle(visit.services.accounts.reset_password(&visit.origin, &link, form).await) {
        Ok(insurer) => {
            visit.end_session().await;
            let mut response = reply::with_cookie(see_other("/portal/"), cookies::clear(cookies::SESSION));
            // Wrong tries that this browser had on its own count are over as well.
            response = reply::with_cookie(response, cookies::clear(cookies::DEVICE));
            if let Some(worn) = visit.wear(&insurer) {
                response = reply::with_cookie(response, worn);
            }
            Ok(visit.done(
                response,
                "パスワードを変更しました。新しいパスワードでログインしてください。",
            ))
        }
        Err(refusal)
            if refusal.is_any(&[
                reasons::LINK_EXPIRED,
                reasons::INSURER_SUSPENDED,
                reasons::COVERAGE_ENDED,
            ]) =>
        {
            wear_link(&mut visit, &link).await;
            Err(refusal.into())
        }
        Err(refusal) => {
            let page = format!("/portal/password/reset?token={}", link.reveal());
            Ok(visit.form_again(&refusal, &page, &[]).await)
        }
    }
}

/// ユーザーIDを忘れた方.
pub(super) async fn user_id(visit: Visit) -> Reply {
    let sent = visit.query.get("sent").is_some();
    let again = visit.again().await;
    let frame = visit.frame().with_errors(again.errors);
    let typed = [again.typed, visit.carried(SIGN_UP).await];
    let identity = match typed.iter().find(|form| !form.is_empty()) {
        Some(form) => IdentityFields::read(form),
        None => IdentityFields::of(&visit.look),
    };
    visit.html(&UserIdPage::new(&visit, frame, identity, sent))
}

/// Asks for the mail with the user ID.
pub(super) async fn user_id_submit(mut visit: Visit) -> Reply {
    let identity = IdentityFields::read(&visit.form);
    let worn = visit.wear_typed(&identity.insurer_code).await;
    let response = match settle(
        visit
            .services
            .accounts
            .forgot_user_id(&visit.origin, &identity.form())
            .await,
    ) {
        Ok(()) => see_other("/portal/user-id?sent=1"),
        Err(refusal) => {
            let kept = IdentityFields::kept(&refusal);
            visit.form_again(&refusal, USER_ID, kept).await
        }
    };
    Ok(match worn {
        Some(cookie) => reply::with_cookie(response, cookie),
        None => response,
    })
}

/// The link names its insurer.
async fn wear_link(visit: &mut Visit, link: &TenantSecret) {
    if let Ok(Some(insurer)) = visit.services.accounts.directory().by_tenant(link.tenant).await {
        visit.look = insurer;
    }
}
