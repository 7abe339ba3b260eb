//! Functions on `json` and `jsonb`.

mod build;
mod edit;
mod inspect;
pub(crate) mod path;

use helios_base::{Error, SqlState};

pub use build::ROW_AS_JSON;

use crate::function::Function;

pub(crate) static FAMILIES: &[&[Function]] = &[
    build::FUNCTIONS,
    edit::FUNCTIONS,
    inspect::FUNCTIONS,
    path::FUNCTIONS,
];

/// A refusal with SQLSTATE `22023`.
#[cold]
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
