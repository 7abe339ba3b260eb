//! Nanoseconds per evaluation of common expressions: `cargo bench -p helios-expr`.
//!
//! Prints the median of several runs and a sum of the results, so that nothing is optimised away.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::hint::black_box;
use std::time::Instant;

use helios_base::{DataType, Result, TextContext, Value};
use helios_expr::{Builder, EvalContext, Expr, NoSession, ParamTypes, Volatility, fold};

const ROWS: i32 = 100_000;
const RUNS: usize = 7;

fn column(index: usize) -> Expr {
    let ty = match index {
        0 => DataType::Int4,
        1 => DataType::Int8,
        2 => DataType::Text,
        3 => DataType::Numeric(None),
        _ => DataType::Float8,
    };
    Expr::column(index, ty)
}

fn cases(b: &Builder<'_>) -> Result<Vec<(&'static str, Expr)>> {
    let n = |n: &str| b.number(n).unwrap();
    let sum = b.operator("+", column(0), n("1"))?;
    let greater = b.operator(">", sum.clone(), n("10"))?;
    let list = (0..100).map(|i| n(&(i * 3).to_string())).collect();
    let condition = b.operator("=", column(0), n("5"))?;
    Ok(vec![
        ("int4 + 1", sum),
        ("int4 + 1 > 10", greater.clone()),
        ("int4 = int8", b.operator("=", column(0), column(1))?),
        (
            "and of 3",
            b.and(vec![greater.clone(), greater.clone(), greater])?,
        ),
        ("float8 * 2", b.operator("*", column(4), n("2"))?),
        ("numeric * 1.5", b.operator("*", column(3), n("1.5"))?),
        (
            "text = literal",
            b.operator("=", column(2), b.string("row 77"))?,
        ),
        ("text like", b.operator("~~", column(2), b.string("%7%"))?),
        (
            "text ~ regex",
            b.operator("~", column(2), b.string("^row [0-9]+7$"))?,
        ),
        ("upper(text)", b.function("upper", vec![column(2)], false)?),
        ("int4 in (100 values)", b.in_list(column(0), list, false)?),
        (
            "case",
            b.case(None, vec![(condition, n("1"))], Some(n("2")))?,
        ),
        ("text || text", b.operator("||", column(2), column(2))?),
        ("text column", column(2)),
    ])
}

fn main() -> Result<()> {
    let text = TextContext::default();
    let params = ParamTypes::default();
    let builder = Builder::new(&text, &params);
    let ctx = EvalContext::new(&NoSession, &text);
    let rows: Vec<Vec<Value>> = (0..ROWS)
        .map(|i| {
            vec![
                Value::Int4(i % 1000),
                Value::Int8(i64::from(i)),
                Value::text(format!("row {i}")),
                Value::Numeric(helios_base::Numeric::new(i64::from(i), 2)),
                Value::Float8(f64::from(i)),
            ]
        })
        .collect();
    for (name, mut expr) in cases(&builder)? {
        fold::fold(&mut expr, &ctx, Volatility::Immutable);
        let mut times = Vec::new();
        let mut some = 0;
        for _ in 0..RUNS {
            let start = Instant::now();
            some = 0;
            for row in &rows {
                let value = black_box(expr.eval(row, &ctx)?);
                some += usize::from(!matches!(value, Value::Null | Value::Bool(false)));
            }
            times.push(start.elapsed().as_nanos() / rows.len() as u128);
        }
        times.sort_unstable();
        println!("{name:24} {:6} ns  ({some})", times[RUNS / 2]);
    }
    Ok(())
}
