//! Values as keys: of groups, hash joins, distinct rows and orders.

use std::cmp::Ordering;
use std::sync::Arc;

use helios_base::{DataType, Result, Row, Value};

use super::exec::Cx;
use crate::plan::SortKey;

/// The form in which a value is compared for equality: two values that `=` calls equal become
/// identical. Whole numbers widen, and `char(n)` loses its padding.
pub(crate) fn normal(value: Value, ty: &DataType) -> Value {
    match (value, ty) {
        (Value::Int2(n), _) => Value::Int8(i64::from(n)),
        (Value::Int4(n), _) => Value::Int8(i64::from(n)),
        (Value::Float4(n), _) => Value::Float8(f64::from(n)),
        (Value::Text(text), DataType::Char(_)) if text.ends_with(' ') => {
            Value::Text(Arc::from(text.trim_end_matches(' ')))
        }
        (value, _) => value,
    }
}

/// A whole row as a key.
pub(crate) fn row_key(row: &[Value], types: &[DataType]) -> Vec<Value> {
    row.iter()
        .zip(types)
        .map(|(value, ty)| normal(value.clone(), ty))
        .collect()
}

/// The values of the sort keys for `row`.
pub(crate) fn sort_values(keys: &[SortKey], row: &[Value], cx: &Cx<'_>) -> Result<Vec<Value>> {
    keys.iter().map(|key| cx.eval(&key.expr, row)).collect()
}

/// How two rows of sort values compare.
pub(crate) fn compare(keys: &[SortKey], a: &[Value], b: &[Value]) -> Ordering {
    for ((key, a), b) in keys.iter().zip(a).zip(b) {
        let ordering = compare_one(key, a, b);
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

/// How two values of one sort key compare.
pub(crate) fn compare_one(key: &SortKey, a: &Value, b: &Value) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if key.nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if key.nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let ordering = a.cmp_as(b, key.expr.ty());
            if key.descending {
                ordering.reverse()
            } else {
                ordering
            }
        }
    }
}

/// Sorts rows by their values, stably.
pub(crate) fn sort_rows(keys: &[SortKey], rows: &mut [(Vec<Value>, Row)]) {
    rows.sort_by(|(a, _), (b, _)| compare(keys, a, b));
}
