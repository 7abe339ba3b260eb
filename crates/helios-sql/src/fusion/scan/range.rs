//! Key ranges: from filters, and cut for parallel scans.

use std::ops::Bound;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr as DfExpr, Operator};
use helios_base::{Result, Value};
use helios_table::catalog::TableDef;
use helios_table::{KeyRange, KeyRangeSpec, TableReader};
use helios_version::Read;

use super::filter::column;
use super::names::Columns;
use crate::fusion::array::read_scalar;
use crate::fusion::shape::Shape;

/// The key column at `place` of the key, the operator and the constant of a filter that a key range
/// can serve.
fn condition(filter: &DfExpr, columns: Columns<'_>) -> Option<(usize, Operator, Value)> {
    let DfExpr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return None;
    };
    let (position, op, constant) = match column(left, columns) {
        Some((position, _)) => (position, *op, right.as_ref()),
        None => (column(right, columns)?.0, op.swap()?, left.as_ref()),
    };
    let keys = columns.table.shape().key_columns();
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
    if scalar.data_type() == shape.arrow {
        return Some((place, op, read_scalar(scalar, &shape).ok()?));
    }
    // The key's column was widened; a constant that it cannot hold is left to the filter.
    let whole = matches!(shape.arrow, ArrowType::Int16 | ArrowType::Int32);
    let same = |narrow: &ScalarValue| {
        let wide = narrow.cast_to(&scalar.data_type());
        wide.is_ok_and(|wide| wide == *scalar)
    };
    let narrow = scalar.cast_to(&shape.arrow).ok().filter(same)?;
    if !whole || !scalar.data_type().is_signed_integer() {
        return None;
    }
    Some((place, op, read_scalar(&narrow, &shape).ok()?))
}

/// Whether a key range may serve the filter.
pub(super) fn serves(filter: &DfExpr, columns: Columns<'_>) -> bool {
    matches!(
        condition(filter, columns),
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
    columns: Columns<'_>,
    reader: &TableReader<'_>,
) -> Result<KeyRange> {
    let conditions: Vec<_> = filters
        .iter()
        .filter_map(|filter| condition(filter, columns))
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
    if equal.is_empty() && lower == Bound::Unbounded && upper == Bound::Unbounded {
        return Ok(KeyRange::ALL);
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

/// Cuts `range` of a table of so many rows into about `parts` pieces, in key order: at the chunks of its
/// segments, if most rows are in those, however many there are.
///
/// # Errors
/// `Corrupt`, `Io`.
pub(super) fn pieces(
    range: KeyRange,
    parts: usize,
    rows: u64,
    table: &TableDef,
    read: &dyn Read,
) -> Result<Vec<KeyRange>> {
    if read.segments(table.storage) == 0 {
        return split(range, parts, table, read);
    }
    let (mut cuts, cold) = read.cuts(table.storage, false)?;
    if cold.saturating_mul(2) < rows {
        return split(range, parts, table, read);
    }
    cuts.retain(|cut| is_within(&range, cut));
    // Too few for all parts to be busy until the end.
    if cuts.len() * 2 < parts {
        cuts = read.cuts(table.storage, true)?.0;
        cuts.retain(|cut| is_within(&range, cut));
    }
    Ok(cut(range, cuts))
}

/// Whether there are keys of the range on both sides of `key`.
fn is_within(range: &KeyRange, key: &[u8]) -> bool {
    let after = match &range.start {
        Bound::Included(start) | Bound::Excluded(start) => start.as_slice() < key,
        Bound::Unbounded => true,
    };
    let before = match &range.end {
        Bound::Included(end) | Bound::Excluded(end) => key < end.as_slice(),
        Bound::Unbounded => true,
    };
    after && before
}

/// The pieces of a range that begin at these keys, which are in it, ascending; the first begins where the
/// range does.
fn cut(range: KeyRange, cuts: Vec<Vec<u8>>) -> Vec<KeyRange> {
    let mut ranges = Vec::with_capacity(cuts.len() + 1);
    let mut start = range.start;
    for cut in cuts {
        ranges.push(KeyRange {
            start,
            end: Bound::Excluded(cut.clone()),
        });
        start = Bound::Included(cut);
    }
    ranges.push(KeyRange {
        start,
        end: range.end,
    });
    ranges
}

/// Cuts `range` into about `parts` pieces, in key order.
///
/// Where the keys lie is probed: a piece is cut in the middle of its first and its last key, and
/// both halves are narrowed to the keys that are there before they are cut again. So a few keys far
/// away from all others do not leave these in one piece.
///
/// # Errors
/// `Corrupt`, `Io`.
///
/// # Cost
/// Two seeks for each piece.
fn split(
    range: KeyRange,
    parts: usize,
    table: &TableDef,
    read: &dyn Read,
) -> Result<Vec<KeyRange>> {
    if parts < 2 || range.is_empty() {
        return Ok(vec![range]);
    }
    let edge = |range: &KeyRange, reverse: bool| -> Result<Option<Vec<u8>>> {
        let rows = read.scan(table.storage, range.bounds(), reverse)?;
        rows.first_key()
    };
    let (Some(first), Some(last)) = (edge(&range, false)?, edge(&range, true)?) else {
        return Ok(vec![range]);
    };
    let mut pieces = vec![(first, last)];
    for _ in 0..parts.ilog2() {
        let mut halves = Vec::with_capacity(pieces.len() * 2);
        for (first, last) in pieces {
            let Some(cut) = middle(&first, &last) else {
                halves.push((first, last));
                continue;
            };
            let below = KeyRange {
                start: Bound::Included(first.clone()),
                end: Bound::Excluded(cut.clone()),
            };
            let above = KeyRange {
                start: Bound::Included(cut),
                end: Bound::Included(last.clone()),
            };
            let low = edge(&below, true)?.unwrap_or_else(|| first.clone());
            let high = edge(&above, false)?.unwrap_or_else(|| last.clone());
            halves.push((first, low));
            halves.push((high, last));
        }
        pieces = halves;
    }
    // The pieces must leave no gap: between two probes other keys may be visible to a reader whose
    // view is not this one's, and the range's own ends stay what they are.
    let cuts = pieces.into_iter().skip(1).map(|(cut, _)| cut);
    Ok(cut(range, cuts.collect()))
}

/// A key in the middle between two keys; `None` if they are too close.
fn middle(first: &[u8], last: &[u8]) -> Option<Vec<u8>> {
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
    let half = high.checked_sub(low)? / 2;
    if half == 0 {
        return None;
    }
    let mut key = first.get(..common)?.to_vec();
    key.extend_from_slice(&(low + half).to_be_bytes());
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_lies_between_the_edges() {
        let key = |n: u64| n.to_be_bytes().to_vec();
        let mut cut = key(1500);
        // Six leading zero bytes are common; the cut extends beyond the key.
        cut.extend_from_slice(&[0; 6]);
        assert_eq!(middle(&key(1000), &key(2000)), Some(cut));
        assert_eq!(middle(&key(7), &key(7)), None);
        assert_eq!(middle(b"a", b"b"), Some(b"a\x80\0\0\0\0\0\0".to_vec()));
    }
}
