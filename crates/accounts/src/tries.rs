//! What may be tried how often: on what it is counted, who is held off for it, and what ends it. The table of all rules
//! heads [`rules`]; an operator's numbers are [`limits`].
//!
//! Wrong codes are counted with the codes ([`crate::codes`]); what stands in `throttles` is swept by the guard.

mod alarm;
pub(crate) mod guesses;
pub(crate) mod limits;
pub(crate) mod network;
pub(crate) mod recovery;
pub(crate) mod rules;
