//! Rows for which a predicate is true.

use std::sync::Arc;

use helios_base::{Result, Row};
use helios_expr::Expr;

use super::super::node::FilterNode;
use super::super::steady::{has_steady_part, settled};
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct Filter {
    node: Arc<FilterNode>,
    /// The predicate for this run, if it has parts that are computed once.
    settled: Option<Expr>,
    input: BoxOperator,
}

impl Filter {
    pub(super) fn open(node: &Arc<FilterNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            settled: has_steady_part(&node.predicate).then(|| settled(&node.predicate, cx)),
            node: node.clone(),
            input: open(&node.input, cx)?,
        })
    }
}

impl Operator for Filter {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        while let Some(row) = self.input.next(cx)? {
            let predicate = self.settled.as_ref().unwrap_or(&self.node.predicate);
            if cx.is_true(predicate, &row)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
