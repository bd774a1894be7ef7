//! What members wish to be told of by mail: a wish for each stream of notices, kept at the account, on unless it is turned
//! off. Mails of safety and those somebody asked for are no stream and have no wish.
//!
//! Each stream's mails to an account carry a link that ends them without a log-in (RFC 8058). Its token is random and stands
//! in clear with the wish: it says nothing and opens nothing else, must be told anew in each mail, and as no key has made it,
//! no change of keys ends it.

use crate::{
    Accounts, Member,
    account::actor,
    messages::{NewNotice, letterhead, sender},
    schema::{accounts, mail_wishes},
    trail,
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{AccountId, EmailAddress, Outage, PersonId, TenantSecret};
use mail::Letter;
use roster::Group;
use serde_json::json;
use std::{collections::HashMap, sync::Arc};
use tenancy::Insurer;

/// Members told in one transaction.
const BATCH: i64 = 500;

/// What members are told of by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Notices to all members: 組合からのお知らせ.
    Insurer,
    /// Notices to one person: あなたへのお知らせ.
    Person,
}

impl Stream {
    /// All of them, as they are listed.
    pub const ALL: [Self; 2] = [Self::Insurer, Self::Person];

    /// The word in the database and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insurer => "insurer",
            Self::Person => "person",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == word)
    }
}

/// Of whom a notice is.
#[derive(Debug, Clone, Copy)]
pub enum Readers<'a> {
    /// All members of a group.
    Group(&'a Group),
    /// One person.
    Person(PersonId),
}

impl Readers<'_> {
    fn stream(&self) -> Stream {
        match self {
            Self::Group(_) => Stream::Insurer,
            Self::Person(_) => Stream::Person,
        }
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
    /// The streams of which a member wishes to be told.
    pub async fn wished_mails(&self, member: &Member) -> Result<Vec<Stream>, Outage> {
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let off: Vec<String> = mail_wishes::table
            .filter(mail_wishes::tenant_id.eq(tx.tenant()))
            .filter(mail_wishes::account_id.eq(member.account_id))
            .filter(mail_wishes::off_at.is_not_null())
            .select(mail_wishes::stream)
            .load(&mut &*tx)
            .await
            .map_err(DatabaseError::from)?;
        let wished = |stream: &Stream| !off.iter().any(|off| off == stream.as_str());
        Ok(Stream::ALL.into_iter().filter(wished).collect())
    }

    /// Of these streams a member wishes to be told from now on, of all others not.
    pub async fn wish_mails(&self, origin: &Origin, member: &Member, wished: &[Stream]) -> Result<(), Outage> {
        let now = self.clock.now();
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        for stream in Stream::ALL {
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

    /// Posts mails about a notice to the members of whom it is who wish it and may still come in. It looks at so many accounts
    /// in a transaction that come after one, in a number of statements that doesn't grow with them. Gives the last of them,
    /// from which it goes on; none once there are no more.
    pub async fn announce(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        readers: &Readers<'_>,
        after: Option<AccountId>,
    ) -> Result<Option<AccountId>, DatabaseError> {
        let now = self.clock.now();
        // Whoever reads statements alone reads no notice.
        let ended = roster::access_ended_with(now, insurer.after_loss_days, false);
        let stream = readers.stream();
        let looked_at = look_at(tx, now, readers, after, ended).await?;
        let last = looked_at.last().map(|reader| reader.account_id);
        let readers: Vec<Reader> = looked_at.into_iter().filter(|reader| reader.is_told).collect();
        let tokens = tokens(tx, stream, &readers).await?;
        let told: Vec<(EmailAddress, PersonId, NewNotice)> = readers
            .iter()
            .filter_map(|reader| {
                let token = tokens.get(&reader.account_id)?;
                let to = EmailAddress::parse(&reader.email).ok()?;
                Some((to, reader.person_id, self.new_notice(insurer, token)))
            })
            .collect();
        let letters = told.iter().map(|(to, person, message)| Letter {
            sender: sender(insurer),
            to: to.clone(),
            subject_id: Some(person.0),
            expires_at: None,
            message,
        });
        mail::post_all(tx, &self.keys, now, letters).await?;
        Ok(last)
    }

    fn new_notice(&self, insurer: &Insurer, token: &str) -> NewNotice {
        let at = |path: &str| {
            let mut url = self.public_url.clone();
            url.set_path(path);
            url
        };
        let mut stop = at("/portal/mails/stop");
        stop.query_pairs_mut().append_pair("token", token);
        NewNotice {
            letterhead: letterhead(insurer, &self.public_url),
            notices: at("/portal/notices").into(),
            wishes: at("/portal/account/mails").into(),
            stop: stop.into(),
        }
    }
}

/// Turns all mails about notices to a person off, as when they are protected; whoever signs in may turn them on again.
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

/// A member who was looked at.
#[derive(QueryableByName)]
struct Reader {
    #[diesel(sql_type = Uuid)]
    account_id: AccountId,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Nullable<Text>)]
    token: Option<String>,
    /// Wishes it, may come in, and it is of them.
    #[diesel(sql_type = Bool)]
    is_told: bool,
}

