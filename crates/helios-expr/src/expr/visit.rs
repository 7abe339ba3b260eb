//! Walking and rewriting expression trees.

use helios_base::Result;

use super::{Expr, Subscript};

impl Expr {
    /// Calls `f` on every direct child.
    pub fn for_each_child<'a>(&'a self, f: &mut dyn FnMut(&'a Self)) {
        match self {
            Self::Literal(..)
            | Self::Column { .. }
            | Self::Param { .. }
            | Self::Outer { .. }
            | Self::CaseOperand { .. } => {}
            Self::Subplan { args, .. }
            | Self::Call { args, .. }
            | Self::And(args)
            | Self::Or(args)
            | Self::Coalesce { args, .. }
            | Self::Extreme { args, .. }
            | Self::Array { elements: args, .. }
            | Self::Row(args) => args.iter().for_each(f),
            Self::Cast(cast) => f(&cast.expr),
            Self::Not(expr)
            | Self::IsNull { expr, .. }
            | Self::BoolTest { expr, .. }
            | Self::Field { record: expr, .. } => f(expr),
            Self::Distinct { left, right, .. }
            | Self::NullIf {
                value: left,
                test: right,
                ..
            }
            | Self::Quantified {
                left, array: right, ..
            } => {
                f(left);
                f(right);
            }
            Self::Case {
                operand,
                branches,
                otherwise,
                ..
            } => {
                if let Some(operand) = operand {
                    f(operand);
                }
                for (when, then) in branches {
                    f(when);
                    f(then);
                }
                if let Some(otherwise) = otherwise {
                    f(otherwise);
                }
            }
            Self::InList { expr, list, .. } => {
                f(expr);
                list.iter().for_each(f);
            }
            Self::Subscript {
                base, subscripts, ..
            } => {
                f(base);
                for subscript in subscripts {
                    match subscript {
                        Subscript::Index(index) => f(index),
                        Subscript::Slice(lower, upper) => {
                            lower.iter().chain(upper).for_each(&mut *f);
                        }
                    }
                }
            }
        }
    }

    /// Calls `f` on every direct child, to change it in place.
    ///
    /// # Errors
    /// The first error of `f`; children before it are changed already.
    pub fn try_for_each_child_mut(
        &mut self,
        f: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Literal(..)
            | Self::Column { .. }
            | Self::Param { .. }
            | Self::Outer { .. }
            | Self::CaseOperand { .. } => Ok(()),
            Self::Subplan { args, .. }
            | Self::Call { args, .. }
            | Self::And(args)
            | Self::Or(args)
            | Self::Coalesce { args, .. }
            | Self::Extreme { args, .. }
            | Self::Array { elements: args, .. }
            | Self::Row(args) => args.iter_mut().try_for_each(f),
            Self::Cast(cast) => f(&mut cast.expr),
            Self::Not(expr)
            | Self::IsNull { expr, .. }
            | Self::BoolTest { expr, .. }
            | Self::Field { record: expr, .. } => f(expr),
            Self::Distinct { left, right, .. }
            | Self::NullIf {
                value: left,
                test: right,
                ..
            }
            | Self::Quantified {
                left, array: right, ..
            } => {
                f(left)?;
                f(right)
            }
            Self::Case {
                operand,
                branches,
                otherwise,
                ..
            } => {
                if let Some(operand) = operand {
                    f(operand)?;
                }
                for (when, then) in branches {
                    f(when)?;
                    f(then)?;
                }
                match otherwise {
                    Some(otherwise) => f(otherwise),
                    None => Ok(()),
                }
            }
            Self::InList { expr, list, .. } => {
                f(expr)?;
                list.iter_mut().try_for_each(f)
            }
            Self::Subscript {
                base, subscripts, ..
            } => {
                f(base)?;
                for subscript in subscripts {
                    match subscript {
                        Subscript::Index(index) => f(index)?,
                        Subscript::Slice(lower, upper) => {
                            lower.iter_mut().chain(upper).try_for_each(&mut *f)?;
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// Calls `f` on this node and every node below, parents first.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Self)) {
        f(self);
        self.for_each_child(&mut |child| child.visit(f));
    }

    /// Whether `f` holds for this node or any below.
    pub fn any(&self, f: &mut dyn FnMut(&Self) -> bool) -> bool {
        if f(self) {
            return true;
        }
        let mut found = false;
        self.for_each_child(&mut |child| found = found || child.any(f));
        found
    }

    /// Calls `f` on every node, children first, to change it in place.
    ///
    /// # Errors
    /// The first error of `f`; the tree is then partly changed.
    pub fn try_rewrite(&mut self, f: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.try_for_each_child_mut(&mut |child| child.try_rewrite(f))?;
        f(self)
    }

    /// [`Expr::try_rewrite`] that cannot fail.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Self)) {
        let done = self.try_rewrite(&mut |expr| {
            f(expr);
            Ok(())
        });
        debug_assert!(done.is_ok());
    }
}
