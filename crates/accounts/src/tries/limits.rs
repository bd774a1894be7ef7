//! The limits of [`super::rules`] as an operator may set them, with their documented defaults in the embedded
//! configuration (`[limits]`).

use serde::Deserialize;
use std::time::Duration;

/// Tries, windows and waits. Seconds throughout.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Failed identities on one typed symbol and number, existing or not.
    pub identity_tries: u32,
    /// The waits after them: first, then each further time the last.
    pub identity_waits: Waits,
    /// Failed identities from one network within the window; generous, a town hall shares one address.
    pub identity_network_tries: u32,
    /// The window, and the wait, of a network.
    pub network_window: u64,
    /// Failed identities, or wrong codes, at one insurer within a quarter of an hour that raise the alarm; never a
    /// refusal.
    pub identity_alarm: u32,
    /// The delay of each further failure while the alarm stands.
    pub identity_alarm_delay: u64,
    /// Sign-ups begun for one person within a day. Each may mail six codes and have five typed, so a known identity
    /// without an account is worth no more than so many times that.
    pub identity_tickets: u32,
    /// Account forms posted on one ticket; each costs a hash.
    pub account_posts: u32,
    /// Codes mailed from one network within the window.
    pub send_network_tries: u32,
    /// Wrong codes from one network within the window.
    pub code_network_tries: u32,
    /// Wrong codes of one person in all, until a right one or the desk (NIST 800-63B: at most 100).
    pub code_failures: u32,
    /// Log-ins of one user ID within an hour, right or wrong, by strangers and by its known devices.
    pub log_ins: u32,
    /// Sessions of one account; the oldest ends.
    pub sessions: u32,
    /// Wrong passwords for one user ID from one network, or from a device that has logged in with it before.
    pub log_in_tries: u32,
    /// The waits after them.
    pub log_in_waits: Waits,
    /// Wrong passwords for one user ID in all, by strangers and by its known devices, until a right one or a new password
    /// (NIST 800-63B: at most 100).
    pub log_in_id_tries: u32,
    /// Failed log-ins from one network within the window.
    pub log_in_network_tries: u32,
    /// Forgotten-password mails asked for one user ID from one network or known device within an hour.
    pub reset_tries: u32,
    /// Recoveries asked for one user ID, or for one person, from everywhere within a day.
    pub recovery_id_tries: u32,
    /// Recovery requests from one network within the window; very wide.
    pub recovery_network_tries: u32,
    /// The life of a sign-up ticket.
    pub ticket_life: u64,
    /// The life of a verification code (the manual: ten minutes).
    pub code_life: u64,
    /// The least time between two codes.
    pub resend_after: u64,
    /// Wrong codes on one ticket in all.
    pub code_tries: u32,
    /// Codes sent on one ticket in all.
    pub code_sends: u32,
    /// The life of a password reset link.
    pub reset_life: u64,
}

/// Waits in seconds, one after the other; the last repeats.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Vec<u64>")]
pub struct Waits(Vec<Duration>);

impl Waits {
    pub(crate) fn spans(&self) -> &[Duration] {
        &self.0
    }
}

impl From<Vec<u64>> for Waits {
    fn from(seconds: Vec<u64>) -> Self {
        Self(seconds.into_iter().map(Duration::from_secs).collect())
    }
}

/// Seconds of a limit as a span of time.
pub(crate) fn span(seconds: u64) -> chrono::TimeDelta {
    chrono::TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000))
}
