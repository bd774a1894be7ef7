//! The link by which whoever reads the old address stops a change that the desk has begun. Looking at it stops nothing: mail
//! programs look, too.

use accounts::reasons;
use askama::Template;
use kernel::{Outcome, TenantSecret, calendar};
use pages::{
    frame::Frame,
    reply::{self, Reply},
    visit::Visit,
};

const PATH: &str = "/portal/email/stop";

#[derive(Template)]
#[template(path = "portal/desk_email_stop.html")]
struct StopPage {
    frame: Frame,
    path: &'static str,
    token: String,
    /// The new address, masked.
    masked: String,
    counts_at: String,
}

/// `GET /portal/email/stop?token=`.
pub(crate) async fn ask(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.query.text("token")).ok_or(reasons::CHANGE_OVER)?;
    let found = match visit.services.accounts.desk_email_to_stop(&link).await? {
        Outcome::Done(found) => found,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    visit.look = found.insurer;
    visit.html(&StopPage {
        frame: visit.frame(),
        path: PATH,
        token: link.reveal(),
        masked: found.change.masked,
        counts_at: calendar::moment(found.change.counts_at),
    })
}

/// `POST /portal/email/stop`.
pub(crate) async fn stop(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.form.text("token")).ok_or(reasons::CHANGE_OVER)?;
    let accounts = &visit.services.accounts;
    let insurer = match accounts.stop_desk_email_by_link(&visit.origin, &link).await? {
        Outcome::Done(insurer) => insurer,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let response = reply::see_other("/portal/");
    let response = match visit.wear(&insurer) {
        Some(worn) => reply::with_cookie(response, worn),
        None => response,
    };
    Ok(visit.done(response, super::account::STOPPED))
}