async fn look_at(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    readers: &Readers<'_>,
    after: Option<AccountId>,
    ended: NaiveDate,
) -> Result<Vec<Reader>, DatabaseError> {
    let nobody = uuid::Uuid::nil();
    let (one, group) = match readers {
        Readers::Group(group) => ("", group.condition(6)),
        Readers::Person(_) => ("AND b.person_id = $6", String::new()),
    };
    let sql = READERS
        .replace("{may_come_in}", &roster::may_come_in("$4"))
        .replace("{one}", one)
        .replace("{group}", &group);
    let query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(readers.stream().as_str())
        .bind::<Uuid, _>(after.map_or(nobody, |after| after.0))
        .bind::<Date, _>(ended)
        .bind::<BigInt, _>(BATCH);
    let query = match readers {
        Readers::Group(group) => group.bind(query, now),
        Readers::Person(person) => query.bind::<Uuid, _>(*person),
    };
    Ok(Prepared(query).load(&mut **tx).await?)
}

/// The tokens of those who wish to be told, made for whom there is none yet.
async fn tokens(
    tx: &mut TenantTransaction,
    stream: Stream,
    readers: &[Reader],
) -> Result<HashMap<AccountId, String>, DatabaseError> {
    #[derive(QueryableByName)]
    struct Made {
        #[diesel(sql_type = Uuid)]
        account_id: AccountId,
        #[diesel(sql_type = Text)]
        token: String,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        off_at: Option<DateTime<Utc>>,
    }
    let tenant = tx.tenant();
    let lacking: Vec<AccountId> = readers
        .iter()
        .filter(|reader| reader.token.is_none())
        .map(|reader| reader.account_id)
        .collect();
    let mut tokens: HashMap<AccountId, String> = readers
        .iter()
        .filter_map(|reader| Some((reader.account_id, reader.token.clone()?)))
        .collect();
    if lacking.is_empty() {
        return Ok(tokens);
    }
    let fresh: Vec<String> = lacking.iter().map(|_| TenantSecret::random(tenant).reveal()).collect();
    let query = diesel::sql_query(MAKE_TOKENS)
        .bind::<Integer, _>(tenant)
        .bind::<Text, _>(stream.as_str())
        .bind::<Array<Uuid>, _>(lacking)
        .bind::<Array<Text>, _>(fresh);
    let made: Vec<Made> = Prepared(query).load(&mut **tx).await?;
    let wished = made.into_iter().filter(|made| made.off_at.is_none());
    tokens.extend(wished.map(|made| (made.account_id, made.token)));
    Ok(tokens)
}

/// So many accounts are looked at, whomever of them it is for: a notice to a few would else read all of a large insurer.
const READERS: &str = "
    SELECT a.account_id, a.person_id, a.email, w.token, w.off_at IS NULL AND {may_come_in} {group} AS is_told
    FROM (
        SELECT b.account_id, b.person_id, b.email FROM accounts b
        WHERE b.tenant_id = $1 AND b.account_id > $3 AND b.emptied_at IS NULL {one}
        ORDER BY b.account_id LIMIT $5
    ) a
    CROSS JOIN LATERAL (SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = a.person_id OFFSET 0) p
    LEFT JOIN LATERAL (
        SELECT v.token, v.off_at FROM mail_wishes v
        WHERE v.tenant_id = $1 AND v.account_id = a.account_id AND v.stream = $2 OFFSET 0
    ) w ON true
    ORDER BY a.account_id";

/// Who has changed their wish meanwhile has a token, and a wish, by now. The tenant comes from a row: a distributed PostgreSQL
/// runs the statement where that lives.
const MAKE_TOKENS: &str = "
    INSERT INTO mail_wishes AS w (tenant_id, account_id, stream, token)
    SELECT a.tenant_id, made.account_id, $2, made.token
    FROM accounts a, unnest($3::uuid[], $4::text[]) AS made (account_id, token)
    WHERE a.tenant_id = $1 AND a.account_id = ($3::uuid[])[1]
    ON CONFLICT (tenant_id, account_id, stream) DO UPDATE SET token = w.token
    RETURNING account_id, token, off_at";
