//! The rows nearest to a vector, by an index of nearness.
//!
//! What the index has is found through it, what the statement sees otherwise is compared one by one; each
//! row that comes out was read at the statement's snapshot, or is known to be there as it was where the index's base is. More rows than
//! are wanted may come, in any order: whoever asked sorts them, unless nobody else reads their vectors (`nearest/order.rs`).
//!
//! Conditions are asked of candidates as they come. The search goes on where it stopped until enough of them hold,
//! in batches as large as the share that held so far suggests; when that share says that so many candidates are still
//! to come that the rows are better read in the other way that the plan has, they are.

mod order;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use helios_base::{Result, Row, TableId, Value};
use helios_expr::Expr;
use helios_table::catalog::{Method, TableDef};
use helios_table::nearest::{Delta, Found, NearestIndex, Next, Search};
use helios_table::row::StoredRow;
use helios_version::{Isolation, RowRef};

use super::super::measure::Sought;
use super::super::reader::Reader;
use super::super::scan::NearestPath;
use super::super::wish::{Wish, looked};
use super::scan::Output;
use super::sort::Sort;
use super::{BoxOperator, Cx, Operator};
use crate::plan::SortKey;
use crate::row::compile::CANDIDATE;
use crate::row::node::{Node, SortNode};
use order::{Layout, Ranked};

/// More rows than one in so many that differ from what the index has are better read with all others.
const DELTA_SHARE: u64 = 8;
/// But so many never are.
const DELTA_MIN: u64 = 2_000;
/// Rows of no more candidates are asked for one by one: those that are asked for often are at hand.
const FEW: usize = 64;
/// So many candidates are looked at before it is asked whether the rows are better read otherwise.
const JUDGED_MIN: usize = 256;

/// Rows near to a vector, or all.
pub(super) struct NearestScan {
    path: Arc<NearestPath>,
    output: Output,
    reader: Reader,
    /// What comes out, where rows come in order.
    layout: Option<Layout>,
    ready: VecDeque<Row>,
    /// The other way, where the index is of no use.
    otherwise: Option<BoxOperator>,
    begun: bool,
}

impl NearestScan {
    pub(super) fn new(path: Arc<NearestPath>, mut output: Output, reader: Reader) -> Self {
        let layout = path.spared.map(|vector| {
            let picked = output.take_columns();
            Layout::new(&output.node, vector, picked.as_deref(), &output.table)
        });
        Self {
            path,
            output,
            reader,
            layout,
            ready: VecDeque::new(),
            otherwise: None,
            begun: false,
        }
    }
}

impl Operator for NearestScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if !self.begun {
            self.begun = true;
            let mut done = Sought::default();
            let rows = match &self.layout {
                None => Rows::InAnyOrder(Vec::new()),
                Some(layout) => Rows::InOrder(layout, Ranked::default()),
            };
            let (path, output) = (&self.path, &mut self.output);
            let found = by_index(path, rows, output, &self.reader, &mut done, cx)?;
            match found {
                Some(rows) => {
                    self.path.tally.count(0);
                    self.ready = rows.into();
                }
                None => {
                    done.otherwise = 1;
                    self.path.tally.count(self.path.read);
                    self.otherwise = Some(self.otherwise(cx)?);
                }
            }
            if let Some(measures) = &cx.exec.measures {
                measures.seek(&self.output.node, done);
            }
        }
        let Some(all) = &mut self.otherwise else {
            return Ok(self.ready.pop_front());
        };
        let row = all.next(cx)?;
        Ok(match &self.layout {
            None => row,
            Some(layout) => row.map(|row| layout.of_read(&row)),
        })
    }
}

impl NearestScan {
    /// Reads the rows in the other way that the plan has.
    fn otherwise(&self, cx: &Cx<'_>) -> Result<BoxOperator> {
        let path = &self.path;
        if self.layout.is_none() {
            return super::scan::open(&path.otherwise, self.output.columns(), cx);
        }
        let keys = vec![SortKey {
            expr: path.order.clone(),
            descending: false,
            nulls_first: false,
        }];
        let input = Node::Scan(Arc::clone(&path.otherwise));
        let wanted = wanted(path, cx)?;
        Ok(Box::new(Sort::open(
            &Arc::new(SortNode { input, keys }),
            wanted,
        )))
    }
}

/// How many of the nearest rows are wanted; `None` for all.
fn wanted(path: &NearestPath, cx: &Cx<'_>) -> Result<Option<usize>> {
    let Some(limit) = count(path.limit.as_ref(), cx)? else {
        return Ok(None);
    };
    let offset = match &path.offset {
        None => 0,
        some => count(some.as_ref(), cx)?.unwrap_or(0),
    };
    Ok(Some(limit.saturating_add(offset)))
}

/// A number of rows; `None` for no limit.
fn count(expr: Option<&Expr>, cx: &Cx<'_>) -> Result<Option<usize>> {
    let Some(expr) = expr else { return Ok(None) };
    Ok(match cx.eval(expr, &[])? {
        Value::Int8(n) => usize::try_from(n).ok(),
        _ => None,
    })
}

