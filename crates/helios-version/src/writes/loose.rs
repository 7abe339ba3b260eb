//! Keys of a write set that came out of order: a hash table until somebody asks for their order and
//! then writes on, from there a tree.
//!
//! Most transactions ask for the order of such keys once, when they commit. Until then keys stay in
//! the arena alone.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use helios_base::{BranchId, Result};

use super::Slot;
use super::arena::Arena;
use super::keymap::key_of;
use crate::hash::{BuildHashed, hash_key};
use crate::row::Bounds;

/// Keys with the newest slot of each.
pub(super) enum Loose {
    Hashed(Hashed),
    Tree(BTreeMap<Box<[u8]>, u32>),
}

#[derive(Default)]
pub(super) struct Hashed {
    /// By the hash of the key. Two keys of one hash make a tree.
    slots: HashMap<u64, u32, BuildHashed>,
    /// The slots by key, once wanted.
    sorted: OnceLock<Vec<u32>>,
}

impl Default for Loose {
    fn default() -> Self {
        Self::Hashed(Hashed::default())
    }
}

fn hash_of(key: &[u8]) -> u64 {
    hash_key(0, BranchId::MAIN, key)
}

impl Hashed {
    /// The slot that has the key's hash, and whether it has the key.
    #[inline]
    fn find(&self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Option<(u32, bool)>> {
        match self.slots.get(&hash_of(key)) {
            Some(&slot) => Ok(Some((slot, key_of(slot, arena, slots)?.as_ref() == key))),
            None => Ok(None),
        }
    }

    fn sorted(&self, arena: &Arena, slots: &[Slot]) -> Result<&[u32]> {
        if let Some(sorted) = self.sorted.get() {
            return Ok(sorted);
        }
        // Most keys differ in their first bytes.
        let mut keys = Vec::with_capacity(self.slots.len());
        for &slot in self.slots.values() {
            let key = key_of(slot, arena, slots)?;
            let mut first = [0; 16];
            let len = key.len().min(first.len());
            first[..len].copy_from_slice(&key[..len]);
            keys.push((u128::from_be_bytes(first), slot));
        }
        let mut failed = None;
        keys.sort_unstable_by(|(a, slot_a), (b, slot_b)| {
            a.cmp(b).then_with(|| {
                let pair = key_of(*slot_a, arena, slots)
                    .and_then(|a| Ok(a.cmp(&key_of(*slot_b, arena, slots)?)));
                pair.unwrap_or_else(|error| {
                    failed = Some(error);
                    slot_a.cmp(slot_b)
                })
            })
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(self
                .sorted
                .get_or_init(|| keys.into_iter().map(|(_, slot)| slot).collect())),
        }
    }
}

impl Loose {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Hashed(hashed) => hashed.slots.is_empty(),
            Self::Tree(tree) => tree.is_empty(),
        }
    }

    /// The newest slot of `key`.
    #[inline]
    pub(super) fn get(&self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<Option<u32>> {
        match self {
            Self::Hashed(hashed) => Ok(hashed
                .find(key, arena, slots)?
                .and_then(|(slot, same)| same.then_some(slot))),
            Self::Tree(tree) => Ok(tree.get(key).copied()),
        }
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
        if let Self::Hashed(hashed) = self
            && hashed.sorted.get().is_none()
            && !arena.spilled()
        {
            let found = hashed.find(key, arena, slots)?;
            if found.is_none_or(|(_, same)| same) {
                return Ok(hashed.slots.insert(hash_of(key), slot));
            }
        }
        Ok(self.tree(arena, slots)?.insert(key.into(), slot))
    }

    /// Forgets `key`, which is there.
    pub(super) fn remove(&mut self, key: &[u8], arena: &Arena, slots: &[Slot]) -> Result<()> {
        match self {
            Self::Hashed(hashed) if hashed.sorted.get().is_none() => {
                hashed.slots.remove(&hash_of(key));
            }
            _ => {
                self.tree(arena, slots)?.remove(key);
            }
        }
        Ok(())
    }

    /// The keys as a tree, from now on.
    fn tree(&mut self, arena: &Arena, slots: &[Slot]) -> Result<&mut BTreeMap<Box<[u8]>, u32>> {
        if let Self::Hashed(hashed) = self {
            let mut tree = BTreeMap::new();
            for &slot in hashed.slots.values() {
                tree.insert(key_of(slot, arena, slots)?.into(), slot);
            }
            *self = Self::Tree(tree);
        }
        match self {
            Self::Tree(tree) => Ok(tree),
            Self::Hashed(_) => Err(helios_base::Error::internal("the keys became a tree")),
        }
    }

    /// The newest slot of the first key in `range`, which is not empty, or of the last with
    /// `reverse`.
    pub(super) fn next(
        &self,
        range: Bounds<'_>,
        reverse: bool,
        arena: &Arena,
        slots: &[Slot],
    ) -> Result<Option<u32>> {
        let hashed = match self {
            Self::Hashed(hashed) if hashed.slots.is_empty() => return Ok(None),
            Self::Hashed(hashed) => hashed,
            Self::Tree(tree) => {
                let mut range = tree.range::<[u8], _>(range);
                let next = if reverse {
                    range.next_back()
                } else {
                    range.next()
                };
                return Ok(next.map(|(_, &slot)| slot));
            }
        };
        let sorted = hashed.sorted(arena, slots)?;
        let (from, upto) = super::keymap::places(sorted, range, arena, slots)?;
        let place = if reverse { upto.wrapping_sub(1) } else { from };
        Ok(if from < upto {
            sorted.get(place).copied()
        } else {
            None
        })
    }

    /// The newest slot of every key, in key order.
    pub(super) fn in_order(&self, arena: &Arena, slots: &[Slot]) -> Result<Cow<'_, [u32]>> {
        match self {
            Self::Hashed(hashed) => Ok(Cow::Borrowed(hashed.sorted(arena, slots)?)),
            Self::Tree(tree) => Ok(tree.values().copied().collect::<Vec<_>>().into()),
        }
    }
}
