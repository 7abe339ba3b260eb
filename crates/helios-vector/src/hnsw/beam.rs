//! Following links towards a query.

use super::links::LinksView;
use super::points::Score;
use super::pool::{Candidate, Pool};
use super::visited::Visited;

/// Memory that searches use again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) pool: Pool,
    pub(super) visited: Visited,
    pub(super) nodes: Vec<u32>,
    pub(super) scores: Vec<f32>,
    /// What was met and is not in the pool, where a search is asked to keep that.
    pub(super) rest: Vec<Candidate>,
    /// Candidates compared with the query since the search began.
    pub(super) compared: usize,
}

/// The graph and scores in it.
pub(super) struct Beam<'a, S> {
    pub(super) links: &'a LinksView,
    pub(super) score: &'a S,
    /// Nodes from this number on are too new for the search.
    pub(super) nodes: usize,
}

impl<S: Score> Beam<'_, S> {
    /// Goes from `start` to the nearest node that single steps lead to, on each of the levels from
    /// `top` down to `bottom`.
    pub(super) fn descend(
        &self,
        start: u32,
        top: u32,
        bottom: u32,
        scratch: &mut Scratch,
    ) -> (u32, f32) {
        let (mut node, mut best) = (start, self.score.score(start));
        for level in (bottom..=top).rev() {
            loop {
                let here = node;
                scratch.nodes.clear();
                self.links.visit(here, level, |link| {
                    if (link as usize) < self.nodes {
                        self.score.prefetch(link);
                        scratch.nodes.push(link);
                    }
                });
                self.score.scores(&scratch.nodes, &mut scratch.scores);
                scratch.compared += scratch.nodes.len();
                for (link, score) in scratch.nodes.iter().zip(&scratch.scores) {
                    if *score < best {
                        (node, best) = (*link, *score);
                    }
                }
                if node == here {
                    break;
                }
            }
        }
        (node, best)
    }

    /// Collects the links of a node that were not met before, with their scores, in the scratch.
    #[inline]
    pub(super) fn expand(&self, node: u32, level: u32, scratch: &mut Scratch) {
        self.expand_within(node, level, f32::INFINITY, scratch);
    }

    /// As [`Beam::expand`]; those no better than `limit` may have infinite scores.
    #[inline]
    fn expand_within(&self, node: u32, level: u32, limit: f32, scratch: &mut Scratch) {
        scratch.nodes.clear();
        self.links.visit(node, level, |link| {
            // Asked for before it is known to be new would be asked in vain two times of three.
            if (link as usize) < self.nodes && scratch.visited.insert(link) {
                self.score.prefetch(link);
                scratch.nodes.push(link);
            }
        });
        scratch.compared += scratch.nodes.len();
        self.score
            .scores_within(&scratch.nodes, limit, &mut scratch.scores);
    }

    /// Leaves the best `breadth` nodes of a level in the scratch's pool, from the given ones on.
    pub(super) fn search(
        &self,
        starts: &[(u32, f32)],
        level: u32,
        breadth: usize,
        scratch: &mut Scratch,
    ) {
        self.search_with::<false>(starts, level, breadth, scratch);
    }

    /// As [`Beam::search`] on the lowest level, with all else that was met in the scratch's rest. Scores must not
    /// depend on limits.
    pub(super) fn search_keeping(&self, start: (u32, f32), breadth: usize, scratch: &mut Scratch) {
        self.search_with::<true>(&[start], 0, breadth, scratch);
    }

    #[inline(always)]
    fn search_with<const KEEP: bool>(
        &self,
        starts: &[(u32, f32)],
        level: u32,
        breadth: usize,
        scratch: &mut Scratch,
    ) {
        scratch.visited.clear(self.nodes);
        scratch.pool.clear(breadth);
        scratch.rest.clear();
        for (node, score) in starts {
            if scratch.visited.insert(*node) {
                scratch.pool.offer::<KEEP>(*score, *node, &mut scratch.rest);
            }
        }
        while let Some(candidate) = scratch.pool.follow() {
            // What comes next is known now, unless something better is among these links.
            if level == 0
                && let Some(next) = scratch.pool.next()
            {
                self.links.prefetch(next);
            }
            let limit = scratch.pool.limit();
            self.expand_within(candidate.node(), level, limit, scratch);
            for (node, score) in scratch.nodes.iter().zip(&scratch.scores) {
                let next = scratch.pool.offer::<KEEP>(*score, *node, &mut scratch.rest);
                if next && level == 0 {
                    self.links.prefetch(*node);
                }
            }
        }
    }
}
