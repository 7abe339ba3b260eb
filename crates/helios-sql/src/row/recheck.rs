//! Looking again at a row that another transaction changed while this one waited for it.
//!
//! READ COMMITTED then asks whether the row's newest version still satisfies the statement. The
//! query runs again, with the scan of that table reduced to the one row in its newest version.

use std::sync::Arc;

use helios_base::{Result, Row, TableId, Value};

use super::exec::{Cx, Exec};
use super::node::Node;
use super::op;

/// The row that stands for its table.
#[derive(Clone, Debug)]
pub(crate) struct Recheck {
    /// The table; of its scans, the one that yields the rows' keys is meant.
    pub(crate) table: TableId,
    /// The row's stored key.
    pub(crate) key: Arc<[u8]>,
    /// Its newest values, one per column of the table.
    pub(crate) values: Row,
}

/// The first row of `input` with the table reduced to one row; `None` if that no longer qualifies.
pub(crate) fn again(input: &Node, recheck: Recheck, cx: &Cx<'_>) -> Result<Option<Row>> {
    let exec = cx.exec.with_recheck(Some(recheck));
    let cx = Cx::new(&exec, cx.frame);
    op::open(input, &cx)?.next(&cx)
}

impl Exec {
    /// The same run with one table reduced to a row, or none; results of subqueries are found anew.
    pub(super) fn with_recheck(&self, recheck: Option<Recheck>) -> Self {
        Self {
            subplans: self.subplans.clone(),
            params: self.params.clone(),
            catalog: self.catalog.clone(),
            tables: self.tables.clone(),
            reader: self.reader.clone(),
            past: self.past.clone(),
            shaped: self.shaped.clone(),
            txn: self.txn.clone(),
            session: self.session.clone(),
            text: self.text.clone(),
            clock: self.clock,
            interrupt: self.interrupt.clone(),
            ctes: self.ctes.fork(),
            memo: super::subplan::Memo::default(),
            memory: self.memory.clone(),
            changing: self.changing.clone(),
            recheck,
            measures: self.measures.clone(),
        }
    }
}

/// The stored key in an input row; `None` where an outer join left it out.
pub(crate) fn key_in(row: &[Value], at: usize) -> Result<Option<Arc<[u8]>>> {
    match row.get(at) {
        Some(Value::Bytea(key)) => Ok(Some(key.clone())),
        Some(Value::Null) => Ok(None),
        other => Err(helios_base::Error::internal(format!(
            "row key is {other:?}"
        ))),
    }
}
