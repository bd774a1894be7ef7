//! How far mails are, for programs.

use super::{close, once, open};
use access::scope::MAIL_READ;
use edge::Rights;
use kernel::{MailId, PersonId};
use mail::{Asked, MailState, Posted};
use operations::{
    Example, Row, Tag,
    answer::Done,
    call::{Call, Program, up},
    get,
    page::{self, Cursor, Limit},
    params::{Query, Rule},
    text::Time,
};
use poem_openapi::{Object, OpenApi, registry::MetaSchema};
use roster::protection::not_protected;
use serde_json::json;
use std::collections::HashSet;

const LIST: &str = "list_mails";

pub(super) struct MailsApi;

pub(super) fn row() -> Row {
    let example = Example {
        parameters: vec![("state", json!("undeliverable"))],
        answer: Some(json!({
            "mails": [{
                "id": "0197a3c0-0000-7000-8000-00000000003a",
                "kind": "new_notice",
                "person_id": "0197a3c0-0000-7000-8000-000000000105",
                "state": "undeliverable",
                "created_at": "2026-11-22T01:00:00Z",
                "finished_at": "2026-11-22T01:00:04Z",
            }],
            "next": "AAJrMQ",
        })),
        ..Example::default()
    };
    get("/mail", LIST, Rights::Client(MAIL_READ), &["fields", "cursor"], example)
}

/// How far a mail is.
pub(super) struct StateWord;

impl Rule for StateWord {
    fn schema() -> MetaSchema {
        MetaSchema {
            enum_items: MailState::ALL.map(|state| state.as_str().into()).into(),
            ..MetaSchema::new("string")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        MailState::read(text).is_none().then_some("not_a_choice")
    }
}

/// A page of mails, the last written first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct MailList {
    /// The lines.
    mails: Vec<MailLine>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    next: Option<String>,
}

/// A mail: how far it is, not to which address it goes nor what it says.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MailLine {
    /// The id of the mail.
    id: String,
    /// What kind of mail, by its name: those that there are stand with the operation.
    kind: String,
    /// About whom it is: the `id` of a member; absent where it is about nobody of the roster.
    person_id: Option<String>,
    /// `queued` (waits to be sent, or to be tried again), `sent` (taken by the other side's server), `expired` (its time was over
    /// before), `undeliverable`, or `kept` (of a sandbox, which sends none).
    state: String,
    /// When it was written.
    created_at: Time,
    /// When it was sent or given up; absent while it is queued.
    finished_at: Option<Time>,
}

#[OpenApi(tag = "Tag::Records")]
impl MailsApi {
    /// How far mails are
    ///
    /// The insurer's mails that are kept, the last written first; of those that told somebody of statements there is nothing here.
    /// Without `protected.read` there is nothing about protected people.
    #[oai(path = "/mail", method = "get", operation_id = "list_mails")]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// Those that are so far alone.
        state: Query<StateWord>,
        /// Lines of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<MailList>> {
        let list = call.list(&program, LIST).narrowed(&[&state.text]);
        let (after, most): (Option<MailId>, _) = (list.after(&cursor)?, page::limit(&limit));
        let shown = if program.sees_protected() {
            "true".to_owned()
        } else {
            not_protected("subject_id")
        };
        let asked = Asked {
            state: state.text.as_deref().and_then(MailState::read),
            shown: &shown,
        };
        let tx = open(&call, &program).await?;
        let lines = up(mail::listed(&tx, asked, after, most + 1).await)?;
        let (lines, next) = list.page(lines, most, |line| line.mail_id);
        let ids: Vec<PersonId> = lines.iter().filter_map(|line| line.subject_id).map(PersonId).collect();
        let people = up(roster::people(&tx, &ids).await)?;
        let people: HashSet<PersonId> = people.into_iter().map(|person| person.person_id).collect();
        let shown = once(people.iter().copied());
        let filters = state.text.iter().map(|_| "state").collect();
        close(tx, &call, &program, &shown, ("mails", filters)).await?;
        Ok(Done(MailList {
            mails: lines.into_iter().map(|line| entry(line, &people)).collect(),
            next,
        }))
    }
}

fn entry(line: Posted, people: &HashSet<PersonId>) -> MailLine {
    let person = line.subject_id.map(PersonId).filter(|id| people.contains(id));
    MailLine {
        id: line.mail_id.to_string(),
        kind: line.template,
        person_id: person.map(|id| id.to_string()),
        state: line.state,
        created_at: line.created_at.into(),
        finished_at: line.finished_at.map(Time::from),
    }
}
