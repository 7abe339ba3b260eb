//! SQL values into Rust values.

use std::sync::Arc;

use helios_base::json::Json;
use helios_base::{Error, Interval, Numeric, Result, SqlState, Value};

/// A Rust type that a column can be read as.
///
/// Conversions never lose: a `bigint` reads as `i32` only where it fits. Read nullable columns as
/// `Option<T>`.
pub trait FromSql: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// `Invalid` (22000) when the value is NULL, of another type, or out of the Rust type's range.
    fn from_sql(value: &Value) -> Result<Self>;
}

impl FromSql for Value {
    fn from_sql(value: &Value) -> Result<Self> {
        Ok(value.clone())
    }
}

impl<T: FromSql> FromSql for Option<T> {
    fn from_sql(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            other => T::from_sql(other).map(Some),
        }
    }
}

fn mismatch(value: &Value, wanted: &str) -> Error {
    let what = match value {
        Value::Null => "NULL".to_owned(),
        other => format!("{other:?}"),
    };
    let error = Error::new(
        SqlState::DATA_EXCEPTION,
        format!("cannot read {what} as {wanted}"),
    );
    if matches!(value, Value::Null) {
        error.with_hint(format!("Read the column as Option<{wanted}>."))
    } else {
        error
    }
}

macro_rules! integers {
    ($($rust:ty)*) => {$(
        impl FromSql for $rust {
            fn from_sql(value: &Value) -> Result<Self> {
                let wide = match value {
                    Value::Int2(number) => i64::from(*number),
                    Value::Int4(number) => i64::from(*number),
                    Value::Int8(number) => *number,
                    Value::Oid(number) => i64::from(*number),
                    other => return Err(mismatch(other, stringify!($rust))),
                };
                Self::try_from(wide).map_err(|_| mismatch(value, stringify!($rust)))
            }
        }
    )*};
}

integers!(i8 u8 i16 u16 i32 u32 i64 u64 usize);

impl FromSql for bool {
    fn from_sql(value: &Value) -> Result<Self> {
        match value {
            Value::Bool(flag) => Ok(*flag),
            other => Err(mismatch(other, "bool")),
        }
    }
}

impl FromSql for f64 {
    fn from_sql(value: &Value) -> Result<Self> {
        match value {
            Value::Float8(number) => Ok(*number),
            Value::Float4(number) => Ok(Self::from(*number)),
            Value::Int2(number) => Ok(Self::from(*number)),
            Value::Int4(number) => Ok(Self::from(*number)),
            other => Err(mismatch(other, "f64")),
        }
    }
}

impl FromSql for f32 {
    fn from_sql(value: &Value) -> Result<Self> {
        match value {
            Value::Float4(number) => Ok(*number),
            other => Err(mismatch(other, "f32")),
        }
    }
}

impl FromSql for Vec<f32> {
    fn from_sql(value: &Value) -> Result<Self> {
        match value {
            Value::Vector(vector) => Ok(vector.numbers().into_owned()),
            other => Err(mismatch(other, "Vec<f32>")),
        }
    }
}

macro_rules! plain {
    ($($rust:ty, $name:literal, $($pattern:pat => $read:expr),+;)*) => {$(
        impl FromSql for $rust {
            fn from_sql(value: &Value) -> Result<Self> {
                match value {
                    $($pattern => Ok($read),)+
                    other => Err(mismatch(other, $name)),
                }
            }
        }
    )*};
}

plain! {
    String, "String", Value::Text(text) => text.to_string();
    Arc<str>, "Arc<str>", Value::Text(text) => Arc::clone(text);
    Vec<u8>, "Vec<u8>", Value::Bytea(bytes) => bytes.to_vec();
    Numeric, "Numeric", Value::Numeric(number) => number.clone();
    Interval, "Interval", Value::Interval(interval) => **interval;
    [u8; 16], "[u8; 16]", Value::Uuid(uuid) => **uuid;
    Json, "Json", Value::Jsonb(json) => (**json).clone();
}
