//! placeholder
use crate::function::Function;
pub(super) static FUNCTIONS: &[Function] = &[];
