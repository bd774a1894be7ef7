//! What members wish to be told of by mail: a wish for each stream, kept at the account, on unless it is turned off; that of
//! statements is off, too, for whoever is protected and has said nothing. Mails of safety and those somebody asked for are no stream and have no wish.
//!
//! Each stream's mails to an account carry a link that ends them without a log-in (RFC 8058). Its token is random and stands
//! in clear with the wish: it says nothing and opens nothing else, must be told anew in each mail, and as no key has made it,
//! no change of keys ends it.

use crate::{
    Accounts, Member,
    account::actor,
    schema::{accounts, mail_wishes},
    trail,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, Outage, PersonId, TenantSecret};
use roster::protection::is_protected;
use serde_json::json;
use std::sync::Arc;
use tenancy::{Feature, FeatureState, Insurer};

/// What members are told of by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Notices to all members: 組合からのお知らせ.
    Insurer,
    /// Notices to one person: あなたへのお知らせ.
    Person,
    /// Statements of costs and medicines that were published: 医療費・お薬のお知らせ.
    Statements,
}

impl Stream {
    /// All of them, as they are listed.
    pub const ALL: [Self; 3] = [Self::Insurer, Self::Person, Self::Statements];

    /// The word in the database and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insurer => "insurer",
            Self::Person => "person",
            Self::Statements => "statements",
        }
    }

    /// Those that a member is ever told of: their insurer has statements or prepares to, and whoever reads statements alone is told
    /// of no notice.
    pub fn offered(member: &Member) -> Vec<Self> {
        let is_shown = |feature| member.insurer.modules.state(feature) != FeatureState::Hidden;
        let has_statements = is_shown(Feature::CostStatements) || is_shown(Feature::GenericSavings);
        let is_offered = |stream: &Self| match stream {
            Self::Insurer | Self::Person => !member.is_former(),
            Self::Statements => has_statements,
        };
        Self::ALL.into_iter().filter(is_offered).collect()
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == word)
    }
}

/// What a link that ends mails is of.
#[derive(Debug, Clone)]
pub struct MailsToStop {
    /// Whose portal.
    pub insurer: Arc<Insurer>,
    /// Which mails.
    pub stream: Stream,
}

impl Accounts {
    /// The streams of which a member wishes to be told, of those that they are offered.
    pub async fn wished_mails(&self, member: &Member) -> Result<Vec<Stream>, Outage> {
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let said: Vec<(String, bool)> = mail_wishes::table
            .filter(mail_wishes::tenant_id.eq(tx.tenant()))
            .filter(mail_wishes::account_id.eq(member.account_id))
            .select((mail_wishes::stream, mail_wishes::off_at.is_null()))
            .load(&mut &*tx)
            .await
            .map_err(DatabaseError::from)?;
        let mut wished = Vec::new();
        for stream in Stream::offered(member) {
            let said = said.iter().find(|(said, _)| said == stream.as_str());
            let is_wished = match said {
                Some((_, is_wished)) => *is_wished,
                None if stream == Stream::Statements => !is_protected(&tx, member.person.person_id).await?,
                None => true,
            };
            if is_wished {
                wished.push(stream);
            }
        }
        Ok(wished)
    }

    /// Of these streams a member wishes to be told from now on, of the others that they are offered not.
    pub async fn wish_mails(&self, origin: &Origin, member: &Member, wished: &[Stream]) -> Result<(), Outage> {
        let now = self.clock.now();
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        for stream in Stream::offered(member) {
            let off_at = (!wished.contains(&stream)).then_some(now);
            set(&mut tx, member.account_id, stream, off_at).await?;
        }
        trail::record(&tx, now, origin, actor(member), "mails.wish", "done").await?;
        Ok(tx.commit().await?)
    }

    /// Which mails a link ends; none where the link is none of ours. Looking ends nothing.
    pub async fn mails_to_stop(&self, link: &TenantSecret) -> Result<Option<MailsToStop>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(None);
        };
        let mut tx = self.database.tenant(link.tenant).read().await?;
        let found = of_link(&mut tx, link).await?;
        Ok(found.map(|(_, stream)| MailsToStop { insurer, stream }))
    }

    /// Ends the mails of a link, as often as it is asked for; none where the link is none of ours.
    pub async fn stop_mails(&self, origin: &Origin, link: &TenantSecret) -> Result<Option<MailsToStop>, Outage> {
        let Some(insurer) = self.directory.by_tenant(link.tenant).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(link.tenant).write(Durability::Safe).await?;
        let Some((account, stream)) = of_link(&mut tx, link).await? else {
            return Ok(None);
        };
        if turn_off(&mut tx, now, account, stream).await? {
            let entry = Entry {
                actor: Actor::Visitor,
                action: "mails.stop",
                object: Some(("account", account.0)),
                outcome: "done",
                detail: json!({ "stream": stream.as_str() }),
            };
            audit::record(&tx, now, origin, entry).await?;
        }
        tx.commit().await?;
        Ok(Some(MailsToStop { insurer, stream }))
    }
}

/// Turns the mails of all streams to a person off, as when they are protected; whoever signs in may turn them on again.
pub async fn turn_mails_off(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    person: PersonId,
) -> Result<(), DatabaseError> {
    let account: Option<AccountId> = accounts::table
        .filter(accounts::tenant_id.eq(tx.tenant()))
        .filter(accounts::person_id.eq(person))
        .filter(accounts::emptied_at.is_null())
        .select(accounts::account_id)
        .first(&mut **tx)
        .await
        .optional()?;
    if let Some(account) = account {
        for stream in Stream::ALL {
            set(tx, account, stream, Some(now)).await?;
        }
    }
    Ok(())
}

async fn set(
    tx: &mut TenantTransaction,
    account: AccountId,
    stream: Stream,
    off_at: Option<DateTime<Utc>>,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::insert_into(mail_wishes::table)
        .values((
            mail_wishes::tenant_id.eq(tenant),
            mail_wishes::account_id.eq(account),
            mail_wishes::stream.eq(stream.as_str()),
            mail_wishes::token.eq(TenantSecret::random(tenant).reveal()),
            mail_wishes::off_at.eq(off_at),
        ))
        .on_conflict((mail_wishes::tenant_id, mail_wishes::account_id, mail_wishes::stream))
        .do_update()
        .set(mail_wishes::off_at.eq(off_at))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// False where they were off already.
async fn turn_off(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    account: AccountId,
    stream: Stream,
) -> Result<bool, DatabaseError> {
    let tenant = tx.tenant();
    let changed = diesel::update(mail_wishes::table)
        .filter(mail_wishes::tenant_id.eq(tenant))
        .filter(mail_wishes::account_id.eq(account))
        .filter(mail_wishes::stream.eq(stream.as_str()))
        .filter(mail_wishes::off_at.is_null())
        .set(mail_wishes::off_at.eq(now))
        .execute(&mut **tx)
        .await?;
    Ok(changed > 0)
}

async fn of_link(
    tx: &mut TenantTransaction,
    link: &TenantSecret,
) -> Result<Option<(AccountId, Stream)>, DatabaseError> {
    let found: Option<(AccountId, String)> = mail_wishes::table
        .filter(mail_wishes::tenant_id.eq(tx.tenant()))
        .filter(mail_wishes::token.eq(link.reveal()))
        .select((mail_wishes::account_id, mail_wishes::stream))
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(found.and_then(|(account, stream)| Some((account, Stream::read(&stream)?))))
}
