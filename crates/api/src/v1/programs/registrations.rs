//! Registrations as programs follow them.

use super::{Beginning, close_feed, open};
use access::scope::{REGISTRATIONS_IDENTITY_READ, REGISTRATIONS_READ};
use accounts::registrations::{self, Told};
use edge::Rights;
use kernel::PersonId;
use operations::{
    Example, Row, Tag,
    answer::Done,
    call::{Call, Program, sight, up},
    get,
    page::{self, Cursor, Limit},
    params::Query,
    text::Time,
};
use poem_openapi::{Object, OpenApi};
use serde_json::json;
use std::collections::HashSet;

const LIST: &str = "follow_registrations";

pub(super) struct RegistrationsApi;

pub(super) fn row() -> Row {
    let example = Example {
        answer: Some(json!({
            "registrations": [{
                "account_id": "0197a3c0-0000-7000-8000-0000000000a5",
                "person_id": "0197a3c0-0000-7000-8000-000000000105",
                "kind": "registered",
                "at": "2026-11-22T01:00:00Z",
                "state": "open",
                "registered_at": "2026-11-22T01:00:00Z",
                "user_id": "kenpo-taro",
                "email": "taro@example.jp",
                "protected": false,
            }],
            "next": "AAJrMQ",
            "more": false,
        })),
        ..Example::default()
    };
    get(
        "/registrations",
        LIST,
        Rights::Client(REGISTRATIONS_READ),
        &["fields", "cursor"],
        example,
    )
}

/// What happened to accounts after a point.
#[derive(Object)]
pub(super) struct RegistrationFeed {
    /// In the order in which it happened.
    registrations: Vec<RegistrationEntry>,
    /// Hand it in as `cursor` to go on from here: at once where there is more, later where there is none yet.
    next: String,
    /// True where more is there already.
    more: bool,
}

/// Something that happened to an account, and how the account stands now.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct RegistrationEntry {
    /// The account: whoever closes one and signs up again has another.
    account_id: String,
    /// Whose it is, or was.
    person_id: String,
    /// `registered`, `email_changed` or `closed`.
    kind: String,
    /// When that was.
    at: Time,
    /// How the account stands by now: `open` or `closed`.
    state: String,
    /// When it was made.
    registered_at: Time,
    /// When it was closed.
    closed_at: Option<Time>,
    /// ユーザーID of an open account, as it is now: for whoever holds `registrations.identity.read`.
    user_id: Option<String>,
    /// The proven mail address of an open account, as it is now: for whoever holds `registrations.identity.read`.
    email: Option<String>,
    /// True where the person is protected now, which only whoever holds `protected.read` is told.
    protected: bool,
}

#[OpenApi(tag = "Tag::Feeds")]
impl RegistrationsApi {
    /// Follow registrations
    ///
    /// Who signed up, has another mail address, or closed the account, since a point that `cursor` remembers, in the order of commit:
    /// nothing is missed and nothing comes twice. Without a cursor it begins with the first registration, and with
    /// `from=now` behind the last. `next` is always there.
    ///
    /// Without `protected.read` nothing of protected people is in it; once somebody is not protected any more, each of their accounts
    /// is told of as it stands, also where it was before.
    #[oai(path = "/registrations", method = "get", operation_id = "follow_registrations")]
    async fn follow(
        &self,
        call: Call,
        Program(program): Program,
        /// `now`, where there is no cursor yet: an answer without entries, whose `next` leads to all that happens from now on.
        from: Query<Beginning>,
        /// Entries of an answer, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the answer before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<RegistrationFeed>> {
        let list = call.list(&program, LIST);
        let after: Option<i64> = list.after(&cursor)?;
        let most = page::limit(&limit);
        let tx = open(&call, &program).await?;
        let after = match after {
            Some(after) => after,
            None if from.text.is_some() => up(registrations::last(&tx).await)?,
            None => 0,
        };
        let mut told = up(registrations::after(&tx, &sight(&program), after, most + 1).await)?;
        let more = page::cut(&mut told, most);
        let people: Vec<_> = told.iter().map(|told| told.person_id).collect();
        let with_identity = program.may(REGISTRATIONS_IDENTITY_READ);
        let filters = if with_identity { vec!["identity"] } else { vec![] };
        let protected = close_feed(tx, &call, &program, &people, ("registrations", filters)).await?;
        Ok(Done(RegistrationFeed {
            next: list.next(&told.last().map_or(after, |last| last.position)),
            more,
            registrations: told
                .into_iter()
                .map(|told| entry(told, with_identity, &protected))
                .collect(),
        }))
    }
}

fn entry(told: Told, with_identity: bool, protected: &HashSet<PersonId>) -> RegistrationEntry {
    RegistrationEntry {
        account_id: told.account_id.to_string(),
        person_id: told.person_id.to_string(),
        kind: told.kind,
        at: told.at.into(),
        state: if told.closed_at.is_some() { "closed" } else { "open" }.into(),
        registered_at: told.registered_at.into(),
        closed_at: told.closed_at.map(Time::from),
        user_id: told.user_id.filter(|_| with_identity),
        email: told.email.filter(|_| with_identity),
        protected: protected.contains(&told.person_id),
    }
}
