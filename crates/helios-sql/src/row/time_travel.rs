//! `AS OF`: reading a table on another branch or at another moment.

use std::sync::Arc;

use helios_base::{Error, Result, Scn, SqlState, TxId, Value};
use helios_expr::Expr;
use helios_table::catalog::TableDef;

use super::exec::Cx;
use super::reader::Reader;
use super::scan::ScanNode;
use crate::plan::{AsOf, Point};

/// The reader and the definition of the scan's table at another point of history.
pub(super) fn table_at(node: &ScanNode, at: &AsOf, cx: &Cx<'_>) -> Result<(Reader, Arc<TableDef>)> {
    let store = cx.exec.tables.store();
    let branch = match &at.branch {
        None => cx.exec.reader.branch(),
        Some(name) => store.branch(name).map(|branch| branch.id).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("branch \"{name}\" does not exist"),
            )
        })?,
    };
    let scn = match &at.point {
        None => None,
        Some(point) => Some(scn_of(point, cx)?),
    };
    let snapshot = store.snapshot(branch, scn)?;
    let catalog = cx.exec.tables.catalog(&snapshot)?;
    let then = catalog.table_by_id(node.table.id).ok_or_else(|| {
        Error::new(
            SqlState::UNDEFINED_TABLE,
            format!("table \"{}\" did not exist at that point", node.table.name),
        )
    })?;
    // The plan counts the columns of today; those of then are found by their identity.
    let mut table = (**then).clone();
    table.columns.clone_from(&node.table.columns);
    Ok((Arc::new(snapshot), Arc::new(table)))
}

/// The change number of a moment.
pub(crate) fn scn_of(point: &Point, cx: &Cx<'_>) -> Result<Scn> {
    let store = cx.exec.tables.store();
    let value = |expr: &Expr| -> Result<Value> {
        let value = cx.eval(expr, &[])?;
        if value.is_null() {
            return Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "AS OF needs a value that is not null",
            ));
        }
        Ok(value)
    };
    match point {
        Point::Scn(expr) => number(value(expr)?).map(Scn),
        Point::Timestamp(expr) => match value(expr)? {
            Value::TimestampTz(time) => store.scn_at(time),
            other => Err(Error::internal(format!("AS OF TIMESTAMP {other:?}"))),
        },
        Point::Transaction(expr) => {
            let txid = number(value(expr)?)?;
            store.scn_of(TxId(txid))?.ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("transaction {txid} has not committed, or is no longer known"),
                )
            })
        }
    }
}

/// A number, or an LSN such as `0/1A2B`.
fn number(value: Value) -> Result<u64> {
    let invalid = |shown: &str| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid change number: \"{shown}\""),
        )
        .with_hint("A change number is decimal, or an LSN such as 0/1A2B.")
    };
    match value {
        Value::Int8(n) => u64::try_from(n).map_err(|_| invalid(&n.to_string())),
        Value::Int4(n) => u64::try_from(n).map_err(|_| invalid(&n.to_string())),
        Value::Text(text) => match text.split_once('/') {
            None => text.trim().parse().map_err(|_| invalid(&text)),
            Some((high, low)) => {
                let part = |half: &str| u32::from_str_radix(half.trim(), 16);
                match (part(high), part(low)) {
                    (Ok(high), Ok(low)) => Ok(u64::from(high) << 32 | u64::from(low)),
                    _ => Err(invalid(&text)),
                }
            }
        },
        other => Err(Error::internal(format!("change number {other:?}"))),
    }
}
