//! The kills in a segment.

use std::collections::BTreeMap;

use super::container::Container;
use crate::CHUNK_ROWS;
use crate::selection::Selection;

/// The rows of one segment that ended, each with its end SCN.
///
/// An immutable value: adding kills makes a new mask. Branches keep only kills of their own; the
/// mask of a snapshot is the [`merge`](KillMask::merge) of its branch's and its ancestors', each up
/// to the SCN at which the younger branch left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KillMask {
    /// By chunk; none is empty.
    pub(super) chunks: BTreeMap<u32, Container>,
}

impl KillMask {
    /// Nothing ended.
    pub fn new() -> Self {
        Self::default()
    }

    /// `(row of the segment, end SCN)` in any order; of several for one row the earliest counts.
    pub fn of(kills: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut sorted: Vec<(u64, u64)> = kills.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(row, _)| *row);
        let mut chunks = BTreeMap::new();
        for rows in sorted.chunk_by(|(a, _), (b, _)| chunk_of(*a) == chunk_of(*b)) {
            if let Some((row, _)) = rows.first() {
                let pieces = rows
                    .iter()
                    .map(|(row, end)| (within(*row), within(*row), *end));
                chunks.insert(chunk_of(*row), Container::of(pieces));
            }
        }
        Self { chunks }
    }

    /// All rows `first ..= last` ended at `scn`: what a dropped range needs.
    pub fn range(first: u64, last: u64, scn: u64) -> Self {
        let mut chunks = BTreeMap::new();
        if first <= last {
            for chunk in chunk_of(first)..=chunk_of(last) {
                let low = if chunk == chunk_of(first) {
                    within(first)
                } else {
                    0
                };
                let high = if chunk == chunk_of(last) {
                    within(last)
                } else {
                    u16::MAX
                };
                chunks.insert(chunk, Container::of([(low, high, scn)].into_iter()));
            }
        }
        Self { chunks }
    }

    /// Whether nothing ended.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How many rows ended.
    pub fn count(&self) -> u64 {
        self.chunks.values().map(Container::rows).sum()
    }

    /// The end SCN of `row`.
    pub fn end(&self, row: u64) -> Option<u64> {
        self.chunks.get(&chunk_of(row))?.end(within(row))
    }

    /// Every kill, ascending by row.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.chunks.iter().flat_map(|(chunk, container)| {
            let base = u64::from(*chunk) * CHUNK_ROWS as u64;
            container.pieces().flat_map(move |(first, last, end)| {
                (first..=last).map(move |row| (base + u64::from(row), end))
            })
        })
    }

    /// Of a chunk of `rows` rows, those that a snapshot at `scn` still sees.
    pub fn selection(&self, chunk: u32, rows: usize, scn: u64) -> Selection {
        match self.chunks.get(&chunk) {
            None => Selection::all(rows),
            Some(container) => {
                let dead = container
                    .pieces()
                    .filter(|(_, _, end)| *end <= scn)
                    .map(|(first, last, _)| (usize::from(first), usize::from(last)));
                Selection::without(rows, dead)
            }
        }
    }

    /// Both masks; a row in both ended at the earlier SCN.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut chunks = self.chunks.clone();
        for (chunk, container) in &other.chunks {
            chunks
                .entry(*chunk)
                .and_modify(|own| *own = own.union(container))
                .or_insert_with(|| container.clone());
        }
        Self { chunks }
    }

    /// Only kills at or before `scn`: what a branch that left at `scn` sees of its parent's.
    #[must_use]
    pub fn until(&self, scn: u64) -> Self {
        let chunks = self
            .chunks
            .iter()
            .map(|(chunk, container)| (*chunk, container.until(scn)))
            .filter(|(_, container)| !container.runs.is_empty())
            .collect();
        Self { chunks }
    }

    /// The mask that a branch sees: its own kills and each ancestor's up to the SCN at which the
    /// branch (or the ancestor between) left it.
    pub fn merge<'a>(levels: impl IntoIterator<Item = (&'a Self, u64)>) -> Self {
        let mut merged = Self::new();
        for (mask, until) in levels {
            merged = merged.union(&mask.until(until));
        }
        merged
    }

    /// Bytes in memory, roughly.
    pub fn size(&self) -> usize {
        let one = |container: &Container| {
            let ends = match &container.ends {
                super::container::Ends::One(_) => 0,
                super::container::Ends::Each(ends) => ends.len() * 8,
            };
            64 + container.runs.len() * 4 + ends
        };
        self.chunks.values().map(one).sum()
    }
}

/// Segments have fewer than 2^32 chunks: the format counts them so.
fn chunk_of(row: u64) -> u32 {
    u32::try_from(row / CHUNK_ROWS as u64).unwrap_or(u32::MAX)
}

fn within(row: u64) -> u16 {
    (row % CHUNK_ROWS as u64) as u16
}
