//! Errors with positions.

use helios_base::{Error, Result, SqlState};

use super::Binder;
use crate::parse::ast::{Expr, ExprKind, Pos};
use crate::parse::locate;

impl Binder<'_> {
    /// Puts a position on an error that has none.
    pub(super) fn at(&self, error: Error, pos: Pos) -> Error {
        match self.source {
            Some(source) => locate(error, source, pos),
            None => error,
        }
    }

    /// Puts a position on the error of `result`, if it has none.
    pub(super) fn place<T>(&self, result: Result<T>, pos: Pos) -> Result<T> {
        result.map_err(|error| self.at(error, pos))
    }

    /// As [`Binder::place`]; but an error in the text of a literal points to the literal.
    pub(super) fn place_literal<T>(
        &self,
        result: Result<T>,
        pos: Pos,
        operands: &[&Expr],
    ) -> Result<T> {
        result.map_err(|error| {
            let literal = operands
                .iter()
                .find(|operand| matches!(operand.kind, ExprKind::Text(_)));
            match literal {
                Some(literal) if error.sqlstate().class() == "22" => self.at(error, literal.pos),
                _ => self.at(error, pos),
            }
        })
    }

    pub(super) fn fail(&self, state: SqlState, message: impl Into<String>, pos: Pos) -> Error {
        self.at(Error::new(state, message), pos)
    }

    pub(super) fn unsupported(&self, what: impl std::fmt::Display, pos: Pos) -> Error {
        self.at(Error::unsupported(format!("{what} is not supported")), pos)
    }
}
