//! Rows outside of segments and rows of segments, apart from each other.
//!
//! Who needs no order reads segments chunk by chunk, whole: which of their rows count is a mask. It is made while the other
//! rows are read, each of which hides the row of its key in all segments below it. Of overlapping segments those of a
//! nearer branch hide rows of the farther ones.

use std::ops::ControlFlow;
use std::sync::Arc;

use helios_base::Result;

use super::branch::BranchRows;
use super::cold::Stretch;
use super::merged::Merged;
use super::rows::{RowSide, Visit, for_each_merged};
use super::{Guard, Visitor};
use crate::cold::{ColdBlock, Part, Trail};
use crate::row::RowRef;

/// Keys of a segment that are read together.
const BLOCK: usize = 1024;

/// The rows of one table as of a snapshot, without order: [`RowCursor::apart`](crate::RowCursor::apart).
pub struct Apart {
    rows: Rows,
    masks: Masks,
    _guard: Guard,
}

#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and is not moved"
)]
enum Rows {
    /// A branch without a parent, and no own writes.
    One(BranchRows),
    /// How far away each side is.
    Many(Merged<RowSide>, Vec<usize>),
}

/// What is left of the segments.
struct Masks(Vec<Masked>);

/// What is left of a segment.
struct Masked {
    part: Arc<Part>,
    /// How many branches are between the reader and its own.
    distance: usize,
    stretch: Stretch,
    trail: Trail,
}

impl Apart {
    /// `sides` have not moved; nearest first.
    pub(super) fn new(sides: Vec<RowSide>, guard: Guard) -> Result<Self> {
        let (mut rows, mut distances, mut masks) = (Vec::new(), Vec::new(), Vec::new());
        let mut branches = 0usize;
        for side in sides {
            let distance = match side {
                RowSide::Cold(run) => {
                    // Its branch's other rows came just before.
                    let distance = branches.saturating_sub(1);
                    for (part, stretch) in run.into_stretches()? {
                        masks.push(Masked {
                            part,
                            distance,
                            stretch,
                            trail: None,
                        });
                    }
                    continue;
                }
                RowSide::Branch(_) => {
                    branches += 1;
                    branches - 1
                }
                RowSide::Own(_) => 0,
            };
            rows.push(side);
            distances.push(distance);
        }
        let mut masks = Masks(masks);
        masks.overlay()?;
        let rows = match rows.pop() {
            Some(RowSide::Branch(only)) if rows.is_empty() => Rows::One(only),
            last => {
                rows.extend(last);
                Rows::Many(Merged::new(rows, false), distances)
            }
        };
        Ok(Self {
            rows,
            masks,
            _guard: guard,
        })
    }

    /// Hands the next rows outside of segments to `visit` until it breaks or none is left. Afterwards it can be
    /// called again.
    ///
    /// # Errors
    /// As [`RowCursor::next`](crate::RowCursor::next), and whatever `visit` returns.
    pub fn for_each(&mut self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        let masks = &mut self.masks;
        match &mut self.rows {
            Rows::One(rows) => rows.visit(
                None,
                &mut Hiding {
                    masks,
                    distances: &[],
                    distance: 0,
                    visit,
                },
            ),
            Rows::Many(merged, distances) => for_each_merged(
                merged,
                &mut Hiding {
                    masks,
                    distances,
                    distance: 0,
                    visit,
                },
            ),
        }
    }

    /// The rows of segments that count, once [`Apart::for_each`] has come to the end.
    #[must_use]
    pub fn into_stretches(self) -> Vec<Stretch> {
        let masks = self.masks.0.into_iter();
        masks.map(|masked| masked.stretch).collect()
    }
}

/// Shows rows that count, and hides what they are above.
struct Hiding<'a, 'v> {
    masks: &'a mut Masks,
    distances: &'a [usize],
    distance: usize,
    visit: &'a mut Visit<'v>,
}

