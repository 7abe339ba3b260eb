//! Keys of one table or index in a write set, with the newest slot of each.
//!
//! Loads mostly write ascending keys: those are a plain list of slots whose keys are read from the
//! arena. Keys out of order are kept apart.

use std::borrow::Cow;
use std::ops::Bound;

use helios_base::Result;

use super::Slot;
use super::arena::Arena;
use super::loose::Loose;
use crate::row::Bounds;

/// Slots that the run must have to stay once a key is out of order: fewer are no load, and would be
/// searched at every write.
const RUN: usize = 64;

/// Keys with the newest slot of each.
#[derive(Default)]
pub(super) struct KeyMap {
    /// Slots with ascending keys.
    run: Vec<u32>,
    /// Key of the last slot of `run`.
    last: Vec<u8>,
    /// The other keys.
    loose: Loose,
}

type Search = std::result::Result<usize, usize>;

impl KeyMap {
    /// The newest slot of `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Option<u32>> {
        if let Ok(at) = self.search(key, arena, slots)? {
            return Ok(Some(self.run[at]));
        }
        self.loose.get(key, arena, slots)
    }

    /// Makes `slot` the newest of `key`; returns the one it replaces.
    #[inline]
    pub(super) fn insert(
        &mut self,
        key: &[u8],
        slot: u32,
        arena: &Arena,
        slots: &[Slot],
    ) -> Result<Option<u32>> {
        if self.run.is_empty() {
            if !self.loose.is_empty() {
                return self.loose.insert(key, slot, arena, slots);
            }
            self.extend(key, slot);
            return Ok(None);
        }
        if key > self.last.as_slice() {
            if !self.loose.is_empty() && self.loose.get(key, arena, slots)?.is_some() {
                return self.loose.insert(key, slot, arena, slots);
            }
            self.extend(key, slot);
            return Ok(None);
        }
        if let Ok(at) = self.search(key, arena, slots)? {
            return Ok(Some(std::mem::replace(&mut self.run[at], slot)));
        }
        if self.run.len() < RUN {
            for slot in std::mem::take(&mut self.run) {
                let key = key_of(slot, arena, slots)?;
                self.loose.insert(&key, slot, arena, slots)?;
            }
        }
        self.loose.insert(key, slot, arena, slots)
    }

    fn extend(&mut self, key: &[u8], slot: u32) {
        self.run.push(slot);
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    /// Puts `slot` back as the newest of `key`, which is there.
    pub(super) fn replace(
        &mut self,
        key: &[u8],
        slot: u32,
        arena: &Arena,
        slots: &[Slot],
    ) -> Result<()> {
        match self.search(key, arena, slots)? {
            Ok(at) => self.run[at] = slot,
            Err(_) => {
                self.loose.insert(key, slot, arena, slots)?;
            }
        }
        Ok(())
    }

    /// Removes `key`, whose only slot is `slot`, the newest of the whole write set.
    pub(super) fn remove(
        &mut self,
        key: &[u8],
        slot: u32,
        arena: &Arena,
        slots: &[Slot],
    ) -> Result<()> {
        // Keys leave in the opposite order of their arrival, so a run key is its last.
        if self.run.last() == Some(&slot) {
            self.run.pop();
            self.last.clear();
            if let Some(&last) = self.run.last() {
                self.last.extend_from_slice(&key_of(last, arena, slots)?);
            }
        } else {
            self.loose.remove(key, arena, slots)?;
        }
        Ok(())
    }

    /// Where `key` is in the run, or would be.
    #[inline]
    fn search(&self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Search> {
        if self.run.is_empty() || key > self.last.as_slice() {
            return Ok(Err(self.run.len()));
        }
        search(&self.run, key, arena, slots)
    }

    /// The newest slot of the first key in `range`, or of the last with `reverse`.
    pub(super) fn next(
        &self,
        range: Bounds<'_>,
        reverse: bool,
        arena: &Arena,
        slots: &[Slot],
    ) -> Result<Option<u32>> {
        if is_empty(range) {
            return Ok(None);
        }
        let loose = self.loose.next(range, reverse, arena, slots)?;
        let (from, upto) = places(&self.run, range, arena, slots)?;
        let place = if reverse { upto.wrapping_sub(1) } else { from };
        let run = self.run.get(place).filter(|_| from < upto).copied();
        Ok(match (run, loose) {
            (Some(run), Some(loose)) => {
                let run_first = key_of(run, arena, slots)? < key_of(loose, arena, slots)?;
                Some(if run_first != reverse { run } else { loose })
            }
            (run, loose) => run.or(loose),
        })
    }

    /// Calls `visit` with the newest slot of every key, in key order.
    pub(super) fn for_each(
        &self,
        arena: &Arena,
        slots: &[Slot],
        visit: &mut dyn FnMut(&Slot) -> Result<()>,
    ) -> Result<()> {
        let loose = self.loose.in_order(arena, slots)?;
        let mut loose = loose.iter().copied().peekable();
        for &slot in &self.run {
            if loose.peek().is_some() {
                let key = key_of(slot, arena, slots)?;
                while let Some(&first) = loose.peek() {
                    if key_of(first, arena, slots)? > key {
                        break;
                    }
                    visit(&slots[first as usize])?;
                    loose.next();
                }
            }
            visit(&slots[slot as usize])?;
        }
        for slot in loose {
            visit(&slots[slot as usize])?;
        }
        Ok(())
    }
}

/// Where `key` is among slots with ascending keys, or would be.
fn search(ascending: &[u32], key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Search> {
    let (mut low, mut high) = (0, ascending.len());
    while low < high {
        let middle = (low + high) / 2;
        match key_of(ascending[middle], arena, slots)?.as_ref().cmp(key) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return Ok(Ok(middle)),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(Err(low))
}

/// The places of the first slot in `range` and of the first after it, of slots with ascending keys.
pub(super) fn places(
    ascending: &[u32],
    range: Bounds<'_>,
    arena: &Arena,
    slots: &[Slot],
) -> Result<(usize, usize)> {
    let place = |bound, after_equal| -> Result<Option<usize>> {
        match bound {
            Bound::Unbounded => Ok(None),
            Bound::Included(key) | Bound::Excluded(key) => {
                Ok(Some(match search(ascending, key, arena, slots)? {
                    Ok(at) if after_equal => at + 1,
                    Ok(at) | Err(at) => at,
                }))
            }
        }
    };
    let from = place(range.0, matches!(range.0, Bound::Excluded(_)))?;
    let upto = place(range.1, matches!(range.1, Bound::Included(_)))?;
    Ok((from.unwrap_or(0), upto.unwrap_or(ascending.len())))
}

/// The key of a slot.
#[inline]
pub(super) fn key_of<'a>(slot: u32, arena: &'a Arena, slots: &[Slot]) -> Result<Cow<'a, [u8]>> {
    let slot = &slots[slot as usize];
    arena.read(slot.key_at, slot.key_len as usize)
}

/// Whether no key can lie in `range`; the standard tree panics on such ranges.
fn is_empty(range: Bounds<'_>) -> bool {
    match range {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end))
        | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
    }
}
