//! Both statements for programs, and who sees them: by the same view, sums and use cases as on the pages, so that no way in shows
//! another truth. Nothing here holds 保険者番号, 記号 or 番号.

mod costs;
mod disclosures;
mod medicines;
mod params;
mod people;
mod programs;
mod shelf;

use ground::Ground;
use operations::Group;

/// The operations.
pub(crate) fn groups(ground: &Ground) -> Vec<Group> {
    let of_members = vec![
        costs::group(ground),
        medicines::group(ground),
        disclosures::group(ground),
    ];
    [of_members, programs::groups(ground)].concat()
}
