//! This machine itself, where what crosses a wire in clear crosses none.

use std::net::IpAddr;
use url::{Host, Url};

/// True where a host is this machine: `localhost`, `127.0.0.0/8`, `::1`.
pub fn is_loopback_host(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// True where a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // Of a scheme that it does not know (smtp, say), url reads an IPv4 address as a name.
        Some(Host::Domain(name)) => is_loopback_host(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others_whatever_the_scheme() {
        let leads_home = |url: &str| is_loopback(&url.parse().unwrap());
        for here in [
            "http://localhost:8080",
            "https://127.0.0.1",
            "smtp://127.3.2.1:25",
            "smtp://localhost",
            "postgres://u:p@[::1]:5432/db",
        ] {
            assert!(leads_home(here), "{here}");
        }
        for elsewhere in [
            "https://portal.example",
            "smtp://10.0.0.1",
            "http://localhost.example",
            "http://[2001:db8::1]",
            "mailto:localhost",
        ] {
            assert!(!leads_home(elsewhere), "{elsewhere}");
        }
    }
}
