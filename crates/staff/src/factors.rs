//! Second factors: what somebody has beside their password. An authenticator app, passkeys and one list of printed codes;
//! a session is inside once one of them is proven, and what matters asks for it again (step-up).
//!
//! Whoever has none yet sets one up with the password alone, once: the first to do so is inside, and from then on it takes
//! a factor to change a factor.

mod app;
mod ceremony;
mod passkey;
mod printed;
mod reset;
mod rows;
mod sealed;
mod tries;

pub use app::AppOffer;
pub(crate) use passkey::webauthn;
pub use printed::CODES;

use crate::{
    Clerk, FactorChange, Staff, Stage, fields,
    log_in::FACTOR_RESET,
    reasons,
    schema::{staff, staff_factors},
    trail,
};
use audit::Origin;
use ceremony::Ceremony;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    links,
    sessions::{self, Carrier},
};
use kernel::{FactorId, FieldError, Outage, Outcome, Problem, Refusal, StaffId, TenantSecret, outcome, text};
use rows::{factors, hold, note_log_in, use_step};
use sealed::{Sealed, fault};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use webauthn_rs::prelude::PublicKeyCredential;

/// What a kept factor is sealed for.
const PURPOSE: &str = "staff_factor";
/// Apps and passkeys that one person may have.
const MOST: usize = 10;
/// Characters of a name for one.
const LABEL: usize = 40;

/// What of second factors hangs on the ring.
pub(crate) const KEYED: [Keyed; 3] = [
    Keyed {
        table: "staff_factors",
        column: "sealed",
        kind: Kind::Sealed {
            owner: "factor_id",
            purpose: PURPOSE,
        },
    },
    Keyed {
        table: "staff_ceremonies",
        column: "sealed",
        kind: Kind::Sealed {
            owner: "ceremony_id",
            purpose: ceremony::PURPOSE,
        },
    },
    Keyed {
        table: "staff_codes",
        column: "code_hash",
        kind: Kind::Hash,
    },
];

/// A kind of second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorKind {
    /// 認証アプリ: a code of six digits every half minute.
    App,
    /// パスキー.
    Passkey,
    /// 印刷した確認コード.
    Printed,
}

impl FactorKind {
    /// The word in rows and the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "totp",
            Self::Passkey => "passkey",
            Self::Printed => "printed",
        }
    }

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::App => "認証アプリ",
            Self::Passkey => "パスキー",
            Self::Printed => "印刷した確認コード",
        }
    }
}

/// An app or a passkey as its owner knows it.
#[derive(Debug, Clone)]
pub struct FactorView {
    /// Which.
    pub id: FactorId,
    /// App or passkey.
    pub kind: FactorKind,
    /// What its owner calls it.
    pub label: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What somebody has.
#[derive(Debug, Clone)]
pub struct Factors {
    /// Apps and passkeys, the oldest first.
    pub kept: Vec<FactorView>,
    /// Printed codes that work still.
    pub codes_left: usize,
}

impl Factors {
    /// True where they can prove themself by this kind.
    pub fn has(&self, kind: FactorKind) -> bool {
        match kind {
            FactorKind::Printed => self.codes_left > 0,
            kept => self.kept.iter().any(|factor| factor.kind == kept),
        }
    }

    /// True where there is nothing to prove anything by.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.codes_left == 0
    }
}

