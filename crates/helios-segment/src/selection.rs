//! Which rows of a chunk count.

use arrow_array::BooleanArray;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

/// A subset of the rows `0 .. rows`.
#[derive(Clone, Debug)]
pub struct Selection {
    rows: usize,
    chosen: Chosen,
}

#[derive(Clone, Debug)]
enum Chosen {
    All,
    None,
    Bits(BooleanBuffer),
}

impl Selection {
    /// All of `rows`.
    pub fn all(rows: usize) -> Self {
        Self {
            rows,
            chosen: Chosen::All,
        }
    }

    /// None of `rows`.
    pub fn none(rows: usize) -> Self {
        Self {
            rows,
            chosen: Chosen::None,
        }
    }

    /// The rows whose bit is set.
    pub fn of(bits: BooleanBuffer) -> Self {
        let rows = bits.len();
        let chosen = match bits.count_set_bits() {
            0 => Chosen::None,
            set if set == rows => Chosen::All,
            _ => Chosen::Bits(bits),
        };
        Self { rows, chosen }
    }

    /// Of `rows`, those outside of the inclusive, ascending, disjoint `ranges`.
    pub(crate) fn without(rows: usize, ranges: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut bits = BooleanBufferBuilder::new(rows);
        let mut next = 0;
        for (first, last) in ranges {
            let first = first.clamp(next, rows);
            let end = last.saturating_add(1).clamp(first, rows);
            bits.append_n(first - next, true);
            bits.append_n(end - first, false);
            next = end;
        }
        if next == 0 {
            return Self::all(rows);
        }
        bits.append_n(rows - next, true);
        Self::of(bits.finish())
    }

    /// The number of rows chosen from.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many are chosen.
    pub fn count(&self) -> usize {
        match &self.chosen {
            Chosen::All => self.rows,
            Chosen::None => 0,
            Chosen::Bits(bits) => bits.count_set_bits(),
        }
    }

    /// Whether every row is chosen: nothing needs filtering.
    pub fn is_all(&self) -> bool {
        matches!(self.chosen, Chosen::All) || self.rows == 0
    }

    /// Whether no row is chosen: nothing needs decoding.
    pub fn is_none(&self) -> bool {
        matches!(self.chosen, Chosen::None) || self.rows == 0
    }

    /// Whether `row` is chosen; rows beyond the end are not.
    pub fn contains(&self, row: usize) -> bool {
        row < self.rows
            && match &self.chosen {
                Chosen::All => true,
                Chosen::None => false,
                Chosen::Bits(bits) => bits.value(row),
            }
    }

    /// Rows that both choose. Of selections over different rows, the longer's rest is not chosen.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (&self.chosen, &other.chosen) {
            _ if self.rows != other.rows => {
                let rows = self.rows.max(other.rows);
                let both = |row| self.contains(row) && other.contains(row);
                Self::of(BooleanBuffer::collect_bool(rows, both))
            }
            (Chosen::All, _) | (_, Chosen::None) => other.clone(),
            (_, Chosen::All) | (Chosen::None, _) => self.clone(),
            (Chosen::Bits(a), Chosen::Bits(b)) => Self::of(a & b),
        }
    }

    /// One bit per row.
    pub fn bits(&self) -> BooleanBuffer {
        match &self.chosen {
            Chosen::All => BooleanBuffer::new_set(self.rows),
            Chosen::None => BooleanBuffer::new_unset(self.rows),
            Chosen::Bits(bits) => bits.clone(),
        }
    }

    /// As Arrow's filter kernels want it.
    pub fn to_array(&self) -> BooleanArray {
        BooleanArray::new(self.bits(), None)
    }

    /// The chosen rows, ascending.
    pub fn indices(&self) -> Vec<u32> {
        match &self.chosen {
            Chosen::All => (0..self.rows as u32).collect(),
            Chosen::None => Vec::new(),
            Chosen::Bits(bits) => bits.set_indices_u32().collect(),
        }
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.bits() == other.bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_ranges() {
        assert!(Selection::without(5, [].into_iter()).is_all());
        assert!(Selection::without(5, [(0, 4)].into_iter()).is_none());
        let some = Selection::without(6, [(1, 1), (3, 9)].into_iter());
        assert_eq!(some.indices(), [0, 2]);
        assert_eq!(some.and(&Selection::all(6)), some);
        assert!(some.and(&Selection::none(6)).is_none());
        assert!(!some.contains(6));
    }
}
