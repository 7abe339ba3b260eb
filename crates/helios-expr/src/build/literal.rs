//! Constants.

use helios_base::{DataType, Result, Value};

use super::Builder;
use crate::expr::Expr;

impl Builder<'_> {
    /// A number as written: `integer`, `bigint` or `numeric`, whichever fits first. Digits with
    /// a point or an exponent are `numeric`.
    ///
    /// # Errors
    /// `22003` beyond `numeric`.
    pub fn number(&self, text: &str) -> Result<Expr> {
        let clean: String = text.chars().filter(|c| *c != '_').collect();
        if let Ok(n) = clean.parse::<i32>() {
            return Ok(Expr::Literal(Value::Int4(n), DataType::Int4));
        }
        if let Ok(n) = clean.parse::<i64>() {
            return Ok(Expr::Literal(Value::Int8(n), DataType::Int8));
        }
        let ty = DataType::Numeric(None);
        let value = Value::parse(&clean, &ty, self.text)?;
        Ok(Expr::Literal(value, ty))
    }

    /// A quoted string: its type is decided by its surroundings.
    #[must_use]
    pub fn string(&self, text: &str) -> Expr {
        Expr::unknown(text)
    }

    /// `$number`, counted from 1.
    ///
    /// # Errors
    /// `42P02` out of range.
    pub fn param(&self, number: usize) -> Result<Expr> {
        self.params.param(number)
    }
}
