//! Adding nodes.

use std::sync::atomic::Ordering;

use super::Hnsw;
use super::beam::{Beam, Scratch};
use super::links::{KEPT, LinksView, MOST_LEVELS};
use super::points::{PointsView, Score};
use super::repair::is_gone;
use super::select::select;
use crate::error::{Error, Result};
use crate::index::check_batch;
use crate::rng::mix;
use crate::work::Work;

/// Numbers of nodes have 30 bits.
pub(super) const MOST_NODES: usize = (1 << 30) - 1;
/// Nodes that a thread takes at a time.
const BATCH: usize = 16;

impl Hnsw {
    pub(super) fn add(&self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()> {
        let points = &self.points;
        let prepared = check_batch(points.metric, points.dimensions, ids, vectors)?;
        let _open = self.gate.read();
        let first = self.place(ids, &prepared)?;
        let view = self.points.view().with_fresh(first, &prepared);
        // A node that is alone in the graph is where the next ones begin.
        let begun = usize::from(self.begin_graph(first as u32, &view));
        let linked = work.fold(
            ids.len().saturating_sub(begun),
            BATCH,
            || self.borrow(),
            |scratch, range| {
                for at in range {
                    let at = at + begun;
                    let vector = &prepared[at * points.dimensions..(at + 1) * points.dimensions];
                    self.link((first + at) as u32, vector, &view, scratch);
                }
                Ok(())
            },
        );
        for scratch in linked? {
            self.give_back(scratch);
        }
        Ok(())
    }

    /// Numbers new nodes; returns the first.
    fn place(&self, ids: &[u64], prepared: &[f32]) -> Result<usize> {
        let _appending = self.appending.lock();
        let first = self.points.view().len();
        if first + ids.len() > MOST_NODES {
            return Err(Error::Full { most: MOST_NODES });
        }
        self.links.grow(first + ids.len());
        let links = self.links.view();
        let mut table = self.ids.write();
        table.reserve(&links, ids.len());
        for (at, id) in ids.iter().enumerate() {
            if table.get(&links, *id).is_some() {
                // Those before it in this batch are forgotten; their places are not used yet.
                for id in &ids[..at] {
                    table.remove(&links, *id);
                }
                return Err(Error::Duplicate { id: *id });
            }
            let node = (first + at) as u32;
            links.set_id(node, *id);
            table.insert(&links, node);
        }
        drop(table);
        for at in 0..ids.len() {
            let node = (first + at) as u32;
            self.links.raise(node, self.level(node));
        }
        self.points.append(prepared);
        Ok(first)
    }

    /// The highest level of a node: each level has one node of `m` of that below.
    fn level(&self, node: u32) -> u32 {
        let random = mix(self.options.seed ^ mix(u64::from(node) + 1)) >> 11;
        let unit = (random as f64 + 1.0) / (1u64 << 53) as f64;
        let level = -unit.ln() / (self.options.m as f64).ln();
        (level as u32).min(MOST_LEVELS)
    }

    /// Makes a node the entry of an empty graph; tells whether it did.
    fn begin_graph(&self, node: u32, view: &PointsView<'_>) -> bool {
        let _entering = self.links.entering();
        if self.links.entry().is_some() || view.len() <= node as usize {
            return false;
        }
        self.links.set_entry(node, self.links.view().level(node));
        true
    }

    /// Links a node whose vector is in its place.
    fn link(&self, node: u32, vector: &[f32], points: &PointsView<'_>, scratch: &mut Scratch) {
        let Some(entry) = self.links.entry() else {
            return;
        };
        let renewed = self.renewed(entry.0, points);
        let points = renewed.as_ref().unwrap_or(points);
        match &self.points.quantizer {
            Some(quantizer) if points.codes_only() => {
                let score = points.by_fresh(&**quantizer, vector);
                self.link_by(node, entry, &score, points, scratch);
            }
            _ => self.link_by(node, entry, &points.by_full(vector), points, scratch),
        }
    }

    /// The vectors there are now, if a node that was met is newer than those known: who adds others at the
    /// same time links them.
    fn renewed<'p>(&'p self, node: u32, points: &PointsView<'p>) -> Option<PointsView<'p>> {
        let newer = node as usize >= points.len();
        newer.then(|| self.points.view().with_fresh_of(points))
    }

    fn link_by<S: Score>(
        &self,
        node: u32,
        (entry, top): (u32, u32),
        score: &S,
        points: &PointsView<'_>,
        scratch: &mut Scratch,
    ) {
        let links = &self.links.view();
        let level = links.level(node);
        let beam = Beam {
            links,
            score,
            nodes: points.len(),
        };
        let mut starts = vec![beam.descend(entry, top, (level + 1).min(top + 1), scratch)];
        // All lists of the node are in place before anyone is linked to it, so whoever comes upon it
        // finds the way on, on every level.
        let mut chosen: Vec<Vec<u32>> = Vec::new();
        for at in (0..=level.min(top)).rev() {
            beam.search(&starts, at, self.options.ef_construction, scratch);
            starts.clear();
            starts.extend(
                scratch
                    .pool
                    .sorted()
                    .iter()
                    .map(|candidate| (candidate.node(), candidate.score))
                    .filter(|(found, _)| *found != node),
            );
            if at == 0
                && let Some(head) = self.head(node, &starts, points)
            {
                self.chain(node, head, links);
                return;
            }
            let mut neighbours = select(points, &starts, self.options.m);
            if at == 0
                && let Some(parent) = self.parent(&starts, score, links, points.len())
            {
                match neighbours.iter().position(|link| *link == parent) {
                    Some(at) => neighbours[at] |= KEPT,
                    None => {
                        neighbours.truncate(self.options.m - 1);
                        neighbours.push(parent | KEPT);
                    }
                }
            }
            links.set(node, at, &neighbours);
            chosen.push(neighbours);
        }
        for (at, neighbours) in chosen.iter().rev().enumerate() {
            for neighbour in neighbours {
                let (from, to) = (*neighbour & !KEPT, node | *neighbour & KEPT);
                self.link_back(from, to, at as u32, links, points, scratch);
            }
        }
        if level > top {
            let _entering = self.links.entering();
            if self.links.entry().is_none_or(|(_, top)| level > top) {
                self.links.set_entry(node, level);
            }
        }
    }

    /// The node whose link to a new one is kept: of those found the nearest that keeps less than half
    /// of its list for others, or the nearest below one that does not.
    fn parent<S: Score>(
        &self,
        found: &[(u32, f32)],
        score: &S,
        links: &LinksView,
        nodes: usize,
    ) -> Option<u32> {
        // What was removed is led past one day, and with it the way to whoever hangs on it alone.
        let has_room =
            |node: &u32| !is_gone(links, *node) && links.kept(*node).count() < self.options.m;
        let near = found.iter().map(|(node, _)| node);
        if let Some(node) = near.copied().find(has_room) {
            return Some(node);
        }
        let mut node = found.first()?.0;
        loop {
            // Later nodes only: the way leads down, and ends. Those that are too new for `score` are not asked.
            let below = links.kept(node);
            let below = below.filter(|below| *below > node && (*below as usize) < nodes);
            let mut below: Vec<(f32, u32)> = below.map(|node| (score.score(node), node)).collect();
            below.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut near = below.iter().map(|(_, node)| *node);
            if let Some(node) = near.find(has_room) {
                return Some(node);
            }
            match below.first() {
                Some((_, first)) => node = *first,
                None => return Some(node),
            }
        }
    }

    /// A node found that has the same vector.
    fn head(&self, node: u32, found: &[(u32, f32)], points: &PointsView<'_>) -> Option<u32> {
        let nearest = found.first()?.1;
        found
            .iter()
            .take_while(|(_, score)| *score <= nearest)
            .take(8)
            .map(|(found, _)| *found)
            .find(|found| points.same(*found, node))
    }

    /// Puts a node behind the head of those with its vector.
    fn chain(&self, node: u32, head: u32, links: &LinksView) {
        // It may have been given upper links already; it is reachable by none.
        let _locked = self.links.lock(head);
        links.set_twin(node, links.twin(head));
        links.set_twin(head, Some(node));
        self.twins.fetch_add(1, Ordering::AcqRel);
    }

    /// Adds a link, which may be marked, from `from` to the node `to`, and chooses anew if there is no
    /// room.
    pub(super) fn link_back(
        &self,
        from: u32,
        to: u32,
        level: u32,
        links: &LinksView,
        points: &PointsView<'_>,
        scratch: &mut Scratch,
    ) {
        let _locked = self.links.lock(from);
        let mut now: Vec<u32> = links.words(from, level).collect();
        if let Some(at) = now.iter().position(|word| (word ^ to) & !KEPT == 0) {
            links.mark(from, level, at, to & KEPT);
            return;
        }
        if links.push(from, level, to) {
            return;
        }
        now.push(to);
        self.choose(from, level, &now, links, points, scratch);
    }

    /// Gives a node, whose lock is held, the best of some neighbours, and those that are marked.
    pub(super) fn choose(
        &self,
        node: u32,
        level: u32,
        among: &[u32],
        links: &LinksView,
        points: &PointsView<'_>,
        scratch: &mut Scratch,
    ) {
        scratch.nodes.clear();
        scratch.nodes.extend(among.iter().map(|word| word & !KEPT));
        let newest = scratch.nodes.iter().copied().max();
        let renewed = newest.and_then(|newest| self.renewed(newest, points));
        let points = renewed.as_ref().unwrap_or(points);
        let mut space = Vec::new();
        let vector = points.vector(node, &mut space);
        match &self.points.quantizer {
            Some(quantizer) if points.codes_only() => {
                let score = points.by_fresh(&**quantizer, vector);
                score.scores(&scratch.nodes, &mut scratch.scores);
            }
            _ => {
                let score = points.by_full(vector);
                score.scores(&scratch.nodes, &mut scratch.scores);
            }
        }
        let mut candidates: Vec<(u32, f32)> = among
            .iter()
            .copied()
            .zip(scratch.scores.iter().copied())
            .collect();
        candidates.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        links.set(node, level, &select(points, &candidates, links.most(level)));
    }
}
