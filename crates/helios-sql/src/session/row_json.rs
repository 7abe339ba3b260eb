//! Rows as JSON objects, for conflict tables and differences.

use helios_base::json::{Json, JsonObject};
use helios_base::{Result, TextContext, Value};
use helios_expr::{Builder, EvalContext, Expr, NoSession, ParamTypes};
use helios_table::catalog::TableDef;

/// The columns of `row` at `positions` (all if `None`) as an object.
pub(super) fn object(
    table: &TableDef,
    row: &[Value],
    positions: Option<&[usize]>,
) -> Result<Value> {
    let text = TextContext::default();
    let params = ParamTypes::default();
    let builder = Builder::new(&text, &params);
    let context = EvalContext::new(&NoSession, &text);
    let mut members: Vec<(Box<str>, Json)> = Vec::new();
    for (position, (column, value)) in table.columns.iter().zip(row).enumerate() {
        if positions.is_some_and(|positions| !positions.contains(&position)) {
            continue;
        }
        let json = if value.is_null() {
            Json::Null
        } else {
            // A domain's value is that of what it is made of.
            let literal = Expr::Literal(value.clone(), column.ty.base().into_owned());
            let call = builder.function("to_jsonb", vec![literal], false)?;
            match call.eval(&[], &context)? {
                Value::Jsonb(json) => (*json).clone(),
                _ => Json::Null,
            }
        };
        members.push((column.name.as_str().into(), json));
    }
    Ok(Value::Jsonb(std::sync::Arc::new(Json::Object(
        JsonObject::new(members),
    ))))
}