/// What is brought as proof.
pub enum Proof<'a> {
    /// The digits that an app shows, as typed.
    App(&'a str),
    /// A printed code, as typed.
    Printed(&'a str),
    /// What the browser answered for a passkey, as JSON.
    Passkey(&'a str),
}

/// The same, read.
enum Read {
    App(app::Digits),
    Printed(printed::TypedCode),
    Passkey(Box<PublicKeyCredential>),
}

impl Proof<'_> {
    fn read(&self) -> Result<Read, Refusal> {
        let mend = |field, problem| Refusal::field(FieldError::new(field, problem));
        match self {
            Self::App(typed) => app::Digits::parse(typed)
                .map(Read::App)
                .map_err(|problem| mend(fields::APP_CODE, problem)),
            Self::Printed(typed) => printed::TypedCode::parse(typed)
                .map(Read::Printed)
                .map_err(|problem| mend(fields::PRINTED_CODE, problem)),
            Self::Passkey(answer) => serde_json::from_str(answer)
                .map(|answer| Read::Passkey(Box::new(answer)))
                .map_err(|_| reasons::PASSKEY_REFUSED.into()),
        }
    }
}

impl Read {
    fn kind(&self) -> FactorKind {
        match self {
            Self::App(_) => FactorKind::App,
            Self::Printed(_) => FactorKind::Printed,
            Self::Passkey(_) => FactorKind::Passkey,
        }
    }
}

impl Staff {
    /// What a clerk has.
    pub async fn factors(&self, clerk: &Clerk) -> Result<Factors, Outage> {
        let mut tx = self.database.tenant(clerk.insurer.tenant_id).read().await?;
        let factors = factors(&mut tx, clerk.staff_id).await?;
        tx.commit().await?;
        Ok(factors)
    }

    /// Proves a second factor: at log-in, and again before what matters. The session goes on under a new token
    /// (security.md 38).
    pub async fn prove(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        proof: Proof<'_>,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        if clerk.support.is_some() {
            return Ok(reasons::NOT_PERMITTED.into());
        }
        let read = match proof.read() {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        let (kind, now) = (read.kind(), self.clock.now());
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let outcome = self.prove_in(&mut tx, origin, clerk, read, now).await?;
        let word = match &outcome {
            Outcome::Done(_) => "done",
            Outcome::Refused(refusal) => refusal.code(),
        };
        // What is held off is told by the minute.
        if word != reasons::STAFF_WAIT.code {
            let detail =
                json!({ "kind": kind.as_str(), "agent": clerk.session.agent, "again": clerk.stage == Stage::Full });
            let about = (Some(clerk.staff_id), detail);
            trail::record(&tx, now, origin, clerk.actor(), ("factor.prove", word), about).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }

    async fn prove_in(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        clerk: &Clerk,
        read: Read,
        now: DateTime<Utc>,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let (kind, mut challenge) = (read.kind(), None);
        if kind == FactorKind::Passkey {
            // Without it there is nothing to look at, so nothing was tried.
            challenge = self.take_challenge(tx, clerk, now).await?;
            if challenge.is_none() {
                return Ok(reasons::CEREMONY_OVER.into());
            }
        }
        if let Err(refusal) = self.take_try(tx, origin, clerk, kind, now).await? {
            return Ok(refusal.into());
        }
        let proven = match (&read, challenge) {
            (Read::App(digits), _) => self.check_digits(tx, clerk, digits, now).await?,
            (Read::Printed(code), _) => self.use_code(tx, clerk, code, now).await?,
            (Read::Passkey(answer), Some(challenge)) => self.check_passkey(tx, clerk, answer, &challenge, now).await?,
            (Read::Passkey(_), None) => Err(reasons::CEREMONY_OVER),
        };
        if let Err(reason) = proven {
            return Ok(reason.into());
        }
        self.end_tries(tx, clerk.staff_id, kind).await?;
        if kind == FactorKind::Printed {
            self.tell_of_factor(tx, &clerk.insurer, clerk.staff_id, FactorChange::CodeUsed, now)
                .await?;
        }
        self.prove_session(tx, clerk, now).await
    }

    /// Notes the proof in the session, which goes on under a new token.
    async fn prove_session(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        now: DateTime<Utc>,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let token = sessions::prove(tx, &self.keys, now, Carrier::Console, &clerk.session).await?;
        if clerk.stage == Stage::Pending && token.is_some() {
            note_log_in(tx, clerk.staff_id, now).await?;
        }
        Ok(token.map_or(reasons::CONSOLE_SESSION_ENDED.into(), Outcome::Done))
    }

    /// Whether this clerk may change what factors there are, and what there is; their row is held until the end, so that of
    /// two at the same time the second sees what the first has done.
    async fn may_change(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        now: DateTime<Utc>,
    ) -> Result<Result<Factors, Refusal>, Outage> {
        if clerk.support.is_some() {
            return Ok(Err(reasons::NOT_PERMITTED.into()));
        }
        if !hold(tx, clerk.staff_id).await? {
            return Ok(Err(reasons::CONSOLE_SESSION_ENDED.into()));
        }
        let factors = factors(tx, clerk.staff_id).await?;
        let may = match clerk.stage {
            Stage::Pending => factors.is_empty(),
            Stage::Full => clerk.has_just_proven(now),
        };
        Ok(if may {
            Ok(factors)
        } else {
            Err(reasons::PROOF_NEEDED.into())
        })
    }

    /// A transaction for one factor more, where this clerk may have it.
    async fn enrolling(&self, clerk: &Clerk, now: DateTime<Utc>) -> Result<Result<TenantTransaction, Refusal>, Outage> {
        let tenant = self.database.tenant(clerk.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        Ok(match self.may_change(&mut tx, clerk, now).await? {
            Ok(factors) if factors.kept.len() >= MOST => Err(reasons::ENOUGH_FACTORS.into()),
            Ok(_) => Ok(tx),
            Err(refusal) => Err(refusal),
        })
    }

    /// What a new factor is to be given or asked, in that transaction; the same until it has answered.
    async fn offer<T: Serialize + DeserializeOwned>(
        &self,
        mut tx: TenantTransaction,
        clerk: &Clerk,
        kind: Ceremony,
        now: DateTime<Utc>,
        make: impl FnOnce() -> Result<T, Outage>,
    ) -> Result<Outcome<T>, Outage> {
        let offered = self.ceremony(&mut tx, clerk, kind, now, make).await?;
        tx.commit().await?;
        Ok(offered.map_or(reasons::CEREMONY_OVER.into(), Outcome::Done))
    }

    /// Keeps a factor that has just shown that it works: the session is inside from now on, person and administrators are
    /// told.
    async fn keep<T: Serialize>(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        clerk: &Clerk,
        new: NewFactor<'_, T>,
        now: DateTime<Utc>,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let id = FactorId::new(now);
        let sealed = Sealed::new(clerk.staff_id, new.value).close(&self.keys, PURPOSE, id.of(tx.tenant()))?;
        diesel::insert_into(staff_factors::table)
            .values((
                staff_factors::tenant_id.eq(tx.tenant()),
                staff_factors::factor_id.eq(id),
                staff_factors::staff_id.eq(clerk.staff_id),
                staff_factors::kind.eq(new.kind.as_str()),
                staff_factors::label.eq(new.label),
                staff_factors::sealed.eq(sealed),
                staff_factors::step.eq(new.step),
                staff_factors::created_at.eq(now),
            ))
            .execute(&mut **tx)
            .await?;
        ceremony::forget(tx, clerk).await?;
        // What a colleague reset is set up anew; the mailed link is over.
        diesel::update(staff::table.find((tx.tenant(), clerk.staff_id)))
            .set(staff::factor_reset_at.eq(None::<DateTime<Utc>>))
            .execute(&mut **tx)
            .await?;
        links::close(tx, now, clerk.staff_id.0, FACTOR_RESET).await?;
        let detail = json!({ "kind": new.kind.as_str(), "factor": id });
        let about = (Some(clerk.staff_id), detail);
        trail::record(tx, now, origin, clerk.actor(), ("factor.enrol", "done"), about).await?;
        self.tell_of_factor(tx, &clerk.insurer, clerk.staff_id, FactorChange::Added, now)
            .await?;
        self.prove_session(tx, clerk, now).await
    }

    /// Calls an app or a passkey something else.
    pub async fn rename_factor(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        id: FactorId,
        label: &str,
    ) -> Result<Outcome<()>, Outage> {
        let label = match self::label(label) {
            Ok(Some(label)) => label,
            Ok(None) => return Ok(Refusal::field(FieldError::new(fields::LABEL, Problem::Empty)).into()),
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        if let Err(refusal) = self.may_change(&mut tx, clerk, now).await? {
            return Ok(refusal.into());
        }
        let renamed = diesel::update(staff_factors::table)
            .filter(staff_factors::tenant_id.eq(tx.tenant()))
            .filter(staff_factors::staff_id.eq(clerk.staff_id))
            .filter(staff_factors::factor_id.eq(id))
            .set(staff_factors::label.eq(label))
            .execute(&mut *tx)
            .await?;
        if renamed == 0 {
            return Ok(outcome::NOT_FOUND.into());
        }
        let about = (Some(clerk.staff_id), json!({ "factor": id }));
        trail::record(&tx, now, origin, clerk.actor(), ("factor.rename", "done"), about).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Takes an app or a passkey away; the last one stays.
    pub async fn remove_factor(&self, origin: &Origin, clerk: &Clerk, id: FactorId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let factors = match self.may_change(&mut tx, clerk, now).await? {
            Ok(factors) => factors,
            Err(refusal) => return Ok(refusal.into()),
        };
        let Some(removed) = factors.kept.iter().find(|factor| factor.id == id) else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if factors.kept.len() == 1 {
            return Ok(reasons::LAST_FACTOR.into());
        }
        diesel::delete(staff_factors::table)
            .filter(staff_factors::tenant_id.eq(tx.tenant()))
            .filter(staff_factors::staff_id.eq(clerk.staff_id))
            .filter(staff_factors::factor_id.eq(id))
            .execute(&mut *tx)
            .await?;
        ceremony::forget(&mut tx, clerk).await?;
        let detail = json!({ "kind": removed.kind.as_str(), "factor": id });
        let about = (Some(clerk.staff_id), detail);
        trail::record(&tx, now, origin, clerk.actor(), ("factor.remove", "done"), about).await?;
        self.tell_of_factor(&mut tx, &clerk.insurer, clerk.staff_id, FactorChange::Removed, now)
            .await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// What is sealed in somebody's factors of a kind, with their rows held. What does not open as theirs is a row that was
    /// moved: it proves nothing.
    async fn kept<T: DeserializeOwned>(
        &self,
        tx: &mut TenantTransaction,
        id: StaffId,
        kind: FactorKind,
    ) -> Result<Vec<(FactorId, T)>, Outage> {
        let rows: Vec<(FactorId, Vec<u8>)> = staff_factors::table
            .filter(staff_factors::tenant_id.eq(tx.tenant()))
            .filter(staff_factors::staff_id.eq(id))
            .filter(staff_factors::kind.eq(kind.as_str()))
            .order(staff_factors::factor_id)
            .select((staff_factors::factor_id, staff_factors::sealed))
            .load(&mut **tx)
            .await?;
        let mut kept = Vec::new();
        for (factor, sealed) in rows {
            match Sealed::open(&self.keys, PURPOSE, factor.of(tx.tenant()), &sealed) {
                Ok(sealed) => kept.extend(sealed.of(id).map(|value| (factor, value))),
                Err(error) => tracing::warn!(%error, "a second factor does not open"),
            }
        }
        Ok(kept)
    }
}

/// Deletes what nobody came back for; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    ceremony::sweep(tx, now).await
}

/// A factor to be kept.
struct NewFactor<'a, T> {
    kind: FactorKind,
    label: &'a str,
    value: T,
    step: Option<i64>,
}

/// What somebody calls a factor; none where they typed nothing.
fn label(typed: &str) -> Result<Option<String>, Refusal> {
    let label: String = text::written(typed).chars().filter(|c| !c.is_control()).collect();
    if label.chars().count() > LABEL {
        let problem = Problem::TooLong { max: LABEL };
        return Err(Refusal::field(FieldError::new(fields::LABEL, problem)));
    }
    Ok(Some(label).filter(|label| !label.is_empty()))
}
