//! Guards against kernels and translations that differ from the evaluator.
//!
//! Every function of the catalogue runs over samples of its argument types, whole arrays at once and
//! row by row; values and errors must agree.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use datafusion::common::{Column, DFSchema};
use helios_base::{DataType, Error, Result, Row, TextContext, Value};
use helios_expr::{Expr, Function, Ty, Volatility};

use super::sample;
use crate::fusion::array::{ColumnReader, array_of};
use crate::fusion::bridge::{ExprBridge, Scope, Typed};
use crate::fusion::context::StatementContext;
use crate::fusion::error::from_datafusion;
use crate::fusion::run::{FusionEngine, FusionOptions};
use crate::fusion::shape::Shape;

/// Rows tried for each function.
const ROWS: usize = 60;

/// Functions whose samples would be enormous.
const HUGE: &[&str] = &[
    "repeat",
    "lpad",
    "rpad",
    "pg_sleep",
    "factorial",
    "!",
    "^",
    "power",
    "pow",
    "exp",
    "array_fill",
    "generate_series",
];

fn concrete(ty: Ty) -> Option<DataType> {
    ty.concrete().or(match ty {
        Ty::AnyElement | Ty::AnyNonArray | Ty::AnyCompatible | Ty::AnyCompatibleNonArray => {
            Some(DataType::Int4)
        }
        Ty::AnyArray | Ty::AnyCompatibleArray => Some(DataType::Array(Box::new(DataType::Int4))),
        Ty::Any => Some(DataType::Text),
        _ => None,
    })
}

/// Rows of samples: every value of each column appears, paired in changing ways.
fn rows(types: &[DataType]) -> Vec<Row> {
    let samples: Vec<Vec<Value>> = types.iter().map(sample::values).collect();
    (0..ROWS)
        .map(|row| {
            samples
                .iter()
                .enumerate()
                .map(|(i, values)| values[(row / (i * 3 + 1) + row * i) % values.len()].clone())
                .collect()
        })
        .collect()
}

struct Bench {
    engine: FusionEngine,
}

impl Bench {
    fn new() -> Self {
        Self {
            engine: FusionEngine::new(FusionOptions::default()),
        }
    }

    /// The expression over all rows at once.
    fn vectorized(&self, expr: &Expr, types: &[DataType], rows: &[Row]) -> Result<Vec<Value>> {
        let shapes: Vec<Shape> = types.iter().map(Shape::of).collect();
        let columns: Vec<Typed> = shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| {
                Typed::column(Column::new_unqualified(format!("c{i}")), shape.clone())
            })
            .collect();
        let none = std::collections::HashMap::new();
        let typed = ExprBridge::new(Scope {
            columns: &columns,
            frame: &[],
            params: &[],
            subplans: &none,
        })
        .expr(expr)?;
        let fields: Vec<_> = shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| shape.field(&format!("c{i}")))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| array_of(rows.iter().map(|row| &row[i]), shape))
            .collect::<Result<Vec<_>>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
            .expect("batch");
        let df = DFSchema::try_from(schema).expect("schema");
        let state = self.engine.state(StatementContext::default(), None)?;
        let physical = state
            .create_physical_expr(typed.expr, &df)
            .map_err(from_datafusion)?;
        let array = physical
            .evaluate(&batch)
            .and_then(|value| value.into_array(rows.len()))
            .map_err(from_datafusion)?;
        assert_eq!(
            *array.data_type(),
            typed.shape.arrow,
            "declared type of {expr:?}"
        );
        let reader = ColumnReader::new(&array, &typed.shape)?;
        (0..rows.len()).map(|row| reader.value(row)).collect()
    }

    #[track_caller]
    fn check(&self, expr: &Expr, types: &[DataType]) {
        let rows = rows(types);
        let context = StatementContext::default();
        let results: Vec<Result<Value>> =
            context.with_eval(|eval| rows.iter().map(|row| expr.eval(row, eval)).collect());
        let error = results.iter().find_map(|result| result.as_ref().err());
        if let Some(expected) = error {
            // Evaluation order within a batch is ours to choose, so any of the errors may win.
            let found = self
                .vectorized(expr, types, &rows)
                .expect_err(&format!("{expr:?}"));
            let known = |e: &Error| e.sqlstate() == found.sqlstate();
            assert!(
                results.iter().any(|r| r.as_ref().err().is_some_and(known)),
                "{expr:?}: {found:?} in place of {expected:?}"
            );
        }
        let (good, expected): (Vec<Row>, Vec<Value>) = rows
            .into_iter()
            .zip(results)
            .filter_map(|(row, result)| Some((row, result.ok()?)))
            .unzip();
        let found = match self.vectorized(expr, types, &good) {
            Ok(found) => found,
            Err(error) => panic!("{expr:?}: {error:?}"),
        };
        let text = TextContext::default();
        let ty = expr.ty();
        for ((row, expected), found) in good.iter().zip(&expected).zip(&found) {
            let same = expected.is_null() == found.is_null()
                && (expected.is_null() || expected.to_text(ty, &text) == found.to_text(ty, &text));
            assert!(
                same,
                "{expr:?} over {row:?}: {found:?} in place of {expected:?}"
            );
        }
    }
}

fn call(function: &'static Function) -> Option<(Expr, Vec<DataType>)> {
    let types = function
        .args()
        .iter()
        .map(|ty| concrete(*ty))
        .collect::<Option<Vec<_>>>()?;
    let result = concrete(function.result())?;
    if types.iter().any(|ty| sample::values(ty).len() < 2) {
        return None;
    }
    let args = types
        .iter()
        .enumerate()
        .map(|(i, ty)| Expr::column(i, ty.clone()))
        .collect();
    let expr = Expr::Call {
        function,
        args,
        spread: false,
        ty: result,
    };
    Some((expr, types))
}

