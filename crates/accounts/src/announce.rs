//! Telling members of something by a stream's mails: who of so many accounts wishes it and may come in, and the letters to them.
//!
//! Accounts are looked at by their ids, so many in a transaction and in a number of statements that doesn't grow with them. Whoever
//! tells keeps up to whom it came, so that nobody is told twice.

use crate::{
    Accounts, Proof, Stream,
    messages::{Letterhead, NewNotice, letterhead, sender},
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{AccountId, EmailAddress, PersonId, TenantSecret};
use mail::{Letter, Message};
use roster::{Group, protection::not_protected};
use std::collections::HashMap;
use tenancy::Insurer;

/// Members told of a notice in one transaction.
const BATCH: i64 = 500;

/// Who is told.
#[derive(Debug, Clone, Copy)]
pub enum Readers<'a> {
    /// Of a notice, all members of a group.
    Group(&'a Group),
    /// Of a notice, one person.
    Person(PersonId),
    /// Of statements, whoever may read some.
    Statements,
    /// The same of one account.
    StatementsOf(AccountId),
}

impl Readers<'_> {
    fn stream(&self) -> Stream {
        match self {
            Self::Group(_) => Stream::Insurer,
            Self::Person(_) => Stream::Person,
            Self::Statements | Self::StatementsOf(_) => Stream::Statements,
        }
    }

    /// The newest day of loss that ends their access: whoever reads statements alone reads no notice.
    fn ended(&self, now: DateTime<Utc>, insurer: &Insurer) -> NaiveDate {
        let has_statements = self.stream() == Stream::Statements && insurer.has_statements();
        roster::access_ended_with(now, insurer.after_loss_days, has_statements)
    }

    /// Who has said nothing wishes it; of statements not whoever is protected.
    fn is_wished(&self) -> String {
        match self.stream() {
            Stream::Insurer | Stream::Person => "w.off_at IS NULL".to_owned(),
            Stream::Statements => {
                let open = not_protected("a.person_id");
                format!("w.off_at IS NULL AND (w.token IS NOT NULL OR {open})")
            }
        }
    }
}

/// A member who wishes to be told and may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Their account.
    pub account_id: AccountId,
    /// Whose it is.
    pub person_id: PersonId,
    /// How sure that is.
    pub proof: Proof,
    email: EmailAddress,
    token: Option<String>,
}

/// Accounts that were looked at together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedAt {
    /// The last of them, from which it goes on; none once there are no more.
    pub last: Option<AccountId>,
    /// Those of them who are to be told.
    pub readers: Vec<Reader>,
}

/// Where a stream's mails lead besides.
#[derive(Debug, Clone)]
pub struct Links {
    /// Where mails are chosen.
    pub wishes: String,
    /// What ends this stream's mails without a log-in.
    pub stop: String,
}

impl Accounts {
    /// Posts mails about a notice to the members of whom it is who wish it and may still come in. Gives the last account that was
    /// looked at, from which it goes on; none once there are no more.
    pub async fn announce(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        readers: &Readers<'_>,
        after: Option<AccountId>,
    ) -> Result<Option<AccountId>, DatabaseError> {
        let LookedAt { last, readers: told } = self.readers(tx, insurer, readers, (after, BATCH)).await?;
        let letterhead = self.letterhead(insurer);
        let notices = self.link("/portal/notices");
        let message = |_: &Reader, Links { wishes, stop }| NewNotice {
            letterhead: letterhead.clone(),
            notices: notices.clone(),
            wishes,
            stop,
        };
        self.tell(tx, insurer, (readers.stream(), None), &told, message).await?;
        Ok(last)
    }

    /// Who is to be told among so many accounts that come after one.
    pub async fn readers(
        &self,
        tx: &TenantTransaction,
        insurer: &Insurer,
        readers: &Readers<'_>,
        (after, most): (Option<AccountId>, i64),
    ) -> Result<LookedAt, DatabaseError> {
        let now = self.clock.now();
        let rows = look_at(tx, now, readers, (after, most), readers.ended(now, insurer)).await?;
        Ok(LookedAt {
            last: rows.last().map(|row| row.account_id),
            readers: rows.into_iter().filter_map(Row::into_reader).collect(),
        })
    }

