//! What the state of a branch contains of others: fork points and merges, and the merge bases that
//! follow from them.
//!
//! The record of a merge in `Meta`: a varint count, then a varint branch and a varint SCN each: the
//! newest commit of every branch that the merged-in state contains and the state before did not.
//!
//! Keeping those with each merge, and not its second parent alone, lets ancestry survive branches
//! that are dropped afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use helios_base::{BranchId, Result, Scn};

use crate::branch::BranchTree;
use crate::codec::{Reader, put_varint};

/// Per branch the newest commit of it that a state contains.
pub(crate) type Reach = BTreeMap<BranchId, Scn>;

/// What all merges took in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merges {
    /// By the branch merged into and the number of the commit.
    records: BTreeMap<(BranchId, Scn), Reach>,
    /// Per branch merged into and branch taken from: from which commit on which one of the other is
    /// contained. Both ascend, so that any moment is found without looking at every merge.
    steps: BTreeMap<BranchId, BTreeMap<BranchId, Vec<(Scn, Scn)>>>,
}

impl Merges {
    /// Adds the record of the commit `scn` on `into`.
    pub(crate) fn insert(&mut self, into: BranchId, scn: Scn, record: Reach) {
        let steps = self.steps.entry(into).or_default();
        for (branch, newest) in &record {
            let steps = steps.entry(*branch).or_default();
            let at = steps.partition_point(|(merge, _)| *merge < scn);
            let before = at.checked_sub(1).and_then(|before| steps.get(before));
            if before.is_some_and(|(_, contained)| contained >= newest) {
                continue;
            }
            let covered = steps.iter().skip(at).take_while(|step| step.1 <= *newest);
            let covered = covered.count();
            steps.splice(at..at + covered, [(scn, *newest)]);
        }
        self.records.insert((into, scn), record);
    }

    /// What merges into `branch` up to its commit `scn` took in.
    fn upto(&self, branch: BranchId, scn: Scn) -> impl Iterator<Item = (BranchId, Scn)> + '_ {
        let steps = self.steps.get(&branch).into_iter().flatten();
        steps.filter_map(move |(branch, steps)| {
            let at = steps.partition_point(|(merge, _)| *merge <= scn);
            let (_, newest) = steps.get(at.checked_sub(1)?)?;
            Some((*branch, *newest))
        })
    }

    /// The records of merges into `branch` after its commit `scn`, in order.
    fn after(&self, branch: BranchId, scn: Scn) -> impl Iterator<Item = &Reach> {
        let range = (
            Bound::Excluded((branch, scn)),
            Bound::Included((branch, Scn::MAX)),
        );
        self.records.range(range).map(|(_, record)| record)
    }
}

pub(crate) fn encode(reach: &Reach) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, reach.len() as u64);
    for (branch, scn) in reach {
        put_varint(&mut out, u64::from(branch.0));
        put_varint(&mut out, scn.0);
    }
    out
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Reach> {
    let mut reader = Reader::new(bytes, "merge record");
    let mut reach = Reach::new();
    for _ in 0..reader.varint()? {
        let branch = BranchId(reader.varint32()?);
        reach.insert(branch, Scn(reader.varint()?));
    }
    if !reader.is_empty() {
        return Err(reader.corrupt("it is too long"));
    }
    Ok(reach)
}

fn raise(reach: &mut Reach, branch: BranchId, scn: Scn) {
    let newest = reach.entry(branch).or_default();
    *newest = (*newest).max(scn);
}

impl BranchTree {
    /// What the state of `branch` at `scn` contains.
    pub(crate) fn reach(&self, branch: BranchId, scn: Scn) -> Reach {
        let mut reach = Reach::new();
        let mut next = Some((branch, scn));
        while let Some((branch, scn)) = next {
            let node = self.any(branch);
            let parent = node.and_then(|node| node.branch.parent);
            let fork = node.map_or(Scn::ZERO, |node| node.branch.fork);
            // Before its fork a branch is its parent.
            if parent.is_none() || scn >= fork {
                raise(&mut reach, branch, scn);
            }
            for (branch, scn) in self.merges.upto(branch, scn) {
                raise(&mut reach, branch, scn);
            }
            next = parent.map(|parent| (parent, scn.min(fork)));
        }
        reach
    }

