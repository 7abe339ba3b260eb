//! Reading the versions of a table's rows over a range of history.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use helios_base::{Error, Result, Row, Scn, SqlState, Value};
use helios_table::catalog::TableDef;
use helios_table::{HistoricRow, KeyRange, Operation, TableVersions, VersionSpan};
use helios_version::{CommitInfo, Snapshot, Store};

use super::super::look;
use super::super::scan::ScanNode;
use super::super::time_travel::{number, value_of};
use super::{BoxOperator, Cx, Operator};
use crate::plan::{At, Point, VersionColumn, VersionRange, Versions};

/// A moment as the bound of a range.
#[derive(Clone, Copy)]
struct Moment {
    /// When, in the measure of the range.
    at: i64,
    /// The newest commit at the moment or before.
    state: Scn,
    /// The newest commit before the moment.
    before: Scn,
}

/// What of a version is shown.
#[derive(Clone, Copy)]
struct Shown {
    /// Begins from this commit on.
    begin_min: Scn,
    /// Ends up to this one.
    end_max: Scn,
    /// What came before is not known of versions begun by this commit.
    floor: Scn,
}

/// Starts to read.
pub(super) fn open(
    node: &Arc<ScanNode>,
    columns: Option<&Arc<[usize]>>,
    versions: &Versions,
    cx: &Cx<'_>,
) -> Result<BoxOperator> {
    let reader = match &node.at {
        Some(At::Moment(id, _)) => &look(&cx.exec.past, *id)?.reader,
        Some(At::Row(..)) => return Err(Error::internal("versions at a moment per row")),
        None => &cx.exec.reader,
    };
    let store = cx.exec.tables.store();
    let snapshot = store.snapshot(reader.branch(), Some(reader.scn()))?;
    let Some((span, shown)) = span(versions, &snapshot, &node.table, cx)? else {
        return Ok(Box::new(super::source::Empty));
    };
    let mut ranges = super::scan::key_ranges(node, cx)?;
    ranges.reverse();
    Ok(Box::new(VersionScan {
        node: node.clone(),
        columns: columns.cloned(),
        snapshot,
        span,
        shown,
        ranges,
        versions: None,
        commits: HashMap::new(),
        steps: 0,
    }))
}

/// The wanted versions, and what is shown of them; `None` if there can be none.
fn span(
    versions: &Versions,
    snapshot: &Snapshot,
    table: &Arc<TableDef>,
    cx: &Cx<'_>,
) -> Result<Option<(VersionSpan, Shown)>> {
    use helios_version::Read;
    let store = cx.exec.tables.store();
    let newest = snapshot.scn();
    let floor = TableVersions::kept(snapshot, table)?;
    let low = bound(versions.low.as_ref(), store, newest, cx)?.filter(|low| low.at > i64::MIN);
    let high = bound(versions.high.as_ref(), store, newest, cx)?.unwrap_or(Moment {
        at: i64::MAX,
        state: newest,
        before: newest,
    });
    if let Some(low) = low
        && low.state < floor
    {
        return Err(too_old(table, low.state, floor));
    }
    let open = low.is_none();
    let low = low.unwrap_or(Moment {
        at: i64::MIN,
        state: floor,
        before: Scn(floor.0.saturating_sub(1)),
    });
    let after = low.before.next();
    let mut span = VersionSpan {
        begin_min: Scn::ZERO,
        begin_max: high.state,
        end_after: low.state,
        end_max: None,
        deletions: None,
    };
    let mut shown = Shown {
        begin_min: Scn::ZERO,
        end_max: newest,
        floor,
    };
    match versions.range {
        VersionRange::Changes => {
            span.deletions = Some((after, high.state));
            shown.begin_min = if open { Scn::ZERO } else { after };
            shown.end_max = high.state;
        }
        VersionRange::FromTo => {
            span.begin_max = high.before;
        }
        VersionRange::Between | VersionRange::All => {}
        VersionRange::ContainedIn => {
            span.begin_min = after;
            span.end_max = Some(high.state);
        }
    }
    let empty = low.at > high.at || low.at == high.at && versions.range == VersionRange::FromTo;
    Ok((!empty).then_some((span, shown)))
}

/// One end of the range; `None` if it is open.
fn bound(point: Option<&Point>, store: &Store, newest: Scn, cx: &Cx<'_>) -> Result<Option<Moment>> {
    let Some(point) = point else {
        return Ok(None);
    };
    let value = value_of(point.expr(), &cx.context())?;
    let moment = match (point, value) {
        // Before all there was nothing.
        (Point::Timestamp(_), Value::TimestampTz(i64::MIN)) => Moment {
            at: i64::MIN,
            state: Scn::ZERO,
            before: Scn::ZERO,
        },
        (Point::Timestamp(_), Value::TimestampTz(time)) => Moment {
            at: time,
            state: store.scn_at(time)?,
            before: store.scn_at(time.saturating_sub(1))?,
        },
        (Point::Timestamp(_), other) => {
            return Err(Error::internal(format!("a moment that is {other:?}")));
        }
        (Point::Scn(_) | Point::Transaction(_) | Point::Snapshot(_), value) => {
            let scn = Scn(number(value)?);
            if scn > store.scn() {
                return Err(crate::row::future(&format!("change number {scn}"), store));
            }
            Moment {
                at: i64::try_from(scn.0).unwrap_or(i64::MAX),
                state: scn,
                before: Scn(scn.0.saturating_sub(1)),
            }
        }
    };
    Ok(Some(Moment {
        at: moment.at,
        state: moment.state.min(newest),
        before: moment.before.min(newest),
    }))
}

