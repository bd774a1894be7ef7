//! Who agreed to what, for programs.

use super::{close, once, open};
use access::scope::CONSENTS_READ;
use accounts::agreed::{self, Accepted, Document, Line};
use clients::Caller;
use edge::Rights;
use kernel::{ConsentId, TenantId};
use operations::{
    Example, Row, Tag,
    answer::Done,
    call::{Call, Program, sight, up},
    failure::Failure,
    get,
    page::{self, Cursor, Limit},
    params::{Query, Rule, Segment},
    text::Time,
};
use poem_openapi::{Object, OpenApi, registry::MetaSchema};
use serde_json::json;
use tenancy::{
    Insurer, TermsHead,
    terms::{self, ADDENDUM, POINTS, SERVICE},
    terms_in_force,
};

const LIST: &str = "list_document_consents";
const DOCUMENTS: [&str; 3] = [SERVICE, ADDENDUM, POINTS];

pub(super) struct ConsentsApi;

pub(super) fn rows() -> Vec<Row> {
    let rights = Rights::Client(CONSENTS_READ);
    let counts = Example {
        answer: Some(json!({"documents": [{
            "document": "service",
            "without": 12,
            "revisions": [{
                "revision": 1, "title": "利用規約", "effective_at": "2026-03-31T15:00:00Z", "in_force": true, "members": 1204,
            }],
        }]})),
        ..Example::default()
    };
    let of_one = Example {
        parameters: vec![("document", json!("service"))],
        answer: Some(json!({
            "consents": [{
                "person_id": "0197a3c0-0000-7000-8000-000000000105",
                "revision": 1,
                "consented_at": "2026-11-22T01:00:00Z",
                "channel": "portal",
            }],
            "next": "AAJrMQ",
        })),
        ..Example::default()
    };
    vec![
        get("/consents", "count_consents", rights, &[], counts),
        get(
            "/consents/:document",
            LIST,
            rights,
            &["not_found", "fields", "cursor"],
            of_one,
        ),
    ]
}

/// A document's name.
pub(super) struct DocumentSegment;

impl Rule for DocumentSegment {
    fn schema() -> MetaSchema {
        MetaSchema {
            enum_items: DOCUMENTS.map(Into::into).into(),
            ..MetaSchema::new("string")
        }
    }

    /// What is none of them doesn't exist.
    fn flaw(_text: &str) -> Option<&'static str> {
        None
    }
}

/// How many agreed to what.
#[derive(Object)]
pub(super) struct ConsentCounts {
    /// Every document that members are asked for.
    documents: Vec<DocumentConsents>,
}

/// How many agreed to a document. Protected people are in no count.
#[derive(Object)]
struct DocumentConsents {
    /// `service`, `points` or `addendum`.
    document: String,
    /// Registered members who have yet to agree to what is in force.
    without: i64,
    /// Its revisions, the first one first.
    revisions: Vec<RevisionConsents>,
}

/// How many agreed to a revision.
#[derive(Object)]
struct RevisionConsents {
    /// From 1.
    revision: i32,
    /// As members see it.
    title: String,
    /// Midnight in Japan of its first day.
    effective_at: Time,
    /// True of the one that members are asked for now.
    in_force: bool,
    /// Registered members who agreed to it.
    members: i64,
}

/// A page of those who agreed to a document.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct DocumentConsentList {
    /// Its revisions one after the other, each in the order of time.
    consents: Vec<DocumentConsent>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    next: Option<String>,
}

/// That a member agreed.
#[derive(Object)]
struct DocumentConsent {
    /// `id` of the person.
    person_id: String,
    /// To which revision.
    revision: i32,
    /// When they agreed.
    consented_at: Time,
    /// Through which door: `portal` or `api`.
    channel: String,
}

