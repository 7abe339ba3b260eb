//! Set-returning functions in a select list: each input row times the functions' rows.

use std::sync::Arc;

use helios_base::{Result, Row};

use super::super::node::ProjectSetNode;
use super::super::set_call::SetCall;
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct ProjectSet {
    node: Arc<ProjectSetNode>,
    input: BoxOperator,
    current: Option<(Row, Vec<SetCall>)>,
    steps: usize,
}

impl ProjectSet {
    pub(super) fn open(node: &Arc<ProjectSetNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            input: open(&node.input, cx)?,
            current: None,
            steps: 0,
        })
    }
}

impl Operator for ProjectSet {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            if let Some((row, calls)) = &mut self.current {
                self.steps += 1;
                cx.poll(self.steps)?;
                if let Some(values) = SetCall::next_all(calls)? {
                    let mut row = row.clone();
                    row.extend(values);
                    return Ok(Some(row));
                }
            }
            let Some(row) = self.input.next(cx)? else {
                return Ok(None);
            };
            let calls = SetCall::start_all(&self.node.calls, &row, cx)?;
            self.current = Some((row, calls));
        }
    }
}
