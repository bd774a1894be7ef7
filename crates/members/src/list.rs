//! The list and the search over it. All that a term may be is looked up in one round trip, a statement each; the look is
//! in the trail before anybody is shown.
//!
//! Look-ups follow each other: those that find few come first, and a page goes on within the one in which the last ended.

use crate::{
    Members,
    sealed::{Place, Search},
    sight,
    term::{Term, Unread},
};
use access::MEMBERS_CONTACT;
use accounts::for_staff::{Registration, by_email, by_user_id, states_of};
use audit::{Look, Origin};
use database::{DatabaseError, Durability, TenantTransaction};
use futures_util::future::try_join_all;
use kernel::PersonId;
use roster::{
    Sight,
    search::{After, By, Filter, Found, Page, search},
};
use scoped_futures::ScopedFutureExt as _;
use serde::{Deserialize, Serialize};
use staff::Clerk;
use std::collections::HashSet;

/// People on a page.
pub(crate) const PAGE: u32 = 50;

/// A look-up, in the order in which they follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lookup {
    /// Everybody: there is no term.
    All,
    Numbers,
    Employee,
    Phone,
    Email,
    AccountEmail,
    UserId,
    Kana,
    OtherKana,
    Name,
}

impl Lookup {
    /// What a term is looked up as. By mail and phone only for whoever sees them in clear: else masks could be
    /// probed.
    fn of(term: Option<&Term>, contact: bool) -> Vec<Self> {
        let Some(term) = term else { return vec![Self::All] };
        let email = term.email.is_some() && contact;
        let runs = [
            (Self::Numbers, !term.numbers.is_empty()),
            (Self::Employee, term.employee.is_some()),
            (Self::Phone, term.phone.is_some() && contact),
            (Self::Email, email),
            (Self::AccountEmail, email),
            (Self::UserId, term.user_id.is_some()),
            (Self::Kana, term.kana.is_some()),
            (Self::OtherKana, term.kana.is_some()),
            (Self::Name, term.name.is_some()),
        ];
        runs.into_iter()
            .filter_map(|(lookup, runs)| runs.then_some(lookup))
            .collect()
    }
}

/// A page of the list.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub people: Vec<Listed>,
    /// Where the next page goes on.
    pub next: Option<Place>,
    /// More have what was typed in common than are looked at.
    pub is_cut: bool,
}

/// Somebody in it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub found: Found,
    pub registration: Option<Registration>,
}

/// Why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoList {
    /// The term says too little, or too much.
    Unread(Unread),
    /// It is a mail address or a phone number, and whoever looks must not see any.
    NotByContact,
}

struct Asked<'a> {
    term: Option<&'a Term>,
    filter: &'a Filter,
    sight: &'a Sight,
    place: Option<&'a Place>,
}

impl Members {
    /// A page of those whom a search finds.
    pub(crate) async fn list(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        asked: &Search,
        filter: &Filter,
    ) -> Result<Result<Listing, NoList>, DatabaseError> {
        let term = if asked.term.is_empty() {
            None
        } else {
            match Term::parse(&asked.term) {
                Ok(term) => Some(term),
                Err(unread) => return Ok(Err(NoList::Unread(unread))),
            }
        };
        let mut lookups = Lookup::of(term.as_ref(), clerk.may(MEMBERS_CONTACT));
        if lookups.is_empty() {
            return Ok(Err(NoList::NotByContact));
        }
        if let Some(place) = &asked.after {
            lookups.retain(|lookup| *lookup >= place.lookup);
        }
        let sight = sight(clerk);
        let asked = Asked {
            term: term.as_ref(),
            filter,
            sight: &sight,
            place: asked.after.as_ref(),
        };
        let tenant = self.database.tenant(clerk.insurer.tenant_id);
        let (tx, pages) = tenant
            .write_with(Durability::Safe, |tx| {
                try_join_all(lookups.iter().map(|lookup| look_up(tx, &asked, *lookup))).scope_boxed()
            })
            .await?;
        let is_cut = pages.iter().any(|page| page.is_cut);
        let (found, next) = page(lookups.into_iter().zip(pages));
        let people: Vec<PersonId> = found.iter().map(|found| found.person_id).collect();
        let whole: Vec<PersonId> = found
            .iter()
            .filter(|found| !found.is_veiled)
            .map(|found| found.person_id)
            .collect();
        let mut registered = states_of(&tx, &whole).await?;
        let subjects: Vec<uuid::Uuid> = people.iter().map(|person| person.0).collect();
        let look = Look::list("members", filters(term.is_some(), filter), &subjects);
        audit::look(&tx, self.clock.now(), origin, clerk.actor(), look).await?;
        tx.commit().await?;
        let people = found.into_iter().map(|found| Listed {
            registration: registered.remove(&found.person_id),
            found,
        });
        Ok(Ok(Listing {
            people: people.collect(),
            next,
            is_cut,
        }))
    }
}

