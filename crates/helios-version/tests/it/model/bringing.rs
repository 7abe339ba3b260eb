// Transactions that bring rows along which they never put, under keys that nobody has.

use helios_base::Scn;
use helios_version::{Isolation, Vacancy};

use super::expect::{entry_of, row_of};
use super::{I, KEYS, Open, T, World};

impl World {
    /// Gives rows to a transaction that is about to commit, if it can have the table to itself. False if it is over.
    pub(super) fn bring(&mut self, open: &mut Open) -> bool {
        let mut others = self.open.iter();
        let is_shared = others.any(|other| other.branch == open.branch && !other.locks.is_empty());
        let is_whole = open.txn.take_whole(T).unwrap();
        assert!(!(is_whole && is_shared));
        if !is_whole {
            return true;
        }
        let newest = self.rows_at(open.branch, Scn::MAX);
        let from = self.random.u16(0..KEYS);
        let mut rows = Vec::new();
        for key in from..KEYS.min(from + 20) {
            if self.random.bool() {
                continue;
            }
            let pk = key.to_be_bytes();
            let latest = match open.writes.get(&key) {
                Some(own) => *own,
                None => newest.get(&key).copied(),
            };
            match open.txn.vacancy(T, &pk) {
                Err(error) => {
                    assert_eq!(error.sqlstate().as_str(), "40001");
                    assert_ne!(open.isolation, Isolation::ReadCommitted);
                    let scn = open.view.as_ref().unwrap().0;
                    assert!(self.branches[&open.branch].changed[&key] > scn);
                    return false;
                }
                Ok(Vacancy::Taken) => assert!(latest.is_some(), "{key}"),
                Ok(Vacancy::Left) => assert_eq!(latest, None, "{key}"),
                Ok(Vacancy::Vacant) => {
                    assert_eq!(latest, None, "{key}");
                    assert!(!open.writes.contains_key(&key), "{key}");
                    let value = self.random.u32(..);
                    let entry = entry_of(key, value);
                    let entries = [entry.as_slice()].into_iter();
                    open.txn.put_entries(I, entries).unwrap();
                    assert!(open.txn.has_lone_entry(T, &pk, I, &entry).unwrap());
                    open.entries.insert(key, entry);
                    open.writes.insert(key, Some(value));
                    rows.push((pk.to_vec(), Scn::ZERO, row_of(value)));
                }
            }
        }
        if !rows.is_empty() {
            self.freezing.bring(&open.txn, &rows, &mut self.random);
        }
        true
    }
}
