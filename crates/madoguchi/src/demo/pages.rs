//! The demo's two pages: where to start, and the caught mail. Plain HTML, no script, never part of `serve`.

use super::{
    clerks,
    people::{PASSWORD, PEOPLE, People, Sample},
    sandbox::CODE,
};
use crate::{
    app::App,
    sandbox::{Program, calls},
};
use askama::Template;
use kernel::calendar;
use mail::{Delivered, Mailbox};
use poem::{Response, handler, web::Data};

#[derive(Template)]
#[template(path = "demo_start.html")]
struct Start {
    insurers: Vec<Insurer>,
    password: &'static str,
    clerks: &'static [clerks::Sample],
    clerk_password: &'static str,
    sandbox: &'static str,
    /// How its program comes in; none while the sandbox is suspended.
    calls: Option<String>,
}

struct Insurer {
    people: &'static People,
    /// Who has an account by now; empty where that can't be asked.
    have_accounts: Vec<bool>,
}

impl Insurer {
    /// Everybody, and whether they are registered.
    fn all(&self) -> impl Iterator<Item = (&Sample, bool)> {
        let have = self.have_accounts.iter().copied().chain(std::iter::repeat(false));
        self.people.all().zip(have)
    }
}

impl Sample {
    /// 「1975年（昭和50年）4月12日」.
    fn birthday(&self) -> String {
        let day = self.birth_date.parse().map(calendar::date_both);
        day.unwrap_or_else(|_| self.birth_date.into())
    }
}

#[derive(Template)]
#[template(path = "demo_mail.html")]
struct Mails {
    mails: Vec<Delivered>,
}

/// Whom to sign up as, whom to log in as, who has an account by now, and the mailbox.
#[handler]
pub(super) async fn start(Data(app): Data<&App>, Data(program): Data<&Option<Program>>) -> Response {
    let mut insurers = Vec::new();
    for people in PEOPLE {
        let have_accounts = people.have_accounts(app).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "who is registered could not be looked up");
            vec![]
        });
        insurers.push(Insurer { people, have_accounts });
    }
    let url = app.pages.public_url.as_str().trim_end_matches('/');
    page(&Start {
        insurers,
        password: PASSWORD,
        clerks: &clerks::CLERKS,
        clerk_password: clerks::PASSWORD,
        sandbox: CODE,
        calls: program.as_ref().map(|program| calls(program, url)),
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
