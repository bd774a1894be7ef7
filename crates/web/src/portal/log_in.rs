//! Log-in (manual 1-5), with what modules show below the form.

use accounts::{LogInForm, LoggedIn, reasons};
use askama::Template;
use kernel::{Outcome, SessionId, UserId, Way, outcome};
use pages::{
    Panel, PanelSource, Table, cookies,
    frame::{Frame, Menu},
    lines::panels,
    next_path,
    reply::{self, Reply, see_other},
    visit::{Visit, settle},
};
use poem::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "portal/log_in.html")]
struct LogInPage {
    frame: Frame,
    user_id: String,
    /// Where to go on; empty for the my page.
    next: String,
    /// The user ID registered a moment ago, to be written down.
    registered: Option<String>,
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
                return Ok(see_other(&onward(
                    &visit.services.table,
                    visit.menu == Menu::Waiting,
                    &next,
                )));
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
            .unwrap_or_else(|| again.typed.text("user_id").to_owned()),
        next,
        registered,
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
pub(super) async fn submit(visit: Visit) -> Reply {
    let next = next_path::allowed(&visit.services.table, visit.form.text("next"))
        .unwrap_or_default()
        .to_owned();
    let user_id = visit.form.text("user_id").to_owned();
    let browser = Browser::of(&visit);
    let form = LogInForm {
        user_id: user_id.clone(),
        password: visit.form.text("password").to_owned(),
        device: browser.known_to(&user_id).map(str::to_owned),
    };
    match settle(visit.services.accounts.log_in(&visit.origin, &visit.agent, form).await) {
        Ok(logged_in) => {
            // A browser has one session. Its cookie is all that leads to the one before, whoever's that was.
            visit.end_session().await;
            Ok(enter(visit, &logged_in, &next, &browser.with(&user_id)))
        }
        Err(refusal) => {
            let page = next_path::with_next(&visit.services.table, "/portal/", Some(&next));
            Ok(visit.form_again(&refusal, &page, &["user_id"]).await)
        }
    }
}

fn enter(mut visit: Visit, logged_in: &LoggedIn, next: &str, browser: &Browser) -> Response {
    let response = see_other(&onward(
        &visit.services.table,
        !logged_in.consents_required.is_empty(),
        next,
    ));
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

/// The browser, as it is known by its cookie: tries of its own user IDs are counted apart from strangers'.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Browser {
    name: String,
    /// Folded user IDs that have logged in with it, the last first.
    user_ids: Vec<String>,
}

impl Browser {
    /// A household may share one.
    const MOST_USER_IDS: usize = 6;

    pub(super) fn of(visit: &Visit) -> Self {
        visit.recall(cookies::DEVICE).unwrap_or_else(|| Self {
            name: SessionId::new(visit.now).to_string(),
            user_ids: vec![],
        })
    }

    /// Its name, where a user ID has logged in with it.
    pub(super) fn known_to(&self, user_id: &str) -> Option<&str> {
        let known = UserId::typed(user_id).is_ok_and(|id| self.user_ids.contains(&id.folded()));
        known.then_some(&*self.name)
    }

    pub(super) fn with(mut self, user_id: &str) -> Self {
        if let Ok(id) = UserId::typed(user_id) {
            self.user_ids.retain(|known| *known != id.folded());
            self.user_ids.insert(0, id.folded());
            self.user_ids.truncate(Self::MOST_USER_IDS);
        }
        self
    }
}

/// The terms come first, then what was asked for, else the my page.
fn onward(table: &Table, terms_due: bool, next: &str) -> String {
    match (terms_due, next) {
        (true, next) => next_path::with_next(table, "/portal/terms", Some(next)),
        (false, "") => "/portal/mypage".into(),
        (false, next) => next.to_owned(),
    }
}
