//! Every rule that bounds what may be tried: the table is the truth of the code below it, and a test holds one against
//! the other (security.md 1–3, 8, 13, 26–28, 32–34, 36, 66–69, 72).
//!
//! | rule | what is counted | by | kept at | limit (default) | then | no failure, or exempt |
//! |---|---|---|---|---|---|---|
//! | `identity` | identities that matched nobody | 記号 and 番号 as typed, existing or not | insurer | 5 a day | 15 min, then 1 h | a match gives its try back |
//! | `identity_network` | the same | network | platform | 200 in 15 min | the window's end | a match; a refused number |
//! | `identity_insurer` | the same | insurer | insurer | 300 in 15 min | an alarm, each answer 2 s later | nobody is refused |
//! | `identity_tickets` | sign-ups begun | person | insurer | 20 a day | the window's end | |
//! | `account_posts` | account forms, each a hash | ticket | insurer | 30 | the ticket's end | |
//! | `send_network` | codes mailed | network | platform | 1,000 in 15 min | the window's end | |
//! | `code_network` | wrong codes | network | platform | 100 in 15 min | the window's end | late and replaced codes |
//! | `code_insurer` | wrong codes | insurer | insurer | 300 in 15 min | as `identity_insurer` | nobody is refused |
//! | `log_ins` | log-ins looked at, right or wrong | user ID as typed; strangers, and its devices, apart | platform | 120 an hour | the window's end | |
//! | `log_in` | wrong passwords | user ID as typed, and network or device | platform | 10 an hour | 1, 5, 15 min, 1, 4 h | a right one forgives |
//! | `log_in_id` | wrong passwords | user ID as typed; strangers, and its devices, apart | platform | 100 | a new password by mail | a right one forgives |
//! | `log_in_network` | wrong passwords | network | platform | 1,000 in 15 min | the window's end | devices are free of it |
//! | `password_proof` | present passwords asked for inside | account | insurer | 10 an hour | as `log_in` | a right one forgives |
//! | `reset` | reset mails asked for | user ID as typed, and network or device | platform | 5 an hour | 1 h | |
//! | `reset_id` | the same | user ID as typed | platform | 100 a day | the window's end | devices are free of it |
//! | `reminder` | forgotten user IDs | 記号 and 番号 as typed, and network | insurer | 5 a day | as `identity` | |
//! | `reminder_id` | the same | 記号 and 番号 as typed | insurer | 100 a day | the window's end | |
//! | `recovery_network` | both | network | platform | 2,000 in 15 min | the window's end | |
//! | `alarm` | warnings of an alarm | which alarm | insurer | 1 an hour | silence | |
//! | `odd_log_in` | mails about odd log-ins | account | insurer | 1 a day | silence | |
//! | `desk_mails` | reset links, and codes for another address, that staff have mailed | account | insurer | 10 an hour | the window's end | |
//!
//! Those are rows of `throttles`, swept after two quiet days. What must last stands in columns, which only success ends:
//!
//! | column | what is counted | limit (default) | then | ended by |
//! |---|---|---|---|---|
//! | `accounts.guesses` | wrong passwords by strangers | 100 | refused to strangers | a stranger's right one; a new password |
//! | `accounts.device_guesses` | wrong ones on known devices and inside | 100 | refused to them | a right one there; a new password |
//! | `wrong_codes.failures` | wrong codes, of a person | 100 | the desk | a right code; `madoguchi member unlock` |
//! | `sign_up_tickets.tries`, `email_changes.tries` | wrong codes | 5 | begin again | |
//! | `sign_up_tickets.sends`, `email_changes.sends` | codes mailed | 6, and 60 s apart whatever the address | begin again | |
//! | rows of `sessions` | log-ins still open, of an account | 50 | the oldest ends | |
//!
//! **Networks** ([`guard::network`]): an IPv4 address; of IPv6 a /64, with a /56 allowed twice and a /48 four times as
//! much, since whoever holds one has as many /64 as they like. Where an insurer declares a network that its members share
//! (`[[network]]` in tenant.toml), each address there is allowed `factor` times as much at that insurer's door, and counts
//! there alone. Log-ins and reset mails have no insurer's door: whose a user ID is must not show in what is refused.
//!
//! **Devices** ([`crate::device`]): a browser or program that has logged in with a user ID before says so by a secret. It
//! has counts of its own for that user ID, so that no stranger's failures, nor a neighbour's, keep the owner out.
//!
//! **Before and after.** Rules by what is guessed at take their try before the check, in one statement, so that fifty at
//! once count as they should. Those by network, and `log_in` and `log_in_id`, are looked at before and counted after a
//! failure: a few under way at the same time may slip through, which `log_ins` and the columns bound exactly. A log-in is
//! held off before anybody looks whose user ID it is: equal time for known and unknown ones. So a lock on a user ID that
//! is nobody's holds for whoever registers it, too (their own browser is a known device from the start), and its count
//! goes into their account.
//!
//! Nobody is timed for being quick (security.md 8): a form filled in by a password manager is quick, too, and programs
//! are welcome. The throttles set the pace.

