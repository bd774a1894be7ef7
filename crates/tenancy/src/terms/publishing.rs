//! From a draft to a revision that members will read, and back while its day has not come. What is in force never changes.

use super::{
    Draft, DraftVersion, TermsText, content_hash, drafts,
    drafts::{fields, may_draft},
    reasons, text,
};
use crate::{Revising, Settings, TermsHead, apply::lock, revise, revise::current, schema::terms_documents};
use audit::{Entry, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{FieldError, Outage, Outcome, Problem, Refusal, calendar};
use serde_json::json;

/// What publishing a draft would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The draft.
    pub version: DraftVersion,
    /// The revision as members will read it.
    pub text: TermsText,
    /// False where whoever accepted the revision before need not accept this one.
    pub agree_again: bool,
    /// The revision that it takes the place of, else the one before; none of a first one.
    pub before: Option<TermsText>,
    /// True where it takes the place of one whose day has not come.
    pub replaces: bool,
}

impl Planned {
    /// What changes, for whoever has to agree: a label, before and after.
    pub fn changes_shown(&self) -> Vec<(String, String, String)> {
        let before = self.before.as_ref();
        let day = |text: &TermsText| calendar::date_both(calendar::today_in_japan(text.effective_at));
        let of = |read: fn(&TermsText) -> String| before.map(read).unwrap_or_default();
        let again = if self.agree_again {
            "お願いする"
        } else {
            "お願いしない"
        };
        [
            ("題名", of(|text| text.title.clone()), self.text.title.clone()),
            (
                "版",
                of(|text| text.revision.to_string()),
                self.text.revision.to_string(),
            ),
            ("施行日", before.map(day).unwrap_or_default(), day(&self.text)),
            ("前の版に同意した方への再度の同意", String::new(), again.to_owned()),
            (
                "変わったところ",
                of(|text| text.changes.clone().unwrap_or_default()),
                self.text.changes.clone().unwrap_or_default(),
            ),
            ("本文", of(|text| text.body.clone()), self.text.body.clone()),
        ]
        .into_iter()
        .map(|(label, before, after)| (label.to_owned(), before, after))
        .collect()
    }

    fn head(&self) -> TermsHead {
        TermsHead {
            document: self.text.document.clone(),
            revision: self.text.revision,
            title: self.text.title.clone(),
            effective_at: self.text.effective_at,
            content_hash: self.text.content_hash.clone(),
            agree_again: self.agree_again,
        }
    }
}

/// What publishing the draft of a revision would do, if it can be published as it stands.
pub async fn plan(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    heads: &[TermsHead],
    (document, revision): (&str, i32),
) -> Result<Outcome<Planned>, Outage> {
    let Some(kept) = drafts::draft(tx, (document, revision)).await? else {
        return Ok(reasons::DRAFT_GONE.into());
    };
    if let Err(refusal) = may_draft(heads, document, revision, now) {
        return Ok(refusal.into());
    }
    let effective_on = match complete(&kept.draft, heads, (document, revision), calendar::today_in_japan(now)) {
        Ok(day) => day,
        Err(wrong) => return Ok(Refusal::fields(wrong).into()),
    };
    let replaces = heads
        .iter()
        .any(|head| (head.document.as_str(), head.revision) == (document, revision));
    let before = if replaces { revision } else { revision - 1 };
    let before = text(tx, document, before).await?;
    let Draft {
        title,
        changes,
        body,
        agree_again,
        ..
    } = kept.draft;
    let effective_at = calendar::start_of_day(effective_on);
    let changes = (revision > 1).then_some(changes);
    Ok(Outcome::Done(Planned {
        version: kept.version,
        before,
        replaces,
        agree_again: agree_again || revision == 1,
        text: TermsText {
            document: document.to_owned(),
            revision,
            content_hash: content_hash(&title, effective_at, changes.as_deref(), &body),
            title,
            effective_at,
            changes,
            body,
        },
    }))
}

/// The first day of a draft that says all that a revision must.
fn complete(
    draft: &Draft,
    heads: &[TermsHead],
    (document, revision): (&str, i32),
    today: NaiveDate,
) -> Result<NaiveDate, Vec<FieldError>> {
    let mut wrong = draft.wrong(today);
    let mut must = |is_there: bool, field: kernel::Field| {
        if !is_there {
            wrong.push(FieldError::new(field, Problem::Empty));
        }
    };
    must(!draft.title.is_empty(), fields::TITLE);
    must(draft.effective_on.is_some(), fields::EFFECTIVE_ON);
    must(revision == 1 || !draft.changes.is_empty(), fields::CHANGES);
    must(!draft.body.is_empty(), fields::BODY);
    // Each begins after the one before: a folder with these revisions is read again.
    let is_in_order = |day: NaiveDate| {
        let at = calendar::start_of_day(day);
        heads
            .iter()
            .filter(|head| head.document == document)
            .all(|head| head.revision == revision || (head.revision < revision) == (head.effective_at < at))
    };
    if draft.effective_on.is_some_and(|day| !is_in_order(day)) && wrong.is_empty() {
        wrong.push(FieldError::new(fields::EFFECTIVE_ON_AFTER, Problem::Characters));
    }
    draft.effective_on.filter(|_| wrong.is_empty()).ok_or(wrong)
}

