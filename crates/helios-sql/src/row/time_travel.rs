//! `AS OF`: reading a table on another branch or at another moment.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{
    BranchId, ColumnId, DataType, Error, Result, Scn, SqlState, TableId, TxId, Value,
};
use helios_expr::{EvalContext, Expr};
use helios_table::catalog::TableDef;
use helios_version::Store;
use parking_lot::Mutex;

use super::exec::Cx;
use super::look::look;
use super::reader::Reader;
use super::scan::ScanNode;
use crate::plan::{AsOf, At, Point};

/// Where a scan reads, and the table as it is there.
pub(super) struct There {
    pub(super) reader: Reader,
    pub(super) table: Arc<TableDef>,
    /// Columns whose type was another: position, and that type.
    pub(super) casts: Arc<[(usize, DataType)]>,
    /// Whether rows have the key there that the plan knows.
    pub(super) same_key: bool,
}

/// A table of the past as today's columns, kept for the rows of a statement.
#[derive(Clone)]
pub(crate) struct Shaped {
    table: Arc<TableDef>,
    casts: Arc<[(usize, DataType)]>,
    same_key: bool,
}

/// The tables that the rows of a statement have met, by number and version of the catalog; `None`
/// where there was no such table.
pub(crate) type ShapedTables = Mutex<HashMap<(TableId, u64), Option<Shaped>>>;

/// Where the scan reads at a moment; `None` if the table was not there at the moment of this row.
pub(super) fn there(node: &ScanNode, at: &At, cx: &Cx<'_>) -> Result<Option<There>> {
    match at {
        At::Moment(id, _) => Ok(Some(There {
            reader: look(&cx.exec.past, *id)?.reader.clone(),
            table: node.table.clone(),
            casts: Arc::from([]),
            same_key: true,
        })),
        At::Row(at, _) => of_row(node, at, cx),
    }
}

fn of_row(node: &ScanNode, at: &AsOf, cx: &Cx<'_>) -> Result<Option<There>> {
    let tables = &cx.exec.tables;
    let store = tables.store();
    let Some(point) = &at.point else {
        return Err(Error::internal("a moment per row that is none"));
    };
    // A row without a moment has no other row beside it.
    if point.expr().eval(&[], &cx.context())?.is_null() {
        return Ok(None);
    }
    let branch = match &at.branch {
        None => match snapshot_branch(point, store, &cx.context())? {
            Some(branch) => branch,
            None => cx.exec.reader.branch(),
        },
        Some(name) => crate::session::branch_named(store, name)?.id,
    };
    if branch != cx.exec.reader.branch() {
        cx.exec.session.check_branch_read(branch)?;
    }
    let snapshot = store.snapshot(branch, Some(scn_of(point, cx)?))?;
    let catalog = tables.catalog(&snapshot)?;
    let key = (node.table.id, catalog.version());
    let known = cx.exec.shaped.lock().get(&key).cloned();
    let shaped = known.unwrap_or_else(|| {
        let then = catalog.table_by_id(node.table.id);
        let shaped = then.map(|then| shape(then, &node.table));
        cx.exec.shaped.lock().insert(key, shaped.clone());
        shaped
    });
    Ok(shaped.map(|shaped| There {
        reader: Arc::new(snapshot),
        table: shaped.table,
        casts: shaped.casts,
        same_key: shaped.same_key,
    }))
}

/// The table as it was then, with the columns of now: they are found by their identity.
fn shape(then: &Arc<TableDef>, now: &TableDef) -> Shaped {
    let mut table = (**then).clone();
    let mut casts = Vec::new();
    table.columns.clone_from(&now.columns);
    for (position, column) in table.columns.iter_mut().enumerate() {
        match then.column_by_id(column.id) {
            Some((_, old)) => {
                if !old.ty.same(&column.ty) {
                    casts.push((position, old.ty.clone()));
                }
                column.clone_from(old);
            }
            None => column.missing = None,
        }
    }
    let key = |table: &TableDef| -> Vec<(ColumnId, DataType)> {
        let columns = table.key.iter().filter_map(|id| table.column_by_id(*id));
        columns
            .map(|(_, column)| (column.id, column.ty.bare()))
            .collect()
    };
    Shaped {
        same_key: key(then) == key(now),
        table: Arc::new(table),
        casts: casts.into(),
    }
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
                let shown =
                    Value::TimestampTz(time).to_text(&DataType::TimestampTz(None), context.text);
                Err(future(&format!("timestamp {shown}"), store))
            }
            Value::TimestampTz(time) => store.scn_at(time),
            other => Err(Error::internal(format!("AS OF TIMESTAMP {other:?}"))),
        },
        Point::Snapshot(expr) => pin_named(value(expr)?, store).map(|(_, scn)| scn),
        Point::Transaction(expr) => {
            let txid = number(value(expr)?)?;
            store.scn_of(TxId(txid))?.ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("transaction {txid} has not committed, or is no longer known"),
                )
                .with_hint("The commits that are known are listed by helios_log().")
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
    .with_detail(match store.commit_info(store.scn()) {
        Ok(Some(newest)) => format!(
            "The newest commit is change number {}, of {}.",
            newest.scn,
            Value::TimestampTz(newest.time).to_text(
                &DataType::TimestampTz(None),
                &helios_base::TextContext::default()
            )
        ),
        _ => format!("The newest change number is {}.", store.scn()),
    })
}

/// The branch of a named snapshot, if the moment is one.
pub(crate) fn snapshot_branch(
    point: &Point,
    store: &Store,
    context: &EvalContext<'_>,
) -> Result<Option<BranchId>> {
    let Point::Snapshot(expr) = point else {
        return Ok(None);
    };
    pin_named(value_of(expr, context)?, store).map(|(branch, _)| Some(branch))
}

/// The point that a named snapshot keeps.
fn pin_named(name: Value, store: &Store) -> Result<(BranchId, Scn)> {
    let Value::Text(name) = &name else {
        return Err(Error::internal(format!("AS OF SNAPSHOT {name:?}")));
    };
    crate::session::pin_named(store, name)
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
