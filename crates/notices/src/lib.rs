//! Notices: to everybody at the door (サイトからのお知らせ), to an insurer's members (組合からのお知らせ), to one person.
//!
//! A member sees what is meant for them and is in force; everything else does not exist for them, their neighbour's
//! notices least of all. No notice is ever deleted: it ends.

mod author;
mod command;
mod console;
mod content;
mod draft;
pub mod drafts;
mod events;
mod folder;
mod group;
mod lists;
mod mailing;
mod open;
mod person_panel;
mod portal;
mod programs;
mod publish;
pub mod published;
pub mod publishing;
pub mod reasons;
mod schema;
mod site;
mod site_portal;
pub mod v1;

pub use author::Author;
pub use draft::DraftProblem;
pub use folder::folder;
pub use lists::{COUNTED, Cursor, NoticeLists, NoticePage, Shelf};
pub use open::sweep;
pub use portal::lines;
pub use publish::{Draft, To, publish};
pub use site::SITE_CACHE_SECONDS;

use chrono::{DateTime, Utc};
use database::Database;
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types,
};
use kernel::{Clock, NoticeId};
use module::Module;
use open::empty;
use pages::{Nav, member, public};
use poem::http::Method;
use serde::Serialize;
use std::sync::Arc;

const GET: Method = Method::GET;

/// The notices with all they stand on. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    database: Database,
    clock: Clock,
    site: Arc<site::SiteCache>,
}

impl Notices {
    /// Puts the notices together.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            site: Arc::default(),
        }
    }
}

/// The module.
pub fn module(notices: &Notices) -> Module {
    let of = |notices: &Notices| notices.clone();
    let (list, one, site_list, site_one, panel, samples, mailed) = (
        of(notices),
        of(notices),
        of(notices),
        of(notices),
        of(notices),
        of(notices),
        of(notices),
    );
    Module {
        name: "notices",
        portal: vec![
            member(GET, "/portal/notices", "notices", move |visit, member| {
                portal::show(list.clone(), visit, member)
            }),
            member(GET, "/portal/notices/:id", "notices.open", move |visit, member| {
                portal::open(one.clone(), visit, member)
            }),
            public(GET, "/portal/site-notices", "site_notices", move |visit| {
                site_portal::show(site_list.clone(), visit)
            }),
            public(GET, "/portal/site-notices/:id", "site_notices.open", move |visit| {
                site_portal::open(site_one.clone(), visit)
            }),
        ],
        operations: vec![v1::group(notices.clone()), v1::programs::group()],
        nav: vec![Nav {
            path: "/portal/notices",
            text: "お知らせ",
        }],
        log_in_panel: Some(Arc::new(move || Box::pin(site_portal::panel(panel.clone())))),
        events: &[events::PUBLISHED],
        folder: vec![folder()],
        commands: vec![command::command()],
        console: console::rows(),
        performers: vec![console::publish::performer()],
        console_nav: vec![console::NAV],
        task_words: vec![console::TASK],
        person_panels: person_panel::panels(),
        work: Some(Arc::new(move |worker, accounts| {
            worker.serving(mailing::Mailing::new(&mailed, accounts))
        })),
        sweep: Some(Arc::new(|tx, now| Box::pin(sweep(tx, now)))),
        forget: Some(Arc::new(|tx, now, people, accounts| {
            Box::pin(empty(tx, now, people, accounts))
        })),
        samples: Some(Arc::new(move |tx, person| {
            Box::pin(publish::sample(samples.clone(), tx, person))
        })),
        ..Module::default()
    }
}

/// Whom a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::Text)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody, logged in or not: サイトからのお知らせ.
    Site,
    /// All members of an insurer: 組合からのお知らせ.
    Insurer,
    /// One person: 「健保 太郎さんへのお知らせ」.
    Person,
}

impl Audience {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Insurer => "insurer",
            Self::Person => "person",
        }
    }
}

impl ToSql<sql_types::Text, Pg> for Audience {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Text, Pg>::to_sql(self.as_str(), out)
    }
}

impl FromSql<sql_types::Text, Pg> for Audience {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<sql_types::Text, Pg>>::from_sql(bytes)?;
        [Self::Site, Self::Insurer, Self::Person]
            .into_iter()
            .find(|audience| audience.as_str() == word)
            .ok_or_else(|| format!("no audience is called {word}").into())
    }
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeHead {
    /// The notice.
    pub id: NoticeId,
    /// Whom it is for.
    pub audience: Audience,
    /// As written; plain text.
    pub title: String,
    /// Since when it is shown.
    pub published_at: DateTime<Utc>,
    /// True until this member opened it; always false at the door.
    pub unread: bool,
}

/// A notice to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Its line in the list, as it was before it was opened.
    #[serde(flatten)]
    pub head: NoticeHead,
    /// Markdown; raw HTML in it is not to be trusted.
    pub body: String,
}
