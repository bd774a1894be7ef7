//! Log-in (manual 1-5), with what modules show below the form.

use crate::browser::Browser;
use accounts::{LogInForm, LoggedIn, reasons};
use askama::Template;
use kernel::{Outcome, UserId, Way, outcome};
use pages::{
    Panel, PanelSource, Table, cookies,
    frame::{Frame, Menu},
    lines::panels,
    next_path,
    reply::{self, Reply, see_other},
    visit::{Visit, settle},
};
use poem::Response;
use std::sync::Arc;

/// The field that asks to remember the user ID.
const REMEMBER: &str = "remember";

#[derive(Template)]
#[template(path = "portal/log_in.html")]
struct LogInPage {
    frame: Frame,
    user_id: String,
    /// Where to go on; empty for the my page.
    next: String,
    /// The user ID registered a moment ago, to be written down.
    registered: Option<String>,
    /// The user ID that this browser remembers, where the page is filled in with it.
    remembered: Option<String>,
    /// Whether it was to be remembered, on a form that was refused.
    ticked: bool,
    panels: Vec<Panel>,
}

/// `/` and `/portal`.
pub(super) async fn start(_visit: Visit) -> Reply {
    Ok(see_other("/portal/"))
}

/// The form; whoever is logged in goes on to where they wanted. Whoever has just registered sees their user ID first, also
/// on a machine where somebody else is logged in.
pub(super) async fn show(sources: Arc<[PanelSource]>, mut visit: Visit) -> Reply {
    let next = next_path::allowed(&visit.services.table, visit.query.text("next"))
        .unwrap_or_default()
        .to_owned();
    let again = visit.again().await;
    let registered: Option<String> = visit.recall(cookies::REGISTERED).filter(|_| !again.is_refused());
    let mut is_over = false;
    // Whoever was refused wanted to be somebody else.
    if registered.is_none() && !again.is_refused() {
        match visit.entered().await? {
            Some(Outcome::Done(_)) => {
                return Ok(see_other(&onward(&visit.services.table, visit.menu, &next)));
            }
            // Whom the insurer lets in again goes on where they were.
            Some(Outcome::Refused(refusal)) => is_over = refusal.is(reasons::SESSION_ENDED),
            None => is_over = visit.cookies.get(cookies::SESSION).is_some(),
        }
    }
    // In a rush of log-ins a refused one costs no look-up more.
    let panels = if again.is(outcome::OVERLOADED) {
        vec![]
    } else {
        panels(&sources).await
    };
    // A refused form shows what was typed, which may be another's, and the ID registered just now comes first.
    let remembered: Option<String> = visit
        .recall(cookies::REMEMBERED)
        .filter(|_| !again.is_refused() && registered.is_none());
    let may_reset = again.is_any(&[reasons::WAIT, reasons::LOG_IN_LOCKED]);
    let mut errors = again.errors;
    if may_reset {
        let way = Way::new("/portal/password", "パスワードを再設定して、すぐにログインする");
        errors.ways.insert(0, way);
    }
    let page = LogInPage {
        frame: visit.frame().with_errors(errors),
        user_id: registered
            .clone()
            .or_else(|| remembered.clone())
            .unwrap_or_else(|| again.typed.text("user_id").to_owned()),
        ticked: again.typed.get(REMEMBER).is_some(),
        next,
        registered,
        remembered,
        panels,
    };
    let response = visit.html(&page)?;
    Ok(if is_over {
        reply::with_cookie(response, cookies::clear(cookies::SESSION))
    } else {
        response
    })
}

/// ログイン.
pub(super) async fn submit(mut visit: Visit) -> Reply {
    let next = next_path::allowed(&visit.services.table, visit.form.text("next"))
        .unwrap_or_default()
        .to_owned();
    let user_id = visit.form.text("user_id").to_owned();
    let (browser, folded) = (Browser::of(&visit, cookies::DEVICE), folded(&user_id));
    let form = LogInForm {
        user_id: user_id.clone(),
        password: visit.form.text("password").to_owned(),
        device: browser.known_to(folded.as_deref()).map(str::to_owned),
    };
    match settle(visit.services.accounts.log_in(&visit.origin, &visit.agent, form).await) {
        Ok(logged_in) => {
            // A browser has one session. Its cookie is all that leads to the one before, whoever's that was.
            visit.end_session().await;
            let wished = visit.form.get(REMEMBER).is_some();
            let remembered = wished || remembers(&visit, &user_id);
            let response = enter(&mut visit, &logged_in, &next, &browser.with(folded.as_deref()));
            Ok(match UserId::typed(&user_id) {
                Ok(id) if remembered => {
                    visit.remember(response, cookies::REMEMBERED, &id.as_str(), cookies::LONGEST_SECONDS)
                }
                _ => response,
            })
        }
        Err(refusal) => {
            let page = next_path::with_next(&visit.services.table, "/portal/", Some(&next));
            Ok(visit.form_again(&refusal, &page, &["user_id", REMEMBER]).await)
        }
    }
}

/// 別のIDでログインする: the browser forgets the user ID that it remembers.
pub(super) async fn forget(visit: Visit) -> Reply {
    let next = next_path::allowed(&visit.services.table, visit.form.text("next"));
    let page = next_path::with_next(&visit.services.table, "/portal/", next);
    Ok(reply::with_cookie(
        see_other(&page),
        cookies::clear(cookies::REMEMBERED),
    ))
}

/// The browser forgets the user ID that it remembers, where it is this one.
pub(super) fn forget_if(visit: &Visit, response: Response, user_id: &UserId) -> Response {
    if remembers(visit, user_id.as_str()) {
        reply::with_cookie(response, cookies::clear(cookies::REMEMBERED))
    } else {
        response
    }
}

fn remembers(visit: &Visit, user_id: &str) -> bool {
    let remembered: Option<String> = visit.recall(cookies::REMEMBERED);
    remembered.is_some_and(|remembered| folded(&remembered) == folded(user_id))
}

fn enter(visit: &mut Visit, logged_in: &LoggedIn, next: &str, browser: &Browser) -> Response {
    let menu = Menu::after(logged_in.access, !logged_in.consents_required.is_empty());
    let response = see_other(&onward(&visit.services.table, menu, next));
    let response = visit.remember(response, cookies::DEVICE, browser, cookies::LONGEST_SECONDS);
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

/// A user ID as browsers know it.
pub(super) fn folded(user_id: &str) -> Option<String> {
    UserId::typed(user_id).ok().map(|id| id.folded())
}

/// The terms come first, then what was asked for, else the member's first page.
fn onward(table: &Table, menu: Menu, next: &str) -> String {
    if menu == Menu::Waiting {
        return next_path::with_next(table, "/portal/terms", Some(next));
    }
    next_path::allowed_for(table, menu, next)
        .unwrap_or(menu.home())
        .to_owned()
}
