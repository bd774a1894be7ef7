//! 受診者 as programs know them.

use crate::household::OneOf;
use kernel::PersonId;
use operations::{
    failure::Failure,
    params::{IdSegment, Query},
};
use poem_openapi::Object;
use serde_json::{Value, json};

/// Somebody of whom rows are or could be.
#[derive(Object)]
pub(super) struct Patient {
    /// As rows name them.
    pub(super) person_id: String,
    /// As the roster has it, without さん.
    pub(super) name: String,
    /// True of the member whose token it is.
    pub(super) is_self: bool,
    /// True of whom the roster lists in the member's household, whether or not a row of theirs is shown: these can be asked for as
    /// `person_id`. False of people who are named for their rows alone.
    pub(super) is_listed: bool,
}

/// All of them, in their order.
pub(super) fn patients(people: Vec<OneOf>) -> Vec<Patient> {
    let patient = |one: OneOf| Patient {
        person_id: one.person.to_string(),
        name: one.name,
        is_self: one.is_self,
        is_listed: one.is_listed,
    };
    people.into_iter().map(patient).collect()
}

/// As the document shows them.
pub(super) fn example() -> Value {
    json!([
        {"person_id": FATHER, "name": "健保 太郎", "is_self": true, "is_listed": true},
        {"person_id": CHILD, "name": "健保 一郎", "is_self": false, "is_listed": true},
    ])
}

/// The member of the examples, and their child.
pub(super) const FATHER: &str = "0197a3c0-0000-7000-8000-0000000000a1";
pub(super) const CHILD: &str = "0197a3c0-0000-7000-8000-0000000000a2";

/// Who is asked for; whoever isn't listed doesn't exist.
pub(super) fn asked(people: &[OneOf], query: &Query<IdSegment>) -> Result<Option<PersonId>, Failure> {
    let Some(text) = &query.text else {
        return Ok(None);
    };
    let mut listed = people.iter().filter(|one| one.is_listed);
    let of = PersonId::parse(text).and_then(|asked| listed.find(|one| one.person == asked));
    of.map(|one| Some(one.person)).ok_or_else(|| Failure::of("not_found"))
}
