//! What the platform's operators see and mend over all insurers: what died in their queues. Nothing personal is shown of it
//! but a masked address of mail, and each deed is a line in the insurer's trail and in the platform's.

use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability};
use jobs::dead::{self, Dead, DeadJob, Which};
use kernel::{JobId, MailId, Outage, Outcome, Reason, RefusalKind, TenantId, Words};
use mail::dead::DeadMail;
use serde_json::json;
use std::collections::HashMap;
use tenancy::of_platform;
use uuid::Uuid;

/// Lines of a page.
pub const PER_PAGE: usize = 50;

/// Somebody was there before, or it has served its time.
pub const DEAD_GONE: Reason = Reason {
    code: "dead_gone",
    kind: RefusalKind::Outdated,
    detail: "It is not among what failed any more.",
    words: |_, _| {
        Words::new(
            "この項目は、もう一覧にありません",
            "ほかの運用者が先に処理したか、保管の期間が過ぎました。今の一覧を確認してください。",
            &[("/operator/", "ホームへ")],
        )
    },
};

/// The mail is there, and what it said is not.
pub const MAIL_ERASED: Reason = Reason {
    code: "mail_erased",
    kind: RefusalKind::Outdated,
    detail: "What the mail said is erased: it held a code or a link, or its seven days are over. It can't be sent again.",
    words: |_, _| {
        Words::new(
            "このメールは、もう一度は送れません",
            "認証番号やリンクの入ったメールか、送り直せる7日間が過ぎたメールです。内容はすでに消しました。ご本人に、手続きをやり直していただいてください。",
            &[("/operator/mails", "届かなかったメールの一覧へ")],
        )
    },
};

/// What is done with something that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A job is tried again.
    RetryJob,
    /// A job is dropped.
    DropJob,
    /// A mail is sent again.
    SendMail,
}

impl Deed {
    fn action(self) -> &'static str {
        match self {
            Self::RetryJob => "job.retry",
            Self::DropJob => "job.drop",
            Self::SendMail => "mail.send_again",
        }
    }

    fn object(self) -> &'static str {
        match self {
            Self::RetryJob | Self::DropJob => "job",
            Self::SendMail => "mail",
        }
    }
}

/// Where a list goes on.
pub type After = (DateTime<Utc>, Uuid);

/// Jobs that died, the last first: one page, and where the next begins.
pub async fn dead_jobs(
    database: &Database,
    after: Option<After>,
) -> Result<(Vec<(Dead, DeadJob)>, Option<After>), DatabaseError> {
    let (dead, next) = page(database, Which::ButOf(mail::QUEUE), after).await?;
    let mut told = HashMap::new();
    for tenant in tenants(&dead) {
        let tx = database.tenant(tenant).read().await?;
        for one in dead.iter().filter(|one| one.tenant_id == tenant) {
            told.insert(one.item, dead::job(&tx, JobId(one.item)).await?);
        }
        tx.commit().await?;
    }
    Ok((joined(dead, &mut told), next))
}

/// Mails that reached nobody, the last first: one page, and where the next begins.
pub async fn dead_mails(
    database: &Database,
    after: Option<After>,
) -> Result<(Vec<(Dead, DeadMail)>, Option<After>), DatabaseError> {
    let (dead, next) = page(database, Which::Of(mail::QUEUE), after).await?;
    let mut told = HashMap::new();
    for tenant in tenants(&dead) {
        let tx = database.tenant(tenant).read().await?;
        for one in dead.iter().filter(|one| one.tenant_id == tenant) {
            told.insert(one.item, mail::dead::mail(&tx, MailId(one.item)).await?);
        }
        tx.commit().await?;
    }
    Ok((joined(dead, &mut told), next))
}

async fn page(
    database: &Database,
    which: Which,
    after: Option<After>,
) -> Result<(Vec<Dead>, Option<After>), DatabaseError> {
    let more = i64::try_from(PER_PAGE + 1).unwrap_or(i64::MAX);
    let mut dead = dead::list(database, which, after, more).await?;
    let is_all = dead.len() <= PER_PAGE;
    dead.truncate(PER_PAGE);
    let next = dead.last().filter(|_| !is_all).map(|last| (last.died_at, last.item));
    Ok((dead, next))
}

/// Each insurer once.
fn tenants(dead: &[Dead]) -> Vec<TenantId> {
    let mut tenants: Vec<TenantId> = dead.iter().map(|one| one.tenant_id).collect();
    tenants.sort_unstable();
    tenants.dedup();
    tenants
}

/// What is gone between two looks is left out.
fn joined<T>(dead: Vec<Dead>, told: &mut HashMap<Uuid, Option<T>>) -> Vec<(Dead, T)> {
    let with = |one: Dead| told.remove(&one.item).flatten().map(|told| (one, told));
    dead.into_iter().filter_map(with).collect()
}

/// Mends something of an insurer's that died.
pub async fn mend(
    database: &Database,
    now: DateTime<Utc>,
    (origin, actor): (&Origin, Actor),
    tenant: TenantId,
    (deed, item): (Deed, Uuid),
) -> Result<Outcome<()>, Outage> {
    let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
    let kind = match deed {
        Deed::RetryJob => dead::retry(&mut tx, now, JobId(item)).await?,
        Deed::DropJob => dead::discard(&mut tx, JobId(item)).await?,
        Deed::SendMail => mail::dead::send_again(&mut tx, now, MailId(item)).await?,
    };
    let Some(kind) = kind else {
        let is_there = deed == Deed::SendMail && mail::dead::mail(&tx, MailId(item)).await?.is_some();
        return Ok(if is_there { MAIL_ERASED } else { DEAD_GONE }.into());
    };
    let entry = |actor| Entry {
        actor,
        action: deed.action(),
        object: Some((deed.object(), item)),
        outcome: "done",
        detail: json!({ "tenant": tenant.0, "kind": kind }),
    };
    audit::record(&tx, now, origin, entry(actor)).await?;
    // What died may be the platform's own.
    if tenant != TenantId::PLATFORM {
        tx.go_on_as_platform().await?;
        audit::record(&tx, now, origin, entry(of_platform(actor))).await?;
    }
    tx.commit().await?;
    Ok(Outcome::Done(()))
}
