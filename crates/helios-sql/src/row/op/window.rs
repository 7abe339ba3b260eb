//! Window functions: all rows are taken, put in order, and each partition computed as a whole.

use std::sync::Arc;

use helios_base::{Error, Result, Row, SqlState, Value};
use helios_expr::{Accumulator, AggregateCall as Start, Expr, WindowKind};

use super::super::keys::{compare, sort_values};
use super::super::memory::{Held, values_bytes};
use super::super::node::WindowNode;
use super::super::window_frame::Frames;
use super::{Cx, Operator, open};
use crate::plan::{SortKey, WindowCall, Windowed};

pub(super) struct Window {
    node: Arc<WindowNode>,
    result: Option<std::vec::IntoIter<Row>>,
    held: Held,
}

/// One partition: its rows in order, with their sort values and the bounds of their peers.
pub(crate) struct Partition {
    pub(crate) rows: Vec<Row>,
    pub(crate) order: Vec<Vec<Value>>,
    /// For each row, the number of its group of peers.
    pub(crate) group: Vec<usize>,
    /// Where each group begins; one more for the end.
    pub(crate) starts: Vec<usize>,
}

impl Partition {
    fn new(keys: &[SortKey], sorted: Vec<(Vec<Value>, Row)>) -> Self {
        let (order, rows): (Vec<_>, Vec<_>) = sorted.into_iter().unzip();
        let mut starts = Vec::new();
        let mut group = Vec::with_capacity(rows.len());
        for at in 0..rows.len() {
            if at == 0 || compare(keys, &order[at - 1], &order[at]).is_ne() {
                starts.push(at);
            }
            group.push(starts.len() - 1);
        }
        starts.push(rows.len());
        Self {
            rows,
            order,
            group,
            starts,
        }
    }

    /// The first row of the peers of row `at`, and the row after the last.
    pub(crate) fn peers(&self, at: usize) -> (usize, usize) {
        let group = self.group[at];
        (self.starts[group], self.starts[group + 1])
    }
}

impl Window {
    pub(super) fn open(node: &Arc<WindowNode>) -> Self {
        Self {
            node: node.clone(),
            result: None,
            held: Held::default(),
        }
    }

    fn run(&mut self, cx: &Cx<'_>) -> Result<Vec<Row>> {
        let node = self.node.clone();
        // Partitions are found by sorting on their keys first; their order among each other is free.
        let mut rows = Vec::new();
        let mut input = open(&node.input, cx)?;
        while let Some(row) = input.next(cx)? {
            let partition = sort_values(&node.partition_by, &row, cx)?;
            let order = sort_values(&node.order_by, &row, cx)?;
            let columns = node.calls.len() * size_of::<Value>();
            let keys = values_bytes(&partition) + values_bytes(&order);
            self.held.row(&row, cx)?;
            self.held.grow(keys + columns, cx)?;
            rows.push((partition, order, row));
        }
        rows.sort_by(|(p, o, _), (q, r, _)| {
            compare(&node.partition_by, p, q).then_with(|| compare(&node.order_by, o, r))
        });
        let mut result = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter().peekable();
        while let Some((key, order, row)) = rows.next() {
            let mut sorted = vec![(order, row)];
            while let Some((_, order, row)) =
                rows.next_if(|(p, ..)| compare(&node.partition_by, p, &key).is_eq())
            {
                sorted.push((order, row));
            }
            cx.exec.interrupt.check()?;
            let partition = Partition::new(&node.order_by, sorted);
            let columns = node
                .calls
                .iter()
                .map(|call| compute(call, &node.order_by, &partition, cx))
                .collect::<Result<Vec<_>>>()?;
            for (at, mut row) in partition.rows.into_iter().enumerate() {
                row.extend(columns.iter().map(|column| column[at].clone()));
                result.push(row);
            }
        }
        Ok(result)
    }
}

/// One call's value for every row of the partition.
fn compute(
    call: &WindowCall,
    order: &[SortKey],
    partition: &Partition,
    cx: &Cx<'_>,
) -> Result<Vec<Value>> {
    match call.function {
        Windowed::Aggregate(_) => aggregate(call, order, partition, cx),
        Windowed::Function(function) if function.kind.uses_frame() => {
            framed(function.kind, call, order, partition, cx)
        }
        Windowed::Function(function) => (0..partition.rows.len())
            .map(|at| ranked(function.kind, call, partition, at, cx))
            .collect(),
    }
}

/// Functions of the row's place in its partition.
fn ranked(
    kind: WindowKind,
    call: &WindowCall,
    partition: &Partition,
    at: usize,
    cx: &Cx<'_>,
) -> Result<Value> {
    let count = partition.rows.len();
    let (first, after) = partition.peers(at);
    Ok(match kind {
        WindowKind::RowNumber => Value::Int8(at as i64 + 1),
        WindowKind::Rank => Value::Int8(first as i64 + 1),
        WindowKind::DenseRank => Value::Int8(partition.group[at] as i64 + 1),
        WindowKind::PercentRank if count == 1 => Value::Float8(0.0),
        WindowKind::PercentRank => Value::Float8(first as f64 / (count - 1) as f64),
        WindowKind::CumeDist => Value::Float8(after as f64 / count as f64),
        WindowKind::Ntile => match argument(call, 0, &partition.rows[at], cx)? {
            Value::Int4(buckets) if buckets > 0 => bucket(at, count, buckets),
            Value::Null => Value::Null,
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_ARGUMENT_FOR_NTILE,
                    "argument of ntile must be greater than zero",
                ));
            }
        },
        _ => return offset(kind, call, partition, at, cx),
    })
}

