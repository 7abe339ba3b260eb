//! Functions that read the catalog, such as `pg_get_indexdef`.

use helios_base::{DataType, Error, Result, SqlState, Value};

use super::state::State;

/// Calls the catalog function `name`.
pub(super) fn call(state: &State, name: &str, args: &[&Value], result: &DataType) -> Result<Value> {
    let _ = (state, args, result);
    Err(Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("function {name} is not supported"),
    ))
}
