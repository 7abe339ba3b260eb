//! Answers in batches, with any filter.
//!
//! The first batch of a scan without a filter comes from a walk like that of a search; whatever that has met is kept
//! for who asks for more, and only then put into heaps.
//!
//! Every node is followed whether the filter allows it or not, since the way to what is allowed may
//! lead through what is not; only what is allowed counts towards the answer. Nothing met is thrown
//! away, so a scan goes on where it stopped. When links lead no further, or so much was met in vain
//! that a graph is of no use, the rest is looked at one by one: so nothing that is allowed is missing
//! in the end.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::atomic::Ordering;

use super::Hnsw;
use super::beam::{Beam, Scratch};
use super::links::LinksView;
use super::points::{PointsView, Score};
use super::pool::Candidate;
use super::search::collect;
use crate::error::Result;
use crate::filter::Filter;
use crate::index::{Effort, Scan};
use crate::neighbour::{Neighbour, Scored, TopK};

/// A pool of more candidates than this costs more than heaps do.
const POOL_MAX: usize = 1024;

impl Hnsw {
    pub(super) fn begin<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<Box<dyn Scan + 'a>> {
        let query = self.points.metric.prepare(self.points.dimensions, query)?;
        // Asked for before the vectors are, so that it is among them.
        let entry = self.links.entry();
        let points = self.points.view();
        let links = self.links.view();
        let mut scratch = self.borrow();
        scratch.visited.clear(points.len());
        scratch.compared = 0;
        Ok(Box::new(HnswScan {
            index: self,
            query,
            breadth: self.breadth(effort),
            rescored: effort.rescored,
            filter,
            entry,
            points,
            links,
            scratch,
            frontier: BinaryHeap::new(),
            pending: Vec::new(),
            returned: HashSet::new(),
            state: State::New,
        }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// What was met is in the scratch: the pool, all of which was followed, and the rest.
    Pooled,
    Following,
    /// Links lead no further; nodes from this number on were not looked at.
    Sweeping,
    Done,
}

struct HnswScan<'a> {
    index: &'a Hnsw,
    query: Vec<f32>,
    breadth: usize,
    rescored: usize,
    filter: &'a dyn Filter,
    /// Where it begins, and on which level.
    entry: Option<(u32, u32)>,
    points: PointsView<'a>,
    links: LinksView,
    scratch: Scratch,
    /// Nodes met whose links were not followed.
    frontier: BinaryHeap<Reverse<Scored<u32>>>,
    /// Nodes met that are allowed and were not returned.
    pending: Vec<Scored<u32>>,
    returned: HashSet<u64>,
    state: State,
}

impl Drop for HnswScan<'_> {
    fn drop(&mut self) {
        self.index.give_back(std::mem::take(&mut self.scratch));
    }
}

impl Scan for HnswScan<'_> {
    fn next(&mut self, count: usize) -> Vec<Neighbour> {
        if count == 0 || self.points.len() == 0 {
            return Vec::new();
        }
        // The walk borrows what the scan owns: it is taken out for the time.
        let index = self.index;
        let query = std::mem::take(&mut self.query);
        let points = index.points.view_of(&self.points);
        let found = match &index.points.quantizer {
            Some(quantizer) => {
                let score = points.by_code(&**quantizer, &query);
                let depth = count.max(match self.rescored {
                    0 => self.breadth,
                    rescored => rescored,
                });
                let candidates = self.candidates(&score, depth);
                index.exact(
                    &query,
                    count,
                    candidates,
                    |node| score.error(node),
                    &points,
                    &self.links,
                )
            }
            None => self.candidates(&points.by_full(&query), count),
        };
        self.query = query;
        if !self.pending.is_empty() {
            let taken: HashSet<u32> = found.iter().map(|scored| scored.id).collect();
            self.pending.retain(|scored| !taken.contains(&scored.id));
        }
        let mut answer = index.answer(&self.links, found);
        answer.retain(|neighbour| self.returned.insert(neighbour.id));
        answer
    }

    fn compared(&self) -> usize {
        self.scratch.compared
    }
}

