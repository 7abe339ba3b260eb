//! Walking plans and their expressions.

use helios_expr::Expr;

use super::{FrameBound, Plan, SortKey, TableFunctionCall};

impl Plan {
    /// The plans right below, whatever frame they run in.
    #[must_use]
    pub fn inputs(&self) -> Vec<&Self> {
        match self {
            Self::Empty(_)
            | Self::OneRow
            | Self::Scan(_)
            | Self::FileScan(_)
            | Self::Values(_)
            | Self::CteRef { .. }
            | Self::WorkTable { .. }
            | Self::TableFunction(_) => Vec::new(),
            Self::Filter(node) => vec![&node.input],
            Self::Project(node) => vec![&node.input],
            Self::ProjectSet(node) => vec![&node.input],
            Self::Aggregate(node) => vec![&node.input],
            Self::Window(node) => vec![&node.input],
            Self::Sort(node) => vec![&node.input],
            Self::Limit(node) => vec![&node.input],
            Self::Distinct(node) => vec![&node.input],
            Self::LockRows(node) => vec![&node.input],
            Self::Change(node) => vec![node.change.input()],
            Self::Join(node) => vec![&node.left, &node.right],
            Self::SetOp(node) => vec![&node.left, &node.right],
            Self::Recursive(node) => vec![&node.anchor, &node.step],
            Self::With { ctes, input } => {
                let mut inputs: Vec<&Self> = ctes.iter().map(|cte| &cte.plan).collect();
                inputs.push(input);
                inputs
            }
        }
    }

    /// As [`Plan::inputs`].
    pub fn inputs_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Empty(_)
            | Self::OneRow
            | Self::Scan(_)
            | Self::FileScan(_)
            | Self::Values(_)
            | Self::CteRef { .. }
            | Self::WorkTable { .. }
            | Self::TableFunction(_) => Vec::new(),
            Self::Filter(node) => vec![&mut node.input],
            Self::Project(node) => vec![&mut node.input],
            Self::ProjectSet(node) => vec![&mut node.input],
            Self::Aggregate(node) => vec![&mut node.input],
            Self::Window(node) => vec![&mut node.input],
            Self::Sort(node) => vec![&mut node.input],
            Self::Limit(node) => vec![&mut node.input],
            Self::Distinct(node) => vec![&mut node.input],
            Self::LockRows(node) => vec![&mut node.input],
            Self::Change(node) => vec![node.change.input_mut()],
            Self::Join(node) => vec![&mut node.left, &mut node.right],
            Self::SetOp(node) => vec![&mut node.left, &mut node.right],
            Self::Recursive(node) => vec![&mut node.anchor, &mut node.step],
            Self::With { ctes, input } => {
                let mut inputs: Vec<&mut Self> = ctes.iter_mut().map(|cte| &mut cte.plan).collect();
                inputs.push(input);
                inputs
            }
        }
    }

    /// Calls `f` on each expression of this node, not of its inputs.
    pub fn for_each_own_expr(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Self::Scan(node) => {
                node.filters.iter_mut().for_each(&mut *f);
                if let Some(super::At::Row(at, _)) = &mut node.at
                    && let Some(point) = &mut at.point
                {
                    f(point.expr_mut());
                }
                if let Some(versions) = &mut node.versions {
                    let bounds = [&mut versions.low, &mut versions.high];
                    let bounds = bounds.into_iter().flatten();
                    bounds.for_each(|point| f(point.expr_mut()));
                }
            }
            Self::Values(node) => node.rows.iter_mut().flatten().for_each(f),
            Self::Filter(node) => f(&mut node.predicate),
            Self::Project(node) => node.exprs.iter_mut().for_each(f),
            Self::ProjectSet(node) => calls(&mut node.calls, f),
            Self::TableFunction(node) => calls(&mut node.calls, f),
            Self::Join(node) => {
                node.on.iter_mut().for_each(&mut *f);
                node.lateral.iter_mut().flatten().for_each(f);
            }
            Self::Aggregate(node) => {
                node.groups.iter_mut().for_each(&mut *f);
                for call in &mut node.calls {
                    call.args.iter_mut().for_each(&mut *f);
                    call.filter.iter_mut().for_each(&mut *f);
                    keys(&mut call.order_by, f);
                }
            }
            Self::Window(node) => {
                node.partition_by.iter_mut().for_each(&mut *f);
                keys(&mut node.order_by, f);
                for call in &mut node.calls {
                    call.args.iter_mut().for_each(&mut *f);
                    call.filter.iter_mut().for_each(&mut *f);
                    for bound in [&mut call.frame.start, &mut call.frame.end] {
                        if let FrameBound::Preceding(expr) | FrameBound::Following(expr) = bound {
                            f(expr);
                        }
                    }
                }
            }
            Self::Sort(node) => keys(&mut node.keys, f),
            Self::Limit(node) => {
                node.limit.iter_mut().for_each(&mut *f);
                node.offset.iter_mut().for_each(&mut *f);
                keys(&mut node.ties, f);
            }
            Self::Distinct(node) => node.on.iter_mut().for_each(f),
            Self::Change(node) => node.change.for_each_expr(f),
            Self::Empty(_)
            | Self::OneRow
            | Self::FileScan(_)
            | Self::SetOp(_)
            | Self::With { .. }
            | Self::CteRef { .. }
            | Self::Recursive(_)
            | Self::WorkTable { .. }
            | Self::LockRows(_) => {}
        }
    }

    /// Calls `f` on each expression of this plan that is evaluated in its own frame: not on those
    /// inside lateral right sides, which run in a frame of theirs.
    pub fn for_each_expr(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.for_each_own_expr(f);
        if let Self::Join(node) = self
            && node.lateral.is_some()
        {
            return node.left.for_each_expr(f);
        }
        for input in self.inputs_mut() {
            input.for_each_expr(f);
        }
    }
}

fn keys(keys: &mut [SortKey], f: &mut dyn FnMut(&mut Expr)) {
    keys.iter_mut().for_each(|key| f(&mut key.expr));
}

fn calls(calls: &mut [TableFunctionCall], f: &mut dyn FnMut(&mut Expr)) {
    calls.iter_mut().flat_map(|call| &mut call.args).for_each(f);
}
