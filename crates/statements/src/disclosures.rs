//! 表示範囲, as people have asked for it. The household, where that is usual, is no row; what was asked before stands in the trail.
//!
//! Whoever lives with somebody knows the facts by which they may have signed up as them. An account that was proven by facts alone
//! therefore may narrow who sees the rows and never widen it, and isn't told what is in force: it gets the same answer whatever
//! that was. Who asks for themself is the only one who may; what is asked of others is the desk's.

pub mod desk;
pub mod list;

use crate::{
    kind::Kind,
    reasons::{NOT_WIDENED, OTHERWISE_BY_NOW},
    schema::disclosures as t,
    visibility::{Audience, Family},
};
use accounts::{Accounts, Member, Proof, reasons::SESSION_ENDED};
use audit::{Actor, Channel, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, Prepared, TenantTransaction};
use diesel::{
    prelude::*,
    result::Error::DeserializationError,
    sql_types::{Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use ground::Ground;
use kernel::{Clock, Outage, Outcome, PersonId, TenantSecret, calendar};
use roster::{Person, born_by, protection::is_protected};
use serde_json::{Value, json};
use tenancy::{FeatureState, Insurer};

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// The person, on a page.
    Person,
    /// Staff, for somebody who wrote or called.
    Staff,
    /// The person, by an app of theirs.
    Api,
    /// A program of the insurer's, for somebody who asked there.
    Client,
}

impl AskedBy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Person, Self::Staff, Self::Api, Self::Client];

    /// How it comes to a member at this door.
    fn at(origin: &Origin) -> Self {
        match origin.channel {
            Channel::Api => Self::Api,
            Channel::Portal | Channel::Console | Channel::Command | Channel::Worker => Self::Person,
        }
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Staff => "staff",
            Self::Api => "api",
            Self::Client => "client",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }

    /// As staff read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Person => "ご本人（マイページ）",
            Self::Staff => "窓口",
            Self::Api => "ご本人（連携するアプリ）",
            Self::Client => "連携先",
        }
    }
}

/// What a member asks for of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Of what.
    pub kind: Kind,
    /// Who is to see their rows.
    pub audience: Audience,
    /// What has to be in force for that, where they say so; nothing of it is asked of whoever isn't told.
    pub seen: Option<Audience>,
}

/// Who may see a member's rows of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// Of what.
    pub kind: Kind,
    /// Who; none for whom that is not told.
    pub audience: Option<Audience>,
}

/// By which [`lock`] is known from other locks of the database.
const LOCK: i32 = 0x6469_7363;

/// The use cases of who says who sees their rows. Cheap to clone.
#[derive(Clone)]
pub struct Disclosures {
    database: Database,
    clock: Clock,
}

impl Disclosures {
    /// Puts them together.
    pub fn new(ground: &Ground) -> Self {
        Self {
            database: ground.database.clone(),
            clock: ground.clock.clone(),
        }
    }

    /// Who sees the member's rows, of each of [`kinds`].
    pub async fn in_force(&self, member: &Member) -> Result<Vec<InForce>, Outage> {
        let kinds = kinds(member);
        if member.proof == Proof::Facts {
            let untold = |kind| InForce { kind, audience: None };
            return Ok(kinds.into_iter().map(untold).collect());
        }
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let mut found = Vec::new();
        for kind in kinds {
            let audience = Some(self.audience(&tx, member, kind).await?);
            found.push(InForce { kind, audience });
        }
        tx.commit().await?;
        Ok(found)
    }

