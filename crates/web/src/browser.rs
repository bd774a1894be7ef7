//! The browser, as it is known by its cookie (OWASP's device cookies): tries of names that have logged in with it are
//! counted apart from strangers'.

use kernel::SessionId;
use pages::visit::Visit;
use serde::{Deserialize, Serialize};

/// Its own name, and who has logged in with it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Browser {
    name: String,
    /// Folded names that have logged in with it, the last first.
    user_ids: Vec<String>,
}

impl Browser {
    /// A household, or an office, may share one.
    const MOST: usize = 6;

    /// The browser of a cookie; a new one where it brought none.
    pub(crate) fn of(visit: &Visit, cookie: &str) -> Self {
        visit.recall(cookie).unwrap_or_else(|| Self {
            name: SessionId::new(visit.now).to_string(),
            user_ids: vec![],
        })
    }

    /// Its name, where this one has logged in with it.
    pub(crate) fn known_to(&self, folded: Option<&str>) -> Option<&str> {
        let known = folded.is_some_and(|folded| self.user_ids.iter().any(|known| known == folded));
        known.then_some(&*self.name)
    }

    /// The same, from now on known to this one.
    pub(crate) fn with(mut self, folded: Option<&str>) -> Self {
        if let Some(folded) = folded {
            self.user_ids.retain(|known| known != folded);
            self.user_ids.insert(0, folded.to_owned());
            self.user_ids.truncate(Self::MOST);
        }
        self
    }
}
