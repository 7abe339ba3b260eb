//! Grouping and aggregation by hashing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use helios_base::{DataType, Result, Row, Value};
use helios_expr::{Accumulator, AggregateCall as Start};

use super::super::keys::{compare, normal, sort_values};
use super::super::memory::{Held, values_bytes};
use super::super::node::AggregateNode;
use super::{Cx, Operator, open};
use crate::plan::AggregateCall;

/// What an accumulator takes on the heap when it is new.
const STATE_BYTES: usize = 48;

pub(super) struct Aggregate {
    node: Arc<AggregateNode>,
    result: Option<std::vec::IntoIter<Row>>,
    held: Held,
}

/// The groups of one grouping set.
#[derive(Default)]
struct Groups {
    index: HashMap<Vec<Value>, usize>,
    groups: Vec<Group>,
}

struct Group {
    /// One per grouping expression, `NULL` where the set lacks it.
    values: Vec<Value>,
    states: Vec<State>,
}

/// One aggregate over one group.
pub(super) struct State {
    accumulator: Box<dyn Accumulator>,
    distinct: Option<HashSet<Vec<Value>>>,
    /// Sort values and arguments, where the order matters.
    ordered: Option<Vec<(Vec<Value>, Vec<Value>)>>,
    /// What the accumulator said that it takes.
    size: usize,
}

impl State {
    pub(super) fn new(call: &AggregateCall, cx: &Cx<'_>) -> Self {
        let types: Vec<DataType> = argument_types(call);
        Self {
            accumulator: cx.with_context(|ctx| {
                call.function.start(&Start {
                    args: &types,
                    result: &call.ty,
                    ctx,
                })
            }),
            distinct: call.distinct.then(HashSet::new),
            ordered: (!call.order_by.is_empty()).then(Vec::new),
            size: 0,
        }
    }

    pub(super) fn update(
        &mut self,
        call: &AggregateCall,
        row: &[Value],
        held: &mut Held,
        cx: &Cx<'_>,
    ) -> Result<()> {
        if let Some(filter) = &call.filter
            && !cx.is_true(filter, row)?
        {
            return Ok(());
        }
        let mut args = cx.eval_all(&call.args, row)?;
        if call.within_group {
            args.extend(sort_values(&call.order_by, row, cx)?);
        }
        if let Some(distinct) = &mut self.distinct {
            let key: Vec<Value> = args
                .iter()
                .zip(argument_types(call).iter())
                .map(|(value, ty)| normal(value.clone(), ty))
                .collect();
            if distinct.contains(&key) {
                return Ok(());
            }
            held.row(&key, cx)?;
            distinct.insert(key);
        }
        match &mut self.ordered {
            Some(ordered) => {
                let order = sort_values(&call.order_by, row, cx)?;
                held.row(&order, cx)?;
                held.row(&args, cx)?;
                ordered.push((order, args));
                Ok(())
            }
            None => {
                update(&mut *self.accumulator, &args)?;
                let size = self.accumulator.size();
                if size > self.size {
                    held.grow(size - self.size, cx)?;
                    self.size = size;
                }
                Ok(())
            }
        }
    }

    pub(super) fn finish(mut self, call: &AggregateCall) -> Result<Value> {
        if let Some(mut ordered) = self.ordered.take() {
            ordered.sort_by(|(a, _), (b, _)| compare(&call.order_by, a, b));
            for (_, args) in ordered {
                update(&mut *self.accumulator, &args)?;
            }
        }
        self.accumulator.finish()
    }
}

/// Hands the arguments over by reference, without a list on the heap for the usual few.
fn update(accumulator: &mut dyn Accumulator, args: &[Value]) -> Result<()> {
    match args {
        [] => accumulator.update(&[]),
        [one] => accumulator.update(&[one]),
        [one, two] => accumulator.update(&[one, two]),
        more => accumulator.update(&more.iter().collect::<Vec<_>>()),
    }
}

fn argument_types(call: &AggregateCall) -> Vec<DataType> {
    let order = call.order_by.iter().map(|key| &key.expr);
    let direct = call.args.iter();
    let sorted = order.filter(|_| call.within_group);
    direct.chain(sorted).map(|e| e.ty().clone()).collect()
}

impl Aggregate {
    pub(super) fn open(node: &Arc<AggregateNode>) -> Self {
        Self {
            node: node.clone(),
            result: None,
            held: Held::default(),
        }
    }

    fn run(&mut self, cx: &Cx<'_>) -> Result<Vec<Row>> {
        let node = &*self.node.clone();
        let mut sets: Vec<Groups> = node.sets.iter().map(|_| Groups::default()).collect();
        // A set without columns is one group, even of no rows.
        for (set, groups) in node.sets.iter().zip(&mut sets) {
            if set.is_empty() {
                groups.add(Vec::new(), vec![Value::Null; node.groups.len()], node, cx);
            }
        }
        let mut input = open(&node.input, cx)?;
        while let Some(row) = input.next(cx)? {
            let values = cx.eval_all(&node.groups, &row)?;
            for (set, groups) in node.sets.iter().zip(&mut sets) {
                let group = groups.find(set, &values, node, &mut self.held, cx)?;
                for (state, call) in group.states.iter_mut().zip(&node.calls) {
                    state.update(call, &row, &mut self.held, cx)?;
                }
            }
        }
        let mut rows = Vec::new();
        for (set, groups) in node.sets.iter().zip(sets) {
            let bits: Vec<Value> = node
                .groupings
                .iter()
                .map(|list| grouping(list, set))
                .collect();
            for group in groups.groups {
                let mut row = group.values;
                for (state, call) in group.states.into_iter().zip(&node.calls) {
                    row.push(state.finish(call)?);
                }
                row.extend(bits.iter().cloned());
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

impl Groups {
    fn add(
        &mut self,
        key: Vec<Value>,
        values: Vec<Value>,
        node: &AggregateNode,
        cx: &Cx<'_>,
    ) -> usize {
        let at = self.groups.len();
        self.index.insert(key, at);
        self.groups.push(Group {
            values,
            states: node.calls.iter().map(|call| State::new(call, cx)).collect(),
        });
        at
    }

    fn find(
        &mut self,
        set: &[usize],
        values: &[Value],
        node: &AggregateNode,
        held: &mut Held,
        cx: &Cx<'_>,
    ) -> Result<&mut Group> {
        let key: Vec<Value> = set
            .iter()
            .map(|&i| normal(values[i].clone(), node.groups[i].ty()))
            .collect();
        let at = match self.index.get(&key) {
            Some(at) => *at,
            None => {
                let states = node.calls.len() * (size_of::<State>() + STATE_BYTES);
                held.grow(2 * values_bytes(&key) + states, cx)?;
                let mut shown = vec![Value::Null; values.len()];
                for &i in set {
                    shown[i] = values[i].clone();
                }
                self.add(key, shown, node, cx)
            }
        };
        Ok(&mut self.groups[at])
    }
}

/// `GROUPING(list)` for rows of `set`.
fn grouping(list: &[usize], set: &[usize]) -> Value {
    let bits = list.iter().fold(0, |bits, column| {
        (bits << 1) | i32::from(!set.contains(column))
    });
    Value::Int4(bits)
}

impl Operator for Aggregate {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if self.result.is_none() {
            self.result = Some(self.run(cx)?.into_iter());
        }
        Ok(self.result.as_mut().and_then(Iterator::next))
    }
}
