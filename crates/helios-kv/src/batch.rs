//! Changes that happen together.

use std::ops::Bound;

use crate::Keyspace;

/// Bytes of one arena chunk; a larger entry gets a chunk of its own.
const CHUNK: usize = 64 * 1024;
/// Bytes that the first chunk has room for at once.
const FIRST: usize = 1024;

/// An ordered list of changes that an engine applies as one.
///
/// Changes take effect in the order of the calls: a later one wins over an earlier one of the same
/// key, and [`Batch::delete_range`] removes what earlier calls put into the range. Keys and values
/// are copied into an arena, so building a batch allocates rarely. Filling it in ascending key
/// order per keyspace makes it cheaper to apply, most of all when it is large.
#[derive(Debug, Default)]
pub struct Batch {
    sealed: Vec<Vec<u8>>,
    open: Vec<u8>,
    pub(crate) ops: Vec<Op>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub keyspace: Keyspace,
    pub kind: OpKind,
    chunk: u32,
    start: usize,
    key: u32,
    value: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpKind {
    Put,
    Delete,
    /// The key is the start and the value the end of a half-open range; an unbounded end is kept
    /// as a flag because no byte string is the largest.
    DeleteRange {
        unbounded: bool,
    },
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        self.push(keyspace, OpKind::Put, key, value);
    }

    /// Removes `key`; nothing happens if it is absent.
    pub fn delete(&mut self, keyspace: Keyspace, key: &[u8]) {
        self.push(keyspace, OpKind::Delete, key, &[]);
    }

    /// Removes every key in `range`. Cheap for the caller however many keys that is.
    pub fn delete_range(&mut self, keyspace: Keyspace, range: (Bound<&[u8]>, Bound<&[u8]>)) {
        // The smallest byte string above `key` is `key` followed by a zero.
        let above = |key: &[u8]| {
            let mut next = Vec::with_capacity(key.len() + 1);
            next.extend_from_slice(key);
            next.push(0);
            next
        };
        let start = match range.0 {
            Bound::Included(key) => key.to_vec(),
            Bound::Excluded(key) => above(key),
            Bound::Unbounded => Vec::new(),
        };
        let end = match range.1 {
            Bound::Included(key) => Some(above(key)),
            Bound::Excluded(key) => Some(key.to_vec()),
            Bound::Unbounded => None,
        };
        let kind = OpKind::DeleteRange {
            unbounded: end.is_none(),
        };
        self.push(keyspace, kind, &start, end.as_deref().unwrap_or_default());
    }

    /// Number of changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Bytes of the keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Moves the changes of `other` to the end of this batch.
    pub fn append(&mut self, other: Self) {
        for op in &other.ops {
            let (key, value) = (other.key(op), other.value(op));
            self.push(op.keyspace, op.kind, key, value);
        }
    }

    fn push(&mut self, keyspace: Keyspace, kind: OpKind, key: &[u8], value: &[u8]) {
        let need = key.len() + value.len();
        if self.open.len() + need > CHUNK && !self.open.is_empty() {
            let full = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK.max(need)));
            self.sealed.push(full);
        }
        if self.ops.is_empty() {
            // Most batches are a few rows.
            self.open.reserve(FIRST.max(need));
            self.ops.reserve(8);
        }
        let start = self.open.len();
        self.open.extend_from_slice(key);
        self.open.extend_from_slice(value);
        self.bytes += need;
        self.ops.push(Op {
            keyspace,
            kind,
            chunk: self.sealed.len() as u32,
            start,
            key: key.len() as u32,
            value: value.len() as u32,
        });
    }

    fn chunk(&self, op: &Op) -> &[u8] {
        self.sealed.get(op.chunk as usize).unwrap_or(&self.open)
    }

    pub(crate) fn key(&self, op: &Op) -> &[u8] {
        &self.chunk(op)[op.start..op.start + op.key as usize]
    }

    pub(crate) fn value(&self, op: &Op) -> &[u8] {
        let start = op.start + op.key as usize;
        &self.chunk(op)[start..start + op.value as usize]
    }
}
