//! Where a webhook may lead: a public address by https. Judged where an endpoint is set, as far as its URL tells, and every address
//! once more when it is connected to, for what a name resolves to changes.

use crate::Settings;
use ipnet::{Ipv4Net, Ipv6Net};
use kernel::Problem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Characters of a URL at most, as it is kept.
pub(crate) const LONGEST: usize = 1000;

/// What of IPv4 is not public (IANA's registry of special-purpose addresses, RFC 6890), with multicast and what is reserved.
const SPECIAL_V4: [Ipv4Net; 18] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([192, 175, 48, 0], 24),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];
/// All of IPv6 that is given out as public; mapped addresses, NAT64, ULA, link-local and multicast are outside of it.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0], 3);
/// What within is not: Teredo, ORCHID and benchmarks, documentation, 6to4, AS112.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0], 23),
    v6([0x2001, 0xdb8], 32),
    v6([0x2002, 0], 16),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    v6([0x3fff, 0], 20),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([first, second]: [u16; 2], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), prefix)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|network| network.contains(&address))
        }
    }
}

impl Settings {
    /// True where this address may be connected to. An IPv4 address in the clothes of IPv6 is judged as what it is written as.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        let is_in = |networks: &[ipnet::IpNet]| networks.iter().any(|network| network.contains(&address));
        is_in(&self.allow_networks) || (is_public(address) && !is_in(&self.deny_networks))
    }

    /// Reads a URL; its host may be a name, which is judged by what it resolves to.
    pub(crate) fn read(&self, typed: &str) -> Result<Url, Problem> {
        if typed.trim().is_empty() {
            return Err(Problem::Empty);
        }
        let url = Url::parse(typed).map_err(|_| Problem::UrlShape)?;
        if url.as_str().len() > LONGEST {
            return Err(Problem::TooLong { max: LONGEST });
        }
        let is_secure = url.scheme() == "https" || (self.allow_http && url.scheme() == "http");
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !is_secure || !is_plain || url.port() == Some(0) {
            return Err(Problem::UrlShape);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Problem::UrlShape),
        };
        if literal.is_some_and(|address| !self.admits(address)) {
            return Err(Problem::NotPublic);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn admits(address: &str) -> bool {
        Settings::default().admits(address.parse().unwrap())
    }

    // security.md 62
    #[test]
    fn only_public_addresses_are_connected_to() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "223.255.255.255",
            "2001:200::1",
            "2400:cb00::1",
            "2606:4700::1111",
            "3ffe::1",
        ] {
            assert!(admits(public), "{public}");
        }
        for other in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!admits(other), "{other}");
        }
    }

    // security.md 62
    #[test]
    fn the_services_own_networks_are_not_connected_to_and_development_may_allow_others() {
        let settings = Settings {
            deny_networks: vec!["1.1.1.0/24".parse().unwrap()],
            allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..Settings::default()
        };
        let admits = |address: &str| settings.admits(address.parse().unwrap());
        assert!(!admits("1.1.1.1") && admits("1.1.2.1") && admits("127.0.0.1"));
        assert!(!admits("::ffff:127.0.0.1") && !admits("::1"));
        assert!(!settings.is_guarded() && Settings::default().is_guarded());
    }

    // security.md 62
    #[test]
    fn a_url_is_by_https_names_nobody_and_its_literal_is_judged_however_it_is_written() {
        let settings = Settings::default();
        for good in [
            "https://hooks.example.jp/in?from=madoguchi",
            "https://hooks.example.jp:8443/",
            "HTTPS://日本語.example/",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(settings.read(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://hooks.example.jp/",
            "ftp://hooks.example.jp/",
            "hooks.example.jp",
            "https://user@hooks.example.jp/",
            "https://:secret@hooks.example.jp/",
            "https://hooks.example.jp/#here",
            "https://hooks.example.jp:0/",
            "https:///",
            "file:///etc/passwd",
            "data:,x",
        ] {
            assert_eq!(settings.read(wrong), Err(Problem::UrlShape), "{wrong}");
        }
        for inside in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://１２７.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd00::1]/",
            "https://169.254.169.254/latest/meta-data/",
        ] {
            assert_eq!(settings.read(inside), Err(Problem::NotPublic), "{inside}");
        }
        assert_eq!(settings.read(" "), Err(Problem::Empty));
        let long = format!("https://hooks.example.jp/{}", "a".repeat(LONGEST));
        assert_eq!(settings.read(&long), Err(Problem::TooLong { max: LONGEST }));
    }

    proptest! {
        #[test]
        fn whatever_is_read_reads_again_and_leads_nowhere_inside(text in "\\PC{0,60}", near in "https?://[0-9a-fx:.\\[\\]@/#]{1,30}") {
            let settings = Settings::default();
            for text in [text, near] {
                if let Ok(url) = settings.read(&text) {
                    prop_assert_eq!(settings.read(url.as_str()), Ok(url.clone()));
                    prop_assert_eq!(url.scheme(), "https");
                    if let Some(Host::Ipv4(address)) = url.host() {
                        prop_assert!(is_public(IpAddr::V4(address)));
                    }
                }
            }
        }
    }
}
