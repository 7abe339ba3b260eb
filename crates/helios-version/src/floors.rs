//! From which commit on what is readable: a *floor* per table and branch.
//!
//! A floor says what garbage collection has removed, or may be removing: versions of the table on that
//! branch which only readers before it need. It never falls. Points before a branch's fork belong to its
//! parent, and so do their floors.
//!
//! Most tables have the floor of their branch, and most branches that of the database. The others stand in a
//! record in `Meta`: a varint count, then for each branch a varint number and a varint SCN; a varint count,
//! then for each table a varint branch, a varint number, a varint SCN and the varint SCN of its birth.

use std::collections::BTreeMap;

use helios_base::{BranchId, Result, Scn, TableId};

use crate::branch::{BranchTree, Node};
use crate::codec::{Reader, put_varint};
use crate::retention::Dropped;

/// Tables with smaller numbers describe the others, and are readable as long as any of them.
pub const FIRST_TABLE: TableId = TableId(256);

/// The floors of all tables on all branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floors {
    /// Of branches that are not named.
    pub(crate) base: Scn,
    /// Of tables that are not named.
    pub(crate) branches: BTreeMap<BranchId, Scn>,
    pub(crate) tables: BTreeMap<(BranchId, TableId), Floor>,
}

/// That of one table on one branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Floor {
    pub(crate) from: Scn,
    /// The branch does not have the table before this: earlier points miss nothing of it.
    pub(crate) born: Scn,
}

impl Floors {
    /// One floor for everything.
    pub(crate) fn new(base: Scn) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// That of tables which are not named.
    pub(crate) fn of_branch(&self, branch: BranchId) -> Scn {
        self.branches.get(&branch).copied().unwrap_or(self.base)
    }

    fn named(&self, branch: BranchId) -> impl Iterator<Item = (TableId, Floor)> {
        let range = (branch, TableId(0))..=(branch, TableId(u32::MAX));
        let tables = self.tables.range(range);
        tables.map(|((_, table), floor)| (*table, *floor))
    }

    /// That of a table on a branch.
    #[inline]
    pub(crate) fn of(&self, branch: BranchId, table: TableId) -> Scn {
        if self.tables.is_empty() {
            return self.of_branch(branch);
        }
        if table < FIRST_TABLE {
            return self.least(branch);
        }
        let own = self.tables.get(&(branch, table));
        own.map_or_else(|| self.of_branch(branch), |own| own.from)
    }

    /// From where on anything is readable on a branch.
    pub(crate) fn least(&self, branch: BranchId) -> Scn {
        let named = self.named(branch).map(|(_, floor)| floor.from);
        named.fold(self.of_branch(branch), Scn::min)
    }

    /// From where on everything is readable on a branch.
    pub(crate) fn greatest(&self, branch: BranchId) -> Scn {
        let named = self.named(branch).map(|(_, floor)| floor.from);
        named.fold(self.of_branch(branch), Scn::max)
    }

    /// Whether everything that a branch had at this point is readable there.
    pub(crate) fn is_whole(&self, branch: BranchId, scn: Scn) -> bool {
        let has = |floor: Floor| scn >= floor.from || scn < floor.born;
        scn >= self.of_branch(branch) && self.named(branch).all(|(_, floor)| has(floor))
    }

    /// These floors, raised to those that are `wanted`, for the branches of `tree`.
    ///
    /// A table that was dropped needs no floor after that: from there on nobody finds it.
    pub(crate) fn raised(&self, wanted: &Self, tree: &BranchTree, dropped: &Dropped) -> Self {
        let mut new = Self::new(self.base.max(wanted.base));
        for node in tree.all() {
            let branch = node.branch.id;
            let base = self.of_branch(branch).max(wanted.of_branch(branch));
            if base != new.base {
                new.branches.insert(branch, base);
            }
            let named = self.named(branch).chain(wanted.named(branch));
            for (table, Floor { born, .. }) in named {
                let mut from = wanted.of(branch, table);
                if let Some(gone) = dropped.get(&(branch, table)).copied()
                    && from >= gone
                {
                    from = base.max(gone);
                }
                from = from.max(self.of(branch, table));
                if from != base {
                    let floor = new.tables.entry((branch, table));
                    let floor = floor.or_insert(Floor { from, born });
                    floor.born = floor.born.min(born);
                }
            }
        }
        new
    }

    /// The first change number from which on all states of a branch are readable, ancestors' before its
    /// fork included, when `floor` is the floor on each.
    pub(crate) fn window(tree: &BranchTree, node: &Node, floor: &dyn Fn(BranchId) -> Scn) -> Scn {
        let mut node = node;
        let mut end = Scn::MAX;
        loop {
            let own = floor(node.branch.id);
            let fork = node.branch.fork;
            match node.branch.parent.and_then(|parent| tree.any(parent)) {
                Some(_) if own > node.branch.created || own >= end => return own.min(end),
                // Up to its creation a branch is what it was forked from, which is there as long as it is.
                Some(parent) => {
                    end = end.min(fork);
                    node = parent;
                }
                None => return own.min(end),
            }
        }
    }

