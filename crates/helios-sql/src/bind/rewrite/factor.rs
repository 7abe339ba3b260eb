//! What all alternatives of a condition demand stands before them: `a AND b OR a AND c` is
//! `a AND (b OR c)`, whose first part may be an index's or a join's.

use helios_expr::{Expr, Volatility};

use crate::plan::Plan;

/// Does so in all filters and joins.
pub(super) fn factor(plan: &mut Plan) {
    match plan {
        Plan::Filter(node) => factor_predicate(&mut node.predicate),
        Plan::Join(node) => {
            let on = std::mem::take(&mut node.on);
            let on = on.into_iter().map(factored);
            node.on = on.flat_map(Expr::conjuncts).collect();
        }
        _ => {}
    }
    for input in plan.inputs_mut() {
        factor(input);
    }
}

fn factor_predicate(predicate: &mut Expr) {
    let taken = std::mem::replace(predicate, Expr::bool(true));
    let terms = taken.conjuncts().into_iter().map(factored);
    *predicate = Expr::conjunction(terms.flat_map(Expr::conjuncts).collect());
}

fn factored(predicate: Expr) -> Expr {
    let Expr::Or(alternatives) = predicate else {
        return predicate;
    };
    let mut alternatives: Vec<Vec<Expr>> = alternatives.into_iter().map(Expr::conjuncts).collect();
    let mut common: Vec<Expr> = Vec::new();
    if let Some((first, others)) = alternatives.split_first() {
        let everywhere = |term: &&Expr| {
            term.volatility() < Volatility::Volatile
                && others.iter().all(|other| other.contains(*term))
        };
        common.extend(first.iter().filter(everywhere).cloned());
    }
    for alternative in &mut alternatives {
        alternative.retain(|term| !common.contains(term));
    }
    // An alternative that asks for nothing more than the others makes them superfluous.
    if !alternatives.iter().any(Vec::is_empty) {
        let rest = alternatives.into_iter().map(Expr::conjunction);
        common.push(Expr::Or(rest.collect()));
    }
    Expr::conjunction(common)
}

#[cfg(test)]
mod tests {
    use helios_base::DataType;

    use super::*;

    fn flag(index: usize) -> Expr {
        Expr::column(index, DataType::Bool)
    }

    #[test]
    fn common_terms_come_first() {
        let both = |a, b| Expr::And(vec![flag(a), flag(b)]);
        assert_eq!(
            factored(Expr::Or(vec![both(1, 0), both(0, 2)])),
            Expr::And(vec![flag(0), Expr::Or(vec![flag(1), flag(2)])])
        );
        assert_eq!(factored(Expr::Or(vec![both(0, 1), flag(0)])), flag(0));
        let apart = Expr::Or(vec![both(0, 1), flag(2)]);
        assert_eq!(factored(apart.clone()), apart);
    }
}
