//! Answers at once.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::Hnsw;
use super::beam::{Beam, Scratch};
use super::links::LinksView;
use super::points::{PointsView, Score};
use crate::error::Result;
use crate::filter::Filter;
use crate::index::Effort;
use crate::kernel::prefetch;
use crate::neighbour::{Neighbour, Scored, TopK};

/// Full vectors that are asked for ahead of the one that is looked at.
const AHEAD: usize = 4;

impl Hnsw {
    pub(super) fn find(
        &self,
        query: &[f32],
        k: usize,
        filter: &dyn Filter,
        effort: Effort,
    ) -> Result<Vec<Neighbour>> {
        let prepared = self.points.metric.prepare(self.points.dimensions, query)?;
        // Asked for before the vectors are, so that it is among them.
        let entry = self.links.entry();
        let points = self.points.view();
        if k == 0 || points.len() == 0 {
            return Ok(Vec::new());
        }
        if let Some(ids) = filter.ids()
            && self.few(ids.len(), points.len(), effort)
        {
            return Ok(self.among(&prepared, k, ids.iter(), &points));
        }
        if filter.is_all()
            && let Some(entry) = entry
            && let Some(found) = self.unfiltered(&prepared, k, effort, &points, entry)
        {
            return Ok(found);
        }
        let mut scan = self.begin(query, filter, effort)?;
        Ok(scan.next(k))
    }

    /// How many candidates are followed.
    pub(super) fn breadth(&self, effort: Effort) -> usize {
        match effort.breadth {
            0 => self.options.ef_search,
            breadth => breadth,
        }
    }

    /// Whether it is quicker to look at all allowed vectors: a graph of which a share `s` is allowed
    /// leads past about `2 · breadth / s` vectors.
    fn few(&self, allowed: usize, nodes: usize, effort: Effort) -> bool {
        let allowed = allowed as f64;
        allowed * allowed <= 2.0 * self.breadth(effort) as f64 * nodes as f64
    }

    /// The nearest of some ids, each looked at.
    fn among(
        &self,
        query: &[f32],
        k: usize,
        ids: impl Iterator<Item = u64>,
        points: &PointsView<'_>,
    ) -> Vec<Neighbour> {
        let links = self.links.view();
        let mut nodes: Vec<u32> = {
            let table = self.ids.read();
            ids.filter_map(|id| table.get(&links, id)).collect()
        };
        nodes.retain(|node| (*node as usize) < points.len());
        let mut best = TopK::new(k);
        let scores = match &self.points.quantizer {
            Some(quantizer) if points.codes_only() => {
                score_all(&points.by_code(&**quantizer, query), &nodes)
            }
            _ => score_all(&points.by_full(query), &nodes),
        };
        for (node, score) in nodes.iter().zip(scores) {
            best.offer(Scored::new(score, *node));
        }
        self.answer(&links, best.into_sorted())
    }

    /// An answer without a filter; `None` where removed vectors left too few.
    fn unfiltered(
        &self,
        query: &[f32],
        k: usize,
        effort: Effort,
        points: &PointsView<'_>,
        (entry, top): (u32, u32),
    ) -> Option<Vec<Neighbour>> {
        let unrepaired = self.unrepaired.load(Ordering::Acquire);
        if unrepaired * 8 > points.len() {
            return None;
        }
        let links = &self.links.view();
        let breadth = self.breadth(effort).max(k).min(points.len());
        // As many more as there are removed ones among them, on average.
        let breadth = breadth + breadth * unrepaired / points.len();
        let mut scratch = self.borrow();
        let found = match &self.points.quantizer {
            Some(quantizer) if !points.codes_only() && quantizer.is_coarse() => {
                // True scores decide which way to go, and there is nothing left to put in order.
                let code = points.by_code(&**quantizer, query);
                let (node, _) = Beam {
                    links,
                    score: &code,
                    nodes: points.len(),
                }
                .descend(entry, top, 1, &mut scratch);
                let score = points.by_both(&code, query);
                let beam = Beam {
                    links,
                    score: &score,
                    nodes: points.len(),
                };
                let start = (node, score.score(node));
                beam.search(&[start], 0, breadth, &mut scratch);
                collect(links, points.len(), k, &scratch)
            }
            Some(quantizer) => {
                let score = points.by_code(&**quantizer, query);
                self.walk(
                    &score,
                    entry,
                    top,
                    breadth,
                    links,
                    points.len(),
                    &mut scratch,
                );
                self.rescore(query, k, effort, &score, links, points, &scratch)
            }
            None => {
                let score = points.by_full(query);
                self.walk(
                    &score,
                    entry,
                    top,
                    breadth,
                    links,
                    points.len(),
                    &mut scratch,
                );
                collect(links, points.len(), k, &scratch)
            }
        };
        self.give_back(scratch);
        (found.len() >= k.min(self.points_left(points.len()))).then(|| self.answer(links, found))
    }

