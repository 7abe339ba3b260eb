//! `LIMIT`, `OFFSET` and `FETCH FIRST … WITH TIES`.

use std::sync::Arc;

use helios_base::{Error, Result, Row, SqlState, Value};
use helios_expr::Expr;

use super::super::keys::{compare, sort_values};
use super::super::node::{LimitNode, Node};
use super::sort::Sort;
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct Limit {
    node: Arc<LimitNode>,
    input: BoxOperator,
    skip: u64,
    left: Option<u64>,
    /// The sort values of the last row, where ties matter.
    last: Option<Vec<Value>>,
}

impl Limit {
    pub(super) fn open(node: &Arc<LimitNode>, cx: &Cx<'_>) -> Result<Self> {
        let left = count(node.limit.as_ref(), cx)?.map_or(Ok(None), |n| {
            u64::try_from(n).map(Some).map_err(|_| {
                Error::new(
                    SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                    "LIMIT must not be negative",
                )
            })
        })?;
        let skip = u64::try_from(count(node.offset.as_ref(), cx)?.unwrap_or(0)).map_err(|_| {
            Error::new(
                SqlState::INVALID_ROW_COUNT_IN_OFFSET_CLAUSE,
                "OFFSET must not be negative",
            )
        })?;
        let wanted = left
            .filter(|_| node.ties.is_empty())
            .and_then(|left| usize::try_from(left.saturating_add(skip)).ok());
        Ok(Self {
            input: match &node.input {
                Node::Sort(sort) => Box::new(Sort::open(sort, wanted)),
                other => open(other, cx)?,
            },
            node: node.clone(),
            skip,
            left,
            last: None,
        })
    }
}

fn count(expr: Option<&Expr>, cx: &Cx<'_>) -> Result<Option<i64>> {
    match expr {
        None => Ok(None),
        Some(expr) => match cx.eval(expr, &[])? {
            Value::Int8(n) => Ok(Some(n)),
            Value::Int4(n) => Ok(Some(i64::from(n))),
            Value::Null => Ok(None),
            other => Err(Error::internal(format!("row count is {other:?}"))),
        },
    }
}

impl Operator for Limit {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let ties = &self.node.ties;
        if self.left == Some(0) && (ties.is_empty() || self.last.is_none()) {
            return Ok(None);
        }
        while self.skip > 0 {
            self.skip -= 1;
            if self.input.next(cx)?.is_none() {
                self.left = Some(0);
                return Ok(None);
            }
        }
        let Some(row) = self.input.next(cx)? else {
            return Ok(None);
        };
        match &mut self.left {
            Some(0) => {
                // Only ties of the last row follow.
                let values = sort_values(ties, &row, cx)?;
                if self
                    .last
                    .as_ref()
                    .is_some_and(|last| compare(ties, last, &values).is_eq())
                {
                    return Ok(Some(row));
                }
                self.last = None;
                return Ok(None);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if !ties.is_empty() {
            self.last = Some(sort_values(ties, &row, cx)?);
        }
        Ok(Some(row))
    }
}
