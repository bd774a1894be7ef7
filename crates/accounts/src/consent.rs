//! Terms (manual 1-6): what a member must accept, and the ledger of what they did. A consent names document, revision
//! and content hash, and is never changed or deleted.

use crate::{Accounts, Member, reasons, schema::consents};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, ConsentId, Outage, Outcome, TenantId};
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use tenancy::{Insurer, TermsInForce, terms, terms_in_force};

/// A document in force that a member has not accepted in its present revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTerms {
    /// Whose document: the platform's or the insurer's.
    pub owner: TenantId,
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// From 1.
    pub revision: i32,
    /// As members see it.
    pub title: String,
    /// Its first day, midnight in Japan.
    pub effective_at: DateTime<Utc>,
    /// What a consent names.
    pub content_hash: String,
    /// True for whoever accepted an earlier revision: to them it is said what changed.
    pub accepted_before: bool,
}

/// A document and revision as a form or program names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsChoice {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// From 1.
    pub revision: i32,
}

/// A line of the ledger.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = consents)]
pub struct Consent {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// From 1.
    pub revision: i32,
    /// As the member saw it.
    pub title: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Accounts {
    /// The full texts a member must accept, in the order they are shown. What changed is left out for whom nothing did:
    /// who never accepted an earlier revision, nor has just been shown one.
    pub async fn terms_to_accept(
        &self,
        member: &Member,
        shown: &[TermsChoice],
    ) -> Result<Vec<terms::TermsText>, Outage> {
        let mut texts = Vec::with_capacity(member.consents_due.len());
        // At most three documents of two owners; their order is the order of the page.
        for due in &member.consents_due {
            let mut tx = self.database.tenant(due.owner).read().await?;
            let text = terms::text(&mut tx, &due.document, due.revision).await?;
            tx.commit().await?;
            let just_shown = shown
                .iter()
                .any(|shown| shown.document == due.document && shown.revision < due.revision);
            texts.extend(text.map(|text| terms::TermsText {
                changes: text.changes.filter(|_| due.accepted_before || just_shown),
                ..text
            }));
        }
        Ok(texts)
    }

    /// Writes consent to every document that is due. What is named must be exactly what is in force: a revision that
    /// appeared while the page was open must be read first.
    pub async fn consent(
        &self,
        origin: &Origin,
        member: &Member,
        choices: &[TermsChoice],
    ) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(member.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        // Asked anew: the same form may have been posted a moment ago.
        let due = due(&tx, member.account_id, &member.insurer, &member.platform, now).await?;
        let names = |due: &DueTerms| {
            choices
                .iter()
                .any(|choice| choice.document == due.document && choice.revision == due.revision)
        };
        if !due.iter().all(names) {
            return Ok(reasons::REVISION_OUTDATED.into());
        }
        for document in &due {
            if !write(&mut tx, origin, member.account_id, document, now).await? {
                continue;
            }
            let payload = json!({ "document": document.document, "revision": document.revision });
            let event = jobs::Event {
                kind: "consent.given",
                subject: member.person.person_id.0,
                payload: payload.clone(),
            };
            jobs::publish(&mut tx, now, event);
            let actor = Actor::Member(member.account_id);
            let object = Some(("account", member.account_id.0));
            let entry = Entry {
                actor,
                action: "consent.give",
                object,
                outcome: "done",
                detail: payload,
            };
            audit::record(&tx, now, origin, entry).await?;
        }
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// A member's ledger, newest first.
    pub async fn consents(&self, member: &Member) -> Result<Vec<Consent>, Outage> {
        let tenant = self.database.tenant(member.insurer.tenant_id);
        let (_, consents) = tenant
            .read_with(|tx| ledger(tx, member.account_id).scope_boxed())
            .await?;
        Ok(consents)
    }
}

pub(crate) async fn ledger(tx: &TenantTransaction, account: AccountId) -> Result<Vec<Consent>, DatabaseError> {
    Ok(consents::table
        .filter(consents::tenant_id.eq(tx.tenant()))
        .filter(consents::account_id.eq(account))
        .order((consents::at.desc(), consents::consent_id.desc()))
        .select(Consent::as_select())
        .load(&mut &**tx)
        .await?)
}

/// What is in force for a member and not accepted; one statement.
pub(crate) async fn due(
    tx: &TenantTransaction,
    account: AccountId,
    insurer: &Insurer,
    platform: &Insurer,
    now: DateTime<Utc>,
) -> Result<Vec<DueTerms>, DatabaseError> {
    let tenant = tx.tenant();
    let given: Vec<(TenantId, String, i32)> = consents::table
        .filter(consents::tenant_id.eq(tenant))
        .filter(consents::account_id.eq(account))
        .select((consents::owner, consents::document, consents::revision))
        .load(&mut &**tx)
        .await?;
    let due = terms_in_force(insurer, platform, now)
        .into_iter()
        .filter_map(|in_force| {
            let TermsInForce { owner, terms, since } = &in_force;
            let accepted: Vec<i32> = given
                .iter()
                .filter(|(by, document, _)| by == owner && *document == terms.document)
                .map(|(_, _, revision)| *revision)
                .collect();
            let before = accepted.iter().any(|revision| *revision < terms.revision);
            let is_due = !accepted.iter().any(|revision| revision >= since);
            is_due.then(|| DueTerms::new(in_force, before))
        });
    Ok(due.collect())
}

impl DueTerms {
    fn new(TermsInForce { owner, terms, .. }: TermsInForce, accepted_before: bool) -> Self {
        Self {
            accepted_before,
            owner,
            document: terms.document,
            revision: terms.revision,
            title: terms.title,
            effective_at: terms.effective_at,
            content_hash: terms.content_hash,
        }
    }
}

/// A line of the ledger; false where it stands there already.
async fn write(
    tx: &mut TenantTransaction,
    origin: &Origin,
    account: AccountId,
    due: &DueTerms,
    now: DateTime<Utc>,
) -> Result<bool, DatabaseError> {
    let written = diesel::insert_into(consents::table)
        .values((
            consents::tenant_id.eq(tx.tenant()),
            consents::consent_id.eq(ConsentId::new(now)),
            consents::account_id.eq(account),
            consents::owner.eq(due.owner),
            consents::document.eq(&due.document),
            consents::revision.eq(due.revision),
            consents::title.eq(&due.title),
            consents::content_hash.eq(&due.content_hash),
            consents::at.eq(now),
            consents::channel.eq(origin.channel.as_str()),
            consents::address.eq(origin.address.map(|address| address.to_string())),
        ))
        // The same form posted twice at once: the first line stands.
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(written == 1)
}