    /// Does what a member wishes, all or nothing. What is wider than what is in force takes a proof by letter and the present
    /// password (security.md 42), and to whoever is protected nobody else is added; the session's new token, where it took that.
    pub async fn change(
        &self,
        accounts: &Accounts,
        origin: &Origin,
        member: &Member,
        wishes: &[Wish],
        password: &str,
    ) -> Result<Outcome<Option<TenantSecret>>, Outage> {
        let widening = match self.widening(member, wishes).await? {
            Outcome::Done(widening) => widening,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        if !widening.is_empty() {
            if member.proof == Proof::Facts || adds_others(&widening) && self.is_protected(member).await? {
                return self.refuse(origin, member).await;
            }
            if let Outcome::Refused(refusal) = accounts.prove_present_password(origin, member, password).await? {
                return Ok(refusal.into());
            }
        }
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        lock(&mut tx, member.person.person_id).await?;
        let is_hidden = is_protected(&tx, member.person.person_id).await?;
        // Staff may have protected them while the password was looked at.
        if is_hidden && adds_others(&widening) {
            drop(tx);
            return self.refuse(origin, member).await;
        }
        let mut changed = Vec::new();
        for wish in wishes {
            if self.is_outdated(&tx, member, wish).await? {
                return Ok(OTHERWISE_BY_NOW.into());
            }
            let may_widen = widening.contains(wish);
            if self.do_one(&mut tx, origin, member, *wish, may_widen).await? {
                changed.push(wish.kind);
            }
        }
        // Of whoever is protected no program is told anything.
        if !is_hidden {
            tell(&mut tx, self.clock.now(), member.person.person_id, &changed);
        }
        let mut token = None;
        if !widening.is_empty() {
            token = accounts.renew(&mut tx, origin, member).await?;
            if token.is_none() {
                // Logged out elsewhere meanwhile: nothing of it stays.
                return Ok(SESSION_ENDED.into());
            }
        }
        tx.commit().await?;
        Ok(Outcome::Done(token))
    }

    /// The wishes that would let more people see than now. To let the household see is one for everybody who isn't told what is
    /// in force.
    async fn widening(&self, member: &Member, wishes: &[Wish]) -> Result<Outcome<Vec<Wish>>, Outage> {
        if member.proof == Proof::Facts {
            let to_household = wishes.iter().filter(|wish| wish.audience == Audience::Household);
            return Ok(Outcome::Done(to_household.copied().collect()));
        }
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let mut widening = Vec::new();
        for wish in wishes {
            // Read once: between two looks another may be done.
            let in_force = self.audience(&tx, member, wish.kind).await?;
            if wish.seen.is_some_and(|seen| seen != in_force) {
                return Ok(OTHERWISE_BY_NOW.into());
            }
            if wish.audience < in_force {
                widening.push(*wish);
            }
        }
        tx.commit().await?;
        Ok(Outcome::Done(widening))
    }

    /// True where something else is in force than they go by.
    async fn is_outdated(&self, tx: &TenantTransaction, member: &Member, wish: &Wish) -> Result<bool, DatabaseError> {
        Ok(match wish.seen {
            Some(seen) => self.audience(tx, member, wish.kind).await? != seen,
            None => false,
        })
    }

    async fn refuse<T>(&self, origin: &Origin, member: &Member) -> Result<Outcome<T>, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let tx = tenant.write(Durability::Safe).await?;
        self.record(&tx, origin, member, NOT_WIDENED.code, json!({})).await?;
        tx.commit().await?;
        Ok(NOT_WIDENED.into())
    }

    /// True of a member who is protected: nobody else is ever added to who sees their rows.
    pub async fn is_protected(&self, member: &Member) -> Result<bool, Outage> {
        let tx = self.database.tenant(member.insurer.tenant_id).read().await?;
        let is_protected = is_protected(&tx, member.person.person_id).await?;
        tx.commit().await?;
        Ok(is_protected)
    }

    /// True where something else is in force by it. What was asked for stands in the trail either way.
    async fn do_one(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        member: &Member,
        Wish { kind, audience, .. }: Wish,
        may_widen: bool,
    ) -> Result<bool, DatabaseError> {
        let (now, who, by) = (self.clock.now(), (member.person.person_id, kind), AskedBy::at(origin));
        let from = self.audience(tx, member, kind).await?;
        if may_widen {
            let usual = self.usual(member, kind);
            set(tx, now, who, (audience, usual), by).await?;
        } else if audience != Audience::Household {
            narrow(tx, now, who, audience, by).await?;
        }
        let to = self.audience(tx, member, kind).await?;
        let detail = json!({ "kind": kind, "from": from.as_str(), "to": to.as_str() });
        self.record(tx, origin, member, "done", detail).await?;
        Ok(from != to)
    }

