//! `string_agg` and `array_agg`.

use std::sync::Arc;

use helios_base::{ArrayValue, Error, Result, SqlState, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::func::string::fits;
use crate::function::mismatch;
use crate::ty::Ty::{AnyArray, AnyNonArray, Bytea, Text};

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("string_agg", &[Text, Text], Text, |_| {
        Box::new(Strings(None))
    })
    .not_strict()
    .ordered(),
    aggregate("string_agg", &[Bytea, Bytea], Bytea, |_| {
        Box::new(Bytes(None))
    })
    .not_strict()
    .ordered(),
    aggregate("array_agg", &[AnyNonArray], AnyArray, |_| {
        Box::new(Elements(Vec::new()))
    })
    .not_strict()
    .ordered(),
    aggregate("array_agg", &[AnyArray], AnyArray, |_| {
        Box::new(Arrays::default())
    })
    .not_strict()
    .ordered(),
];

/// Text with each row's delimiter before its value, the first left out.
struct Strings(Option<String>);

impl Accumulator for Strings {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        match (args, &mut self.0) {
            ([Value::Null, _], _) => {}
            ([Value::Text(text), _], state @ None) => *state = Some(text.to_string()),
            ([Value::Text(text), delimiter], Some(all)) => {
                if let Value::Text(delimiter) = delimiter {
                    all.push_str(delimiter);
                }
                fits(all.len() + text.len())?;
                all.push_str(text);
            }
            (args, _) => return Err(mismatch(args)),
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.as_deref().into())
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, String::capacity)
    }
}

struct Bytes(Option<Vec<u8>>);

impl Accumulator for Bytes {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        match (args, &mut self.0) {
            ([Value::Null, _], _) => {}
            ([Value::Bytea(bytes), _], state @ None) => *state = Some(bytes.to_vec()),
            ([Value::Bytea(bytes), delimiter], Some(all)) => {
                if let Value::Bytea(delimiter) = delimiter {
                    all.extend_from_slice(delimiter);
                }
                fits(all.len() + bytes.len())?;
                all.extend_from_slice(bytes);
            }
            (args, _) => return Err(mismatch(args)),
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.as_deref().into())
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::capacity)
    }
}

struct Elements(Vec<Value>);

impl Accumulator for Elements {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        self.0.push((*value).clone());
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.0.is_empty() {
            return Ok(Value::Null);
        }
        Ok(Value::from(ArrayValue::one_dimensional(self.0.clone())))
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<Value>()
    }
}

/// Arrays of equal shape, stacked into one of one more dimension.
#[derive(Default)]
struct Arrays {
    shape: Vec<(u32, i32)>,
    count: u32,
    elements: Vec<Value>,
}

impl Accumulator for Arrays {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
        let array: &Arc<ArrayValue> = match args {
            [Value::Array(array)] => array,
            [Value::Null] => {
                return Err(Error::new(
                    SqlState::NULL_VALUE_NOT_ALLOWED,
                    "cannot accumulate null arrays",
                ));
            }
            args => return Err(mismatch(args)),
        };
        if array.is_empty() {
            return refuse("cannot accumulate empty arrays");
        }
        if self.count == 0 {
            self.shape.clone_from(&array.dims);
        } else if self.shape != array.dims {
            return refuse("cannot accumulate arrays of different dimensionality");
        }
        self.count += 1;
        self.elements.extend(array.elements.iter().cloned());
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let dims = std::iter::once((self.count, 1))
            .chain(self.shape.iter().copied())
            .collect();
        Ok(Value::from(ArrayValue {
            dims,
            elements: self.elements.clone(),
        }))
    }

    fn size(&self) -> usize {
        self.elements.capacity() * size_of::<Value>()
    }
}
