//! Key ranges: from filters, and split for parallel scans.

use std::ops::Bound;

use datafusion::logical_expr::{BinaryExpr, Expr as DfExpr, Operator};
use helios_base::{Result, Value};
use helios_table::catalog::TableDef;
use helios_table::{KeyRange, KeyRangeSpec, TableReader};
use helios_version::Read;

use crate::fusion::array::read_scalar;
use crate::fusion::shape::Shape;

/// The key column at `place` of the key, the operator and the constant of a filter that a key range
/// can serve.
fn condition(filter: &DfExpr, table: &TableDef) -> Option<(usize, Operator, Value)> {
    let DfExpr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return None;
    };
    let (column, op, constant) = match (left.as_ref(), right.as_ref()) {
        (DfExpr::Column(column), constant) => (column, *op, constant),
        (constant, DfExpr::Column(column)) => (column, op.swap()?, constant),
        _ => return None,
    };
    let (position, _) = table.column(&column.name)?;
    let keys = table.shape().key_columns();
    let place = keys.iter().position(|(key, _)| *key == position)?;
    let (_, ty) = keys.get(place)?;
    let shape = Shape::of(ty);
    if !shape.is_ordered() {
        return None;
    }
    let DfExpr::Literal(scalar, _) = constant else {
        // A parameter: its value comes later, its column is known now.
        return matches!(constant, DfExpr::Placeholder(_)).then_some((place, op, Value::Null));
    };
    if scalar.data_type() != shape.arrow {
        return None;
    }
    Some((place, op, read_scalar(scalar, &shape).ok()?))
}

/// Whether a key range may serve the filter.
pub(super) fn serves(filter: &DfExpr, table: &TableDef) -> bool {
    matches!(
        condition(filter, table),
        Some((
            _,
            Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq,
            _
        ))
    )
}

/// The smallest range that holds all rows that satisfy the filters.
///
/// # Errors
/// Internal if a constant does not fit its column.
pub(super) fn of_filters(
    filters: &[DfExpr],
    table: &TableDef,
    reader: &TableReader<'_>,
) -> Result<KeyRange> {
    let conditions: Vec<_> = filters
        .iter()
        .filter_map(|filter| condition(filter, table))
        .collect();
    let mut equal = Vec::new();
    while let Some((_, _, value)) = conditions
        .iter()
        .find(|(place, op, _)| *place == equal.len() && *op == Operator::Eq)
    {
        if value.is_null() {
            // No row equals NULL.
            return Ok(nothing());
        }
        equal.push(value.clone());
    }
    let mut lower: Bound<&Value> = Bound::Unbounded;
    let mut upper: Bound<&Value> = Bound::Unbounded;
    for (place, op, value) in &conditions {
        if *place != equal.len() || *op == Operator::Eq {
            continue;
        }
        if value.is_null() {
            return Ok(nothing());
        }
        match op {
            Operator::Gt if tighter(value, lower, false) => lower = Bound::Excluded(value),
            Operator::GtEq if tighter(value, lower, false) => lower = Bound::Included(value),
            Operator::Lt if tighter(value, upper, true) => upper = Bound::Excluded(value),
            Operator::LtEq if tighter(value, upper, true) => upper = Bound::Included(value),
            _ => {}
        }
    }
    reader.key_range(&KeyRangeSpec {
        equal: &equal,
        lower,
        upper,
        nulls: true,
    })
}

fn tighter(value: &Value, bound: Bound<&Value>, upper: bool) -> bool {
    match bound {
        Bound::Unbounded => true,
        Bound::Included(known) | Bound::Excluded(known) => {
            let order = value.cmp_sql(known);
            if upper { order.is_le() } else { order.is_ge() }
        }
    }
}

fn nothing() -> KeyRange {
    KeyRange {
        start: Bound::Included(vec![1]),
        end: Bound::Excluded(vec![0]),
    }
}

/// Cuts `range` into at most `parts` pieces, in key order, about equally wide if keys are spread
/// evenly between the first and the last.
///
/// # Errors
/// `Corrupt`, `Io`.
///
/// # Cost
/// Two seeks.
pub(super) fn split(
    range: KeyRange,
    parts: usize,
    table: &TableDef,
    read: &dyn Read,
) -> Result<Vec<KeyRange>> {
    if parts < 2 || range.is_empty() {
        return Ok(vec![range]);
    }
    let edge = |reverse: bool| -> Result<Option<Vec<u8>>> {
        let mut rows = read.scan(table.storage, range.bounds(), reverse)?;
        Ok(rows.next()?.map(|row| row.pk.to_vec()))
    };
    let (Some(first), Some(last)) = (edge(false)?, edge(true)?) else {
        return Ok(vec![range]);
    };
    let cuts = between(&first, &last, parts);
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut start = range.start;
    for cut in cuts {
        pieces.push(KeyRange {
            start,
            end: Bound::Excluded(cut.clone()),
        });
        start = Bound::Included(cut);
    }
    pieces.push(KeyRange {
        start,
        end: range.end,
    });
    Ok(pieces)
}

/// Up to `parts - 1` keys that cut the bytes between two keys evenly, ascending.
fn between(first: &[u8], last: &[u8], parts: usize) -> Vec<Vec<u8>> {
    let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    // Eight bytes after the common prefix tell the keys apart well enough.
    let number = |key: &[u8]| {
        let mut bytes = [0u8; 8];
        for (to, from) in bytes.iter_mut().zip(key.iter().skip(common)) {
            *to = *from;
        }
        u64::from_be_bytes(bytes)
    };
    let (low, high) = (number(first), number(last));
    let step = high.saturating_sub(low) / parts as u64;
    if step == 0 {
        return Vec::new();
    }
    (1..parts as u64)
        .map(|part| {
            let mut key = first.get(..common).unwrap_or_default().to_vec();
            key.extend_from_slice(&(low + step * part).to_be_bytes());
            key
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_ascend_between_the_edges() {
        let key = |n: u64| n.to_be_bytes().to_vec();
        let cuts = between(&key(1000), &key(2000), 4);
        assert_eq!(
            cuts,
            vec![key(1250), key(1500), key(1750)]
                .into_iter()
                .map(|mut k| {
                    // Six leading zero bytes are common; the cut extends beyond the key.
                    k.extend_from_slice(&[0; 6]);
                    k
                })
                .collect::<Vec<_>>()
        );
        assert!(between(&key(7), &key(7), 4).is_empty());
    }
}
