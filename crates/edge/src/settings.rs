//! What is known of the way by which requests come.

use crate::FilePlaces;
use ipnet::IpNet;
use std::{sync::Arc, time::Duration};

/// Proxies, patience, and room.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Bytes taken of a request's body, whatever route it is for, before anybody works for it.
    pub body_limit_bytes: usize,
    /// How long a request's body is waited for.
    pub body_time: Duration,
    /// Where files come in.
    pub files: FilePlaces,
}

impl Default for HttpSettings {
    /// No proxy.
    fn default() -> Self {
        Self {
            trusted_proxies: Arc::from([]),
            body_limit_bytes: 64 * 1024,
            body_time: Duration::from_secs(30),
            files: FilePlaces::default(),
        }
    }
}
