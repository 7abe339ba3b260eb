//! Each distinct row once.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{Result, Row, Value};

use super::super::keys::{normal, row_key};
use super::super::memory::Held;
use super::super::node::DistinctNode;
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct Distinct {
    node: Arc<DistinctNode>,
    input: BoxOperator,
    seen: HashSet<Vec<Value>>,
    held: Held,
}

impl Distinct {
    pub(super) fn open(node: &Arc<DistinctNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            input: open(&node.input, cx)?,
            seen: HashSet::new(),
            held: Held::default(),
        })
    }
}

impl Operator for Distinct {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        while let Some(row) = self.input.next(cx)? {
            let key: Vec<Value> = if self.node.on.is_empty() {
                row_key(&row, &self.node.types)
            } else {
                self.node
                    .on
                    .iter()
                    .map(|expr| Ok(normal(cx.eval(expr, &row)?, expr.ty())))
                    .collect::<Result<_>>()?
            };
            if !self.seen.contains(&key) {
                self.held.row(&key, cx)?;
                self.seen.insert(key);
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