use crate::Limits;
use guard::{guesses::GuessRules, network::NetworkRule, throttle::Rule};
use std::time::Duration;

const QUARTER: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Until a new password; longer than anybody tries.
const LASTING: Duration = Duration::from_hours(24 * 366);

/// One in a span, then silence until it is over.
const fn once(name: &'static str, window: Duration) -> Rule<'static> {
    Rule::new(name, 1, window, &[])
}

/// What is counted for an alarm alone.
const fn alarming(name: &'static str) -> Rule<'static> {
    Rule::new(name, u32::MAX, QUARTER, &[])
}

pub(crate) const IDENTITY_INSURER: Rule<'static> = alarming("identity_insurer");
pub(crate) const CODE_INSURER: Rule<'static> = alarming("code_insurer");
pub(crate) const ALARM: Rule<'static> = once("alarm", HOUR);
const ODD_LOG_IN: Rule<'static> = once("odd_log_in", DAY);
pub(crate) const DESK_MAILS: Rule<'static> = Rule::new("desk_mails", 10, HOUR, &[]);

impl Limits {
    pub(crate) fn identity(&self) -> Rule<'_> {
        Rule::new("identity", self.identity_tries, DAY, self.identity_waits.spans())
    }

    pub(crate) fn identity_network(&self) -> NetworkRule {
        self.network("identity_network", self.identity_network_tries)
    }

    pub(crate) fn identity_tickets(&self) -> Rule<'_> {
        Rule::new("identity_tickets", self.identity_tickets, DAY, &[])
    }

    pub(crate) fn account_posts(&self) -> Rule<'_> {
        let life = Duration::from_secs(self.ticket_life);
        Rule::new("account_posts", self.account_posts, life, &[])
    }

    pub(crate) fn send_network(&self) -> NetworkRule {
        self.network("send_network", self.send_network_tries)
    }

    pub(crate) fn code_network(&self) -> NetworkRule {
        self.network("code_network", self.code_network_tries)
    }

    pub(crate) fn guesses(&self) -> GuessRules<'_> {
        GuessRules {
            log_ins: self.log_ins(),
            log_in: Rule::new("log_in", self.log_in_tries, HOUR, self.log_in_waits.spans()),
            log_in_id: self.log_in_id(),
            log_in_network: self.network("log_in_network", self.log_in_network_tries),
            odd_log_in: ODD_LOG_IN,
        }
    }

    fn log_ins(&self) -> Rule<'_> {
        Rule::new("log_ins", self.log_ins, HOUR, &[])
    }

    pub(crate) fn log_in_id(&self) -> Rule<'_> {
        Rule::new("log_in_id", self.log_in_id_tries, LASTING, &[LASTING])
    }

    pub(crate) fn password_proof(&self) -> Rule<'_> {
        Rule::new("password_proof", self.log_in_tries, HOUR, self.log_in_waits.spans())
    }

    pub(crate) fn reset(&self, times: u32) -> Rule<'_> {
        Rule::new("reset", self.reset_tries.saturating_mul(times), HOUR, &[HOUR])
    }

    pub(crate) fn reset_id(&self) -> Rule<'_> {
        Rule::new("reset_id", self.recovery_id_tries, DAY, &[])
    }

    pub(crate) fn reminder(&self, times: u32) -> Rule<'_> {
        let tries = self.identity_tries.saturating_mul(times);
        Rule::new("reminder", tries, DAY, self.identity_waits.spans())
    }

    pub(crate) fn reminder_id(&self) -> Rule<'_> {
        Rule::new("reminder_id", self.recovery_id_tries, DAY, &[])
    }

    pub(crate) fn recovery_network(&self) -> NetworkRule {
        self.network("recovery_network", self.recovery_network_tries)
    }

    fn network(&self, name: &'static str, tries: u32) -> NetworkRule {
        NetworkRule::new(name, tries, Duration::from_secs(self.network_window))
    }
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
