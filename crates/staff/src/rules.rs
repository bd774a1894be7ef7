//! Every rule that bounds what may be tried at the console's doors: the table is the truth of the code below it, and a
//! test holds one against the other (security.md 1, 2, 26–28, 32–34, 66–69, 72). They are counted as members' are
//! (`accounts`), on counts of their own.
//!
//! | rule | what is counted | by | kept at | limit | then | no failure, or exempt |
//! |---|---|---|---|---|---|---|
//! | `staff_log_ins` | log-ins looked at, right or wrong | code and mail as typed; strangers, and its devices, apart | platform | 120 an hour | the window's end | |
//! | `staff_log_in` | wrong passwords | code and mail as typed, and network or device | platform | 10 an hour | 1, 5, 15 min, 1, 4 h | a right one forgives |
//! | `staff_log_in_id` | wrong passwords | code and mail as typed; strangers, and its devices, apart | platform | 100 | a new password by mail | a right one forgives |
//! | `staff_log_in_network` | wrong passwords | network | platform | 1,000 in 15 min | the window's end | devices are free of it |
//! | `staff_password_proof` | present passwords asked for inside | account | insurer | 10 an hour | as `staff_log_in` | a right one forgives |
//! | `staff_factor_app` | codes of authenticator apps | account | insurer | 10 an hour | as `staff_log_in` | a right one forgives |
//! | `staff_factor_passkey` | answers of passkeys | account | insurer | 10 an hour | as `staff_log_in` | a right one forgives |
//! | `staff_factor_printed` | printed codes | account | insurer | 10 an hour | as `staff_log_in` | a right one forgives |
//! | `staff_reset` | reset mails asked for | code and mail as typed, and network or device | platform | 5 an hour | 1 h | |
//! | `staff_reset_id` | the same | code and mail as typed | platform | 100 a day | the window's end | devices are free of it |
//! | `staff_recovery_network` | the same | network | platform | 2,000 in 15 min | the window's end | |
//! | `staff_odd_log_in` | mails about odd log-ins | account | insurer | 1 a day | silence | |
//! | `staff_link` | links that colleagues have mailed to somebody, and that they let them in again | account and what for | insurer | 10 an hour | the window's end | the command line is free of it |
//!
//! Those are rows of `throttles`, swept after two quiet days. What must last stands in columns, which only success ends:
//!
//! | column | what is counted | limit | then | ended by |
//! |---|---|---|---|---|
//! | `staff.guesses` | wrong passwords by strangers | 100 | refused to strangers | a stranger's right one; a new password |
//! | `staff.device_guesses` | wrong ones on known devices and inside | 100 | refused to them | a right one there; a new password |
//! | `staff.factor_guesses` | second factors, of whatever kind | 100 | refused | a right one; a colleague's reset |
//! | rows of `sessions` | log-ins still open, of an account | 20 | the oldest ends | |
//!
//! **Before and after.** As members': a log-in takes its place among the hashes first and is held off before anybody looks
//! whose the mail is. So a known mail, an unknown one, one of another insurer, and one that was invited but has no password
//! yet cost the same and are answered alike.

use guard::{guesses::GuessRules, network::NetworkRule, throttle::Rule};
use std::time::Duration;

const QUARTER: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Until a new password; longer than anybody tries.
const LASTING: Duration = Duration::from_hours(24 * 366);
/// After ten wrong passwords, and each time ten more.
const WAITS: [Duration; 5] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    QUARTER,
    HOUR,
    Duration::from_hours(4),
];

/// Wrong passwords in all, in the lasting columns (NIST 800-63B: at most 100).
pub(crate) const MOST_GUESSES: i32 = 100;
/// Sessions of one account.
pub(crate) const SESSIONS: u32 = 20;

const LOG_INS: Rule<'static> = Rule::new("staff_log_ins", 120, HOUR, &[]);
const LOG_IN: Rule<'static> = Rule::new("staff_log_in", 10, HOUR, &WAITS);
const LOG_IN_ID: Rule<'static> = Rule::new("staff_log_in_id", 100, LASTING, &[LASTING]);
const LOG_IN_NETWORK: NetworkRule = NetworkRule::new("staff_log_in_network", 1_000, QUARTER);
pub(crate) const PASSWORD_PROOF: Rule<'static> = Rule::new("staff_password_proof", 10, HOUR, &WAITS);
pub(crate) const FACTOR_APP: Rule<'static> = Rule::new("staff_factor_app", 10, HOUR, &WAITS);
pub(crate) const FACTOR_PASSKEY: Rule<'static> = Rule::new("staff_factor_passkey", 10, HOUR, &WAITS);
pub(crate) const FACTOR_PRINTED: Rule<'static> = Rule::new("staff_factor_printed", 10, HOUR, &WAITS);
const RESET: Rule<'static> = Rule::new("staff_reset", 5, HOUR, &[HOUR]);
pub(crate) const RESET_ID: Rule<'static> = Rule::new("staff_reset_id", 100, DAY, &[]);
pub(crate) const RECOVERY_NETWORK: NetworkRule = NetworkRule::new("staff_recovery_network", 2_000, QUARTER);
pub(crate) const ODD_LOG_IN: Rule<'static> = Rule::new("staff_odd_log_in", 1, DAY, &[]);
pub(crate) const LINK: Rule<'static> = Rule::new("staff_link", 10, HOUR, &[]);

/// The rules of log-ins.
pub(crate) const GUESSES: GuessRules<'static> = GuessRules {
    log_ins: LOG_INS,
    log_in: LOG_IN,
    log_in_id: LOG_IN_ID,
    log_in_network: LOG_IN_NETWORK,
    odd_log_in: ODD_LOG_IN,
};

/// Reset mails from a network that is so many times as large as the smallest.
pub(crate) fn reset(times: u32) -> Rule<'static> {
    RESET.times(times)
}

#[cfg(test)]
mod tests {
    use guard::throttle::rules_of;

    #[test]
    fn every_rule_stands_in_the_table_and_the_table_knows_no_other() {
        let (table, made) = rules_of(include_str!("rules.rs"));
        assert!(!table.is_empty());
        assert_eq!(made, table);
    }
}
