//! Entries of an index in key order.

use std::sync::Arc;

use helios_base::{BranchId, IndexId, Result};
use helios_kv::KvSnapshot;

use super::Guard;
use super::branch::BranchKeys;
use super::merged::{Merged, Side};
use super::own::OwnKeys;
use crate::pipeline::SharedWrites;
use crate::row::Bounds;

/// Entries of one index in key order: candidates, each key once.
///
/// Lives on its own: the snapshot it came from may go.
pub struct KeyCursor {
    keys: Keys,
    _guard: Guard,
}

enum Keys {
    /// A branch without a parent, and no own entries.
    One(BranchKeys),
    Many(Merged<KeySide>),
}

enum KeySide {
    Own(OwnKeys),
    Branch(BranchKeys),
}

impl Side for KeySide {
    fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Own(own) => own.key(),
            Self::Branch(keys) => keys.key(),
        }
    }

    fn advance(&mut self, reverse: bool) -> Result<()> {
        match self {
            Self::Own(own) => own.advance(reverse),
            Self::Branch(keys) => keys.advance(reverse),
        }
    }
}

impl KeyCursor {
    pub(crate) fn new(
        kv: &Arc<dyn KvSnapshot>,
        branches: impl Iterator<Item = BranchId>,
        index: IndexId,
        range: Bounds<'_>,
        reverse: bool,
        guard: Guard,
    ) -> Result<Self> {
        let mut branches = branches
            .map(|branch| BranchKeys::new(kv, index.0, branch, range, reverse))
            .collect::<Result<Vec<_>>>()?;
        let keys = match branches.pop() {
            Some(only) if branches.is_empty() => Keys::One(only),
            last => {
                let sides = branches.into_iter().chain(last).map(KeySide::Branch);
                Keys::Many(Merged::new(sides.collect(), reverse))
            }
        };
        Ok(Self {
            keys,
            _guard: guard,
        })
    }

    /// Adds own entries. Call it before the first key.
    pub(crate) fn with_own(
        self,
        writes: SharedWrites,
        index: IndexId,
        limit: usize,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Result<Self> {
        let merged = match self.keys {
            Keys::One(only) => Merged::new(vec![KeySide::Branch(only)], reverse),
            Keys::Many(merged) => merged,
        };
        let own = KeySide::Own(OwnKeys::new(writes, index, limit, range));
        Ok(Self {
            keys: Keys::Many(merged.with_nearest(own)),
            _guard: self._guard,
        })
    }

    /// The next key, or `None` at the end. The key is valid until the next call.
    ///
    /// # Errors
    /// As [`super::RowCursor::next`].
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        match &mut self.keys {
            Keys::One(keys) => Ok(if keys.step()? { keys.key() } else { None }),
            Keys::Many(merged) => Ok(match merged.next()? {
                Some(number) => merged.side(number).and_then(Side::key),
                None => None,
            }),
        }
    }

    /// The remaining keys, copied: for tests and small results.
    ///
    /// # Errors
    /// As [`super::RowCursor::next`].
    pub fn collect(mut self) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        while let Some(key) = self.next()? {
            keys.push(key.to_vec());
        }
        Ok(keys)
    }
}
