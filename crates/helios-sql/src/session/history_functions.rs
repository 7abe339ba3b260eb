//! Functions about the one sequence of commits: change numbers, times, transactions.

use helios_base::{Error, Result, Scn, SqlState, Value};

use super::state::State;

/// Calls the function `name`, if it is one of these.
pub(super) fn call(state: &State, name: &str, args: &[&Value]) -> Option<Result<Value>> {
    Some(match (name, args) {
        ("helios_current_scn", []) => number(state.scn().0),
        ("helios_scn_at", [Value::TimestampTz(time)]) => {
            let found = state.tables.store().scn_at(*time);
            found.and_then(|scn| number(scn.0))
        }
        ("helios_timestamp_at", [Value::Int8(scn)]) => timestamp_at(state, *scn),
        _ => return None,
    })
}

fn number(scn: u64) -> Result<Value> {
    i64::try_from(scn)
        .map(Value::Int8)
        .map_err(|_| Error::internal("change numbers are used up"))
}

/// When the commit of this number was made.
fn timestamp_at(state: &State, scn: i64) -> Result<Value> {
    let store = state.tables.store();
    let wanted = u64::try_from(scn).ok().map(Scn).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid change number: \"{scn}\""),
        )
    })?;
    if wanted > store.scn() {
        return Err(crate::row::future(&format!("change number {scn}"), store));
    }
    match store.commit_info(wanted)? {
        Some(commit) => Ok(Value::TimestampTz(commit.time)),
        // Before the first commit there was no moment.
        None if wanted == Scn::ZERO => Ok(Value::Null),
        None => Err(Error::new(
            SqlState::SNAPSHOT_TOO_OLD,
            format!("the time of change number {scn} is no longer known"),
        )
        .with_detail(format!("The oldest that is kept is {}.", store.oldest()))),
    }
}
