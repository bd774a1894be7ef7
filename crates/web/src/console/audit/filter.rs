//! What the trail is narrowed by: in the address stand ids, words and days alone.

use super::{Trouble, person::Veiled};
use access::MEMBERS_PROTECT;
use audit::read::{About, Filter, Lines};
use chrono::Days;
use database::TenantTransaction;
use kernel::{Field, FieldError, PersonId, StaffId, calendar, dates};
use pages::{
    Visit,
    forms::{Form, encode},
};
use staff::Clerk;
use uuid::Uuid;

const FROM: Field =
    Field::new("from", "「この日から」").takes("「この日から」は、2026-12-01や令和8年12月1日のように入力してください");
const UNTIL: Field =
    Field::new("until", "「この日まで」").takes("「この日まで」は、2026-12-01や令和8年12月1日のように入力してください");

/// A filter as it is carried from page to page, and what it says.
pub(super) struct Narrowed {
    pub(super) filter: Filter,
    /// How the person is called whose lines these are.
    pub(super) person: Option<Named>,
    /// The days that are used; empty where none is.
    pub(super) from: String,
    pub(super) until: String,
    /// What is no day, and narrows nothing.
    pub(super) errors: Vec<FieldError>,
}

/// A person whose lines are read.
pub(super) struct Named {
    pub(super) id: PersonId,
    pub(super) name: String,
    pub(super) only_looks: bool,
}

impl Narrowed {
    /// Reads a form or an address; a person whom the clerk may only be told the name of is given back.
    pub(super) async fn read(
        visit: &Visit,
        clerk: &Clerk,
        tx: &TenantTransaction,
        form: &Form,
    ) -> Result<Result<Self, Veiled>, Trouble> {
        let mut errors = Vec::new();
        let mut day = |field: Field| {
            let day = dates::planned(form.text(&field.name));
            FieldError::gather(field, day, &mut errors).flatten()
        };
        let (from, until) = (day(FROM), day(UNTIL));
        let chosen: Vec<StaffId> = StaffId::parse(form.text("staff")).into_iter().collect();
        let known = staff::names(tx, &chosen).await?;
        // Whoever is no colleague has no lines here: by the id of a member's account nobody follows them.
        let of = |id: &StaffId| if known.contains_key(id) { id.0 } else { Uuid::nil() };
        let actor = chosen.first().map(of);
        let mut narrowed = Self {
            filter: Filter {
                about: None,
                actor,
                action: Some(form.text("action"))
                    .filter(|action| super::words::is_action(action))
                    .map(str::to_owned),
                from: from.map(calendar::start_of_day),
                until: until
                    .and_then(|day| day.checked_add_days(Days::new(1)))
                    .map(calendar::start_of_day),
            },
            person: None,
            from: from.map(|day| day.to_string()).unwrap_or_default(),
            until: until.map(|day| day.to_string()).unwrap_or_default(),
            errors,
        };
        let typed = form.text("person");
        if typed.is_empty() {
            return Ok(Ok(narrowed));
        }
        let id = PersonId::parse(typed).ok_or(Trouble::NotFound)?;
        let person = roster::person(tx, id).await?.ok_or(Trouble::NotFound)?;
        if !clerk.may(MEMBERS_PROTECT) && roster::protection::is_protected(tx, id).await? {
            return Ok(Err(Veiled {
                id,
                name: person.called(),
                relationship: person.relationship,
            }));
        }
        let only_looks = form.text("looks") == "1";
        let lines = if only_looks {
            Lines::Looks
        } else {
            let held = visit.services.accounts.held(tx, id).await?;
            let account = held.map(|held| held.account_id.0);
            Lines::All { account }
        };
        narrowed.filter.about = Some(About { person: id.0, lines });
        narrowed.person = Some(Named {
            id,
            name: person.called(),
            only_looks,
        });
        Ok(Ok(narrowed))
    }

    /// What of it is used, for the trail.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let Filter {
            about,
            actor,
            action,
            from,
            until,
        } = &self.filter;
        [
            ("person", about.is_some()),
            ("looks", about.as_ref().is_some_and(|about| about.lines == Lines::Looks)),
            ("staff", actor.is_some()),
            ("action", action.is_some()),
            ("time", from.is_some() || until.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, used)| used.then_some(name))
        .collect()
    }

    /// As it stands in an address, before what else does.
    pub(super) fn query(&self) -> String {
        let fields = self.fields().into_iter();
        let pairs: Vec<String> = fields
            .map(|(name, value)| format!("{name}={}&", encode(&value)))
            .collect();
        pairs.concat()
    }

    /// As a form hides it.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let person = self.person.as_ref();
        let fields = [
            ("person", person.map(|person| person.id.to_string())),
            (
                "looks",
                person.filter(|person| person.only_looks).map(|_| "1".to_owned()),
            ),
            ("staff", self.filter.actor.map(|id| id.to_string())),
            ("action", self.filter.action.clone()),
            ("from", Some(self.from.clone())),
            ("until", Some(self.until.clone())),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.filter(|(_, value)| !value.is_empty()).collect()
    }
}
