//! `SEARCH` and `CYCLE` of recursive common table expressions.

use super::Writer;
use crate::parse::ast::{Cte, Expr, ExprKind, Ident};
use crate::parse::quote_ident;

impl<'a> Writer<'a> {
    /// What stands behind the query of a common table expression.
    pub(super) fn search_and_cycle(&mut self, cte: &'a Cte) -> Option<()> {
        if let Some(search) = &cte.search {
            let order = if search.breadth_first {
                "BREADTH"
            } else {
                "DEPTH"
            };
            self.out.push_str(&format!(
                " SEARCH {order} FIRST BY {} SET {}",
                names(&search.columns),
                quote_ident(&search.sequence.name)
            ));
        }
        let Some(cycle) = &cte.cycle else {
            return Some(());
        };
        self.out.push_str(&format!(
            " CYCLE {} SET {}",
            names(&cycle.columns),
            quote_ident(&cycle.mark.name)
        ));
        if let (Some(value), Some(default)) = (&cycle.value, &cycle.default)
            && !(is(value, true) && is(default, false))
        {
            self.out.push_str(" TO ");
            self.cycle_value(value)?;
            self.out.push_str(" DEFAULT ");
            self.cycle_value(default)?;
        }
        self.out.push_str(" USING ");
        self.out.push_str(&quote_ident(&cycle.path.name));
        Some(())
    }

    fn cycle_value(&mut self, expr: &'a Expr) -> Option<()> {
        let node = self.value(expr, None)?;
        self.node(&node, false)
    }
}

fn names(columns: &[Ident]) -> String {
    let names: Vec<_> = columns.iter().map(|name| quote_ident(&name.name)).collect();
    names.join(", ")
}

fn is(expr: &Expr, wanted: bool) -> bool {
    matches!(expr.kind, ExprKind::Bool(value) if value == wanted)
}
