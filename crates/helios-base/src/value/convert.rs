//! From Rust values to SQL values.

use std::sync::Arc;

use super::{ArrayValue, Value};
use crate::{BitString, Inet, Interval, Json, Numeric, TimeTz, VectorValue};

macro_rules! from {
    ($($rust:ty => $variant:ident;)*) => {$(
        impl From<$rust> for Value {
            fn from(value: $rust) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool;
    i16 => Int2;
    i32 => Int4;
    i64 => Int8;
    f32 => Float4;
    f64 => Float8;
    Numeric => Numeric;
    &str => Text;
    String => Text;
    Arc<str> => Text;
    &[u8] => Bytea;
    Vec<u8> => Bytea;
    Arc<[u8]> => Bytea;
    Interval => Interval;
    [u8; 16] => Uuid;
    Json => Jsonb;
    TimeTz => TimeTz;
    BitString => Bits;
    Inet => Inet;
    VectorValue => Vector;
    ArrayValue => Array;
}

/// `None` is `NULL`.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