impl HnswScan<'_> {
    /// The next so many, by their scores.
    fn candidates<S: Score>(&mut self, score: &S, count: usize) -> Vec<Scored<u32>> {
        if let Some(found) = self.pooled(score, count) {
            return found;
        }
        self.resume();
        self.walk(score, count);
        self.best(count)
    }

    /// The first batch, if nothing stands in the way of the quicker walk and it finds enough.
    fn pooled<S: Score>(&mut self, score: &S, count: usize) -> Option<Vec<Scored<u32>>> {
        let nodes = self.points.len();
        let unrepaired = self.index.unrepaired.load(Ordering::Acquire);
        let breadth = match count > self.breadth {
            true => count.saturating_add(count / 4),
            false => self.breadth,
        };
        // As many more as there are removed ones among them, on average.
        let breadth = breadth.saturating_add(breadth.saturating_mul(unrepaired) / nodes.max(1));
        let quick = self.state == State::New && self.filter.is_all();
        if !quick || breadth > POOL_MAX || unrepaired > nodes / 8 {
            return None;
        }
        let (entry, top) = self.entry?;
        let beam = Beam {
            links: &self.links,
            score,
            nodes,
        };
        let start = beam.descend(entry, top, 1, &mut self.scratch);
        beam.search_keeping(start, breadth, &mut self.scratch);
        self.state = State::Pooled;
        let found = collect(&self.links, nodes, count, &self.scratch);
        (found.len() >= count).then_some(found)
    }

    /// Takes what the quicker walk has met.
    fn resume(&mut self) {
        if self.state != State::Pooled {
            return;
        }
        self.state = State::Following;
        let mut met: Vec<Candidate> = std::mem::take(&mut self.scratch.rest);
        met.extend(self.scratch.pool.sorted());
        let mut frontier = Vec::new();
        let nodes = self.points.len();
        for candidate in met.drain(..) {
            if !candidate.is_followed() {
                frontier.push(Reverse(Scored::new(candidate.score, candidate.node())));
            }
            for (node, id) in Hnsw::allowed(&self.links, candidate.node(), nodes, self.filter) {
                if !self.returned.contains(&id) {
                    self.pending.push(Scored::new(candidate.score, node));
                }
            }
        }
        self.frontier = frontier.into();
        self.scratch.rest = met;
    }

    /// The best of what is pending, the nearest first.
    fn best(&self, count: usize) -> Vec<Scored<u32>> {
        let mut best = TopK::new(count);
        for scored in &self.pending {
            best.offer(*scored);
        }
        best.into_sorted()
    }

    /// Goes on until the next `count` allowed nodes are known as well as the effort asks for.
    fn walk<S: Score>(&mut self, score: &S, count: usize) {
        let nodes = self.points.len();
        let links = self.links.clone();
        let beam = Beam {
            links: &links,
            score,
            nodes,
        };
        if self.state == State::New {
            self.state = State::Sweeping;
            if let Some((entry, top)) = self.entry {
                let (node, score) = beam.descend(entry, top, 1, &mut self.scratch);
                self.scratch.visited.insert(node);
                self.state = State::Following;
                self.meet(node, score, &mut TopK::new(0));
            }
        }
        // A walk that knows no more than it hands out misses some of the last of them; what was handed out before is
        // known.
        let before = self.returned.len();
        let all = before.saturating_add(count);
        let all = self.breadth.max(all.saturating_add(all / 4));
        let breadth = all.saturating_sub(before);
        let mut best = TopK::new(breadth);
        for scored in &self.pending {
            best.offer(*scored);
        }
        while self.state == State::Following {
            let Some(Reverse(next)) = self.frontier.pop() else {
                self.state = State::Sweeping;
                break;
            };
            if next.score > best.limit() {
                self.frontier.push(Reverse(next));
                break;
            }
            // A walk past a third of all vectors costs more than looking at the others in a row.
            if self.scratch.visited.count() * 3 > nodes.max(3 * 2048) && best.len() < count {
                self.state = State::Sweeping;
                break;
            }
            beam.expand(next.id, 0, &mut self.scratch);
            let met = std::mem::take(&mut self.scratch.nodes);
            let scores = std::mem::take(&mut self.scratch.scores);
            for (node, score) in met.iter().zip(&scores) {
                self.meet(*node, *score, &mut best);
            }
            (self.scratch.nodes, self.scratch.scores) = (met, scores);
        }
        if self.state == State::Sweeping {
            self.sweep(score, nodes);
            self.state = State::Done;
        }
    }

    /// Takes in a node that was met for the first time.
    fn meet(&mut self, node: u32, score: f32, best: &mut TopK<u32>) {
        self.frontier.push(Reverse(Scored::new(score, node)));
        let nodes = self.points.len();
        for (node, id) in Hnsw::allowed(&self.links, node, nodes, self.filter) {
            if self.returned.contains(&id) {
                continue;
            }
            let scored = Scored::new(score, node);
            best.offer(scored);
            self.pending.push(scored);
        }
    }

    /// Looks at everything that was not met.
    fn sweep<S: Score>(&mut self, score: &S, nodes: usize) {
        let known: HashSet<u32> = self.pending.iter().map(|scored| scored.id).collect();
        let mut left = Vec::new();
        for node in 0..nodes as u32 {
            if !self.scratch.visited.insert(node) || self.links.is_dead(node) {
                continue;
            }
            let id = self.links.id(node);
            if self.filter.allows(id) && !self.returned.contains(&id) && !known.contains(&node) {
                left.push(node);
            }
        }
        let mut scores = Vec::new();
        for chunk in left.chunks(64) {
            for node in chunk {
                score.prefetch(*node);
            }
            score.scores(chunk, &mut scores);
            let scored = chunk.iter().zip(&scores);
            self.pending
                .extend(scored.map(|(node, score)| Scored::new(*score, *node)));
        }
        self.scratch.compared += left.len();
        self.frontier.clear();
    }
}
