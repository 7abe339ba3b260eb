//! The rows nearest to a vector, by an index of nearness.
//!
//! What the index has is found through it, what the statement sees otherwise is compared one by one; each
//! row that comes out was read at the statement's snapshot. More rows than are wanted may come, in any order:
//! whoever asked sorts them. Where the index is of no use, every row is read.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;

use helios_base::{Error, Result, Row, TableId, Value};
use helios_table::nearest::{NearestIndex, Search};
use helios_table::row::{KeyRange, StoredRow};
use helios_version::Isolation;

use super::super::reader::Reader;
use super::super::scan::Path;
use super::scan::{KeyScan, Output};
use super::{Cx, Operator};

/// More rows than one in so many that differ from what the index has are better read with all others.
const DELTA_SHARE: u64 = 8;
/// But so many never are.
const DELTA_MIN: u64 = 2_000;
/// More candidates than one row in so many are looked at in vain, and all rows are read instead.
const JUDGED_SHARE: u64 = 4;
/// But so many never are.
const JUDGED_MIN: u64 = 2_000;
/// Distances that are estimates put so many times as many candidates in question.
const ESTIMATED: usize = 4;

/// Rows near to a vector, or all.
pub(super) struct NearestScan {
    /// Taken by whoever reads the rows.
    output: Option<Output>,
    reader: Reader,
    ready: VecDeque<Row>,
    all: Option<KeyScan>,
    begun: bool,
}

impl NearestScan {
    pub(super) fn new(output: Output, reader: Reader) -> Self {
        Self {
            output: Some(output),
            reader,
            ready: VecDeque::new(),
            all: None,
            begun: false,
        }
    }
}

impl Operator for NearestScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if !self.begun {
            self.begun = true;
            let output = self.output.as_mut();
            let output = output.ok_or_else(|| Error::internal("a scan without output"))?;
            match by_index(output, &self.reader, cx)? {
                Some(rows) => self.ready = rows.into(),
                None => {
                    self.all = self.output.take().map(|output| {
                        KeyScan::new(output, self.reader.clone(), vec![KeyRange::ALL])
                    });
                }
            }
        }
        match &mut self.all {
            Some(all) => all.next(cx),
            None => Ok(self.ready.pop_front()),
        }
    }
}

/// A number of rows; `None` for no limit.
fn count(expr: Option<&helios_expr::Expr>, cx: &Cx<'_>) -> Result<Option<usize>> {
    let Some(expr) = expr else { return Ok(None) };
    Ok(match cx.eval(expr, &[])? {
        Value::Int8(n) => usize::try_from(n).ok(),
        _ => None,
    })
}

/// What the session says of how many candidates to follow.
fn breadth_set(index: &NearestIndex, cx: &Cx<'_>) -> usize {
    let set = cx.exec.session.setting(index.breadth_setting());
    set.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The rows that an index leads to, among them the nearest that are wanted; `None` if every row has to be read.
fn by_index(output: &mut Output, reader: &Reader, cx: &Cx<'_>) -> Result<Option<Vec<Row>>> {
    let node = output.node.clone();
    let Path::Nearest(path) = &node.path else {
        return Ok(None);
    };
    let Some(limit) = count(path.limit.as_ref(), cx)? else {
        return Ok(None);
    };
    let offset = match &path.offset {
        None => 0,
        some => count(some.as_ref(), cx)?.unwrap_or(0),
    };
    let wanted = limit.saturating_add(offset);
    if wanted == 0 {
        return Ok(Some(Vec::new()));
    }
    let Value::Vector(query) = cx.eval(&path.query, &[])? else {
        return Ok(None);
    };
    let tables = &cx.exec.tables;
    let Some(index) = tables.nearest(&path.index) else {
        return Ok(None);
    };
    let storage = output.storage();
    let Some(position) = index
        .position(&output.table)
        .filter(|_| index.is_of(&output.table))
    else {
        return Ok(None);
    };
    if !index.takes(&query) || own_writes(storage, cx) {
        return Ok(None);
    }
    let Ok(snapshot) = tables.store().snapshot(reader.branch(), Some(reader.scn())) else {
        return Ok(None);
    };
    let share = |share: u64, least: u64| {
        let most = (node.total / share).max(least);
        usize::try_from(most).unwrap_or(usize::MAX)
    };
    let most = share(DELTA_SHARE, DELTA_MIN);
    let Some(delta) = index.delta(tables.store(), &snapshot, most)? else {
        return Ok(None);
    };
    let mut rows = Vec::new();
    let mut seen: HashSet<Vec<u8>> = HashSet::with_capacity(delta.len());
    for changed in delta {
        rows.extend(output.emit(&changed.key, changed.row.begin, &changed.row.row, cx)?);
        seen.insert(changed.key);
    }
    let set = breadth_set(&index, cx);
    let needed = if index.estimates() {
        wanted.saturating_mul(ESTIMATED).max(set)
    } else {
        wanted
    };
    let numbers = query.numbers();
    let search = Search {
        query: &numbers,
        batch: needed.min(1 << 16),
        breadth: index.breadth(set, needed),
    };
    let judged_most = share(JUDGED_SHARE, JUDGED_MIN).max(needed.saturating_mul(2));
    let (mut judged, mut got) = (0, 0);
    index.search(search, &mut |found| {
        judged += 1;
        if seen.contains(found.key) {
            return Ok(ControlFlow::Continue(()));
        }
        let Some(version) = reader.get(storage, found.key)? else {
            return Ok(ControlFlow::Continue(()));
        };
        let stored = StoredRow::new(output.table.shape(), found.key, version.begin, &version.row)?;
        let same = match stored.value(position)? {
            Value::Vector(vector) => found.is_of(&vector.numbers()),
            _ => false,
        };
        if same {
            seen.insert(found.key.to_vec());
            if let Some(row) = output.emit(found.key, version.begin, &version.row, cx)? {
                rows.push(row);
                got += 1;
            }
        }
        Ok(match got >= needed || judged >= judged_most {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    })?;
    // Rows without a vector, or without a direction, are in no index; and a condition that few rows
    // satisfy is better asked of all.
    let enough = got >= needed || judged < judged_most && rows.len() >= wanted;
    Ok(enough.then_some(rows))
}

/// Whether the transaction has written to the table, which its index does not know; or has to be told of
/// every row that it could have seen.
fn own_writes(storage: TableId, cx: &Cx<'_>) -> bool {
    cx.exec.txn.as_ref().is_some_and(|transaction| {
        let txn = transaction.txn();
        txn.has_written(storage) || txn.isolation() == Isolation::Serializable
    })
}