impl Visitor for Hiding<'_, '_> {
    fn from(&mut self, side: usize) {
        self.distance = self.distances.get(side).copied().unwrap_or(0);
    }

    fn row(&mut self, row: RowRef<'_>) -> Result<ControlFlow<()>> {
        match self.masks.hide(row.pk, self.distance)? {
            true => (self.visit)(row),
            false => Ok(ControlFlow::Continue(())),
        }
    }

    fn gone(&mut self, pk: &[u8]) -> Result<()> {
        self.masks.hide(pk, self.distance).map(drop)
    }
}

impl Masks {
    /// Hides the key below a branch so far away; false if a nearer segment has it.
    #[inline]
    fn hide(&mut self, pk: &[u8], distance: usize) -> Result<bool> {
        let mut counts = true;
        for masked in &mut self.0 {
            if !masked.part.info.covers(pk) {
                continue;
            }
            let Some(place) = masked.find(pk)? else {
                continue;
            };
            if masked.distance >= distance {
                masked.stretch.hide(place);
            } else if masked.has_begun(place)? {
                counts = false;
            }
        }
        Ok(counts)
    }

    /// Hides in each segment what segments of nearer branches have.
    fn overlay(&mut self) -> Result<()> {
        for far in 1..self.0.len() {
            let (nearer, rest) = self.0.split_at_mut(far);
            let Some(far) = rest.first_mut() else { break };
            for near in nearer {
                if near.distance < far.distance {
                    far.hide_all(near)?;
                }
            }
            far.trail = None;
        }
        Ok(())
    }
}

impl Masked {
    /// The place of a key among those that are read; keys ascend from call to call.
    #[inline]
    fn find(&mut self, pk: &[u8]) -> Result<Option<u64>> {
        let place = self.stretch.rows.find_next(pk, &mut self.trail)?;
        Ok(place.filter(|place| self.stretch.places.contains(place)))
    }

    /// Whether the reader sees the row at a place.
    #[cold]
    fn has_begun(&self, place: u64) -> Result<bool> {
        let mut block = ColdBlock::default();
        self.stretch.rows.heads(place, 1, &mut block)?;
        Ok((block.row(0)).is_some_and(|row| row.begin <= self.stretch.scn))
    }

    /// Hides all rows that a nearer segment has.
    fn hide_all(&mut self, near: &Self) -> Result<()> {
        let (mine, other) = (Arc::clone(&self.part), &near.part.info);
        if other.greatest < mine.info.least || mine.info.greatest < other.least {
            return Ok(());
        }
        self.trail = None;
        let rows = &near.stretch.rows;
        let mut from = rows.seek(&mine.info.least)?.max(near.stretch.places.start);
        let mut block = ColdBlock::default();
        while from < near.stretch.places.end {
            let left = usize::try_from(near.stretch.places.end - from).unwrap_or(BLOCK);
            block.clear();
            rows.heads(from, left.min(BLOCK), &mut block)?;
            if block.is_empty() {
                return Err(helios_base::Error::corrupt(format!(
                    "segment {} of table {} has fewer rows than it should",
                    other.id, other.table
                )));
            }
            from += block.len() as u64;
            for row in (0..block.len()).filter_map(|at| block.row(at)) {
                if row.pk > mine.info.greatest.as_slice() {
                    return Ok(());
                }
                if row.begin <= near.stretch.scn
                    && let Some(place) = self.find(row.pk)?
                {
                    self.stretch.hide(place);
                }
            }
        }
        Ok(())
    }
}

impl Stretch {
    /// Another row takes the place of the one at this place.
    fn hide(&mut self, place: u64) {
        let places = self.places.end - self.places.start;
        let words = usize::try_from(places.div_ceil(64)).unwrap_or(0);
        let kept = self.kept.get_or_insert_with(|| vec![u64::MAX; words]);
        let at = place - self.places.start;
        let word = usize::try_from(at / 64).ok();
        if let Some(word) = word.and_then(|word| kept.get_mut(word)) {
            *word &= !(1 << (at % 64));
        }
    }
}
