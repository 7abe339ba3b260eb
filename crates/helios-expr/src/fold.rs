//! Constant folding.

use helios_base::Value;

use crate::context::EvalContext;
use crate::days::in_days;
use crate::expr::Expr;
use crate::function::Volatility;

/// Evaluates constant parts ahead of time.
///
/// With `Immutable`, parts that never change are folded: do this when a plan is made. With
/// `Stable`, also parts that stay the same within the statement, parameters included: do this when
/// execution starts. A part whose evaluation fails stays, so that the error appears only if it is
/// reached.
pub fn fold(expr: &mut Expr, ctx: &EvalContext<'_>, level: Volatility) {
    expr.rewrite(&mut |node| fold_node(node, ctx, level));
}

fn fold_node(node: &mut Expr, ctx: &EvalContext<'_>, level: Volatility) {
    match node {
        Expr::Literal(..) | Expr::Column { .. } | Expr::Outer { .. } | Expr::CaseOperand { .. } => {
        }
        Expr::Param { index, ty } => {
            if level >= Volatility::Stable
                && let Some(value) = ctx.params.get(*index)
            {
                *node = Expr::Literal(value.clone(), ty.clone());
            }
        }
        Expr::And(terms) => simplify(terms, true)
            .into_iter()
            .for_each(|new| *node = new),
        Expr::Or(terms) => simplify(terms, false)
            .into_iter()
            .for_each(|new| *node = new),
        Expr::Case {
            operand: None,
            branches,
            otherwise,
            ty,
        } => {
            branches.retain(|(when, _)| !is_never(when));
            let always = branches
                .iter()
                .position(|(when, _)| when.as_literal() == Some(&Value::Bool(true)));
            if let Some(position) = always {
                let (_, then) = branches.swap_remove(position);
                branches.truncate(position);
                *otherwise = Some(Box::new(then));
            }
            if branches.is_empty() {
                let null = Expr::Literal(Value::Null, ty.clone());
                *node = otherwise.take().map_or(null, |otherwise| *otherwise);
            }
        }
        // A strict call with a constant NULL is NULL, unless an argument fails: constants that are
        // still calls have failed to fold.
        Expr::Call {
            function,
            args,
            spread: false,
            ty,
        } if function.is_strict()
            && args
                .iter()
                .any(|arg| arg.as_literal() == Some(&Value::Null))
            && !args.iter().any(|arg| has_failed(arg, level)) =>
        {
            *node = Expr::Literal(Value::Null, ty.clone());
        }
        other => {
            if is_constant(other, level)
                && let Ok(value) = other.eval(&[], ctx)
            {
                *other = Expr::Literal(value, other.ty().clone());
            } else if let Some(days) = in_days(other) {
                *other = days;
            }
        }
    }
}

/// Whether the children are literals and the node itself may be evaluated now.
fn is_constant(node: &Expr, level: Volatility) -> bool {
    let here = match node {
        Expr::Subplan { .. } => return false,
        Expr::Call { function, .. } => function.volatility(),
        Expr::Cast(cast) => cast.volatility(),
        Expr::Distinct { equal, .. } | Expr::InList { equal, .. } => equal.volatility(),
        Expr::Quantified { operator, .. } => operator.volatility(),
        // The placeholder inside the test is not a literal, but its value is.
        Expr::NullIf { .. } | Expr::Case { .. } => {
            return node.volatility() <= level
                && !node.any(&mut |part| {
                    matches!(
                        part,
                        Expr::Column { .. } | Expr::Outer { .. } | Expr::Param { .. }
                    )
                });
        }
        _ => Volatility::Immutable,
    };
    let mut literals = true;
    node.for_each_child(&mut |child| literals &= matches!(child, Expr::Literal(..)));
    literals && here <= level
}

/// Whether this is a constant that folding has left alone: its evaluation raises an error.
fn has_failed(expr: &Expr, level: Volatility) -> bool {
    !matches!(expr, Expr::Literal(..))
        && expr.volatility() <= level
        && !expr.any(&mut |part| {
            matches!(
                part,
                Expr::Column { .. } | Expr::Outer { .. } | Expr::Param { .. }
            )
        })
}

/// The first constant part of a folded expression whose evaluation raises an error of data: PostgreSQL
/// raises it when a statement is planned, whether or not the part would ever be reached. What
/// `COALESCE` and `CASE` certainly pass over is left alone.
#[must_use]
pub fn failing<'a>(expr: &'a Expr, ctx: &EvalContext<'_>) -> Option<&'a Expr> {
    match expr {
        Expr::Literal(..)
        | Expr::Column { .. }
        | Expr::Param { .. }
        | Expr::Outer { .. }
        | Expr::CaseOperand { .. } => return None,
        Expr::Coalesce { args, .. } => {
            for arg in args {
                match arg.as_literal() {
                    Some(value) if !value.is_null() => return None,
                    Some(_) => {}
                    None => {
                        let found = failing(arg, ctx);
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
            return None;
        }
        Expr::Case {
            operand: Some(operand),
            ..
        } if operand.as_literal().is_some() => return None,
        _ => {}
    }
    let mut found = None;
    expr.for_each_child(&mut |child| {
        if found.is_none() {
            found = failing(child, ctx);
        }
    });
    if found.is_some() || !is_constant(expr, Volatility::Immutable) {
        return found;
    }
    match expr.eval(&[], ctx) {
        Err(error) if error.sqlstate().as_str().starts_with("22") => Some(expr),
        _ => None,
    }
}

/// Whether a condition can never hold.
fn is_never(condition: &Expr) -> bool {
    matches!(
        condition.as_literal(),
        Some(Value::Null | Value::Bool(false))
    )
}

/// Drops neutral terms of a conjunction (`neutral` true) or disjunction; the replacement if little
/// remains. A deciding term decides the whole.
fn simplify(terms: &mut Vec<Expr>, neutral: bool) -> Option<Expr> {
    if terms
        .iter()
        .any(|term| term.as_literal() == Some(&Value::Bool(!neutral)))
    {
        return Some(Expr::bool(!neutral));
    }
    terms.retain(|term| term.as_literal() != Some(&Value::Bool(neutral)));
    match terms.len() {
        0 => Some(Expr::bool(neutral)),
        1 => terms.pop(),
        _ if terms.iter().all(Expr::is_null_literal) => {
            Some(Expr::Literal(Value::Null, helios_base::DataType::Bool))
        }
        _ => None,
    }
}
