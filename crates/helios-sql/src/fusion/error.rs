//! Errors across the boundary: ours go in whole and come out whole.

use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use helios_base::{Error, SqlState};

/// Wraps our error for the way through DataFusion.
pub(crate) fn to_datafusion(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(Carried(Arc::new(error))))
}

/// Unwraps our error, or turns DataFusion's own into one.
pub(crate) fn from_datafusion(error: DataFusionError) -> Error {
    match find(&error) {
        Some(ours) => copy(ours),
        None => translate(&error),
    }
}

/// As [`from_datafusion`], of an error in planning: where DataFusion contradicts itself, the other
/// executor takes the statement.
pub(crate) fn from_planning(error: DataFusionError) -> Error {
    if find(&error).is_none()
        && let DataFusionError::Internal(why) | DataFusionError::Plan(why) = error.find_root()
    {
        tracing::warn!("a vectorized plan was refused: {}", first_line(why));
        return Error::unsupported("a plan that the vectorized planner refuses");
    }
    from_datafusion(error)
}

/// Turns Arrow's error into ours.
pub(crate) fn from_arrow(error: ArrowError) -> Error {
    from_datafusion(DataFusionError::ArrowError(Box::new(error), None))
}

/// Our error in a shape that DataFusion may share between partitions.
#[derive(Clone, Debug)]
struct Carried(Arc<Error>);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Carried {}

fn find(error: &DataFusionError) -> Option<&Error> {
    match error {
        DataFusionError::External(inner) => {
            if let Some(carried) = inner.downcast_ref::<Carried>() {
                return Some(&carried.0);
            }
            if let Some(nested) = inner.downcast_ref::<DataFusionError>() {
                return find(nested);
            }
            inner.downcast_ref::<ArrowError>().and_then(find_in_arrow)
        }
        DataFusionError::ArrowError(inner, _) => find_in_arrow(inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => find(inner),
        DataFusionError::Shared(inner) => find(inner),
        DataFusionError::Collection(all) => all.iter().find_map(find),
        _ => None,
    }
}

fn find_in_arrow(error: &ArrowError) -> Option<&Error> {
    match error {
        ArrowError::ExternalError(inner) => inner
            .downcast_ref::<Carried>()
            .map(|carried| &*carried.0)
            .or_else(|| inner.downcast_ref::<DataFusionError>().and_then(find)),
        _ => None,
    }
}

/// A second copy of an error that several partitions share.
fn copy(error: &Error) -> Error {
    let mut copy = Error::new(error.sqlstate(), error.message()).with_kind(error.kind());
    if let Some(text) = error.detail() {
        copy = copy.with_detail(text);
    }
    if let Some(text) = error.hint() {
        copy = copy.with_hint(text);
    }
    if let Some(text) = error.context() {
        copy = copy.with_context(text);
    }
    if let Some(text) = error.schema() {
        copy = copy.with_schema(text);
    }
    if let Some(text) = error.table() {
        copy = copy.with_table(text);
    }
    if let Some(text) = error.column() {
        copy = copy.with_column(text);
    }
    if let Some(text) = error.data_type() {
        copy = copy.with_data_type(text);
    }
    if let Some(text) = error.constraint() {
        copy = copy.with_constraint(text);
    }
    match error.position() {
        Some(position) => copy.at(position),
        None => copy,
    }
}

fn translate(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(why) => {
            Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
                .with_detail(why.clone())
                .with_hint(match why.contains("memory_limit") {
                    true => "Raise memory_limit, or ask for fewer rows.",
                    false => "Raise work_mem, or ask for fewer rows.",
                })
        }
        DataFusionError::IoError(source) => Error::new(
            SqlState::IO_ERROR,
            format!("could not use a temporary file: {source}"),
        ),
        DataFusionError::NotImplemented(what) => Error::unsupported(first_line(what)),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::DivideByZero => Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"),
            ArrowError::ArithmeticOverflow(what) => {
                Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range")
                    .with_detail(what.clone())
            }
            // The readers of files say so of what they cannot read.
            ArrowError::ParquetError(what) => damaged_file(what),
            other => Error::internal(other.to_string()),
        },
        DataFusionError::ParquetError(what) => damaged_file(&what.to_string()),
        DataFusionError::ObjectStore(what) => Error::new(
            SqlState::IO_ERROR,
            format!("could not read a file: {}", first_line(&what.to_string())),
        ),
        other => Error::internal(first_line(&other.to_string())),
    }
}

/// The error of a Parquet file that cannot be read.
pub(crate) fn damaged_file(what: &str) -> Error {
    Error::new(
        SqlState::BAD_COPY_FILE_FORMAT,
        format!("could not read a Parquet file: {}", first_line(what)),
    )
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_error_survives_every_wrapping() {
        let ours = || {
            to_datafusion(
                Error::new(SqlState::DIVISION_BY_ZERO, "division by zero").with_hint("do not"),
            )
        };
        let wrapped = [
            ours(),
            DataFusionError::Context("while planning".into(), Box::new(ours())),
            DataFusionError::Shared(Arc::new(ours())),
            DataFusionError::Collection(vec![ours()]),
            DataFusionError::ArrowError(
                Box::new(ArrowError::ExternalError(Box::new(ours()))),
                None,
            ),
        ];
        for error in wrapped {
            let back = from_datafusion(error);
            assert_eq!(back.sqlstate(), SqlState::DIVISION_BY_ZERO);
            assert_eq!(back.message(), "division by zero");
            assert_eq!(back.hint(), Some("do not"));
        }
    }
}
