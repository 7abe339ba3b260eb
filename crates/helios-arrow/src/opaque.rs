//! Types without an exact Arrow form, as bytes: `interval`, arrays, records.
//!
//! The bytes are read back value by value; they are never compared and never
//! stored, so the layout may change at any time. Integers are little-endian.
//!
//! | value     | bytes                                                                  |
//! |-----------|------------------------------------------------------------------------|
//! | interval  | months i32, days i32, microseconds i64                                 |
//! | array     | dimensions u32, (length u32, lower i32) each, elements as items        |
//! | record    | fields as items                                                        |
//! | range     | kind u8, flags u8, both ends as items                                  |
//! | multirange| kind u8, its ranges as items                                           |
//! | timetz    | microseconds i64, seconds east i32, as an item                          |
//! | bit       | length u32, bytes, as an item                                          |
//! | inet      | bits of the network u8, address, as an item; macaddr alike             |
//! | vector    | kind u8, then as in rows, as an item                                   |
//! | item      | tag u8 ([`Tag`]), then length u32 and bytes unless fixed by the tag    |

use std::sync::Arc;

use helios_base::{
    ArrayValue, BitString, DataType, EnumLabel, Error, Inet, Interval, Json, MultirangeValue,
    Numeric, RangeKind, RangeValue, Result, TextContext, TimeTz, Value, VectorKind, VectorValue,
};

use super::decimal;

macro_rules! tags {
    ($($name:ident = $code:literal,)*) => {
        /// What an item is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Tag { $($name = $code,)* }

        impl Tag {
            fn from_byte(byte: u8) -> Result<Self> {
                match byte {
                    $($code => Ok(Self::$name),)*
                    _ => Err(truncated()),
                }
            }
        }
    };
}

tags! {
    Null = 0,
    False = 1,
    True = 2,
    Int2 = 3,
    Int4 = 4,
    Int8 = 5,
    Float4 = 6,
    Float8 = 7,
    Numeric = 8,
    Text = 9,
    Bytea = 10,
    Date = 11,
    Time = 12,
    Timestamp = 13,
    TimestampTz = 14,
    Interval = 15,
    Uuid = 16,
    Jsonb = 17,
    Oid = 18,
    Array = 19,
    Record = 20,
    Enum = 21,
    Range = 22,
    TimeTz = 23,
    Bits = 24,
    Inet = 25,
    MacAddr = 26,
    Multirange = 27,
    Vector = 28,
}

/// Appends an interval.
pub(crate) fn push_interval(interval: &Interval, out: &mut Vec<u8>) {
    out.extend_from_slice(&interval.months.to_le_bytes());
    out.extend_from_slice(&interval.days.to_le_bytes());
    out.extend_from_slice(&interval.micros.to_le_bytes());
}

/// Reads an interval.
pub(crate) fn read_interval(mut bytes: &[u8]) -> Result<Interval> {
    Ok(Interval {
        months: i32::from_le_bytes(take(&mut bytes)?),
        days: i32::from_le_bytes(take(&mut bytes)?),
        micros: i64::from_le_bytes(take(&mut bytes)?),
    })
}

/// Appends an array.
pub(crate) fn push_array(array: &ArrayValue, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&length(array.dims.len())?);
    for (len, lower) in &array.dims {
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&lower.to_le_bytes());
    }
    array.elements.iter().try_for_each(|item| push(item, out))
}

/// Reads an array.
pub(crate) fn read_array(mut bytes: &[u8]) -> Result<ArrayValue> {
    let count = u32::from_le_bytes(take(&mut bytes)?);
    let mut dims = Vec::new();
    for _ in 0..count {
        let len = u32::from_le_bytes(take(&mut bytes)?);
        dims.push((len, i32::from_le_bytes(take(&mut bytes)?)));
    }
    Ok(ArrayValue {
        dims,
        elements: read_items(bytes)?,
    })
}

/// Appends a record's fields.
pub(crate) fn push_record(fields: &[Value], out: &mut Vec<u8>) -> Result<()> {
    fields.iter().try_for_each(|item| push(item, out))
}

/// Reads items up to the end.
pub fn read_items(mut bytes: &[u8]) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        items.push(read(&mut bytes)?);
    }
    Ok(items)
}

