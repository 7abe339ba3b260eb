//! Own writes made before a cursor was opened.

use std::ops::Bound;

use helios_base::{IndexId, Result, TableId};

use super::merged::Side;
use crate::pipeline::SharedWrites;
use crate::row::Bounds;
use crate::writes::Own;

/// Where a cursor is in its transaction's own writes.
struct Place {
    writes: SharedWrites,
    limit: usize,
    range: (Bound<Vec<u8>>, Bound<Vec<u8>>),
}

impl Place {
    fn new(writes: SharedWrites, limit: usize, range: Bounds<'_>) -> Self {
        Self {
            writes,
            limit,
            range: (range.0.map(<[u8]>::to_vec), range.1.map(<[u8]>::to_vec)),
        }
    }

    /// Leaves `key` behind.
    fn pass(&mut self, key: Vec<u8>, reverse: bool) {
        if reverse {
            self.range.1 = Bound::Excluded(key);
        } else {
            self.range.0 = Bound::Excluded(key);
        }
    }

    fn rest(&self) -> Bounds<'_> {
        (
            self.range.0.as_ref().map(Vec::as_slice),
            self.range.1.as_ref().map(Vec::as_slice),
        )
    }
}

/// Own rows of a table.
pub(super) struct OwnRows {
    place: Place,
    table: TableId,
    head: Option<(Vec<u8>, Own)>,
}

impl OwnRows {
    pub(super) fn new(
        writes: SharedWrites,
        table: TableId,
        limit: usize,
        range: Bounds<'_>,
    ) -> Self {
        Self {
            place: Place::new(writes, limit, range),
            table,
            head: None,
        }
    }

    /// The row, unless the write deleted it.
    pub(super) fn row(&self) -> Option<&[u8]> {
        match &self.head {
            Some((_, Own::Put(row))) => Some(row),
            _ => None,
        }
    }
}

impl Side for OwnRows {
    fn key(&self) -> Option<&[u8]> {
        self.head.as_ref().map(|(key, _)| key.as_slice())
    }

    fn advance(&mut self, reverse: bool) -> Result<()> {
        if let Some((key, _)) = self.head.take() {
            self.place.pass(key, reverse);
        }
        let (rest, limit) = (self.place.rest(), self.place.limit);
        let writes = self.place.writes.read();
        self.head = writes.next_row(self.table, rest, reverse, limit)?;
        Ok(())
    }
}

/// Own entries of an index.
pub(super) struct OwnKeys {
    place: Place,
    index: IndexId,
    head: Option<Vec<u8>>,
}

impl OwnKeys {
    pub(super) fn new(
        writes: SharedWrites,
        index: IndexId,
        limit: usize,
        range: Bounds<'_>,
    ) -> Self {
        Self {
            place: Place::new(writes, limit, range),
            index,
            head: None,
        }
    }
}

impl Side for OwnKeys {
    fn key(&self) -> Option<&[u8]> {
        self.head.as_deref()
    }

    fn advance(&mut self, reverse: bool) -> Result<()> {
        if let Some(key) = self.head.take() {
            self.place.pass(key, reverse);
        }
        let (rest, limit) = (self.place.rest(), self.place.limit);
        let writes = self.place.writes.read();
        self.head = writes.next_entry(self.index, rest, reverse, limit)?;
        Ok(())
    }
}
