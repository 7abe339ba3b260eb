//! The rows that `ANALYZE` looks at closely.
//!
//! Of rows outside of segments they are drawn while all of them pass; of those inside by their places, once it is known
//! how many there are, each column by itself. Both parts get their share of the sample.

use std::ops::ControlFlow;

use helios_base::{Result, Value};
use helios_segment::in_parallel;
use helios_version::{RowCursor, RowRef};

use super::analyze::ColumnStats;
use super::inside::Inside;
use super::spread::{Known, column_stats};
use crate::catalog::{ColumnDef, TableDef};
use crate::row::StoredRow;

/// How many rows are looked at closely.
const SAMPLE: usize = 30_000;

/// Rows between two questions whether to go on.
const ROWS_PER_CHECK: u64 = 1024;

/// Numbers that look random, the same each time: the same table gives the same statistics.
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// Marsaglia's xorshift.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Rows of a table, and how many there are.
pub(super) struct Sample<'t> {
    table: &'t TableDef,
    outside: Reservoir,
    /// Of those outside so many are looked at.
    outside_share: usize,
    inside: Inside,
}

/// Each row that passes stays with the same chance.
struct Reservoir {
    rows: Vec<Vec<Value>>,
    seen: u64,
    random: Random,
}

impl Reservoir {
    fn see(&mut self, row: impl FnOnce() -> Result<Vec<Value>>) -> Result<()> {
        let random = self.random.next();
        let place = match self.rows.len() {
            len if len < SAMPLE => Some(len),
            _ => usize::try_from(random % (self.seen + 1))
                .ok()
                .filter(|place| *place < SAMPLE),
        };
        self.seen += 1;
        let Some(place) = place else {
            return Ok(());
        };
        let row = row()?;
        match self.rows.get_mut(place) {
            Some(known) => *known = row,
            None => self.rows.push(row),
        }
        Ok(())
    }

    /// Puts a random choice of so many rows first.
    fn shuffle(&mut self, count: usize) {
        for at in 0..count.min(self.rows.len()) {
            let rest = (self.rows.len() - at) as u64;
            let other = at + usize::try_from(self.random.next() % rest).unwrap_or(0);
            self.rows.swap(at, other);
        }
    }
}

