//! Reading stored tables.

mod index_scan;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use helios_base::{Error, Result, Row, Scn, TableId, Value};
use helios_expr::Expr;
use helios_table::catalog::TableDef;
use helios_table::row::{IndexRules, KeyRange, StoredRow};
use helios_version::RowCursor;

use super::super::reader::Reader;
use super::super::recheck::Recheck;
use super::super::scan::{Path, Reach, ScanNode};
use super::super::steady::settled;
use super::super::time_travel;
use super::{BoxOperator, Cx, Operator, source};

/// Starts a scan in the way its path says. `columns` are positions in the table of the columns that
/// are wanted of its rows, if not all that it reads.
pub(super) fn open(
    node: &Arc<ScanNode>,
    columns: Option<&Arc<[usize]>>,
    cx: &Cx<'_>,
) -> Result<BoxOperator> {
    if let (Some(recheck), true) = (&cx.exec.recheck, node.key)
        && recheck.table == node.table.id
    {
        return open_recheck(node, recheck, cx);
    }
    if let Some(versions) = &node.versions {
        return super::versions::open(node, columns, versions, cx);
    }
    let (reader, table) = match &node.at {
        None => (cx.exec.reader.clone(), node.table.clone()),
        Some(at) => {
            let Some(there) = time_travel::there(node, at, cx)? else {
                return Ok(Box::new(source::Empty));
            };
            if !there.same_key || !there.casts.is_empty() {
                return super::recast::open(node, columns, &there, cx);
            }
            (there.reader, there.table)
        }
    };
    let output = Output {
        settled: node
            .unsettled
            .then(|| node.filters.iter().map(|f| settled(f, cx)).collect()),
        columns: columns.cloned(),
        row: Vec::new(),
        steps: 0,
        node: node.clone(),
        table,
    };
    Ok(match &node.path {
        Path::Full => Box::new(KeyScan::new(output, reader, vec![KeyRange::ALL])),
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
            let ranges = in_reading_order(reach.ranges(keys, cx)?, node.reverse);
            Box::new(KeyScan::new(output, reader, ranges))
        }
        Path::Nearest(path) => Box::new(super::nearest::NearestScan::new(
            Arc::clone(path),
            output,
            reader,
        )),
        Path::Index(at, reach) => {
            let rules = index(node, *at)?;
            let keys: Vec<_> = rules.key_types().collect();
            let ranges = in_reading_order(reach.ranges(keys.into_iter(), cx)?, node.reverse);
            Box::new(index_scan::IndexScan::new(
                *at, rules, ranges, output, reader,
            ))
        }
    })
}

/// The ranges of stored keys in which versions are looked for.
pub(super) fn key_ranges(node: &ScanNode, cx: &Cx<'_>) -> Result<Vec<KeyRange>> {
    let Path::Key(reach) = &node.path else {
        return Ok(vec![KeyRange::ALL]);
    };
    let types = node.table.shape().key_columns();
    let keys = types
        .iter()
        .map(|(_, ty)| (ty, helios_base::key::KeyOrder::ASC));
    reach.ranges(keys, cx)
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
pub(super) struct Output {
    pub(super) node: Arc<ScanNode>,
    /// The definition that the stored rows have where they are read.
    pub(super) table: Arc<TableDef>,
    /// What comes out, if not what the node reads.
    columns: Option<Arc<[usize]>>,
    /// The filters for this run, if they have parts that are computed once.
    settled: Option<Vec<Expr>>,
    /// Scratch: what filters read, at its place among the columns that the node reads.
    row: Row,
    steps: usize,
}

impl Output {
    /// The output row, unless a filter rejects it.
    pub(super) fn emit(
        &mut self,
        key: &[u8],
        begin: Scn,
        row: &[u8],
        cx: &Cx<'_>,
    ) -> Result<Option<Row>> {
        let stored = StoredRow::new(self.table.shape(), key, begin, row)?;
        let wanted = Wanted {
            node: &self.node,
            columns: self.columns.as_deref().unwrap_or(&self.node.reads),
            filters: self.settled.as_ref().unwrap_or(&self.node.filters),
        };
        wanted.pass(&mut self.row, &mut self.steps, &stored, cx)
    }

    /// What comes out, if not what the node reads.
    pub(super) fn columns(&self) -> Option<&Arc<[usize]>> {
        self.columns.as_ref()
    }

    /// Makes all that the node reads come out; what came out before.
    pub(super) fn take_columns(&mut self) -> Option<Arc<[usize]>> {
        self.columns.take()
    }

    pub(super) fn storage(&self) -> TableId {
        self.table.storage
    }
}

/// Which rows come out of a scan, and what of them.
struct Wanted<'a> {
    node: &'a ScanNode,
    columns: &'a [usize],
    filters: &'a [Expr],
}