#[test]
fn every_function_agrees_with_the_evaluator() {
    let bench = Bench::new();
    let mut checked = 0;
    for function in helios_expr::catalog::all() {
        if function.volatility() != Volatility::Immutable || HUGE.contains(&function.name()) {
            continue;
        }
        if let Some((expr, types)) = call(function) {
            bench.check(&expr, &types);
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} functions");
}

#[test]
fn decimals_of_known_scale_agree_with_the_evaluator() {
    let bench = Bench::new();
    let money = DataType::Numeric(Some((12, 2)));
    let rate = DataType::Numeric(Some((6, 4)));
    for name in ["+", "-", "*", "/", "%", "=", "<>", "<", "<=", ">", ">="] {
        let functions = helios_expr::catalog::operators(name, helios_expr::Kind::Infix);
        let function = functions
            .iter()
            .find(|f| f.args() == [Ty::Numeric, Ty::Numeric])
            .expect("numeric operators exist");
        for types in [
            [money.clone(), money.clone()],
            [money.clone(), rate.clone()],
            [rate.clone(), DataType::Numeric(None)],
        ] {
            let expr = Expr::Call {
                function,
                args: vec![
                    Expr::column(0, types[0].clone()),
                    Expr::column(1, types[1].clone()),
                ],
                spread: false,
                ty: function.result().concrete().expect("concrete"),
            };
            bench.check(&expr, &types);
        }
    }
}

#[test]
fn casts_agree_with_the_evaluator() {
    let bench = Bench::new();
    let types = sample::types();
    for from in &types {
        for to in &types {
            if helios_expr::resolve::coercion::path(from, to, helios_expr::CastContext::Explicit)
                .is_none()
            {
                continue;
            }
            let cast = Expr::Cast(Box::new(helios_expr::Cast {
                expr: Expr::column(0, from.clone()),
                to: to.clone(),
                explicit: true,
                domain: None,
            }));
            bench.check(&cast, std::slice::from_ref(from));
        }
    }
}

#[test]
fn conditions_agree_with_the_evaluator() {
    let bench = Bench::new();
    let int = || Expr::column(0, DataType::Int4);
    let flag = |index| Expr::column(index, DataType::Bool);
    let equal = helios_expr::catalog::operators("=", helios_expr::Kind::Infix)
        .iter()
        .find(|f| f.args() == [Ty::Int4, Ty::Int4])
        .expect("integers compare");
    let divide = helios_expr::catalog::operators("/", helios_expr::Kind::Infix)
        .iter()
        .find(|f| f.args() == [Ty::Int4, Ty::Int4])
        .expect("integers divide");
    let is = |left: Expr, right: Expr| Expr::Call {
        function: equal,
        args: vec![left, right],
        spread: false,
        ty: DataType::Bool,
    };
    let inverse = |of: Expr| Expr::Call {
        function: divide,
        args: vec![Expr::int4(10), of],
        spread: false,
        ty: DataType::Int4,
    };
    let not = |e: Expr| Expr::Not(Box::new(e));
    let types = [DataType::Int4, DataType::Bool, DataType::Bool];
    let zero = || is(int(), Expr::int4(0));
    for expr in [
        Expr::And(vec![flag(1), flag(2)]),
        Expr::Or(vec![flag(1), flag(2)]),
        not(Expr::And(vec![flag(1), not(flag(2))])),
        // What may fail comes after what keeps it from failing.
        Expr::And(vec![not(zero()), is(inverse(int()), Expr::int4(5))]),
        Expr::Or(vec![zero(), is(inverse(int()), Expr::int4(5))]),
        Expr::Case {
            operand: None,
            branches: vec![(zero(), Expr::int4(-1))],
            otherwise: Some(Box::new(inverse(int()))),
            ty: DataType::Int4,
        },
        Expr::Case {
            operand: Some(Box::new(int())),
            branches: vec![
                (
                    is(Expr::CaseOperand { ty: DataType::Int4 }, Expr::int4(0)),
                    Expr::NULL,
                ),
                (
                    is(Expr::CaseOperand { ty: DataType::Int4 }, Expr::int4(1)),
                    Expr::int4(7),
                ),
            ],
            otherwise: None,
            ty: DataType::Int4,
        },
        Expr::Coalesce {
            args: vec![int(), Expr::int4(3)],
            ty: DataType::Int4,
        },
        Expr::NullIf {
            value: Box::new(int()),
            test: Box::new(is(Expr::CaseOperand { ty: DataType::Int4 }, Expr::int4(2))),
            ty: DataType::Int4,
        },
        Expr::InList {
            expr: Box::new(int()),
            list: vec![
                Expr::int4(1),
                Expr::int4(2),
                Expr::Literal(Value::Null, DataType::Int4),
            ],
            equal,
            negated: true,
        },
        Expr::Distinct {
            left: Box::new(int()),
            right: Box::new(Expr::Literal(Value::Null, DataType::Int4)),
            equal,
            negated: false,
        },
        Expr::BoolTest {
            expr: Box::new(flag(1)),
            test: None,
            negated: true,
        },
        Expr::Extreme {
            greatest: true,
            args: vec![int(), Expr::int4(1)],
            ty: DataType::Int4,
        },
    ] {
        bench.check(&expr, &types);
    }
}