/// Appends any value as an item.
pub fn push(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let fixed = |out: &mut Vec<u8>, tag: Tag, bytes: &[u8]| {
        out.push(tag as u8);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Null => out.push(Tag::Null as u8),
        Value::Bool(false) => out.push(Tag::False as u8),
        Value::Bool(true) => out.push(Tag::True as u8),
        Value::Int2(n) => fixed(out, Tag::Int2, &n.to_le_bytes()),
        Value::Int4(n) => fixed(out, Tag::Int4, &n.to_le_bytes()),
        Value::Int8(n) => fixed(out, Tag::Int8, &n.to_le_bytes()),
        Value::Float4(n) => fixed(out, Tag::Float4, &n.to_bits().to_le_bytes()),
        Value::Float8(n) => fixed(out, Tag::Float8, &n.to_bits().to_le_bytes()),
        Value::Date(n) => fixed(out, Tag::Date, &n.to_le_bytes()),
        Value::Time(n) => fixed(out, Tag::Time, &n.to_le_bytes()),
        Value::Timestamp(n) => fixed(out, Tag::Timestamp, &n.to_le_bytes()),
        Value::TimestampTz(n) => fixed(out, Tag::TimestampTz, &n.to_le_bytes()),
        Value::Oid(n) => fixed(out, Tag::Oid, &n.to_le_bytes()),
        Value::Uuid(bytes) => fixed(out, Tag::Uuid, bytes.as_slice()),
        Value::Interval(interval) => {
            out.push(Tag::Interval as u8);
            push_interval(interval, out);
        }
        Value::Text(text) => return sized(out, Tag::Text, |out| push_bytes(out, text.as_bytes())),
        Value::Bytea(bytes) => return sized(out, Tag::Bytea, |out| push_bytes(out, bytes)),
        Value::Numeric(n) => {
            return sized(out, Tag::Numeric, |out| decimal::push_free(n.clone(), out));
        }
        Value::Jsonb(json) => {
            return sized(out, Tag::Jsonb, |out| {
                push_bytes(out, json.to_string().as_bytes())
            });
        }
        Value::Enum(label) => {
            return sized(out, Tag::Enum, |out| {
                out.extend_from_slice(&label.order.to_le_bytes());
                out.extend_from_slice(&label.oid.to_le_bytes());
                push_bytes(out, label.name.as_bytes())
            });
        }
        Value::TimeTz(time) => {
            fixed(out, Tag::TimeTz, &time.micros.to_le_bytes());
            out.extend_from_slice(&time.offset.to_le_bytes());
        }
        Value::Bits(bits) => {
            return sized(out, Tag::Bits, |out| {
                out.extend_from_slice(&length(bits.len())?);
                push_bytes(out, bits.bytes())
            });
        }
        Value::Inet(inet) => {
            return sized(out, Tag::Inet, |out| {
                out.push(inet.bits());
                push_bytes(out, inet.address())
            });
        }
        Value::MacAddr(address) => fixed(out, Tag::MacAddr, address),
        Value::Vector(vector) => {
            return sized(out, Tag::Vector, |out| {
                out.push(vector_code(vector.kind()));
                vector.put(out);
                Ok(())
            });
        }
        Value::Range(range) => return sized(out, Tag::Range, |out| push_range(range, out)),
        Value::Multirange(ranges) => {
            return sized(out, Tag::Multirange, |out| push_multirange(ranges, out));
        }
        Value::Array(array) => return sized(out, Tag::Array, |out| push_array(array, out)),
        Value::Record(fields) => return sized(out, Tag::Record, |out| push_record(fields, out)),
    }
    Ok(())
}

/// The byte that stands for a type of vectors.
fn vector_code(kind: VectorKind) -> u8 {
    match kind {
        VectorKind::Full => 0,
        VectorKind::Half => 1,
        VectorKind::Sparse => 2,
    }
}

/// Appends a range: its kind, whether it is empty and which ends are included, its ends as items.
pub(crate) fn push_range(range: &RangeValue, out: &mut Vec<u8>) -> Result<()> {
    let (lower, upper) = range.includes();
    push_kind(range.kind(), out);
    out.push(u8::from(range.is_empty()) | u8::from(lower) << 1 | u8::from(upper) << 2);
    push(range.lower(), out)?;
    push(range.upper(), out)
}

/// Reads a range.
pub(crate) fn read_range(mut bytes: &[u8]) -> Result<RangeValue> {
    let kind = take_kind(&mut bytes)?;
    let [flags] = take::<1>(&mut bytes)?;
    if flags & 1 != 0 {
        return Ok(RangeValue::empty(kind));
    }
    let (lower, upper) = (read(&mut bytes)?, read(&mut bytes)?);
    RangeValue::new(kind, lower, upper, (flags & 2 != 0, flags & 4 != 0))
}

/// Appends a multirange: its kind, its ranges as items.
pub(crate) fn push_multirange(multirange: &MultirangeValue, out: &mut Vec<u8>) -> Result<()> {
    push_kind(multirange.kind(), out);
    let mut ranges = multirange.ranges().iter();
    ranges.try_for_each(|range| sized(out, Tag::Range, |out| push_range(range, out)))
}

/// Reads a multirange.
pub(crate) fn read_multirange(mut bytes: &[u8]) -> Result<MultirangeValue> {
    let kind = take_kind(&mut bytes)?;
    MultirangeValue::of_values(kind, &read_items(bytes)?)
}

fn push_kind(kind: RangeKind, out: &mut Vec<u8>) {
    let place = RangeKind::ALL.iter().position(|other| *other == kind);
    out.push(u8::try_from(place.unwrap_or(0)).unwrap_or(0));
}

fn take_kind(bytes: &mut &[u8]) -> Result<RangeKind> {
    let [place] = take::<1>(bytes)?;
    let kind = RangeKind::ALL.get(usize::from(place)).copied();
    kind.ok_or_else(truncated)
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    out.extend_from_slice(bytes);
    Ok(())
}

