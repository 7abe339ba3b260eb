//! Merges, cherry-picks and undos beside the oracle.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use helios_base::{BranchId, Scn, TableId};
use helios_table::Transaction;
use helios_table::merge::{
    Action, MergeInput, MergeOptions, MergeReport, Resolution, Rule, Strategy,
};
use helios_version::{Read, Snapshot};

use super::oracle::{self, How, Outcome, Rows, Sides, State};
use super::{Point, World, cells_of};
use crate::support::{context, rows};

/// Decisions by table and key.
type Resolutions = BTreeMap<(TableId, Vec<u8>), Resolution>;

/// What decides conflicts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    strategy: Strategy,
    /// Whether `a` is added up and of `b` the greater is taken.
    rules: bool,
}

impl Way {
    fn how(self, column: Option<usize>) -> How {
        match (self.rules, column) {
            (true, Some(0)) => return How::Sum,
            (true, Some(1)) => return How::Max,
            _ => {}
        }
        match self.strategy {
            Strategy::Abort | Strategy::Manual | Strategy::RuleBased | Strategy::Custom(_) => {
                How::Open
            }
            Strategy::Ours => How::Ours,
            Strategy::Theirs => How::Theirs,
            Strategy::LastWriteWins => How::Newer,
        }
    }

    fn options(self) -> MergeOptions {
        let rule = |column: &'static str, action| Rule {
            name: column.to_owned(),
            table: Arc::new(|_| true),
            column: Arc::new(move |name| name == column),
            action,
        };
        let mut rules = Vec::new();
        if self.rules {
            rules = vec![rule("a", Action::Sum), rule("b", Action::Max)];
        }
        MergeOptions {
            rules,
            strategy: self.strategy,
            ..MergeOptions::default()
        }
    }
}

/// A merge that is about to be made: what the engine gets, and what the oracle.
struct Task {
    input: MergeInput,
    bases: Vec<Rc<State>>,
    root: Option<Rc<State>>,
    theirs: Rc<State>,
}

impl World {
    fn any_way(&mut self) -> Way {
        let strategies = [
            Strategy::Abort,
            Strategy::Ours,
            Strategy::Theirs,
            Strategy::Manual,
            Strategy::RuleBased,
            Strategy::LastWriteWins,
        ];
        // When something was deleted is forgotten with the deletion.
        let known = strategies.len() - usize::from(self.place.is_some());
        let strategy = strategies[self.random.usize(0..known)];
        Way {
            strategy,
            rules: strategy == Strategy::RuleBased || self.random.u8(0..4) == 0,
        }
    }

    fn task(&self, input: MergeInput) -> Task {
        let state = |snapshot: &Snapshot| self.state_at((snapshot.branch(), snapshot.scn()));
        Task {
            bases: input.bases.iter().map(state).collect(),
            root: input.root.as_ref().map(state),
            theirs: state(&input.source),
            input,
        }
    }

    fn oracle(task: &Task, ours: &State, way: Way, chosen: &BTreeMap<i32, How>) -> Outcome {
        let sides = Sides {
            bases: task.bases.iter().map(|base| &base.rows).collect(),
            root: task.root.as_ref().map(|root| &root.rows),
            ours,
            theirs: &task.theirs,
            sums: [0, 1, 2].map(|column| way.how(Some(column)) == How::Sum),
        };
        oracle::merge(&sides, &|id, column| {
            chosen.get(&id).copied().unwrap_or(way.how(column))
        })
    }

    /// Merges two branches as they are.
    pub(super) fn merge(&mut self) {
        let (source, target) = (self.any_branch(), self.any_branch());
        if source != target {
            let way = self.any_way();
            self.settle(target);
            self.merge_into(source, target, way);
        }
    }

    /// Merges; says whether it was done without a conflict.
    fn merge_into(&mut self, source: BranchId, target: BranchId, way: Way) -> bool {
        let snapshot = self.store().snapshot(source, None).unwrap();
        let parent = (source, snapshot.scn());
        let txn = self.begin_on(target);
        txn.lock_merges().unwrap();
        let input = self
            .tables()
            .merge_input(snapshot, (target, parent.1))
            .unwrap();
        let task = self.task(input);
        self.run(txn, &task, target, Some(parent), way)
    }

    /// Takes over what one commit did somewhere, or takes it back.
    pub(super) fn take_one(&mut self) {
        let (branch, target) = (self.any_branch(), self.any_branch());
        let commits = self.branches[&branch].states.len();
        let from = commits
            .saturating_sub([2, 20, 200][self.random.usize(0..3)])
            .max(1);
        if from >= commits {
            return;
        }
        let scn = self.branches[&branch].states[self.random.usize(from..commits)].0;
        let (before, after) = ((branch, Scn(scn.0 - 1)), (branch, scn));
        let (Some(before), Some(after)) = (self.snapshot(before), self.snapshot(after)) else {
            return;
        };
        let (base, source) = match self.random.bool() {
            true => (before, after),
            false => (after, before),
        };
        let way = self.any_way();
        self.settle(target);
        let txn = self.begin_on(target);
        txn.lock_merges().unwrap();
        let task = self.task(MergeInput {
            bases: vec![base],
            root: None,
            source,
        });
        self.run(txn, &task, target, None, way);
    }

