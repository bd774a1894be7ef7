//! `[webhooks]`: where a node may connect to, beyond what is public, and where it may not.

use ipnet::IpNet;
use serde::Deserialize;

/// What the configuration says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Endpoints may be reached in clear: for development and tests.
    pub allow_http: bool,
    /// Networks that are not public and may be connected to: for development and tests.
    pub allow_networks: Vec<IpNet>,
    /// Public networks that may not, such as the service's own.
    pub deny_networks: Vec<IpNet>,
}

impl Settings {
    /// True where nothing is let out that is not for everybody's eyes.
    pub fn is_guarded(&self) -> bool {
        !self.allow_http && self.allow_networks.is_empty()
    }
}
