//! Which columns and parameters an expression uses, and renumbering them.

use std::collections::BTreeSet;

use super::Expr;

impl Expr {
    /// The columns of the input row that are read, ascending. Columns that only a subquery reads
    /// are among its arguments and so are found here too.
    #[must_use]
    pub fn used_columns(&self) -> BTreeSet<usize> {
        let mut used = BTreeSet::new();
        self.visit(&mut |expr| {
            if let Self::Column { index, .. } = expr {
                used.insert(*index);
            }
        });
        used
    }

    /// Whether any column of the input row or of an enclosing row is read.
    #[must_use]
    pub fn uses_columns(&self) -> bool {
        self.any(&mut |expr| matches!(expr, Self::Column { .. } | Self::Outer { .. }))
    }

    /// Replaces column `i` by column `map(i)`.
    pub fn remap_columns(&mut self, map: &dyn Fn(usize) -> usize) {
        self.rewrite(&mut |expr| {
            if let Self::Column { index, .. } = expr {
                *index = map(*index);
            }
        });
    }

    /// Replaces column `i` by `exprs[i]`, as when a filter moves below a projection. Columns
    /// beyond `exprs` stay.
    #[must_use]
    pub fn replace_columns(mut self, exprs: &[Self]) -> Self {
        self.rewrite(&mut |expr| {
            if let Self::Column { index, .. } = expr
                && let Some(replacement) = exprs.get(*index)
            {
                *expr = replacement.clone();
            }
        });
        self
    }

    /// How many parameters the statement must bring: the highest `$n` used.
    #[must_use]
    pub fn param_count(&self) -> usize {
        let mut count = 0;
        self.visit(&mut |expr| {
            if let Self::Param { index, .. } = expr {
                count = count.max(index + 1);
            }
        });
        count
    }
}