    fn run(
        &mut self,
        txn: Transaction,
        task: &Task,
        target: BranchId,
        parent: Option<Point>,
        way: Way,
    ) -> bool {
        let ours = self.newest(target);
        let mut options = way.options();
        let mut wanted = Self::oracle(task, &ours, way, &BTreeMap::new());
        let mut report = txn.merge(&task.input, &options, &context()).unwrap();
        expect_open(&report, &wanted, way);
        self.counts.merges += 1;
        self.counts.conflicts += u32::from(!report.decisions.is_empty());
        let clean = report.decisions.is_empty();
        if report.open() > 0 {
            self.counts.refused += 1;
            txn.rollback();
            if way.strategy != Strategy::Manual {
                return false;
            }
            let (resolutions, chosen) = self.resolve(&report);
            options.resolutions = resolutions;
            wanted = Self::oracle(task, &ours, way, &chosen);
            let txn = self.begin_on(target);
            report = txn.merge(&task.input, &options, &context()).unwrap();
            expect_open(&report, &wanted, way);
            self.counts.resolved += 1;
            self.end(txn, task, target, parent, way, wanted);
            return false;
        }
        self.end(txn, task, target, parent, way, wanted);
        clean
    }

    /// Fails with what there is to know about rows that the merge made otherwise.
    fn explain(&self, task: &Task, target: BranchId, found: &Rows, wanted: &Outcome, way: Way) {
        let mut lines = vec![format!("{way:?}")];
        let all: std::collections::BTreeSet<_> = found.keys().chain(wanted.rows.keys()).collect();
        for id in all
            .into_iter()
            .filter(|id| found.get(id) != wanted.rows.get(id))
        {
            let bases: Vec<_> = task.bases.iter().map(|base| base.rows.get(id)).collect();
            let root = task.root.as_ref().map(|root| root.rows.get(id));
            let def = crate::support::table(&crate::support::begin(self.tables()), "t");
            let mut key = Vec::new();
            def.shape()
                .encode_key(&[crate::support::int(*id)], &mut key)
                .unwrap();
            let history = |at: &Snapshot| -> Vec<_> {
                let versions = at.history(def.storage, &key).unwrap();
                versions
                    .into_iter()
                    .map(|v| (v.branch, v.begin, v.end, v.row.is_some()))
                    .take(8)
                    .collect()
            };
            let ours = self.store().snapshot(target, None).unwrap();
            for at in task.input.bases.iter().chain(&task.input.root) {
                let seen = self.seen(at).get(id).copied();
                lines.push(format!(
                    "base {} of {}: {seen:?}, {:?}",
                    at.scn(),
                    at.branch(),
                    history(at)
                ));
            }
            lines.push(format!(
                "ages {:?} {:?}, histories {:?} and {:?} at {} of {}",
                self.newest(target).ages.get(id),
                task.theirs.ages.get(id),
                history(&ours),
                history(&task.input.source),
                task.input.source.scn(),
                task.input.source.branch(),
            ));
            lines.push(format!(
                "row {id}: bases {bases:?} of {root:?}, target {:?}, source {:?}: {:?} instead of {:?}",
                self.newest(target).rows.get(id),
                task.theirs.rows.get(id),
                found.get(id),
                wanted.rows.get(id)
            ));
        }
        panic!("{}", lines.join("\n"));
    }

    fn end(
        &mut self,
        txn: Transaction,
        task: &Task,
        target: BranchId,
        parent: Option<Point>,
        way: Way,
        wanted: Outcome,
    ) {
        if let Some((branch, scn)) = parent {
            txn.txn().add_merge_parent(branch, scn);
        }
        let found: Rows = rows(&txn, "t").iter().map(|row| cells_of(row)).collect();
        if found != wanted.rows {
            self.explain(task, target, &found, &wanted, way);
        }
        let scn = txn.commit().unwrap();
        if parent.is_some() || !wanted.written.is_empty() {
            self.push(target, scn, wanted.rows, wanted.written.into_iter());
        }
        self.expect((target, scn));
    }

    /// Decides open conflicts as a person would.
    fn resolve(&mut self, report: &MergeReport) -> (Resolutions, BTreeMap<i32, How>) {
        let (mut resolutions, mut chosen) = (BTreeMap::new(), BTreeMap::new());
        for decision in report
            .decisions
            .iter()
            .filter(|decision| decision.is_open())
        {
            let row = decision.ours.as_ref().or(decision.theirs.as_ref()).unwrap();
            let (resolution, how) = match self.random.bool() {
                true => (Resolution::Source, How::Theirs),
                false => (Resolution::Target, How::Ours),
            };
            resolutions.insert((decision.table.id, decision.key.clone()), resolution);
            chosen.insert(cells_of(row).0, how);
        }
        (resolutions, chosen)
    }

    /// Without conflicts it does not matter which of two is merged into the other.
    pub(super) fn merge_both_ways(&mut self) {
        let (a, b) = (self.any_branch(), self.any_branch());
        let now = self.store().scn();
        if a == b {
            return;
        }
        let (Some(left), Some(right)) = (self.fork((a, now)), self.fork((b, now))) else {
            panic!("the newest state cannot be forked");
        };
        let way = Way {
            strategy: Strategy::Abort,
            rules: false,
        };
        // Both start from the states before.
        let back = self.fork((b, now)).unwrap();
        if self.merge_into(left, back, way) {
            assert!(self.merge_into(right, left, way));
            let (one, other) = (self.newest(back), self.newest(left));
            assert_eq!(one.rows, other.rows, "{a} and {b} at {now}");
            self.counts.both_ways += 1;
        }
        for branch in [left, right, back] {
            self.drop_branch(branch);
        }
    }
}

fn expect_open(report: &MergeReport, wanted: &Outcome, way: Way) {
    let open = report
        .decisions
        .iter()
        .filter(|decision| decision.is_open());
    let open: std::collections::BTreeSet<i32> = open
        .map(|decision| {
            let row = decision.ours.as_ref().or(decision.theirs.as_ref()).unwrap();
            cells_of(row).0
        })
        .collect();
    assert_eq!(open, wanted.open, "{way:?}");
    assert!(report.schema_conflicts.is_empty());
}
