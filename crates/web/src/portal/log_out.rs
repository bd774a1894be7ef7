//! Log-out: a post, whatever state the session is in. By GET it only asks.

use crate::{
    cookies,
    frame::Frame,
    reply::{self, Reply, see_other},
    visit::Visit,
};
use askama::Template;
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

/// ログアウト. The browser forgets the session even where the database can't be told just now.
pub(super) async fn submit(visit: Visit) -> Reply {
    if let Some(session) = visit.session()
        && let Err(outage) = visit.services.accounts.log_out(&visit.origin, &session).await
    {
        edge::outage(&outage);
    }
    let ended = [cookies::SESSION, cookies::TICKET, cookies::DRAFT, cookies::REGISTERED];
    let mut response = ended.into_iter().fold(see_other("/portal/"), |response, name| {
        reply::with_cookie(response, cookies::clear(name))
    });
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    Ok(visit.done(response, "ログアウトしました。"))
}
