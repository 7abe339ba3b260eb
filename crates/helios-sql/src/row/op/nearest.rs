//! The rows nearest to a vector, by an index of nearness.
//!
//! What the index has is found through it, what the statement sees otherwise is compared one by one; each
//! row that comes out was read at the statement's snapshot. More rows than are wanted may come, in any order:
//! whoever asked sorts them.
//!
//! Conditions are asked of candidates as they come. The search goes on where it stopped until enough of them hold,
//! in batches as large as the share that held so far suggests; when that share says that so many candidates are still
//! to come that the rows are better read in the other way that the plan has, they are.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use helios_base::{Result, Row, TableId, Value};
use helios_table::catalog::Method;
use helios_table::nearest::{Delta, Found, NearestIndex, Next, Search};
use helios_table::row::StoredRow;
use helios_version::{Isolation, RowRef};

use super::super::measure::Sought;
use super::super::reader::Reader;
use super::super::scan::NearestPath;
use super::super::wish::{Wish, looked};
use super::scan::Output;
use super::{BoxOperator, Cx, Operator};
use crate::row::compile::CANDIDATE;

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
    ready: VecDeque<Row>,
    /// The other way, where the index is of no use.
    otherwise: Option<BoxOperator>,
    begun: bool,
}

impl NearestScan {
    pub(super) fn new(path: Arc<NearestPath>, output: Output, reader: Reader) -> Self {
        Self {
            path,
            output,
            reader,
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
            let found = by_index(&self.path, &mut self.output, &self.reader, &mut done, cx)?;
            match found {
                Some(rows) => {
                    self.path.tally.count(0);
                    self.ready = rows.into();
                }
                None => {
                    done.otherwise = 1;
                    self.path.tally.count(self.path.read);
                    let (node, columns) = (&self.path.otherwise, self.output.columns());
                    self.otherwise = Some(super::scan::open(node, columns, cx)?);
                }
            }
            if let Some(measures) = &cx.exec.measures {
                measures.seek(&self.output.node, done);
            }
        }
        match &mut self.otherwise {
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

/// The rows that an index leads to, among them the nearest that are wanted; `None` if the rows have to be read
/// otherwise.
fn by_index(
    path: &NearestPath,
    output: &mut Output,
    reader: &Reader,
    done: &mut Sought,
    cx: &Cx<'_>,
) -> Result<Option<Vec<Row>>> {
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
    let mut rows = Vec::new();
    let mut seen: HashSet<Vec<u8>> = HashSet::with_capacity(delta.len());
    done.changed = delta.len() as u64;
    for changed in delta {
        rows.extend(output.emit(&changed.key, changed.row.begin, &changed.row.row, cx)?);
        seen.insert(changed.key);
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
    };
    let storage = output.storage();
    index.search(search, &mut |batch| {
        pace.judged += batch.len();
        let unseen = batch.iter().filter(|found| !seen.contains(found.key));
        let unseen: Vec<&Found<'_>> = unseen.collect();
        let mut look = |number: usize, row: RowRef<'_>| -> Result<()> {
            // Another vector of the row may have come before in the batch.
            if let Some(found) = unseen.get(number).filter(|found| !seen.contains(found.key))
                && let Judged::Is(row) = judge(&index, found, output, row, cx)?
            {
                done.rescored += 1;
                seen.insert(found.key.to_vec());
                match row {
                    Some(row) => {
                        rows.push(row);
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
    Ok(enough.then_some(rows))
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
) -> Result<Option<Vec<Delta>>> {
    let (branch, scn) = (reader.branch(), reader.scn());
    if index.base() == (branch, scn) {
        return Ok(Some(Vec::new()));
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
    // A condition reads less of the row than its vector is.
    let emitted = output.emit(found.key, row.begin, row.row, cx)?;
    if emitted.is_none() {
        return Ok(Judged::Is(None));
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
