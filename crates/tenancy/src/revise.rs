//! A new revision of an insurer's settings: by a folder, or by its own administrators in the console. Under the lock of
//! [`crate::apply()`], so that no two have one number, and by who has seen the one before.

use crate::{
    Revision, Settings,
    apply::lock,
    difference,
    directory::{InsurerRow, unreadable},
    family_page,
    schema::{insurer_revisions, insurers},
    terms::hex,
};
use audit::{Actor, Channel, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Field, FieldError, Outage, Outcome, Problem, Reason, Refusal, RefusalKind, Words};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Somebody else has changed the settings since the form was shown.
pub const CHANGED_MEANWHILE: Reason = Reason {
    code: "changed_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "The settings have changed since the form was shown. Look at both, and send it again with the new revision.",
    words: |_, _| {
        Words::new(
            "ほかの職員が先に変更しました",
            "この画面を開いたあとに、設定が変わりました。入力した内容は残っています。下の違いを確かめて、よければもう一度保存してください。",
            &[],
        )
    },
};

/// The address that mails come from.
pub const SENDER_ADDRESS: Field = Field::new("sender_address", "差出人のメールアドレス").takes(
    "差出人のメールアドレスには、運営が許可したドメインのアドレスを入力してください。ほかのドメインを使うときは、運営にお問い合わせください",
);

/// What the trail calls a change of the settings.
pub const REVISE: &str = "insurer.revise";

/// Who changes the settings in the console, and what they have seen.
#[derive(Debug, Clone, Copy)]
pub struct Revising<'a> {
    /// What the trail calls it: [`REVISE`], or a module's own word.
    pub action: &'static str,
    /// The revision that the form was shown with.
    pub expected: i64,
    /// How the trail names them.
    pub actor: Actor,
    /// Their name, for the list of revisions.
    pub by: &'a str,
    /// Why, in their words.
    pub why: &'a str,
}

/// Changes the settings of the transaction's insurer; the revision in force then. What changes nothing writes nothing. The
/// kind of insurer, the operator, what was bought and whether it is a sandbox are not the console's to change and stay as they are.
pub async fn revise(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    revising: &Revising<'_>,
    change: impl FnOnce(&mut Settings),
) -> Result<Outcome<i64>, Outage> {
    lock(tx).await?;
    let row = current(tx).await?;
    // Suspending and resuming count on without changing a setting: what matters is a later line of the history.
    if revising.expected > row.revision || newer_than(tx, revising.expected).await?.is_some() {
        return Ok(CHANGED_MEANWHILE.into());
    }
    let before = row.settings()?;
    let mut settings = before.clone();
    change(&mut settings);
    settings.kind = before.kind;
    settings.operator.clone_from(&before.operator);
    settings.points = before.points;
    settings.sandbox = before.sandbox;
    if settings == before {
        return Ok(Outcome::Done(row.revision));
    }
    if let Some(reason) = family_page::refusal(tx, &before, &settings).await? {
        return Ok(reason.into());
    }
    if settings.sender.address != before.sender.address && !row.has_released(&settings) {
        return Ok(Refusal::field(FieldError::new(SENDER_ADDRESS, Problem::Characters)).into());
    }
    let lines = difference::lines(row.insurer_code.as_deref(), &before, &settings);
    let new = NewRevision {
        now,
        revision: row.revision + 1,
        channel: Channel::Console,
        by: revising.by,
        why: Some(revising.why),
        lines: &lines,
    };
    new.write(tx, &settings).await?;
    let entry = Entry {
        actor: revising.actor,
        action: revising.action,
        object: None,
        outcome: "done",
        detail: json!({ "revision": new.revision, "changes": lines.len() }),
    };
    audit::record(tx, now, origin, entry).await?;
    Ok(Outcome::Done(new.revision))
}

impl InsurerRow {
    /// True where mails may come from the settings' address by the operator's word.
    fn has_released(&self, settings: &Settings) -> bool {
        let (_, domain) = settings.sender.address.parts();
        let mut released = self.sender_domains.iter();
        released.any(|released| released.eq_ignore_ascii_case(domain))
    }
}

/// A revision about to be written.
pub(crate) struct NewRevision<'a> {
    pub(crate) now: DateTime<Utc>,
    pub(crate) revision: i64,
    pub(crate) channel: Channel,
    pub(crate) by: &'a str,
    pub(crate) why: Option<&'a str>,
    /// What changes.
    pub(crate) lines: &'a [String],
}

impl NewRevision<'_> {
    /// Puts the settings in force, and a line into the history. The state stays: a suspended insurer is so until it is
    /// resumed.
    pub(crate) async fn write(&self, tx: &mut TenantTransaction, settings: &Settings) -> Result<(), DatabaseError> {
        let stored = serde_json::to_value(settings).map_err(unreadable)?;
        let row = (
            insurers::name.eq(&settings.name),
            insurers::kind.eq(settings.kind.as_str()),
            insurers::revision.eq(self.revision),
            insurers::settings.eq(&stored),
            insurers::updated_at.eq(self.now),
            insurers::applied_by.eq(self.by),
        );
        diesel::update(insurers::table)
            .filter(insurers::tenant_id.eq(tx.tenant()))
            .set(row)
            .execute(&mut **tx)
            .await?;
        let row = (
            insurer_revisions::tenant_id.eq(tx.tenant()),
            insurer_revisions::revision.eq(self.revision),
            insurer_revisions::settings.eq(&stored),
            insurer_revisions::content_hash.eq(hex(&Sha256::digest(stored.to_string()))),
            insurer_revisions::applied_at.eq(self.now),
            insurer_revisions::applied_by.eq(self.by),
            insurer_revisions::note.eq(self.lines.join("\n")),
            insurer_revisions::channel.eq(self.channel.as_str()),
            insurer_revisions::why.eq(self.why),
        );
        diesel::insert_into(insurer_revisions::table)
            .values(row)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// The row of the transaction's insurer.
pub(crate) async fn current(tx: &mut TenantTransaction) -> Result<InsurerRow, DatabaseError> {
    let row = insurers::table
        .filter(insurers::tenant_id.eq(tx.tenant()))
        .select(InsurerRow::as_select())
        .first(&mut **tx)
        .await?;
    Ok(row)
}

/// The latest revision after this one.
pub(crate) async fn newer_than(tx: &mut TenantTransaction, revision: i64) -> Result<Option<Revision>, DatabaseError> {
    let row = insurer_revisions::table
        .filter(insurer_revisions::tenant_id.eq(tx.tenant()))
        .filter(insurer_revisions::revision.gt(revision))
        .order(insurer_revisions::revision.desc())
        .select(Revision::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row)
}

/// True of a number that a known insurer has not come to yet.
pub(crate) async fn is_to_come(tx: &mut TenantTransaction, revision: i64) -> Result<bool, DatabaseError> {
    let before = insurers::table
        .filter(insurers::tenant_id.eq(tx.tenant()))
        .filter(insurers::revision.lt(revision));
    Ok(diesel::select(diesel::dsl::exists(before))
        .get_result(&mut **tx)
        .await?)
}

/// The latest revision that was made in the console.
pub(crate) async fn last_of_console(tx: &mut TenantTransaction) -> Result<Option<Revision>, DatabaseError> {
    let row = insurer_revisions::table
        .filter(insurer_revisions::tenant_id.eq(tx.tenant()))
        .filter(insurer_revisions::channel.eq(Channel::Console.as_str()))
        .order(insurer_revisions::revision.desc())
        .select(Revision::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row)
}