    /// The newest states that both states contain and that can still be read, the newest first:
    /// several after a criss-cross of merges. Numbers are compared, not contents: if a branch had no
    /// commits between two merges of it, one base may be part of another, which changes no merge.
    pub(crate) fn merge_bases(
        &self,
        a: (BranchId, Scn),
        b: (BranchId, Scn),
    ) -> Vec<(BranchId, Scn)> {
        let (a, b) = (self.reach(a.0, a.1), self.reach(b.0, b.1));
        let common: Vec<(BranchId, Scn)> = a
            .iter()
            .filter(|(branch, _)| self.living(**branch).is_ok())
            .filter_map(|(branch, scn)| Some((*branch, *b.get(branch)?.min(scn))))
            .collect();
        let reaches: Vec<Reach> = common
            .iter()
            .map(|(branch, scn)| self.reach(*branch, *scn))
            .collect();
        let mut bases: Vec<(BranchId, Scn)> = common
            .iter()
            .enumerate()
            .filter(|(n, (branch, scn))| {
                let others = reaches.iter().enumerate().filter(|(other, _)| other != n);
                // Of two that contain each other (a branch at its fork and its parent there) the
                // first stays.
                !others.into_iter().any(|(other, reach)| {
                    let contains = reach.get(branch).is_some_and(|newest| newest >= scn);
                    let contained = common.get(other).is_some_and(|(branch, scn)| {
                        reaches
                            .get(*n)
                            .and_then(|reach| reach.get(branch))
                            .is_some_and(|newest| newest >= scn)
                    });
                    contains && (!contained || other < *n)
                })
            })
            .map(|(_, base)| *base)
            .collect();
        bases.sort_unstable_by_key(|(branch, scn)| (std::cmp::Reverse(*scn), *branch));
        bases
    }

    /// Points that future merges may start from, besides forks: what the states contain that can be
    /// read, every one of a branch from its `floor` on and those at the points `held`. A branch made from
    /// any of them has what it contains as merge bases, however long ago others moved on.
    pub(crate) fn bases(
        &self,
        floor: &dyn Fn(BranchId) -> Scn,
        held: impl Iterator<Item = (BranchId, Scn)>,
    ) -> BTreeSet<(BranchId, Scn)> {
        let mut points = BTreeSet::new();
        if self.merges.records.is_empty() {
            return points;
        }
        let others = |own| move |point: &(BranchId, Scn)| point.0 != own;
        for node in self.all() {
            let own = node.branch.id;
            let first = floor(own).max(node.branch.fork);
            let mut reach = self.reach(own, first);
            points.extend(reach.clone().into_iter().filter(others(own)));
            if first > node.branch.fork && node.branch.parent.is_some() {
                // Up to its creation a branch can always be read.
                let forked = self.reach(own, node.branch.fork);
                points.extend(forked.into_iter().filter(others(own)));
            }
            for merged in self.merges.after(own, first) {
                for (branch, scn) in merged {
                    raise(&mut reach, *branch, *scn);
                }
                points.extend(merged.keys().map(|branch| {
                    let newest = reach.get(branch).copied().unwrap_or_default();
                    (*branch, newest)
                }));
            }
        }
        for (own, scn) in held {
            points.extend(self.reach(own, scn).into_iter().filter(others(own)));
        }
        // Several bases are merged over a base of their own, which is part of them.
        for (branch, scn) in points.clone() {
            points.extend(self.reach(branch, scn));
        }
        points
    }

