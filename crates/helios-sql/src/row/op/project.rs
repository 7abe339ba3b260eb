//! Other columns computed from each row.

use std::sync::Arc;

use helios_base::{Result, Row};

use super::super::node::ProjectNode;
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct Project {
    node: Arc<ProjectNode>,
    input: BoxOperator,
}

impl Project {
    pub(super) fn open(node: &Arc<ProjectNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            input: open(&node.input, cx)?,
        })
    }
}

impl Operator for Project {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        match self.input.next(cx)? {
            Some(row) => cx.eval_all(&self.node.exprs, &row).map(Some),
            None => Ok(None),
        }
    }
}
