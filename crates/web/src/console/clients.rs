//! 連携先: programs of other systems, as an insurer's administrators see them, and those of vendors as the platform does. A
//! secret is shown once, on the page that follows its making.

mod deed;
mod form;
mod one;
mod rename;
mod vendor;
mod webhooks;

use crate::console::{GET, POST};
use access::{CLIENTS_MANAGE, OPERATOR_INSURERS, Permission, SCOPES, Scope};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use clients::{By, Client, ClientName, Grant, Shown, Standing, State, VendorShown};
use database::{DatabaseError, TenantTransaction};
use deed::Deed;
use ipnet::IpNet;
use kernel::{ClientId, ClientSecretId, SessionId, TenantId, calendar};
use pages::{
    Reply, Row, Visit, cookies,
    frame::Frame,
    reply::{self, see_other},
    staff, staff_proven,
    visit::Trouble,
};
use poem::Response;
use serde::{Deserialize, Serialize};
use staff::Clerk;
use std::collections::BTreeSet;

/// Scopes that are named in a line of the list.
const NAMED: usize = 3;

/// A page's pattern, and the names of looking at it and of sending its form.
type Place = [&'static str; 3];

/// The pages of one side.
struct Places {
    list: Place,
    new: Place,
    one: Place,
    secret: Place,
    change: Place,
    rename: Place,
    rotate: Place,
    suspend: Place,
    resume: Place,
    revoke: Place,
}

macro_rules! place {
    ($side:literal, $pattern:literal, $name:literal) => {
        [
            concat!("/", $side, "/clients", $pattern),
            concat!($side, $name),
            concat!($side, $name, ".submit"),
        ]
    };
}

macro_rules! places {
    ($side:literal) => {
        Places {
            list: place!($side, "", ".clients"),
            new: place!($side, "/new", ".clients.new"),
            one: place!($side, "/:id", ".client"),
            secret: place!($side, "/:id/secret", ".client.secret"),
            change: place!($side, "/:id/change", ".client.change"),
            rename: place!($side, "/:id/rename", ".client.rename"),
            rotate: place!($side, "/:id/rotate", ".client.rotate"),
            suspend: place!($side, "/:id/suspend", ".client.suspend"),
            resume: place!($side, "/:id/resume", ".client.resume"),
            revoke: place!($side, "/:id/revoke", ".client.revoke"),
        }
    };
}

static OF_INSURER: Places = places!("console");
static OF_PLATFORM: Places = places!("operator");

/// Whose clients a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// An insurer's own, and the vendors' that it lets in.
    Insurer,
    /// The vendors', at their home.
    Platform,
}

impl Side {
    fn places(self) -> &'static Places {
        match self {
            Self::Insurer => &OF_INSURER,
            Self::Platform => &OF_PLATFORM,
        }
    }

    /// The list's address.
    fn base(self) -> &'static str {
        let [path, ..] = self.places().list;
        path
    }

    fn path(self, id: ClientId) -> String {
        format!("{}/{id}", self.base())
    }

    async fn one(self, visit: &Visit, tx: &TenantTransaction, id: ClientId) -> Result<Option<Found>, DatabaseError> {
        let clients = &visit.services.clients;
        Ok(match self {
            Self::Insurer => clients.one(tx, id).await?.map(Found::Here),
            Self::Platform => clients.vendor(tx, id).await?.map(Found::Vendor),
        })
    }

    fn permission(self) -> Permission {
        match self {
            Self::Insurer => CLIENTS_MANAGE,
            Self::Platform => OPERATOR_INSURERS,
        }
    }
}

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let sides = [Side::Insurer, Side::Platform].into_iter();
    let of_sides = sides.flat_map(of_side).chain(vendor::rows());
    of_sides.chain(webhooks::rows()).collect()
}

fn of_side(side: Side) -> Vec<Row> {
    let (places, may) = (side.places(), side.permission());
    let ([list_path, list_name, _], [one_path, one_name, _]) = (places.list, places.one);
    let ([new_path, new_name, new_sent], [change_path, change_name, change_sent]) = (places.new, places.change);
    let ([secret_path, secret_name, _], [rename_path, rename_name, rename_sent]) = (places.secret, places.rename);
    let mut rows = vec![
        staff(GET, list_path, list_name, may, move |visit, clerk| {
            list(side, visit, clerk)
        }),
        staff_proven(GET, new_path, new_name, may, move |visit, _| form::new(side, visit)),
        staff_proven(POST, new_path, new_sent, may, move |visit, clerk| {
            form::create(side, visit, clerk)
        })
        .keeping(&form::FIELDS),
        staff(GET, one_path, one_name, may, move |visit, clerk| {
            one::show(side, visit, clerk)
        }),
        staff(GET, secret_path, secret_name, may, move |visit, clerk| {
            secret(side, visit, clerk)
        }),
        staff_proven(GET, change_path, change_name, may, move |visit, clerk| {
            form::change(side, visit, clerk)
        }),
        staff_proven(POST, change_path, change_sent, may, move |visit, clerk| {
            form::write(side, visit, clerk)
        })
        .keeping(&form::FIELDS),
        staff_proven(GET, rename_path, rename_name, may, move |visit, clerk| {
            rename::ask(side, visit, clerk)
        }),
        staff_proven(POST, rename_path, rename_sent, may, move |visit, clerk| {
            rename::write(side, visit, clerk)
        })
        .keeping(&rename::FIELDS),
    ];
    for deed in Deed::ALL {
        let [path, asked, done] = deed.place(side);
        rows.push(staff_proven(GET, path, asked, may, move |visit, clerk| {
            deed::ask(side, deed, visit, clerk)
        }));
        rows.push(staff_proven(POST, path, done, may, move |visit, clerk| {
            deed::act(side, deed, visit, clerk)
        }));
    }
    rows
}

