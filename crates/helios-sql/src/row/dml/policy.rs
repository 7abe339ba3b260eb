//! What policies of row-level security say of rows that are written.

use helios_base::{Error, Result, SqlState, Value};

use crate::plan::{PolicyCheck, PolicyRow};
use crate::row::exec::Cx;

/// Refuses a row that a policy does not let pass.
pub(super) fn hold_policies(checks: &[PolicyCheck], row: &[Value], cx: &Cx<'_>) -> Result<()> {
    for check in checks {
        if !cx.is_true(&check.condition, row)? {
            return Err(violated(check));
        }
    }
    Ok(())
}

fn violated(check: &PolicyCheck) -> Error {
    let (row, using) = match check.row {
        PolicyRow::New => ("new", ""),
        PolicyRow::Conflicting => ("new", " (USING expression)"),
        PolicyRow::Target => ("target", " (USING expression)"),
    };
    let policy = match &check.policy {
        Some(name) => format!(" \"{name}\""),
        None => String::new(),
    };
    Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!(
            "{row} row violates row-level security policy{policy}{using} for table \"{}\"",
            check.table
        ),
    )
}