impl Wanted<'_> {
    /// The output row of a stored row, unless a filter rejects it.
    #[inline]
    fn pass(
        &self,
        scratch: &mut Row,
        steps: &mut usize,
        stored: &StoredRow<'_>,
        cx: &Cx<'_>,
    ) -> Result<Option<Row>> {
        *steps += 1;
        cx.poll(*steps)?;
        let node = self.node;
        if !self.filters.is_empty() {
            scratch.resize(node.reads.len(), Value::Null);
            for column in &node.filtered {
                if let (Some(place), Some(position)) =
                    (scratch.get_mut(*column), node.reads.get(*column))
                {
                    *place = stored.value(*position)?;
                }
            }
            if !cx.all_true(self.filters, scratch)? {
                return Ok(None);
            }
        }
        let mut out = Row::with_capacity(self.columns.len() + usize::from(node.key));
        stored.project(self.columns, &mut out)?;
        if node.key {
            out.push(Value::Bytea(Arc::from(stored.key())));
        }
        Ok(Some(out))
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
pub(super) struct KeyScan {
    output: Output,
    reader: Reader,
    /// Those that are left, the next one last.
    ranges: Vec<KeyRange>,
    cursor: Option<RowCursor>,
    /// Rows that were read ahead.
    ready: VecDeque<Row>,
    /// How many were read ahead the last time.
    ahead: usize,
}

/// Rows that a scan reads ahead: first so many, then three times as many each time up to a limit.
const AHEAD_MIN: usize = 8;
const AHEAD_MAX: usize = 216;
/// Stored bytes after which it reads no further ahead.
const AHEAD_BYTES: usize = 1 << 16;

impl KeyScan {
    pub(super) fn new(output: Output, reader: Reader, ranges: Vec<KeyRange>) -> Self {
        Self {
            output,
            reader,
            ranges,
            cursor: None,
            ready: VecDeque::new(),
            ahead: 0,
        }
    }

    /// Reads rows ahead, which is quicker than one by one.
    fn read_ahead(&mut self, cx: &Cx<'_>) -> Result<()> {
        let Some(cursor) = &mut self.cursor else {
            return Ok(());
        };
        self.ahead = (self.ahead * 3).clamp(AHEAD_MIN, AHEAD_MAX);
        let (output, ready, ahead) = (&mut self.output, &mut self.ready, self.ahead);
        let mut bytes = 0;
        let flow = cursor.for_each(&mut |row| {
            ready.extend(output.emit(row.pk, row.begin, row.row, cx)?);
            bytes += row.row.len();
            Ok(match ready.len() >= ahead || bytes >= AHEAD_BYTES {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        })?;
        if flow.is_continue() {
            self.cursor = None;
        }
        Ok(())
    }
}

impl Operator for KeyScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        // Conditions may fail, or be slow: they are asked of no row that nobody wants.
        let reads_ahead = self.output.node.filters.is_empty();
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(row));
            }
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
            if reads_ahead {
                self.read_ahead(cx)?;
                continue;
            }
            while let Some(row) = cursor.next()? {
                if let Some(row) = self.output.emit(row.pk, row.begin, row.row, cx)? {
                    return Ok(Some(row));
                }
            }
            self.cursor = None;
        }
    }
}
