//! Rows in order.

use std::sync::Arc;

use helios_base::{Result, Row, Value};

use super::super::keys::{sort_rows, sort_values};
use super::super::memory::{Held, values_bytes};
use super::super::node::SortNode;
use super::{Cx, Operator, open};

pub(super) struct Sort {
    node: Arc<SortNode>,
    /// How many of the first rows are wanted; the rest is dropped as it comes.
    wanted: Option<usize>,
    sorted: Option<std::vec::IntoIter<(Vec<Value>, Row)>>,
    held: Held,
}

impl Sort {
    pub(super) fn open(node: &Arc<SortNode>, wanted: Option<usize>) -> Self {
        Self {
            node: node.clone(),
            wanted,
            sorted: None,
            held: Held::default(),
        }
    }

    fn sort(&mut self, cx: &Cx<'_>) -> Result<Vec<(Vec<Value>, Row)>> {
        let node = self.node.clone();
        let keys = &node.keys;
        let mut input = open(&node.input, cx)?;
        let mut rows = Vec::new();
        // Cutting back at twice the wanted rows keeps memory bounded and the order stable.
        let limit = self.wanted.map(|wanted| wanted.saturating_mul(2).max(1024));
        while let Some(row) = input.next(cx)? {
            let order = sort_values(keys, &row, cx)?;
            self.held.row(&row, cx)?;
            self.held.grow(values_bytes(&order), cx)?;
            rows.push((order, row));
            if let (Some(limit), Some(wanted)) = (limit, self.wanted)
                && rows.len() >= limit
            {
                sort_rows(keys, &mut rows);
                rows.truncate(wanted);
                self.held = Held::default();
                for (order, row) in &rows {
                    self.held.row(row, cx)?;
                    self.held.grow(values_bytes(order), cx)?;
                }
            }
        }
        cx.exec.interrupt.check()?;
        sort_rows(keys, &mut rows);
        Ok(rows)
    }
}

impl Operator for Sort {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        if self.sorted.is_none() {
            self.sorted = Some(self.sort(cx)?.into_iter());
        }
        Ok(self
            .sorted
            .as_mut()
            .and_then(Iterator::next)
            .map(|(_, row)| row))
    }
}