    /// Notes that the commit `scn` on `branch` took in the states `parents`. Returns the record.
    pub(crate) fn note_merge(
        &mut self,
        branch: BranchId,
        scn: Scn,
        parents: &[(BranchId, Scn)],
    ) -> Vec<u8> {
        // A commit that recovery applies again keeps what it noted when its parents were all there.
        if let Some(record) = self.merges.records.get(&(branch, scn)) {
            return encode(record);
        }
        let before = self.reach(branch, scn);
        let mut record = Reach::new();
        for (parent, at) in parents {
            for (branch, scn) in self.reach(*parent, *at) {
                if before.get(&branch).is_none_or(|known| *known < scn) {
                    raise(&mut record, branch, scn);
                }
            }
        }
        let bytes = encode(&record);
        Arc::make_mut(&mut self.merges).insert(branch, scn, record);
        bytes
    }

    /// Forgets the merges into a branch that is gone.
    pub(crate) fn forget_merges(&mut self, branch: BranchId) {
        if self.merges.steps.contains_key(&branch) {
            let merges = Arc::make_mut(&mut self.merges);
            merges.steps.remove(&branch);
            merges.records.retain(|(into, _), _| *into != branch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branch::Branch;

    const M: BranchId = BranchId(0);
    const A: BranchId = BranchId(1);
    const B: BranchId = BranchId(2);

    fn tree() -> BranchTree {
        let mut tree = BranchTree::new(0);
        for (id, parent, fork) in [(A, M, 10), (B, A, 20)] {
            tree.create(Branch {
                id,
                name: id.to_string(),
                parent: Some(parent),
                fork: Scn(fork),
                created: Scn(fork + 1),
                created_at: 0,
                options: Vec::new(),
            });
        }
        tree
    }

    fn now(branch: BranchId) -> (BranchId, Scn) {
        (branch, Scn(1000))
    }

    // Guards against bases that are too old (conflicts that are none) or too new (lost changes).
    #[test]
    fn bases_follow_forks_and_merges() {
        let mut tree = tree();
        assert_eq!(tree.merge_bases(now(M), now(A)), [(M, Scn(10))]);
        assert_eq!(tree.merge_bases(now(M), now(B)), [(M, Scn(10))]);
        assert_eq!(tree.merge_bases(now(A), now(B)), [(A, Scn(20))]);
        assert_eq!(tree.merge_bases((A, Scn(7)), now(M)), [(M, Scn(7))]);
        // Through a third branch.
        tree.note_merge(M, Scn(30), &[(B, Scn(29))]);
        assert_eq!(tree.merge_bases(now(M), now(B)), [(B, Scn(29))]);
        assert_eq!(tree.merge_bases(now(M), now(A)), [(A, Scn(20))]);
        assert_eq!(tree.merge_bases((M, Scn(29)), now(A)), [(M, Scn(10))]);
        // Back again.
        tree.note_merge(B, Scn(40), &[(M, Scn(39))]);
        assert_eq!(tree.merge_bases(now(M), now(B)), [(M, Scn(39))]);
    }

    #[test]
    fn a_criss_cross_has_two_bases() {
        let mut tree = tree();
        tree.note_merge(M, Scn(30), &[(A, Scn(28))]);
        tree.note_merge(A, Scn(31), &[(M, Scn(29))]);
        assert_eq!(
            tree.merge_bases(now(M), now(A)),
            [(M, Scn(29)), (A, Scn(28))]
        );
        let bases = tree.bases(&|_| Scn::MAX, std::iter::empty());
        assert!(bases.contains(&(A, Scn(28))));
        assert!(bases.contains(&(M, Scn(29))));
    }

    // Guards against any difference from sets of commits, on random trees with random merges.
    #[test]
    fn bases_contain_exactly_what_is_common() {
        use std::collections::BTreeSet;
        let seed = std::env::var("HELIOS_SEED").map_or(1, |text| text.parse().expect("a number"));
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            let mut tree = BranchTree::new(0);
            // Per branch what its state contains from each number on.
            let mut states: Vec<Vec<(Scn, BTreeSet<Scn>)>> = vec![vec![(Scn(0), BTreeSet::new())]];
            let mut parents: Vec<Option<(usize, Scn)>> = vec![None];
            fn at(
                states: &[Vec<(Scn, BTreeSet<Scn>)>],
                parents: &[Option<(usize, Scn)>],
                branch: usize,
                scn: Scn,
            ) -> BTreeSet<Scn> {
                match parents[branch] {
                    Some((parent, fork)) if scn < fork => at(states, parents, parent, scn),
                    _ => {
                        let after = states[branch].partition_point(|(begin, _)| *begin <= scn);
                        states[branch][after - 1].1.clone()
                    }
                }
            }
            for scn in (1..60).map(Scn) {
                let branch = random.usize(0..states.len());
                let id = BranchId(branch as u32);
                let mut set = at(&states, &parents, branch, scn);
                match random.u8(0..10) {
                    0 if states.len() < 6 => {
                        let fork = Scn(random.u64(0..scn.0));
                        let child = BranchId(states.len() as u32);
                        tree.create(Branch {
                            id: child,
                            name: child.to_string(),
                            parent: Some(id),
                            fork,
                            created: scn,
                            created_at: 0,
                            options: Vec::new(),
                        });
                        states.push(vec![(fork, at(&states, &parents, branch, fork))]);
                        parents.push(Some((branch, fork)));
                    }
                    1..3 => {
                        let other = random.usize(0..states.len());
                        let from = Scn(random.u64(0..scn.0));
                        tree.note_merge(id, scn, &[(BranchId(other as u32), from)]);
                        set.extend(at(&states, &parents, other, from));
                        set.insert(scn);
                        states[branch].push((scn, set));
                    }
                    _ => {
                        set.insert(scn);
                        states[branch].push((scn, set));
                    }
                }
            }
            for _ in 0..50 {
                let mut state = || {
                    let branch = random.usize(0..states.len());
                    (branch, Scn(random.u64(0..60)))
                };
                let (a, b) = (state(), state());
                let set = |(branch, scn)| at(&states, &parents, branch, scn);
                let id = |(branch, scn): (usize, Scn)| (BranchId(branch as u32), scn);
                let common: BTreeSet<Scn> = set(a).intersection(&set(b)).copied().collect();
                let bases = tree.merge_bases(id(a), id(b));
                let sets: Vec<_> = bases
                    .iter()
                    .map(|(branch, scn)| set((branch.0 as usize, *scn)))
                    .collect();
                assert_eq!(
                    sets.iter().flatten().copied().collect::<BTreeSet<_>>(),
                    common
                );
            }
        }
    }

    // Guards against collecting what a branch made in the past will be merged from.
    #[test]
    fn bases_of_states_that_can_still_be_read_are_kept() {
        let mut tree = tree();
        tree.note_merge(A, Scn(40), &[(M, Scn(30))]);
        tree.note_merge(A, Scn(60), &[(M, Scn(50))]);
        let newest = tree.bases(&|_| Scn(70), std::iter::empty());
        assert!(newest.contains(&(M, Scn(50))) && !newest.contains(&(M, Scn(30))));
        let between = tree.bases(&|_| Scn(45), std::iter::empty());
        assert!(between.contains(&(M, Scn(50))) && between.contains(&(M, Scn(30))));
        let held = tree.bases(&|_| Scn(70), [(A, Scn(45))].into_iter());
        assert!(held.contains(&(M, Scn(30))));
    }

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let reach = Reach::from([(M, Scn(300)), (A, Scn(1))]);
        let bytes = encode(&reach);
        assert_eq!(bytes, b"\x02\x00\xac\x02\x01\x01");
        assert_eq!(decode(&bytes).unwrap(), reach);
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err());
        }
    }
}
