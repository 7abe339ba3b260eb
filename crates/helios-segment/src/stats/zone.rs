//! Zone maps: the least and the greatest value of a chunk's column.

use std::cmp::Ordering;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::i256;

use super::visit::{Item, visit, whole_ends};
use crate::error::{Error, Result};
use crate::format::bytes::{In, Out};

/// Longer strings are cut: bounds are kept in memory for every open segment.
const PREFIX: usize = 32;

/// A value by which chunks are skipped.
///
/// Integers, dates and times compare as numbers, in the column's own unit; strings, binary and
/// fixed-size binary by bytes; floats as PostgreSQL compares them: `NaN` is the greatest and equals
/// itself, both zeros are equal.
#[derive(Clone, Debug)]
pub enum ZoneValue {
    /// `Boolean`.
    Bool(bool),
    /// Signed integers, dates, times, timestamps, durations.
    Int(i64),
    /// Unsigned integers.
    UInt(u64),
    /// Floats.
    Float(f64),
    /// Decimals, without their scale.
    Decimal(i256),
    /// Strings and binary.
    Bytes(Vec<u8>),
}

impl ZoneValue {
    /// The order of two values of one column; none if they are of different kinds.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::UInt(a), Self::UInt(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => compare_floats(*a, *b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            _ => return None,
        })
    }
}

impl PartialEq for ZoneValue {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// One end of a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The value. If not exact, a least bound is at most, a greatest at least the true one.
    pub value: ZoneValue,
    /// Whether a row has this very value.
    pub exact: bool,
}

/// What a chunk's column contains.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zone {
    /// Rows that are null.
    pub nulls: u32,
    /// The least value; none if all rows are null or the type has no order.
    pub min: Option<Bound>,
    /// The greatest value; also none if every prefix of it is too small (32 bytes of `0xff`).
    pub max: Option<Bound>,
    /// Distinct values that are not null, about; 0 for types without statistics.
    pub distinct: u64,
}

impl Zone {
    /// Of an array.
    pub(crate) fn of(array: &ArrayRef, distinct: u64) -> Self {
        let nulls = array.logical_null_count() as u32;
        let mut ends: Option<(ZoneValue, ZoneValue)> = None;
        match whole_ends(array) {
            Some(whole) => {
                ends = whole.map(|(min, max)| (ZoneValue::Int(min), ZoneValue::Int(max)));
            }
            None => {
                visit(array, |item| widen(&mut ends, item));
            }
        }
        let (min, max) = ends.map_or((None, None), |(min, max)| (lower(min), upper(max)));
        Self {
            nulls,
            min,
            max,
            distinct,
        }
    }

    pub(crate) fn put(&self, out: &mut Out) {
        out.varint(u64::from(self.nulls));
        out.varint(self.distinct);
        put_bound(out, self.min.as_ref());
        put_bound(out, self.max.as_ref());
    }

    pub(crate) fn get(input: &mut In<'_>) -> Result<Self> {
        Ok(Self {
            nulls: input.varint32()?,
            distinct: input.varint()?,
            min: get_bound(input)?,
            max: get_bound(input)?,
        })
    }
}

fn widen(ends: &mut Option<(ZoneValue, ZoneValue)>, item: Item<'_>) {
    let Some((min, max)) = ends else {
        *ends = Some((own(item), own(item)));
        return;
    };
    match (item, &mut *min, &mut *max) {
        (Item::Bool(v), ZoneValue::Bool(a), ZoneValue::Bool(b)) => {
            *a &= v;
            *b |= v;
        }
        (Item::Int(v), ZoneValue::Int(a), ZoneValue::Int(b)) => {
            *a = v.min(*a);
            *b = v.max(*b);
        }
        (Item::UInt(v), ZoneValue::UInt(a), ZoneValue::UInt(b)) => {
            *a = v.min(*a);
            *b = v.max(*b);
        }
        (Item::Float(v), ZoneValue::Float(a), ZoneValue::Float(b)) => {
            if compare_floats(v, *a).is_lt() {
                *a = v;
            }
            if compare_floats(v, *b).is_gt() {
                *b = v;
            }
        }
        (Item::Decimal(v), ZoneValue::Decimal(a), ZoneValue::Decimal(b)) => {
            *a = v.min(*a);
            *b = v.max(*b);
        }
        (Item::Bytes(v), ZoneValue::Bytes(a), ZoneValue::Bytes(b)) => {
            if v < a.as_slice() {
                *a = v.to_vec();
            } else if v > b.as_slice() {
                *b = v.to_vec();
            }
        }
        // An array has values of one kind.
        _ => {}
    }
}

fn own(item: Item<'_>) -> ZoneValue {
    match item {
        Item::Bool(value) => ZoneValue::Bool(value),
        Item::Int(value) => ZoneValue::Int(value),
        Item::UInt(value) => ZoneValue::UInt(value),
        Item::Float(value) => ZoneValue::Float(value),
        Item::Decimal(value) => ZoneValue::Decimal(value),
        Item::Bytes(value) => ZoneValue::Bytes(value.to_vec()),
    }
}

fn lower(value: ZoneValue) -> Option<Bound> {
    Some(match value {
        ZoneValue::Bytes(mut bytes) if bytes.len() > PREFIX => {
            bytes.truncate(PREFIX);
            Bound {
                value: ZoneValue::Bytes(bytes),
                exact: false,
            }
        }
        value => Bound { value, exact: true },
    })
}

