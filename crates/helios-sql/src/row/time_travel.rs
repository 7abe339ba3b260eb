//! `AS OF`: reading a table on another branch or at another moment.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, Scn, SqlState, TxId, Value};
use helios_expr::{EvalContext, Expr};
use helios_table::catalog::TableDef;
use helios_version::Store;

use super::exec::Cx;
use super::look::look;
use super::reader::Reader;
use super::scan::ScanNode;
use crate::plan::{AsOf, At, Point};

/// The reader and the definition of the scan's table at another point of history; `None` if the
/// table was not there at the moment of this row.
pub(super) fn table_at(
    node: &ScanNode,
    at: &At,
    cx: &Cx<'_>,
) -> Result<Option<(Reader, Arc<TableDef>)>> {
    match at {
        At::Moment(id, _) => {
            let look = look(&cx.exec.past, *id)?;
            Ok(Some((look.reader.clone(), node.table.clone())))
        }
        At::Row(at, _) => table_of_row(node, at, cx),
    }
}

fn table_of_row(
    node: &ScanNode,
    at: &AsOf,
    cx: &Cx<'_>,
) -> Result<Option<(Reader, Arc<TableDef>)>> {
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
    let Some(then) = catalog.table_by_id(node.table.id) else {
        return Ok(None);
    };
    // The plan counts the columns of today; those of then are found by their identity.
    let mut table = (**then).clone();
    table.columns.clone_from(&node.table.columns);
    Ok(Some((Arc::new(snapshot), Arc::new(table))))
}

/// The change number of a moment, in the surroundings of a running statement.
pub(crate) fn scn_of(point: &Point, cx: &Cx<'_>) -> Result<Scn> {
    scn_at(point, cx.exec.tables.store(), &cx.context())
}

/// The change number of a moment.
pub(crate) fn scn_at(point: &Point, store: &Store, context: &EvalContext<'_>) -> Result<Scn> {
    let value = |expr: &Expr| value_of(expr, context);
    match point {
        Point::Scn(expr) => number(value(expr)?).map(Scn),
        Point::Timestamp(expr) => match value(expr)? {
            Value::TimestampTz(time) if time > crate::session::clock::now() => {
                let shown = Value::TimestampTz(time).to_text(&DataType::TimestampTz, context.text);
                Err(future(&format!("timestamp {shown}"), store))
            }
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

/// The error of a moment that has not come yet.
pub(crate) fn future(what: &str, store: &Store) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("{what} is in the future"),
    )
    .with_detail(format!("The newest change number is {}.", store.scn()))
}

/// The value of a moment's expression.
pub(super) fn value_of(expr: &Expr, context: &EvalContext<'_>) -> Result<Value> {
    let value = expr.eval(&[], context)?;
    if value.is_null() {
        return Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "AS OF needs a value that is not null",
        ));
    }
    Ok(value)
}

/// A number, or an LSN such as `0/1A2B`.
pub(super) fn number(value: Value) -> Result<u64> {
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
