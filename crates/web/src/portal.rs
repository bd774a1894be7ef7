//! The portal's one route table. It mounts the routes, feeds the isolation test and tells log-in where it may lead back
//! to. An address that is not in it does not exist.
//!
//! To add a page:
//! 1. Write `src/portal/<feature>.rs` with an `async fn` per route and `templates/portal/<feature>.html`, which begins with
//!    `{% extends "layout.html" %}{% import "macros/form.html" as form %}` and fills the blocks `title` and `main`.
//! 2. Its template struct has a field `frame: Frame` (`visit.frame()`, then `.in_section("/portal/notices")` to mark the
//!    menu, `.with_errors(Errors::new(&refusal, visit.now))` to show what was refused).
//! 3. Answer with `visit.html(&page)`, after a post with `visit.done(see_other("/portal/…"), "…しました")`, on a refused
//!    form with `visit.form_again(&refusal, &page)`; `visit::settle(…)` turns a use case's result into `Result<T, Refusal>`.
//!    Everything else goes by `?`: a [`Trouble`](crate::visit::Trouble) becomes its page.
//! 4. Add a line below. `public` and `ticket` take `page!(f)` with `f(Visit)`; `session` and `member` take `inside!(f)` with
//!    `f(Visit, Member, TenantTransaction)` for GET, or `inside!(f)` with `f(Visit, Member)` for whatever calls use cases
//!    with transactions of their own.
//! 5. Name the route in the isolation test; it fails until you do.

mod accessibility;
mod account;
mod device;
mod email_change;
mod guides;
mod help;
mod identity_fields;
mod log_in;
mod log_out;
mod logo;
mod my_page;
mod notices;
mod recover;
mod sign_up;
mod sign_up_account;
mod sign_up_code;
mod site_notices;
mod terms;

use crate::{assets, reply::Reply, visit::Visit};
use accounts::Member;
use edge::{Access, Route};
use poem::http::Method;
use std::{future::Future, pin::Pin, sync::LazyLock};

/// A handler's answer under way.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What serves a route. Which kind it is says what the mounting code finds out before.
#[derive(Debug, Clone, Copy)]
pub struct Handler(pub(crate) Kind);

/// The kinds of handlers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// For anybody.
    Open(OpenHandler),
    /// For a member.
    Inside(InsideHandler),
}

type OpenHandler = fn(Visit) -> Answer;
type InsideHandler = fn(Visit, Member) -> Answer;

macro_rules! page {
    ($handler:path) => {
        |visit| Box::pin($handler(visit))
    };
}

