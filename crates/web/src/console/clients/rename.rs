//! What people call a client and whom they write to, changed at its home.

use super::{Found, Side, by};
use askama::Template;
use clients::Naming;
use kernel::outcome;
use pages::{
    Reply, Visit,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
};
use staff::Clerk;

/// What is kept of a refused form.
pub(super) const FIELDS: [&str; 2] = ["name", "contact"];

#[derive(Template)]
#[template(path = "console/client_rename.html")]
struct RenamePage {
    frame: Frame,
    path: String,
    back: String,
    is_platform: bool,
    called: String,
    contact: String,
}

/// `GET` of the form. A vendor's is called as the platform calls it.
pub(super) async fn ask(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let (called, contact) = match &found {
        Found::Here(shown) => (shown.grant.name.clone(), shown.contact.clone()),
        Found::Vendor(shown) => (shown.client.name.clone(), Some(shown.client.contact.clone())),
    };
    let contact = contact.filter(|_| found.is_at_home()).ok_or(Trouble::NotFound)?;
    let again = visit.again().await;
    let is_again = again.is_refused();
    let text = |name: &str, stands: String| {
        if is_again {
            again.typed.text(name).to_owned()
        } else {
            stands
        }
    };
    let back = side.path(found.name().client_id);
    visit.html(&RenamePage {
        path: format!("{back}/rename"),
        back,
        is_platform: side == Side::Platform,
        called: text("name", called),
        contact: text("contact", contact),
        frame: visit.frame().in_section(side.base()).with_errors(again.errors),
    })
}

/// `POST` of it.
pub(super) async fn write(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let id = found.name().client_id;
    let typed = |name: &str| Some(visit.form.text(name).to_owned());
    let naming = Naming {
        name: typed("name"),
        contact: typed("contact"),
    };
    let clients = &visit.services.clients;
    let renamed = clients.rename(clerk.insurer.tenant_id, id, &naming, by(&visit, &clerk));
    match settle(renamed.await) {
        Ok(()) => Ok(visit.done(see_other(&side.path(id)), "変更しました。")),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => {
            let page = format!("{}/rename", side.path(id));
            Ok(visit.form_again(&refusal, &page, &FIELDS).await)
        }
    }
}
