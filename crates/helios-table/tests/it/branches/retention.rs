//! Periods of branches and of the table, which differ from the database's.

use std::time::Duration;

use helios_version::{RETENTION_PERIOD, Read};

use super::{Point, World};
use crate::support::{begin, table};

impl World {
    /// Keeps a branch, or the table on it, for ever, not at all, or as the others.
    pub(super) fn set_period(&mut self) {
        let branch = self.any_branch();
        let period = [None, Some(0), Some(3600)][self.random.usize(0..3)];
        if self.random.bool() {
            let name = self.store().branch_by_id(branch).unwrap().name;
            let option = period.map(|n| (RETENTION_PERIOD.to_owned(), format!("{n} seconds")));
            let options = option.into_iter().collect();
            self.store().alter_branch(branch, &name, options).unwrap();
            return;
        }
        let storage = table(&begin(self.tables()), "t").storage;
        let txn = self.begin_on(branch);
        let period = period.map(Duration::from_secs);
        txn.txn().retain(storage, period, false).unwrap();
        txn.commit().unwrap();
    }

    /// A point that does not have everything may have the table.
    pub(super) fn expect_part(&mut self, point: Point) {
        let Ok(snapshot) = self.store().snapshot(point.0, Some(point.1)) else {
            return;
        };
        let storage = table(&begin(self.tables()), "t").storage;
        if snapshot.require(storage).is_ok() {
            let (found, wanted) = (self.seen(&snapshot), self.state_at(point));
            assert_eq!(found, wanted.rows, "a part of {} at {}", point.0, point.1);
            self.counts.parts += 1;
        }
    }
}
