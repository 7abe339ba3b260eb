//! The order of vectors: element by element, as of arrays; what is missing in a sparse one is zero.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{SparseVector, VectorValue};

impl VectorValue {
    /// The order of pgvector's operator classes for btree.
    pub(crate) fn cmp_order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Full(a), Self::Full(b)) => {
                dense(a.iter().copied(), b.iter().copied(), a.len(), b.len())
            }
            (Self::Half(a), Self::Half(b)) => dense(
                a.iter().map(|x| x.to_f32()),
                b.iter().map(|x| x.to_f32()),
                a.len(),
                b.len(),
            ),
            (Self::Sparse(a), Self::Sparse(b)) => sparse(a, b),
            // Values of different types; arbitrary, but fixed.
            _ => (self.kind() as u8).cmp(&(other.kind() as u8)),
        }
    }

    /// Agrees with the order: zero has one hash, whatever its sign.
    pub(crate) fn hash_into<H: Hasher>(&self, state: &mut H) {
        let bits = |x: f32| if x == 0.0 { 0 } else { x.to_bits() };
        self.dimensions().hash(state);
        match self {
            Self::Full(numbers) => numbers.iter().for_each(|x| bits(*x).hash(state)),
            Self::Half(numbers) => numbers.iter().for_each(|x| bits(x.to_f32()).hash(state)),
            Self::Sparse(sparse) => sparse
                .elements()
                .for_each(|(at, x)| (at, bits(x)).hash(state)),
        }
    }
}

fn dense(
    a: impl Iterator<Item = f32>,
    b: impl Iterator<Item = f32>,
    a_len: usize,
    b_len: usize,
) -> Ordering {
    // Numbers are finite, so that they compare.
    a.zip(b)
        .filter_map(|(x, y)| x.partial_cmp(&y))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a_len.cmp(&b_len))
}

fn sparse(a: &SparseVector, b: &SparseVector) -> Ordering {
    let common = a.dimensions().min(b.dimensions());
    let (mut left, mut right) = (
        a.elements().take_while(|(at, _)| *at < common).peekable(),
        b.elements().take_while(|(at, _)| *at < common).peekable(),
    );
    loop {
        let (x, y) = match (left.peek(), right.peek()) {
            (None, None) => return a.dimensions().cmp(&b.dimensions()),
            (Some((at, _)), Some((bt, _))) if at < bt => (left.next(), None),
            (Some((at, _)), Some((bt, _))) if at > bt => (None, right.next()),
            _ => (left.next(), right.next()),
        };
        let number = |element: Option<(u32, f32)>| element.map_or(0.0, |(_, x)| x);
        match number(x).partial_cmp(&number(y)) {
            None | Some(Ordering::Equal) => {}
            Some(order) => return order,
        }
    }
}
