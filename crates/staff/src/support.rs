//! The platform's support, let in: an operator asks, an administrator of the insurer grants it for hours, and whatever ends
//! it ends its sessions. Every step is a line of the insurer's trail; its administrators are told by mail.

mod enter;
mod messages;
mod rows;

pub(crate) use messages::registry;
pub use rows::{OpenSupport, SupportGrant, SupportState};

use crate::{Clerk, Staff, support::rows::Ended};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Durability, TenantTransaction};
use guard::sessions;
use jobs::{Job, JobError, Jobs, Worker};
use kernel::{
    Field, FieldError, GrantId, Outage, Outcome, Problem, Reason, Refusal, RefusalKind, TenantId, Words, outcome, text,
};
use messages::{Letterhead, SupportAsked, SupportEnded};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenancy::Insurer;

/// Hours that are granted.
pub const HOURS: [i32; 4] = [1, 2, 4, 8];
/// How long a wish waits for an answer.
const WAITS: TimeDelta = TimeDelta::days(7);
/// Characters of a reason.
const LONGEST_REASON: usize = 500;

/// 理由.
pub const REASON: Field = Field::new("reason", "理由").or_empty("何のために、どの画面を見るのかを入力してください");
/// 時間.
pub const HOURS_FIELD: Field = Field::new("hours", "時間").or_empty("時間を選んでください");

/// This operator has asked this insurer already.
pub const SUPPORT_ASKED: Reason = Reason {
    code: "support_asked",
    kind: RefusalKind::Outdated,
    detail: "This operator has asked this insurer already, or is let in.",
    words: |_, _| {
        Words::new(
            "すでに依頼しています",
            "この保険者には、すでに依頼しています。ホームで、返事が来ているかを確認してください。",
            &[("/operator/", "ホームへ")],
        )
    },
};
/// It was answered or withdrawn meanwhile.
pub const SUPPORT_ANSWERED: Reason = Reason {
    code: "support_answered",
    kind: RefusalKind::Outdated,
    detail: "This wish for support was answered already, or has lapsed.",
    words: |_, _| {
        Words::new(
            "この依頼への返事は、もう済んでいます",
            "ほかの管理者が先に返事をしたか、依頼から7日が過ぎました。今の状態を、一覧で確認してください。",
            &[("/console/support", "運営サポートの一覧へ")],
        )
    },
};
/// Nobody has granted it yet.
pub const SUPPORT_WAITS: Reason = Reason {
    code: "support_waits",
    kind: RefusalKind::Forbidden,
    detail: "No administrator of the insurer has granted it yet.",
    words: |_, _| {
        Words::new(
            "まだ許可されていません",
            "保険者の管理者が許可すると、入れるようになります。返事をお待ちください。",
            &[("/operator/", "ホームへ")],
        )
    },
};
/// It has ended.
pub const SUPPORT_OVER: Reason = Reason {
    code: "support_over",
    kind: RefusalKind::Outdated,
    detail: "This support has ended. Ask anew.",
    words: |_, _| {
        Words::new(
            "このサポートは終わりました",
            "許可された時間が過ぎたか、管理者が終わらせました。続けるときは、もう一度依頼してください。",
            &[("/operator/", "ホームへ")],
        )
    },
};
/// All of them.
pub const REASONS: [Reason; 4] = [SUPPORT_ASKED, SUPPORT_ANSWERED, SUPPORT_WAITS, SUPPORT_OVER];

/// What an operator asks for, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportWish {
    /// Why.
    pub reason: String,
    /// For how many hours.
    pub hours: String,
}

impl SupportWish {
    fn read(&self) -> Result<(String, i32), Refusal> {
        let mut errors = Vec::new();
        let reason = text::normalize(&self.reason);
        let problem = match reason.chars().count() {
            0 => Some(Problem::Empty),
            count if count > LONGEST_REASON => Some(Problem::TooLong { max: LONGEST_REASON }),
            _ if text::has_control(&reason) => Some(Problem::Characters),
            _ => None,
        };
        errors.extend(problem.map(|problem| FieldError::new(REASON, problem)));
        let hours = FieldError::gather(HOURS_FIELD, hours(&self.hours), &mut errors);
        match hours {
            Some(hours) if errors.is_empty() => Ok((reason, hours)),
            _ => Err(Refusal::fields(errors)),
        }
    }
}

