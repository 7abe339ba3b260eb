//! How a column of stored rows lies in a segment.
//!
//! | SQL type | array |
//! |---|---|
//! | `boolean`, integers, `oid` and its kin, floats, `date`, `time`, timestamps, `uuid` | as `helios-arrow` has them |
//! | strings, `json` | `Utf8View` |
//! | `bytea` | `BinaryView` |
//! | `numeric(p,s)` of up to 38 digits | `Decimal128` |
//! | enums | `Int64`: the label's place |
//! | all others | `BinaryView`: the bytes that they have in a row |
//!
//! What a user's type is made of may change in the catalog; what it takes in a row never does. So the form
//! names built-in types only.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal32Type, Decimal64Type, UInt8Type};
use arrow_array::{Array, ArrayRef, Decimal32Array, Decimal64Array, UInt8Array};
use helios_arrow::{ColumnBuilder, ColumnReader, Shape};
use helios_base::row::{self, Field};
use helios_base::{DataType, Error, Numeric, Result, UserKind, Value};
use serde::{Deserialize, Serialize};

/// How a column lies in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Form {
    /// The built-in type whose arrays these are.
    #[serde(with = "crate::catalog::codec::ty")]
    pub(super) ty: DataType,
    /// The width of values in a row, if `ty` does not tell: bytes of a type that always has so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<usize>,
}

impl Form {
    /// The form of a column.
    pub(super) fn of(ty: &DataType) -> Self {
        let plain = |ty| Self { ty, width: None };
        match ty {
            DataType::Bool
            | DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Oid
            | DataType::Float4
            | DataType::Float8
            | DataType::Bytea
            | DataType::Date
            | DataType::Time(_)
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
            | DataType::Uuid
            | DataType::Text => plain(ty.clone()),
            DataType::Xid | DataType::Reg(_) => plain(DataType::Oid),
            DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Name
            | DataType::CharByte
            | DataType::Json => plain(DataType::Text),
            DataType::Numeric(Some(_)) if Shape::of(ty).as_decimal().is_some() => plain(ty.clone()),
            DataType::User(user) => match &user.kind {
                UserKind::Enum(_) => plain(DataType::Int8),
                UserKind::Domain(domain) => Self::of(&domain.base),
                _ => plain(DataType::Bytea),
            },
            other => Self {
                ty: DataType::Bytea,
                width: row::fixed_width(other),
            },
        }
    }

    /// The built-in type that has the same place in a row.
    pub(super) fn stored_type(&self) -> DataType {
        match self.width {
            Some(6) => DataType::MacAddr,
            Some(12) => DataType::TimeTz(None),
            Some(16) => DataType::Uuid,
            _ => self.ty.clone(),
        }
    }

    /// Whether the arrays are as those of a column of type `of`.
    pub(super) fn is_plain(&self, of: &DataType) -> bool {
        match of {
            DataType::User(user) => match &user.kind {
                UserKind::Domain(domain) => self.is_plain(&domain.base),
                _ => false,
            },
            // Bytes of another type are no bytes of its own.
            other => self.ty != DataType::Bytea || *other == DataType::Bytea,
        }
    }

    /// The arrays' shape.
    pub(super) fn shape(&self) -> Shape {
        Shape::of(&self.ty)
    }

    /// Whether keys of columns of type `of` in this form are keys of the form's type.
    pub(super) fn keeps_order(&self, of: &DataType) -> bool {
        match of {
            DataType::Varchar(_) => true,
            DataType::User(user) => match &user.kind {
                UserKind::Domain(domain) => self.keeps_order(&domain.base),
                _ => false,
            },
            other => *other == self.ty && !matches!(other, DataType::Float4 | DataType::Float8),
        }
    }

    /// Adds the bytes of a stored column.
    ///
    /// # Errors
    /// `Corrupt` if they are not of the column's type.
    pub(super) fn append(&self, bytes: Option<&[u8]>, builder: &mut ColumnBuilder) -> Result<()> {
        match bytes {
            Some(bytes) => builder.append_field(Field::Bytes(&self.ty, bytes)),
            None => {
                builder.append_null();
                Ok(())
            }
        }
    }
}

/// A column of a segment, ready to give the bytes that stood in rows.
pub(super) struct Cells {
    form: Form,
    values: Values,
}

