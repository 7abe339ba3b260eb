//! Keys of one table or index in a write set, with the newest slot of each.
//!
//! Loads mostly write ascending keys: those are a plain list of slots whose keys are read from the
//! arena. Keys out of order go to a tree.

use std::collections::BTreeMap;
use std::ops::Bound;

use helios_base::Result;

use super::Slot;
use super::arena::Arena;
use crate::row::Bounds;

/// Keys with the newest slot of each.
#[derive(Default)]
pub(super) struct KeyMap {
    /// Slots with ascending keys.
    run: Vec<u32>,
    /// Key of the last slot of `run`.
    last: Vec<u8>,
    /// The other keys.
    tree: BTreeMap<Box<[u8]>, u32>,
}

type Search = std::result::Result<usize, usize>;

impl KeyMap {
    /// The newest slot of `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Option<u32>> {
        if let Ok(at) = self.search(key, arena, slots)? {
            return Ok(Some(self.run[at]));
        }
        if self.tree.is_empty() {
            return Ok(None);
        }
        Ok(self.tree.get(key).copied())
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
        if self.run.is_empty() || key > self.last.as_slice() {
            if !self.tree.is_empty()
                && let Some(old) = self.tree.get_mut(key)
            {
                return Ok(Some(std::mem::replace(old, slot)));
            }
            self.run.push(slot);
            self.last.clear();
            self.last.extend_from_slice(key);
            return Ok(None);
        }
        match self.search(key, arena, slots)? {
            Ok(at) => Ok(Some(std::mem::replace(&mut self.run[at], slot))),
            Err(_) => Ok(self.tree.insert(key.into(), slot)),
        }
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
                self.tree.insert(key.into(), slot);
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
            self.tree.remove(key);
        }
        Ok(())
    }

    /// Where `key` is in the run, or would be.
    fn search(&self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Search> {
        if self.run.is_empty() || key > self.last.as_slice() {
            return Ok(Err(self.run.len()));
        }
        let (mut low, mut high) = (0, self.run.len());
        while low < high {
            let middle = (low + high) / 2;
            match key_of(self.run[middle], arena, slots)?.as_ref().cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(Ok(middle)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(Err(low))
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
        let in_tree = if self.tree.is_empty() {
            None
        } else if reverse {
            self.tree.range::<[u8], _>(range).next_back()
        } else {
            self.tree.range::<[u8], _>(range).next()
        };
        let in_run = self.next_in_run(range, reverse, arena, slots)?;
        Ok(match (in_run, in_tree) {
            (Some(run), Some((tree_key, &tree))) => {
                let run_first = key_of(run, arena, slots)?.as_ref() < &**tree_key;
                Some(if run_first != reverse { run } else { tree })
            }
            (run, tree) => run.or(tree.map(|(_, &slot)| slot)),
        })
    }

    fn next_in_run(
        &self,
        range: Bounds<'_>,
        reverse: bool,
        arena: &Arena,
        slots: &[Slot],
    ) -> Result<Option<u32>> {
        let at = if reverse {
            let upto = match range.1 {
                Bound::Unbounded => self.run.len(),
                Bound::Included(key) => match self.search(key, arena, slots)? {
                    Ok(at) => at + 1,
                    Err(at) => at,
                },
                Bound::Excluded(key) => match self.search(key, arena, slots)? {
                    Ok(at) | Err(at) => at,
                },
            };
            let Some(at) = upto.checked_sub(1) else {
                return Ok(None);
            };
            at
        } else {
            match range.0 {
                Bound::Unbounded => 0,
                Bound::Included(key) => match self.search(key, arena, slots)? {
                    Ok(at) | Err(at) => at,
                },
                Bound::Excluded(key) => match self.search(key, arena, slots)? {
                    Ok(at) => at + 1,
                    Err(at) => at,
                },
            }
        };
        let Some(&slot) = self.run.get(at) else {
            return Ok(None);
        };
        let key = key_of(slot, arena, slots)?;
        let key = key.as_ref();
        let inside = if reverse {
            match range.0 {
                Bound::Unbounded => true,
                Bound::Included(start) => key >= start,
                Bound::Excluded(start) => key > start,
            }
        } else {
            match range.1 {
                Bound::Unbounded => true,
                Bound::Included(end) => key <= end,
                Bound::Excluded(end) => key < end,
            }
        };
        Ok(inside.then_some(slot))
    }

    /// Calls `visit` with the newest slot of every key, in key order.
    pub(super) fn for_each(
        &self,
        arena: &Arena,
        slots: &[Slot],
        visit: &mut dyn FnMut(&Slot) -> Result<()>,
    ) -> Result<()> {
        let mut tree = self.tree.iter().peekable();
        for &slot in &self.run {
            if tree.peek().is_some() {
                let key = key_of(slot, arena, slots)?;
                while let Some((_, &first)) = tree.next_if(|(other, _)| ***other < *key) {
                    visit(&slots[first as usize])?;
                }
            }
            visit(&slots[slot as usize])?;
        }
        for (_, &slot) in tree {
            visit(&slots[slot as usize])?;
        }
        Ok(())
    }
}

#[inline]
fn key_of<'a>(slot: u32, arena: &'a Arena, slots: &[Slot]) -> Result<std::borrow::Cow<'a, [u8]>> {
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
