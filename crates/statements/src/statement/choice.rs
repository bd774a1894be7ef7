//! What a page's selects offer: whose rows it shows.

use crate::household::OneOf;
use kernel::PersonId;
use pages::visit::Trouble;

/// An option of a select.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
    pub(crate) chosen: bool,
}

/// Who is asked for; whoever isn't listed doesn't exist.
pub(crate) fn chosen(people: &[OneOf], asked: &str) -> Result<Option<PersonId>, Trouble> {
    if asked.is_empty() {
        return Ok(None);
    }
    let of = PersonId::parse(asked).and_then(|asked| listed(people).find(|one| one.person == asked));
    of.map(|one| Some(one.person)).ok_or(Trouble::NotFound)
}

/// The household, whether or not a row of theirs is shown: whose rows alone name them are no choice.
fn listed(people: &[OneOf]) -> impl Iterator<Item = &OneOf> {
    people.iter().filter(|one| one.is_listed)
}

/// Whom the select names, whether or not there are rows of theirs.
pub(crate) fn named(people: &[OneOf]) -> Vec<PersonId> {
    listed(people).map(|one| one.person).collect()
}

/// Everybody, and each of them; none where there is one alone.
pub(crate) fn options(people: &[OneOf], chosen: Option<PersonId>) -> Vec<Choice> {
    if listed(people).count() < 2 {
        return Vec::new();
    }
    let everybody = Choice {
        value: String::new(),
        text: "全員".into(),
        chosen: chosen.is_none(),
    };
    let option = |one: &OneOf| Choice {
        value: one.person.to_string(),
        text: one.name.clone(),
        chosen: chosen == Some(one.person),
    };
    [everybody].into_iter().chain(listed(people).map(option)).collect()
}
