//! Array values: shape and elements.

use super::Value;

/// An array of one element type, in row-major order.
///
/// Invariant: the product of the lengths in `dims` is `elements.len()`; both are empty for the
/// empty array.
#[derive(Clone, Debug, Default)]
pub struct ArrayValue {
    /// Length and lower bound of each dimension, outermost first; empty for the empty array.
    pub dims: Vec<(u32, i32)>,
    /// The elements.
    pub elements: Vec<Value>,
}

impl ArrayValue {
    /// An array of this shape; `None` if the shape does not hold exactly these elements.
    #[must_use]
    pub fn new(dims: Vec<(u32, i32)>, elements: Vec<Value>) -> Option<Self> {
        let product = dims
            .iter()
            .try_fold(1u64, |product, dim| product.checked_mul(u64::from(dim.0)))?;
        let count = if dims.is_empty() { 0 } else { product };
        let empty = dims.is_empty() == elements.is_empty();
        (empty && count == elements.len() as u64).then_some(Self { dims, elements })
    }

    /// A one-dimensional array counted from 1; no dimensions when `elements` is empty.
    #[must_use]
    pub fn one_dimensional(elements: Vec<Value>) -> Self {
        let dims = match u32::try_from(elements.len()) {
            Ok(0) | Err(_) => Vec::new(),
            Ok(length) => vec![(length, 1)],
        };
        Self { dims, elements }
    }

    /// Whether the array has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The element at one subscript per dimension; `None` out of bounds or with the wrong number of
    /// subscripts, as PostgreSQL answers `NULL` there.
    #[must_use]
    pub fn get(&self, subscripts: &[i32]) -> Option<&Value> {
        if subscripts.len() != self.dims.len() || subscripts.is_empty() {
            return None;
        }
        let mut index = 0usize;
        for (&(length, lower), &subscript) in self.dims.iter().zip(subscripts) {
            let offset = i64::from(subscript) - i64::from(lower);
            let offset = u32::try_from(offset).ok().filter(|&o| o < length)?;
            index = index * length as usize + offset as usize;
        }
        self.elements.get(index)
    }
}