impl<'t> Sample<'t> {
    /// Of the rows of a fresh cursor over all of them.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; those of `interrupt`.
    pub(super) fn of(
        table: &'t TableDef,
        mut rows: RowCursor,
        interrupt: &dyn Fn() -> Result<()>,
    ) -> Result<Self> {
        let shape = table.shape();
        let mut outside = Reservoir {
            rows: Vec::new(),
            seen: 0,
            random: Random::new(),
        };
        let mut see = |row: RowRef<'_>| {
            if outside.seen.is_multiple_of(ROWS_PER_CHECK) {
                interrupt()?;
            }
            outside.see(|| StoredRow::from_ref(shape, row)?.values())?;
            Ok(ControlFlow::Continue(()))
        };
        let mut inside = Inside::default();
        if rows.has_segments() {
            let mut apart = rows.apart()?;
            while apart.for_each(&mut see)?.is_break() {}
            inside = Inside::of(apart.into_stretches(), interrupt)?;
        } else {
            while rows.for_each(&mut see)?.is_break() {}
        }
        let (of_outside, of_inside) = shares(outside.seen, inside.rows());
        if of_outside < outside.rows.len() {
            outside.shuffle(of_outside);
        }
        inside.choose(of_inside);
        Ok(Self {
            table,
            outside,
            outside_share: of_outside,
            inside,
        })
    }

    /// How many rows the table has.
    pub(super) fn rows(&self) -> u64 {
        self.outside.seen + self.inside.rows()
    }

    /// What the sample says of each column.
    ///
    /// # Errors
    /// As [`Sample::of`].
    pub(super) fn columns(
        &self,
        interrupt: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<Vec<ColumnStats>> {
        let threads = match self.inside.rows() {
            0 => 1,
            // Who asks for it waits for it.
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let columns = &self.table.columns;
        let stats = in_parallel(columns.len(), threads, |position| {
            match columns.get(position) {
                Some(column) => self.column(position, column, interrupt).map(Some),
                None => Ok(None),
            }
        });
        stats.into_iter().filter_map(Result::transpose).collect()
    }

    fn column(
        &self,
        position: usize,
        column: &ColumnDef,
        interrupt: &dyn Fn() -> Result<()>,
    ) -> Result<ColumnStats> {
        interrupt()?;
        let inside = (self.inside).values(self.table, position, interrupt)?;
        let outside = self.outside.rows.iter();
        let outside = outside.filter_map(|row| row.get(position));
        let known = match self.inside.rows() {
            0 => Known::default(),
            rows => self.known(rows, column, outside.clone())?,
        };
        let sampled = self.outside_share + inside.len();
        let values = outside.take(self.outside_share).chain(&inside);
        let (id, ty, rows) = (column.id, &column.ty, self.rows());
        Ok(column_stats(id, ty, values, sampled, rows, &known))
    }

    /// What the files of segments tell of a column, with all that is at hand of the rows `outside`.
    #[allow(clippy::cast_precision_loss, reason = "shares and estimates")]
    fn known<'v>(
        &self,
        inside: u64,
        column: &ColumnDef,
        outside: impl Iterator<Item = &'v Value> + Clone,
    ) -> Result<Known> {
        let at_hand = self.outside.rows.len();
        let nulls = outside.clone().filter(|value| value.is_null()).count();
        let share = nulls as f64 / at_hand.max(1) as f64;
        let nulls = self.inside.nulls(column) + share * self.outside.seen as f64;
        let all = inside + self.outside.seen;
        let mut ends = self.inside.ends(column);
        let present = || outside.clone().filter(|value| !value.is_null());
        let order = |a: &&Value, b: &&Value| a.cmp_as(b, &column.ty);
        ends.extend(present().min_by(order).cloned());
        ends.extend(present().max_by(order).cloned());
        // Most of those outside are at hand, or they are few.
        let is_told = self.outside.seen <= 2 * at_hand as u64 || self.outside.seen <= inside / 16;
        let distinct = match is_told {
            true => self.inside.distinct(column, outside.clone())?,
            false => None,
        };
        Ok(Known {
            null_fraction: Some((nulls / all.max(1) as f64).clamp(0.0, 1.0)),
            distinct,
            ends,
        })
    }
}

/// How many rows of either part are looked at.
fn shares(outside: u64, inside: u64) -> (usize, usize) {
    let all = outside + inside;
    let whole = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    if all <= SAMPLE as u64 {
        return (whole(outside), whole(inside));
    }
    let part = u128::from(outside) * SAMPLE as u128 / u128::from(all);
    let outside = usize::try_from(part).unwrap_or(SAMPLE).min(SAMPLE);
    (outside, SAMPLE - outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_gets_its_share() {
        assert_eq!(shares(10, 20), (10, 20));
        assert_eq!(shares(30_000, 0), (30_000, 0));
        assert_eq!(shares(4_000_000, 0), (30_000, 0));
        assert_eq!(shares(0, 4_000_000), (0, 30_000));
        assert_eq!(shares(1_000_000, 3_000_000), (7_500, 22_500));
        assert_eq!(shares(5, u64::MAX / 2), (0, 30_000));
    }

    #[test]
    fn every_row_may_be_chosen() {
        let mut reservoir = Reservoir {
            rows: (0..1000).map(|n| vec![Value::Int4(n)]).collect(),
            seen: 1000,
            random: Random::new(),
        };
        reservoir.shuffle(100);
        let first = |rows: &[Vec<Value>]| {
            let mut numbers: Vec<i32> = rows
                .iter()
                .filter_map(|row| match row.first() {
                    Some(Value::Int4(number)) => Some(*number),
                    _ => None,
                })
                .collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(first(&reservoir.rows), (0..1000).collect::<Vec<_>>());
        let chosen = first(&reservoir.rows[..100]);
        assert!(chosen.iter().any(|n| *n >= 500) && chosen.iter().any(|n| *n < 500));
    }
}
