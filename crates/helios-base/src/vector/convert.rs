//! From one type of vectors to another, and from arrays.

use std::borrow::Cow;

use super::{F16, SparseVector, VectorKind, VectorValue, data_exception};
use crate::{ArrayValue, Error, Result, SqlState, Value};

impl VectorValue {
    /// The same vector as another type.
    ///
    /// # Errors
    /// 22003 for a number that 16 bits do not hold, 54000 for too many dimensions or elements.
    pub fn to_kind(&self, kind: VectorKind) -> Result<Self> {
        if self.kind() == kind {
            return Ok(self.clone());
        }
        kind.check_dimensions(self.dimensions())?;
        match kind {
            VectorKind::Full => Ok(Self::Full(self.numbers().into_owned().into())),
            VectorKind::Half => {
                let numbers = self.numbers();
                let halves = numbers.iter().map(|number| halved(*number));
                Ok(Self::Half(halves.collect::<Result<_>>()?))
            }
            VectorKind::Sparse => {
                let numbers = self.numbers();
                let elements = (0..).zip(numbers.iter().copied());
                SparseVector::new(self.dimensions(), elements).map(Self::Sparse)
            }
        }
    }

    /// A vector of the elements of an array of numbers.
    ///
    /// # Errors
    /// 22000 for an array of more than one dimension or of none, 22004 for `NULL`, and as the
    /// constructors.
    pub fn from_array(array: &ArrayValue, kind: VectorKind) -> Result<Self> {
        if array.dims.len() > 1 {
            return Err(data_exception("array must be 1-D"));
        }
        if array.elements.iter().any(Value::is_null) {
            return Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "array must not contain nulls",
            ));
        }
        kind.check_dimensions(array.elements.len())?;
        let numbers = array
            .elements
            .iter()
            .map(|value| narrowed(value, kind))
            .collect::<Result<Vec<f32>>>()?;
        match kind {
            VectorKind::Full => Self::full(numbers),
            VectorKind::Half => {
                let halves = numbers.into_iter().map(|number| {
                    kind.check_number(number)?;
                    halved(number)
                });
                Self::half(halves.collect::<Result<_>>()?)
            }
            VectorKind::Sparse => {
                let dimensions = numbers.len();
                SparseVector::new(dimensions, (0..).zip(numbers)).map(Self::Sparse)
            }
        }
    }

    /// All numbers, those that are zero included. For a sparse vector of many dimensions that is
    /// much: ask [`VectorKind::check_dimensions`] of the type that it is wanted for.
    #[must_use]
    pub fn numbers(&self) -> Cow<'_, [f32]> {
        match self {
            Self::Full(numbers) => Cow::Borrowed(numbers),
            Self::Half(numbers) => numbers.iter().map(|half| half.to_f32()).collect(),
            Self::Sparse(sparse) => {
                let mut numbers = vec![0.0; sparse.dimensions() as usize];
                for (at, number) in sparse.elements() {
                    if let Some(slot) = numbers.get_mut(at as usize) {
                        *slot = number;
                    }
                }
                Cow::Owned(numbers)
            }
        }
    }
}

/// A finite number in 16 bits.
fn halved(number: f32) -> Result<F16> {
    let half = F16::from_f32(number);
    if half.to_f32().is_finite() {
        return Ok(half);
    }
    let mut shown = String::new();
    crate::text::write_f32(number, 1, &mut shown);
    Err(Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("\"{shown}\" is out of range for type halfvec"),
    ))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the nearest number is meant"
)]
fn narrowed(value: &Value, kind: VectorKind) -> Result<f32> {
    Ok(match value {
        Value::Int2(n) => f32::from(*n),
        Value::Int4(n) => *n as f32,
        Value::Int8(n) => *n as f32,
        Value::Float4(x) => *x,
        Value::Float8(x) => *x as f32,
        Value::Numeric(n) => n.to_f64()? as f32,
        other => {
            let (ty, kind) = (other.natural_type(), kind.name());
            return Err(Error::internal(format!("{ty} as an element of a {kind}")));
        }
    })
}
