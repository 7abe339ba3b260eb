//! Guards against wrong answers about expressions themselves: columns, constants, parameters, text.

use helios_base::{DataType, Value};
use helios_expr::{Builder, EvalContext, Expr, NoSession, ParamTypes, Volatility, fold};

use crate::golden::text_context;
use crate::parser;

fn with(text: &str, check: impl FnOnce(Expr, &Builder<'_>, &EvalContext<'_>)) {
    let context = text_context();
    let params = ParamTypes::default();
    let builder = Builder::new(&context, &params);
    let expr = parser::parse(text, &builder).unwrap();
    check(expr, &builder, &EvalContext::new(&NoSession, &context));
}

#[test]
fn constants_fold_and_errors_stay() {
    let folded = |text: &str| {
        let mut shown = String::new();
        with(text, |mut expr, _, ctx| {
            fold::fold(&mut expr, ctx, Volatility::Immutable);
            shown = expr.to_string();
        });
        shown
    };
    assert_eq!(folded("1 + 2 * 3"), "7");
    assert_eq!(folded("1 / 0"), "1 / 0");
    assert_eq!(folded("true and 1 = 2"), "false");
    assert_eq!(folded("false or random() > 0.5"), "random() > 0.5");
    assert_eq!(folded("case when 1 = 2 then 1 / 0 else 4 end"), "4");
    assert_eq!(folded("nullif(1, 2) + 1"), "2");
    assert_eq!(folded("now() is null"), "now() IS NULL");
    assert_eq!(folded("upper('a') || $1::text"), "'A'::text || $1");
}

#[test]
fn parameters_take_the_type_of_their_surroundings() {
    let types = |text: &str| {
        let mut found = Vec::new();
        with(text, |_, builder, _| found = builder.params().types());
        found
    };
    assert_eq!(types("$1 + 1"), [DataType::Int4]);
    assert_eq!(
        types("$2 = 'a' and $1 > 1.5"),
        [DataType::Numeric(None), DataType::Text]
    );
    assert_eq!(types("$1::date"), [DataType::Date]);
    assert_eq!(types("$1 in (1::bigint, 2)"), [DataType::Int8]);
    assert_eq!(types("coalesce($1, 5)"), [DataType::Int4]);
    assert_eq!(
        types("1 = any ($1)"),
        [DataType::Array(Box::new(DataType::Int4))]
    );
    assert_eq!(types("$1 like 'a%'"), [DataType::Text]);
    assert_eq!(types("$1 and true"), [DataType::Bool]);
}

#[test]
fn parameters_keep_their_first_type() {
    with("$1 + 1 > 0 and $1 + 1.5 > 0", |expr, builder, ctx| {
        assert_eq!(builder.params().types(), [DataType::Int4]);
        let params = [Value::Int4(3)];
        let ctx = EvalContext {
            params: &params,
            ..*ctx
        };
        assert!(expr.eval_condition(&[], &ctx).unwrap());
    });
}

#[test]
fn columns_are_found_and_renumbered() {
    let column = |i| Expr::column(i, DataType::Int4);
    with("1", |_, builder, ctx| {
        let mut expr = builder.operator("+", column(2), column(5)).unwrap();
        assert_eq!(expr.used_columns().into_iter().collect::<Vec<_>>(), [2, 5]);
        expr.remap_columns(&|i| i / 3);
        assert_eq!(expr.to_string(), "#0 + #1");
        let row = [Value::Int4(40), Value::Int4(2)];
        assert_eq!(expr.eval(&row, ctx).unwrap(), Value::Int4(42));
        let replaced = expr.replace_columns(&[Expr::int4(1), column(7)]);
        assert_eq!(replaced.to_string(), "1 + #7");
    });
}

#[test]
fn literals_that_mean_now_wait_for_execution() {
    with("'now'::timestamptz", |mut expr, _, ctx| {
        assert!(expr.as_literal().is_none());
        fold::fold(&mut expr, ctx, Volatility::Immutable);
        assert!(expr.as_literal().is_none());
        fold::fold(&mut expr, ctx, Volatility::Stable);
        assert!(expr.as_literal().is_some());
    });
    with("'2020-01-01 00:00+00'::timestamptz", |expr, _, _| {
        assert!(expr.as_literal().is_some());
    });
    with("'2020-01-01'::date", |expr, _, _| {
        assert!(expr.as_literal().is_some())
    });
}

#[test]
fn expressions_show_as_sql() {
    let shown = |text: &str| {
        let mut shown = String::new();
        with(text, |expr, _, _| shown = expr.to_string());
        shown
    };
    assert_eq!(
        shown("(1 + 2) * 3 > 4 and true"),
        "(((1 + 2) * 3) > 4) AND true"
    );
    assert_eq!(shown("'a' like 'b%'"), "'a'::text ~~ 'b%'::text");
    assert_eq!(
        shown("case when true then 1 else 2 end"),
        "CASE WHEN true THEN 1 ELSE 2 END"
    );
    assert_eq!(shown("1 in (2, 3)"), "1 IN (2, 3)");
    assert_eq!(shown("'x' is null"), "'x'::text IS NULL");
    assert_eq!(shown("$1::int::text"), "$1::text");
}

#[test]
fn unknown_function_suggests_a_name() {
    let context = text_context();
    let params = ParamTypes::default();
    let builder = Builder::new(&context, &params);
    let error = parser::parse("lenght('a')", &builder).unwrap_err();
    assert_eq!(
        error.hint(),
        Some("Perhaps you meant the function \"length\".")
    );
    let error = parser::parse("1 + 'a'::text", &builder).unwrap_err();
    assert_eq!(
        error.hint(),
        Some(
            "No operator matches the given name and argument types. \
             You might need to add explicit type casts."
        )
    );
}