fn hours(typed: &str) -> Result<i32, Problem> {
    let hours = typed.parse().ok().filter(|hours| HOURS.contains(hours));
    hours.ok_or(Problem::Empty)
}

/// Looks whether a grant, or the wish for it, is over.
#[derive(Serialize, Deserialize)]
struct SupportOver {
    grant: GrantId,
}

impl Job for SupportOver {
    const QUEUE: &'static str = "support_over";
}

impl Staff {
    /// An operator asks an insurer's administrators to be let in.
    pub async fn ask_for_support(
        &self,
        origin: &Origin,
        operator: &Clerk,
        insurer: &Insurer,
        wish: &SupportWish,
    ) -> Result<Outcome<GrantId>, Outage> {
        let (reason, hours) = match wish.read() {
            Ok(read) => read,
            Err(refusal) => return Ok(refusal.into()),
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
        if let Some(before) = rows::open_of(&tx, operator.staff_id).await?
            && let Some(before) = rows::locked(&tx, before).await?
            && before.state(now) == SupportState::Over
        {
            self.close(&mut tx, insurer, &before, (Actor::System, origin), Ended::Over, now)
                .await?;
        }
        let id = GrantId::new(now);
        // Of two at the same time the second waits here for the first.
        if !rows::announce(&tx, id, operator.staff_id, now).await? {
            return Ok(SUPPORT_ASKED.into());
        }
        rows::insert(&tx, id, (operator.staff_id, &operator.name), (&reason, hours), now).await?;
        jobs::enqueue(&mut tx, &self.keys, now, now + WAITS, &SupportOver { grant: id }).await?;
        let message = SupportAsked {
            letterhead: self.letterhead(insurer, &operator.name),
            hours,
        };
        self.mail_to_administrators(&mut tx, insurer, None, &message, now)
            .await?;
        let actor = Actor::Support {
            operator: operator.staff_id.0,
            grant: id.0,
        };
        record(&tx, now, (actor, origin), id, "support.ask", json!({ "hours": hours })).await?;
        tx.commit().await?;
        Ok(Outcome::Done(id))
    }

    /// An administrator lets support in for so many hours.
    pub async fn grant_support(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        id: GrantId,
        typed: &str,
    ) -> Result<Outcome<()>, Outage> {
        let hours = match hours(typed) {
            Ok(hours) => hours,
            Err(problem) => return Ok(Refusal::field(FieldError::new(HOURS_FIELD, problem)).into()),
        };
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let Some(wish) = rows::locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if wish.state(now) != SupportState::Asked {
            return Ok(SUPPORT_ANSWERED.into());
        }
        let ends_at = now + TimeDelta::hours(hours.into());
        rows::grant(&tx, id, clerk.staff_id, now, ends_at).await?;
        jobs::enqueue(&mut tx, &self.keys, now, ends_at, &SupportOver { grant: id }).await?;
        let detail = json!({ "hours": hours, "operator": wish.operator_id });
        record(&tx, now, (clerk.actor(), origin), id, "support.grant", detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// An administrator declines a wish, or ends what was granted; what is over already stays so.
    pub async fn end_support(&self, origin: &Origin, clerk: &Clerk, id: GrantId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let Some(found) = rows::locked(&tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let why = match found.state(now) {
            SupportState::Asked => Ended::Declined,
            SupportState::On(_) => Ended::Administrator,
            SupportState::Over => return Ok(Outcome::Done(())),
        };
        self.close(&mut tx, &clerk.insurer, &found, (clerk.actor(), origin), why, now)
            .await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Support itself has done its work: the grant ends with its session.
    pub async fn leave_support(&self, origin: &Origin, clerk: &Clerk) -> Result<(), Outage> {
        let Some(support) = &clerk.support else { return Ok(()) };
        let by = (clerk.actor(), origin);
        self.end_grant(clerk.insurer.tenant_id, support.grant, by, Ended::Operator)
            .await
    }

    /// Ends a grant that has not ended yet.
    async fn end_grant(
        &self,
        tenant: TenantId,
        grant: GrantId,
        by: (Actor, &Origin),
        why: Ended,
    ) -> Result<(), Outage> {
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let found = rows::locked(&tx, grant).await?;
        // A clock's hand may be early: what is not over waits for its own.
        let ends = |found: &SupportGrant| {
            found.ended_at.is_none() && (why != Ended::Over || found.state(now) == SupportState::Over)
        };
        if let Some(found) = found.filter(ends) {
            self.close(&mut tx, &insurer, &found, by, why, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends a grant or a wish with every session that lives by it, in the transaction that holds its row.
    async fn close(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        found: &SupportGrant,
        by: (Actor, &Origin),
        why: Ended,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        rows::end(tx, found, why, now).await?;
        sessions::end_granted(tx, found.operator_id.0, found.grant_id.0).await?;
        if found.entered_at.is_some() {
            let message = SupportEnded {
                letterhead: self.letterhead(insurer, &found.operator_name),
                at: found.ends_at.map_or(now, |at| at.min(now)),
            };
            self.mail_to_administrators(tx, insurer, None, &message, now).await?;
        }
        let detail = json!({ "why": why.as_str(), "operator": found.operator_id });
        Ok(record(tx, now, by, found.grant_id, "support.end", detail).await?)
    }

    /// What stands and what was of late, the last asked for first.
    pub async fn support_grants(&self, clerk: &Clerk) -> Result<Vec<SupportGrant>, Outage> {
        let tx = self.database.tenant(clerk.insurer.tenant_id).read().await?;
        let found = rows::latest(&tx).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// One wish or grant of the clerk's insurer.
    pub async fn support_grant(&self, clerk: &Clerk, id: GrantId) -> Result<Option<SupportGrant>, Outage> {
        let tx = self.database.tenant(clerk.insurer.tenant_id).read().await?;
        let found = rows::one(&tx, id).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Every wish and grant that has not ended, over all insurers: for the platform.
    pub async fn open_support(&self) -> Result<Vec<OpenSupport>, Outage> {
        let now = self.clock.now();
        let mut open = rows::open(&self.database).await?;
        open.retain(|open| open.ends_at.is_none_or(|at| now < at));
        Ok(open)
    }

    /// Adds to a worker what ends support when its time is over.
    #[must_use]
    pub fn support_served_by(&self, worker: Worker) -> Worker {
        let staff = self.clone();
        worker.serving(Jobs::new(
            self.database.clone(),
            self.keys.clone(),
            self.clock.clone(),
            move |tenant: TenantId, job: SupportOver| {
                let staff = staff.clone();
                async move {
                    let origin = Origin::worker();
                    let ended = staff
                        .end_grant(tenant, job.grant, (Actor::System, &origin), Ended::Over)
                        .await;
                    ended.map_err(|outage| JobError(outage.to_string()))
                }
            },
        ))
    }

    fn letterhead(&self, insurer: &Insurer, operator: &str) -> Letterhead {
        let mut url = self.console_url.clone();
        url.set_path("/console/support");
        Letterhead {
            insurer: insurer.name.clone(),
            url: url.into(),
            operator: operator.to_owned(),
        }
    }
}

async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    (actor, origin): (Actor, &Origin),
    grant: GrantId,
    action: &'static str,
    detail: serde_json::Value,
) -> Result<(), database::DatabaseError> {
    let entry = Entry {
        actor,
        action,
        object: Some(("support", grant.0)),
        outcome: "done",
        detail,
    };
    audit::record(tx, now, origin, entry).await
}
