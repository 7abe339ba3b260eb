//! Rust values into SQL parameters.

use std::sync::Arc;

use helios_base::json::Json;
use helios_base::{Interval, Numeric, Value, VectorValue};

/// A Rust value that can stand for a parameter.
///
/// The statement knows the parameter's type; the value is converted to it by SQL's assignment
/// rules, so an `i32` may be given for a `bigint` and a `&str` for a `date`.
pub trait ToSql {
    /// The value to bind.
    fn to_sql(&self) -> Value;
}

macro_rules! to_sql {
    ($($rust:ty => $make:expr;)*) => {$(
        impl ToSql for $rust {
            fn to_sql(&self) -> Value {
                let make: fn(&$rust) -> Value = $make;
                make(self)
            }
        }
    )*};
}

to_sql! {
    Value => Value::clone;
    bool => |value| Value::Bool(*value);
    i8 => |value| Value::Int2(i16::from(*value));
    u8 => |value| Value::Int2(i16::from(*value));
    i16 => |value| Value::Int2(*value);
    u16 => |value| Value::Int4(i32::from(*value));
    i32 => |value| Value::Int4(*value);
    u32 => |value| Value::Int8(i64::from(*value));
    i64 => |value| Value::Int8(*value);
    f32 => |value| Value::Float4(*value);
    f64 => |value| Value::Float8(*value);
    str => |value| Value::Text(Arc::from(value));
    String => |value| Value::Text(Arc::from(value.as_str()));
    Arc<str> => |value| Value::Text(Arc::clone(value));
    [u8] => |value| Value::Bytea(Arc::from(value));
    Vec<u8> => |value| Value::Bytea(Arc::from(value.as_slice()));
    [f32] => |value| vector(value);
    Vec<f32> => |value| vector(value);
    Numeric => |value| Value::Numeric(value.clone());
    Interval => |value| Value::Interval(Box::new(*value));
    Json => |value| Value::Jsonb(Arc::new(value.clone()));
}

/// A `vector`, if it can be one; else what SQL makes of the text, which says what is wrong with it.
fn vector(numbers: &[f32]) -> Value {
    match VectorValue::full(numbers.to_vec()) {
        Ok(vector) => Value::Vector(Arc::new(vector)),
        Err(_) => {
            let texts: Vec<String> = numbers.iter().map(f32::to_string).collect();
            Value::Text(Arc::from(format!("[{}]", texts.join(","))))
        }
    }
}

impl<T: ToSql + ?Sized> ToSql for &T {
    fn to_sql(&self) -> Value {
        (**self).to_sql()
    }
}

impl<T: ToSql> ToSql for Option<T> {
    fn to_sql(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToSql::to_sql)
    }
}

/// The parameters of one execution: `()`, a tuple, an array or a slice, in the order `$1, $2, …`.
pub trait Params {
    /// The values to bind.
    fn into_values(self) -> Vec<Value>;

    /// Calls `work` with the values to bind.
    fn with_values<R>(self, work: impl FnOnce(&[Value]) -> R) -> R
    where
        Self: Sized,
    {
        work(&self.into_values())
    }
}

impl Params for () {
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }

    fn with_values<R>(self, work: impl FnOnce(&[Value]) -> R) -> R {
        work(&[])
    }
}

impl Params for Vec<Value> {
    fn into_values(self) -> Vec<Value> {
        self
    }
}

impl<T: ToSql> Params for &[T] {
    fn into_values(self) -> Vec<Value> {
        self.iter().map(ToSql::to_sql).collect()
    }
}

impl<T: ToSql, const N: usize> Params for [T; N] {
    fn into_values(self) -> Vec<Value> {
        self.iter().map(ToSql::to_sql).collect()
    }
}

impl<T: ToSql, const N: usize> Params for &[T; N] {
    fn into_values(self) -> Vec<Value> {
        self.iter().map(ToSql::to_sql).collect()
    }
}

macro_rules! tuple_params {
    ($($name:ident)+) => {
        impl<$($name: ToSql),+> Params for ($($name,)+) {
            fn into_values(self) -> Vec<Value> {
                #[allow(non_snake_case, reason = "type parameters name the fields")]
                let ($($name,)+) = self;
                vec![$($name.to_sql()),+]
            }

            fn with_values<R>(self, work: impl FnOnce(&[Value]) -> R) -> R {
                #[allow(non_snake_case, reason = "type parameters name the fields")]
                let ($($name,)+) = self;
                work(&[$($name.to_sql()),+])
            }
        }
    };
}

tuple_params!(A);
tuple_params!(A B);
tuple_params!(A B C);
tuple_params!(A B C D);
tuple_params!(A B C D E);
tuple_params!(A B C D E F);
tuple_params!(A B C D E F G);
tuple_params!(A B C D E F G H);
tuple_params!(A B C D E F G H I);
tuple_params!(A B C D E F G H I J);
tuple_params!(A B C D E F G H I J K);
tuple_params!(A B C D E F G H I J K L);
