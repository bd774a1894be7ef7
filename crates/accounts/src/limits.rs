//! Every throttle of the pipeline, with its documented default in the embedded configuration (`[limits]`).

use guard::throttle::Rule;
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
    /// Failed identities at one insurer within a quarter of an hour that raise the alarm; never a refusal.
    pub identity_alarm: u32,
    /// The delay of each further failure while the alarm stands.
    pub identity_alarm_delay: u64,
    /// Sign-ups begun for one person within a day. Each may mail six codes and have five typed, so a known identity
    /// without an account is worth no more than so many times that.
    pub identity_tickets: u32,
    /// Account forms posted on one ticket; each costs a hash.
    pub account_posts: u32,
    /// Wrong passwords for one user ID from one network, or from a browser that has logged in with it before.
    pub log_in_tries: u32,
    /// The waits after them.
    pub log_in_waits: Waits,
    /// Wrong passwords for one user ID within a day from everywhere it has not logged in before (NIST 800-63B: at most
    /// 100).
    pub log_in_id_tries: u32,
    /// The waits after them, for strangers only: the owner's own browsers are counted apart, and a new password ends
    /// them.
    pub log_in_id_waits: Waits,
    /// Failed log-ins from one network within the window.
    pub log_in_network_tries: u32,
    /// Forgotten-password mails asked for one user ID within an hour.
    pub reset_tries: u32,
    /// Recovery requests from one network within the window.
    pub recovery_network_tries: u32,
    /// The life of a sign-up ticket.
    pub ticket_life: u64,
    /// The life of a verification code (the manual: ten minutes).
    pub code_life: u64,
    /// The least time between two codes.
    pub resend_after: u64,
    /// Codes typed on one ticket in all.
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

impl From<Vec<u64>> for Waits {
    fn from(seconds: Vec<u64>) -> Self {
        Self(seconds.into_iter().map(Duration::from_secs).collect())
    }
}

const QUARTER: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Failed identities at one insurer: counted for the alarm, never refused.
pub(crate) const IDENTITY_INSURER: Rule<'static> = Rule {
    name: "identity_insurer",
    tries: u32::MAX,
    window: QUARTER,
    waits: &[],
};

/// Events about one number whose insured persons an identity can't tell apart: one a day.
pub(crate) const AMBIGUOUS: Rule<'static> = Rule {
    name: "identity_ambiguous",
    tries: 1,
    window: DAY,
    waits: &[],
};

/// Mails about odd log-ins to one account: one a day.
pub(crate) const ODD_LOG_IN: Rule<'static> = Rule {
    name: "odd_log_in",
    tries: 1,
    window: DAY,
    waits: &[],
};

impl Limits {
    pub(crate) fn identity(&self) -> Rule<'_> {
        Rule {
            name: "identity",
            tries: self.identity_tries,
            window: DAY,
            waits: &self.identity_waits.0,
        }
    }

    pub(crate) fn identity_network(&self) -> Rule<'_> {
        self.network("identity_network", self.identity_network_tries)
    }

    pub(crate) fn identity_tickets(&self) -> Rule<'_> {
        Rule {
            name: "identity_tickets",
            tries: self.identity_tickets,
            window: DAY,
            waits: &[],
        }
    }

    pub(crate) fn account_posts(&self) -> Rule<'_> {
        Rule {
            name: "account_posts",
            tries: self.account_posts,
            window: Duration::from_secs(self.ticket_life),
            waits: &[],
        }
    }

    pub(crate) fn log_in(&self) -> Rule<'_> {
        Rule {
            name: "log_in",
            tries: self.log_in_tries,
            window: HOUR,
            waits: &self.log_in_waits.0,
        }
    }

    pub(crate) fn log_in_id(&self) -> Rule<'_> {
        Rule {
            name: "log_in_id",
            tries: self.log_in_id_tries,
            window: DAY,
            waits: &self.log_in_id_waits.0,
        }
    }

    pub(crate) fn log_in_network(&self) -> Rule<'_> {
        self.network("log_in_network", self.log_in_network_tries)
    }

    pub(crate) fn reset(&self) -> Rule<'_> {
        Rule {
            name: "reset",
            tries: self.reset_tries,
            window: HOUR,
            waits: &[HOUR],
        }
    }

    pub(crate) fn reminder(&self) -> Rule<'_> {
        Rule {
            name: "reminder",
            tries: self.identity_tries,
            window: DAY,
            waits: &self.identity_waits.0,
        }
    }

    pub(crate) fn recovery_network(&self) -> Rule<'_> {
        self.network("recovery_network", self.recovery_network_tries)
    }

    /// The rest of the window is the wait.
    fn network(&self, name: &'static str, tries: u32) -> Rule<'_> {
        Rule {
            name,
            tries,
            window: Duration::from_secs(self.network_window),
            waits: &[],
        }
    }
}

/// Seconds of a limit as a span of time.
pub(crate) fn span(seconds: u64) -> chrono::TimeDelta {
    chrono::TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000))
}
