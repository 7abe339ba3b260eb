//! Operators without input: no rows, one row, rows of expressions.

use std::sync::Arc;

use helios_base::{Result, Row};
use helios_expr::Expr;

use super::{Cx, Operator};

/// No row.
pub(super) struct Empty;

impl Operator for Empty {
    fn next(&mut self, _cx: &Cx<'_>) -> Result<Option<Row>> {
        Ok(None)
    }
}

/// One row without columns.
#[derive(Default)]
pub(super) struct OneRow {
    done: bool,
}

impl Operator for OneRow {
    fn next(&mut self, _cx: &Cx<'_>) -> Result<Option<Row>> {
        Ok((!std::mem::replace(&mut self.done, true)).then(Row::new))
    }
}

/// Rows of expressions.
pub(super) struct Values {
    rows: Arc<Vec<Vec<Expr>>>,
    next: usize,
}

impl Values {
    pub(super) fn new(rows: Arc<Vec<Vec<Expr>>>) -> Self {
        Self { rows, next: 0 }
    }
}

impl Operator for Values {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        cx.poll(self.next)?;
        let Some(exprs) = self.rows.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        cx.eval_all(exprs, &[]).map(Some)
    }
}
