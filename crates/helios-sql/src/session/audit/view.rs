//! `helios_audit_log`: the audit log as rows.

use helios_base::{DataType, Error, Result, Row, SqlState, TextContext, Value};
use serde_json::Value as Json;

use super::record::{Chain, follows};
use crate::session::state::State;

/// The lines from number `from` on, or all.
pub(in crate::session) fn rows(state: &State, from: Option<&str>) -> Result<Vec<Row>> {
    let from = match from {
        None => 0,
        Some(text) => text.trim().parse().map_err(|_| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid number of a line: \"{text}\""),
            )
        })?,
    };
    let Some(shared) = state.shared.upgrade() else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    // Of the first line that is read nobody knows what was before, unless it is the very first.
    let mut before: Option<Chain> = None;
    shared.audit.read(from, &mut |line| {
        state.interrupt.check()?;
        let json: Json = serde_json::from_str(line).unwrap_or_default();
        let number = json.get("n").and_then(Json::as_u64);
        let is_first = before.is_none();
        let (mut intact, chain) = follows(&before.unwrap_or_default(), line);
        if is_first && number != Some(1) {
            intact = json.is_object();
        }
        before = Some(chain);
        if number.is_none_or(|number| number >= from) {
            rows.push(row(&json, intact));
        }
        Ok(())
    })?;
    Ok(rows)
}

fn row(json: &Json, intact: bool) -> Row {
    let count = |name: &str| match json.get(name).and_then(Json::as_i64) {
        Some(count) => Value::Int8(count),
        None => Value::Null,
    };
    let text = |name: &str| match json.get(name).and_then(Json::as_str) {
        Some(text) => Value::text(text),
        None => Value::Null,
    };
    let at = json.get("at").and_then(Json::as_str).and_then(|at| {
        let ty = DataType::TimestampTz(None);
        Value::parse(at, &ty, &TextContext::default()).ok()
    });
    vec![
        count("n"),
        at.unwrap_or(Value::Null),
        count("session"),
        text("user"),
        text("role"),
        text("client"),
        text("application"),
        text("class"),
        text("branch"),
        count("scn"),
        count("transaction"),
        text("outcome"),
        count("rows"),
        text("statement"),
        text("chain"),
        Value::Bool(intact),
    ]
}