fn too_old(table: &TableDef, wanted: Scn, floor: Scn) -> Error {
    Error::new(
        SqlState::SNAPSHOT_TOO_OLD,
        format!(
            "versions of table \"{}\" from change number {wanted} on are no longer kept",
            table.name
        ),
    )
    .with_detail(format!("The oldest that is kept is {floor}."))
    .with_hint("Begin with MINVALUE for all that is kept, or raise the retention.")
}

struct VersionScan {
    node: Arc<ScanNode>,
    /// What comes out, if not what the node reads.
    columns: Option<Arc<[usize]>>,
    snapshot: Snapshot,
    span: VersionSpan,
    shown: Shown,
    /// Those that are left, the next one last.
    ranges: Vec<KeyRange>,
    versions: Option<TableVersions>,
    commits: HashMap<Scn, Option<CommitInfo>>,
    steps: usize,
}

impl VersionScan {
    /// What is known of a commit.
    fn commit(&mut self, scn: Scn, store: &Store) -> Result<Option<&CommitInfo>> {
        Ok(match self.commits.entry(scn) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(empty) => empty.insert(store.commit_info(scn)?),
        }
        .as_ref())
    }

    fn pseudo(&mut self, column: VersionColumn, row: &HistoricRow, store: &Store) -> Result<Value> {
        let begin = Some(row.begin).filter(|begin| *begin >= self.shown.begin_min);
        let end = row.end.filter(|end| *end <= self.shown.end_max);
        let number = |scn: Option<Scn>| match scn {
            Some(scn) => i64::try_from(scn.0).map_or(Value::Null, Value::Int8),
            None => Value::Null,
        };
        let moment = match column {
            VersionColumn::StartScn => return Ok(number(begin)),
            VersionColumn::EndScn => return Ok(number(end)),
            VersionColumn::Operation => {
                // What went away with the versions before cannot be told.
                let known = begin
                    .is_some_and(|begin| begin > self.shown.floor || self.shown.floor == Scn::ZERO);
                let letter = match row.operation {
                    Operation::Insert => "I",
                    Operation::Update => "U",
                    Operation::Delete => "D",
                };
                return Ok(if known {
                    Value::text(letter)
                } else {
                    Value::Null
                });
            }
            VersionColumn::StartTime | VersionColumn::Xid => begin,
            VersionColumn::EndTime => end,
        };
        let Some(moment) = moment else {
            return Ok(Value::Null);
        };
        Ok(match self.commit(moment, store)? {
            None => Value::Null,
            Some(commit) if column == VersionColumn::Xid => {
                i64::try_from(commit.txid.0).map_or(Value::Null, Value::Int8)
            }
            Some(commit) => Value::TimestampTz(commit.time),
        })
    }

    fn emit(&mut self, row: &HistoricRow, cx: &Cx<'_>) -> Result<Option<Row>> {
        let node = self.node.clone();
        let store = cx.exec.tables.store();
        let read = self.columns(&node.reads, row, store)?;
        if !cx.all_true(&node.filters, &read)? {
            return Ok(None);
        }
        match self.columns.clone() {
            None => Ok(Some(read)),
            Some(columns) => self.columns(&columns, row, store).map(Some),
        }
    }

    /// The columns at these positions: those of the table, then the pseudo-columns.
    fn columns(&mut self, positions: &[usize], row: &HistoricRow, store: &Store) -> Result<Row> {
        let width = self.node.table.columns.len();
        let mut out = Row::with_capacity(positions.len());
        for position in positions {
            out.push(match position.checked_sub(width) {
                None => row.values.get(*position).cloned().unwrap_or(Value::Null),
                Some(number) => match VersionColumn::ALL.get(number) {
                    Some(column) => self.pseudo(*column, row, store)?,
                    None => return Err(Error::internal("an unknown column of versions")),
                },
            });
        }
        Ok(out)
    }

    /// Whether all that was asked for is still there: what garbage collection took meanwhile is
    /// missing in the answer.
    fn check_kept(&self) -> Result<()> {
        let floor = TableVersions::kept(&self.snapshot, &self.node.table)?;
        let wanted = self.span.end_after.max(self.span.begin_min);
        if floor > self.shown.floor && floor > wanted {
            return Err(too_old(&self.node.table, wanted, floor));
        }
        Ok(())
    }
}

impl Operator for VersionScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            let versions = match &mut self.versions {
                Some(versions) => versions,
                None => {
                    let Some(range) = self.ranges.pop() else {
                        self.check_kept()?;
                        return Ok(None);
                    };
                    let table = &self.node.table;
                    let opened = TableVersions::new(&self.snapshot, table, self.span, &range)?;
                    self.versions.insert(opened)
                }
            };
            self.steps += 1;
            cx.poll(self.steps)?;
            match versions.next(&cx.context())? {
                None => self.versions = None,
                Some(row) => {
                    if let Some(row) = self.emit(&row, cx)? {
                        return Ok(Some(row));
                    }
                }
            }
        }
    }
}
