// The questions that the store and the copies must answer alike.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use helios_base::TableId;
use helios_version::{Read, Snapshot};

use super::world::{KEYS, Point, Rows, SYSTEM, Table, World, entry, index_of};

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

fn value_of(row: &[u8]) -> u32 {
    u32::from_be_bytes(row.try_into().unwrap())
}

fn scan(snapshot: &Snapshot, table: TableId) -> Rows {
    let rows = snapshot.scan(table, ALL, false).unwrap().collect().unwrap();
    let rows = rows.iter().map(|(pk, row)| (pk[0], value_of(row)));
    rows.collect()
}

/// All ways to read a table.
fn expect_table(snapshot: &Snapshot, table: &Table) {
    let id = table.storage;
    let at = (snapshot.branch(), snapshot.scn(), id);
    assert_eq!(scan(snapshot, id), table.rows, "{at:?}");
    for key in 0..KEYS {
        let wanted = table.rows.get(&key).copied();
        let found = snapshot.get(id, &[key]).unwrap();
        assert_eq!(found.map(|row| value_of(&row.row)), wanted, "{at:?} {key}");
        let versions = snapshot.history(id, &[key]).unwrap();
        let newest = versions.first().and_then(|version| version.row.as_ref());
        assert_eq!(newest.map(|row| value_of(row)), wanted, "{at:?} {key}");
    }
    let entries = snapshot.index_scan(index_of(id), ALL, false).unwrap();
    let entries: BTreeSet<Vec<u8>> = entries.collect().unwrap().into_iter().collect();
    for (key, value) in &table.rows {
        assert!(entries.contains(&entry(*key, *value)), "{at:?} {key}");
    }
}

fn expect_gone(snapshot: &Snapshot, table: TableId) {
    let states = [
        snapshot.require(table).map(drop),
        snapshot.get(table, &[0]).map(drop),
        snapshot.scan(table, ALL, false).map(drop),
        snapshot.history(table, &[0]).map(drop),
        snapshot.show(table, &[0], &mut |_| Ok(())).map(drop),
        snapshot.show_each(table, &[&[0]], &mut |_, _| Ok(())),
        snapshot.versions(table, ALL, snapshot.scn()).map(drop),
    ];
    for state in states {
        assert_eq!(state.unwrap_err().sqlstate().as_str(), "72000");
    }
    assert!(!snapshot.is_whole() && snapshot.require_whole().is_err());
}

