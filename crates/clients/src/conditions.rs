//! What is said of a client when it is made, let in or changed: read and checked, all faults at once.

use crate::fields;
use access::Scope;
use chrono::{DateTime, NaiveDate, Utc};
use ipnet::{IpNet, Ipv4Net};
use kernel::{EmailAddress, Field, FieldError, Problem, Refusal, calendar, text};
use std::{collections::BTreeSet, net::IpAddr};

/// Characters of a name.
const LONGEST_NAME: usize = 60;
/// Characters that are shown of what can't be read.
const SHOWN: usize = 50;
/// Networks of one client.
const MOST_NETWORKS: usize = 20;

/// A client to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewClient {
    /// What people call it.
    pub name: String,
    /// 連絡先: an address of mail.
    pub contact: String,
    /// What it may do, and from where and until when; a vendor's has no scopes before an insurer lets it in.
    pub conditions: Conditions,
}

/// What people call a client and whom they write to, to be changed: what is not here stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Naming {
    /// What people call it.
    pub name: Option<String>,
    /// 連絡先: an address of mail.
    pub contact: Option<String>,
}

/// On what a client may come in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Words of scopes.
    pub scopes: Vec<String>,
    /// Addresses and networks, each as it was typed; from anywhere where there is none.
    pub networks: Vec<String>,
    /// The last day.
    pub expires_on: Option<NaiveDate>,
}

impl NewClient {
    /// What would have to be mended of it: for a page where something else has to be as well. A vendor's has no scopes.
    pub fn faults(&self, now: DateTime<Utc>, with_scopes: bool) -> Vec<FieldError> {
        read(self, now, with_scopes).map_or_else(|refusal| refusal.fields, |_| Vec::new())
    }
}

impl Conditions {
    /// As [`NewClient::faults`].
    pub fn faults(&self, now: DateTime<Utc>, with_scopes: bool) -> Vec<FieldError> {
        Checked::only(self, now, with_scopes).map_or_else(|refusal| refusal.fields, |_| Vec::new())
    }
}

/// The same, as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub scopes: BTreeSet<Scope>,
    pub networks: Vec<String>,
    pub expires_on: Option<NaiveDate>,
}

impl Checked {
    /// Where something may be done at all, `with_scopes`; a vendor's own conditions name none.
    pub(crate) fn read(
        conditions: &Conditions,
        now: DateTime<Utc>,
        with_scopes: bool,
        errors: &mut Vec<FieldError>,
    ) -> Self {
        let scopes = FieldError::gather(fields::SCOPES, scopes(&conditions.scopes, with_scopes), errors);
        let networks = FieldError::gather(fields::NETWORKS, networks(&conditions.networks), errors);
        let is_over = |last: &NaiveDate| *last <= calendar::today_in_japan(now);
        if conditions.expires_on.as_ref().is_some_and(is_over) {
            errors.push(FieldError::new(fields::EXPIRES_ON, Problem::NotInFuture));
        }
        Self {
            scopes: scopes.unwrap_or_default(),
            networks: networks.unwrap_or_default(),
            expires_on: conditions.expires_on,
        }
    }

    /// [`Checked::read`] where there is nothing else to be mended.
    pub(crate) fn only(conditions: &Conditions, now: DateTime<Utc>, with_scopes: bool) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        let checked = Self::read(conditions, now, with_scopes, &mut errors);
        if errors.is_empty() {
            Ok(checked)
        } else {
            Err(Refusal::fields(errors))
        }
    }

    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.scopes.iter().map(|scope| scope.as_str()).collect()
    }
}

/// A new client's name, contact and conditions.
pub(crate) fn read(
    new: &NewClient,
    now: DateTime<Utc>,
    with_scopes: bool,
) -> Result<(String, EmailAddress, Checked), Refusal> {
    let mut errors = Vec::new();
    let name = FieldError::gather(fields::NAME, name(&new.name), &mut errors);
    let contact = FieldError::gather(fields::CONTACT, EmailAddress::parse(&new.contact), &mut errors);
    let checked = Checked::read(&new.conditions, now, with_scopes, &mut errors);
    match (name, contact) {
        (Some(name), Some(contact)) if errors.is_empty() => Ok((name, contact, checked)),
        _ => Err(Refusal::fields(errors)),
    }
}

/// Another name, another contact, or both.
pub(crate) fn renamed(naming: &Naming) -> Result<(Option<String>, Option<EmailAddress>), Refusal> {
    let mut errors = Vec::new();
    let named = naming.name.as_deref().map(name).transpose();
    let named = FieldError::gather(fields::NAME, named, &mut errors);
    let contact = naming.contact.as_deref().map(EmailAddress::parse).transpose();
    let contact = FieldError::gather(fields::CONTACT, contact, &mut errors);
    match (named, contact) {
        (Some(name), Some(contact)) if errors.is_empty() => Ok((name, contact)),
        _ => Err(Refusal::fields(errors)),
    }
}

