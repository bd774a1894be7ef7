//! Log-in of staff: at an insurer's door with its code, at the operators' without. Both lead to the second factor.

use crate::browser::Browser;
use askama::Template;
use kernel::{Outcome, TenantSecret, Way};
use pages::{
    Reply, Visit, cookies,
    frame::Frame,
    next_path,
    reply::{self, see_other},
    visit::settle,
};
use poem::Response;
use staff::{LogInForm, LoggedIn, Stage, door_name, reasons};

#[derive(Template)]
#[template(path = "console/log_in.html")]
struct LogInPage {
    frame: Frame,
    door: Door,
    /// 保険者指定コード, as it was typed last.
    code: String,
    email: String,
    /// Where to go on; empty for home.
    next: String,
}

#[derive(Template)]
#[template(path = "console/log_in_link.html")]
struct LinkPage {
    frame: Frame,
    /// The link's secret, which the post uses up.
    token: String,
    email: String,
}

/// At whose door somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Insurer,
    Operator,
}

impl Door {
    pub(super) fn log_in(self) -> &'static str {
        match self {
            Self::Insurer => "/console/login",
            Self::Operator => "/operator/login",
        }
    }

    pub(super) fn password(self) -> &'static str {
        match self {
            Self::Insurer => "/console/password",
            Self::Operator => "/operator/password",
        }
    }

    /// True where the insurer's code is asked for.
    pub(super) fn asks_code(self) -> bool {
        self == Self::Insurer
    }

    /// The code of a form sent there.
    pub(super) fn code(self, visit: &Visit) -> Option<&str> {
        self.asks_code().then(|| visit.form.text("insurer_code"))
    }
}

/// The form; whoever is inside goes on to where they wanted.
pub(super) async fn show(door: Door, mut visit: Visit) -> Reply {
    let next = next_path::allowed_for_staff(&visit.services.table, visit.query.text("next"))
        .unwrap_or_default()
        .to_owned();
    let again = visit.again().await;
    // Whoever was refused, or has not proven a second factor yet, may want to be somebody else.
    if !again.is_refused()
        && let Some(session) = visit.console_session()
        && let Outcome::Done(clerk) = visit.services.staff.enter(&session).await?
        && clerk.stage == Stage::Full
    {
        visit.welcome_clerk(&clerk);
        let home = visit.frame().home();
        return Ok(see_other(if next.is_empty() { home } else { &next }));
    }
    let is_held = again.is_any(&[reasons::STAFF_WAIT, reasons::STAFF_LOCKED]);
    let mut errors = again.errors;
    if is_held {
        let way = Way::new(door.password(), "パスワードを再設定して、すぐにログインする");
        errors.ways.insert(0, way);
    }
    let typed = again.typed.get("insurer_code");
    visit.html(&LogInPage {
        frame: visit.frame().with_errors(errors),
        door,
        code: typed
            .or_else(|| visit.cookies.get(cookies::CONSOLE_INSURER))
            .unwrap_or_default()
            .to_owned(),
        email: again.typed.text("email").to_owned(),
        next,
    })
}

/// ログイン.
pub(super) async fn submit(door: Door, visit: Visit) -> Reply {
    let next = next_path::allowed_for_staff(&visit.services.table, visit.form.text("next"))
        .unwrap_or_default()
        .to_owned();
    let (code, email) = (door.code(&visit), visit.form.text("email"));
    let browser = Browser::of(&visit, cookies::CONSOLE_DEVICE);
    let form = LogInForm {
        code: code.map(str::to_owned),
        email: email.to_owned(),
        password: visit.form.text("password").to_owned(),
        device: browser.known_to(door_name(code, email).as_deref()).map(str::to_owned),
    };
    let staff = &visit.services.staff;
    match settle(staff.log_in(&visit.origin, &visit.agent, &form).await) {
        Ok(logged_in) => Ok(enter(&visit, &logged_in, &next, browser).await),
        Err(refusal) => {
            let page = next_path::with_next_for_staff(&visit.services.table, door.log_in(), &next);
            Ok(visit.form_again(&refusal, &page, &["insurer_code", "email"]).await)
        }
    }
}

/// To the second factor, with a session of their own: a browser has one, and its cookie is all that leads to the one
/// before, whoever's that was.
pub(super) async fn enter(visit: &Visit, logged_in: &LoggedIn, next: &str, browser: Browser) -> Response {
    if let Some(session) = visit.console_session()
        && let Err(outage) = visit.services.staff.log_out(&visit.origin, &session).await
    {
        edge::outage(&outage);
    }
    let to = next_path::with_next_for_staff(&visit.services.table, "/console/login/factor", next);
    let known = browser.with(Some(&logged_in.door_name));
    let response = visit.remember(
        see_other(&to),
        cookies::CONSOLE_DEVICE,
        &known,
        cookies::LONGEST_SECONDS,
    );
    let session = cookies::set_strict(cookies::CONSOLE, &logged_in.session.reveal());
    let response = reply::with_cookie(response, session);
    match &logged_in.insurer.code {
        Some(code) => {
            let kept = Some(cookies::LONGEST_SECONDS);
            reply::with_cookie(response, cookies::set(cookies::CONSOLE_INSURER, code.as_str(), kept))
        }
        None => response,
    }
}

/// The page behind the link of a reset second factor. Looking at it uses nothing up: mail programs look, too.
pub(super) async fn link(mut visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.query.text("token")).ok_or(reasons::STAFF_LINK_ENDED)?;
    let view = match visit.services.staff.factor_reset_link(&visit.origin, &link).await? {
        Outcome::Done(view) => view,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    visit.look = view.insurer;
    let errors = visit.again().await.errors;
    visit.html(&LinkPage {
        frame: visit.frame().with_errors(errors),
        token: link.reveal(),
        email: view.email,
    })
}

/// Log-in by that link.
pub(super) async fn link_submit(visit: Visit) -> Reply {
    let link = TenantSecret::parse_link(visit.form.text("token")).ok_or(reasons::STAFF_LINK_ENDED)?;
    let (staff, password) = (&visit.services.staff, visit.form.text("password"));
    match settle(staff.log_in_by_link(&visit.origin, &visit.agent, &link, password).await) {
        Ok(logged_in) => {
            let browser = Browser::of(&visit, cookies::CONSOLE_DEVICE);
            Ok(enter(&visit, &logged_in, "", browser).await)
        }
        Err(refusal) if ends(&refusal) => Err(refusal.into()),
        Err(refusal) => {
            let page = format!("/console/login/link?token={}", link.reveal());
            Ok(visit.form_again(&refusal, &page, &[]).await)
        }
    }
}

/// True where a mailed link leads no further.
pub(super) fn ends(refusal: &kernel::Refusal) -> bool {
    refusal.is_any(&[
        reasons::STAFF_LINK_ENDED,
        reasons::CONSOLE_CLOSED,
        reasons::STAFF_SUSPENDED,
    ])
}
