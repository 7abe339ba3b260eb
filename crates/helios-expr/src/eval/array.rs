//! Array constructors and subscripts.

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Json, Result, SqlState, Value};

use super::Frame;
use crate::expr::{Expr, Subscript};

/// PostgreSQL's `MAXDIM`.
const DIMENSIONS_MAX: usize = 6;

impl<'a> Frame<'a> {
    pub(super) fn array(self, elements: &'a [Expr], ty: &DataType) -> Result<Value> {
        let values = elements
            .iter()
            .map(|element| self.value(element).map(std::borrow::Cow::into_owned))
            .collect::<Result<Vec<_>>>()?;
        // Elements of the array's own type are sub-arrays.
        let nested = elements.first().is_some_and(|element| {
            matches!(element.ty(), DataType::Array(_)) && element.ty().same(ty)
        });
        let array = if nested {
            stack(&values)?
        } else {
            ArrayValue::one_dimensional(values)
        };
        Ok(Value::Array(Arc::new(array)))
    }

    pub(super) fn subscript(self, base: &'a Expr, subscripts: &'a [Subscript]) -> Result<Value> {
        let value = self.value(base)?;
        match &*value {
            Value::Null => Ok(Value::Null),
            Value::Array(array) => {
                let sliced = subscripts
                    .iter()
                    .any(|subscript| matches!(subscript, Subscript::Slice(..)));
                if sliced {
                    self.slice(array, subscripts)
                } else {
                    self.element(array, subscripts)
                }
            }
            Value::Jsonb(json) => self.json_path(json, subscripts),
            other => Err(Error::internal(format!("subscript of {other:?}"))),
        }
    }

    fn element(self, array: &ArrayValue, subscripts: &'a [Subscript]) -> Result<Value> {
        let mut indexes = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            let Subscript::Index(index) = subscript else {
                continue;
            };
            match self.index(index)? {
                Some(index) => indexes.push(index),
                None => return Ok(Value::Null),
            }
        }
        Ok(array.get(&indexes).cloned().unwrap_or(Value::Null))
    }

    fn index(self, expr: &'a Expr) -> Result<Option<i32>> {
        match &*self.value(expr)? {
            Value::Null => Ok(None),
            Value::Int4(index) => Ok(Some(*index)),
            other => Err(Error::internal(format!("array subscript {other:?}"))),
        }
    }

    /// `array[l:u, …]`: the part within bounds, counted from 1 again.
    fn slice(self, array: &ArrayValue, subscripts: &'a [Subscript]) -> Result<Value> {
        let mut bounds = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            let (lower, upper) = match subscript {
                // Beside a slice, a plain subscript n means 1:n.
                Subscript::Index(upper) => (Some(1), self.index(upper)?.map(Some)),
                Subscript::Slice(lower, upper) => {
                    let lower = match lower {
                        Some(lower) => match self.index(lower)? {
                            Some(lower) => Some(lower),
                            None => return Ok(Value::Null),
                        },
                        None => None,
                    };
                    let upper = match upper {
                        Some(upper) => self.index(upper)?.map(Some),
                        None => Some(None),
                    };
                    (lower, upper)
                }
            };
            match upper {
                Some(upper) => bounds.push((lower, upper)),
                None => return Ok(Value::Null),
            }
        }
        Ok(Value::Array(Arc::new(slice(array, &bounds))))
    }

    fn json_path(self, json: &Json, subscripts: &'a [Subscript]) -> Result<Value> {
        let mut here = json;
        for subscript in subscripts {
            let Subscript::Index(index) = subscript else {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    "jsonb subscript does not support slices",
                ));
            };
            let next = match (&*self.value(index)?, here) {
                (Value::Text(key), Json::Object(object)) => object.get(key),
                (Value::Text(key), Json::Array(elements)) => key
                    .trim()
                    .parse()
                    .ok()
                    .and_then(|index| element_at(elements, index)),
                (Value::Int4(index), Json::Array(elements)) => {
                    element_at(elements, i64::from(*index))
                }
                (Value::Int4(index), Json::Object(object)) => object.get(&index.to_string()),
                _ => None,
            };
            match next {
                Some(next) => here = next,
                None => return Ok(Value::Null),
            }
        }
        Ok(Value::Jsonb(Arc::new(here.clone())))
    }
}

/// The element of a JSON array, counted from 0, negative from the end.
pub(crate) fn element_at(elements: &[Json], index: i64) -> Option<&Json> {
    let index = if index < 0 {
        index.checked_add(i64::try_from(elements.len()).ok()?)?
    } else {
        index
    };
    elements.get(usize::try_from(index).ok()?)
}

/// Puts arrays of equal shape into one of one more dimension. Empty and null ones vanish if all are.
fn stack(values: &[Value]) -> Result<ArrayValue> {
    let mut shape: Option<&[(u32, i32)]> = None;
    let mut elements = Vec::new();
    let mut empty = false;
    for value in values {
        let part = match value {
            Value::Array(part) if !part.is_empty() => part,
            _ => {
                empty = true;
                continue;
            }
        };
        match shape {
            Some(shape) if shape != part.dims.as_slice() => return Err(unequal()),
            _ => shape = Some(&part.dims),
        }
        elements.extend(part.elements.iter().cloned());
    }
    let Some(shape) = shape else {
        return Ok(ArrayValue::default());
    };
    if empty {
        return Err(unequal());
    }
    if shape.len() >= DIMENSIONS_MAX {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!(
                "number of array dimensions ({}) exceeds the maximum allowed ({DIMENSIONS_MAX})",
                shape.len() + 1
            ),
        ));
    }
    let outer = u32::try_from(values.len()).map_err(|_| unequal())?;
    let dims = std::iter::once((outer, 1))
        .chain(shape.iter().copied())
        .collect();
    Ok(ArrayValue { dims, elements })
}

#[cold]
fn unequal() -> Error {
    Error::new(
        SqlState::ARRAY_SUBSCRIPT_ERROR,
        "multidimensional arrays must have array expressions with matching dimensions",
    )
}

fn slice(array: &ArrayValue, bounds: &[(Option<i32>, Option<i32>)]) -> ArrayValue {
    if bounds.len() > array.dims.len() {
        return ArrayValue::default();
    }
    // Missing trailing subscripts take the whole dimension.
    let mut ranges = Vec::with_capacity(array.dims.len());
    for (i, &(length, lower)) in array.dims.iter().enumerate() {
        let end = i64::from(lower) + i64::from(length) - 1;
        let (from, to) = bounds.get(i).copied().unwrap_or((None, None));
        let from = from
            .map_or(i64::from(lower), i64::from)
            .max(i64::from(lower));
        let to = to.map_or(end, i64::from).min(end);
        if from > to {
            return ArrayValue::default();
        }
        ranges.push((from - i64::from(lower), to - i64::from(lower)));
    }
    let mut positions = vec![0usize];
    for (&(length, _), &(from, to)) in array.dims.iter().zip(&ranges) {
        positions = positions
            .iter()
            .flat_map(|base| {
                (from..=to).map(move |offset| {
                    base * length as usize + usize::try_from(offset).unwrap_or(0)
                })
            })
            .collect();
    }
    ArrayValue {
        dims: ranges
            .iter()
            .map(|(from, to)| (u32::try_from(to - from + 1).unwrap_or(0), 1))
            .collect(),
        elements: positions
            .into_iter()
            .filter_map(|position| array.elements.get(position).cloned())
            .collect(),
    }
}