/// The names of what a list was narrowed by.
fn filters(term: bool, filter: &Filter) -> Vec<&'static str> {
    let set = [
        ("term", term),
        ("workplace", filter.workplace.is_some()),
        ("registered", filter.registered.is_some()),
        ("insured", filter.insured.is_some()),
        ("covered", filter.covered.is_some()),
        ("protected", filter.protected),
    ];
    set.into_iter().filter_map(|(name, set)| set.then_some(name)).collect()
}

/// One look-up's people.
async fn look_up(tx: &TenantTransaction, asked: &Asked<'_>, lookup: Lookup) -> Result<Page, DatabaseError> {
    let nothing = Term::default();
    let term = asked.term.unwrap_or(&nothing);
    let accounts;
    let by = match lookup {
        Lookup::All => By::All,
        Lookup::Numbers => By::Numbers(&term.numbers),
        Lookup::Employee => By::Employee(term.employee.as_deref().unwrap_or_default()),
        Lookup::Phone => By::Phone(term.phone.as_deref().unwrap_or_default()),
        Lookup::Kana | Lookup::OtherKana => match &term.kana {
            Some(kana) if lookup == Lookup::Kana => By::Kana(kana),
            Some(kana) => By::OtherKana(kana),
            None => return Ok(Page::default()),
        },
        Lookup::Name => By::Name(term.name.as_deref().unwrap_or_default()),
        Lookup::Email | Lookup::AccountEmail | Lookup::UserId => {
            let limit = i64::from(PAGE) + 1;
            accounts = match (lookup, &term.email, &term.user_id) {
                (Lookup::Email, Some(email), _) => {
                    let key = email.key();
                    return found(tx, asked, lookup, &By::Email(&key)).await;
                }
                (Lookup::AccountEmail, Some(email), _) => by_email(tx, email, limit).await?,
                (_, _, Some(beginning)) => by_user_id(tx, beginning, limit).await?,
                _ => Vec::new(),
            };
            if accounts.is_empty() {
                return Ok(Page::default());
            }
            return Ok(Page {
                is_cut: accounts.len() > PAGE as usize,
                ..found(tx, asked, lookup, &By::People(&accounts)).await?
            });
        }
    };
    found(tx, asked, lookup, &by).await
}

async fn found(tx: &TenantTransaction, asked: &Asked<'_>, lookup: Lookup, by: &By<'_>) -> Result<Page, DatabaseError> {
    let after = asked
        .place
        .filter(|place| place.lookup == lookup)
        .map(|place| &place.after);
    search(tx, asked.sight, asked.filter, by, after, PAGE).await
}

/// The first page of what the look-ups found one after the other, each person once, and where the next goes on.
fn page(pages: impl Iterator<Item = (Lookup, Page)>) -> (Vec<Found>, Option<Place>) {
    let mut seen = HashSet::new();
    let (mut people, mut last) = (Vec::new(), None);
    for (lookup, page) in pages {
        for found in page.people {
            let place = Place {
                lookup,
                after: After {
                    key: found.key.clone(),
                    person: found.person_id,
                },
            };
            if !seen.insert(found.person_id) {
                last = Some(place);
                continue;
            }
            if people.len() == PAGE as usize {
                return (people, last);
            }
            people.push(found);
            last = Some(place);
        }
        if page.more {
            return (people, last);
        }
    }
    (people, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(id: u128) -> Found {
        Found {
            person_id: PersonId(uuid::Uuid::from_u128(id)),
            symbol: String::new(),
            number: String::new(),
            branch: String::new(),
            name: String::new(),
            kana_name: String::new(),
            relationship: String::new(),
            workplace_code: String::new(),
            lost_on: None,
            key: format!("{id:08}"),
            is_veiled: false,
        }
    }

    proptest! {
        /// Page by page everybody is shown whom any look-up finds, and on each page once.
        #[test]
        fn pages_go_through_everybody_found(
            few in proptest::collection::btree_set(0_u128..400, 0..90),
            many in proptest::collection::btree_set(0_u128..400, 0..400),
        ) {
            let (mut place, mut shown, mut rounds) = (None::<Place>, HashSet::new(), 0);
            loop {
                let of = |lookup: Lookup, ids: &std::collections::BTreeSet<u128>| {
                    let begun = place.as_ref().is_some_and(|place| place.lookup > lookup);
                    let after = place.as_ref().filter(|place| place.lookup == lookup);
                    let rest: Vec<Found> = ids
                        .iter()
                        .filter(|_| !begun)
                        .map(|id| found(*id))
                        .filter(|found| after.is_none_or(|place| found.key > place.after.key))
                        .collect();
                    let more = rest.len() > PAGE as usize;
                    (lookup, Page { people: rest.into_iter().take(PAGE as usize).collect(), more, ..Page::default() })
                };
                let (people, next) = page([of(Lookup::Kana, &few), of(Lookup::Name, &many)].into_iter());
                let ids: HashSet<_> = people.iter().map(|found| found.person_id.0.as_u128()).collect();
                prop_assert!(ids.len() == people.len() && people.len() <= PAGE as usize);
                shown.extend(ids);
                rounds += 1;
                prop_assert!(rounds < 20);
                if next.is_none() {
                    break;
                }
                place = next;
            }
            prop_assert_eq!(shown, few.union(&many).copied().collect::<HashSet<_>>());
        }
    }
}