#[derive(Template)]
#[template(path = "console/clients.html")]
struct ListPage {
    frame: Frame,
    api: Api,
    base: &'static str,
    is_platform: bool,
    lines: Vec<Line>,
}

/// Where programs find the API: what is told to who looks after them.
struct Api {
    base: String,
    token: String,
    reference: String,
}

impl Api {
    fn of(visit: &Visit) -> Self {
        let portal = visit.services.public_url.origin().ascii_serialization();
        Self {
            base: format!("{portal}/api/v1"),
            token: format!("{portal}/api/v1/oauth/token"),
            reference: format!("{portal}/api/"),
        }
    }
}

/// A client as it is listed.
struct Line {
    path: String,
    name: String,
    owner: &'static str,
    state: &'static str,
    is_active: bool,
    /// Shut out for good, or its last day is over.
    is_over: bool,
    scopes: String,
    last_used: String,
    ends: String,
}

impl Line {
    fn of_grant(grant: &Grant, now: DateTime<Utc>) -> Self {
        let standing = grant.standing(calendar::today_in_japan(now));
        Self {
            path: Side::Insurer.path(grant.client.client_id),
            name: grant.name.clone(),
            owner: if grant.is_vendors() {
                "事業者"
            } else {
                "この保険者"
            },
            // What an insurer has taken back it may give again; what has ended at its home has ended for good.
            state: if standing == Standing::Revoked && grant.client_state != State::Revoked {
                "許可の取り消し済み"
            } else {
                state(standing)
            },
            is_active: standing == Standing::Active,
            is_over: matches!(standing, Standing::Revoked | Standing::Ended),
            scopes: in_short(&grant.scopes),
            last_used: grant
                .last_used_at
                .map_or_else(|| "まだありません".to_owned(), calendar::moment),
            ends: last_day(grant.expires_on),
        }
    }

    fn of_vendor(client: &Client, now: DateTime<Utc>) -> Self {
        let standing = client.standing(calendar::today_in_japan(now));
        Self {
            path: Side::Platform.path(client.name_outside.client_id),
            name: client.name.clone(),
            owner: "事業者",
            state: state(standing),
            is_active: standing == Standing::Active,
            is_over: matches!(standing, Standing::Revoked | Standing::Ended),
            scopes: String::new(),
            last_used: String::new(),
            ends: last_day(client.expires_on),
        }
    }
}

/// The first few scopes, in the order of the form, and how many more.
fn in_short(scopes: &BTreeSet<Scope>) -> String {
    let first: Vec<&str> = listed(scopes).take(NAMED).map(Scope::label).collect();
    let first = first.join("、");
    match scopes.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first}、ほか{more}件"),
    }
}

/// Scopes in the order in which a form lists them.
fn listed(scopes: &BTreeSet<Scope>) -> impl Iterator<Item = Scope> {
    SCOPES.into_iter().filter(|scope| scopes.contains(scope))
}

fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "利用中",
        Standing::Suspended => "停止中",
        Standing::SuspendedAtHome => "運営が停止中",
        Standing::Revoked => "終了",
        Standing::Ended => "期限切れ",
    }
}

fn last_day(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "決めていません".to_owned(), calendar::date_both)
}

/// 「どこからでも」 where no network is named.
fn from_where(networks: &[IpNet]) -> String {
    if networks.is_empty() {
        return "どこからでも".to_owned();
    }
    let lines: Vec<String> = networks.iter().map(ToString::to_string).collect();
    lines.join("、")
}

/// `GET /console/clients`, `GET /operator/clients`.
async fn list(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let (clients, tx) = (&visit.services.clients, read(&visit, clerk.insurer.tenant_id).await?);
    let mut lines: Vec<Line> = match side {
        Side::Insurer => {
            let grants = clients.list(&tx).await?;
            grants.iter().map(|grant| Line::of_grant(grant, visit.now)).collect()
        }
        Side::Platform => {
            let vendors = clients.vendors(&tx).await?;
            vendors
                .iter()
                .map(|client| Line::of_vendor(client, visit.now))
                .collect()
        }
    };
    tx.commit().await?;
    // Who comes in no more stands last; sorting leaves the names in their order.
    lines.sort_by_key(|line| line.is_over);
    visit.html(&ListPage {
        api: Api::of(&visit),
        frame: visit.frame().in_section(side.base()),
        base: side.base(),
        is_platform: side == Side::Platform,
        lines,
    })
}

