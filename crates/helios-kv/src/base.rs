//! The state file as of one checkpoint, for reading.

use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{Error, Result};
use redb::{AccessGuard, Range, ReadOnlyTable, ReadTransaction, ReadableTableMetadata};

use crate::Keyspace;
use crate::durable::KvSpace;
use crate::state::{Raw, definition, guarded, state_error};

/// One state of the file. Its pages stay as they are while it lives. The default is no
/// file, which cannot be read.
#[derive(Default)]
pub(crate) struct Base {
    tables: Vec<ReadOnlyTable<Raw, Raw>>,
}

impl Base {
    /// Opens every keyspace of what `transaction` sees.
    pub fn new(transaction: &ReadTransaction) -> Result<Self> {
        let tables: Result<_> = Keyspace::ALL
            .into_iter()
            .map(|keyspace| {
                transaction
                    .open_table(definition(keyspace))
                    .map_err(|error| state_error("open a table of", error))
            })
            .collect();
        Ok(Self { tables: tables? })
    }

    #[inline]
    fn table(&self, keyspace: Keyspace) -> Result<&ReadOnlyTable<Raw, Raw>> {
        self.tables.get(keyspace.index()).ok_or_else(|| {
            Error::corrupt("the state file could not be read again after maintenance")
        })
    }

    /// Adds up what the trees of all keyspaces take.
    pub fn measure(&self, space: &mut KvSpace) -> Result<()> {
        for table in &self.tables {
            let stats = guarded("read", || {
                table.stats().map_err(|error| state_error("read", error))
            })?;
            space.stored_bytes += stats.stored_bytes();
            space.metadata_bytes += stats.metadata_bytes();
            space.fragmented_bytes += stats.fragmented_bytes();
        }
        Ok(())
    }

    /// The value of `key`.
    pub fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let table = self.table(keyspace)?;
        let found = table.get(key).map_err(|error| state_error("read", error))?;
        Ok(found.map(|guard| Bytes::copy_from_slice(guard.value())))
    }
}

/// A walk over one keyspace in one direction.
pub(crate) struct BaseWalk {
    base: Arc<Base>,
    keyspace: Keyspace,
    reverse: bool,
    range: Option<Range<'static, Raw, Raw>>,
    current: Option<(AccessGuard<'static, Raw>, AccessGuard<'static, Raw>)>,
}

impl BaseWalk {
    /// A walk that stands nowhere yet.
    pub fn new(base: &Arc<Base>, keyspace: Keyspace, reverse: bool) -> Self {
        Self {
            base: Arc::clone(base),
            keyspace,
            reverse,
            range: None,
            current: None,
        }
    }

    #[inline]
    pub fn key(&self) -> Option<&[u8]> {
        self.current.as_ref().map(|(key, _)| key.value())
    }

    #[inline]
    pub fn current(&self) -> Option<(&[u8], &[u8])> {
        let (key, value) = self.current.as_ref()?;
        Some((key.value(), value.value()))
    }

    /// Stands on nothing from now on, until a seek.
    pub fn finish(&mut self) {
        self.range = None;
        self.current = None;
    }

    /// Moves to the next entry in the walk's direction.
    #[inline]
    pub fn step(&mut self) -> Result<()> {
        let Some(range) = &mut self.range else {
            self.current = None;
            return Ok(());
        };
        let (reverse, current) = (self.reverse, &mut self.current);
        let step = guarded("read", || {
            // Assigned in place: the guards are large.
            *current = if reverse {
                range.next_back()
            } else {
                range.next()
            }
            .transpose()
            .map_err(|error| state_error("read", error))?;
            // Looked at here, where damage can be caught, both are sound from now on.
            if let Some((key, value)) = current {
                black_box((key.value(), value.value()));
            }
            Ok(())
        });
        if step.is_err() {
            self.finish();
        }
        step
    }

    /// Goes to the first entry from `from` on in the walk's direction, to end at `to`.
    pub fn seek(&mut self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<()> {
        self.finish();
        let (start, end) = if self.reverse { (to, from) } else { (from, to) };
        let table = self.base.table(self.keyspace)?;
        if is_inverted(start, end) {
            return Ok(());
        }
        self.range = Some(guarded("read", || {
            table
                .range::<&[u8]>((start, end))
                .map_err(|error| state_error("read", error))
        })?);
        self.step()
    }
}

/// Whether no key can lie between the bounds.
fn is_inverted(start: Bound<&[u8]>, end: Bound<&[u8]>) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start >= end,
    }
}
