//! What a client is, how it is named outside, and how it stands.

use access::Scope;
use chrono::{DateTime, NaiveDate, Utc};
use ipnet::IpNet;
use kernel::{ClientGrantId, ClientId, ClientSecretId, TenantId, text};
use std::{collections::BTreeSet, fmt, net::IpAddr};
use uuid::Uuid;

/// What ids of clients begin with outside.
const PREFIX: &str = "cl_";

/// A client as other systems name it, `cl_7_019abd…`: with its home, so that it is sought there alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientName {
    /// Its insurer; the platform for a vendor's.
    pub home: TenantId,
    /// Its id there.
    pub client_id: ClientId,
}

impl ClientName {
    /// Reads what came from outside; anything but the exact form is `None`.
    pub fn parse(written: &str) -> Option<Self> {
        let (home, id) = written.strip_prefix(PREFIX)?.split_once('_')?;
        let read = Self {
            home: TenantId(text::number(home)?),
            client_id: ClientId(Uuid::try_parse(id).ok()?),
        };
        (read.to_string() == written).then_some(read)
    }

    /// True for a vendor's.
    pub fn is_vendors(self) -> bool {
        self.home == TenantId::PLATFORM
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_{}", self.home, self.client_id.0.simple())
    }
}

/// How a client, or its grant in an insurer, stands as whoever decides over it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// May come in.
    Active,
    /// Is shut out until it is resumed.
    Suspended,
    /// Is shut out for good.
    Revoked,
}

impl State {
    /// The word in rows, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    /// What no row says is shut out.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "suspended" => Self::Suspended,
            _ => Self::Revoked,
        }
    }
}

/// How a client stands on a day, all taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May come in.
    Active,
    /// Suspended where it is asked.
    Suspended,
    /// A vendor's client that the platform has suspended; the insurer can't resume it.
    SuspendedAtHome,
    /// Shut out for good.
    Revoked,
    /// Its last day is over.
    Ended,
}

/// A vendor's client, as the platform has it; of an insurer's own, what its grant there doesn't say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// As other systems name it.
    pub name_outside: ClientName,
    /// What people call it.
    pub name: String,
    /// 連絡先: who is told of its end; empty where the address doesn't open any more.
    pub contact: String,
    /// From where a vendor's may come; from anywhere where there is none.
    pub networks: Vec<IpNet>,
    /// The last day of a vendor's.
    pub expires_on: Option<NaiveDate>,
    /// How it stands.
    pub state: State,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Client {
    /// How it stands on a day.
    pub fn standing(&self, today: NaiveDate) -> Standing {
        standing(self.state, State::Active, self.expires_on, today)
    }
}

/// What a client may do in an insurer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id in the insurer.
    pub grant_id: ClientGrantId,
    /// The client as other systems name it.
    pub client: ClientName,
    /// What people call the client.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// From where it may come; from anywhere where there is none.
    pub networks: Vec<IpNet>,
    /// Its last day.
    pub expires_on: Option<NaiveDate>,
    /// As the insurer has it; of its own clients, their own state is `client_state`.
    pub state: State,
    /// As the client's home has it.
    pub client_state: State,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// The last call, to some seconds.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Grant {
    /// True for one of a vendor's client.
    pub fn is_vendors(&self) -> bool {
        self.client.is_vendors()
    }

    /// How it stands on a day.
    pub fn standing(&self, today: NaiveDate) -> Standing {
        match standing(self.state, self.client_state, self.expires_on, today) {
            // Its own insurer is its home.
            Standing::SuspendedAtHome if !self.is_vendors() => Standing::Suspended,
            standing => standing,
        }
    }
}

fn standing(state: State, at_home: State, expires_on: Option<NaiveDate>, today: NaiveDate) -> Standing {
    match (state, at_home) {
        (State::Revoked, _) | (_, State::Revoked) => Standing::Revoked,
        _ if expires_on.is_some_and(|last| last < today) => Standing::Ended,
        (State::Suspended, _) => Standing::Suspended,
        (_, State::Suspended) => Standing::SuspendedAtHome,
        (State::Active, State::Active) => Standing::Active,
    }
}

/// A secret, without what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretLine {
    /// Its id.
    pub secret_id: ClientSecretId,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// When it ends, where another has taken its place.
    pub ends_at: Option<DateTime<Utc>>,
}

/// True where a request may come from this address.
pub(crate) fn is_from(networks: &[IpNet], address: Option<IpAddr>) -> bool {
    networks.is_empty() || address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
}

/// Scopes as a row has them. One that is not known any more allows nothing.
pub(crate) fn scopes(words: &[String]) -> BTreeSet<Scope> {
    words.iter().filter_map(|word| Scope::read(word)).collect()
}

/// Networks as a row has them. One that doesn't read is no address's, so that nobody is let in by it.
pub(crate) fn networks(words: &[String]) -> Vec<IpNet> {
    let nobody = IpNet::from(IpAddr::from([0, 0, 0, 0]));
    words.iter().map(|word| word.parse().unwrap_or(nobody)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_outside_is_read_in_its_exact_form_alone() {
        let name = ClientName {
            home: TenantId(7),
            client_id: ClientId(Uuid::from_u128(0x019a_bd00_0000_7000_8000_0000_0000_0001)),
        };
        let written = name.to_string();
        assert_eq!(written, "cl_7_019abd00000070008000000000000001");
        assert_eq!(ClientName::parse(&written), Some(name));
        for other in [
            written.to_uppercase(),
            written.replace("cl_7", "cl_07"),
            written.replace("cl_", ""),
            format!("{written} "),
            format!("cl_7_{}", name.client_id),
            String::new(),
        ] {
            assert_eq!(ClientName::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn the_last_day_counts_and_what_ended_for_good_stays_so() {
        let (today, last) = (day("2026-12-05"), Some(day("2026-12-05")));
        let stands = |state, home, last| standing(state, home, last, today);
        assert_eq!(stands(State::Active, State::Active, last), Standing::Active);
        assert_eq!(
            stands(State::Suspended, State::Active, Some(day("2026-12-04"))),
            Standing::Ended
        );
        assert_eq!(stands(State::Active, State::Suspended, None), Standing::SuspendedAtHome);
        assert_eq!(stands(State::Active, State::Revoked, last), Standing::Revoked);
        assert_eq!(stands(State::Revoked, State::Active, None), Standing::Revoked);
    }

    #[test]
    fn a_network_that_does_not_read_lets_nobody_in() {
        let address = |text: &str| Some(text.parse().unwrap());
        let listed = networks(&["192.0.2.0/24".into(), "2001:db8::/32".into()]);
        assert!(is_from(&listed, address("192.0.2.7")) && is_from(&listed, address("2001:db8::1")));
        assert!(!is_from(&listed, address("198.51.100.1")) && !is_from(&listed, None));
        assert!(is_from(&[], None));
        assert!(!is_from(&networks(&["rubbish".into()]), address("192.0.2.7")));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", near in "cl_[0-9]{0,3}_[0-9a-f]{30,34}") {
            for text in [text, near] {
                if let Some(read) = ClientName::parse(&text) {
                    prop_assert_eq!(read.to_string(), text);
                }
            }
        }
    }
}
