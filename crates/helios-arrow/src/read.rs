//! Reading values out of arrays.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use helios_base::{DataType, Error, Result, UserKind, UserType, Value, VectorKind, VectorValue};

use super::{decimal, opaque};
use crate::shape::Shape;

/// An array of a known shape, ready to give values by position.
pub struct ColumnReader {
    inner: Inner,
    array: ArrayRef,
}

enum Inner {
    Bool(BooleanArray),
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Oid(UInt32Array),
    Enum(UInt64Array, Arc<UserType>),
    Float4(Float32Array),
    Float8(Float64Array),
    Decimal(Decimal128Array, u16),
    Free(BinaryViewArray),
    Text(StringViewArray),
    Jsonb(StringViewArray),
    Bytea(BinaryViewArray),
    Vector(BinaryViewArray, VectorKind),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Timestamp(TimestampMicrosecondArray),
    TimestampTz(TimestampMicrosecondArray),
    Uuid(FixedSizeBinaryArray),
    Interval(BinaryViewArray),
    Array(BinaryViewArray),
    Record(BinaryViewArray),
    Range(BinaryViewArray),
    Multirange(BinaryViewArray),
    Item(BinaryViewArray),
}

impl ColumnReader {
    /// Looks at `array`, which must have the Arrow type of `shape`.
    ///
    /// # Errors
    /// Internal if it has not.
    pub fn new(array: &ArrayRef, shape: &Shape) -> Result<Self> {
        Ok(Self {
            inner: open(array.as_ref(), shape).ok_or_else(|| mismatch(array.data_type(), shape))?,
            array: Arc::clone(array),
        })
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// The bytes of the text, or of the `bytea`, at `row`; `None` if values are others, it is null, or there is none.
    pub fn string(&self, row: usize) -> Option<&[u8]> {
        if row >= self.array.len() || self.array.is_null(row) {
            return None;
        }
        match &self.inner {
            Inner::Text(a) => Some(a.value(row).as_bytes()),
            Inner::Bytea(a) => Some(a.value(row)),
            _ => None,
        }
    }

    /// The value at `row`, which must be below [`ColumnReader::len`].
    ///
    /// # Errors
    /// Internal if opaque bytes are damaged.
    pub fn value(&self, row: usize) -> Result<Value> {
        if self.array.is_null(row) {
            return Ok(Value::Null);
        }
        Ok(match &self.inner {
            Inner::Bool(a) => Value::Bool(a.value(row)),
            Inner::Int2(a) => Value::Int2(a.value(row)),
            Inner::Int4(a) => Value::Int4(a.value(row)),
            Inner::Int8(a) => Value::Int8(a.value(row)),
            Inner::Oid(a) => Value::Oid(a.value(row)),
            Inner::Enum(a, ty) => ty.label_at(a.value(row))?,
            Inner::Float4(a) => Value::Float4(a.value(row)),
            Inner::Float8(a) => Value::Float8(a.value(row)),
            Inner::Decimal(a, scale) => Value::Numeric(decimal::of_decimal(a.value(row), *scale)),
            Inner::Free(a) => Value::Numeric(decimal::of_free(a.value(row))?),
            Inner::Text(a) => Value::from(a.value(row)),
            Inner::Jsonb(a) => opaque::read_json(a.value(row))?,
            Inner::Bytea(a) => Value::from(a.value(row)),
            Inner::Date(a) => Value::Date(a.value(row)),
            Inner::Time(a) => Value::Time(a.value(row)),
            Inner::Timestamp(a) => Value::Timestamp(a.value(row)),
            Inner::TimestampTz(a) => Value::TimestampTz(a.value(row)),
            Inner::Uuid(a) => <[u8; 16]>::try_from(a.value(row))
                .map(Value::from)
                .map_err(|_| Error::internal("uuid of another length in a batch"))?,
            Inner::Interval(a) => Value::from(opaque::read_interval(a.value(row))?),
            Inner::Array(a) => Value::from(opaque::read_array(a.value(row))?),
            Inner::Multirange(a) => {
                Value::Multirange(Arc::new(opaque::read_multirange(a.value(row))?))
            }
            Inner::Range(a) => Value::Range(Arc::new(opaque::read_range(a.value(row))?)),
            Inner::Vector(a, kind) => VectorValue::get(a.value(row), *kind)?.into(),
            Inner::Item(a) => opaque::read(&mut a.value(row))?,
            Inner::Record(a) => Value::Record(opaque::read_items(a.value(row))?.into()),
        })
    }
}

fn open(array: &dyn Array, shape: &Shape) -> Option<Inner> {
    if *array.data_type() != shape.arrow {
        return None;
    }
    Some(match &shape.ty {
        DataType::Bool => Inner::Bool(array.as_boolean_opt()?.clone()),
        DataType::Int2 => Inner::Int2(array.as_primitive_opt::<Int16Type>()?.clone()),
        DataType::Int4 => Inner::Int4(array.as_primitive_opt::<Int32Type>()?.clone()),
        DataType::Int8 => Inner::Int8(array.as_primitive_opt::<Int64Type>()?.clone()),
        DataType::Oid | DataType::Xid | DataType::Reg(_) => {
            Inner::Oid(array.as_primitive_opt::<UInt32Type>()?.clone())
        }
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => Inner::Enum(
                array.as_primitive_opt::<UInt64Type>()?.clone(),
                user.clone(),
            ),
            UserKind::Domain(domain) => return open(array, &Shape::of(&domain.base)),
            _ => Inner::Record(array.as_binary_view_opt()?.clone()),
        },
        DataType::Int2Vector | DataType::OidVector => {
            Inner::Array(array.as_binary_view_opt()?.clone())
        }
        DataType::Float4 => Inner::Float4(array.as_primitive_opt::<Float32Type>()?.clone()),
        DataType::Float8 => Inner::Float8(array.as_primitive_opt::<Float64Type>()?.clone()),
        DataType::Numeric(_) => match shape.as_decimal() {
            Some((_, scale)) => {
                Inner::Decimal(array.as_primitive_opt::<Decimal128Type>()?.clone(), scale)
            }
            None => Inner::Free(array.as_binary_view_opt()?.clone()),
        },
        DataType::Text
        | DataType::Varchar(_)
        | DataType::Char(_)
        | DataType::Name
        | DataType::CharByte
        | DataType::Unknown
        | DataType::Void
        | DataType::Json
        | DataType::JsonPath => Inner::Text(array.as_string_view_opt()?.clone()),
        DataType::Jsonb => Inner::Jsonb(array.as_string_view_opt()?.clone()),
        DataType::Bytea => Inner::Bytea(array.as_binary_view_opt()?.clone()),
        DataType::Date => Inner::Date(array.as_primitive_opt::<Date32Type>()?.clone()),
        DataType::Time(_) => {
            Inner::Time(array.as_primitive_opt::<Time64MicrosecondType>()?.clone())
        }
        DataType::Timestamp(_) => Inner::Timestamp(
            array
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .clone(),
        ),
        DataType::TimestampTz(_) => Inner::TimestampTz(
            array
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .clone(),
        ),
        DataType::Uuid => Inner::Uuid(array.as_fixed_size_binary_opt()?.clone()),
        DataType::Interval(_) => Inner::Interval(array.as_binary_view_opt()?.clone()),
        DataType::Array(_) => Inner::Array(array.as_binary_view_opt()?.clone()),
        DataType::Range(_) => Inner::Range(array.as_binary_view_opt()?.clone()),
        DataType::Multirange(_) => Inner::Multirange(array.as_binary_view_opt()?.clone()),
        DataType::TimeTz(_)
        | DataType::Bit(_)
        | DataType::VarBit(_)
        | DataType::Inet
        | DataType::Cidr
        | DataType::MacAddr => Inner::Item(array.as_binary_view_opt()?.clone()),
        DataType::Vector(kind, _) => Inner::Vector(array.as_binary_view_opt()?.clone(), *kind),
        DataType::Record => Inner::Record(array.as_binary_view_opt()?.clone()),
    })
}

fn mismatch(found: &arrow_schema::DataType, shape: &Shape) -> Error {
    Error::internal(format!(
        "batch column of {found} where {} as {} was expected",
        shape.ty, shape.arrow
    ))
}