fn name(typed: &str) -> Result<String, Problem> {
    let name = text::normalize(typed);
    if name.is_empty() {
        return Err(Problem::Empty);
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Problem::TooLong { max: LONGEST_NAME });
    }
    if text::has_control(&name) {
        return Err(Problem::Characters);
    }
    Ok(name)
}

fn scopes(words: &[String], with_scopes: bool) -> Result<BTreeSet<Scope>, Problem> {
    if words.is_empty() && with_scopes {
        return Err(Problem::Empty);
    }
    if !words.is_empty() && !with_scopes {
        return Err(Problem::NotAChoice);
    }
    let read: Option<BTreeSet<Scope>> = words.iter().map(|word| Scope::read(word)).collect();
    read.ok_or(Problem::NotAChoice)
}

/// Each as it is compared: an address as the network of it alone, a network without what its mask leaves out.
fn networks(typed: &[String]) -> Result<Vec<String>, Problem> {
    let mut read = BTreeSet::new();
    for one in typed {
        let plain = text::normalize_dense(one);
        if plain.is_empty() {
            continue;
        }
        let network = plain
            .parse::<IpNet>()
            .or_else(|_| plain.parse::<IpAddr>().map(IpNet::from));
        let network = network.map_err(|_| Problem::Unread(plain.chars().take(SHOWN).collect()))?;
        read.insert(canonical(network).trunc().to_string());
    }
    if read.len() > MOST_NETWORKS {
        return Err(Problem::Characters);
    }
    Ok(read.into_iter().collect())
}

/// An IPv4 network written as IPv6 is the IPv4 one, as the addresses of requests are.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    mapped.map_or(network, |(v4, prefix)| {
        Ipv4Net::new(v4, prefix).map_or(network, IpNet::V4)
    })
}

/// What a form shows when it can't be used as typed.
pub(crate) fn wrong(field: Field, problem: Problem) -> Refusal {
    Refusal::field(FieldError::new(field, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(typed: &[&str]) -> Result<Vec<String>, Problem> {
        networks(&typed.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn networks_are_kept_as_they_are_compared() {
        assert_eq!(
            read(&[
                "１９２.0.2.7",
                " 198.51.100.9/24 ",
                "",
                "2001:db8::1/32",
                "::ffff:192.0.2.7",
                "::ffff:203.0.113.9/120",
                "::ffff:0:0/32"
            ]),
            Ok(vec![
                "192.0.2.7/32".into(),
                "198.51.100.0/24".into(),
                "2001:db8::/32".into(),
                "203.0.113.0/24".into(),
                "::/32".into()
            ])
        );
        assert_eq!(read(&[]), Ok(vec![]));
        for wrong in ["192.0.2", "192.0.2.0/33", "example.jp", "192.0.2.1-9"] {
            assert_eq!(read(&["192.0.2.1", wrong]), Err(Problem::Unread(wrong.into())));
        }
        let many: Vec<String> = (0..21).map(|n| format!("192.0.2.{n}")).collect();
        assert_eq!(networks(&many), Err(Problem::Characters));
    }

    #[test]
    fn the_last_day_is_to_come_and_every_fault_is_told_at_once() {
        let now = "2026-12-05T03:00:00Z".parse().unwrap();
        let conditions = |last: &str| Conditions {
            scopes: vec!["members.read".into()],
            networks: vec![],
            expires_on: Some(last.parse().unwrap()),
        };
        assert!(Checked::only(&conditions("2026-12-06"), now, true).is_ok());
        assert!(Checked::only(&conditions("2026-12-05"), now, true).is_err());
        let refused = super::read(&NewClient::default(), now, true).unwrap_err();
        let fields: Vec<_> = refused.fields.iter().map(|error| error.field.name.clone()).collect();
        assert_eq!(fields, ["name", "contact", "scopes"]);
        let vendor = Conditions {
            scopes: vec!["members.read".into()],
            ..Conditions::default()
        };
        assert!(Checked::only(&vendor, now, false).is_err());
        let unknown = Conditions {
            scopes: vec!["members.all".into()],
            ..Conditions::default()
        };
        assert!(Checked::only(&unknown, now, true).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_kept_reads_again(text in "\\PC{0,40}", near in "[0-9a-f:.]{1,20}(/[0-9]{1,3})?") {
            for text in [text, near] {
                for kept in networks(&[text]).unwrap_or_default() {
                    prop_assert!(kept.parse::<IpNet>().is_ok());
                }
            }
        }
    }
}