/// Writes an item whose length goes before it.
fn sized(out: &mut Vec<u8>, tag: Tag, body: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    out.push(tag as u8);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    let start = out.len();
    body(out)?;
    let len = length(out.len() - start)?;
    if let Some(slot) = out.get_mut(at..start) {
        slot.copy_from_slice(&len);
    }
    Ok(())
}

/// Takes one item off the front.
pub(crate) fn read(bytes: &mut &[u8]) -> Result<Value> {
    let [tag] = take::<1>(bytes)?;
    Ok(match Tag::from_byte(tag)? {
        Tag::Null => Value::Null,
        Tag::False => Value::Bool(false),
        Tag::True => Value::Bool(true),
        Tag::Int2 => Value::Int2(i16::from_le_bytes(take(bytes)?)),
        Tag::Int4 => Value::Int4(i32::from_le_bytes(take(bytes)?)),
        Tag::Int8 => Value::Int8(i64::from_le_bytes(take(bytes)?)),
        Tag::Float4 => Value::Float4(f32::from_bits(u32::from_le_bytes(take(bytes)?))),
        Tag::Float8 => Value::Float8(f64::from_bits(u64::from_le_bytes(take(bytes)?))),
        Tag::Date => Value::Date(i32::from_le_bytes(take(bytes)?)),
        Tag::Time => Value::Time(i64::from_le_bytes(take(bytes)?)),
        Tag::Timestamp => Value::Timestamp(i64::from_le_bytes(take(bytes)?)),
        Tag::TimestampTz => Value::TimestampTz(i64::from_le_bytes(take(bytes)?)),
        Tag::Oid => Value::Oid(u32::from_le_bytes(take(bytes)?)),
        Tag::Uuid => Value::from(take::<16>(bytes)?),
        Tag::Interval => Value::from(read_interval(&take::<16>(bytes)?)?),
        Tag::Text => Value::from(text(body(bytes)?)?),
        Tag::Bytea => Value::from(body(bytes)?),
        Tag::Numeric => Value::Numeric(numeric(body(bytes)?)?),
        Tag::Jsonb => read_json(text(body(bytes)?)?)?,
        Tag::Enum => {
            let mut rest = body(bytes)?;
            let order = u64::from_le_bytes(take(&mut rest)?);
            let oid = u32::from_le_bytes(take(&mut rest)?);
            let name = text(rest)?.into();
            Value::Enum(Arc::new(EnumLabel { oid, order, name }))
        }
        Tag::TimeTz => Value::from(TimeTz {
            micros: i64::from_le_bytes(take(bytes)?),
            offset: i32::from_le_bytes(take(bytes)?),
        }),
        Tag::Bits => {
            let mut rest = body(bytes)?;
            let length = u32::from_le_bytes(take(&mut rest)?);
            Value::from(BitString::new(rest.to_vec(), length as usize))
        }
        Tag::Inet => read_inet(body(bytes)?)?,
        Tag::MacAddr => Value::MacAddr(take(bytes)?),
        Tag::Vector => {
            let mut rest = body(bytes)?;
            let [code] = take(&mut rest)?;
            let mut kinds = VectorKind::ALL.into_iter();
            let kind = kinds.find(|kind| vector_code(*kind) == code);
            VectorValue::get(rest, kind.ok_or_else(truncated)?)?.into()
        }
        Tag::Range => Value::Range(Arc::new(read_range(body(bytes)?)?)),
        Tag::Multirange => Value::Multirange(Arc::new(read_multirange(body(bytes)?)?)),
        Tag::Array => Value::Array(Arc::new(read_array(body(bytes)?)?)),
        Tag::Record => Value::Record(read_items(body(bytes)?)?.into()),
    })
}

/// How many bits are the network's, then an address of four or sixteen bytes.
fn read_inet(bytes: &[u8]) -> Result<Value> {
    let (bits, written) = bytes.split_first().ok_or_else(truncated)?;
    let mut address = [0; 16];
    for (slot, byte) in address.iter_mut().zip(written) {
        *slot = *byte;
    }
    let inet = Inet::new(written.len() == 16, *bits, address).ok_or_else(truncated)?;
    Ok(Value::from(inet))
}

/// A `jsonb` value from the text that its `Display` wrote.
pub(crate) fn read_json(text: &str) -> Result<Value> {
    Value::parse(text, &DataType::Jsonb, &TextContext::default())
}

/// The text of a `jsonb` value.
pub(crate) fn json_text(json: &Json) -> String {
    json.to_string()
}

fn numeric(bytes: &[u8]) -> Result<Numeric> {
    decimal::of_free(bytes)
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| truncated())
}

fn body<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let len = u32::from_le_bytes(take(bytes)?) as usize;
    let (body, rest) = bytes.split_at_checked(len).ok_or_else(truncated)?;
    *bytes = rest;
    Ok(body)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or_else(truncated)?;
    *bytes = rest;
    Ok(*head)
}

fn length(len: usize) -> Result<[u8; 4]> {
    u32::try_from(len)
        .map(u32::to_le_bytes)
        .map_err(|_| Error::internal("value beyond 4 GiB in a batch"))
}

fn truncated() -> Error {
    Error::internal("truncated value in a batch")
}