#[OpenApi(tag = "Tag::Consents")]
impl ConsentsApi {
    /// How many agreed to what
    ///
    /// Of each document that the insurer's members are asked for, by revision. Whoever has closed their account is in no count, and
    /// no protected person is.
    #[oai(path = "/consents", method = "get", operation_id = "count_consents")]
    async fn count(&self, call: Call, Program(program): Program) -> poem::Result<Done<ConsentCounts>> {
        let platform = up(call.accounts().directory().platform().await)?;
        let mut tx = open(&call, &program).await?;
        let (_, own) = up(terms::heads(&mut tx).await)?;
        let insurer = Insurer {
            terms: own,
            ..(*program.insurer).clone()
        };
        let in_force = terms_in_force(&insurer, &platform, call.now());
        let mut documents = Vec::new();
        for name in DOCUMENTS {
            let heads = heads_of(name, &insurer, &platform);
            if heads.is_empty() {
                continue;
            }
            let asked = in_force.iter().find(|found| found.terms.document == name);
            let document = document(name, &program);
            let accepted = up(agreed::accepted(&tx, document).await)?;
            let without = match asked {
                Some(asked) => up(agreed::lacking(&tx, document, asked.since).await)?,
                None => 0,
            };
            let present = asked.map(|asked| asked.terms.revision);
            documents.push(DocumentConsents {
                document: name.into(),
                without,
                revisions: heads
                    .into_iter()
                    .map(|head| revision(head, present, &accepted))
                    .collect(),
            });
        }
        up(tx.commit().await)?;
        Ok(Done(ConsentCounts { documents }))
    }

    /// Who agreed to a document
    ///
    /// Whoever has closed their account is not in it, and without `protected.read` no protected person is.
    #[oai(
        path = "/consents/:document",
        method = "get",
        operation_id = "list_document_consents"
    )]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// `document` of the counts.
        document: Segment<DocumentSegment>,
        /// Lines of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<DocumentConsentList>> {
        let name = DOCUMENTS.into_iter().find(|name| *name == document.text);
        let name = name.ok_or_else(|| Failure::of("not_found"))?;
        let list = call.list(&program, LIST);
        let after: Option<After> = list.after(&cursor)?;
        // A cursor of another document says nothing of this one.
        let after = match after {
            Some((of, revision, consent)) if of == name => Some((revision, consent)),
            Some(_) => return Err(Failure::of("cursor").into()),
            None => None,
        };
        let most = page::limit(&limit);
        let tx = open(&call, &program).await?;
        let named = self::document(name, &program);
        let lines = up(agreed::lines_of_all(&tx, &sight(&program), named, after, i64::from(most) + 1).await)?;
        let (lines, next) = list.page(lines, most, |last| (name, last.revision, last.consent_id));
        let shown = once(lines.iter().filter_map(|line| line.person_id));
        close(tx, &call, &program, &shown, ("consents", vec!["document"])).await?;
        Ok(Done(DocumentConsentList {
            consents: lines.into_iter().filter_map(consent).collect(),
            next,
        }))
    }
}

/// Where a page ended: of which document, which revision, which line.
type After = (String, i32, ConsentId);

fn consent(line: Line) -> Option<DocumentConsent> {
    Some(DocumentConsent {
        person_id: line.person_id?.to_string(),
        revision: line.revision,
        consented_at: line.at.into(),
        channel: line.channel,
    })
}

/// The document as its owner's.
fn document(name: &'static str, program: &Caller) -> Document<'static> {
    let owner = if name == ADDENDUM {
        program.tenant()
    } else {
        TenantId::PLATFORM
    };
    Document { owner, name }
}

/// Its revisions; none of one that this insurer's members are never asked for.
fn heads_of<'a>(name: &str, insurer: &'a Insurer, platform: &'a Insurer) -> Vec<&'a TermsHead> {
    let heads = match name {
        ADDENDUM => &insurer.terms,
        POINTS if !insurer.points => return Vec::new(),
        _ => &platform.terms,
    };
    heads.iter().filter(|head| head.document == name).collect()
}

fn revision(head: &TermsHead, present: Option<i32>, accepted: &[Accepted]) -> RevisionConsents {
    let members = accepted.iter().find(|accepted| accepted.revision == head.revision);
    RevisionConsents {
        revision: head.revision,
        title: head.title.clone(),
        effective_at: head.effective_at.into(),
        in_force: present == Some(head.revision),
        members: members.map_or(0, |accepted| accepted.members),
    }
}
