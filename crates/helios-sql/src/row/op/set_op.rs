//! `UNION`, `INTERSECT` and `EXCEPT`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use helios_base::{Result, Row, Value};

use super::super::keys::row_key;
use super::super::memory::Held;
use super::super::node::SetOpNode;
use super::{BoxOperator, Cx, Operator, open};
use crate::plan::SetOpKind;

pub(super) struct SetOp {
    node: Arc<SetOpNode>,
    left: Option<BoxOperator>,
    /// The side being read second by `UNION`.
    right: Option<BoxOperator>,
    /// How often each row of the right side is still there, for the other two.
    counts: Option<HashMap<Vec<Value>, u64>>,
    /// What was put out, unless duplicates are kept.
    seen: HashSet<Vec<Value>>,
    held: Held,
}

impl SetOp {
    pub(super) fn open(node: &Arc<SetOpNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            left: Some(open(&node.left, cx)?),
            right: None,
            counts: None,
            seen: HashSet::new(),
            held: Held::default(),
        })
    }

    fn next_union(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            let row = match (&mut self.left, &mut self.right) {
                (Some(left), _) => match left.next(cx)? {
                    Some(row) => row,
                    None => {
                        self.left = None;
                        self.right = Some(open(&self.node.right, cx)?);
                        continue;
                    }
                },
                (None, Some(right)) => match right.next(cx)? {
                    Some(row) => row,
                    None => return Ok(None),
                },
                (None, None) => return Ok(None),
            };
            if self.node.all {
                return Ok(Some(row));
            }
            let key = row_key(&row, &self.node.types);
            if self.is_new(key, cx)? {
                return Ok(Some(row));
            }
        }
    }

    /// Whether the row was not put out before.
    fn is_new(&mut self, key: Vec<Value>, cx: &Cx<'_>) -> Result<bool> {
        if self.seen.contains(&key) {
            return Ok(false);
        }
        self.held.row(&key, cx)?;
        Ok(self.seen.insert(key))
    }

    fn count_right(&mut self, cx: &Cx<'_>) -> Result<HashMap<Vec<Value>, u64>> {
        let mut counts = HashMap::new();
        let mut right = open(&self.node.right, cx)?;
        while let Some(row) = right.next(cx)? {
            let key = row_key(&row, &self.node.types);
            match counts.get_mut(&key) {
                Some(count) => *count += 1,
                None => {
                    self.held.row(&key, cx)?;
                    counts.insert(key, 1);
                }
            }
        }
        Ok(counts)
    }
}

impl Operator for SetOp {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if self.node.kind == SetOpKind::Union {
            return self.next_union(cx);
        }
        if self.counts.is_none() {
            self.counts = Some(self.count_right(cx)?);
        }
        let (Some(left), Some(counts)) = (&mut self.left, &mut self.counts) else {
            return Ok(None);
        };
        let intersect = self.node.kind == SetOpKind::Intersect;
        while let Some(row) = left.next(cx)? {
            let key = row_key(&row, &self.node.types);
            let there = match counts.get_mut(&key) {
                Some(count) if *count > 0 => {
                    if self.node.all {
                        *count -= 1;
                    }
                    true
                }
                _ => false,
            };
            if there == intersect && (self.node.all || self.seen.insert(key)) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
