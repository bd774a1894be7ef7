//! Places for files on their way in. A file comes for minutes, and there are few places for all: so nobody has more than a share.

use kernel::TenantId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files that may be on their way in at the same time.
pub const FILES: usize = 16;
/// Of them those of one insurer, however many there bring one.
const OF_INSURER: usize = FILES / 2;
/// And those of one of its programs or its staff: the next one of whoever did not wait for the last.
const OF_ONE: usize = 2;

/// Whose the files are that are on their way in. Clones are of the same places.
#[derive(Debug, Clone, Default)]
pub struct FilePlaces(Arc<Mutex<Vec<(TenantId, u128)>>>);

/// A place, as long as it is held.
#[derive(Debug)]
pub struct FilePlace {
    places: FilePlaces,
    whose: (TenantId, u128),
}

impl FilePlaces {
    /// A place for a file of a program or of one of the staff, by their id; none where it, or the insurer, has all of its share.
    pub fn take(&self, tenant: TenantId, id: u128) -> Option<FilePlace> {
        let whose = (tenant, id);
        let mut taken = self.taken();
        let of_insurer = taken.iter().filter(|other| other.0 == tenant).count();
        let of_one = taken.iter().filter(|other| **other == whose).count();
        if of_insurer >= OF_INSURER || of_one >= OF_ONE {
            return None;
        }
        taken.push(whose);
        drop(taken);
        let places = self.clone();
        Some(FilePlace { places, whose })
    }

    fn taken(&self) -> MutexGuard<'_, Vec<(TenantId, u128)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FilePlace {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(nth) = taken.iter().position(|other| *other == self.whose) {
            taken.swap_remove(nth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 64
    #[test]
    fn nobody_has_more_than_two_places_and_no_insurer_more_than_half() {
        let places = FilePlaces::default();
        let (here, there) = (TenantId(7), TenantId(8));
        let mut held = vec![places.take(here, 1).unwrap(), places.clone().take(here, 1).unwrap()];
        assert!(places.take(here, 1).is_none(), "a third of one");
        held.extend((2..8).map(|id| places.take(here, id).unwrap()));
        assert_eq!(held.len(), FILES / 2);
        assert!(places.take(here, 9).is_none(), "more than half of one insurer");
        assert!(places.take(there, 1).is_some(), "another insurer");
        drop(held.pop());
        assert!(places.take(here, 9).is_some(), "where one has come");
        assert!(places.take(here, 1).is_none());
    }
}
