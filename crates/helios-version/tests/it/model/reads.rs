// What transactions read and wrote, for the validation of serializable ones.

use std::collections::BTreeSet;

use helios_base::{BranchId, Scn};

use super::Key;

/// One committed transaction, for the validation of serializable ones.
pub(super) struct Done {
    pub(super) scn: Scn,
    pub(super) branch: BranchId,
    pub(super) keys: BTreeSet<Key>,
    pub(super) entries: BTreeSet<Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Reads {
    pub(super) keys: BTreeSet<Key>,
    pub(super) ranges: Vec<(Key, Key)>,
    pub(super) categories: Vec<(u8, u8)>,
}

impl Reads {
    pub(super) fn conflict_with(&self, done: &Done) -> bool {
        let key = |key: &Key| {
            self.keys.contains(key) || self.ranges.iter().any(|(a, b)| (a..b).contains(&key))
        };
        let entry = |entry: &Vec<u8>| {
            self.categories
                .iter()
                .any(|(a, b)| (*a..*b).contains(&entry[0]))
        };
        done.keys.iter().any(key) || done.entries.iter().any(entry)
    }
}
