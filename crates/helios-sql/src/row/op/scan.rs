//! Reading stored tables.

use std::sync::Arc;

use helios_base::{Error, IndexId, Result, Row, Scn, TableId, Value};
use helios_table::catalog::TableDef;
use helios_table::row::{IndexRules, KeyRange, StoredRow};
use helios_version::{KeyCursor, RowCursor};

use super::super::reader::Reader;
use super::super::recheck::Recheck;
use super::super::scan::{Path, Reach, ScanNode};
use super::super::time_travel;
use super::{BoxOperator, Cx, Operator, source};

/// Starts a scan in the way its path says.
pub(super) fn open(node: &Arc<ScanNode>, cx: &Cx<'_>) -> Result<BoxOperator> {
    if let (Some(recheck), true) = (&cx.exec.recheck, node.key)
        && recheck.table == node.table.id
    {
        return open_recheck(node, recheck, cx);
    }
    let (reader, table) = match &node.at {
        None => (cx.exec.reader.clone(), node.table.clone()),
        Some(at) => match time_travel::table_at(node, at, cx)? {
            Some(found) => found,
            None => return Ok(Box::new(source::Empty)),
        },
    };
    let output = Output {
        node: node.clone(),
        table,
        row: Vec::new(),
        steps: 0,
    };
    Ok(match &node.path {
        Path::Full => Box::new(KeyScan {
            output,
            reader,
            ranges: vec![KeyRange::ALL],
            cursor: None,
        }),
        Path::Key(reach) => {
            if let Some(key) = point(node, reach, cx)? {
                return Ok(match key {
                    Some(key) => Box::new(PointGet {
                        output,
                        reader,
                        key: Some(key),
                    }),
                    None => Box::new(source::Empty),
                });
            }
            let types = node.table.shape().key_columns();
            let keys = types
                .iter()
                .map(|(_, ty)| (ty, helios_base::key::KeyOrder::ASC));
            Box::new(KeyScan {
                output,
                reader,
                ranges: in_reading_order(reach.ranges(keys, cx)?, node.reverse),
                cursor: None,
            })
        }
        Path::Index(at, reach) => {
            let rules = index(node, *at)?;
            let keys: Vec<_> = rules.key_types().collect();
            Box::new(IndexScan {
                index: *at,
                storage: rules.storage(),
                ranges: in_reading_order(reach.ranges(keys.into_iter(), cx)?, node.reverse),
                cursor: None,
                output,
                reader,
                keys: Vec::new(),
            })
        }
    })
}

/// Ranges are taken from the end of the list.
fn in_reading_order(mut ranges: Vec<KeyRange>, reverse: bool) -> Vec<KeyRange> {
    if !reverse {
        ranges.reverse();
    }
    ranges
}

/// The stored key of a point lookup: `None` if it is none, inner `None` if no row can be there.
fn point(node: &ScanNode, reach: &Reach, cx: &Cx<'_>) -> Result<Option<Option<Vec<u8>>>> {
    let Some(exprs) = reach.as_point() else {
        return Ok(None);
    };
    let mut key = Vec::with_capacity(exprs.len() * 10);
    let types = node.table.shape().key_columns();
    for (expr, (_, ty)) in exprs.zip(types) {
        match super::super::scan::fit(cx.eval(expr, &[])?, ty) {
            super::super::scan::Fit::Value(value) => {
                helios_base::key::encode(&value, ty, helios_base::key::KeyOrder::ASC, &mut key)?;
            }
            _ => return Ok(Some(None)),
        }
    }
    Ok(Some(Some(key)))
}

fn index(node: &ScanNode, at: usize) -> Result<&IndexRules> {
    node.rules
        .indexes
        .get(at)
        .ok_or_else(|| Error::internal("the plan's index is not there"))
}

fn open_recheck(node: &Arc<ScanNode>, recheck: &Recheck, cx: &Cx<'_>) -> Result<BoxOperator> {
    let mut row = Row::with_capacity(node.reads.len() + 1);
    for position in &node.reads {
        row.push(
            recheck
                .values
                .get(*position)
                .cloned()
                .unwrap_or(Value::Null),
        );
    }
    // The path no longer assures its conditions, so all are asked.
    let holds = cx.all_true(&node.conditions, &row)?;
    row.push(Value::Bytea(recheck.key.clone()));
    Ok(Box::new(Single(holds.then_some(row))))
}

