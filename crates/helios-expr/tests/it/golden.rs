//! Runs the golden files.

use std::fmt::Write;
use std::path::Path;

use helios_base::{DataType, Error, Result, TextContext, Value};
use helios_expr::{EvalContext, Expr, NoSession, ParamTypes, Volatility, fold};

use crate::parser;

/// 2024-05-15 12:34:56.789 UTC: the clock of every golden file.
const NOW: i64 = 1_715_776_496_789_000;

pub(crate) fn text_context() -> TextContext {
    TextContext {
        now: NOW,
        ..TextContext::default()
    }
}

/// Compares every answer of a golden file with what `evaluate` says.
pub(crate) fn check(name: &str, evaluate: impl Fn(&str) -> Result<(DataType, String)>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    let file = std::fs::read_to_string(path).unwrap();
    let mut wrong = String::new();
    let mut count = 0;
    for line in file.lines().filter(|line| !line.starts_with("--")) {
        let Some((text, expected)) = line.split_once('\t') else {
            continue;
        };
        count += 1;
        let actual = answer(evaluate(text));
        if actual != expected {
            writeln!(wrong, "{text}\n  expected {expected}\n  actual   {actual}").unwrap();
        }
    }
    assert!(count > 0, "{name} is empty");
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn evaluate(text: &str, folded: bool) -> Result<(DataType, String)> {
    let context = text_context();
    let params = ParamTypes::default();
    let builder = helios_expr::Builder::new(&context, &params);
    let mut expr: Expr = builder.settle(parser::parse(text, &builder)?)?;
    let ctx = EvalContext::new(&NoSession, &context);
    if folded {
        fold::fold(&mut expr, &ctx, Volatility::Stable);
    }
    let value = expr.eval(&[], &ctx)?;
    Ok((expr.ty().clone(), shown(text, &value, expr.ty(), &context)))
}

/// A value as the golden files show it.
pub(crate) fn shown(text: &str, value: &Value, ty: &DataType, context: &TextContext) -> String {
    assert!(value.fits(ty), "{text}: {value:?} is no {ty}");
    if value.is_null() {
        "NULL".to_owned()
    } else {
        value.to_text(ty, context).replace('\n', "\\n")
    }
}

fn answer(outcome: Result<(DataType, String), Error>) -> String {
    match outcome {
        Ok((ty, value)) => format!("{}\t{value}", helios_expr::resolve::type_name(&ty)),
        Err(error) => format!("!{}\t{}", error.sqlstate(), error.message()),
    }
}

fn run(name: &str) {
    check(name, |text| evaluate(text, false));
    check(name, |text| evaluate(text, true));
}

macro_rules! golden {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            run(stringify!($name));
        }
    )*};
}

golden! {
    arithmetic
    array
    array_function
    bits
    cast
    compare
    conditional
    datetime
    format
    json
    json_function
    math
    matrix_cast
    matrix_function
    matrix_operator
    moment
    pattern
    random
    resolution
    string

}