fn upper(value: ZoneValue) -> Option<Bound> {
    match value {
        ZoneValue::Bytes(mut bytes) if bytes.len() > PREFIX => {
            bytes.truncate(PREFIX);
            // The next greater prefix: bytes of the bound need not be UTF-8.
            while bytes.last() == Some(&0xff) {
                bytes.pop();
            }
            *bytes.last_mut()? += 1;
            Some(Bound {
                value: ZoneValue::Bytes(bytes),
                exact: false,
            })
        }
        value => Some(Bound { value, exact: true }),
    }
}

/// A bound is a tag (0 none, 1…6 the kinds of [`ZoneValue`], plus 16 if not exact) and its value:
/// varint zigzag, varint, 8, 32 little-endian bytes, or length and bytes.
fn put_bound(out: &mut Out, bound: Option<&Bound>) {
    let Some(Bound { value, exact }) = bound else {
        out.u8(0);
        return;
    };
    let flag = if *exact { 0 } else { 16 };
    match value {
        ZoneValue::Bool(value) => {
            out.u8(1 | flag);
            out.u8(u8::from(*value));
        }
        ZoneValue::Int(value) => {
            out.u8(2 | flag);
            out.varint(((value << 1) ^ (value >> 63)) as u64);
        }
        ZoneValue::UInt(value) => {
            out.u8(3 | flag);
            out.varint(*value);
        }
        ZoneValue::Float(value) => {
            out.u8(4 | flag);
            out.u64(value.to_bits());
        }
        ZoneValue::Decimal(value) => {
            out.u8(5 | flag);
            let bytes = value.to_le_bytes();
            // Most decimals are short: drop the bytes that only repeat the sign.
            let sign = if value.is_negative() { 0xff } else { 0 };
            let kept = bytes
                .iter()
                .rposition(|byte| *byte != sign)
                .map_or(0, |at| at + 1);
            out.u8(sign);
            out.bytes(bytes.get(..kept).unwrap_or(&bytes));
        }
        ZoneValue::Bytes(value) => {
            out.u8(6 | flag);
            out.bytes(value);
        }
    }
}

fn get_bound(input: &mut In<'_>) -> Result<Option<Bound>> {
    let tag = input.u8()?;
    let exact = tag & 16 == 0;
    let value = match tag & !16 {
        0 => return Ok(None),
        1 => ZoneValue::Bool(input.u8()? != 0),
        2 => {
            let value = input.varint()?;
            ZoneValue::Int(((value >> 1) as i64) ^ -((value & 1) as i64))
        }
        3 => ZoneValue::UInt(input.varint()?),
        4 => ZoneValue::Float(f64::from_bits(input.u64()?)),
        5 => {
            let mut bytes = [input.u8()?; 32];
            let kept = input.bytes()?;
            bytes
                .get_mut(..kept.len())
                .ok_or_else(|| Error::damaged("decimal bound too long"))?
                .copy_from_slice(kept);
            ZoneValue::Decimal(i256::from_le_bytes(bytes))
        }
        6 => ZoneValue::Bytes(input.bytes()?.to_vec()),
        other => return Err(Error::damaged(format!("bound of kind {other}"))),
    };
    Ok(Some(Bound { value, exact }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Decimal128Array, Float64Array, Int32Array, StringViewArray};
    use std::sync::Arc;

    fn round_trip(zone: &Zone) {
        let mut out = Out::default();
        zone.put(&mut out);
        let mut input = In::new(&out.0);
        assert_eq!(Zone::get(&mut input).expect("reads"), *zone);
        input.end().expect("nothing follows");
    }

    #[test]
    fn ends_and_nulls() {
        let array: ArrayRef = Arc::new(Int32Array::from(vec![Some(5), None, Some(-3)]));
        let zone = Zone::of(&array, 2);
        assert_eq!(zone.nulls, 1);
        assert_eq!(
            zone.min.as_ref().map(|b| &b.value),
            Some(&ZoneValue::Int(-3))
        );
        assert_eq!(
            zone.max.as_ref().map(|b| &b.value),
            Some(&ZoneValue::Int(5))
        );
        round_trip(&zone);
        let none: ArrayRef = Arc::new(Int32Array::from(vec![None, None]));
        let zone = Zone::of(&none, 0);
        assert!(zone.min.is_none() && zone.max.is_none());
        round_trip(&zone);
    }

    #[test]
    fn nan_is_greatest() {
        let array: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, -1.0]));
        let zone = Zone::of(&array, 3);
        assert_eq!(
            zone.max.as_ref().map(|b| &b.value),
            Some(&ZoneValue::Float(f64::NAN))
        );
        round_trip(&zone);
    }

    #[test]
    fn long_strings_are_bounded_by_prefixes() {
        let (low, high) = (
            format!("a{}", "z".repeat(50)),
            format!("b{}", "y".repeat(50)),
        );
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![high.as_str(), low.as_str()]));
        let zone = Zone::of(&array, 2);
        let (min, max) = (
            zone.min.clone().expect("has"),
            zone.max.clone().expect("has"),
        );
        assert!(!min.exact && !max.exact);
        let bytes = |text: &str| ZoneValue::Bytes(text.as_bytes().to_vec());
        assert!(min.value.compare(&bytes(&low)).expect("same kind").is_lt());
        assert!(max.value.compare(&bytes(&high)).expect("same kind").is_gt());
        round_trip(&zone);
    }

    #[test]
    fn decimals_of_any_size() {
        let array: ArrayRef = Arc::new(Decimal128Array::from(vec![i128::MAX, -12345, i128::MIN]));
        round_trip(&Zone::of(&array, 3));
    }
}
