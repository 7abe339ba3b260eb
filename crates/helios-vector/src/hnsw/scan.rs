//! Answers in batches, with any filter.
//!
//! Every node is followed whether the filter allows it or not, since the way to what is allowed may
//! lead through what is not; only what is allowed counts towards the answer. Nothing met is thrown
//! away, so a scan goes on where it stopped. When links lead no further, or so much was met in vain
//! that a graph is of no use, the rest is looked at one by one: so nothing that is allowed is missing
//! in the end.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::Hnsw;
use super::beam::{Beam, Scratch};
use super::links::LinksView;
use super::points::{PointsView, Score};
use crate::error::Result;
use crate::filter::Filter;
use crate::index::{Effort, Scan};
use crate::neighbour::{Neighbour, Scored, TopK};

impl Hnsw {
    pub(super) fn begin<'a>(
        &'a self,
        query: &[f32],
        filter: &'a dyn Filter,
        effort: Effort,
    ) -> Result<Box<dyn Scan + 'a>> {
        let query = self.points.metric.prepare(self.points.dimensions, query)?;
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
                self.walk(&score, depth);
                let candidates = self.best(depth);
                index.exact(
                    &query,
                    count,
                    candidates,
                    |node| score.error(node),
                    &points,
                    &self.links,
                )
            }
            None => {
                self.walk(&points.by_full(&query), count);
                self.best(count)
            }
        };
        self.query = query;
        let taken: HashSet<u32> = found.iter().map(|scored| scored.id).collect();
        self.pending.retain(|scored| !taken.contains(&scored.id));
        let mut answer = index.answer(&self.links, found);
        answer.retain(|neighbour| self.returned.insert(neighbour.id));
        answer
    }

    fn compared(&self) -> usize {
        self.scratch.compared
    }
}

impl HnswScan<'_> {
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
            if let Some((entry, top)) = self.index.links.entry()
                && (entry as usize) < nodes
            {
                let (node, score) = beam.descend(entry, top, 1, &mut self.scratch);
                self.scratch.visited.insert(node);
                self.state = State::Following;
                self.meet(node, score, &mut TopK::new(0));
            }
        }
        // A walk that knows no more than it hands out misses some of the last of them.
        let breadth = self.breadth.max(count.saturating_add(count / 4));
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
