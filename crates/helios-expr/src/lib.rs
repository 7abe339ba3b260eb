//! PostgreSQL's functions, operators, casts and aggregates as a typed catalogue, and the
//! evaluation of scalar expressions over [`helios_base::Value`]s.
//!
//! - [`build::Builder`] turns names and untyped pieces into typed [`Expr`]s by PostgreSQL's rules;
//!   [`resolve`] holds the rules.
//! - [`Expr::eval`] computes an expression over one row.
//! - [`aggregate`], [`window`] and [`set_function`] describe what is not scalar.
//!
//! ```
//! use helios_base::{DataType, TextContext, Value};
//! use helios_expr::{Builder, EvalContext, Expr, NoSession, ParamTypes};
//!
//! # fn main() -> helios_base::Result<()> {
//! let text = TextContext::default();
//! let params = ParamTypes::default();
//! let builder = Builder::new(&text, &params);
//! // column + 1.5: the integer column is cast, the sum is numeric.
//! let column = Expr::column(0, DataType::Int4);
//! let sum = builder.operator("+", column, builder.number("1.5")?)?;
//! assert_eq!(sum.ty(), &DataType::Numeric(None));
//!
//! let ctx = EvalContext::new(&NoSession, &text);
//! let value = sum.eval(&[Value::Int4(2)], &ctx)?;
//! assert_eq!(value.to_text(sum.ty(), &text), "3.5");
//! # Ok(())
//! # }
//! ```
//!
//! **Invariant:** knows nothing of tables, transactions or SQL text; reaches the session only
//! through [`SessionHooks`].

pub mod aggregate;
pub mod build;
pub mod cast;
pub mod catalog;
pub mod context;
mod days;
pub mod distance;
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

pub use aggregate::{Accumulator, Aggregate, AggregateCall, JSON_AGG_ROWS};
pub use build::{Builder, ParamTypes};
pub use context::{EvalContext, NoSession, SessionHooks, Subplans};
pub use distance::{Distance, Measure};
pub use expr::{Cast, Expr, SubplanKind, Subscript};
pub use func::ROW_AS_JSON;
pub use function::{Call, Comparison, Function, Kind, Volatility};
pub use resolve::CastContext;
pub use set_function::SetFunction;
pub use text::json_text::member as json_member;
pub use text::to_json::push as push_json;
pub use ty::Ty;
pub use window::{WindowFunction, WindowKind};
