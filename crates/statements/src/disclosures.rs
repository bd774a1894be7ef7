//! 表示範囲, as people have asked for it. The household, where that is usual, is no row; what was asked before stands in the trail.

use crate::{kind::Kind, schema::disclosures as t, visibility::Audience};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{prelude::*, result::Error::DeserializationError};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// The person, on a page.
    Person,
    /// Staff, for somebody who wrote or called.
    Staff,
    /// A program.
    Api,
}

impl AskedBy {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Staff => "staff",
            Self::Api => "api",
        }
    }
}

/// What somebody has asked for; none where they are content with what is usual.
pub async fn said(tx: &TenantTransaction, person: PersonId, kind: Kind) -> Result<Option<Audience>, DatabaseError> {
    let row = t::table.find((tx.tenant(), person, kind.as_str())).select(t::audience);
    let word: Option<String> = row.first(&mut &**tx).await.optional()?;
    let read = |word: String| {
        Audience::from_word(&word).ok_or_else(|| DeserializationError(format!("no audience is called {word}").into()))
    };
    Ok(word.map(read).transpose()?)
}

/// Keeps what somebody asks for; nothing is kept of who asks for the household where that is `usual`. What is narrower outlives
/// whatever the insurer makes usual later.
pub async fn set(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (person, kind): (PersonId, Kind),
    (audience, usual): (Audience, Audience),
    by: AskedBy,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    if audience == usual && audience == Audience::Household {
        let row = t::table.find((tenant, person, kind.as_str()));
        diesel::delete(row).execute(&mut **tx).await?;
        return Ok(());
    }
    let told = (
        t::audience.eq(audience.as_str()),
        t::source.eq(by.as_str()),
        t::changed_at.eq(now),
    );
    diesel::insert_into(t::table)
        .values((
            t::tenant_id.eq(tenant),
            t::person_id.eq(person),
            t::kind.eq(kind.as_str()),
            told,
        ))
        .on_conflict((t::tenant_id, t::person_id, t::kind))
        .do_update()
        .set(told)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
