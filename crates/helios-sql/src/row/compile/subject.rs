//! What conditions, keys and orders are about, so that they can be matched.

use helios_base::DataType;
use helios_expr::{Comparison, Expr, Volatility};
use helios_table::catalog::TableDef;
use helios_table::row::{IndexRules, KeyPart};

/// A column of a table, or an expression over its columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    /// The column at this position of the table.
    Column(usize),
    /// An expression whose columns are counted as in the table.
    Expr(Box<Expr>),
}

/// A key with its type.
pub(super) type KeySubject = (Subject, DataType);

/// A predicate as a condition on one subject.
pub(super) struct Condition<'a> {
    pub(super) subject: Subject,
    pub(super) test: Test<'a>,
    /// Which of the scan's filters it is.
    pub(super) filter: usize,
}

pub(super) enum Test<'a> {
    Compare(Comparison, &'a Expr),
    Any(&'a [Expr]),
    Array(&'a Expr),
    Null,
}

impl Subject {
    /// What `expr`, over the columns at `reads` of the table, is about; `None` for what does not
    /// depend on the row, or on more than it.
    pub(super) fn of(expr: &Expr, reads: &[usize]) -> Option<Self> {
        match expr {
            Expr::Column { index, .. } => return reads.get(*index).copied().map(Self::Column),
            // Binary-compatible strings are relabelled, which changes nothing here.
            Expr::Cast(cast)
                if cast.expr.ty().is_string()
                    && cast.to == DataType::Text
                    && !matches!(cast.expr.ty(), DataType::Char(_)) =>
            {
                if let Expr::Column { index, .. } = &cast.expr {
                    return reads.get(*index).copied().map(Self::Column);
                }
            }
            _ => {}
        }
        let used = expr.used_columns();
        let foreign = expr.any(&mut |e| {
            matches!(
                e,
                Expr::Outer { .. } | Expr::Subplan { .. } | Expr::Param { .. }
            )
        });
        if used.is_empty() || foreign || expr.volatility() > Volatility::Immutable {
            return None;
        }
        in_table(expr, reads).map(|expr| Self::Expr(Box::new(expr)))
    }

    /// The keys of an index.
    pub(super) fn of_index(index: &IndexRules) -> Vec<KeySubject> {
        let subject = |part: &KeyPart| match part {
            KeyPart::Column(position) => Self::Column(*position),
            KeyPart::Expr(expr) => Self::Expr(Box::new(expr.clone())),
        };
        let types = index.key_types().map(|(ty, _)| ty.clone());
        index.parts().map(subject).zip(types).collect()
    }

    /// The columns that identify the rows of a table.
    pub(super) fn of_key(table: &TableDef) -> Vec<KeySubject> {
        let key = table.shape().key_columns().iter();
        key.map(|(at, ty)| (Self::Column(*at), ty.clone()))
            .collect()
    }
}

/// `expr`, over the columns at `reads`, over all columns of the table.
pub(super) fn in_table(expr: &Expr, reads: &[usize]) -> Option<Expr> {
    if expr.used_columns().iter().any(|at| *at >= reads.len()) {
        return None;
    }
    let mut expr = expr.clone();
    expr.remap_columns(&|at| reads.get(at).copied().unwrap_or(at));
    Some(expr)
}

/// `filter` as a condition on one subject against what does not depend on the row.
pub(super) fn condition<'a>(filter: &'a Expr, at: usize, reads: &[usize]) -> Option<Condition<'a>> {
    let steady =
        |expr: &Expr| expr.volatility() < Volatility::Volatile && expr.used_columns().is_empty();
    let made = |subject: Option<Subject>, test| {
        Some(Condition {
            subject: subject?,
            test,
            filter: at,
        })
    };
    if let Some((comparison, left, right)) = filter.as_comparison() {
        if steady(right) {
            let test = Test::Compare(comparison, right);
            return made(Subject::of(left, reads), test);
        }
        if steady(left) {
            let test = Test::Compare(comparison.commuted(), left);
            return made(Subject::of(right, reads), test);
        }
        return None;
    }
    match filter {
        Expr::InList {
            expr,
            list,
            equal,
            negated: false,
        } if equal.comparison() == Some(Comparison::Eq) && list.iter().all(steady) => {
            made(Subject::of(expr, reads), Test::Any(list))
        }
        Expr::Quantified {
            left,
            operator,
            array,
            all: false,
        } if operator.comparison() == Some(Comparison::Eq) && steady(array) => {
            made(Subject::of(left, reads), Test::Array(array))
        }
        Expr::IsNull {
            expr,
            negated: false,
        } if !expr.ty().is_row() => made(Subject::of(expr, reads), Test::Null),
        _ => None,
    }
}
