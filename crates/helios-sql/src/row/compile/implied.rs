//! Whether a query wants only rows that a partial index has.

use std::cmp::Ordering;

use helios_base::Value;
use helios_expr::{Comparison, Expr};

use super::subject::{Condition, Subject, Test, condition, in_table};

/// The filters that say parts of `predicate` literally, if the filters together imply all of it.
///
/// The proof is by form: a part of the predicate is a filter, or compares a subject with a constant
/// in a way that a filter on the same subject implies, or forbids `NULL` where a filter compares.
pub(super) fn implied(
    predicate: &Expr,
    filters: &[Expr],
    conditions: &[Condition<'_>],
    reads: &[usize],
) -> Option<Vec<usize>> {
    let mut assured = Vec::new();
    let mine: Vec<Option<Expr>> = filters.iter().map(|e| in_table(e, reads)).collect();
    for part in predicate.clone().conjuncts() {
        if let Some(at) = mine
            .iter()
            .position(|filter| filter.as_ref() == Some(&part))
        {
            assured.push(at);
        } else if !follows(&part, conditions) {
            return None;
        }
    }
    Some(assured)
}

/// Whether conditions on columns, counted as in the table, imply `predicate`: each compares its
/// column with a constant.
pub(crate) fn follows_from(predicate: &Expr, known: &[(usize, Comparison, Expr)]) -> bool {
    let conditions: Vec<Condition<'_>> = known
        .iter()
        .map(|(column, comparison, value)| Condition {
            subject: Subject::Column(*column),
            test: Test::Compare(*comparison, value),
            filter: 0,
        })
        .collect();
    let parts = predicate.clone().conjuncts();
    parts.iter().all(|part| match part {
        Expr::Column { index, .. } => known.iter().any(|(column, comparison, value)| {
            column == index
                && *comparison == Comparison::Eq
                && value.as_literal() == Some(&Value::Bool(true))
        }),
        part => follows(part, &conditions),
    })
}

/// Whether a condition implies `part`, whose columns are counted as in the table.
fn follows(part: &Expr, conditions: &[Condition<'_>]) -> bool {
    let width = part.used_columns().last().map_or(0, |last| last + 1);
    let all: Vec<usize> = (0..width).collect();
    if let Expr::IsNull {
        expr,
        negated: true,
    } = part
        && !expr.ty().is_row()
    {
        let Some(subject) = Subject::of(expr, &all) else {
            return false;
        };
        let strict = |c: &Condition<'_>| !matches!(c.test, Test::Null);
        return conditions.iter().any(|c| c.subject == subject && strict(c));
    }
    let Some(Condition {
        subject,
        test: Test::Compare(wanted, bound),
        ..
    }) = condition(part, 0, &all)
    else {
        return false;
    };
    let Some(bound) = bound.as_literal() else {
        return false;
    };
    conditions
        .iter()
        .filter(|c| c.subject == subject)
        .any(|c| match &c.test {
            Test::Compare(known, value) => value
                .as_literal()
                .and_then(|value| compare(value, bound))
                .is_some_and(|order| stronger(*known, order, wanted)),
            Test::Any(values) => values.iter().all(|value| {
                let order = value.as_literal().and_then(|value| compare(value, bound));
                order.is_some_and(|order| wanted.holds(order))
            }),
            Test::Array(_) | Test::Null => false,
        })
}

/// Whether `x known value` implies `x wanted bound`, where `value` stands in `order` to `bound`.
fn stronger(known: Comparison, order: Ordering, wanted: Comparison) -> bool {
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    match (known, wanted) {
        (Eq, wanted) => wanted.holds(order),
        (Gt, Gt | Ge | Ne) | (Ge, Ge) => order.is_ge(),
        (Ge, Gt | Ne) => order.is_gt(),
        (Lt, Lt | Le | Ne) | (Le, Le) => order.is_le(),
        (Le, Lt | Ne) => order.is_lt(),
        (Ne, Ne) => order.is_eq(),
        _ => false,
    }
}

/// Two constants of one type, whole numbers of any width.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    let whole = |value: &Value| match value {
        Value::Int2(n) => Some(i64::from(*n)),
        Value::Int4(n) => Some(i64::from(*n)),
        Value::Int8(n) => Some(*n),
        _ => None,
    };
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return Some(a.cmp(&b));
    }
    let same = !a.is_null() && !b.is_null() && a.natural_type() == b.natural_type();
    same.then(|| a.cmp_sql(b))
}
