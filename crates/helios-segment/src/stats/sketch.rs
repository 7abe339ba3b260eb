//! How many distinct values, about.

use arrow_array::ArrayRef;
use twox_hash::XxHash64;

use super::visit::{Item, visit};
use crate::error::{Error, Result};

/// Bits that choose a register.
const BITS: u32 = 11;
/// Registers: the standard error is 1.04 / √2048 = 2.3 %.
pub(crate) const REGISTERS: usize = 1 << BITS;

/// A HyperLogLog sketch: mergeable, so that a table's distinct count follows from its segments'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    registers: Vec<u8>,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            registers: vec![0; REGISTERS],
        }
    }
}

impl Sketch {
    /// Of the values in `array` that are not null. Empty for types without statistics.
    pub fn of(array: &ArrayRef) -> Self {
        let mut sketch = Self::default();
        // Runs are common where it matters (sorted keys, constants): skip what repeats.
        let mut before = None;
        visit(array, |item| {
            let hash = hash(item);
            if before != Some(hash) {
                sketch.add(hash);
                before = Some(hash);
            }
        });
        sketch
    }

    /// Of strings by their hashes ([`coded::hash`](crate::coded::hash)).
    pub(crate) fn of_hashes(hashes: &[u64]) -> Self {
        let mut sketch = Self::default();
        hashes.iter().for_each(|hash| sketch.add(*hash));
        sketch
    }

    fn add(&mut self, hash: u64) {
        let register = (hash >> (64 - BITS)) as usize;
        // The guard bit bounds the rank where all other bits are zero.
        let rank = ((hash << BITS) | (1 << (BITS - 1))).leading_zeros() + 1;
        if let Some(slot) = self.registers.get_mut(register) {
            *slot = (*slot).max(rank as u8);
        }
    }

    /// As if this sketch had seen the other's values too.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.registers.iter_mut().zip(&other.registers) {
            *own = (*own).max(*other);
        }
    }

    /// The estimate. Small counts are near exact.
    pub fn estimate(&self) -> u64 {
        let registers = REGISTERS as f64;
        let sum: f64 = self
            .registers
            .iter()
            .map(|rank| (-f64::from(*rank)).exp2())
            .sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        let empty = self.registers.iter().filter(|rank| **rank == 0).count();
        let estimate = if raw <= 2.5 * registers && empty > 0 {
            registers * (registers / empty as f64).ln()
        } else {
            raw
        };
        estimate.round() as u64
    }

    pub(crate) fn registers(&self) -> &[u8] {
        &self.registers
    }

    pub(crate) fn from_registers(registers: &[u8]) -> Result<Self> {
        let most = (64 - BITS + 1) as u8;
        if registers.len() != REGISTERS || registers.iter().any(|rank| *rank > most) {
            return Err(Error::damaged("distinct sketch of another shape"));
        }
        Ok(Self {
            registers: registers.to_vec(),
        })
    }
}

/// Equal values must hash alike across segments: fixed seed, both zeros alike, every `NaN` alike.
fn hash(item: Item<'_>) -> u64 {
    match item {
        Item::Bool(value) => mix(u64::from(value)),
        Item::Int(value) => mix(value as u64),
        Item::UInt(value) => mix(value),
        Item::Float(value) if value.is_nan() => mix(f64::NAN.to_bits()),
        Item::Float(value) => mix((value + 0.0).to_bits()),
        Item::Decimal(value) => XxHash64::oneshot(0, &value.to_le_bytes()),
        Item::Bytes(bytes) => crate::coded::hash(bytes),
    }
}

/// The finalizer of SplitMix64: a bijection that spreads every bit.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn estimates_lie_within_three_errors() {
        for count in [0i64, 1, 10, 1_000, 60_000, 400_000] {
            let array: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
            let estimate = Sketch::of(&array).estimate() as f64;
            let error = (estimate - count as f64).abs();
            assert!(error <= 0.07 * count as f64, "{estimate} for {count}");
        }
    }

    #[test]
    fn merging_is_seeing_both() {
        let texts = |range: std::ops::Range<i32>| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(
                range.map(|n| format!("row {n}")),
            ))
        };
        let mut merged = Sketch::of(&texts(0..600));
        merged.merge(&Sketch::of(&texts(300..1000)));
        assert_eq!(merged, Sketch::of(&texts(0..1000)));
        let back = Sketch::from_registers(merged.registers()).expect("same shape");
        assert_eq!(back, merged);
    }
}
