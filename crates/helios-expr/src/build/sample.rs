//! `TABLESAMPLE` as a condition on rows.

use helios_base::{DataType, Result};

use super::Builder;
use crate::expr::Expr;
use crate::func::sample;

impl Builder<'_> {
    /// Whether a row is among `percent` of all. With a seed and the row's key the same rows are
    /// every time.
    ///
    /// # Errors
    /// 42804 for arguments of other types, 2202H for a constant that is no percentage.
    pub fn sample(&self, percent: Expr, repeatable: Option<(Expr, Expr)>) -> Result<Expr> {
        let percent = self.argument_of(percent, &DataType::Float4, "TABLESAMPLE")?;
        if let Some(percent) = percent.as_literal() {
            sample::part(percent)?;
        }
        let (function, args) = match repeatable {
            None => (&sample::CHANCE, vec![percent]),
            Some((seed, key)) => {
                let seed = self.argument_of(seed, &DataType::Float8, "REPEATABLE")?;
                (&sample::REPEATED, vec![percent, seed, key])
            }
        };
        Ok(Expr::Call {
            function,
            args,
            spread: false,
            ty: DataType::Bool,
        })
    }
}
