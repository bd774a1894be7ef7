//! Terms and consents (the manual's 1-6): an append-only ledger, and what is missing in it.

use accounts::TermsChoice;
use operations::Tag;
use operations::answer::{Done, Nothing};
use operations::body::Body;
use operations::call::{Call, Inside, up};
use operations::text::{Opaque, Text, Time};
use poem_openapi::{Object, OpenApi};

pub struct ConsentApi;

/// What a member accepted, and what is missing.
#[derive(Object)]
pub struct Consents {
    /// The ledger, newest first.
    pub given: Vec<Consent>,
    /// The documents in force without consent, with their whole text.
    pub due: Vec<DueTerms>,
}

/// A line of the ledger.
#[derive(Object)]
pub struct Consent {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// The revision that was accepted.
    pub revision: i32,
    /// As members saw it.
    pub title: String,
    /// When it was accepted.
    pub consented_at: Time,
}

/// A document that waits for consent. Show its text before asking.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DueTerms {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// The revision in force.
    pub revision: i32,
    /// As members see it.
    pub title: String,
    /// Midnight in Japan of its first day.
    pub effective_at: Time,
    /// What changed against the revision before, in plain words; show it first.
    pub changes: Option<String>,
    /// SHA-256 of what the member reads, in hex; the ledger keeps it.
    pub content_hash: String,
    /// Markdown without raw HTML.
    pub body: String,
}

/// The documents a member accepts.
#[derive(Object)]
pub struct NewConsents {
    /// Every due document, in the revision that was shown.
    #[oai(validator(min_items = 1, max_items = 10))]
    pub consents: Vec<Choice>,
}

/// A document and the revision that was shown.
#[derive(Object)]
pub struct Choice {
    /// `service`, `points` or `addendum`.
    pub document: Text<Opaque>,
    /// The revision that was shown.
    #[oai(validator(minimum(value = "1"), maximum(value = "2147483647")))]
    pub revision: i32,
}

#[OpenApi(tag = "Tag::Consents")]
impl ConsentApi {
    /// Consents given and due
    ///
    /// Open without consent.
    #[oai(path = "/me/consents", method = "get", operation_id = "list_consents")]
    async fn list(&self, call: Call, Inside(member): Inside) -> poem::Result<Done<Consents>> {
        let given = up(call.accounts().consents(&member).await)?;
        let due = up(call.accounts().terms_to_accept(&member, &[]).await)?;
        let given = given.into_iter().map(|consent| Consent {
            document: consent.document,
            revision: consent.revision,
            title: consent.title,
            consented_at: consent.at.into(),
        });
        let due = due.into_iter().map(|text| DueTerms {
            document: text.document,
            revision: text.revision,
            title: text.title,
            effective_at: text.effective_at.into(),
            changes: text.changes,
            content_hash: text.content_hash,
            body: text.body,
        });
        Ok(Done(Consents {
            given: given.collect(),
            due: due.collect(),
        }))
    }

    /// Accept the terms
    ///
    /// Names every due document in the revision that the member was shown. Where a newer one has come into force since,
    /// nothing is recorded and the answer is `revision_outdated`: list again, show, ask. Accepting twice records once.
    #[oai(path = "/me/consents", method = "post", operation_id = "give_consents")]
    async fn give(&self, call: Call, Inside(member): Inside, body: Body<NewConsents>) -> poem::Result<Nothing> {
        let choices: Vec<TermsChoice> = body
            .0
            .consents
            .into_iter()
            .map(|choice| TermsChoice {
                document: choice.document.into_string(),
                revision: choice.revision,
            })
            .collect();
        call.done(call.accounts().consent(&call.origin, &member, &choices).await)?;
        Ok(Nothing)
    }
}
