//! Sums of numbers in 64 bits by group, of which there are few.

use super::codes::{GROUPS, Places};
use super::terms::{BLOCK, Computed, Numbers};

/// Sums of a table, and the count of rows behind them.
const WIDTH: usize = 8;
const COUNT: usize = WIDTH - 1;

/// The sums of each group.
type Table = [[i64; WIDTH]; GROUPS];

/// Sums of terms by group.
pub(super) struct Tally {
    /// What is added up.
    terms: Vec<usize>,
    /// What was added up since the totals were, of a few terms each.
    tables: Vec<Box<Table>>,
    /// What the sums in a table may have come to.
    most: Vec<u128>,
    /// By term.
    totals: Vec<[i128; GROUPS]>,
    counts: [i64; GROUPS],
}

impl Tally {
    /// Of these terms.
    pub(super) fn new(terms: Vec<usize>) -> Self {
        let tables = terms.len().div_ceil(COUNT).max(1);
        Self {
            tables: (0..tables)
                .map(|_| Box::new([[0; WIDTH]; GROUPS]))
                .collect(),
            most: vec![0; terms.len()],
            totals: vec![[0; GROUPS]; terms.len()],
            counts: [0; GROUPS],
            terms,
        }
    }

    /// Adds the terms of a block to the sums of their groups. False, and nothing is added, if those may not fit.
    pub(super) fn add(&mut self, groups: &Places, computed: &Computed) -> bool {
        let mut is_full = false;
        let mut values: Vec<&Numbers> = Vec::with_capacity(self.terms.len());
        for (term, most) in self.terms.iter().zip(&self.most) {
            let Some((numbers, bits)) = computed.term(*term) else {
                return false;
            };
            let more = (BLOCK as u128) << bits;
            if more > i64::MAX.unsigned_abs().into() {
                return false;
            }
            is_full |= most + more > i64::MAX.unsigned_abs().into();
            values.push(numbers);
        }
        if is_full {
            self.settle();
        }
        for (term, most) in self.terms.iter().zip(&mut self.most) {
            *most += computed
                .term(*term)
                .map_or(0, |(_, bits)| (BLOCK as u128) << bits);
        }
        let mut values = values.chunks(COUNT);
        for table in &mut self.tables {
            let values = values.next().unwrap_or_default();
            match values.len() {
                0 => add::<0>(groups, values, table),
                1 => add::<1>(groups, values, table),
                2 => add::<2>(groups, values, table),
                3 => add::<3>(groups, values, table),
                4 => add::<4>(groups, values, table),
                5 => add::<5>(groups, values, table),
                6 => add::<6>(groups, values, table),
                _ => add::<COUNT>(groups, values, table),
            }
        }
        true
    }

    /// Adds what is in the tables to the totals.
    pub(super) fn settle(&mut self) {
        let mut totals = self.totals.chunks_mut(COUNT);
        for (number, table) in self.tables.iter_mut().enumerate() {
            for (at, total) in totals.next().unwrap_or_default().iter_mut().enumerate() {
                for (total, sums) in total.iter_mut().zip(table.iter()) {
                    *total += sums.get(at).copied().map_or(0, i128::from);
                }
            }
            if number == 0 {
                for (count, sums) in self.counts.iter_mut().zip(table.iter()) {
                    *count += sums[COUNT];
                }
            }
            table.fill([0; WIDTH]);
        }
        self.most.fill(0);
    }

    /// How many rows each group has. What is not settled is not among them, nor among the totals.
    pub(super) fn counts(&self) -> &[i64; GROUPS] {
        &self.counts
    }

    /// The sums of the groups, by the place of the term.
    pub(super) fn totals(&self, term: usize) -> Option<&[i128; GROUPS]> {
        self.totals.get(term)
    }
}

/// Row by row, for the sums of a row's group lie together: each is added to once the one before it was, but those of a row at the same
/// time.
fn add<const N: usize>(groups: &Places, values: &[&Numbers], table: &mut Table) {
    let Ok(values) = <&[&Numbers; N]>::try_from(values) else {
        return;
    };
    for (row, group) in groups.iter().enumerate() {
        let sums = &mut table[usize::from(*group) % GROUPS];
        for (sum, values) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(values[row]);
        }
        sums[COUNT] += 1;
    }
}