/// Rows as they come.
enum Rows<'l> {
    InAnyOrder(Vec<Row>),
    InOrder(&'l Layout, Ranked),
}

impl Rows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::InAnyOrder(rows) => rows.len(),
            Self::InOrder(_, rows) => rows.len(),
        }
    }

    /// Takes in a row that was read.
    fn take(&mut self, row: Row, order: &Expr, cx: &Cx<'_>) -> Result<()> {
        match self {
            Self::InAnyOrder(rows) => rows.push(row),
            Self::InOrder(layout, rows) => {
                rows.exactly(&cx.eval(order, &row)?, layout.of_read(&row));
            }
        }
        Ok(())
    }

    /// Takes in a candidate without its vector, if that is known to be what the index has: says whether it did.
    fn take_known(
        &mut self,
        index: &NearestIndex,
        found: &Found<'_>,
        table: &TableDef,
        reader: &Reader,
    ) -> Result<bool> {
        let (Self::InOrder(layout, rows), true) = (self, found.is_current) else {
            return Ok(false);
        };
        let Some(error) = index.error(found.distance) else {
            return Ok(false);
        };
        let mut row = None;
        if layout.is_by_key() {
            row = Some(layout.of_key(table, found.key)?);
        } else {
            reader.show(table.storage, found.key, &mut |stored| {
                row = Some(layout.of_stored(&StoredRow::from_ref(table.shape(), stored)?)?);
                Ok(())
            })?;
        }
        let Some(row) = row else { return Ok(false) };
        rows.about(found.distance, error, found.key, row);
        Ok(true)
    }
}

/// The rows that an index leads to, among them the nearest that are wanted, added to `rows`; `None` if the rows have to
/// be read otherwise.
fn by_index(
    path: &NearestPath,
    mut rows: Rows<'_>,
    output: &mut Output,
    reader: &Reader,
    done: &mut Sought,
    cx: &Cx<'_>,
) -> Result<Option<Vec<Row>>> {
    let Some(wanted) = wanted(path, cx)? else {
        return Ok(None);
    };
    if wanted == 0 {
        return Ok(Some(Vec::new()));
    }
    let Some(index) = usable(path, output, cx) else {
        return Ok(None);
    };
    let Some(query) = index.query(&cx.eval(&path.query, &[])?) else {
        return Ok(None);
    };
    let wish = Wish::of(&path.index, &*cx.exec.session);
    let all = (index.len() as u64).min(path.otherwise.total);
    let looked = looked(wanted, all, path.otherwise.estimate);
    let Some(breadth) = wish.breadth(&index.calibration(), looked) else {
        return Ok(None);
    };
    let most = usize::try_from((output.node.total / DELTA_SHARE).max(DELTA_MIN));
    let Some(delta) = changed(&index, reader, most.unwrap_or(usize::MAX), cx)? else {
        return Ok(None);
    };
    let mut seen: HashSet<Vec<u8>> = HashSet::with_capacity(delta.rows.len());
    for differing in delta.rows {
        if let Some(new) = &differing.row {
            done.changed += 1;
            if let Some(row) = output.emit(&differing.key, new.begin, &new.row, cx)? {
                rows.take(row, &path.order, cx)?;
            }
        }
        seen.insert(differing.key);
    }
    let mut asked = index.asked(breadth, wanted);
    // Of as many as are looked at, those of which the conditions are thought to hold.
    let all_asked = index.asked(breadth, looked);
    if wish.goes_on {
        let held = all_asked.needed.saturating_mul(wanted) / looked.max(1);
        asked.needed = held.max(wanted).min(asked.needed);
    }
    asked.once = !wish.goes_on;
    let mut pace = Pace::new(asked.needed, path.read, &wish);
    if !wish.goes_on {
        pace.most = asked.breadth.max(asked.needed);
    }
    // Lists and buckets are chosen by what has come of others before.
    let leaps = Method::named(&path.index.method) == Some(Method::Hnsw);
    let search = Search {
        query: &query,
        asked,
        first: match leaps && wish.goes_on && !output.node.filters.is_empty() {
            true => all_asked.needed.min(pace.most).max(asked.needed),
            false => asked.needed,
        },
        base: delta.base,
    };
    let storage = output.storage();
    let table = Arc::clone(&output.table);
    // Whether rows of the past are still kept is told by who reads them.
    let now = output.node.at.is_none();
    index.search(search, &mut |batch| {
        pace.judged += batch.len();
        cx.poll(pace.judged)?;
        let mut unseen = Vec::with_capacity(batch.len());
        for found in batch.iter().filter(|found| !seen.contains(found.key)) {
            match now && rows.take_known(&index, found, &table, reader)? {
                true => {
                    done.known += 1;
                    pace.got += 1;
                }
                false => unseen.push(found),
            }
        }
        let mut look = |number: usize, row: RowRef<'_>| -> Result<()> {
            // Another vector of the row may have come before in the batch.
            if let Some(found) = unseen.get(number).filter(|found| !seen.contains(found.key))
                && let Judged::Is(row) = judge(&index, found, output, row, cx)?
            {
                done.rescored += 1;
                seen.insert(found.key.to_vec());
                match row {
                    Some(row) => {
                        rows.take(row, &path.order, cx)?;
                        pace.got += 1;
                    }
                    None => done.removed += 1,
                }
            }
            Ok(())
        };
        match unseen.len() <= FEW {
            true => {
                for (number, found) in unseen.iter().enumerate() {
                    reader.show(storage, found.key, &mut |row| look(number, row))?;
                }
            }
            false => {
                let keys: Vec<&[u8]> = unseen.iter().map(|found| found.key).collect();
                reader.show_each(storage, &keys, &mut look)?;
            }
        }
        Ok(pace.next())
    })?;
    done.candidates = pace.judged as u64;
    // Rows without a vector, or without a direction, are in no index.
    let enough = pace.got >= pace.needed
        || !wish.goes_on
        || !pace.given_up && pace.judged < pace.most && rows.len() >= wanted;
    if !enough {
        return Ok(None);
    }
    Ok(Some(match rows {
        Rows::InAnyOrder(rows) => rows,
        Rows::InOrder(_, rows) => rows.in_order(|key| {
            let mut distance = None;
            reader.show(storage, key, &mut |row| {
                if let Some(row) = output.emit(key, row.begin, row.row, cx)? {
                    distance = Some(cx.eval(&path.order, &row)?);
                }
                Ok(())
            })?;
            Ok(distance)
        })?,
    }))
}

