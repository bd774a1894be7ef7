//! What staff may do with statements. Call centre and workplaces have no part in it, nor have administrators.

pub use access::STATEMENTS_PUBLISH;

use access::Permission;

/// See deliveries and what became of them; no row of anybody's.
pub const STATEMENTS_READ: Permission = Permission("statements.read");
/// Bring a file, look at it, load it.
pub const STATEMENTS_IMPORT: Permission = Permission("statements.import");
/// Settle rows that wait, withdraw a claim.
pub const STATEMENTS_CORRECT: Permission = Permission("statements.correct");
/// See statements as a member sees them.
pub const STATEMENTS_PREVIEW: Permission = Permission("statements.preview");
/// Say how statements are shown and reckoned.
pub const STATEMENTS_SETTINGS: Permission = Permission("statements.settings");
/// Keep who wishes to be shown to whom.
pub const DISCLOSURES_MANAGE: Permission = Permission("disclosures.manage");
/// The platform's: the master of medicines.
pub const OPERATOR_DRUGS: Permission = Permission("operator.drugs");

/// All of them.
pub(crate) const ALL: [Permission; 8] = [
    STATEMENTS_READ,
    STATEMENTS_IMPORT,
    STATEMENTS_PUBLISH,
    STATEMENTS_CORRECT,
    STATEMENTS_PREVIEW,
    STATEMENTS_SETTINGS,
    DISCLOSURES_MANAGE,
    OPERATOR_DRUGS,
];
