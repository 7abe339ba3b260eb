//! Rows in the order of nearness, by what the index knows of them.
//!
//! Where nothing but the order reads the vectors, a candidate that is known to be as the index has it needs no vector,
//! and no row if what else is wanted is in its key. Its distance is the index's, in single precision; where two lie nearer to each
//! other than both may be wrong their rows decide, so that the order is the one that the rows give.

use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Result, Row, Value};
use helios_table::catalog::TableDef;
use helios_table::row::StoredRow;

use super::super::super::scan::ScanNode;

/// What comes out of a scan that gives its rows in order.
pub(super) struct Layout {
    /// Places among the columns that the scan reads; `None` for the vector, which nobody reads.
    places: Vec<Option<usize>>,
    /// Positions of these in the table.
    positions: Vec<Option<usize>>,
    /// Whether the stored key has them all as they were stored.
    by_key: bool,
}

impl Layout {
    /// Of a scan that reads vectors in its column `vector` and of which the columns at `picked` come out, if not all.
    pub(super) fn new(
        node: &ScanNode,
        vector: usize,
        picked: Option<&[usize]>,
        table: &TableDef,
    ) -> Self {
        let places: Vec<Option<usize>> = match picked {
            Some(picked) => {
                let place = |position| node.reads.iter().position(|read| read == position);
                picked.iter().map(place).collect()
            }
            None => (0..node.reads.len())
                .map(|place| (place != vector).then_some(place))
                .collect(),
        };
        let position =
            |place: &Option<usize>| place.and_then(|place| node.reads.get(place).copied());
        let positions: Vec<Option<usize>> = places.iter().map(position).collect();
        let keys = table.shape().key_columns();
        let in_key = |position: &usize| {
            let mut keys = keys.iter();
            keys.any(|(at, ty)| at == position && looks_the_same(ty))
        };
        Self {
            by_key: positions.iter().flatten().all(in_key),
            places,
            positions,
        }
    }

    /// Whether a row's key says all that is wanted of it.
    pub(super) fn is_by_key(&self) -> bool {
        self.by_key
    }

    /// Of a row that the scan would give.
    pub(super) fn of_read(&self, row: &Row) -> Row {
        let value = |place: &Option<usize>| place.and_then(|place| row.get(place).cloned());
        self.places
            .iter()
            .map(|place| value(place).unwrap_or(Value::Null))
            .collect()
    }

    /// Of a stored row.
    pub(super) fn of_stored(&self, stored: &StoredRow<'_>) -> Result<Row> {
        let value = |position: &Option<usize>| match position {
            Some(position) => stored.value(*position),
            None => Ok(Value::Null),
        };
        self.positions.iter().map(value).collect()
    }

    /// Of a row by its stored key, which has to say all.
    pub(super) fn of_key(&self, table: &TableDef, key: &[u8]) -> Result<Row> {
        let mut rest = key;
        let mut values = vec![Value::Null; self.positions.len()];
        if self.positions.iter().all(Option::is_none) {
            return Ok(values);
        }
        for (position, ty) in table.shape().key_columns() {
            let value = key::decode(&mut rest, ty, KeyOrder::ASC)?;
            for (slot, wanted) in values.iter_mut().zip(&self.positions) {
                if *wanted == Some(*position) {
                    slot.clone_from(&value);
                }
            }
        }
        Ok(values)
    }
}

/// Whether equal values of a type look the same, so that a key has them as they were stored.
fn looks_the_same(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Bool
            | DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Uuid
            | DataType::Text
            | DataType::Varchar(_)
            | DataType::Date
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
    )
}

/// Rows with how far they are.
#[derive(Default)]
pub(super) struct Ranked(Vec<Placed>);

struct Placed {
    /// `None` without a distance, after all others.
    distance: Option<f64>,
    /// By how much that may be wrong, and the key by which it can be told exactly; `None` if it is exact.
    doubt: Option<(f64, Box<[u8]>)>,
    row: Row,
}

impl Placed {
    fn error(&self) -> f64 {
        self.doubt.as_ref().map_or(0.0, |(error, _)| *error)
    }
}

impl Ranked {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes in a row whose distance is known.
    pub(super) fn exactly(&mut self, distance: &Value, row: Row) {
        let doubt = None;
        let distance = number(distance);
        self.0.push(Placed {
            distance,
            doubt,
            row,
        });
    }

    /// Takes in a row whose distance may be wrong by `error`.
    pub(super) fn about(&mut self, distance: f32, error: f64, key: &[u8], row: Row) {
        self.0.push(Placed {
            distance: Some(f64::from(distance)),
            doubt: Some((error, key.into())),
            row,
        });
    }

    /// The rows in order; `exact` tells the distance of the row under a key.
    pub(super) fn in_order(
        mut self,
        mut exact: impl FnMut(&[u8]) -> Result<Option<Value>>,
    ) -> Result<Vec<Row>> {
        self.sort();
        let mut decided = false;
        let mut start = 0;
        while start < self.0.len() {
            let end = self.end_of_doubt(start);
            if end - start > 1 {
                for placed in self.0.iter_mut().take(end).skip(start) {
                    if let Some((_, key)) = placed.doubt.take()
                        && let Some(distance) = exact(&key)?
                    {
                        placed.distance = number(&distance);
                        decided = true;
                    }
                }
            }
            start = end;
        }
        if decided {
            self.sort();
        }
        Ok(self.0.into_iter().map(|placed| placed.row).collect())
    }

    fn sort(&mut self) {
        self.0.sort_by(|a, b| match (a.distance, b.distance) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        });
    }

    /// Where those end of which each may be further away than the next one, from `start` on.
    fn end_of_doubt(&self, start: usize) -> usize {
        let mut end = start + 1;
        while let (Some(last), Some(next)) = (self.0.get(end - 1), self.0.get(end))
            && let (Some(near), Some(far)) = (last.distance, next.distance)
            && far - near <= last.error() + next.error()
            && last.error() + next.error() > 0.0
        {
            end += 1;
        }
        end
    }
}

/// A distance; what is none is after all numbers.
fn number(value: &Value) -> Option<f64> {
    match value {
        // Zeros are equal.
        Value::Float8(number) if *number == 0.0 => Some(0.0),
        Value::Float8(number) if number.is_nan() => Some(f64::NAN),
        Value::Float8(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i64) -> Row {
        vec![Value::Int8(number)]
    }

    #[test]
    fn rows_decide_what_is_in_doubt() {
        let mut ranked = Ranked::default();
        ranked.exactly(&Value::Null, row(9));
        ranked.exactly(&Value::Float8(f64::NAN), row(8));
        ranked.about(2.0, 0.1, b"three", row(3));
        ranked.about(1.95, 0.1, b"two", row(2));
        ranked.about(5.0, 0.1, b"five", row(5));
        ranked.exactly(&Value::Float8(1.9), row(1));
        ranked.exactly(&Value::Float8(4.0), row(4));
        ranked.exactly(&Value::Float8(-0.0), row(0));
        assert_eq!(ranked.len(), 8);
        let mut asked = Vec::new();
        let rows = ranked.in_order(|key| {
            asked.push(key.to_vec());
            Ok(Some(Value::Float8(if key == b"two" { 2.05 } else { 1.85 })))
        });
        let numbers = [0, 3, 1, 2, 4, 5, 8, 9].map(row);
        assert_eq!(rows.unwrap(), numbers);
        assert_eq!(asked, [b"two".to_vec(), b"three".to_vec()]);
    }
}
