//! How often single rows of a segment were read, for knowing which are worth promoting.
//!
//! Counted are groups of [`LEAF`] neighbours by key, which are decoded together. Only reads that come as far as the segment
//! count: what the cache of hot rows or the row store answers costs no more than it would elsewhere.
//!
//! A count is exact as far as [`EXACT`]; from there on every sixteenth read, by chance, counts for sixteen, so that the
//! groups that many threads read are seldom written to. Counts are kept as long as the segment is open, four bytes a group, of
//! parts of the segment that were read; [`Heat::cool`] lets them fade.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use helios_segment::CHUNK_ROWS;

use super::near::LEAF;

/// Groups of a part: a chunk, or a page of the key order, none of which has more rows than a chunk.
const GROUPS: usize = CHUNK_ROWS.div_ceil(LEAF);
/// So far every read counts.
const EXACT: u32 = 64;
/// Then one of so many does, and as many times; a power of two.
const SAMPLED: u32 = 16;
/// No count goes further.
const MOST: u32 = 1 << 30;

/// The counts of one segment, by part and group.
pub(super) struct Heat {
    parts: Vec<OnceLock<Box<[AtomicU32]>>>,
}

/// A group that was read often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HotGroup {
    pub(super) part: usize,
    /// The first of its keys in the part.
    pub(super) first: usize,
    pub(super) reads: u32,
}

impl Heat {
    pub(super) fn new(parts: usize) -> Self {
        let parts = (0..parts).map(|_| OnceLock::new());
        Self {
            parts: parts.collect(),
        }
    }

    /// A row of a part was read.
    #[inline]
    pub(super) fn note(&self, part: usize, row: usize) {
        let Some(count) = self.count(part, row) else {
            return;
        };
        let reads = count.load(Ordering::Relaxed);
        if reads < EXACT {
            count.fetch_add(1, Ordering::Relaxed);
        } else if reads < MOST && chance() {
            count.fetch_add(SAMPLED, Ordering::Relaxed);
        }
    }

    fn count(&self, part: usize, row: usize) -> Option<&AtomicU32> {
        let none = || (0..GROUPS).map(|_| AtomicU32::new(0)).collect();
        self.parts.get(part)?.get_or_init(none).get(row / LEAF)
    }

    /// The groups of which so many rows were read, or more.
    pub(super) fn groups(&self, least: u32) -> impl Iterator<Item = HotGroup> {
        let parts = self.parts.iter().enumerate();
        let parts = parts.filter_map(|(part, counts)| Some((part, counts.get()?)));
        parts.flat_map(move |(part, counts)| {
            let counts = counts.iter().enumerate();
            counts.filter_map(move |(group, count)| {
                let reads = count.load(Ordering::Relaxed);
                let first = group * LEAF;
                (reads >= least).then_some(HotGroup { part, first, reads })
            })
        })
    }

    /// Counts a group anew.
    pub(super) fn forget(&self, part: usize, row: usize) {
        if let Some(count) = self.count(part, row) {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Halves all counts so many times.
    pub(super) fn cool(&self, times: u32) {
        let counts = self.parts.iter().filter_map(OnceLock::get);
        for count in counts.flat_map(|counts| counts.iter()) {
            let reads = count.load(Ordering::Relaxed);
            // A read between the two is lost, which does not matter.
            if reads > 0 {
                count.store(reads.checked_shr(times).unwrap_or(0), Ordering::Relaxed);
            }
        }
    }
}

/// One time of [`SAMPLED`], in no pattern that reads could have.
#[inline]
fn chance() -> bool {
    thread_local! {
        static STATE: Cell<u32> = const { Cell::new(0x9e37_79b9) };
    }
    STATE.with(|state| {
        let mut word = state.get();
        word ^= word << 13;
        word ^= word >> 17;
        word ^= word << 5;
        state.set(word);
        word.is_multiple_of(SAMPLED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(heat: &Heat, least: u32) -> Vec<(usize, usize, u32)> {
        let groups = heat.groups(least);
        groups.map(|g| (g.part, g.first, g.reads)).collect()
    }

    #[test]
    fn groups_are_counted_and_fade() {
        let heat = Heat::new(3);
        assert_eq!(reads(&heat, 0), []);
        for row in 0..40 {
            heat.note(1, 3 * LEAF + row);
        }
        heat.note(2, 0);
        // Beyond the last part, and the last group.
        heat.note(3, 0);
        heat.note(1, CHUNK_ROWS);
        assert_eq!(reads(&heat, 1), [(1, 3 * LEAF, 40), (2, 0, 1)]);
        assert_eq!(reads(&heat, 41), []);
        heat.cool(1);
        assert_eq!(reads(&heat, 1), [(1, 3 * LEAF, 20)]);
        heat.forget(1, 3 * LEAF + 1);
        assert_eq!(reads(&heat, 1), []);
    }

    #[test]
    fn many_reads_are_counted_nearly() {
        let heat = Heat::new(1);
        for _ in 0..100_000 {
            heat.note(0, 0);
        }
        let counted = reads(&heat, 0)[0].2;
        assert!((80_000..120_000).contains(&counted), "{counted}");
    }
}
