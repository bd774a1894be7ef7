//! The roster's changes as programs follow them.

use super::{Beginning, close_feed, open};
use access::scope::MEMBERS_READ;
use edge::Rights;
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
use roster::changes::{self, Followed, Told};
use serde_json::json;
use std::collections::HashSet;

const LIST: &str = "follow_member_changes";

pub(super) struct MemberChangesApi;

pub(super) fn row() -> Row {
    let example = Example {
        answer: Some(json!({
            "changes": [{
                "person_id": "0197a3c0-0000-7000-8000-000000000105",
                "kind": "changed",
                "fields": ["address", "postal_code"],
                "at": "2026-11-22T01:00:00Z",
                "protected": false,
            }],
            "next": "AAJrMQ",
            "more": false,
        })),
        ..Example::default()
    };
    get(
        "/members/changes",
        LIST,
        Rights::Client(MEMBERS_READ),
        &["fields", "cursor"],
        example,
    )
}

/// What changed in the roster after a point of it.
#[derive(Object)]
pub(super) struct MemberChanges {
    /// In the order in which it changed.
    changes: Vec<MemberChange>,
    /// Hand it in as `cursor` to go on from here: at once where there is more, later where there is none yet.
    next: String,
    /// True where more is there already.
    more: bool,
}

/// Something about a person that changed. It says that it did: what it is now, the person's own operations say.
#[derive(Object)]
struct MemberChange {
    /// `id` of the person.
    person_id: String,
    /// `new`, `changed`, `lost` (coverage ended, or is known to end) or `returned` (covered again, under the same id).
    kind: String,
    /// What changed, by the names that `RosterMember` has, but for `in_roster`, which is called `present` here, and what is made of
    /// others (`insured`, `registered`); empty where the person is to be read as a whole.
    fields: Vec<String>,
    /// When it changed.
    at: Time,
    /// True where they are protected now, which only whoever holds `protected.read` is told.
    protected: bool,
}

#[OpenApi(tag = "Tag::Feeds")]
impl MemberChangesApi {
    /// Follow the roster
    ///
    /// What imports, staff and programs changed of people, since a point that `cursor` remembers, in the order of commit: nothing is
    /// missed and nothing comes twice, whatever happens meanwhile. Without a cursor it begins with the oldest change that is kept (the
    /// operator says for how long, five years where nobody says otherwise); with `from=now` it begins behind the last one: take that
    /// cursor, read all members, and then follow from it. `next` is always there.
    ///
    /// Without `protected.read` nothing of protected people is in it. Whoever is not protected any more has a `changed` without
    /// `fields`, also where you have never heard of them: read them as a whole. A client to whom `protected.read` is given later
    /// begins anew, without a cursor.
    #[oai(path = "/members/changes", method = "get", operation_id = "follow_member_changes")]
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
    ) -> poem::Result<Done<MemberChanges>> {
        let list = call.list(&program, LIST);
        let after: Option<Followed> = list.after(&cursor)?;
        let tx = open(&call, &program).await?;
        let after = match after {
            Some(after) => after,
            None if from.text.is_some() => up(Followed::all(&tx).await)?,
            None => Followed::default(),
        };
        let following = up(changes::follow(&tx, &sight(&program), after, page::limit(&limit)).await)?;
        let people: Vec<_> = following.told.iter().map(|told| told.person_id).collect();
        let protected = close_feed(tx, &call, &program, &people, ("members.changes", vec![])).await?;
        Ok(Done(MemberChanges {
            next: list.next(&following.followed),
            more: following.is_more,
            changes: following.told.into_iter().map(|told| entry(told, &protected)).collect(),
        }))
    }
}

fn entry(told: Told, protected: &HashSet<kernel::PersonId>) -> MemberChange {
    MemberChange {
        person_id: told.person_id.to_string(),
        kind: told.kind.as_str().into(),
        fields: told.fields,
        at: told.at.into(),
        protected: protected.contains(&told.person_id),
    }
}
