//! Our plans and expressions as DataFusion's.

mod aggregate;
mod arith;
mod cast;
mod decorrelate;
mod distance;
mod distinct;
mod expr;
mod join;
mod ordered_input;
mod plan;
mod relation;
mod set_op;
mod subquery;
mod text;
mod typed;
mod walk;
mod window;

pub(crate) use expr::number_shape;
#[cfg(test)]
pub(crate) use expr::{ExprBridge, Scope};
pub(crate) use plan::{Early, PlanBridge, Purpose, Tables};
pub(crate) use typed::Typed;
