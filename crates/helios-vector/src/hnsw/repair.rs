//! Mending and compacting after removals.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Hnsw;
use super::links::{KEPT, LinksView};
use crate::error::Result;
use crate::index::{Index, Repaired};
use crate::work::Work;

impl Hnsw {
    /// Leads every list past removed nodes: a node that was linked to one chooses anew among its other
    /// neighbours and those of the removed one. Nobody links to removed nodes then, and they cost
    /// searches nothing; their memory is given back by [`Hnsw::compacted`].
    pub(super) fn mend(&self, work: Work<'_>) -> Result<Repaired> {
        let _open = self.gate.read();
        let _alone = self.repairing.lock();
        let points = self.points.view();
        let links = &self.links.view();
        let before = self.unrepaired.load(Ordering::Acquire);
        let mended = AtomicUsize::new(0);
        self.move_entry(links, points.len());
        let mut scratch = self.borrow();
        self.span(links, &points, &mut scratch);
        self.give_back(scratch);
        let states = work.fold(
            points.len(),
            256,
            || self.borrow(),
            |scratch, range| {
                for node in range {
                    let node = node as u32;
                    if is_gone(links, node) {
                        continue;
                    }
                    for level in 0..=links.level(node) {
                        if !links.links(node, level).any(|link| is_gone(links, link)) {
                            continue;
                        }
                        let _locked = self.links.lock(node);
                        let among = bypass(links, node, level);
                        self.choose(node, level, &among, links, &points, scratch);
                        mended.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(())
            },
        )?;
        for scratch in states {
            self.give_back(scratch);
        }
        // What was removed meanwhile is left for the next time.
        self.unrepaired.fetch_sub(before, Ordering::AcqRel);
        Ok(Repaired {
            mended: mended.into_inner(),
            released: before,
        })
    }

    /// Lets searches begin at a node that is there, on the highest level there is.
    fn move_entry(&self, links: &LinksView, nodes: usize) {
        let _entering = self.links.entering();
        let Some((entry, _)) = self.links.entry() else {
            return;
        };
        if is_gone(links, entry)
            && let Some(best) = (0..nodes as u32)
                .filter(|node| !is_gone(links, *node) && links.links(*node, 0).next().is_some())
                .max_by_key(|node| links.level(*node))
        {
            self.links.set_entry(best, links.level(best));
        }
    }

    /// The same vectors without the removed ones in a new index, which the caller puts in place of
    /// this one. Inserts and removals wait meanwhile.
    ///
    /// # Errors
    /// Fails if it is cancelled.
    pub fn compacted(&self, work: Work<'_>) -> Result<Self> {
        let _closed = self.gate.write();
        let new = Self::empty(
            self.points.metric,
            self.points.dimensions,
            self.options,
            self.points.quantizer.clone(),
            self.points.keep,
        );
        let points = self.points.view();
        let links = self.links.view();
        let kept: Vec<u32> = (0..points.len() as u32)
            .filter(|node| !links.is_dead(*node))
            .collect();
        let ids: Vec<u64> = kept.iter().map(|node| links.id(*node)).collect();
        let mut space = Vec::new();
        let mut vectors = Vec::with_capacity(kept.len() * self.points.dimensions);
        for node in &kept {
            vectors.extend_from_slice(points.vector(*node, &mut space));
        }
        new.insert(&ids, &vectors, work)?;
        Ok(Self {
            source: self.source.clone(),
            ..new
        })
    }
}

/// Whether a node and all with its vector were removed.
pub(super) fn is_gone(links: &LinksView, node: u32) -> bool {
    links.family(node).all(|node| links.is_dead(node))
}

/// The links of a node with their marks, and in place of each to one that is gone, its neighbours.
fn bypass(links: &LinksView, node: u32, level: u32) -> Vec<u32> {
    let mut among = Vec::new();
    let mut queue: Vec<u32> = links.words(node, level).collect();
    let mut seen: std::collections::HashSet<u32> = queue.iter().map(|word| word & !KEPT).collect();
    seen.insert(node);
    // Where removed nodes stand together the way past them leads through several.
    let mut budget = 16 * links.most(level);
    while let Some(word) = queue.pop() {
        let next = word & !KEPT;
        if !is_gone(links, next) {
            among.push(word);
            continue;
        }
        for link in links.links(next, level) {
            if budget > 0 && seen.insert(link) {
                budget -= 1;
                queue.push(link);
            }
        }
    }
    among
}
