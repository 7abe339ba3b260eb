//! The vectorized executor: our plans, run by DataFusion with PostgreSQL's semantics.
//!
//! A [`Plan`](crate::plan::Plan) is translated node by node into a DataFusion logical plan, whose
//! columns hold values in the array forms of [`shape`]. Expressions become DataFusion's own where
//! its meaning is PostgreSQL's, vectorized kernels of ours where it is not, and otherwise calls of
//! helios-expr's evaluator row by row. Our errors pass through unchanged ([`error`]).

mod aggregate;
mod array;
mod bridge;
mod context;
mod error;
mod query;
mod results;
mod run;
mod scalar;
mod scan;
mod shape;
mod statement;

pub(crate) use array::{ColumnReader, as_text, export_field, export_values};
pub(crate) use error::from_arrow;
pub(crate) use query::FusionQuery;
pub(crate) use results::{Keeping, ResultCache, ResultKey};
pub(crate) use run::{FusionEngine, FusionOptions, StatementMemory};
pub(crate) use shape::Shape;
pub(crate) use statement::{Analyzed, FusionRows};

/// One column of values as an Arrow array in its outer form, with its field.
///
/// # Errors
/// As [`array::export`].
pub(crate) fn export_column<'a>(
    name: &str,
    ty: &helios_base::DataType,
    values: impl IntoIterator<Item = &'a helios_base::Value>,
) -> helios_base::Result<(arrow::datatypes::Field, arrow::array::ArrayRef)> {
    let shape = Shape::of(ty);
    let array = array::array_of(values, &shape)?;
    let array = array::export(&array, &shape, ty)?;
    Ok((export_field(name, ty), array))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests;