    /// Vectors that can be found, at least.
    fn points_left(&self, nodes: usize) -> usize {
        nodes.saturating_sub(self.removed.load(Ordering::Acquire))
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one search")]
    fn walk<S: Score>(
        &self,
        score: &S,
        entry: u32,
        top: u32,
        breadth: usize,
        links: &LinksView,
        nodes: usize,
        scratch: &mut Scratch,
    ) {
        let beam = Beam {
            links,
            score,
            nodes,
        };
        let start = beam.descend(entry, top, 1, scratch);
        beam.search(&[start], 0, breadth, scratch);
    }

    /// The nearest of the pool by full vectors, where there are any.
    #[allow(clippy::too_many_arguments, reason = "the parts of one search")]
    fn rescore(
        &self,
        query: &[f32],
        k: usize,
        effort: Effort,
        score: &super::points::ByCode<'_>,
        links: &LinksView,
        points: &PointsView<'_>,
        scratch: &Scratch,
    ) -> Vec<Scored<u32>> {
        let depth = match effort.rescored {
            0 => scratch.pool.sorted().len(),
            rescored => rescored.max(k),
        };
        let candidates = collect(links, points.len(), depth, scratch);
        self.exact(
            query,
            k,
            candidates,
            |node| score.error(node),
            points,
            links,
        )
    }

    /// Puts candidates, which ascend by estimate, into the order of their true scores. One that cannot
    /// be among the `k` nearest, as its estimate's error is known, is not looked at.
    pub(super) fn exact(
        &self,
        query: &[f32],
        k: usize,
        mut candidates: Vec<Scored<u32>>,
        error: impl Fn(u32) -> Option<f32>,
        points: &PointsView<'_>,
        links: &LinksView,
    ) -> Vec<Scored<u32>> {
        if points.codes_only() && self.source.is_none() {
            candidates.truncate(k);
            return candidates;
        }
        // A row far away is asked for while those before it are looked at.
        let ask = |candidate: Option<&Scored<u32>>| {
            let Some(node) = candidate.map(|candidate| candidate.id) else {
                return;
            };
            match &self.source {
                Some(source) if points.codes_only() => {
                    source.lying(links.id(node)).into_iter().for_each(prefetch);
                }
                _ => points.by_full(query).prefetch(node),
            }
        };
        (0..AHEAD).for_each(|first| ask(candidates.get(first)));
        let mut best = TopK::new(k);
        let mut space = vec![0.0; self.points.dimensions];
        for (at, candidate) in candidates.iter().copied().enumerate() {
            ask(candidates.get(at + AHEAD));
            let least = error(candidate.id).map(|error| candidate.score - error);
            if least.is_some_and(|least| least > best.limit()) {
                continue;
            }
            let score = self.true_score(query, candidate, points, links, &mut space);
            best.offer(Scored::new(score, candidate.id));
        }
        best.into_sorted()
    }

    fn true_score(
        &self,
        query: &[f32],
        candidate: Scored<u32>,
        points: &PointsView<'_>,
        links: &LinksView,
        space: &mut [f32],
    ) -> f32 {
        if !points.codes_only() {
            return points.by_full(query).score(candidate.id);
        }
        let score = self.source.as_ref().and_then(|source| {
            let id = links.id(candidate.id);
            match source.lying(id) {
                Some(row) => points.outside(query, row),
                None if source.vector(id, space) => points.outside(query, space),
                None => None,
            }
        });
        score.unwrap_or(candidate.score)
    }

    /// Turns nodes into what the caller knows.
    pub(super) fn answer(&self, links: &LinksView, found: Vec<Scored<u32>>) -> Vec<Neighbour> {
        let metric = self.points.metric;
        let few = found.len() <= 32;
        let mut met = HashSet::new();
        let mut answer: Vec<Neighbour> = Vec::with_capacity(found.len());
        for scored in found {
            let id = links.id(scored.id);
            // An id that was removed and inserted again meanwhile has two nodes. Of a few ids each is
            // compared sooner than hashed.
            let new = match few {
                true => answer.iter().all(|neighbour| neighbour.id != id),
                false => met.insert(id),
            };
            if new {
                answer.push(Neighbour {
                    id,
                    distance: metric.distance(scored.score),
                });
            }
        }
        answer.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.id.cmp(&b.id)));
        answer
    }
}

/// The first `count` nodes of the pool that were not removed, with those that have equal vectors.
pub(super) fn collect(
    links: &LinksView,
    nodes: usize,
    count: usize,
    scratch: &Scratch,
) -> Vec<Scored<u32>> {
    let mut found = Vec::with_capacity(count.min(scratch.pool.sorted().len()));
    for candidate in scratch.pool.sorted() {
        for node in links.family(candidate.node()) {
            if found.len() == count {
                return found;
            }
            if (node as usize) < nodes && !links.is_dead(node) {
                found.push(Scored::new(candidate.score, node));
            }
        }
    }
    found
}

fn score_all<S: Score>(score: &S, nodes: &[u32]) -> Vec<f32> {
    let mut all = Vec::with_capacity(nodes.len());
    let mut scores = Vec::new();
    for chunk in nodes.chunks(64) {
        for node in chunk {
            score.prefetch(*node);
        }
        score.scores(chunk, &mut scores);
        all.extend_from_slice(&scores);
    }
    all
}