/// One row that is already there.
struct Single(Option<Row>);

impl Operator for Single {
    fn next(&mut self, _cx: &Cx<'_>) -> Result<Option<Row>> {
        Ok(self.0.take())
    }
}

/// Turns stored rows into output rows.
struct Output {
    node: Arc<ScanNode>,
    /// The definition that the stored rows have where they are read.
    table: Arc<TableDef>,
    row: Row,
    steps: usize,
}

impl Output {
    /// The output row, unless a filter rejects it.
    fn emit(&mut self, key: &[u8], begin: Scn, row: &[u8], cx: &Cx<'_>) -> Result<Option<Row>> {
        self.steps += 1;
        cx.poll(self.steps)?;
        let stored = StoredRow::new(self.table.shape(), key, begin, row)?;
        self.row.clear();
        stored.project(&self.node.reads, &mut self.row)?;
        // The key is not read by filters, and a rejected row need not have it.
        if !cx.all_true(&self.node.filters, &self.row)? {
            return Ok(None);
        }
        let mut out = std::mem::take(&mut self.row);
        if self.node.key {
            out.push(Value::Bytea(Arc::from(key)));
        }
        Ok(Some(out))
    }

    fn storage(&self) -> TableId {
        self.table.storage
    }
}

/// At most one row, by its stored key.
struct PointGet {
    output: Output,
    reader: Reader,
    key: Option<Vec<u8>>,
}

impl Operator for PointGet {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let Some(key) = self.key.take() else {
            return Ok(None);
        };
        match self.reader.get(self.output.storage(), &key)? {
            Some(version) => self.output.emit(&key, version.begin, &version.row, cx),
            None => Ok(None),
        }
    }
}

/// Rows in ranges of the stored key.
struct KeyScan {
    output: Output,
    reader: Reader,
    /// Those that are left, the next one last.
    ranges: Vec<KeyRange>,
    cursor: Option<RowCursor>,
}

impl Operator for KeyScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            let cursor = match &mut self.cursor {
                Some(cursor) => cursor,
                None => {
                    let Some(range) = self.ranges.pop() else {
                        return Ok(None);
                    };
                    let reverse = self.output.node.reverse;
                    let table = self.output.storage();
                    self.cursor
                        .insert(self.reader.scan(table, range.bounds(), reverse)?)
                }
            };
            while let Some(row) = cursor.next()? {
                if let Some(row) = self.output.emit(row.pk, row.begin, row.row, cx)? {
                    return Ok(Some(row));
                }
            }
            self.cursor = None;
        }
    }
}

/// Rows found through an index.
struct IndexScan {
    output: Output,
    reader: Reader,
    /// Position of the index in the table's rules.
    index: usize,
    storage: IndexId,
    ranges: Vec<KeyRange>,
    cursor: Option<KeyCursor>,
    /// Scratch: the keys that a candidate row really has.
    keys: Vec<u8>,
}

impl IndexScan {
    /// The row of an entry, if the row still has these keys.
    fn row_of(&mut self, entry: &[u8], cx: &Cx<'_>) -> Result<Option<Row>> {
        let node = self.output.node.clone();
        let rules = index(&node, self.index)?;
        let (keys, pk) = rules.split(entry)?;
        let Some(version) = self.reader.get(self.output.storage(), pk)? else {
            return Ok(None);
        };
        let stored = StoredRow::new(self.output.table.shape(), pk, version.begin, &version.row)?;
        let mut values = vec![Value::Null; self.output.table.columns.len()];
        stored.fill(rules.reads(), &mut values)?;
        self.keys.clear();
        if !rules.encode_keys(&values, &mut self.keys)? || self.keys != keys {
            return Ok(None);
        }
        self.output.emit(pk, version.begin, &version.row, cx)
    }
}

impl Operator for IndexScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            let mut cursor = match self.cursor.take() {
                Some(cursor) => cursor,
                None => {
                    let Some(range) = self.ranges.pop() else {
                        return Ok(None);
                    };
                    let reverse = self.output.node.reverse;
                    self.reader
                        .index_scan(self.storage, range.bounds(), reverse)?
                }
            };
            while let Some(entry) = cursor.next()? {
                if let Some(row) = self.row_of(entry, cx)? {
                    self.cursor = Some(cursor);
                    return Ok(Some(row));
                }
            }
        }
    }
}
