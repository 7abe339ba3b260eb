//! Guards against aggregates and set-returning functions that differ from PostgreSQL's.
//!
//! The golden expressions are subqueries of two forms:
//! `(select f(…) [within group (order by …)] from (values …) t(x, y))` and
//! `(select array_agg(x) from f(…) x)`.

use helios_base::{ArrayValue, DataType, Error, Result, SqlState, Value};
use helios_expr::{
    AggregateCall, Builder, Call, EvalContext, Expr, NoSession, ParamTypes, resolve,
};

use crate::golden::{check, shown, text_context};
use crate::parser::parse_list;

fn bad(text: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, text)
}

fn types(exprs: &[Expr]) -> Vec<DataType> {
    exprs.iter().map(|expr| expr.ty().clone()).collect()
}

/// `name(args)` taken apart.
fn call_parts(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim().split_once('(')?;
    Some((name, rest.strip_suffix(')')?))
}

fn aggregate(text: &str) -> Result<(DataType, String)> {
    let context = text_context();
    let params = ParamTypes::default();
    let builder = Builder::new(&context, &params);
    let ctx = EvalContext::new(&NoSession, &context);
    let inner = text
        .strip_prefix("(select ")
        .and_then(|text| text.strip_suffix(')'))
        .ok_or_else(|| bad(text))?;
    let (call, from) = inner
        .split_once(" from (values ")
        .ok_or_else(|| bad(text))?;
    let (rows, names) = from.rsplit_once(") t(").ok_or_else(|| bad(text))?;
    let names: Vec<&str> = names.trim_end_matches(')').split(", ").collect();

    // The rows, each column brought to its common type.
    let parsed = parse_list(rows, &builder, &[])?;
    let rows: Vec<Vec<Expr>> = parsed
        .into_iter()
        .map(|row| match row {
            Expr::Row(fields) => fields,
            single => vec![single],
        })
        .collect();
    let mut columns = Vec::new();
    let mut values = vec![Vec::new(); rows.len()];
    for (i, name) in names.iter().enumerate() {
        let cells = rows.iter().map(|row| row[i].clone()).collect();
        let (cells, ty) = builder.common("VALUES", cells)?;
        for (row, cell) in values.iter_mut().zip(cells) {
            row.push(cell.eval(&[], &ctx)?);
        }
        columns.push((*name, ty));
    }

    let (call, order) = match call.split_once(" within group (order by ") {
        Some((call, order)) => (call, order.strip_suffix(')')),
        None => (call, None),
    };
    let (name, args) = call_parts(call).ok_or_else(|| bad(call))?;
    let args = if args == "*" { "" } else { args };
    let mut args = parse_list(args, &builder, &columns)?;
    if let Some(order) = order {
        args.extend(parse_list(order, &builder, &columns)?);
    }
    let resolved = resolve::aggregate(name, &types(&args))?;
    assert_eq!(resolved.entry.direct_args().is_some(), order.is_some());
    let args = builder.arguments(&resolved.args, args)?;
    let mut inputs: Vec<Vec<Value>> = Vec::new();
    for row in &values {
        let input: Result<Vec<Value>> = args.iter().map(|arg| arg.eval(row, &ctx)).collect();
        inputs.push(input?);
    }
    if order.is_some() {
        inputs.sort_by(|a, b| a.last().unwrap().cmp_sql(b.last().unwrap()));
    }
    let start = AggregateCall {
        args: &types(&args),
        result: &resolved.result,
        ctx: &ctx,
    };
    let mut state = resolved.entry.start(&start);
    for input in &inputs {
        let refs: Vec<&Value> = input.iter().collect();
        state.update(&refs)?;
    }
    let value = state.finish()?;

    // Rows taken back leave what the remaining rows make.
    if order.is_none() && inputs.len() > 1 {
        let mut moving = resolved.entry.start(&start);
        let mut fresh = resolved.entry.start(&start);
        for (i, input) in inputs.iter().enumerate() {
            let refs: Vec<&Value> = input.iter().collect();
            moving.update(&refs)?;
            if i > 0 {
                fresh.update(&refs)?;
            }
        }
        let first: Vec<&Value> = inputs[0].iter().collect();
        if moving.retract(&first)? {
            assert_eq!(moving.finish()?, fresh.finish()?, "{text}");
        }
    }
    let text = shown(text, &value, &resolved.result, &context);
    Ok((resolved.result, text))
}

fn set(text: &str) -> Result<(DataType, String)> {
    let context = text_context();
    let params = ParamTypes::default();
    let builder = Builder::new(&context, &params);
    let ctx = EvalContext::new(&NoSession, &context);
    let call = text
        .strip_prefix("(select array_agg(x) from ")
        .and_then(|text| text.strip_suffix(" x)"))
        .ok_or_else(|| bad(text))?;
    let (name, args) = call_parts(call).ok_or_else(|| bad(call))?;
    let args = parse_list(args, &builder, &[])?;
    let resolved = resolve::set_function(name, &types(&args))?;
    let args = builder.arguments(&resolved.args, args)?;
    let values: Result<Vec<Value>> = args.iter().map(|arg| arg.eval(&[], &ctx)).collect();
    let values = values?;
    let refs: Vec<&Value> = values.iter().collect();
    let arg_types = types(&args);
    let call = Call::new(&ctx, &arg_types, &resolved.result);
    let mut elements = Vec::new();
    for row in resolved.entry.call(&refs, &call)? {
        elements.extend(row?);
    }
    let ty = match &resolved.result {
        array @ DataType::Array(_) => array.clone(),
        element => DataType::Array(Box::new(element.clone())),
    };
    let value = if elements.is_empty() {
        Value::Null
    } else if matches!(resolved.result, DataType::Array(_)) {
        // Only shown: PostgreSQL stacks arrays into one of two dimensions.
        let inner: Vec<_> = elements
            .iter()
            .map(|value| match value {
                Value::Array(array) => (**array).clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        let width = u32::try_from(inner[0].elements.len()).unwrap();
        Value::from(ArrayValue {
            dims: vec![(u32::try_from(inner.len()).unwrap(), 1), (width, 1)],
            elements: inner.into_iter().flat_map(|array| array.elements).collect(),
        })
    } else {
        Value::from(ArrayValue::one_dimensional(elements))
    };
    let text = shown(text, &value, &ty, &context);
    Ok((ty, text))
}

#[test]
fn aggregates() {
    check("aggregate", aggregate);
}

#[test]
fn set_functions() {
    check("set_function", set);
}