/// The number of the bucket of row `at`: the first buckets take one row more.
fn bucket(at: usize, count: usize, buckets: i32) -> Value {
    let buckets = usize::try_from(buckets).unwrap_or(1);
    let (size, longer) = (count / buckets, count % buckets);
    let in_longer = longer * (size + 1);
    let number = if at < in_longer {
        at / (size + 1)
    } else {
        longer + (at - in_longer) / size.max(1)
    };
    Value::Int4(number as i32 + 1)
}

/// `lag` and `lead`.
fn offset(
    kind: WindowKind,
    call: &WindowCall,
    partition: &Partition,
    at: usize,
    cx: &Cx<'_>,
) -> Result<Value> {
    let row = &partition.rows[at];
    let distance = match call.args.get(1) {
        None => 1,
        Some(expr) => match cx.eval(expr, row)? {
            Value::Int4(n) => i64::from(n),
            Value::Int8(n) => n,
            _ => return Ok(Value::Null),
        },
    };
    let distance = if kind == WindowKind::Lag {
        -distance
    } else {
        distance
    };
    let target = (at as i64)
        .checked_add(distance)
        .and_then(|t| usize::try_from(t).ok());
    match target.and_then(|t| partition.rows.get(t)) {
        Some(other) => argument(call, 0, other, cx),
        None => match call.args.get(2) {
            Some(default) => cx.eval(default, row),
            None => Ok(Value::Null),
        },
    }
}

fn argument(call: &WindowCall, index: usize, row: &Row, cx: &Cx<'_>) -> Result<Value> {
    match call.args.get(index) {
        Some(expr) => cx.eval(expr, row),
        None => Err(Error::internal("window function without argument")),
    }
}

/// `first_value`, `last_value`, `nth_value`.
fn framed(
    kind: WindowKind,
    call: &WindowCall,
    order: &[SortKey],
    partition: &Partition,
    cx: &Cx<'_>,
) -> Result<Vec<Value>> {
    let mut frames = Frames::new(&call.frame, order, cx)?;
    let mut values = Vec::with_capacity(partition.rows.len());
    for at in 0..partition.rows.len() {
        let frame = frames.of(partition, at, cx)?;
        let found = match kind {
            WindowKind::FirstValue => frame.rows(partition, at).next(),
            WindowKind::LastValue => frame.rows(partition, at).next_back(),
            _ => match argument(call, 1, &partition.rows[at], cx)? {
                Value::Int4(n) if n > 0 => frame.rows(partition, at).nth(n as usize - 1),
                Value::Null => None,
                _ => {
                    return Err(Error::new(
                        SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE,
                        "argument of nth_value must be greater than zero",
                    ));
                }
            },
        };
        values.push(match found {
            Some(found) => argument(call, 0, &partition.rows[found], cx)?,
            None => Value::Null,
        });
    }
    Ok(values)
}

/// An aggregate over each row's frame. While the frame only grows at its end, the state goes on.
fn aggregate(
    call: &WindowCall,
    order: &[SortKey],
    partition: &Partition,
    cx: &Cx<'_>,
) -> Result<Vec<Value>> {
    let mut frames = Frames::new(&call.frame, order, cx)?;
    let mut values = Vec::with_capacity(partition.rows.len());
    let mut running: Option<(Box<dyn Accumulator>, usize, usize)> = None;
    for at in 0..partition.rows.len() {
        cx.poll(at)?;
        let frame = frames.of(partition, at, cx)?;
        let grows = frame.is_plain()
            && running
                .as_ref()
                .is_some_and(|(_, start, end)| *start == frame.start && *end <= frame.end);
        if !grows {
            running = None;
        }
        let (accumulator, _, done) =
            running.get_or_insert_with(|| (start(call, cx), frame.start, frame.start));
        if frame.is_plain() {
            if grows
                && *done == frame.end
                && let Some(last) = values.last().cloned()
            {
                values.push(last);
                continue;
            }
            for row in &partition.rows[*done..frame.end.max(*done)] {
                add(call, &mut **accumulator, row, cx)?;
            }
            *done = frame.end.max(*done);
        } else {
            for row in frame.rows(partition, at) {
                add(call, &mut **accumulator, &partition.rows[row], cx)?;
            }
        }
        values.push(accumulator.finish()?);
        if !frame.is_plain() {
            running = None;
        }
    }
    Ok(values)
}

fn start(call: &WindowCall, cx: &Cx<'_>) -> Box<dyn Accumulator> {
    let types: Vec<_> = call.args.iter().map(|arg| arg.ty().clone()).collect();
    match call.function {
        Windowed::Aggregate(function) => cx.with_context(|ctx| {
            function.start(&Start {
                args: &types,
                result: &call.ty,
                ctx,
            })
        }),
        Windowed::Function(_) => Box::new(Nothing),
    }
}

fn add(call: &WindowCall, accumulator: &mut dyn Accumulator, row: &Row, cx: &Cx<'_>) -> Result<()> {
    let wanted = |filter: &Expr| cx.is_true(filter, row);
    if call.filter.as_ref().map_or(Ok(true), wanted)? {
        let args = cx.eval_all(&call.args, row)?;
        accumulator.update(&args.iter().collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Stands in for the aggregate of a call that has none; never asked.
struct Nothing;

impl Accumulator for Nothing {
    fn update(&mut self, _args: &[&Value]) -> Result<()> {
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(Value::Null)
    }
}

impl Operator for Window {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if self.result.is_none() {
            self.result = Some(self.run(cx)?.into_iter());
        }
        Ok(self.result.as_mut().and_then(Iterator::next))
    }
}
