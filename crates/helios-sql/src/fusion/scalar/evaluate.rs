//! Any expression, evaluated row by row over arrays.
//!
//! The fallback for everything without a vectorized form: exact by construction, since it is the row
//! executor's evaluator. Costs about as much per row as the row executor does, or per text where texts repeat.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use helios_base::datetime::civil_from_days;
use helios_base::{DataType, Result, Value};
use helios_expr::Expr;

use super::repeats::Repeats;
use crate::fusion::array::{ColumnBuilder, ColumnReader, read_scalar};
use crate::fusion::context::StatementContext;
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::fusion::shape::Shape;

/// How many rows go between two looks at the interrupt.
const ROWS_PER_CHECK: usize = 256;

/// A call that evaluates `expr`, whose column `i` is `args[i]`; `shapes` are those of the arguments.
///
/// `name` shows in EXPLAIN. `expr` must not read parameters or outer rows.
pub(crate) fn evaluate(
    name: String,
    expr: Expr,
    args: Vec<DfExpr>,
    shapes: Vec<Shape>,
    output: Shape,
) -> DfExpr {
    // DataFusion computes what is stable and constant while it plans, and the plan is kept for
    // statements to come.
    let constant = args.iter().all(|arg| matches!(arg, DfExpr::Literal(..)));
    let volatility = match expr.volatility() {
        helios_expr::Volatility::Immutable => Volatility::Immutable,
        helios_expr::Volatility::Stable if constant => Volatility::Volatile,
        helios_expr::Volatility::Stable => Volatility::Stable,
        helios_expr::Volatility::Volatile => Volatility::Volatile,
    };
    let signature = if args.is_empty() {
        Signature::nullary(volatility)
    } else {
        Signature::any(args.len(), volatility)
    };
    ScalarUDF::from(Evaluate {
        name: distinct_name(name, &expr),
        expr: Arc::new(expr),
        shapes,
        output,
        signature,
    })
    .call(args)
}

/// DataFusion tells columns of a plan apart by the names of their expressions, which show the
/// arguments of a call but nothing of what is inside the function: `c + 1` and `c + 2` need two.
fn distinct_name(name: String, expr: &Expr) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{expr:?}").hash(&mut hasher);
    format!("{name}#{:08x}", hasher.finish() as u32)
}

#[derive(Debug)]
struct Evaluate {
    name: String,
    expr: Arc<Expr>,
    shapes: Vec<Shape>,
    output: Shape,
    signature: Signature,
}

// Expressions compare by identity of their values (`NaN` is `NaN`), so this is an equivalence.
impl PartialEq for Evaluate {
    fn eq(&self, other: &Self) -> bool {
        self.shapes == other.shapes
            && self.output == other.output
            && (Arc::ptr_eq(&self.expr, &other.expr) || self.expr == other.expr)
    }
}

impl Eq for Evaluate {}

impl Hash for Evaluate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shapes.hash(state);
        self.output.hash(state);
    }
}

impl ScalarUDFImpl for Evaluate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.output.arrow.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(args).map_err(to_datafusion)
    }
}

/// An argument: one value for all rows, or one per row.
enum Argument {
    Constant,
    Column(ColumnReader),
}

impl Evaluate {
    /// What is the same for all dates that the function gives one number, if this is `extract` of such a field of a date.
    fn class(&self) -> Option<fn(i32) -> i32> {
        let Expr::Call { function, args, .. } = self.expr.as_ref() else {
            return None;
        };
        let [
            Expr::Literal(Value::Text(field), _),
            Expr::Column { ty, .. },
        ] = args.as_slice()
        else {
            return None;
        };
        if function.name() != "extract" || *ty != DataType::Date {
            return None;
        }
        match &**field {
            "year" => Some(|date| civil_from_days(date.into()).0),
            "month" => Some(|date| civil_from_days(date.into()).1),
            _ => None,
        }
    }

    /// The one argument that is not the same for all rows, if its texts or dates repeat and what is computed of one is always the
    /// same.
    fn repeats(&self, args: &ScalarFunctionArgs) -> Option<Repeats> {
        let mut arrays = args.args.iter().filter_map(|arg| match arg {
            ColumnarValue::Array(array) => Some(array),
            ColumnarValue::Scalar(_) => None,
        });
        let only = arrays.next().filter(|_| arrays.next().is_none())?;
        if self.signature.volatility == Volatility::Volatile {
            return None;
        }
        match self.class() {
            Some(class) => Repeats::of_dates(only, class),
            None => Repeats::of(only),
        }
    }

    fn run(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let context = StatementContext::of(&args.config_options);
        let mut row = Vec::with_capacity(args.args.len());
        let mut columns = Vec::with_capacity(args.args.len());
        for (arg, shape) in args.args.iter().zip(&self.shapes) {
            match arg {
                ColumnarValue::Array(array) => {
                    columns.push(Argument::Column(ColumnReader::new(array, shape)?));
                    row.push(Value::Null);
                }
                ColumnarValue::Scalar(scalar) => {
                    columns.push(Argument::Constant);
                    row.push(read_scalar(scalar, shape)?);
                }
            }
        }
        let constant = self.signature.volatility != Volatility::Volatile
            && columns.iter().all(|c| matches!(c, Argument::Constant));
        let repeats = self.repeats(&args);
        let rows = match &repeats {
            _ if constant => 1,
            Some(repeats) => repeats.first.len(),
            None => args.number_rows,
        };
        let mut builder = ColumnBuilder::new(&self.output, rows);
        context.with_eval(|eval| {
            for at in 0..rows {
                let row_at = repeats.as_ref().and_then(|repeats| repeats.first.get(at));
                let row_at = row_at.map_or(at, |first| *first as usize);
                if at % ROWS_PER_CHECK == 0 {
                    context.interrupt().check()?;
                }
                for (slot, column) in row.iter_mut().zip(&columns) {
                    if let Argument::Column(reader) = column {
                        *slot = reader.value(row_at)?;
                    }
                }
                builder.append(&self.expr.eval(&row, eval)?)?;
            }
            Ok(())
        })?;
        let array = builder.finish();
        if constant {
            return super::constant(&array);
        }
        Ok(ColumnarValue::Array(match repeats {
            Some(repeats) => arrow::compute::take(&array, &repeats.of, None).map_err(from_arrow)?,
            None => array,
        }))
    }
}
