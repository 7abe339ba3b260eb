//! Operators, one family per file.

mod compare;

use crate::function::Function;

/// Every table of operators.
pub(crate) static FAMILIES: &[&[Function]] = &[compare::FUNCTIONS];
