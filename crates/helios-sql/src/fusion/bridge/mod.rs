//! Our plans and expressions as DataFusion's.

mod arith;
mod cast;
mod expr;
mod typed;

pub(crate) use expr::{ExprBridge, Scope};
pub(crate) use typed::{Typed, comparable};
