//! What is still there, and what those are told who come too late.

use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::time::Duration;

use helios_base::{BranchId, DataType, Error, Result, Scn, SqlState, TableId, TextContext, Value};
use helios_kv::Keyspace;

use crate::branch::BranchTree;
use crate::codec::Reader;
use crate::core::{Core, now};
use crate::floors::{Floor, Floors};
use crate::keys;
use crate::registry::{Partial, Plan};
use crate::retention::{Dropped, GcPolicy, micros};

/// Shortest and longest pause between two rounds of garbage collection, in µs.
const PAUSE: [u64; 2] = [1_000_000, 60_000_000];

impl Core {
    /// How long a branch keeps what no table of it has another period for, in µs; and how eagerly it
    /// lets go.
    fn period_of(&self, tree: &BranchTree, branch: BranchId) -> (u64, GcPolicy) {
        let base = self.retention.load(Ordering::Relaxed);
        match tree.any(branch) {
            Some(node) => (
                node.branch.retention().map_or(base, micros),
                node.branch.gc_policy(),
            ),
            None => (base, GcPolicy::default()),
        }
    }

    /// How long to wait until the next look at what may go.
    pub(crate) fn gc_pause(&self) -> Duration {
        let tree = self.tree.load();
        let none = Dropped::new();
        let pauses = tree.all().map(|node| {
            let (period, policy) = self.period_of(&tree, node.branch.id);
            let tables = tree.own_periods(node, &none).into_values();
            let tables = tables.map(|own| policy.pause(own.period)).min();
            policy.pause(period).min(tables.unwrap_or(u64::MAX))
        });
        let pause = pauses.min().unwrap_or(PAUSE[0]);
        Duration::from_micros(pause.clamp(PAUSE[0], PAUSE[1]))
    }

