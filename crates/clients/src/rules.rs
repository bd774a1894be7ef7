//! Every rule that bounds what may be tried with secrets of clients: the table is the truth of the code below it, and a test
//! holds one against the other (security.md 1, 27, 67, 69, 72).
//!
//! | rule | what is counted | by | kept at | limit | then | no failure, or exempt |
//! |---|---|---|---|---|---|---|
//! | `client_token` | wrong secrets | client ID as sent, and network | platform | 10 an hour | 1, 5, 15 min, 1, 4 h | a right one forgives |
//! | `client_token_network` | wrong secrets | network | platform | 1,000 in 15 min | the window's end | |
//! | `client_told` | lines about a client that is shut out, or comes from where it may not | client, and which | insurer, or its home | 1 an hour | silence | |
//!
//! There is none by the ID alone: a secret has 256 bits that nobody guesses, and whoever knows an ID could shut its client
//! out by wrong ones. Nor does any of these keep out a right one, which is compared first: whoever shares an address with others is
//! not shut out by what they send. How often a token may be asked for with the right one is bounded as calls are
//! ([`crate::CLIENT_CALLS`]).
//!
//! **Before and after.** Whether a wrong one is counted or told to wait hangs on what was sent and from where, and not on whose the ID
//! is: an unknown one costs the same statements and hashes as a wrong secret and is answered alike.

use guard::{network::NetworkRule, throttle::Rule};
use std::time::Duration;

const QUARTER: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);
/// After ten wrong secrets, and each time ten more.
const WAITS: [Duration; 5] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    QUARTER,
    HOUR,
    Duration::from_hours(4),
];

const TOKEN: Rule<'static> = Rule::new("client_token", 10, HOUR, &WAITS);
pub(crate) const TOKEN_NETWORK: NetworkRule = NetworkRule::new("client_token_network", 1_000, QUARTER);
pub(crate) const TOLD: Rule<'static> = Rule::new("client_told", 1, HOUR, &[HOUR]);

/// Wrong secrets from a network that is so many times as large as the smallest.
pub(crate) fn token(times: u32) -> Rule<'static> {
    TOKEN.times(times)
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
