//! Fields of values: `(a).field`, `(a).*`, `$1.field`.

use helios_base::Result;

use super::ast::{Expr, ExprKind};
use super::cursor::Parser;
use super::expr::node;

impl Parser<'_> {
    /// What follows a value in parentheses or a parameter.
    pub(super) fn fields(&mut self, mut expr: Expr) -> Result<Expr> {
        while self.is_punct(".") {
            self.advance();
            if self.eat_op("*") {
                let pos = expr.pos;
                return Ok(node(ExprKind::Expand(Box::new(expr)), pos));
            }
            let field = self.label()?;
            let pos = expr.pos;
            let expr_box = Box::new(expr);
            expr = node(
                ExprKind::Field {
                    expr: expr_box,
                    field,
                },
                pos,
            );
        }
        Ok(expr)
    }
}
