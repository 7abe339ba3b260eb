//! PostgreSQL's functions, operators, casts and aggregates as a typed catalogue, and the
//! evaluation of scalar expressions over [`helios_base::Value`]s.
//!
//! - [`build::Builder`] turns names and untyped pieces into typed [`Expr`]s by PostgreSQL's rules;
//!   [`resolve`] holds the rules.
//! - [`Expr::eval`] computes an expression over one row.
//! - [`aggregate`], [`window`] and [`set_function`] describe what is not scalar.
//!
//! **Invariant:** knows nothing of tables, transactions or SQL text; reaches the session only
//! through [`SessionHooks`].

pub mod aggregate;
pub mod build;
pub mod cast;
pub mod catalog;
pub mod context;
mod eval;
pub mod expr;
pub mod fold;
mod func;
pub mod function;
mod op;
pub mod resolve;
pub mod set_function;
mod text;
pub mod ty;
pub mod window;

pub use aggregate::{Accumulator, Aggregate, AggregateCall};
pub use build::{Builder, ParamTypes};
pub use context::{EvalContext, NoSession, SessionHooks, Subplans};
pub use expr::{Cast, Expr, SubplanKind, Subscript};
pub use function::{Call, Comparison, Function, Kind, Volatility};
pub use resolve::CastContext;
pub use set_function::SetFunction;
pub use ty::Ty;
pub use window::{WindowFunction, WindowKind};
