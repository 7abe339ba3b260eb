//! Our plans and expressions as DataFusion's.

mod typed;

pub(crate) use typed::{Typed, comparable};
