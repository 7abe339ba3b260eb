//! Ranges and multiranges.
//!
//! A range is: one byte of flags, then each end that is not open, with its length. A multirange is:
//! how many ranges there are, then each, with its length. Numbers are four bytes wide.

use super::{Reader, array, malformed, write_field};
use crate::{DataType, MultirangeValue, RangeKind, RangeValue, Result, Value, range};

pub(super) fn write(value: &RangeValue, out: &mut Vec<u8>) -> Result<()> {
    out.push(range::put_flags(value));
    let element = value.kind().element();
    for end in [value.lower(), value.upper()] {
        if !end.is_null() {
            write_field(end, &element, out)?;
        }
    }
    Ok(())
}

pub(super) fn read(reader: &mut Reader<'_>, kind: RangeKind) -> Result<RangeValue> {
    let flags =
        range::take_flags(reader.u8()?).ok_or_else(|| malformed("invalid flags of a range"))?;
    let element = kind.element();
    let mut end = |there: bool| match there {
        true => array::read_field(reader, &element),
        false => Ok(Value::Null),
    };
    let (lower, upper) = (end(flags.lower)?, end(flags.upper)?);
    if flags.empty {
        return Ok(RangeValue::empty(kind));
    }
    RangeValue::new(kind, lower, upper, flags.inclusive)
}

pub(super) fn write_multi(value: &MultirangeValue, out: &mut Vec<u8>) -> Result<()> {
    out.extend((value.ranges().len() as u32).to_be_bytes());
    let ty = DataType::Range(value.kind());
    for range in value.ranges() {
        write_field(&Value::Range(range.clone().into()), &ty, out)?;
    }
    Ok(())
}

pub(super) fn read_multi(reader: &mut Reader<'_>, kind: RangeKind) -> Result<MultirangeValue> {
    let count = reader.u32()?;
    let ty = DataType::Range(kind);
    let mut ranges = Vec::new();
    for _ in 0..count {
        match array::read_field(reader, &ty)? {
            Value::Range(range) => ranges.push((*range).clone()),
            _ => return Err(malformed("a range of a multirange is missing")),
        }
    }
    MultirangeValue::new(kind, ranges)
}