    async fn record(
        &self,
        tx: &TenantTransaction,
        origin: &Origin,
        member: &Member,
        outcome: &'static str,
        detail: Value,
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: Actor::Member(member.account_id),
            action: "disclosure.change",
            object: Some(("person", member.person.person_id.0)),
            outcome,
            detail,
        };
        audit::record(tx, self.clock.now(), origin, entry).await
    }

    async fn audience(&self, tx: &TenantTransaction, member: &Member, kind: Kind) -> Result<Audience, DatabaseError> {
        let said = said(tx, member.person.person_id, kind).await?;
        Ok(said.unwrap_or(self.usual(member, kind)))
    }

    fn usual(&self, member: &Member, kind: Kind) -> Audience {
        usual(&member.insurer, &member.person, kind, self.clock.now())
    }
}

/// Tells programs whose rows of which kinds others see from now on.
fn tell(tx: &mut TenantTransaction, now: DateTime<Utc>, person: PersonId, changed: &[Kind]) {
    for kind in changed {
        let event = jobs::Event {
            kind: "disclosure.changed",
            subject: person.0,
            payload: json!({ "kind": kind.as_str() }),
        };
        jobs::publish(tx, now, event);
    }
}

/// True of wishes, wider than what is in force, by which others see the rows. The rest shows them to their owner again.
fn adds_others(widening: &[Wish]) -> bool {
    widening.iter().any(|wish| wish.audience == Audience::Household)
}

/// Who sees somebody's rows while they have said nothing.
fn usual(insurer: &Insurer, person: &Person, kind: Kind, now: DateTime<Utc>) -> Audience {
    let settings = &insurer.statements;
    let today = calendar::today_in_japan(now);
    let is_child = person.birth_date.date() > born_by(today, settings.adult_age.into());
    Family::of(settings, kind).usual(is_child)
}

/// The kinds that a member's insurer shows or prepares to show: whoever wants nothing shown can say so before the first row is.
pub fn kinds(member: &Member) -> Vec<Kind> {
    kinds_of(&member.insurer)
}

/// The same of an insurer.
pub fn kinds_of(insurer: &Insurer) -> Vec<Kind> {
    let is_offered = |kind: &Kind| insurer.modules.state(kind.feature()) != FeatureState::Hidden;
    Kind::ALL.into_iter().filter(is_offered).collect()
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

/// Keeps what somebody asks for where it is narrower than what was kept, whoever else asks for something at the same moment.
async fn narrow(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (person, kind): (PersonId, Kind),
    audience: Audience,
    by: AskedBy,
) -> Result<(), DatabaseError> {
    let query = diesel::sql_query(NARROW)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(person)
        .bind::<Text, _>(kind.as_str())
        .bind::<Text, _>(audience.as_str())
        .bind::<Text, _>(by.as_str())
        .bind::<Timestamptz, _>(now);
    Prepared(query).execute(&mut **tx).await?;
    Ok(())
}

/// Until the transaction's end nobody else asks for somebody at the member's doors: of two who go by the same state, one does. A
/// state that is usual has no row to be locked by. People whose ids end alike wait for each other, and no more comes of it.
async fn lock(tx: &mut TenantTransaction, person: PersonId) -> Result<(), DatabaseError> {
    let [.., a, b, c, d] = person.0.into_bytes();
    tx.advisory_lock(LOCK, i32::from_be_bytes([a, b, c, d])).await
}

const NARROW: &str = "
    INSERT INTO disclosures (tenant_id, person_id, kind, audience, source, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, person_id, kind) DO UPDATE
    SET audience = excluded.audience, source = excluded.source, changed_at = excluded.changed_at
    WHERE disclosures.audience = 'household' OR (disclosures.audience = 'self_only' AND excluded.audience = 'suppressed')";
