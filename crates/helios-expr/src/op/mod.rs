//! Operators (and functions that are their namesakes), one family per file.

pub(crate) mod array;
mod bits;
mod compare;
pub(crate) mod float;
pub(crate) mod integer;
pub(crate) mod json;
pub(crate) mod moment;
mod multirange;
pub(crate) mod named;
mod network;
mod numeric;
mod range;
mod text;
pub(crate) mod vector;
mod vector_own;

use crate::function::Function;

/// Every table of operators.
pub(crate) static FAMILIES: &[&[&[Function]]] = &[
    &[
        compare::FUNCTIONS,
        compare::XIDS,
        numeric::FUNCTIONS,
        json::FUNCTIONS,
        array::FUNCTIONS,
        moment::FUNCTIONS,
        bits::FUNCTIONS,
        network::FUNCTIONS,
        vector::DISTANCES,
        vector::FUNCTIONS,
        vector_own::CASTS,
        vector_own::FUNCTIONS,
    ],
    integer::FAMILIES,
    float::FAMILIES,
    text::FAMILIES,
    range::FAMILIES,
    multirange::FAMILIES,
];
