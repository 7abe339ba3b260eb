//! Our plans and expressions as DataFusion's.

mod aggregate;
mod arith;
mod cast;
mod decorrelate;
mod expr;
mod join;
mod plan;
mod relation;
mod set_op;
mod subquery;
mod typed;
mod walk;
mod window;

pub(crate) use expr::{ExprBridge, Scope, number_shape};
pub(crate) use plan::{Early, PlanBridge, Purpose, Tables};
pub(crate) use relation::Relation;
pub(crate) use typed::{Typed, comparable};
