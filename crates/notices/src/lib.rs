//! Notices: to everybody at the door (サイトからのお知らせ), to an insurer's members (組合からのお知らせ), to one person.
//!
//! A member sees what is meant for them and is in force; everything else does not exist for them, their neighbour's
//! notices least of all. No notice is ever deleted: it ends.

mod draft;
mod folder;
mod lists;
mod open;
mod publish;
mod schema;
mod site;

pub use draft::DraftProblem;
pub use folder::folder;
pub use lists::{COUNTED, Cursor, NoticeLists, NoticePage, Shelf};
pub use open::{empty, sweep};
pub use publish::{Draft, To};
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
use serde::Serialize;
use std::sync::Arc;

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
