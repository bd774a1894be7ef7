//! What an insurer's programs do with statements: they bring deliveries and publish them, say who sees them, and read nobody's
//! rows.

mod deliveries;
mod disclosures;
mod imports;

use ground::Ground;
use operations::Group;

/// The operations.
pub(super) fn groups(ground: &Ground) -> Vec<Group> {
    vec![
        imports::group(ground),
        deliveries::group(ground),
        disclosures::group(ground),
    ]
}