/// A secret that was just made, on its way to the page that shows it once: sealed in the browser, so that it stands in no
/// address and no row.
#[derive(Serialize, Deserialize)]
struct JustMade {
    session: SessionId,
    client: ClientId,
    secret: String,
    /// Until when the one before works.
    before_until: Option<DateTime<Utc>>,
}

/// Leads to the page that shows a secret.
fn show_secret(
    (side, visit, clerk): (Side, &Visit, &Clerk),
    client: ClientId,
    secret: String,
    before_until: Option<DateTime<Utc>>,
) -> Response {
    let made = JustMade {
        session: clerk.session.id,
        client,
        secret,
        before_until,
    };
    let page = see_other(&format!("{}/secret", side.path(client)));
    visit.remember(page, cookies::CLIENT_SECRET, &made, cookies::PRINTED_SECONDS)
}

#[derive(Template)]
#[template(path = "console/client_secret.html")]
struct SecretPage {
    frame: Frame,
    api: Api,
    path: String,
    name: String,
    public_id: ClientName,
    secret: Option<String>,
    before_until: Option<String>,
}

/// `GET` of a secret's page. Who only asks whether it is there does not look.
async fn secret(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let client = found.name().client_id;
    let made: Option<JustMade> = visit.recall(cookies::CLIENT_SECRET);
    let made = made.filter(|made| made.session == clerk.session.id && made.client == client);
    let until = made.as_ref().and_then(|made| made.before_until);
    let page = visit.html(&SecretPage {
        api: Api::of(&visit),
        frame: visit.frame().in_section(side.base()),
        path: side.path(client),
        public_id: found.name(),
        before_until: until.map(calendar::moment),
        secret: made.map(|made| made.secret),
        name: found.line(visit.now).name,
    })?;
    Ok(if visit.is_head {
        page
    } else {
        reply::with_cookie(page, cookies::clear(cookies::CLIENT_SECRET))
    })
}

/// The client of an address: at an insurer what it may do there, at the platform a vendor's.
enum Found {
    Here(Shown),
    Vendor(VendorShown),
}

impl Found {
    async fn find(side: Side, visit: &Visit, clerk: &Clerk) -> Result<Self, Trouble> {
        let id = ClientId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
        let tx = read(visit, clerk.insurer.tenant_id).await?;
        let found = side.one(visit, &tx, id).await?;
        tx.commit().await?;
        found.ok_or(Trouble::NotFound)
    }

    fn name(&self) -> ClientName {
        match self {
            Self::Here(shown) => shown.grant.client,
            Self::Vendor(shown) => shown.client.name_outside,
        }
    }

    fn line(&self, now: DateTime<Utc>) -> Line {
        match self {
            Self::Here(shown) => Line::of_grant(&shown.grant, now),
            Self::Vendor(shown) => Line::of_vendor(&shown.client, now),
        }
    }

    /// True where its row and its secrets are here.
    fn is_at_home(&self) -> bool {
        match self {
            Self::Here(shown) => !shown.grant.is_vendors(),
            Self::Vendor(_) => true,
        }
    }

    /// As whoever decides here has it, whatever its last day and its home say.
    fn state(&self) -> State {
        match self {
            Self::Here(shown) if shown.grant.client_state == State::Revoked => State::Revoked,
            Self::Here(shown) if shown.grant.is_vendors() => shown.grant.state,
            Self::Here(shown) => shown.grant.client_state,
            Self::Vendor(shown) => shown.client.state,
        }
    }

    /// True where it has ended for good, here and everywhere.
    fn has_ended(&self) -> bool {
        match self {
            Self::Here(shown) => shown.grant.client_state == State::Revoked,
            Self::Vendor(shown) => shown.client.state == State::Revoked,
        }
    }

    /// The newest of its secrets that are here: the one that has no end.
    fn newest(&self) -> Option<ClientSecretId> {
        let secrets = match self {
            Self::Here(shown) => &shown.secrets,
            Self::Vendor(shown) => &shown.secrets,
        };
        let newest = secrets.iter().find(|secret| secret.ends_at.is_none());
        newest.map(|secret| secret.secret_id)
    }

    fn networks(&self) -> &[IpNet] {
        match self {
            Self::Here(shown) => &shown.grant.networks,
            Self::Vendor(shown) => &shown.client.networks,
        }
    }

    fn expires_on(&self) -> Option<NaiveDate> {
        match self {
            Self::Here(shown) => shown.grant.expires_on,
            Self::Vendor(shown) => shown.client.expires_on,
        }
    }
}

fn by<'a>(visit: &'a Visit, clerk: &Clerk) -> By<'a> {
    By {
        actor: clerk.actor(),
        origin: &visit.origin,
    }
}

async fn read(visit: &Visit, tenant: TenantId) -> Result<TenantTransaction, DatabaseError> {
    visit.services.database.tenant(tenant).read().await
}