    /// The record of all but the base.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.branches.len() as u64);
        for (branch, floor) in &self.branches {
            put_varint(&mut out, u64::from(branch.0));
            put_varint(&mut out, floor.0);
        }
        put_varint(&mut out, self.tables.len() as u64);
        for ((branch, table), floor) in &self.tables {
            put_varint(&mut out, u64::from(branch.0));
            put_varint(&mut out, u64::from(table.0));
            put_varint(&mut out, floor.from.0);
            put_varint(&mut out, floor.born.0);
        }
        out
    }

    /// Takes in what [`Floors::encode`] wrote.
    pub(crate) fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        for _ in 0..reader.varint()? {
            let branch = BranchId(reader.varint32()?);
            self.branches.insert(branch, Scn(reader.varint()?));
        }
        for _ in 0..reader.varint()? {
            let branch = BranchId(reader.varint32()?);
            let table = TableId(reader.varint32()?);
            let floor = Floor {
                from: Scn(reader.varint()?),
                born: Scn(reader.varint()?),
            };
            self.tables.insert((branch, table), floor);
        }
        if !reader.is_empty() {
            return Err(reader.corrupt("it is too long"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branch::Branch;

    const M: BranchId = BranchId(0);
    const A: BranchId = BranchId(1);
    const T: TableId = TableId(1000);
    const U: TableId = TableId(1001);

    fn tree() -> BranchTree {
        let mut tree = BranchTree::new(0);
        tree.create(Branch {
            id: A,
            name: "a".into(),
            parent: Some(M),
            fork: Scn(50),
            created: Scn(60),
            created_at: 0,
            options: Vec::new(),
        });
        tree
    }

    fn floors(base: u64, tables: &[(BranchId, TableId, u64)]) -> Floors {
        let mut floors = Floors::new(Scn(base));
        for (branch, table, floor) in tables {
            let floor = Floor {
                from: Scn(*floor),
                born: Scn::ZERO,
            };
            floors.tables.insert((*branch, *table), floor);
        }
        floors
    }

    // Guards against a floor that falls, and against floors that are remembered for ever.
    #[test]
    fn floors_only_rise_and_go_when_they_say_nothing() {
        let (tree, none) = (tree(), Dropped::new());
        let old = floors(100, &[(M, T, 10), (M, U, 150)]);
        assert_eq!(
            (old.of(M, T), old.of(M, TableId(5)), old.of(A, T)),
            (Scn(10), Scn(10), Scn(100))
        );
        assert_eq!((old.least(M), old.greatest(M)), (Scn(10), Scn(150)));
        // Both lost their own periods.
        let new = old.raised(&floors(120, &[]), &tree, &none);
        assert_eq!(new, floors(120, &[(M, U, 150)]));
        assert_eq!(new.raised(&floors(90, &[]), &tree, &none), new);
        // A new period begins where the branch is.
        let new = new.raised(&floors(200, &[(A, T, 20)]), &tree, &none);
        assert_eq!(new, floors(200, &[(A, T, 120)]));
    }

    // Guards against tables that are gone holding back the others, or being held back by them.
    #[test]
    fn a_dropped_table_keeps_no_floor() {
        let tree = tree();
        let dropped = Dropped::from([((M, T), Scn(80)), ((M, U), Scn(90))]);
        let old = floors(100, &[(M, T, 10), (M, U, 150)]);
        let new = old.raised(&floors(110, &[(M, T, 79), (M, U, 150)]), &tree, &dropped);
        assert_eq!(new, floors(110, &[(M, T, 79), (M, U, 150)]));
        let new = new.raised(&floors(110, &[(M, T, 81), (M, U, 300)]), &tree, &dropped);
        assert_eq!(new, floors(110, &[(M, U, 150)]));
        let dropped = Dropped::from([((M, U), Scn(190))]);
        let new = new.raised(&floors(110, &[(M, U, 300)]), &tree, &dropped);
        assert_eq!(new, floors(110, &[(M, U, 190)]));
    }

    // Guards against a table that is kept for a short time taking away what was before it.
    #[test]
    fn points_before_a_table_miss_nothing_of_it() {
        let mut floors = floors(10, &[]);
        let (from, born) = (Scn(60), Scn(50));
        floors.tables.insert((M, T), Floor { from, born });
        let whole = |scn| floors.is_whole(M, Scn(scn));
        assert!(!whole(9) && whole(10) && whole(49) && !whole(50) && !whole(59) && whole(60));
    }

    #[test]
    fn windows_go_on_in_the_parent() {
        let tree = tree();
        let node = tree.any(A).unwrap();
        let window = |main: u64, a: u64| {
            let floor = |branch| if branch == A { Scn(a) } else { Scn(main) };
            Floors::window(&tree, node, &floor).0
        };
        assert_eq!(window(20, 40), 20);
        assert_eq!(window(20, 60), 20);
        // The child's own past is cut, or the parent's beyond the fork.
        assert_eq!(window(20, 65), 65);
        assert_eq!(window(70, 40), 50);
    }

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let mut all = floors(7, &[(A, T, 300)]);
        all.branches.insert(A, Scn(9));
        let bytes = all.encode();
        assert_eq!(bytes, b"\x01\x01\x09\x01\x01\xe8\x07\xac\x02\0");
        let mut read = Floors::new(Scn(7));
        read.decode(&mut Reader::new(&bytes, "floors")).unwrap();
        assert_eq!(read, all);
        for cut in 0..bytes.len() {
            let mut floors = Floors::default();
            assert!(
                floors
                    .decode(&mut Reader::new(&bytes[..cut], "floors"))
                    .is_err()
            );
        }
    }
}