impl World {
    /// A snapshot of a point, if the store has one.
    fn snapshot(&mut self, point: Point) -> Option<Snapshot> {
        match self.store().snapshot(point.0, Some(point.1)) {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                assert_eq!(error.sqlstate().as_str(), "72000");
                assert!(self.may_refuse(point), "{point:?}: {error}");
                self.counts.refused += 1;
                None
            }
        }
    }

    /// Reads what can be read at a point, or what a snapshot that was held can.
    pub(super) fn look(&mut self) {
        if self.held.len() > 5 || !self.held.is_empty() && self.random.bool() {
            let n = self.random.usize(0..self.held.len());
            let (snapshot, readable) = self.held.swap_remove(n);
            let state = self.state_at((snapshot.branch(), snapshot.scn()));
            for table in state.tables.iter().flatten() {
                if readable.contains(&table.storage) {
                    expect_table(&snapshot, table);
                } else {
                    expect_gone(&snapshot, table.storage);
                }
            }
            assert_eq!(scan(&snapshot, SYSTEM), state.system);
            return;
        }
        let point = self.any_point();
        let Some(snapshot) = self.snapshot(point) else {
            return;
        };
        let state = self.state_at(point);
        let mut readable = Vec::new();
        for table in state.tables.iter().flatten() {
            match snapshot.require(table.storage) {
                Ok(()) => {
                    expect_table(&snapshot, table);
                    readable.push(table.storage);
                }
                Err(error) => {
                    expect_gone(&snapshot, table.storage);
                    let may = self.may_miss(point, table.storage);
                    assert!(may, "{point:?} {:?}: {error}", table.storage);
                    self.counts.gone += 1;
                }
            }
        }
        assert_eq!(scan(&snapshot, SYSTEM), state.system, "{point:?}");
        if snapshot.is_whole() {
            self.counts.whole += 1;
        } else {
            let missing = (1000..5000).map(TableId);
            let missing: Vec<_> = missing
                .filter(|table| snapshot.require(*table).is_err())
                .collect();
            assert!(
                self.may_lack(point),
                "{point:?} {missing:?} {}",
                self.about(point)
            );
            self.counts.partial += 1;
        }
        self.held.push((snapshot, readable));
    }

    /// A point at which everything must be there.
    pub(super) fn expect_whole(&mut self, point: Point) {
        let snapshot = self.store().snapshot(point.0, Some(point.1));
        let snapshot = snapshot.unwrap_or_else(|error| panic!("{point:?}: {error}"));
        assert!(snapshot.is_whole(), "{point:?}");
        let state = self.state_at(point);
        for table in state.tables.iter().flatten() {
            expect_table(&snapshot, table);
        }
        assert_eq!(scan(&snapshot, SYSTEM), state.system, "{point:?}");
    }

    /// Within what the store calls the window of a table, every state and every version is there.
    pub(super) fn expect_window(&mut self) {
        let branch = self.any_branch();
        let newest = self.store().scn();
        let state = self.state_at((branch, newest));
        let snapshot = self.store().snapshot(branch, Some(newest)).unwrap();
        for table in state.tables.iter().flatten() {
            let id = table.storage;
            let since = self.store().kept(branch, Some(id));
            assert_eq!(since, snapshot.kept(id));
            for _ in 0..3 {
                let scn = helios_base::Scn(self.random.u64(since.0..=newest.0));
                let then = self.state_at((branch, scn));
                let Some(then) = then.tables.iter().flatten().find(|t| t.storage == id) else {
                    continue;
                };
                let past = self.store().snapshot(branch, Some(scn)).unwrap();
                expect_table(&past, then);
                let key = self.random.u8(0..KEYS);
                let versions = snapshot.history(id, &[key]).unwrap();
                let seen = versions
                    .iter()
                    .find(|v| v.begin <= scn && v.end.is_none_or(|end| end > scn));
                let seen = seen.and_then(|version| version.row.as_ref());
                assert_eq!(
                    seen.map(|row| value_of(row)),
                    then.rows.get(&key).copied(),
                    "{branch} {scn} since {since}: {id} {key}"
                );
            }
        }
        let since = self.store().kept(branch, None);
        let scn = helios_base::Scn(self.random.u64(since.0..=newest.0));
        self.expect_whole((branch, scn));
    }

    /// What differs between two points.
    pub(super) fn diff(&mut self) {
        let (a, b) = (self.any_point(), self.any_point());
        let (Some(old), Some(new)) = (self.snapshot(a), self.snapshot(b)) else {
            return;
        };
        let whole = old.is_whole() && new.is_whole();
        assert_eq!(self.store().diff(&old, &new, None).is_ok(), whole);
        let (from, to) = (self.state_at(a), self.state_at(b));
        for table in from.tables.iter().flatten() {
            let mut others = to.tables.iter().flatten();
            let Some(other) = others.find(|other| other.storage == table.storage) else {
                continue;
            };
            let id = table.storage;
            let readable = old.require(id).is_ok() && new.require(id).is_ok();
            let diff = self.store().diff(&old, &new, Some(id));
            assert_eq!(diff.is_ok(), readable);
            let Ok(mut diff) = diff else { continue };
            let mut found = BTreeMap::new();
            while let Some(change) = diff.next().unwrap() {
                let value = |row: Option<helios_version::RowVersion>| row.map(|r| value_of(&r.row));
                found.insert(change.pk[0], (value(change.old), value(change.new)));
            }
            let mut wanted = BTreeMap::new();
            for key in 0..KEYS {
                let sides = (table.rows.get(&key).copied(), other.rows.get(&key).copied());
                if sides.0 != sides.1 {
                    wanted.insert(key, sides);
                }
            }
            assert_eq!(found, wanted, "{a:?} to {b:?}: {id}");
            self.counts.diffs += 1;
        }
    }
}
