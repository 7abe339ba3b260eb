//! The sparse key index of a chunk: the key of every 1,024th row.
//!
//! | field | bytes                                                                  |
//! |-------|------------------------------------------------------------------------|
//! | keys  | varint: how many                                                       |
//! | each  | bytes shared with the previous key (varint), the others (length, bytes)|

use crate::error::{Error, Result};
use crate::format::bytes::{In, Out};

/// Rows per entry: one decoded unit of most encodings.
pub(crate) const STRIDE: usize = 1024;

/// The first key of each group of [`STRIDE`] rows, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SparseIndex {
    keys: Vec<Box<[u8]>>,
}

impl SparseIndex {
    /// Of a chunk's keys, row by row.
    pub fn of<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Self {
        Self {
            keys: keys.step_by(STRIDE).map(Box::from).collect(),
        }
    }

    /// Of those keys themselves.
    pub fn of_firsts(firsts: &[Vec<u8>]) -> Self {
        Self {
            keys: firsts.iter().map(|key| key.as_slice().into()).collect(),
        }
    }

    /// The groups that rows of `key` may be in, first and one past the last.
    pub fn groups(&self, key: &[u8]) -> std::ops::Range<usize> {
        // Equal keys may begin in the group before the one whose first key equals it.
        let first = self.keys.partition_point(|start| start.as_ref() < key);
        let end = self.keys.partition_point(|start| start.as_ref() <= key);
        first.saturating_sub(1)..end
    }

    /// The first key of the group.
    pub fn first_of(&self, group: usize) -> Option<&[u8]> {
        self.keys.get(group).map(Box::as_ref)
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Out::default();
        out.varint(self.keys.len() as u64);
        let mut before: &[u8] = &[];
        for key in &self.keys {
            let shared = key.iter().zip(before).take_while(|(a, b)| a == b).count();
            out.varint(shared as u64);
            out.bytes(key.get(shared..).unwrap_or_default());
            before = key;
        }
        out.0
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut input = In::new(bytes);
        let count = input.count(2)?;
        let mut keys: Vec<Box<[u8]>> = Vec::with_capacity(count);
        for _ in 0..count {
            let shared = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
            let before = keys.last().map(Box::as_ref).unwrap_or_default();
            let prefix = before
                .get(..shared)
                .ok_or_else(|| Error::damaged("key index shares more than there is"))?;
            let key = [prefix, input.bytes()?].concat();
            if keys
                .last()
                .is_some_and(|last| last.as_ref() > key.as_slice())
            {
                return Err(Error::damaged("key index is not ascending"));
            }
            keys.push(key.into());
        }
        input.end()?;
        Ok(Self { keys })
    }
}
