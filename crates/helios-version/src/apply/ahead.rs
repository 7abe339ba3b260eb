//! Rows of a large commit, held back until the versions that they replace can be read together.

use std::ops::Range;

use bytes::Bytes;
use helios_base::{BranchId, Result, TableId};
use helios_kv::{Keyspace, KvSnapshot};

use crate::cache::Newest;
use crate::keys::{PREFIX, prefix};
use crate::read::newest_of;

/// Rows whose old versions are read together.
const ROWS: usize = 256;

/// What rows are shown to: table, key, content, and the newest version that there is.
type Visit<'v> = dyn FnMut(TableId, &[u8], Option<&[u8]>, &Newest) -> Result<()> + 'v;

/// A row that is held back.
struct Held {
    /// Its key, with prefix, and its content.
    key: Range<usize>,
    row: Option<Range<usize>>,
    /// Whether the branch is known to have no version of it.
    fresh: bool,
}

/// Rows of one table, in the order in which they came.
#[derive(Default)]
pub(super) struct Ahead {
    table: TableId,
    bytes: Vec<u8>,
    rows: Vec<Held>,
}

impl Ahead {
    /// Whether a row of `table` must wait until those that are held are let go.
    pub(super) fn is_full_for(&self, table: TableId) -> bool {
        self.rows.len() >= ROWS || (self.table != table && !self.rows.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Holds a row back.
    pub(super) fn hold(
        &mut self,
        (table, branch): (TableId, BranchId),
        pk: &[u8],
        row: Option<&[u8]>,
        fresh: bool,
    ) {
        self.table = table;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&prefix(table.0, branch));
        self.bytes.extend_from_slice(pk);
        let key = start..self.bytes.len();
        let row = row.map(|row| {
            self.bytes.extend_from_slice(row);
            key.end..self.bytes.len()
        });
        self.rows.push(Held { key, row, fresh });
    }

    /// Lets all rows go: shows each with its newest version outside of segments.
    pub(super) fn let_go(&mut self, kv: &dyn KvSnapshot, visit: &mut Visit<'_>) -> Result<()> {
        let bytes = &self.bytes;
        let slice = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let mut values = Vec::new();
        let mut places = vec![None; self.rows.len()];
        let known = self.rows.iter().enumerate().filter(|(_, row)| !row.fresh);
        let (numbers, keys): (Vec<usize>, Vec<&[u8]>) =
            known.map(|(number, row)| (number, slice(&row.key))).unzip();
        kv.show_each(Keyspace::Current, &keys, &mut |at, value| {
            let start = values.len();
            values.extend_from_slice(value);
            if let Some(place) = numbers.get(at).and_then(|number| places.get_mut(*number)) {
                *place = Some(start..values.len());
            }
            Ok(())
        })?;
        let values = Bytes::from(values);
        for (held, place) in self.rows.iter().zip(places) {
            let old = match place {
                Some(place) => newest_of(values.slice(place))?,
                None => Newest::Absent,
            };
            let pk = slice(&held.key).get(PREFIX..).unwrap_or_default();
            visit(self.table, pk, held.row.as_ref().map(slice), &old)?;
        }
        self.bytes.clear();
        self.rows.clear();
        Ok(())
    }
}
