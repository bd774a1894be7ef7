//! What stands in addresses of the list: the term and where a page goes on, sealed. Both hold names, and addresses are kept
//! by browsers, proxies and printers. It opens for the clerk it was made for, at their insurer, for half a day.

use crate::list::Lookup;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Keys, Owner};
use roster::search::After;
use serde::{Deserialize, Serialize};

/// The name of the key that seals.
const PURPOSE: &str = "members-search";
/// As long as a session lasts at most.
const LIFE: TimeDelta = TimeDelta::hours(12);

/// A search and how far it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Search {
    /// As typed; empty for the whole list.
    pub term: String,
    /// The last of the page before.
    pub after: Option<Place>,
}

/// The last of a page: by which look-up it was found, and which it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The look-up.
    pub lookup: Lookup,
    /// Where in it.
    pub after: After,
}

#[derive(Serialize, Deserialize)]
struct Held {
    until: DateTime<Utc>,
    search: Search,
}

impl Search {
    /// For an address.
    pub(crate) fn seal(&self, keys: &Keys, owner: Owner, now: DateTime<Utc>) -> Option<String> {
        let plain = serde_json::to_vec(&Held {
            until: now + LIFE,
            search: self.clone(),
        });
        Some(URL_SAFE_NO_PAD.encode(keys.seal(PURPOSE, owner, &plain.ok()?)))
    }

    /// What [`Self::seal`] made for this clerk, unless its time is over.
    pub(crate) fn open(text: &str, keys: &Keys, owner: Owner, now: DateTime<Utc>) -> Option<Self> {
        let plain = keys.open(PURPOSE, owner, &URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let held: Held = serde_json::from_slice(&plain).ok()?;
        (now < held.until).then_some(held.search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{StaffId, TenantId};
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::new("a", [("a".to_owned(), [7; 32])]).unwrap()
    }

    fn owner(tenant: i32, id: u128) -> Owner {
        StaffId(uuid::Uuid::from_u128(id)).of(TenantId(tenant))
    }

    #[test]
    fn a_search_opens_for_its_clerk_at_their_insurer_until_its_end() {
        let (keys, now) = (keys(), DateTime::UNIX_EPOCH);
        let search = Search {
            term: "健保　祥子".into(),
            after: None,
        };
        let text = search.seal(&keys, owner(7, 1), now).unwrap();
        assert_eq!(Search::open(&text, &keys, owner(7, 1), now).as_ref(), Some(&search));
        assert_eq!(Search::open(&text, &keys, owner(7, 2), now), None);
        assert_eq!(Search::open(&text, &keys, owner(8, 1), now), None);
        assert_eq!(Search::open(&text, &keys, owner(7, 1), now + LIFE), None);
    }

    proptest! {
        #[test]
        fn no_forged_search_opens(text in "[A-Za-z0-9_-]{0,200}") {
            prop_assert_eq!(Search::open(&text, &keys(), owner(7, 1), DateTime::UNIX_EPOCH), None);
        }
    }
}
