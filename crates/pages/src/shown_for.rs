//! For whom a form was shown (security.md 63). One browser has one ticket and one session, and several tabs: a form that
//! still stands in one of them must not be taken for whoever began in another. So each form carries a mark of its ticket
//! or account, and a post is looked at only where the mark is of the ticket or account that the browser is with now.
//!
//! The mark is of the account and not of the session: tokens are renewed, and the same person may log in again in
//! another tab. It is no secret. It stands in every page of its owner, also in compressed ones beside what was typed;
//! whoever learns it can do nothing with it but send that owner's own forms with that owner's own cookies.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{AccountId, Keys, StaffId, TenantId, TenantSecret};

/// The name of the key that makes marks.
const PURPOSE: &str = "shown-for";
/// The name of the hidden field.
pub const FIELD: &str = "for";
/// Enough to tell any two owners apart.
const BYTES: usize = 16;

/// Whose forms a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFor {
    /// Whose rows are theirs.
    pub tenant: TenantId,
    name: String,
}

impl ShownFor {
    /// Whoever signs up with this ticket.
    pub fn ticket(ticket: &TenantSecret) -> Self {
        Self {
            tenant: ticket.tenant,
            name: format!("ticket {}", ticket.reveal()),
        }
    }

    /// The holder of this account.
    pub fn account(tenant: TenantId, account: AccountId) -> Self {
        Self {
            tenant,
            name: format!("account {} {}", tenant.0, account.0),
        }
    }

    /// Somebody who works for an insurer.
    pub fn staff(tenant: TenantId, staff: StaffId) -> Self {
        Self {
            tenant,
            name: format!("staff {} {}", tenant.0, staff.0),
        }
    }

    /// What their forms carry.
    pub fn mark(&self, keys: &Keys) -> String {
        text(&keys.hash(PURPOSE, self.name.as_bytes()))
    }

    /// True where a form carried this owner's mark, also one that an older key made.
    pub fn is_in(&self, mark: &str, keys: &Keys) -> bool {
        keys.hashes(PURPOSE, self.name.as_bytes())
            .any(|hash| text(&hash) == mark)
    }
}

/// The hash's end: its beginning names its key, whoever the owner is.
fn text(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.last_chunk::<BYTES>().unwrap_or(&[0; BYTES]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_owner_and_outlives_a_change_of_keys() {
        let long = "a-key-whose-id-is-longer-than-a-mark";
        let keys = Keys::new(long, [(long.to_owned(), [1; 32])]).unwrap();
        let tickets = [(); 2].map(|()| ShownFor::ticket(&TenantSecret::random(TenantId(7))));
        let account = AccountId::new(chrono::DateTime::UNIX_EPOCH);
        let owners = [
            tickets[0].clone(),
            tickets[1].clone(),
            ShownFor::account(TenantId(7), account),
            ShownFor::account(TenantId(8), account),
        ];
        for (one, owner) in owners.iter().enumerate() {
            for (other, shown) in owners.iter().enumerate() {
                assert_eq!(owner.is_in(&shown.mark(&keys), &keys), one == other);
            }
            assert!(!owner.is_in("", &keys));
        }
        let rotated = Keys::new("b", [(long.to_owned(), [1; 32]), ("b".to_owned(), [2; 32])]).unwrap();
        assert!(owners[0].is_in(&owners[0].mark(&keys), &rotated));
    }
}