    /// What must be kept now. From here on older points are refused, so it is remembered.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let tree = self.tree.load();
        let before = self.registry.floors();
        let dropped = self.dropped_tables(&tree, &before)?;
        let wanted = self.wanted(&tree, &before, &dropped, now());
        let plan = self.registry.plan(&wanted, &tree, &dropped);
        if plan.floors != before {
            self.between_commits(|_| {
                let mut batch = helios_kv::Batch::new();
                self.put_floors(&mut batch);
                self.kv.apply(batch)
            })?;
        }
        Ok(plan)
    }

    /// The floors that retention asks for at `time`.
    fn wanted(&self, tree: &BranchTree, before: &Floors, dropped: &Dropped, time: i64) -> Floors {
        let published = self.published();
        let at = |ago: u64| match self.scn_at(time.saturating_sub_unsigned(ago)) {
            Ok(scn) => scn.min(published),
            // Longer ago than anything that is kept.
            Err(_) => Scn::ZERO,
        };
        // A floor stays until it is worth moving; then others need not move for its sake.
        let due = |policy: GcPolicy, period: u64, floor: Scn| {
            let slack = policy.slack(period);
            match slack > 0 && at(period.saturating_add(slack)) <= floor {
                true => Scn::ZERO,
                false => at(period),
            }
        };
        let base = self.retention.load(Ordering::Relaxed);
        let mut wanted = Floors::new(due(GcPolicy::default(), base, before.base));
        for node in tree.all() {
            let branch = node.branch.id;
            let (period, policy) = self.period_of(tree, branch);
            if (period, policy) != (base, GcPolicy::default()) {
                let floor = due(policy, period, before.of_branch(branch));
                wanted.branches.insert(branch, floor);
            }
            for (table, own) in tree.own_periods(node, dropped) {
                let floor = Floor {
                    from: due(policy, own.period, before.of(branch, table)),
                    born: own.born,
                };
                wanted.tables.insert((branch, table), floor);
            }
        }
        wanted
    }

    /// The tables that were dropped and still have rows; none if no table has a floor of its own.
    fn dropped_tables(&self, tree: &BranchTree, floors: &Floors) -> Result<Dropped> {
        let mut dropped = Dropped::new();
        if !tree.has_periods() && floors.tables.is_empty() {
            return Ok(dropped);
        }
        let kv = self.kv.snapshot();
        let tag = keys::META_DROPPED_TABLE;
        let (start, end) = ([tag], [tag + 1]);
        let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
        let mut cursor = kv.scan(Keyspace::Meta, range, false)?;
        while let Some((key, value)) = cursor.next()? {
            let (table, branch, _) = keys::split(key.get(1..).unwrap_or_default())?;
            let scn = Scn(Reader::new(value, "drop record").varint()?);
            dropped.insert((branch, TableId(table)), scn);
        }
        Ok(dropped)
    }

    /// The first change number from which on a branch, with its ancestors before its fork, has all states
    /// of a table; without one, of all tables.
    pub(crate) fn kept(&self, branch: BranchId, table: Option<TableId>) -> Scn {
        let (tree, floors) = (self.tree.load(), self.registry.floors());
        let floor = |branch| match table {
            Some(table) => floors.of(branch, table),
            None => floors.greatest(branch),
        };
        match tree.any(branch) {
            Some(node) => Floors::window(&tree, node, &floor),
            None => floor(branch),
        }
    }

    /// The first change number from which on everything is readable on every living branch.
    pub(crate) fn horizon(&self) -> Scn {
        let (tree, floors) = (self.tree.load(), self.registry.floors());
        let living = tree.all().filter(|node| !node.dropped);
        let greatest = living.map(|node| floors.greatest(node.branch.id)).max();
        greatest.unwrap_or(floors.base)
    }

    /// The first change number from which on anything is readable on any branch.
    pub(crate) fn oldest(&self) -> Scn {
        let (tree, floors) = (self.tree.load(), self.registry.floors());
        let least = tree.all().map(|node| floors.least(node.branch.id)).min();
        least.unwrap_or(floors.base)
    }

    /// The error of a reader at a point of which this table is gone.
    #[cold]
    pub(crate) fn gone(&self, partial: &Partial, scn: Scn, table: TableId) -> Error {
        let owner = partial.owner;
        let names = self.indexer.load();
        let name = names.as_ref().and_then(|n| n.name(owner, scn, table));
        let name = name.map_or_else(|| format!("number {table}"), |name| format!("\"{name}\""));
        let error = Error::new(
            SqlState::SNAPSHOT_TOO_OLD,
            format!("table {name} is no longer kept at change number {scn}"),
        );
        self.with_oldest(error, owner, &format!("table {name}"), self.kept(owner, Some(table)))
            .with_hint(
                "Raise the retention_period of the table or the branch, or create a snapshot of what must stay readable.",
            )
    }

    /// The error of somebody who needs all tables at a point that has only some.
    #[cold]
    pub(crate) fn not_whole(&self, partial: &Partial, scn: Scn) -> Error {
        let owner = partial.owner;
        let error = Error::new(
            SqlState::SNAPSHOT_TOO_OLD,
            format!("some tables are no longer kept at change number {scn}"),
        );
        self.with_oldest(error, owner, "every table", self.kept(owner, None))
            .with_hint("Tables that are kept longer can be read one by one.")
    }

    /// Says what is available.
    fn with_oldest(&self, error: Error, branch: BranchId, what: &str, oldest: Scn) -> Error {
        let tree = self.tree.load();
        let branch = tree.any(branch).map_or("", |node| &node.branch.name);
        let time = match self.commit_info(oldest) {
            Ok(Some(info)) => {
                let time = Value::TimestampTz(info.time)
                    .to_text(&DataType::TimestampTz(None), &TextContext::default());
                format!(", of {time},")
            }
            _ => String::new(),
        };
        error.with_detail(format!(
            "On branch \"{branch}\" {what} is kept from change number {oldest}{time} on."
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::branch::Node;
    use crate::options::Options;
    use crate::retention::{GC_POLICY, RETENTION_PERIOD};
    use crate::txn::{Txn, TxnOptions};

    // Guards against policies that all do the same, and against one that lets go too early.
    #[test]
    fn policies_differ_in_how_long_they_wait() {
        let options = Options {
            background: false,
            ..Options::default()
        };
        let core = Arc::new(crate::recover::in_memory(options).unwrap());
        for key in 0..3u8 {
            let txn = Txn::begin(&core, TxnOptions::default()).unwrap();
            txn.put(TableId(1000), &[key], b"", &[]).unwrap();
            txn.commit().unwrap();
        }
        let (published, tree) = (core.published(), core.tree.load_full());
        let floor = |policy: &str, seconds: u64| {
            let mut node = Node::clone(tree.any(BranchId::MAIN).unwrap());
            let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            node.branch.options = vec![
                option(GC_POLICY, policy),
                option(RETENTION_PERIOD, "3200 seconds"),
            ];
            let mut tree = BranchTree::clone(&tree);
            tree.insert(node);
            let later = now().saturating_add_unsigned(seconds * 1_000_000);
            let wanted = core.wanted(&tree, &Floors::default(), &Dropped::new(), later);
            wanted.of_branch(BranchId::MAIN)
        };
        for (policy, waits) in [("aggressive", 0), ("balanced", 100), ("conservative", 800)] {
            assert_eq!(floor(policy, 3190 + waits), Scn::ZERO, "{policy}");
            assert_eq!(floor(policy, 3210 + waits), published, "{policy}");
        }
    }
}
