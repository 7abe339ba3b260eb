//! A running call of a function that returns rows.

use helios_base::{DataType, Result, Row, Value};
use helios_expr::Call;
use helios_expr::set_function::Rows;

use super::exec::Cx;
use crate::plan::TableFunctionCall;

/// One of the calls that run in lock step.
pub(crate) struct SetCall {
    rows: Rows,
    width: usize,
    ended: bool,
}

impl SetCall {
    /// Starts `calls` with the arguments' values for `row`.
    pub(crate) fn start_all(
        calls: &[TableFunctionCall],
        row: &[Value],
        cx: &Cx<'_>,
    ) -> Result<Vec<Self>> {
        calls
            .iter()
            .map(|call| Self::start(call, row, cx))
            .collect()
    }

    fn start(call: &TableFunctionCall, row: &[Value], cx: &Cx<'_>) -> Result<Self> {
        let args = cx.eval_all(&call.args, row)?;
        if let Some(system) = call.system {
            let refs: Vec<&Value> = args.iter().collect();
            let answer = cx
                .exec
                .session
                .call(system.name, &refs, &DataType::Record)?;
            return Ok(Self {
                rows: records(answer),
                width: call.columns.len(),
                ended: false,
            });
        }
        let rows: Rows = match call.function {
            None => Box::new(std::iter::once(Ok(args))),
            Some(function) => {
                let types: Vec<DataType> = call.args.iter().map(|arg| arg.ty().clone()).collect();
                let refs: Vec<&Value> = args.iter().collect();
                let rows = function.call(&refs, &Call::new(&cx.context(), &types, &call.ty))?;
                if call.as_record {
                    Box::new(rows.map(|row| row.map(|values| vec![Value::Record(values.into())])))
                } else {
                    rows
                }
            }
        };
        Ok(Self {
            rows,
            width: call.columns.len(),
            ended: false,
        })
    }

    /// The next row of all together, `NULL` for those that have ended; `None` when all have.
    pub(crate) fn next_all(calls: &mut [Self]) -> Result<Option<Row>> {
        let mut row = Row::new();
        let mut any = false;
        for call in calls {
            let next = if call.ended {
                None
            } else {
                call.rows.next().transpose()?
            };
            match next {
                Some(values) => {
                    any = true;
                    row.extend(values);
                }
                None => {
                    call.ended = true;
                    row.extend(std::iter::repeat_n(Value::Null, call.width));
                }
            }
        }
        Ok(any.then_some(row))
    }
}

/// The records of an array as rows.
fn records(answer: Value) -> Rows {
    let records = match answer {
        Value::Array(records) => records.elements.clone(),
        _ => Vec::new(),
    };
    Box::new(records.into_iter().filter_map(|record| match record {
        Value::Record(fields) => Some(Ok(fields.to_vec())),
        _ => None,
    }))
}
