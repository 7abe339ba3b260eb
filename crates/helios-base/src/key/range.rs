//! Keys of ranges and multiranges.
//!
//! | bytes | field | rule                                                                  |
//! |------:|-------|-----------------------------------------------------------------------|
//! |     1 | kind  | 0: empty, and nothing follows; 1: the ends follow                     |
//! |     1 | lower | 0: open; 1: a value follows, and after it 0 if it is included, else 1 |
//! |     1 | upper | 2: open; 1: a value follows, and after it 1 if it is included, else 0 |
//!
//! A multirange is its ranges, which are never empty, and then one byte 0.

use super::reader::KeyReader;
use super::{put_body, take_body};
use crate::{Error, MultirangeValue, RangeKind, RangeValue, Result, Value};

const EMPTY: u8 = 0;
const FULL: u8 = 1;
const LOWER_OPEN: u8 = 0;
const VALUE: u8 = 1;
const UPPER_OPEN: u8 = 2;

pub(super) fn put(range: &RangeValue, out: &mut Vec<u8>) -> Result<()> {
    if range.is_empty() {
        out.push(EMPTY);
        return Ok(());
    }
    out.push(FULL);
    let element = range.kind().element();
    let (lower_inc, upper_inc) = range.includes();
    for (end, open, mark) in [
        (range.lower(), LOWER_OPEN, u8::from(!lower_inc)),
        (range.upper(), UPPER_OPEN, u8::from(upper_inc)),
    ] {
        if end.is_null() {
            out.push(open);
        } else {
            out.push(VALUE);
            put_body(end, &element, out)?;
            out.push(mark);
        }
    }
    Ok(())
}

pub(super) fn put_multi(multirange: &MultirangeValue, out: &mut Vec<u8>) -> Result<()> {
    for range in multirange.ranges() {
        put(range, out)?;
    }
    out.push(EMPTY);
    Ok(())
}

pub(super) fn take_multi(reader: &mut KeyReader<'_>, kind: RangeKind) -> Result<MultirangeValue> {
    let mut ranges = Vec::new();
    while let Some(range) = take_full(reader, kind)? {
        ranges.push(range);
    }
    MultirangeValue::new(kind, ranges)
        .map_err(|error| Error::corrupt("multirange key is no multirange").with_source(error))
}

pub(super) fn take(reader: &mut KeyReader<'_>, kind: RangeKind) -> Result<RangeValue> {
    let range = take_full(reader, kind)?;
    Ok(range.unwrap_or_else(|| RangeValue::empty(kind)))
}

/// The next range; `None` if it is empty.
fn take_full(reader: &mut KeyReader<'_>, kind: RangeKind) -> Result<Option<RangeValue>> {
    match reader.byte()? {
        EMPTY => return Ok(None),
        FULL => {}
        byte => return Err(Error::corrupt(format!("range key begins with {byte:#04x}"))),
    }
    let element = kind.element();
    let mut end = |open: u8| -> Result<(Value, bool)> {
        match reader.byte()? {
            VALUE => {
                let value = take_body(reader, &element)?;
                Ok((value, reader.byte()? == 1))
            }
            byte if byte == open => Ok((Value::Null, false)),
            byte => Err(Error::corrupt(format!("end of a range key is {byte:#04x}"))),
        }
    };
    let (lower, outside) = end(LOWER_OPEN)?;
    let (upper, inside) = end(UPPER_OPEN)?;
    RangeValue::new(kind, lower, upper, (!outside, inside))
        .map(Some)
        .map_err(|error| Error::corrupt("range key is no range").with_source(error))
}
