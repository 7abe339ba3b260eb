//! Where ids are: a hash table of node numbers, whose keys lie in the graph.

use super::links::{LinksView, NONE};
use crate::rng::mix;

/// A removed entry, over which probing goes on.
const GONE: u32 = u32::MAX - 1;

/// Nodes by id. It takes some 5 bytes a node, since the ids themselves are with the nodes.
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
        // The upper part of a product, of any number of slots: a table that doubled would be half empty.
        let slots = self.slots.len();
        let start = ((u128::from(mix(id)) * slots as u128) >> 64) as usize;
        (start..slots).chain(0..start)
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

    /// Makes room for so many more nodes.
    pub(super) fn reserve(&mut self, view: &LinksView, more: usize) {
        if (self.used + more) * 8 <= self.slots.len() * 7 {
            return;
        }
        let size = ((self.live + more) * 10 / 7).max(16);
        let old = std::mem::replace(&mut self.slots, vec![NONE; size]);
        self.used = self.live;
        for node in old.into_iter().filter(|node| *node < GONE) {
            self.place(view.id(node), node);
        }
    }

    /// Adds a node whose id is set and not there yet.
    pub(super) fn insert(&mut self, view: &LinksView, node: u32) {
        self.reserve(view, 1);
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
