//! Letting a vendor's client in: found by the id that the vendor has told, shown by its name, and given what it may do here.

use super::{
    Side, by,
    form::{Group, conditions, ticked},
    read,
};
use crate::console::{GET, POST};
use access::CLIENTS_MANAGE;
use askama::Template;
use clients::{Client, ClientName, State, fields};
use kernel::{ClientId, Field, FieldError, Problem, Refusal, TenantId, text};
use pages::{
    Reply, Row, Visit,
    frame::{Errors, Frame},
    reply::see_other,
    staff_proven,
    visit::{Trouble, settle},
};
use staff::Clerk;

const VENDOR: &str = "/console/clients/vendor";
/// The id that is typed, where nobody has it.
const UNKNOWN: Field = Field::new("client_id", "連携先のID")
    .takes("このIDの連携先は、登録されていません。事業者から伝えられたIDと同じかどうかを、もう一度確認してください");
/// What is kept of the form beside its address.
const KEPT: [&str; 4] = ["client_id", "scopes", "networks", "expires_on"];

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    vec![
        staff_proven(GET, VENDOR, "console.clients.vendor", CLIENTS_MANAGE, ask),
        staff_proven(POST, VENDOR, "console.clients.vendor.submit", CLIENTS_MANAGE, grant).keeping(&KEPT),
    ]
}

#[derive(Template)]
#[template(path = "console/client_vendor.html")]
struct VendorPage {
    frame: Frame,
    sought: String,
    vendor: Option<Vendor>,
    /// Its page, where it is let in already.
    granted: Option<String>,
    groups: Vec<Group>,
    networks: String,
    expires_on: String,
}

/// Whom it would be.
struct Vendor {
    name: String,
    public_id: ClientName,
}

/// `GET /console/clients/vendor`: whose the id is, and what it shall do here.
async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let sought = again.or(&visit.query).text("client_id").to_owned();
    let vendor = vendor(&visit, &sought).await?;
    let errors = match visit.query.get("client_id") {
        _ if again.is_refused() => again.errors,
        Some(typed) if text::normalize(typed).is_empty() => Errors::new(&unnamed(), visit.now),
        Some(_) if vendor.is_none() => {
            let unknown = FieldError::new(UNKNOWN, Problem::Characters);
            Errors::new(&Refusal::field(unknown), visit.now)
        }
        _ => Errors::default(),
    };
    let granted = match &vendor {
        Some(client) => granted(&visit, &clerk, client.name_outside.client_id).await?,
        None => None,
    };
    visit.html(&VendorPage {
        vendor: vendor.map(|client| Vendor {
            name: client.name,
            public_id: client.name_outside,
        }),
        granted,
        sought,
        groups: ticked(&again.typed),
        networks: again.typed.text("networks").to_owned(),
        expires_on: again.typed.text("expires_on").to_owned(),
        frame: visit.frame().in_section(Side::Insurer.base()).with_errors(errors),
    })
}

/// No id was typed.
fn unnamed() -> Refusal {
    Refusal::field(FieldError::new(fields::CLIENT, Problem::Empty))
}

/// The page of a client that is let in here already.
async fn granted(visit: &Visit, clerk: &Clerk, id: ClientId) -> Result<Option<String>, Trouble> {
    let tx = read(visit, clerk.insurer.tenant_id).await?;
    let found = visit.services.clients.one(&tx, id).await?;
    tx.commit().await?;
    let standing = found.filter(|shown| shown.grant.state != State::Revoked);
    Ok(standing.map(|_| Side::Insurer.path(id)))
}

/// A vendor's client that may be let in. Whoever copies the id may have written it in capitals.
async fn vendor(visit: &Visit, typed: &str) -> Result<Option<Client>, Trouble> {
    let typed = text::normalize(typed).to_ascii_lowercase();
    let named = ClientName::parse(&typed).filter(|name| name.is_vendors());
    let Some(name) = named else { return Ok(None) };
    let tx = read(visit, TenantId::PLATFORM).await?;
    let found = visit.services.clients.vendor(&tx, name.client_id).await?;
    tx.commit().await?;
    Ok(found
        .map(|shown| shown.client)
        .filter(|client| client.state == State::Active))
}

/// `POST /console/clients/vendor`.
async fn grant(visit: Visit, clerk: Clerk) -> Reply {
    let typed = visit.form.text("client_id");
    let granted = match conditions(&visit.form, visit.now, true) {
        _ if text::normalize(typed).is_empty() => Err(unnamed()),
        Ok(conditions) => {
            let by = by(&visit, &clerk);
            let clients = &visit.services.clients;
            settle(clients.grant(clerk.insurer.tenant_id, typed, &conditions, by).await)
        }
        Err(refusal) => Err(refusal),
    };
    match granted {
        Ok(grant) => {
            let page = Side::Insurer.path(grant.client.client_id);
            Ok(visit.done(
                see_other(&page),
                "許可しました。連携先のシステムがつながるようになりました。",
            ))
        }
        Err(refusal) => Ok(visit.form_again(&refusal, VENDOR, &KEPT).await),
    }
}
