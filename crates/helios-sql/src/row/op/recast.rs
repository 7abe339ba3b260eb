//! Reading a table at a moment when its columns had other types, or its rows another key.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{DataType, Result, Row, Value};
use helios_table::catalog::TableDef;
use helios_table::row::StoredRow;
use helios_version::RowCursor;

use super::super::scan::ScanNode;
use super::super::time_travel::There;
use super::{BoxOperator, Cx, Operator};

/// Starts to read all of the table: what the plan knows of its key did not hold then.
pub(super) fn open(
    node: &Arc<ScanNode>,
    columns: Option<&Arc<[usize]>>,
    there: &There,
    _cx: &Cx<'_>,
) -> Result<BoxOperator> {
    let all = (Bound::Unbounded, Bound::Unbounded);
    Ok(Box::new(Recast {
        cursor: there.reader.scan(there.table.storage, all, false)?,
        node: node.clone(),
        columns: columns.cloned(),
        table: there.table.clone(),
        casts: there.casts.clone(),
        steps: 0,
    }))
}

struct Recast {
    node: Arc<ScanNode>,
    /// What comes out, if not what the node reads.
    columns: Option<Arc<[usize]>>,
    /// Rows as they are stored there, in the order of today's columns.
    table: Arc<TableDef>,
    casts: Arc<[(usize, DataType)]>,
    cursor: RowCursor,
    steps: usize,
}

impl Operator for Recast {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let node = &self.node;
        while let Some(row) = self.cursor.next()? {
            self.steps += 1;
            cx.poll(self.steps)?;
            let mut values = StoredRow::from_ref(self.table.shape(), row)?.values()?;
            for (position, then) in self.casts.iter() {
                if let (Some(value), Some(column)) =
                    (values.get_mut(*position), node.table.columns.get(*position))
                {
                    let context = cx.context();
                    *value = helios_expr::cast::cast(value, then, &column.ty, true, &context)?;
                }
            }
            let take = |positions: &[usize]| -> Row {
                let columns = positions.iter().map(|at| values.get(*at).cloned());
                columns.map(|value| value.unwrap_or(Value::Null)).collect()
            };
            if cx.all_true(&node.conditions, &take(&node.reads))? {
                return Ok(Some(take(self.columns.as_deref().unwrap_or(&node.reads))));
            }
        }
        Ok(None)
    }
}