/// A column, perhaps in fewer bits than its type has.
enum Values {
    Wide(ColumnReader),
    /// Decimals in 32 bits, with their scale.
    Shortest(Decimal32Array, u16),
    /// In 64.
    Short(Decimal64Array, u16),
    /// Places among the different strings.
    Coded(UInt8Array, ColumnReader),
}

impl Cells {
    /// # Errors
    /// Internal if the array is of another type.
    pub(super) fn new(form: &Form, array: &ArrayRef) -> Result<Self> {
        let shape = form.shape();
        let short = |scale| {
            let shortest = array.as_primitive_opt::<Decimal32Type>();
            let short = || array.as_primitive_opt::<Decimal64Type>();
            let shortest = shortest.map(|values| Values::Shortest(values.clone(), scale));
            shortest.or_else(|| Some(Values::Short(short()?.clone(), scale)))
        };
        let short = shape.as_decimal().and_then(|(_, scale)| short(scale));
        let values = match (short, array.as_dictionary_opt::<UInt8Type>()) {
            (Some(short), _) => short,
            (None, Some(coded)) => {
                let different = ColumnReader::new(coded.values(), &shape)?;
                Values::Coded(coded.keys().clone(), different)
            }
            _ => Values::Wide(ColumnReader::new(array, &shape)?),
        };
        Ok(Self {
            form: form.clone(),
            values,
        })
    }

    /// How many rows it has.
    fn len(&self) -> usize {
        match &self.values {
            Values::Wide(reader) => reader.len(),
            Values::Shortest(short, _) => short.len(),
            Values::Short(short, _) => short.len(),
            Values::Coded(codes, _) => codes.len(),
        }
    }

    /// The value in row `at`, of the form's type.
    pub(super) fn value(&self, at: usize) -> Result<Value> {
        if at >= self.len() {
            return Err(Error::internal("a column of a segment is too short"));
        }
        match &self.values {
            Values::Wide(reader) => reader.value(at),
            Values::Shortest(short, _) if short.is_null(at) => Ok(Value::Null),
            Values::Short(short, _) if short.is_null(at) => Ok(Value::Null),
            // `NaN` is none of those that so few bits hold.
            Values::Shortest(short, scale) => Ok(decimal(short.value(at), *scale)),
            Values::Short(short, scale) => Ok(decimal(short.value(at), *scale)),
            Values::Coded(codes, _) if codes.is_null(at) => Ok(Value::Null),
            Values::Coded(codes, different) => {
                let code = usize::from(codes.value(at));
                match code < different.len() {
                    true => different.value(code),
                    false => Err(Error::internal("a code of a segment names no string")),
                }
            }
        }
    }

    /// The bytes of a string in row `at`, which are those that it has in a row of a table; `None` if it is none, or `NULL`.
    fn string(&self, at: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Wide(reader) => reader.string(at),
            Values::Shortest(..) | Values::Short(..) => None,
            Values::Coded(codes, _) if at >= codes.len() || codes.is_null(at) => None,
            Values::Coded(codes, different) => different.string(usize::from(codes.value(at))),
        }
    }

    /// Appends the bytes of the column in row `at`; false if it is `NULL`.
    pub(super) fn push(&self, at: usize, out: &mut Vec<u8>) -> Result<bool> {
        if let Some(bytes) = self.string(at) {
            out.extend_from_slice(bytes);
            return Ok(true);
        }
        match self.value(at)? {
            Value::Null => Ok(false),
            value => row::put_value(&value, &self.form.ty, out).map(|()| true),
        }
    }
}

fn decimal(number: impl Into<i128>, scale: u16) -> Value {
    Value::Numeric(Numeric::from_i128(number.into(), scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against tables that cannot be frozen for a type whose values take as many bytes as no other's.
    #[test]
    fn every_width_has_a_type() {
        for ty in [
            DataType::MacAddr,
            DataType::TimeTz(None),
            DataType::Interval(None),
            DataType::Uuid,
            DataType::Inet,
            DataType::Xid,
        ] {
            let stored = Form::of(&ty).stored_type();
            assert_eq!(row::fixed_width(&stored), row::fixed_width(&ty), "{ty}");
        }
    }
}