macro_rules! inside {
    ($handler:path) => {
        |visit, member| Box::pin($handler(visit, member))
    };
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// Every route of the portal.
pub static ROUTES: LazyLock<Vec<Route<Handler>>> = LazyLock::new(|| {
    vec![
        public(GET, "/", "start", page!(log_in::start)),
        public(GET, "/portal", "portal", page!(log_in::start)),
        public(GET, "/assets/:name", "asset", page!(assets::show)),
        public(GET, "/portal/logo/:insurer/:hash", "logo", page!(logo::show)),
        public(
            GET,
            "/portal/accessibility",
            "accessibility",
            page!(accessibility::show),
        ),
        // Sign-up (manual 1-1 to 1-4)
        public(GET, "/portal/signup.ibss", "sign_up.printed", page!(sign_up::printed)),
        public(GET, "/portal/signup", "sign_up", page!(sign_up::show)),
        public(POST, "/portal/signup", "sign_up.identify", page!(sign_up::submit)),
        ticket(
            GET,
            "/portal/signup/account",
            "sign_up.account",
            page!(sign_up_account::show),
        ),
        ticket(
            POST,
            "/portal/signup/account",
            "sign_up.create",
            page!(sign_up_account::submit),
        ),
        ticket(GET, "/portal/signup/code", "sign_up.code", page!(sign_up_code::show)),
        ticket(
            POST,
            "/portal/signup/code",
            "sign_up.confirm",
            page!(sign_up_code::submit),
        ),
        ticket(
            POST,
            "/portal/signup/code/resend",
            "sign_up.resend",
            page!(sign_up_code::resend),
        ),
        // Log-in and recovery (manual 1-5)
        public(GET, "/portal/", "log_in", page!(log_in::show)),
        public(POST, "/portal/", "log_in.submit", page!(log_in::submit)),
        public(GET, "/portal/logout", "log_out", page!(log_out::show)),
        public(POST, "/portal/logout", "log_out.submit", page!(log_out::submit)),
        public(GET, "/portal/password", "recover.password", page!(recover::password)),
        public(
            POST,
            "/portal/password",
            "recover.password_submit",
            page!(recover::password_submit),
        ),
        public(GET, "/portal/password/reset", "recover.reset", page!(recover::reset)),
        public(
            POST,
            "/portal/password/reset",
            "recover.reset_submit",
            page!(recover::reset_submit),
        ),
        public(GET, "/portal/user-id", "recover.user_id", page!(recover::user_id)),
        public(
            POST,
            "/portal/user-id",
            "recover.user_id_submit",
            page!(recover::user_id_submit),
        ),
        // Terms (manual 1-6)
        session(GET, "/portal/terms", "terms", inside!(terms::show)),
        session(POST, "/portal/terms", "terms.accept", inside!(terms::submit)),
        // My page (manual 1-7) and what it leads to
        member(GET, "/portal/mypage", "my_page", inside!(my_page::show)),
        member(GET, "/portal/notices", "notices", inside!(notices::show)),
        member(GET, "/portal/notices/:id", "notices.open", inside!(notices::open)),
        member(GET, "/portal/guides/:slug", "guides", inside!(guides::show)),
        public(GET, "/portal/site-notices", "site_notices", page!(site_notices::show)),
        public(
            GET,
            "/portal/site-notices/:id",
            "site_notices.open",
            page!(site_notices::open),
        ),
        public(GET, "/portal/help", "help", page!(help::show)),
        // Account
        member(GET, "/portal/account", "account", inside!(account::show)),
        member(
            GET,
            "/portal/account/password",
            "account.password",
            inside!(account::password),
        ),
        member(
            POST,
            "/portal/account/password",
            "account.password_submit",
            inside!(account::change_password),
        ),
        member(
            POST,
            "/portal/account/sessions/:id/end",
            "account.end_session",
            inside!(account::end_session),
        ),
        member(
            POST,
            "/portal/account/sessions/end-others",
            "account.end_others",
            inside!(account::end_others),
        ),
        member(
            GET,
            "/portal/account/consents",
            "account.consents",
            inside!(account::consents),
        ),
        member(
            GET,
            "/portal/account/consents/:document/:revision",
            "account.consent",
            inside!(account::consent),
        ),
        member(
            GET,
            "/portal/account/email",
            "email_change",
            inside!(email_change::show),
        ),
        member(
            POST,
            "/portal/account/email",
            "email_change.submit",
            inside!(email_change::submit),
        ),
        member(
            GET,
            "/portal/account/email/code",
            "email_change.code",
            inside!(email_change::code),
        ),
        member(
            POST,
            "/portal/account/email/code",
            "email_change.confirm",
            inside!(email_change::confirm),
        ),
        member(
            POST,
            "/portal/account/email/code/resend",
            "email_change.resend",
            inside!(email_change::resend),
        ),
    ]
});

fn public(method: Method, path: &'static str, name: &'static str, handler: OpenHandler) -> Route<Handler> {
    Route {
        method,
        path,
        name,
        access: Access::Public,
        handler: Handler(Kind::Open(handler)),
    }
}

fn ticket(method: Method, path: &'static str, name: &'static str, handler: OpenHandler) -> Route<Handler> {
    Route {
        method,
        path,
        name,
        access: Access::Ticket,
        handler: Handler(Kind::Open(handler)),
    }
}

fn session(method: Method, path: &'static str, name: &'static str, handler: InsideHandler) -> Route<Handler> {
    Route {
        method,
        path,
        name,
        access: Access::Session,
        handler: Handler(Kind::Inside(handler)),
    }
}

fn member(method: Method, path: &'static str, name: &'static str, handler: InsideHandler) -> Route<Handler> {
    Route {
        method,
        path,
        name,
        access: Access::Member,
        handler: Handler(Kind::Inside(handler)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_one_and_its_handler_fits_its_access() {
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for route in ROUTES.iter() {
            assert!(names.insert(route.name), "{} twice", route.name);
            assert!(
                addresses.insert((route.method.as_str(), route.path)),
                "{} twice",
                route.path
            );
            let open = matches!(route.access, Access::Public | Access::Ticket);
            assert_eq!(open, matches!(route.handler, Handler(Kind::Open(_))), "{}", route.name);
        }
    }

    #[test]
    fn forms_are_posted_and_pages_got() {
        for route in ROUTES.iter() {
            assert!(route.method == GET || route.method == POST, "{}", route.name);
        }
    }
}
