//! Policies of row-level security as written.

use helios_table::catalog::PolicyCommand;

use super::{Ident, Name, TextExpr};
use crate::plan::RoleSpec;

/// `CREATE`, `ALTER` or `DROP POLICY`.
#[derive(Clone, Debug)]
pub struct PolicyStatement {
    /// The policy.
    pub name: Ident,
    /// Its table.
    pub table: Name,
    /// What to do.
    pub action: PolicyAction,
}

/// What is done to a policy.
#[derive(Clone, Debug)]
pub enum PolicyAction {
    /// `CREATE POLICY`
    Create {
        /// `AS PERMISSIVE`
        permissive: bool,
        /// `FOR`
        command: PolicyCommand,
        /// `TO`; none for everybody.
        roles: Vec<RoleSpec>,
        /// `USING`
        using: Option<TextExpr>,
        /// `WITH CHECK`.
        check: Option<TextExpr>,
    },
    /// `ALTER POLICY`
    Alter {
        /// `TO`
        roles: Option<Vec<RoleSpec>>,
        /// `USING`.
        using: Option<TextExpr>,
        /// `WITH CHECK`.
        check: Option<TextExpr>,
    },
    /// `ALTER POLICY … RENAME TO`
    Rename(Ident),
    /// `DROP POLICY`
    Drop {
        /// A missing one is a notice.
        if_exists: bool,
    },
}