/// The index, if it can serve the statement.
fn usable(path: &NearestPath, output: &Output, cx: &Cx<'_>) -> Option<Arc<NearestIndex>> {
    let index = cx.exec.tables.nearest(&path.index)?;
    (index.is_of(&output.table) && !own_writes(output.storage(), cx)).then_some(index)
}

/// The rows that the statement sees otherwise than the index, if they are at most `most`.
fn changed(
    index: &NearestIndex,
    reader: &Reader,
    most: usize,
    cx: &Cx<'_>,
) -> Result<Option<Delta>> {
    let base = (reader.branch(), reader.scn());
    let (branch, scn) = base;
    if index.base() == base {
        let rows = Vec::new();
        return Ok(Some(Delta { base, rows }));
    }
    let store = cx.exec.tables.store();
    match store.snapshot(branch, Some(scn)) {
        Ok(snapshot) => index.delta(store, &snapshot, most),
        Err(_) => Ok(None),
    }
}

/// What the row of a candidate says.
enum Judged {
    /// It has another vector now, or is gone.
    No,
    /// It is the row that was found; `None` inside if the conditions leave it out.
    Is(Option<Row>),
}

/// Looks at the row of a candidate at the statement's snapshot.
fn judge(
    index: &NearestIndex,
    found: &Found<'_>,
    output: &mut Output,
    row: RowRef<'_>,
    cx: &Cx<'_>,
) -> Result<Judged> {
    // A condition reads less of the row than its vector is; of a current one there is nothing to compare.
    let emitted = output.emit(found.key, row.begin, row.row, cx)?;
    if emitted.is_none() {
        return Ok(Judged::Is(None));
    }
    if found.is_current {
        return Ok(Judged::Is(emitted));
    }
    let stored = StoredRow::new(output.table.shape(), found.key, row.begin, row.row)?;
    match index.is_still(found, &stored)? {
        true => Ok(Judged::Is(emitted)),
        false => Ok(Judged::No),
    }
}

/// How a search is getting on.
struct Pace {
    needed: usize,
    /// Candidates that cost as much as to read the rows otherwise.
    most: usize,
    /// Whether that may turn out before so many were looked at.
    foresees: bool,
    judged: usize,
    got: usize,
    given_up: bool,
}

impl Pace {
    fn new(needed: usize, read: u64, wish: &Wish) -> Self {
        let worth = usize::try_from(read / CANDIDATE).unwrap_or(usize::MAX);
        Self {
            needed,
            most: worth
                .max(JUDGED_MIN)
                .max(needed.saturating_mul(2))
                .min(wish.most),
            foresees: wish.goes_on,
            judged: 0,
            got: 0,
            given_up: false,
        }
    }

    fn next(&mut self) -> Next {
        if self.got >= self.needed || self.judged >= self.most {
            return Next::Stop;
        }
        let left = self.most - self.judged;
        // If nothing held so far, as many again say more.
        let due = match self.judged.checked_div(self.got) {
            Some(each) => (self.needed - self.got).saturating_mul(each + 1),
            None => self.judged,
        };
        if self.foresees && self.got > 0 && self.judged >= JUDGED_MIN && due / 2 > left {
            self.given_up = true;
            return Next::Stop;
        }
        Next::Batch(due.min(left))
    }
}

/// Whether the transaction has written to the table, which its index does not know; or has to be told of
/// every row that it could have seen.
fn own_writes(storage: TableId, cx: &Cx<'_>) -> bool {
    cx.exec.txn.as_ref().is_some_and(|transaction| {
        let txn = transaction.txn();
        txn.has_written(storage) || txn.isolation() == Isolation::Serializable
    })
}
