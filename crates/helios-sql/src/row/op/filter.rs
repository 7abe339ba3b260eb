//! Rows for which a predicate is true.

use std::sync::Arc;

use helios_base::{Result, Row};

use super::super::node::FilterNode;
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct Filter {
    node: Arc<FilterNode>,
    input: BoxOperator,
}

impl Filter {
    pub(super) fn open(node: &Arc<FilterNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            input: open(&node.input, cx)?,
        })
    }
}

impl Operator for Filter {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        while let Some(row) = self.input.next(cx)? {
            if cx.is_true(&self.node.predicate, &row)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
