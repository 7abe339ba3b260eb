//! Joins on equal keys: the right side goes into a table, the left side looks up.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Result, Row, Value};
use helios_expr::Expr;

use super::super::keys::normal;
use super::super::memory::{Held, values_bytes};
use super::super::node::HashJoinNode;
use super::nested_loop::{joined, nulls};
use super::{BoxOperator, Cx, Operator, open};
use crate::plan::JoinKind;

pub(super) struct HashJoin {
    node: Arc<HashJoinNode>,
    left: BoxOperator,
    /// `None` before the first row.
    table: Option<Table>,
    left_row: Option<Row>,
    left_matched: bool,
    /// The right rows that may match the left row, and which is next.
    candidates: Arc<[usize]>,
    next: usize,
    rest: Option<usize>,
    steps: usize,
}

/// The right side.
struct Table {
    rows: Vec<Row>,
    matched: Vec<bool>,
    index: HashMap<Vec<Value>, Arc<[usize]>>,
    _held: Held,
}

impl HashJoin {
    pub(super) fn open(node: &Arc<HashJoinNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            left: open(&node.left, cx)?,
            table: None,
            left_row: None,
            left_matched: false,
            candidates: Arc::from([]),
            next: 0,
            rest: None,
            steps: 0,
        })
    }

    fn build(&self, cx: &Cx<'_>) -> Result<Table> {
        let mut rows = Vec::new();
        let mut lists: HashMap<Vec<Value>, Vec<usize>> = HashMap::new();
        let mut held = Held::default();
        let mut right = open(&self.node.right, cx)?;
        while let Some(row) = right.next(cx)? {
            held.row(&row, cx)?;
            if let Some(key) = key(&self.node.right_keys, &row, cx)? {
                held.grow(values_bytes(&key), cx)?;
                lists.entry(key).or_default().push(rows.len());
            }
            rows.push(row);
        }
        Ok(Table {
            matched: vec![false; rows.len()],
            rows,
            index: lists
                .into_iter()
                .map(|(key, list)| (key, Arc::from(list)))
                .collect(),
            _held: held,
        })
    }
}

impl Operator for HashJoin {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if self.table.is_none() {
            self.table = Some(self.build(cx)?);
        }
        let node = self.node.clone();
        let Some(table) = &mut self.table else {
            return Ok(None);
        };
        loop {
            if let Some(at) = &mut self.rest {
                while let Some(row) = table.rows.get(*at) {
                    let matched = table.matched[*at];
                    *at += 1;
                    if !matched {
                        return Ok(Some(joined(&nulls(node.left_width), row)));
                    }
                }
                return Ok(None);
            }
            if let Some(left) = &self.left_row {
                while let Some(&at) = self.candidates.get(self.next) {
                    self.next += 1;
                    self.steps += 1;
                    cx.poll(self.steps)?;
                    let pair = joined(left, &table.rows[at]);
                    if cx.all_true(&node.residual, &pair)? {
                        table.matched[at] = true;
                        self.left_matched = true;
                        return Ok(Some(pair));
                    }
                }
                let keeps = matches!(node.kind, JoinKind::Left | JoinKind::Full);
                if let Some(left) = self.left_row.take()
                    && keeps
                    && !self.left_matched
                {
                    return Ok(Some(joined(&left, &nulls(node.right_width))));
                }
            }
            match self.left.next(cx)? {
                Some(row) => {
                    self.candidates = match key(&node.left_keys, &row, cx)? {
                        Some(key) => table.index.get(&key).cloned(),
                        None => None,
                    }
                    .unwrap_or_else(|| Arc::from([]));
                    self.next = 0;
                    self.left_matched = false;
                    self.left_row = Some(row);
                }
                None if matches!(node.kind, JoinKind::Right | JoinKind::Full) => {
                    self.rest = Some(0);
                }
                None => return Ok(None),
            }
        }
    }
}

/// The key of `row`; `None` if a part is `NULL`, which equals nothing.
fn key(exprs: &[Expr], row: &[Value], cx: &Cx<'_>) -> Result<Option<Vec<Value>>> {
    let mut key = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let value = cx.eval(expr, row)?;
        if value.is_null() {
            return Ok(None);
        }
        key.push(normal(value, expr.ty()));
    }
    Ok(Some(key))
}
