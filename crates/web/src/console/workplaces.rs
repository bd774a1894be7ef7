//! 事業所ごとの登録状況: all workplaces for whoever looks at the roster, one's own for whoever looks after some, and who of
//! these has registered. More than that nobody sees here, and of other workplaces nothing.

use askama::Template;
use audit::Look;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::PersonId;
use pages::{
    Reply, Visit,
    forms::{Form, encode},
    frame::Frame,
    visit::Trouble,
    words::{grouped, share},
};
use roster::workplaces::{After, Colleague, Share, Workplace};
use staff::Clerk;
use uuid::Uuid;

/// Workplaces and people of a page.
const PER_PAGE: usize = 50;
const PEOPLE: &str = "/console/workplaces/own/people";

/// Which list of workplaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List {
    /// Its address.
    path: &'static str,
    /// True where it leads to the people.
    leads_on: bool,
}

/// All that the reach allows, by numbers alone.
pub(super) const ALL: List = List {
    path: "/console/workplaces",
    leads_on: false,
};
/// One's own.
pub(super) const OWN: List = List {
    path: "/console/workplaces/own",
    leads_on: true,
};

/// Workplaces as they are listed.
pub(super) struct Page {
    pub(super) rows: Vec<Line>,
    /// The address of the next page.
    pub(super) more: Option<String>,
    /// True where each leads to its people.
    pub(super) leads_on: bool,
}

/// A workplace.
pub(super) struct Line {
    pub(super) code: String,
    pub(super) symbol: String,
    pub(super) insured: String,
    pub(super) registered: String,
    pub(super) share: String,
    /// Where its people are listed; empty where they are not.
    pub(super) people: String,
}

impl List {
    /// A page of it.
    pub(super) async fn page(
        self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        clerk: &Clerk,
        after: Option<&After>,
    ) -> Result<Page, DatabaseError> {
        let mut found = roster::workplaces::list(tx, now, &clerk.reach, after, one_more()).await?;
        let more = found.len() > PER_PAGE;
        found.truncate(PER_PAGE);
        let next = found.last().filter(|_| more).map(|last| {
            let (code, symbol) = (encode(&last.workplace_code), encode(&last.symbol_key));
            format!(
                "{}?insured={}&code={code}&symbol={symbol}",
                self.path, last.share.insured
            )
        });
        Ok(Page {
            rows: found.into_iter().map(|workplace| self.line(workplace)).collect(),
            more: next,
            leads_on: self.leads_on,
        })
    }

    fn line(self, workplace: Workplace) -> Line {
        let Workplace {
            workplace_code,
            symbol_key,
            symbol,
            share: Share { insured, registered },
        } = workplace;
        Line {
            people: if self.leads_on {
                people_of(&workplace_code, &symbol_key)
            } else {
                String::new()
            },
            code: code_words(workplace_code),
            symbol,
            insured: grouped(insured),
            registered: grouped(registered),
            share: share(registered, insured),
        }
    }
}

/// 事業所コード as it is shown.
pub(super) fn code_words(code: String) -> String {
    if code.is_empty() { "（なし）".into() } else { code }
}

fn people_of(code: &str, symbol: &str) -> String {
    format!("{PEOPLE}?code={}&symbol={}", encode(code), encode(symbol))
}

#[derive(Template)]
#[template(path = "console/workplaces.html")]
struct ListPage {
    frame: Frame,
    page: Page,
}

#[derive(Template)]
#[template(path = "console/workplace_people.html")]
struct PeoplePage {
    frame: Frame,
    code: String,
    people: Vec<Colleague>,
    more: Option<String>,
}

impl PeoplePage {
    /// As it is written on their papers.
    fn symbol(&self) -> &str {
        self.people.first().map_or("", |person| person.symbol.as_str())
    }
}

/// `GET /console/workplaces`.
pub(super) async fn all(visit: Visit, clerk: Clerk) -> Reply {
    show(visit, clerk, ALL).await
}

/// `GET /console/workplaces/own`.
pub(super) async fn own(visit: Visit, clerk: Clerk) -> Reply {
    show(visit, clerk, OWN).await
}

async fn show(visit: Visit, clerk: Clerk, list: List) -> Reply {
    let after = after(&visit.query);
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let page = list.page(&tx, visit.now, &clerk, after.as_ref()).await?;
    visit.html(&ListPage {
        frame: visit.frame().in_section("/console/"),
        page,
    })
}

/// `GET /console/workplaces/own/people`: each who is shown was looked at.
pub(super) async fn people(visit: Visit, clerk: Clerk) -> Reply {
    let (code, symbol) = (
        visit.query.text("code").to_owned(),
        visit.query.text("symbol").to_owned(),
    );
    let after = PersonId::parse(visit.query.text("after"));
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let tx = tenant.write(Durability::Safe).await?;
    let place = (code.as_str(), symbol.as_str());
    let mut people = roster::workplaces::people(&tx, visit.now, &clerk.reach, place, after, one_more()).await?;
    if people.is_empty() {
        return Err(Trouble::NotFound);
    }
    let more = people.len() > PER_PAGE;
    people.truncate(PER_PAGE);
    let seen: Vec<Uuid> = people.iter().map(|person| person.person_id.0).collect();
    let look = Look::list("workplace", vec!["workplace"], &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let next = people.last().filter(|_| more);
    visit.html(&PeoplePage {
        frame: visit.frame().in_section("/console/"),
        more: next.map(|last| format!("{}&after={}", people_of(&code, &symbol), last.person_id)),
        code,
        people,
    })
}

fn after(query: &Form) -> Option<After> {
    Some(After {
        insured: query.get("insured")?.parse().ok()?,
        workplace_code: query.text("code").to_owned(),
        symbol_key: query.text("symbol").to_owned(),
    })
}

/// One more than is shown tells whether there is a next page.
fn one_more() -> i64 {
    i64::try_from(PER_PAGE).unwrap_or_default() + 1
}
