//! The demo's two pages: where to start, and the caught mail. Plain HTML, no script, never part of `serve`.

use super::people::{PASSWORD, PEOPLE, People};
use askama::Template;
use kernel::calendar;
use mail::{Delivered, Mailbox};
use poem::{Response, handler, web::Data};

#[derive(Template)]
#[template(path = "demo_start.html")]
struct Start {
    people: &'static [People],
    password: &'static str,
}

#[derive(Template)]
#[template(path = "demo_mail.html")]
struct Mails {
    mails: Vec<Delivered>,
}

/// Whom to sign up as, whom to log in as, and the mailbox.
#[handler]
pub(super) fn start() -> Response {
    page(&Start {
        people: PEOPLE,
        password: PASSWORD,
    })
}

/// What would have been sent, newest first.
#[handler]
pub(super) fn mailbox(Data(mailbox): Data<&Mailbox>) -> Response {
    page(&Mails { mails: mailbox.mails() })
}

fn page(template: &impl Template) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header("Cache-Control", "no-store")
        .header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'",
        )
        .body(template.render().unwrap_or_default())
}
