//! `SELECT … FOR UPDATE`: locks the rows that pass.

use std::sync::Arc;

use helios_base::{Result, Row};
use helios_table::row::StoredRow;

use super::super::lock::{mode, wait};
use super::super::node::LockRowsNode;
use super::super::recheck::{self, Recheck, key_in};
use super::{BoxOperator, Cx, Operator, open};

pub(super) struct LockRows {
    node: Arc<LockRowsNode>,
    input: BoxOperator,
}

impl LockRows {
    pub(super) fn open(node: &Arc<LockRowsNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            input: open(&node.input, cx)?,
        })
    }

    /// Locks what `row` is made of. `None` if it is gone, busy and to be skipped, or no longer
    /// wanted.
    fn lock(&self, mut row: Row, cx: &Cx<'_>) -> Result<Option<Row>> {
        let txn = cx.exec.transaction()?;
        for lock in &self.node.locks {
            let Some(key) = key_in(&row, lock.key)? else {
                continue;
            };
            let Some(table) = cx.exec.catalog.table_by_id(lock.table.id) else {
                continue;
            };
            let locked =
                txn.txn()
                    .lock_row(table.storage, &key, mode(lock.mode), wait(lock.wait))?;
            let Some(latest) = locked.as_ref().and_then(|locked| locked.latest.as_ref()) else {
                return Ok(None);
            };
            if locked
                .as_ref()
                .is_some_and(|locked| locked.changed_since_snapshot)
            {
                let stored = StoredRow::new(table.shape(), &key, latest.begin, &latest.row)?;
                let values = stored.values()?;
                let again = Recheck {
                    table: table.id,
                    key,
                    values,
                };
                match recheck::again(&self.node.input, again, cx)? {
                    Some(fresh) => row = fresh,
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(row))
    }
}

impl Operator for LockRows {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        while let Some(row) = self.input.next(cx)? {
            if let Some(row) = self.lock(row, cx)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
