//! Who asks, and from where. A forwarded address counts only from a proxy that the configuration trusts
//! (security.md 57): anybody can write the header.

use crate::{headers::lines, observe::request_id, seldom::Seldom};
use audit::{Channel, Origin};
use ipnet::IpNet;
use poem::Request;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Anybody can send the header, so it must not fill the log.
static DISBELIEVED: Seldom = Seldom::every(Duration::from_mins(10));

/// The origin of a request, for throttles and the audit trail.
pub fn origin(request: &Request, channel: Channel, trusted: &[IpNet]) -> Origin {
    let peer = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
    let forwarded: Vec<_> = lines(request.headers(), "x-forwarded-for").collect();
    let forwarded = forwarded.iter().map(|line| &**line);
    if forwarded.len() > 0
        && peer.is_some_and(|peer| !is_in(trusted, peer.to_canonical()))
        && let Some(times) = DISBELIEVED.pass()
    {
        tracing::warn!(
            times,
            "X-Forwarded-For of a peer that is not in http.trusted_proxies is not believed: a proxy of ours belongs there"
        );
    }
    Origin {
        address: origin_ip(peer, forwarded, trusted),
        request_id: request_id(request),
        channel,
    }
}

/// The client's address: the peer's, or behind trusted proxies the rightmost forwarded one that is not a trusted proxy
/// itself. `forwarded` holds the header's lines in the order they stand. An entry that is no address ends the search:
/// the proxy that handed it on is the best that is known.
pub fn origin_ip<'a>(
    peer: Option<IpAddr>,
    forwarded: impl IntoIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let mut client = peer?.to_canonical();
    let entries: Vec<&str> = forwarded.into_iter().flat_map(|line| line.split(',')).collect();
    for entry in entries.into_iter().rev() {
        if !is_in(trusted, client) {
            break;
        }
        match parse_ip(entry) {
            Some(next) => client = next,
            None => break,
        }
    }
    Some(client)
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`.
fn parse_ip(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    bare.parse::<IpAddr>()
        .ok()
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(peer: &str, forwarded: &[&str]) -> IpAddr {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()];
        origin_ip(Some(ip(peer)), forwarded.iter().copied(), &trusted).unwrap()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(client("192.0.2.1", &["198.51.100.9"]), ip("192.0.2.1"));
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 192.0.2.1"]), ip("192.0.2.1"));
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1", "192.0.2.1", "10.0.0.2"]),
            ip("192.0.2.1")
        );
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_understood() {
        assert_eq!(client("10.0.0.1", &["192.0.2.1:4711"]), ip("192.0.2.1"));
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]:4711"]), ip("2001:db8::7"));
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]"]), ip("2001:db8::7"));
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.1"]), ip("192.0.2.1"));
    }

    #[test]
    fn rubbish_leaves_the_nearest_known_hop() {
        assert_eq!(client("10.0.0.1", &["192.0.2.1, unknown"]), ip("10.0.0.1"));
        assert_eq!(client("10.0.0.1", &[""]), ip("10.0.0.1"));
        assert_eq!(client("10.0.0.1", &["10.0.0.9"]), ip("10.0.0.9"));
        assert_eq!(origin_ip(None, ["192.0.2.1"], &[]), None);
    }

    proptest! {
        #[test]
        fn no_header_panics_or_replaces_an_untrusted_peer(lines in prop::collection::vec("\\PC{0,40}", 0..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert_eq!(client("192.0.2.1", &lines), ip("192.0.2.1"));
            let _ = client("10.0.0.1", &lines);
        }

        #[test]
        fn whatever_a_client_prepends_the_proxys_own_entry_counts(
            prefix in prop::collection::vec(any::<u8>().prop_filter("a header takes it", |byte| *byte >= 0x20 && *byte != 0x7f), 0..30),
            a in any::<[u8; 4]>(),
        ) {
            let real = IpAddr::from(a);
            prop_assume!(a[0] != 10);
            let line = [&prefix, format!(",{real}").as_bytes()].concat();
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_bytes(&line).unwrap());
            let lines: Vec<_> = lines(&headers, "x-forwarded-for").collect();
            let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
            prop_assert_eq!(client("10.0.0.1", &lines), real);
        }
    }
}
