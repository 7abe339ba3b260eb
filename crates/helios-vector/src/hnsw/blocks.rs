//! Places for links that do not fit among a node's own words.
//!
//! A place is a run of words of one of a few sizes. It is known by a word with the mark [`MORE`], which
//! takes the place of a node's last own link. Writers take and give back places under a lock; a place
//! given back may belong to another node at once, though somebody still reads it. What is read there
//! then are links of another node, which lead to nodes that exist, and never a word of another kind;
//! and who looks at the word that led there again sees that it has changed: whoever reads what a later
//! owner wrote has also seen what was written before the place was given back.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::links::{KEPT, NONE};

/// Marks a word that says where more links are; no link has it. With [`KEPT`] it is that of [`NONE`].
pub(super) const MORE: u32 = 1 << 30;
/// Sizes of places, and where the number of a size is in a word.
const SIZES: usize = 8;
const SIZE_AT: u32 = 27;
const OFFSET: u32 = (1 << SIZE_AT) - 1;

/// Places for the links of the nodes of a chunk.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Words of the largest places.
    most: usize,
    /// The binary logarithm of the words of a slab.
    slab: u32,
    slabs: Box<[OnceLock<Box<[AtomicU32]>>]>,
    free: Mutex<Free>,
}

#[derive(Debug, Default)]
struct Free {
    places: [Vec<u32>; SIZES],
    /// Slabs that were made, and the words of the last one that are taken.
    made: usize,
    taken: usize,
}

impl Blocks {
    /// Room for places of up to `most` words, one for each of so many nodes.
    pub(super) fn new(nodes: usize, most: usize) -> Self {
        let slab = (nodes / 2).max(most * 4).next_power_of_two();
        // Were all nodes to have places of one size, and then of the next, none would be used again: of
        // each size there would be as many as nodes.
        let worst: usize = (0..SIZES).map(|size| words(most, size) * nodes).sum();
        let slabs = match most {
            0 => 0,
            _ => worst / (slab - most) + 2,
        };
        Self {
            most,
            slab: slab.ilog2(),
            slabs: (0..slabs).map(|_| OnceLock::new()).collect(),
            free: Mutex::default(),
        }
    }

    /// The words of a place; `None` if the word names none.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&[AtomicU32]> {
        if place & (KEPT | MORE) != MORE {
            return None;
        }
        let (offset, size) = (place & OFFSET, place >> SIZE_AT & 7);
        let slab = self.slabs.get((offset >> self.slab) as usize)?.get()?;
        let start = (offset & ((1 << self.slab) - 1)) as usize;
        slab.get(start..start + words(self.most, size as usize))
    }

    /// A place for so many words, all [`NONE`] or what was there; nothing if there is no more room.
    pub(super) fn take(&self, count: usize) -> Option<u32> {
        let size = (0..SIZES).find(|size| words(self.most, *size) >= count)?;
        let free = &mut *self.free.lock();
        if let Some(place) = free.places[size].pop() {
            return Some(place);
        }
        let need = words(self.most, size);
        if free.made == 0 || free.taken + need > 1 << self.slab {
            let slab = self.slabs.get(free.made)?;
            slab.get_or_init(|| (0..1 << self.slab).map(|_| AtomicU32::new(NONE)).collect());
            (free.made, free.taken) = (free.made + 1, 0);
        }
        let offset = (free.made - 1) << self.slab | free.taken;
        if offset > OFFSET as usize {
            return None;
        }
        free.taken += need;
        Some(MORE | (size as u32) << SIZE_AT | offset as u32)
    }

    /// Whether a place is what [`Blocks::take`] would look for.
    pub(super) fn suits(&self, place: u32, count: usize) -> bool {
        let size = (place >> SIZE_AT & 7) as usize;
        let least = size.checked_sub(1).map_or(0, |size| words(self.most, size));
        (least + 1..=words(self.most, size)).contains(&count)
    }

    /// Takes back a place to which no word leads any more.
    pub(super) fn give(&self, place: u32) {
        let size = (place >> SIZE_AT & 7) as usize;
        self.free.lock().places[size].push(place);
    }

    /// Puts words into a place, which is large enough.
    pub(super) fn fill(&self, place: u32, mut links: impl Iterator<Item = u32>) {
        for word in self.get(place).unwrap_or_default() {
            word.store(links.next().unwrap_or(NONE), Ordering::Release);
        }
    }

    pub(super) fn memory(&self) -> usize {
        let free = self.free.lock();
        let places: usize = free.places.iter().map(Vec::capacity).sum();
        size_of_val(&*self.slabs) + (free.made << self.slab) * 4 + places * 4
    }
}

/// The words of places of a size.
#[inline]
fn words(most: usize, size: usize) -> usize {
    ((size + 1) * most).div_ceil(SIZES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn places_do_not_overlap() {
        for (nodes, most) in [(64, 3), (64, 17), (1024, 17), (1024, 257)] {
            let blocks = Blocks::new(nodes, most);
            let mut rng = Rng::new(most as u64);
            // What each node has: its place and how many words, all of its own number.
            let mut held: Vec<Option<(u32, usize)>> = vec![None; nodes];
            for _ in 0..nodes * 40 {
                let node = rng.below(nodes);
                if let Some((place, count)) = held[node] {
                    let words = blocks.get(place).unwrap_or_default();
                    let mut words = words.iter().map(|word| word.load(Ordering::Relaxed));
                    assert!(words.by_ref().take(count).all(|word| word == node as u32));
                    assert!(words.all(|word| word == NONE));
                }
                let count = rng.below(most + 1);
                let kept = held[node].filter(|(place, _)| blocks.suits(*place, count));
                let place = kept.map(|(place, _)| place);
                if let (Some((old, _)), None) = (held[node], place) {
                    blocks.give(old);
                }
                let place = place.or_else(|| (count > 0).then(|| blocks.take(count)).flatten());
                assert_eq!(place.is_some(), count > 0);
                if let Some(place) = place {
                    blocks.fill(place, std::iter::repeat_n(node as u32, count));
                }
                held[node] = place.map(|place| (place, count));
            }
            let memory = blocks.memory();
            assert!(memory < nodes * most * 8 + (1 << 16), "{memory}");
        }
        assert!(Blocks::new(1024, 0).take(1).is_none());
    }

    #[test]
    fn there_is_room_for_every_way_to_grow() {
        let (nodes, most) = (256, 17);
        let blocks = Blocks::new(nodes, most);
        let mut held = vec![None; nodes];
        for count in 1..=most {
            for place in &mut held {
                let old: Option<u32> = *place;
                if old.is_some_and(|old| blocks.suits(old, count)) {
                    continue;
                }
                *place = blocks.take(count);
                assert!(place.is_some());
                old.into_iter().for_each(|old| blocks.give(old));
            }
        }
    }

    #[test]
    fn words_of_other_kinds_name_no_place() {
        let blocks = Blocks::new(1024, 17);
        for word in [0, 1, NONE, KEPT, KEPT | 5, MORE | KEPT, MORE, MORE - 1] {
            assert!(blocks.get(word).is_none());
        }
    }
}