    /// Posts a mail of a stream to each of these readers, which is not sent any more from a moment on; how many that were: whoever
    /// has ended them at this very moment gets none.
    pub async fn tell<M: Message>(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        (stream, expires_at): (Stream, Option<DateTime<Utc>>),
        readers: &[Reader],
        message: impl Fn(&Reader, Links) -> M,
    ) -> Result<usize, DatabaseError> {
        let tokens = tokens(tx, stream, readers).await?;
        let told: Vec<(&Reader, M)> = readers
            .iter()
            .filter_map(|reader| {
                let links = self.links(tokens.get(&reader.account_id)?);
                Some((reader, message(reader, links)))
            })
            .collect();
        let letters = told.iter().map(|(reader, message)| Letter {
            sender: sender(insurer),
            to: reader.email.clone(),
            subject_id: Some(reader.person_id.0),
            expires_at,
            message,
        });
        mail::post_all(tx, &self.keys, self.clock.now(), letters).await?;
        Ok(told.len())
    }

    /// What every mail of an insurer carries.
    pub fn letterhead(&self, insurer: &Insurer) -> Letterhead {
        letterhead(insurer, &self.public_url)
    }

    /// A page of the portal, as mails lead to it.
    pub fn link(&self, path: &str) -> String {
        let mut url = self.public_url.clone();
        url.set_path(path);
        url.into()
    }

    fn links(&self, token: &str) -> Links {
        let mut stop = self.public_url.clone();
        stop.set_path("/portal/mails/stop");
        stop.query_pairs_mut().append_pair("token", token);
        Links {
            wishes: self.link("/portal/account/mails"),
            stop: stop.into(),
        }
    }
}

/// An account that was looked at.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Uuid)]
    account_id: AccountId,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    proof: Proof,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Nullable<Text>)]
    token: Option<String>,
    /// Wishes it, may come in, and it is of them.
    #[diesel(sql_type = Bool)]
    is_told: bool,
}

impl Row {
    fn into_reader(self) -> Option<Reader> {
        let email = EmailAddress::parse(&self.email).ok().filter(|_| self.is_told)?;
        Some(Reader {
            account_id: self.account_id,
            person_id: self.person_id,
            proof: self.proof,
            email,
            token: self.token,
        })
    }
}

async fn look_at(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    readers: &Readers<'_>,
    (after, most): (Option<AccountId>, i64),
    ended: NaiveDate,
) -> Result<Vec<Row>, DatabaseError> {
    let nobody = uuid::Uuid::nil();
    let (one, group) = match readers {
        Readers::Group(group) => ("", group.condition(6)),
        Readers::Person(_) => ("AND b.person_id = $6", String::new()),
        Readers::Statements => ("", String::new()),
        Readers::StatementsOf(_) => ("AND b.account_id = $6", String::new()),
    };
    let sql = READERS
        .replace("{is_wished}", &readers.is_wished())
        .replace("{may_come_in}", &roster::may_come_in("$4"))
        .replace("{one}", one)
        .replace("{group}", &group);
    let query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(readers.stream().as_str())
        .bind::<Uuid, _>(after.map_or(nobody, |after| after.0))
        .bind::<Date, _>(ended)
        .bind::<BigInt, _>(most);
    let query = match readers {
        Readers::Group(group) => group.bind(query, now),
        Readers::Person(person) => query.bind::<Uuid, _>(*person),
        Readers::Statements => query,
        Readers::StatementsOf(account) => query.bind::<Uuid, _>(*account),
    };
    Ok(Prepared(query).load(&mut &**tx).await?)
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
    SELECT a.account_id, a.person_id, a.proof, a.email, w.token, {is_wished} AND {may_come_in} {group} AS is_told
    FROM (
        SELECT b.account_id, b.person_id, b.proof, b.email FROM accounts b
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
