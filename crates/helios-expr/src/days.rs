//! Comparisons of dates with a moment, asked in days.
//!
//! `date '1994-01-01' + interval '1 year'` is a timestamp, and a comparison of a date with it takes both
//! to moments, row by row. The same question about days is one that indexes, zones and whole columns
//! answer.

use helios_base::datetime::{MICROS_PER_DAY, is_infinite_timestamp};
use helios_base::{DataType, Value};

use crate::expr::Expr;
use crate::function::{Comparison, Kind};
use crate::resolve;

/// The comparison of a date with a constant timestamp as one with a date; `None` if it is none.
pub(crate) fn in_days(expr: &Expr) -> Option<Expr> {
    let Expr::Call {
        function,
        args,
        spread: false,
        ty,
    } = expr
    else {
        return None;
    };
    let comparison = function.comparison()?;
    let [left, right] = args.as_slice() else {
        return None;
    };
    let (date, comparison, moment) = match (left.ty(), right) {
        (DataType::Date, Expr::Literal(Value::Timestamp(moment), DataType::Timestamp(_))) => {
            (left, comparison, *moment)
        }
        _ => match (left, right.ty()) {
            (Expr::Literal(Value::Timestamp(moment), DataType::Timestamp(_)), DataType::Date) => {
                (right, comparison.commuted(), *moment)
            }
            _ => return None,
        },
    };
    if function.kind() != Kind::Infix || is_infinite_timestamp(moment) {
        return None;
    }
    let day = i32::try_from(moment.div_euclid(MICROS_PER_DAY)).ok()?;
    let begins_it = moment.rem_euclid(MICROS_PER_DAY) == 0;
    let comparison = match comparison {
        Comparison::Eq | Comparison::Ne if !begins_it => return None,
        // The day of a moment begins before it.
        Comparison::Lt if !begins_it => Comparison::Le,
        Comparison::Ge if !begins_it => Comparison::Gt,
        same => same,
    };
    let days = DataType::Date;
    let function = resolve::operator(comparison.symbol(), Some(&days), &days).ok()?;
    Some(Expr::Call {
        function: function.entry,
        args: vec![date.clone(), Expr::Literal(Value::Date(day), days)],
        spread: false,
        ty: ty.clone(),
    })
}

#[cfg(test)]
mod tests {
    use helios_base::datetime::{DATE_INFINITY, DATE_NEG_INFINITY};
    use helios_base::{Result, TextContext};

    use super::*;
    use crate::{Builder, EvalContext, NoSession, ParamTypes};

    // Guards against days that count as other than their first moment.
    #[test]
    fn says_the_same_as_the_comparison_of_moments() -> Result<()> {
        let (text, params) = (TextContext::default(), ParamTypes::default());
        let builder = Builder::new(&text, &params);
        let context = EvalContext::new(&NoSession, &text);
        let (mut asked, mut rewritten) = (0, 0);
        for moment in [
            0,
            1,
            -1,
            MICROS_PER_DAY,
            MICROS_PER_DAY - 1,
            -MICROS_PER_DAY,
            5 * MICROS_PER_DAY + 7,
            i64::MAX,
            i64::MIN,
        ] {
            let moment = Expr::Literal(Value::Timestamp(moment), DataType::Timestamp(None));
            for symbol in ["=", "<>", "<", "<=", ">", ">="] {
                let column = || Expr::column(0, DataType::Date);
                for before in [
                    builder.operator(symbol, column(), moment.clone())?,
                    builder.operator(symbol, moment.clone(), column())?,
                ] {
                    let Some(after) = in_days(&before) else {
                        continue;
                    };
                    rewritten += 1;
                    for day in [0, 1, -1, -2, 4, 5, 6, DATE_INFINITY, DATE_NEG_INFINITY] {
                        asked += 1;
                        let row = [Value::Date(day)];
                        assert_eq!(after.eval(&row, &context)?, before.eval(&row, &context)?);
                    }
                    let null = [Value::Null];
                    assert_eq!(after.eval(&null, &context)?, Value::Null);
                }
            }
        }
        assert!(asked > 500 && rewritten > 60, "{asked} {rewritten}");
        Ok(())
    }
}
