//! Statements that change rows as parts of a query: the named ones of `WITH`.

use helios_expr::Expr;

use super::{ConflictAction, Delete, Insert, Merge, MergeAction, Plan, Returning, Update};

/// A statement that changes rows.
#[derive(Clone, Debug)]
pub enum Change {
    /// `INSERT`
    Insert(Insert),
    /// `UPDATE`
    Update(Update),
    /// `DELETE`
    Delete(Delete),
    /// `MERGE`
    Merge(Merge),
}

/// A change named in the outermost `WITH` of a statement. It runs once, to its end, whether its
/// rows are read or not, and like all parts of the statement over the state before the statement.
#[derive(Clone, Debug)]
pub struct ChangeNode {
    /// What to do.
    pub change: Change,
    /// The columns of `RETURNING`; none without it.
    pub columns: Vec<super::PlanColumn>,
}

impl Change {
    /// Its `RETURNING`.
    #[must_use]
    pub fn returning(&self) -> Option<&Returning> {
        match self {
            Self::Insert(insert) => insert.returning.as_ref(),
            Self::Update(update) => update.returning.as_ref(),
            Self::Delete(delete) => delete.returning.as_ref(),
            Self::Merge(merge) => merge.returning.as_ref(),
        }
    }

    /// The query of the rows it is about.
    #[must_use]
    pub fn input(&self) -> &Plan {
        match self {
            Self::Insert(insert) => &insert.source,
            Self::Update(update) => &update.input,
            Self::Delete(delete) => &delete.input,
            Self::Merge(merge) => &merge.input,
        }
    }

    /// As [`Change::input`].
    pub fn input_mut(&mut self) -> &mut Plan {
        match self {
            Self::Insert(insert) => &mut insert.source,
            Self::Update(update) => &mut update.input,
            Self::Delete(delete) => &mut delete.input,
            Self::Merge(merge) => &mut merge.input,
        }
    }

    /// Calls `f` on each expression beside the input's.
    pub fn for_each_expr(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        let returning = match self {
            Self::Insert(insert) => {
                insert.for_each_expr(f);
                &mut insert.returning
            }
            Self::Update(update) => {
                update.assignments.iter_mut().for_each(|a| f(&mut a.value));
                update.checks.iter_mut().for_each(|c| f(&mut c.condition));
                update.policies.iter_mut().for_each(|c| f(&mut c.condition));
                &mut update.returning
            }
            Self::Delete(delete) => &mut delete.returning,
            Self::Merge(merge) => {
                merge.for_each_expr(f);
                &mut merge.returning
            }
        };
        if let Some(returning) = returning {
            returning.exprs.iter_mut().for_each(f);
        }
    }
}

impl Insert {
    /// Calls `f` on each expression beside those of the source and of `RETURNING`.
    pub fn for_each_expr(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.defaults.iter_mut().for_each(|a| f(&mut a.value));
        self.checks.iter_mut().for_each(|c| f(&mut c.condition));
        self.policies.iter_mut().for_each(|c| f(&mut c.condition));
        if let Some(conflict) = &mut self.on_conflict
            && let ConflictAction::Update {
                assignments,
                filter,
                policies,
            } = &mut conflict.action
        {
            assignments.iter_mut().for_each(|a| f(&mut a.value));
            filter.iter_mut().for_each(&mut *f);
            let policies = policies.iter_mut().flatten();
            policies.for_each(|c| f(&mut c.condition));
        }
    }
}

impl Merge {
    /// Calls `f` on each expression beside those of the input and of `RETURNING`.
    pub fn for_each_expr(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        f(&mut self.on);
        self.policies.iter_mut().for_each(|c| f(&mut c.condition));
        for when in &mut self.actions {
            when.condition.iter_mut().for_each(&mut *f);
            match &mut when.action {
                MergeAction::Update(list) | MergeAction::Insert(list) => {
                    list.iter_mut().for_each(|a| f(&mut a.value));
                }
                MergeAction::Delete | MergeAction::Nothing => {}
            }
        }
    }
}

impl Plan {
    /// Whether its outermost `WITH` changes rows.
    #[must_use]
    pub fn changes_rows(&self) -> bool {
        match self {
            Self::With { ctes, .. } => ctes.iter().any(|cte| matches!(cte.plan, Self::Change(_))),
            _ => false,
        }
    }

    /// Whether it locks rows anywhere.
    #[must_use]
    pub fn locks_rows(&self) -> bool {
        match self {
            Self::LockRows(_) | Self::Change(_) => true,
            Self::Filter(node) => node.input.locks_rows(),
            Self::Project(node) => node.input.locks_rows(),
            Self::ProjectSet(node) => node.input.locks_rows(),
            Self::Sort(node) => node.input.locks_rows(),
            Self::Limit(node) => node.input.locks_rows(),
            Self::Distinct(node) => node.input.locks_rows(),
            Self::Aggregate(node) => node.input.locks_rows(),
            Self::Window(node) => node.input.locks_rows(),
            Self::Join(node) => node.left.locks_rows() || node.right.locks_rows(),
            Self::SetOp(node) => node.left.locks_rows() || node.right.locks_rows(),
            Self::With { ctes, input } => {
                input.locks_rows() || ctes.iter().any(|cte| cte.plan.locks_rows())
            }
            _ => false,
        }
    }
}
