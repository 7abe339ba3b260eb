//! Row-level security: statements about policies, and what policies say of rows that are written.

use std::sync::Arc;

use helios_expr::Expr;
use helios_table::catalog::{PolicyCommand, PolicyExpr};

use super::{QualifiedName, RoleSpec};

/// `CREATE`, `ALTER` or `DROP POLICY`.
#[derive(Clone, Debug)]
pub struct PolicyStatement {
    /// The policy.
    pub name: String,
    /// Its table. Resolved by the executor, in its transaction.
    pub table: QualifiedName,
    /// What to do.
    pub action: PolicyAction,
}

/// What is done to a policy.
#[derive(Clone, Debug)]
pub enum PolicyAction {
    /// `CREATE POLICY`
    Create {
        /// Whether it lets rows pass, or holds them back.
        permissive: bool,
        /// For what.
        command: PolicyCommand,
        /// For whom; none for everybody.
        roles: Vec<RoleSpec>,
        /// `USING`
        using: Option<PolicyExpr>,
        /// `WITH CHECK`
        check: Option<PolicyExpr>,
    },
    /// `ALTER POLICY`
    Alter {
        /// `TO`
        roles: Option<Vec<RoleSpec>>,
        /// `USING`
        using: Option<PolicyExpr>,
        /// `WITH CHECK`
        check: Option<PolicyExpr>,
    },
    /// `RENAME TO`
    Rename(String),
    /// `DROP POLICY`
    Drop {
        /// A missing one is a notice.
        if_exists: bool,
    },
}

/// What policies say of a row, beside those that filter what is read.
#[derive(Clone, Debug)]
pub struct PolicyCheck {
    /// The table.
    pub table: Arc<str>,
    /// A restrictive policy; `None` for all permissive ones together.
    pub policy: Option<Arc<str>>,
    /// Of which row.
    pub row: PolicyRow,
    /// Over the table's row; must be true.
    pub condition: Expr,
}

/// Of which row a [`PolicyCheck`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyRow {
    /// One that is about to be written.
    New,
    /// One that `ON CONFLICT` is about to update.
    Conflicting,
    /// One that `MERGE` is about to change.
    Target,
}

/// What policies say of the rows that a `MERGE` changes.
#[derive(Clone, Debug, Default)]
pub struct MergePolicies {
    /// Of rows before they are updated.
    pub updated: Vec<PolicyCheck>,
    /// Of rows after they were updated.
    pub changed: Vec<PolicyCheck>,
    /// Of rows before they are deleted.
    pub deleted: Vec<PolicyCheck>,
    /// Of new rows.
    pub inserted: Vec<PolicyCheck>,
}

impl MergePolicies {
    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut PolicyCheck> {
        self.updated
            .iter_mut()
            .chain(&mut self.changed)
            .chain(&mut self.deleted)
            .chain(&mut self.inserted)
    }
}
