//! Log-out: a post, whatever state the session is in. By GET it only asks.

use askama::Template;
use pages::{
    cookies,
    frame::Frame,
    reply::{self, Reply, see_other},
    visit::Visit,
};
use poem::http::{HeaderName, HeaderValue};

#[derive(Template)]
#[template(path = "portal/log_out.html")]
struct LogOutPage {
    frame: Frame,
}

/// Asks whether to log out.
pub(super) async fn show(mut visit: Visit) -> Reply {
    visit.recognise().await?;
    visit.html(&LogOutPage { frame: visit.frame() })
}

/// ログアウト, whomever its page was shown for: whoever presses it wants nobody to be logged in here any more, and would
/// leave the machine in that belief.
pub(super) async fn submit(visit: Visit) -> Reply {
    visit.end_session().await;
    let ended = [cookies::SESSION, cookies::TICKET, cookies::DRAFT, cookies::REGISTERED];
    let mut response = ended.into_iter().fold(see_other("/portal/"), |response, name| {
        reply::with_cookie(response, cookies::clear(name))
    });
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        // Cookies are ended by name, so that other browsers' tabs keep the insurer's look; `"cache"` hangs Chrome and Edge for
        // seconds, and nothing personal is cached.
        HeaderValue::from_static("\"storage\""),
    );
    Ok(visit.done(response, "ログアウトしました。"))
}
