//! Rows found through an index.
//!
//! Entries are read ahead and their rows looked up together in key order, for rows that follow each
//! other in an index often lie near each other, too.

use std::collections::VecDeque;
use std::ops::Range;

use helios_base::{IndexId, Result, Row, Value};
use helios_table::row::{IndexRules, KeyRange, StoredRow};
use helios_version::{KeyCursor, RowRef};

use super::{Output, Wanted, index};
use crate::row::op::{Cx, Operator};
use crate::row::reader::Reader;

/// Entries that are read ahead: first so many, then three times as many each time up to a limit.
const AHEAD_MIN: usize = 12;
const AHEAD_MAX: usize = 324;

/// What an entry takes, about.
const ENTRY_BYTES: usize = 32;

/// Rows found through an index.
pub(super) struct IndexScan {
    output: Output,
    reader: Reader,
    /// Position of the index in the table's rules.
    index: usize,
    storage: IndexId,
    /// Those that are left, the next one last.
    ranges: Vec<KeyRange>,
    cursor: Option<KeyCursor>,
    /// Entries that were read ahead.
    entries: Entries,
    /// What became of them, in their order.
    ready: VecDeque<Row>,
    /// How many were read ahead the last time.
    ahead: usize,
    check: Check,
}

/// Entries of an index, one after the other in one buffer.
#[derive(Default)]
struct Entries {
    bytes: Vec<u8>,
    /// Where each one's keys are, and where the stored key of its row ends.
    places: Vec<(Range<usize>, usize)>,
    /// Their numbers in the order of the rows' keys, if that is not their own.
    order: Vec<usize>,
    /// What comes out of each.
    rows: Vec<Option<Row>>,
}

impl Entries {
    fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
        self.order.clear();
        self.rows.clear();
    }

    /// Makes room for so many, of the length that most have.
    fn reserve(&mut self, count: usize) {
        self.bytes.reserve(count * ENTRY_BYTES);
        self.places.reserve(count);
    }

    fn push(&mut self, rules: &IndexRules, entry: &[u8]) -> Result<()> {
        let (keys, _) = rules.split(entry)?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(entry);
        self.places
            .push((start..start + keys.len(), self.bytes.len()));
        Ok(())
    }

    fn keys(&self, number: usize) -> &[u8] {
        let keys = self.places.get(number).map(|(keys, _)| keys.clone());
        keys.and_then(|keys| self.bytes.get(keys))
            .unwrap_or_default()
    }

    fn pk(&self, number: usize) -> &[u8] {
        let pk = self.places.get(number).map(|(keys, end)| keys.end..*end);
        pk.and_then(|pk| self.bytes.get(pk)).unwrap_or_default()
    }
}

/// Compares an entry with what its row has now.
#[derive(Default)]
struct Check {
    /// Scratch: the keys that a candidate row really has.
    keys: Vec<u8>,
    /// Scratch: the columns that they are made of, at their places in the table.
    values: Vec<Value>,
}

impl Check {
    /// Whether the row has these keys.
    fn holds(&mut self, rules: &IndexRules, row: &StoredRow<'_>, keys: &[u8]) -> Result<bool> {
        row.fill(rules.reads(), &mut self.values)?;
        self.keys.clear();
        Ok(rules.encode_keys(&self.values, &mut self.keys)? && self.keys == keys)
    }
}

impl IndexScan {
    pub(super) fn new(
        index: usize,
        rules: &IndexRules,
        ranges: Vec<KeyRange>,
        output: Output,
        reader: Reader,
    ) -> Self {
        let check = Check {
            keys: Vec::new(),
            values: vec![Value::Null; output.table.columns.len()],
        };
        Self {
            index,
            storage: rules.storage(),
            ranges,
            cursor: None,
            output,
            reader,
            entries: Entries::default(),
            ready: VecDeque::new(),
            ahead: 0,
            check,
        }
    }

    /// Reads entries ahead and makes what comes out of them ready. Returns false at the end.
    fn read_ahead(&mut self, cx: &Cx<'_>) -> Result<bool> {
        let rules = index(&self.output.node, self.index)?;
        // Conditions may fail, or be slow: they are asked of no row that nobody wants.
        self.ahead = match self.output.node.filters.is_empty() {
            true => (self.ahead * 3).clamp(AHEAD_MIN, AHEAD_MAX),
            false => 1,
        };
        self.entries.clear();
        self.entries.reserve(self.ahead);
        while self.entries.places.len() < self.ahead {
            let cursor = match &mut self.cursor {
                Some(cursor) => cursor,
                None => {
                    let Some(range) = self.ranges.pop() else {
                        break;
                    };
                    let reverse = self.output.node.reverse;
                    self.reader.require(self.output.table.storage)?;
                    let opened = self
                        .reader
                        .index_scan(self.storage, range.bounds(), reverse)?;
                    self.cursor.insert(opened)
                }
            };
            match cursor.next()? {
                Some(entry) => self.entries.push(rules, entry)?,
                None => self.cursor = None,
            }
        }
        if self.entries.places.is_empty() {
            return Ok(false);
        }
        self.look_up(cx)?;
        Ok(true)
    }

    /// Looks up the rows of the entries and keeps those that still have their keys.
    fn look_up(&mut self, cx: &Cx<'_>) -> Result<()> {
        let count = self.entries.places.len();
        let mut order = std::mem::take(&mut self.entries.order);
        order.reserve(count);
        order.extend(0..count);
        order.sort_by(|a, b| self.entries.pk(*a).cmp(self.entries.pk(*b)));
        let mut rows = std::mem::take(&mut self.entries.rows);
        rows.resize_with(count, || None);
        let Output {
            node,
            table,
            columns,
            settled,
            row,
            steps,
        } = &mut self.output;
        let rules = index(node, self.index)?;
        let wanted = Wanted {
            node,
            columns: columns.as_deref().unwrap_or(&node.reads),
            filters: settled.as_ref().unwrap_or(&node.filters),
        };
        let (entries, check) = (&self.entries, &mut self.check);
        let pks: Vec<&[u8]> = order.iter().map(|number| entries.pk(*number)).collect();
        let mut keep = |at: usize, found: RowRef<'_>| {
            let Some(&number) = order.get(at) else {
                return Ok(());
            };
            let stored = StoredRow::from_ref(table.shape(), found)?;
            if let Some(place) = rows.get_mut(number)
                && check.holds(rules, &stored, entries.keys(number))?
            {
                *place = wanted.pass(row, steps, &stored, cx)?;
            }
            Ok(())
        };
        self.reader.show_each(table.storage, &pks, &mut keep)?;
        drop(pks);
        self.ready.reserve(count);
        self.ready.extend(rows.drain(..).flatten());
        (self.entries.order, self.entries.rows) = (order, rows);
        Ok(())
    }
}

impl Operator for IndexScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(row));
            }
            if !self.read_ahead(cx)? {
                return Ok(None);
            }
        }
    }
}