/// Publishes the draft of a revision in the version that was shown: heads, text and trail in one transaction. The insurer's
/// revision in force then.
pub async fn publish(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    revising: &Revising<'_>,
    (document, revision): (&str, i32),
    seen: DraftVersion,
) -> Result<Outcome<i64>, Outage> {
    lock(tx).await?;
    let heads = current(tx).await?.settings()?.terms;
    let planned = match plan(tx, now, &heads, (document, revision)).await? {
        Outcome::Done(planned) => planned,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    if planned.version != seen {
        return Ok(reasons::DRAFT_CHANGED.into());
    }
    let head = planned.head();
    let is_new = !heads.contains(&head);
    let put = |settings: &mut Settings| put(&mut settings.terms, head);
    let in_force = match revise(tx, now, origin, revising, put).await? {
        Outcome::Done(in_force) => in_force,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    if is_new {
        write_text(tx, in_force, &planned.text).await?;
    }
    if let Outcome::Refused(refusal) = drafts::discard(tx, (document, revision), seen).await? {
        return Ok(refusal.into());
    }
    let detail = json!({
        "document": document,
        "revision": revision,
        "effective_on": calendar::today_in_japan(planned.text.effective_at),
        "agree_again": planned.agree_again,
        "replaces": planned.replaces,
    });
    record(tx, now, origin, revising, "terms.publish", detail).await?;
    Ok(Outcome::Done(in_force))
}

/// Withdraws the last revision of a document before its day. Its text is a draft again, unless there is another.
pub async fn withdraw(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    revising: &Revising<'_>,
    (document, revision): (&str, i32),
) -> Result<Outcome<i64>, Outage> {
    lock(tx).await?;
    let heads = current(tx).await?.settings()?.terms;
    let of_document = heads.iter().filter(|head| head.document == document);
    let Some(head) = of_document.clone().find(|head| head.revision == revision) else {
        return Ok(kernel::outcome::NOT_FOUND.into());
    };
    if head.effective_at <= now {
        return Ok(reasons::TERMS_PUBLISHED.into());
    }
    if of_document.clone().any(|other| other.revision > revision) {
        return Ok(reasons::NOT_THE_LAST.into());
    }
    let take = |settings: &mut Settings| {
        settings
            .terms
            .retain(|head| (head.document.as_str(), head.revision) != (document, revision));
    };
    let in_force = match revise(tx, now, origin, revising, take).await? {
        Outcome::Done(in_force) => in_force,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    keep_as_draft(tx, now, revising.by, head).await?;
    let detail = json!({ "document": document, "revision": revision });
    record(tx, now, origin, revising, "terms.withdraw", detail).await?;
    Ok(Outcome::Done(in_force))
}

/// In the order of documents and revisions, in place of its own where that is there.
fn put(heads: &mut Vec<TermsHead>, new: TermsHead) {
    heads.retain(|head| (&head.document, head.revision) != (&new.document, new.revision));
    heads.push(new);
    heads.sort_by(|a, b| (&a.document, a.revision).cmp(&(&b.document, b.revision)));
}

async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    revising: &Revising<'_>,
    action: &'static str,
    detail: serde_json::Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: revising.actor,
        action,
        object: None,
        outcome: "done",
        detail,
    };
    audit::record(tx, now, origin, entry).await
}

async fn write_text(tx: &mut TenantTransaction, insurer_revision: i64, text: &TermsText) -> Result<(), DatabaseError> {
    let row = (
        terms_documents::tenant_id.eq(tx.tenant()),
        terms_documents::document.eq(&text.document),
        terms_documents::revision.eq(text.revision),
        terms_documents::insurer_revision.eq(insurer_revision),
        terms_documents::title.eq(&text.title),
        terms_documents::effective_at.eq(text.effective_at),
        terms_documents::changes.eq(text.changes.as_deref()),
        terms_documents::body.eq(&text.body),
        terms_documents::content_hash.eq(&text.content_hash),
    );
    diesel::insert_into(terms_documents::table)
        .values(row)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn keep_as_draft(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    by: &str,
    head: &TermsHead,
) -> Result<(), DatabaseError> {
    let Some(text) = text(tx, &head.document, head.revision).await? else {
        return Ok(());
    };
    let draft = Draft {
        title: text.title,
        effective_on: Some(calendar::today_in_japan(text.effective_at)),
        agree_again: head.agree_again,
        changes: text.changes.unwrap_or_default(),
        body: text.body,
    };
    drafts::insert(tx, now, (&text.document, text.revision), by, &draft).await?;
    Ok(())
}
