//! Keeps links that are kept spanning the lowest level when nodes go.
//!
//! What is joined already is joined by no more links: were the nodes around each removed one linked
//! again by every repair, lists would fill with links that nothing may drop, until some were dropped.

use super::Hnsw;
use super::beam::Scratch;
use super::links::{KEPT, LinksView};
use super::points::PointsView;
use super::repair::is_gone;

impl Hnsw {
    /// Joins, by links that are kept, nodes that no such links join without leading through removed
    /// ones: first those around removed nodes, then whoever is linked at all.
    pub(super) fn span(&self, links: &LinksView, points: &PointsView<'_>, scratch: &mut Scratch) {
        let nodes = points.len();
        let gone: Vec<bool> = (0..nodes as u32).map(|node| is_gone(links, node)).collect();
        let mut kept = self.all_kept(links, nodes);
        let mut sets = Sets::new(nodes);
        for node in (0..nodes as u32).filter(|node| !gone[*node as usize]) {
            // One that only one of the two has does not lead back.
            let both = kept.of(node).iter().filter(|other| {
                **other > node && !gone[**other as usize] && kept.of(**other).contains(&node)
            });
            both.for_each(|other| _ = sets.join(node, *other));
        }
        let mut join = |a: u32, b: u32, kept: &mut Kept, sets: &mut Sets| {
            sets.join(a, b);
            for (from, to) in [(a, b), (b, a)] {
                kept.added[from as usize] += 1;
                self.link_back(from, to | KEPT, 0, links, points, scratch);
            }
        };
        for around in around_gone(&kept, &gone) {
            // Of those that are joined already, the one with the fewest links that are kept.
            let mut ends: Vec<(u32, usize, u32)> = around
                .into_iter()
                .map(|node| (sets.find(node), kept.count(node), node))
                .collect();
            ends.sort_unstable();
            ends.dedup_by_key(|(set, ..)| *set);
            for pair in ends.windows(2) {
                join(pair[0].2, pair[1].2, &mut kept, &mut sets);
            }
        }
        for room in [self.options.m, usize::MAX] {
            for node in (0..nodes as u32).filter(|node| !gone[*node as usize]) {
                let near: Vec<u32> = links.links(node, 0).collect();
                for other in near {
                    let there = gone.get(other as usize).is_some_and(|gone| !gone);
                    if there
                        && sets.find(node) != sets.find(other)
                        && kept.count(node).max(kept.count(other)) < room
                    {
                        join(node, other, &mut kept, &mut sets);
                    }
                }
            }
        }
    }

    /// The links of all nodes that are kept, as each is while nobody changes it.
    fn all_kept(&self, links: &LinksView, nodes: usize) -> Kept {
        let mut kept = Kept {
            starts: vec![0],
            links: Vec::new(),
            added: vec![0; nodes],
        };
        for node in 0..nodes as u32 {
            let _locked = self.links.lock(node);
            let there = links.kept(node).filter(|link| (*link as usize) < nodes);
            kept.links.extend(there);
            kept.starts.push(kept.links.len());
        }
        kept
    }
}

/// Nodes around each group of removed ones that links join.
fn around_gone(kept: &Kept, gone: &[bool]) -> Vec<Vec<u32>> {
    let mut seen = vec![false; gone.len()];
    let mut groups = Vec::new();
    for start in 0..gone.len() {
        if !gone[start] || std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let (mut queue, mut around) = (vec![start as u32], Vec::new());
        while let Some(node) = queue.pop() {
            for link in kept.of(node) {
                let at = *link as usize;
                if !gone[at] {
                    around.push(*link);
                } else if !std::mem::replace(&mut seen[at], true) {
                    queue.push(*link);
                }
            }
        }
        if around.len() > 1 {
            groups.push(around);
        }
    }
    groups
}

/// Links of nodes, one after the other.
struct Kept {
    starts: Vec<usize>,
    links: Vec<u32>,
    /// How many more a node has got.
    added: Vec<u32>,
}

impl Kept {
    fn of(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.links[self.starts[node]..self.starts[node + 1]]
    }

    fn count(&self, node: u32) -> usize {
        self.of(node).len() + self.added[node as usize] as usize
    }
}

/// Sets of nodes that are joined.
struct Sets(Vec<u32>);

impl Sets {
    fn new(nodes: usize) -> Self {
        Self((0..nodes as u32).collect())
    }

    /// The node that stands for the set of one.
    fn find(&mut self, mut node: u32) -> u32 {
        loop {
            let above = self.0[node as usize];
            if above == node {
                return node;
            }
            // Each second step is left out the next time.
            self.0[node as usize] = self.0[above as usize];
            node = above;
        }
    }

    /// Makes two sets one; tells whether they were two.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
        a != b
    }
}
