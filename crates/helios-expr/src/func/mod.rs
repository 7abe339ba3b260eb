//! Functions, one family per file.

use crate::function::Function;

/// Every table of functions.
pub(crate) static FAMILIES: &[&[Function]] = &[];
