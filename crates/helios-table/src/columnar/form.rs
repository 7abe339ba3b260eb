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

use arrow_array::ArrayRef;
use helios_arrow::{ColumnBuilder, ColumnReader, Shape};
use helios_base::row::{self, Field};
use helios_base::{DataType, Error, Result, UserKind, Value};
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
    reader: ColumnReader,
}

impl Cells {
    /// # Errors
    /// Internal if the array is of another type.
    pub(super) fn new(form: &Form, array: &ArrayRef) -> Result<Self> {
        Ok(Self {
            form: form.clone(),
            reader: ColumnReader::new(array, &form.shape())?,
        })
    }

    /// The value in row `at`, of the form's type.
    pub(super) fn value(&self, at: usize) -> Result<Value> {
        if at >= self.reader.len() {
            return Err(Error::internal("a column of a segment is too short"));
        }
        self.reader.value(at)
    }

    /// Appends the bytes of the column in row `at`; false if it is `NULL`.
    pub(super) fn push(&self, at: usize, out: &mut Vec<u8>) -> Result<bool> {
        match self.value(at)? {
            Value::Null => Ok(false),
            value => row::put_value(&value, &self.form.ty, out).map(|()| true),
        }
    }
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
