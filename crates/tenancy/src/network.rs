//! Networks that many of an insurer's members share: an employer's offices behind a few addresses. So many people make so
//! many honest mistakes, so throttles by network allow more there, at that insurer's door alone.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A `[[network]]` of a tenant.toml.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedNetwork {
    /// Its addresses; each counts for itself.
    pub cidr: IpNet,
    /// How many times more may be tried from each address than from any other network.
    pub factor: u32,
}

impl SharedNetwork {
    /// A hundred times what a town hall is allowed is enough for every employer there is.
    pub const FACTOR: std::ops::RangeInclusive<u32> = 2..=100;
    /// The widest networks: 4,096 addresses, or sixteen sites of a /48 each.
    const LEAST_PREFIX: (u8, u8) = (20, 44);

    /// Reads a network as it stands in tenant.toml; what is wrong with it where it can't be one.
    pub(crate) fn read(text: &str) -> Result<IpNet, String> {
        let cidr: IpNet = text
            .parse()
            .map_err(|_| format!("must be a network as in 192.0.2.0/28, not \"{text}\""))?;
        let (least, mapped) = match cidr {
            IpNet::V4(_) => (Self::LEAST_PREFIX.0, false),
            IpNet::V6(six) => (Self::LEAST_PREFIX.1, six.addr().to_ipv4_mapped().is_some()),
        };
        if mapped {
            Err("must be written as IPv4".into())
        } else if cidr.prefix_len() < least {
            Err(format!("must be /{least} or narrower"))
        } else if cidr.trunc() != cidr {
            Err(format!("must begin at its first address: {}", cidr.trunc()))
        } else {
            Ok(cidr)
        }
    }

    /// True where an address could be in both.
    pub(crate) fn overlaps(&self, other: &IpNet) -> bool {
        self.cidr.contains(other) || other.contains(&self.cidr)
    }
}
