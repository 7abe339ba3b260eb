//! Where ids are: a hash table of node numbers, whose keys lie in the graph.

use super::links::{LinksView, NONE};
use crate::rng::mix;

/// A removed entry, over which probing goes on.
const GONE: u32 = u32::MAX - 1;

/// Nodes by id. It takes 4 to 11 bytes a node, since the ids themselves are with the nodes.
#[derive(Debug, Default)]
pub(super) struct Ids {
    slots: Vec<u32>,
    used: usize,
    live: usize,
}

impl Ids {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn memory(&self) -> usize {
        self.slots.capacity() * 4
    }

    fn probe(&self, id: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().wrapping_sub(1);
        let start = mix(id) as usize;
        (0..self.slots.len()).map(move |step| start.wrapping_add(step) & mask)
    }

    pub(super) fn get(&self, view: &LinksView, id: u64) -> Option<u32> {
        for at in self.probe(id) {
            match self.slots[at] {
                NONE => return None,
                GONE => {}
                node if view.id(node) == id => return Some(node),
                _ => {}
            }
        }
        None
    }

    /// Adds a node whose id is set and not there yet.
    pub(super) fn insert(&mut self, view: &LinksView, node: u32) {
        if (self.used + 1) * 8 > self.slots.len() * 7 {
            let size = ((self.live + 1) * 8 / 5).next_power_of_two().max(16);
            let old = std::mem::replace(&mut self.slots, vec![NONE; size]);
            self.used = self.live;
            for node in old.into_iter().filter(|node| *node < GONE) {
                self.place(view.id(node), node);
            }
        }
        self.place(view.id(node), node);
        self.used += 1;
        self.live += 1;
    }

    fn place(&mut self, id: u64, node: u32) {
        let free = self.probe(id).find(|at| self.slots[*at] == NONE);
        if let Some(at) = free {
            self.slots[at] = node;
        }
    }

    /// Forgets an id; returns its node.
    pub(super) fn remove(&mut self, view: &LinksView, id: u64) -> Option<u32> {
        for at in self.probe(id) {
            match self.slots[at] {
                NONE => return None,
                GONE => {}
                node if view.id(node) == id => {
                    self.slots[at] = GONE;
                    self.live -= 1;
                    return Some(node);
                }
                _ => {}
            }
        }
        None
    }
}
