//! マイページの登録の取りやめ: the member closes their own account, the present password first.

use crate::portal::{account::ACCOUNT, log_in};
use accounts::{Member, reasons};
use askama::Template;
use pages::{
    cookies,
    frame::Frame,
    reply::{self, Reply},
    visit::{Visit, settle},
};

const PAGE: &str = "/portal/account/close";

#[derive(Template)]
#[template(path = "portal/close.html")]
struct ClosePage {
    frame: Frame,
    user_id: String,
}

/// `GET /portal/account/close`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let errors = visit.again().await.errors;
    visit.html(&ClosePage {
        frame: visit.frame().in_section(ACCOUNT).with_errors(errors),
        user_id: member.user_id.as_str().to_owned(),
    })
}

/// `POST /portal/account/close`.
pub(crate) async fn submit(visit: Visit, member: Member) -> Reply {
    let password = visit.form.text("current_password");
    match settle(
        visit
            .services
            .accounts
            .close_own(&visit.origin, &member, password)
            .await,
    ) {
        Ok(()) => {
            let response = reply::with_cookie(reply::see_other("/portal/"), cookies::clear(cookies::SESSION));
            let response = log_in::forget_if(&visit, response, &member.user_id);
            Ok(visit.done(
                response,
                "マイページの登録を取りやめました。ご利用ありがとうございました。",
            ))
        }
        Err(refusal) if refusal.is(reasons::SESSION_ENDED) => Ok(visit.to_log_in()),
        Err(refusal) => Ok(visit.form_again(&refusal, PAGE, &[]).await),
    }
}
