//! The state file as of one checkpoint, for reading.

use std::cell::Cell;
use std::hint::black_box;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{Error, Result};
use redb::{
    AccessGuard, Range, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata,
};

use crate::Keyspace;
use crate::durable::KvSpace;
use crate::kv::Visit;
use crate::state::{Raw, definition, guarded, guarded_but, state_error};

/// After so many entries in a row a run takes a cursor of its own, which is cheaper for each entry
/// but must find its place first.
const RANGE_RUN: usize = 32;

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
        guarded("read", || {
            let found = table.get(key).map_err(|error| state_error("read", error))?;
            Ok(found.map(|guard| Bytes::copy_from_slice(guard.value())))
        })
    }
}

impl Base {
    /// The first entry from `from` on, if it is not beyond `upto`.
    pub fn first(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        upto: &[u8],
    ) -> Result<Option<(Bytes, Bytes)>> {
        let table = self.table(keyspace)?;
        let failed = |error: redb::StorageError| state_error("read", error);
        guarded("read", || {
            let mut cursor = table.lower_bound(Bound::Included(from)).map_err(failed)?;
            Ok(match cursor.next().map_err(failed)? {
                Some((key, value)) if key.value() <= upto => Some((
                    Bytes::copy_from_slice(key.value()),
                    Bytes::copy_from_slice(value.value()),
                )),
                _ => None,
            })
        })
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

    /// Shows the entries from here on to `visit`, not beyond `until`; the walk's own end is `to`.
    /// Afterwards the walk stands on the entry with which `visit` broke, else on the first one
    /// beyond `until`.
    pub fn run(
        &mut self,
        until: Bound<&[u8]>,
        to: Bound<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        for _ in 0..RANGE_RUN {
            match self.current() {
                Some((key, value)) if is_within(key, until, self.reverse) => {
                    if visit(key, value)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                _ => return Ok(ControlFlow::Continue(())),
            }
            self.step()?;
        }
        let Some((key, _)) = self.current() else {
            return Ok(ControlFlow::Continue(()));
        };
        let from = key.to_vec();
        self.finish();
        let (place, flow) = self.run_on(&from, until, visit)?;
        if let Some(place) = place {
            self.seek(Bound::Included(&place), to)?;
        }
        Ok(flow)
    }

    /// [`BaseWalk::run`] from a key on, without standing anywhere: returns where to stand, nowhere
    /// at the end.
    fn run_on(
        &self,
        from: &[u8],
        until: Bound<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(Option<Vec<u8>>, ControlFlow<()>)> {
        let table = self.base.table(self.keyspace)?;
        let failed = |error: redb::StorageError| state_error("read", error);
        // What `visit` does is not the file's fault.
        let visiting = Cell::new(false);
        guarded_but("read", &visiting, || {
            let from = Bound::Included(from);
            let mut cursor = if self.reverse {
                table.upper_bound(from)
            } else {
                table.lower_bound(from)
            }
            .map_err(failed)?;
            loop {
                let entry = if self.reverse {
                    cursor.prev()
                } else {
                    cursor.next()
                };
                let Some((key, value)) = entry.map_err(failed)? else {
                    return Ok((None, ControlFlow::Continue(())));
                };
                let key = key.value();
                if !is_within(key, until, self.reverse) {
                    return Ok((Some(key.to_vec()), ControlFlow::Continue(())));
                }
                let value = value.value();
                visiting.set(true);
                let flow = visit(key, value)?;
                visiting.set(false);
                if flow.is_break() {
                    return Ok((Some(key.to_vec()), flow));
                }
            }
        })
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

/// Whether `key` is not beyond `until` in a direction.
#[inline]
pub(crate) fn is_within(key: &[u8], until: Bound<&[u8]>, reverse: bool) -> bool {
    match until {
        Bound::Unbounded => true,
        Bound::Included(until) if reverse => key >= until,
        Bound::Included(until) => key <= until,
        Bound::Excluded(until) if reverse => key > until,
        Bound::Excluded(until) => key < until,
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
