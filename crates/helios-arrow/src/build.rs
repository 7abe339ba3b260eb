//! Building arrays from values.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryViewBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder,
    Float32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringViewBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder,
};
use helios_base::row::Field;
use helios_base::{DataType, Error, Result, Value};

use super::{decimal, opaque};
use crate::shape::Shape;

/// Collects values of one shape into an array.
pub struct ColumnBuilder {
    inner: Inner,
    scratch: Vec<u8>,
}

enum Inner {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Oid(UInt32Builder),
    Enum(UInt64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Decimal(Decimal128Builder, u8, u16),
    Free(BinaryViewBuilder),
    Text(StringViewBuilder),
    Jsonb(StringViewBuilder),
    Bytea(BinaryViewBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Vector(BinaryViewBuilder),
    Opaque(BinaryViewBuilder),
}

impl ColumnBuilder {
    /// An empty column with room for `rows` values.
    pub fn new(shape: &Shape, rows: usize) -> Self {
        let inner = match &shape.ty {
            DataType::Bool => Inner::Bool(BooleanBuilder::with_capacity(rows)),
            DataType::Int2 => Inner::Int2(Int16Builder::with_capacity(rows)),
            DataType::Int4 => Inner::Int4(Int32Builder::with_capacity(rows)),
            DataType::Int8 => Inner::Int8(Int64Builder::with_capacity(rows)),
            DataType::Oid | DataType::Xid | DataType::Reg(_) => {
                Inner::Oid(UInt32Builder::with_capacity(rows))
            }
            DataType::User(user) if user.is_enum() => {
                Inner::Enum(UInt64Builder::with_capacity(rows))
            }
            DataType::Float4 => Inner::Float4(Float32Builder::with_capacity(rows)),
            DataType::Float8 => Inner::Float8(Float64Builder::with_capacity(rows)),
            DataType::Numeric(_) => match shape.as_decimal() {
                Some((precision, scale)) => Inner::Decimal(
                    Decimal128Builder::with_capacity(rows).with_data_type(shape.arrow.clone()),
                    precision,
                    scale,
                ),
                None => Inner::Free(BinaryViewBuilder::with_capacity(rows)),
            },
            DataType::Text
            | DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Name
            | DataType::CharByte
            | DataType::Unknown
            | DataType::Void
            | DataType::Json
            | DataType::JsonPath => Inner::Text(StringViewBuilder::with_capacity(rows)),
            DataType::Jsonb => Inner::Jsonb(StringViewBuilder::with_capacity(rows)),
            DataType::Bytea => Inner::Bytea(BinaryViewBuilder::with_capacity(rows)),
            DataType::Date => Inner::Date(Date32Builder::with_capacity(rows)),
            DataType::Time(_) => Inner::Time(Time64MicrosecondBuilder::with_capacity(rows)),
            DataType::Timestamp(_) | DataType::TimestampTz(_) => Inner::Timestamp(
                TimestampMicrosecondBuilder::with_capacity(rows)
                    .with_data_type(shape.arrow.clone()),
            ),
            DataType::Uuid => Inner::Uuid(FixedSizeBinaryBuilder::with_capacity(rows, 16)),
            DataType::Vector(..) => Inner::Vector(BinaryViewBuilder::with_capacity(rows)),
            // Those that `Shape::of` gives no array form of their own.
            _ => Inner::Opaque(BinaryViewBuilder::with_capacity(rows)),
        };
        Self {
            inner,
            scratch: Vec::new(),
        }
    }

    /// Adds one value.
    ///
    /// # Errors
    /// Internal if the value does not fit the shape.
    pub fn append(&mut self, value: &Value) -> Result<()> {
        let scratch = &mut self.scratch;
        match (&mut self.inner, value) {
            (_, Value::Null) => self.append_null(),
            (Inner::Bool(b), Value::Bool(v)) => b.append_value(*v),
            (Inner::Int2(b), Value::Int2(v)) => b.append_value(*v),
            (Inner::Int4(b), Value::Int4(v)) => b.append_value(*v),
            (Inner::Int8(b), Value::Int8(v)) => b.append_value(*v),
            (Inner::Oid(b), Value::Oid(v)) => b.append_value(*v),
            (Inner::Enum(b), Value::Enum(label)) => b.append_value(label.order),
            (Inner::Float4(b), Value::Float4(v)) => b.append_value(*v),
            (Inner::Float8(b), Value::Float8(v)) => b.append_value(*v),
            (Inner::Decimal(b, precision, scale), Value::Numeric(v)) => {
                b.append_value(decimal::to_decimal(v, *precision, *scale)?);
            }
            (Inner::Free(b), Value::Numeric(v)) => {
                scratch.clear();
                decimal::push_free(v.clone(), scratch)?;
                b.append_value(&*scratch);
            }
            (Inner::Text(b), Value::Text(v)) => b.append_value(v),
            (Inner::Jsonb(b), Value::Jsonb(v)) => b.append_value(opaque::json_text(v)),
            (Inner::Bytea(b), Value::Bytea(v)) => b.append_value(v),
            (Inner::Date(b), Value::Date(v)) => b.append_value(*v),
            (Inner::Time(b), Value::Time(v)) => b.append_value(*v),
            (Inner::Timestamp(b), Value::Timestamp(v) | Value::TimestampTz(v)) => {
                b.append_value(*v);
            }
            (Inner::Uuid(b), Value::Uuid(v)) => b
                .append_value(v.as_slice())
                .map_err(|e| Error::internal(e.to_string()))?,
            (Inner::Vector(b), Value::Vector(v)) => {
                scratch.clear();
                v.put(scratch);
                b.append_value(&*scratch);
            }
            (Inner::Opaque(b), Value::Interval(v)) => {
                scratch.clear();
                opaque::push_interval(v, scratch);
                b.append_value(&*scratch);
            }
            (Inner::Opaque(b), Value::Array(v)) => {
                scratch.clear();
                opaque::push_array(v, scratch)?;
                b.append_value(&*scratch);
            }
            (Inner::Opaque(b), Value::Range(v)) => {
                scratch.clear();
                opaque::push_range(v, scratch)?;
                b.append_value(&*scratch);
            }
            (Inner::Opaque(b), Value::Multirange(v)) => {
                scratch.clear();
                opaque::push_multirange(v, scratch)?;
                b.append_value(&*scratch);
            }
            (
                Inner::Opaque(b),
                Value::TimeTz(_) | Value::Bits(_) | Value::Inet(_) | Value::MacAddr(_),
            ) => {
                scratch.clear();
                opaque::push(value, scratch)?;
                b.append_value(&*scratch);
            }
            (Inner::Opaque(b), Value::Record(v)) => {
                scratch.clear();
                opaque::push_record(v, scratch)?;
                b.append_value(&*scratch);
            }
            (_, other) => {
                return Err(Error::internal(format!(
                    "value {other:?} does not fit its column"
                )));
            }
        }
        Ok(())
    }

    /// Adds a column of a stored row, without the detour over a value where that is easy.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are wrong; as [`ColumnBuilder::append`].
    #[inline]
    pub fn append_field(&mut self, field: Field<'_>) -> Result<()> {
        let (ty, bytes) = match field {
            Field::Bytes(ty, bytes) => (ty, bytes),
            Field::Null => {
                self.append_null();
                return Ok(());
            }
            Field::Missing(value) => return self.append(value),
        };
        match (&mut self.inner, ty) {
            (Inner::Int8(b), DataType::Int8) => b.append_value(i64::from_le_bytes(fixed(bytes)?)),
            (Inner::Int4(b), DataType::Int4) => b.append_value(i32::from_le_bytes(fixed(bytes)?)),
            (Inner::Int2(b), DataType::Int2) => b.append_value(i16::from_le_bytes(fixed(bytes)?)),
            (Inner::Oid(b), DataType::Oid) => b.append_value(u32::from_le_bytes(fixed(bytes)?)),
            (Inner::Float4(b), DataType::Float4) => {
                b.append_value(f32::from_le_bytes(fixed(bytes)?));
            }
            (Inner::Float8(b), DataType::Float8) => {
                b.append_value(f64::from_le_bytes(fixed(bytes)?));
            }
            (Inner::Date(b), DataType::Date) => b.append_value(i32::from_le_bytes(fixed(bytes)?)),
            (Inner::Time(b), DataType::Time(_)) => {
                b.append_value(i64::from_le_bytes(fixed(bytes)?))
            }
            (Inner::Timestamp(b), DataType::Timestamp(_) | DataType::TimestampTz(_)) => {
                b.append_value(i64::from_le_bytes(fixed(bytes)?));
            }
            (
                Inner::Text(b),
                DataType::Text
                | DataType::Varchar(_)
                | DataType::Char(_)
                | DataType::Name
                | DataType::Json,
            ) => {
                b.append_value(std::str::from_utf8(bytes).map_err(|error| {
                    Error::corrupt("stored text is not UTF-8").with_source(error)
                })?)
            }
            (Inner::Bytea(b), DataType::Bytea) | (Inner::Vector(b), DataType::Vector(..)) => {
                b.append_value(bytes);
            }
            (Inner::Decimal(b, precision, scale), DataType::Numeric(_)) => {
                let short = helios_base::row::short_numeric(bytes);
                let limit = 10u64.checked_pow((*precision).into()).unwrap_or(u64::MAX);
                match short {
                    Some((coefficient, own))
                        if own == *scale && coefficient.unsigned_abs() < limit =>
                    {
                        b.append_value(coefficient.into());
                    }
                    _ => return self.append(&helios_base::row::value(bytes, ty)?),
                }
            }
            (_, ty) => {
                let value = helios_base::row::value(bytes, ty)?;
                return self.append(&value);
            }
        }
        Ok(())
    }

    /// Adds `NULL`.
    pub fn append_null(&mut self) {
        match &mut self.inner {
            Inner::Bool(b) => b.append_null(),
            Inner::Int2(b) => b.append_null(),
            Inner::Int4(b) => b.append_null(),
            Inner::Int8(b) => b.append_null(),
            Inner::Oid(b) => b.append_null(),
            Inner::Enum(b) => b.append_null(),
            Inner::Float4(b) => b.append_null(),
            Inner::Float8(b) => b.append_null(),
            Inner::Decimal(b, ..) => b.append_null(),
            Inner::Free(b) | Inner::Bytea(b) | Inner::Vector(b) | Inner::Opaque(b) => {
                b.append_null();
            }
            Inner::Text(b) | Inner::Jsonb(b) => b.append_null(),
            Inner::Date(b) => b.append_null(),
            Inner::Time(b) => b.append_null(),
            Inner::Timestamp(b) => b.append_null(),
            Inner::Uuid(b) => b.append_null(),
        }
    }

    /// The values so far, as an array; the builder is empty again.
    pub fn finish(&mut self) -> ArrayRef {
        match &mut self.inner {
            Inner::Bool(b) => Arc::new(b.finish()),
            Inner::Int2(b) => Arc::new(b.finish()),
            Inner::Int4(b) => Arc::new(b.finish()),
            Inner::Int8(b) => Arc::new(b.finish()),
            Inner::Oid(b) => Arc::new(b.finish()),
            Inner::Enum(b) => Arc::new(b.finish()),
            Inner::Float4(b) => Arc::new(b.finish()),
            Inner::Float8(b) => Arc::new(b.finish()),
            Inner::Decimal(b, ..) => Arc::new(b.finish()),
            Inner::Free(b) | Inner::Bytea(b) | Inner::Vector(b) | Inner::Opaque(b) => {
                Arc::new(b.finish())
            }
            Inner::Text(b) | Inner::Jsonb(b) => Arc::new(b.finish()),
            Inner::Date(b) => Arc::new(b.finish()),
            Inner::Time(b) => Arc::new(b.finish()),
            Inner::Timestamp(b) => Arc::new(b.finish()),
            Inner::Uuid(b) => Arc::new(b.finish()),
        }
    }
}

/// A stored value of fixed width.
#[inline]
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| Error::corrupt("a stored value has a wrong width"))
}
