//! Functions that return rows, in `FROM`.

use std::sync::Arc;

use helios_base::{Result, Row, Value};

use super::super::node::TableFunctionNode;
use super::super::set_call::SetCall;
use super::{Cx, Operator};

pub(super) struct TableFunction {
    node: Arc<TableFunctionNode>,
    calls: Option<Vec<SetCall>>,
    number: i64,
}

impl TableFunction {
    pub(super) fn open(node: &Arc<TableFunctionNode>) -> Self {
        Self {
            node: node.clone(),
            calls: None,
            number: 0,
        }
    }
}

impl Operator for TableFunction {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let calls = match &mut self.calls {
            Some(calls) => calls,
            none => none.insert(SetCall::start_all(&self.node.calls, &[], cx)?),
        };
        cx.poll(self.number as usize)?;
        let Some(mut row) = SetCall::next_all(calls)? else {
            return Ok(None);
        };
        self.number += 1;
        if self.node.ordinality {
            row.push(Value::Int8(self.number));
        }
        Ok(Some(row))
    }
}
