//! Answers from buckets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Lsh, State};
use crate::error::Result;
use crate::filter::Filter;
use crate::index::{Effort, Scan};
use crate::kernel::{kernels, prefetch};
use crate::neighbour::{Neighbour, Scored};

/// A search of buckets.
pub(super) struct LshScan<'a> {
    index: &'a Lsh,
    state: Arc<State>,
    query: Vec<f32>,
    filter: &'a dyn Filter,
    probes: usize,
    stage: Stage,
    met: HashSet<u32>,
    /// What was found and not returned, the nearest last.
    pending: Vec<Scored<u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Probed,
    Swept,
}

impl Lsh {
    pub(super) fn begin<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<LshScan<'a>> {
        Ok(LshScan {
            index: self,
            state: self.state.load_full(),
            query: self.metric.prepare(self.dimensions, query)?,
            filter,
            probes: if effort.breadth == 0 {
                self.options.probes
            } else {
                effort.breadth
            },
            stage: Stage::New,
            met: HashSet::new(),
            pending: Vec::new(),
        })
    }
}

impl Scan for LshScan<'_> {
    fn next(&mut self, count: usize) -> Vec<Neighbour> {
        if count == 0 {
            return Vec::new();
        }
        if self.stage == Stage::New {
            self.stage = Stage::Probed;
            self.probe();
        }
        // Too few to choose from is no answer: with a filter, or far from everything.
        if self.stage == Stage::Probed && self.pending.len() < count.saturating_mul(4) {
            self.stage = Stage::Swept;
            self.sweep();
        }
        let metric = self.index.metric;
        let left = self.pending.len().saturating_sub(count);
        let found = self.pending.split_off(left).into_iter().rev();
        found
            .map(|scored| Neighbour {
                id: scored.id,
                distance: metric.distance(scored.score),
            })
            .collect()
    }

    fn compared(&self) -> usize {
        self.met.len()
    }
}

impl LshScan<'_> {
    /// Looks at the query's buckets and those beside them.
    fn probe(&mut self) {
        let mut nodes = Vec::new();
        for table in 0..self.index.options.tables {
            for bucket in self.index.hashes.buckets(table, &self.query, self.probes) {
                let at = (table << self.index.options.bits) + bucket;
                let members = self.state.buckets[at].load();
                nodes.extend(
                    members
                        .iter()
                        .copied()
                        .filter(|node| self.met.insert(*node)),
                );
            }
        }
        let ids = self.state.ids.view();
        let nodes = nodes.into_iter().filter_map(|node| {
            let id = *ids.row(node as usize).first()?;
            self.filter.allows(id).then_some((node, id))
        });
        let nodes = nodes.collect();
        self.score(nodes);
    }

    /// Looks at everything that was not met.
    fn sweep(&mut self) {
        let ids = self.state.ids.view();
        let all: Vec<u64> = {
            let nodes = self.index.nodes.read();
            nodes.keys().copied().collect()
        };
        let living: HashSet<u64> = all.into_iter().collect();
        let mut nodes = Vec::new();
        for node in 0..ids.len() as u32 {
            if let Some(id) = ids.row(node as usize).first()
                && living.contains(id)
                && self.filter.allows(*id)
                && self.met.insert(node)
            {
                nodes.push((node, *id));
            }
        }
        // An id that was removed and came again has two nodes; the later is meant.
        let last: HashMap<u64, u32> = nodes.iter().map(|(node, id)| (*id, *node)).collect();
        let known: HashSet<u64> = self.pending.iter().map(|scored| scored.id).collect();
        nodes.retain(|(node, id)| last.get(id) == Some(node) && !known.contains(id));
        self.score(nodes);
    }

    fn score(&mut self, nodes: Vec<(u32, u64)>) {
        let rows = self.state.rows.view();
        let (kernels, metric) = (kernels(), self.index.metric);
        let (fours, ones) = nodes.as_chunks::<4>();
        for four in fours {
            let vectors = four.map(|(node, _)| rows.row(node as usize));
            vectors.iter().for_each(|vector| prefetch(vector));
            let scores = metric.score_4(kernels, &self.query, vectors);
            self.pending.extend(
                scores
                    .into_iter()
                    .zip(four)
                    .map(|(score, (_, id))| Scored::new(score, *id)),
            );
        }
        for (node, id) in ones {
            let score = metric.score(kernels, &self.query, rows.row(*node as usize));
            self.pending.push(Scored::new(score, *id));
        }
        self.pending.sort_unstable_by(|a, b| b.cmp(a));
    }
}
