//! Log-in (manual 1-5), with the site's notices below the form.

use crate::{
    cookies,
    frame::{Errors, Frame, Menu},
    next_path,
    portal::notices::{self, Line},
    reply::{self, Reply, see_other},
    visit::{Visit, settle},
};
use accounts::{LogInForm, LoggedIn, Refusal};
use askama::Template;
use poem::Response;

#[derive(Template)]
#[template(path = "portal/log_in.html")]
struct LogInPage {
    frame: Frame,
    user_id: String,
    /// Where to go on; empty for the my page.
    next: String,
    /// The user ID registered a moment ago, to be written down.
    registered: Option<String>,
    notices: Vec<Line>,
}

/// `/` and `/portal`.
pub(super) async fn start(_visit: Visit) -> Reply {
    Ok(see_other("/portal/"))
}

/// The form; whoever is logged in goes on to where they wanted.
pub(super) async fn show(mut visit: Visit) -> Reply {
    let next = next_path::allowed(visit.query.text("next"))
        .unwrap_or_default()
        .to_owned();
    if visit.recognise().await?.is_some() {
        return Ok(see_other(&onward(visit.menu == Menu::Waiting, &next)));
    }
    let registered: Option<String> = visit.recall(cookies::REGISTERED);
    let page = LogInPage {
        frame: visit.frame(),
        user_id: registered.clone().unwrap_or_default(),
        next,
        registered,
        notices: site_notices(&visit).await,
    };
    let response = visit.html(&page)?;
    Ok(match visit.cookies.get(cookies::SESSION) {
        Some(_) => reply::with_cookie(response, cookies::clear(cookies::SESSION)),
        None => response,
    })
}

/// ログイン.
pub(super) async fn submit(visit: Visit) -> Reply {
    let next = next_path::allowed(visit.form.text("next"))
        .unwrap_or_default()
        .to_owned();
    let user_id = visit.form.text("user_id").to_owned();
    let form = LogInForm {
        user_id: user_id.clone(),
        password: visit.form.text("password").to_owned(),
    };
    match settle(visit.services.accounts.log_in(&visit.origin, &visit.agent, form).await) {
        Ok(logged_in) => Ok(enter(visit, &logged_in, &next)),
        Err(refusal) => {
            // In a rush of log-ins a refused one costs no look-up more.
            let notices = if refusal == Refusal::Overloaded {
                vec![]
            } else {
                site_notices(&visit).await
            };
            let frame = visit.frame().with_errors(Errors::new(&refusal, visit.now));
            visit.form_again(
                &refusal,
                &LogInPage {
                    frame,
                    user_id,
                    next,
                    registered: None,
                    notices,
                },
            )
        }
    }
}

fn enter(mut visit: Visit, logged_in: &LoggedIn, next: &str) -> Response {
    let response = see_other(&onward(!logged_in.consents_required.is_empty(), next));
    let response = reply::with_cookie(
        response,
        cookies::set(cookies::SESSION, &logged_in.session.reveal(), None),
    );
    let response = reply::with_cookie(response, cookies::clear(cookies::REGISTERED));
    match visit.wear(&logged_in.insurer) {
        Some(worn) => reply::with_cookie(response, worn),
        None => response,
    }
}

/// The terms come first, then what was asked for, else the my page.
fn onward(terms_due: bool, next: &str) -> String {
    match (terms_due, next) {
        (true, next) => next_path::with_next("/portal/terms", Some(next)),
        (false, "") => "/portal/mypage".into(),
        (false, next) => next.to_owned(),
    }
}

/// The page works without them.
async fn site_notices(visit: &Visit) -> Vec<Line> {
    match visit.services.notices.site_notices().await {
        Ok(notices) => notices::lines(&notices, "/portal/site-notices"),
        Err(error) => {
            tracing::warn!(%error, "site notices unread");
            vec![]
        }
    }
}
