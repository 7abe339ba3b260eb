//! Row-level security: which rows of a table a role may see and write.

use helios_base::ColumnId;
use serde::{Deserialize, Serialize};

use super::ids::{PolicyId, RoleId};

/// The row-level security of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSecurity {
    /// `ENABLE ROW LEVEL SECURITY`: without a policy that lets it, a row is out of reach.
    pub enabled: bool,
    /// `FORCE ROW LEVEL SECURITY`: the owner of the table is no exception.
    pub forced: bool,
    /// The policies, also while they are not enabled.
    pub policies: Vec<PolicyDef>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDef {
    /// Its number.
    pub id: PolicyId,
    /// Its name, unique in its table.
    pub name: String,
    /// `PERMISSIVE`: one of these must let a row pass. `RESTRICTIVE`: all of these must.
    pub permissive: bool,
    /// For what.
    pub command: PolicyCommand,
    /// For whom; [`RoleId::PUBLIC`] for everybody.
    pub roles: Vec<RoleId>,
    /// `USING`: of rows that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<PolicyExpr>,
    /// `WITH CHECK`: of rows that are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<PolicyExpr>,
}

/// A condition of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyExpr {
    /// Its text.
    pub sql: String,
    /// What the table was called when it was written, which the text may say.
    pub table: String,
    /// Where the names in it are looked up.
    pub search_path: Vec<String>,
    /// The columns of the table that it names.
    #[serde(with = "super::codec::column_ids")]
    pub columns: Vec<ColumnId>,
    /// The other relations that it reads, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<u32>,
}

/// For which statements a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PolicyCommand {
    /// Each of them.
    All,
    /// `SELECT`, and whatever else reads rows.
    Select,
    /// `INSERT`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
}

impl PolicyCommand {
    /// PostgreSQL's letter for it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::All => '*',
            Self::Select => 'r',
            Self::Insert => 'a',
            Self::Update => 'w',
            Self::Delete => 'd',
        }
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

impl RowSecurity {
    /// Whether nothing was ever said.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The policy of this name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&PolicyDef> {
        self.policies.iter().find(|policy| policy.name == name)
    }

    /// The policies for `command`, restrictive ones by name, as PostgreSQL asks them.
    pub fn of(&self, command: PolicyCommand, permissive: bool) -> impl Iterator<Item = &PolicyDef> {
        let mut found: Vec<&PolicyDef> = self
            .policies
            .iter()
            .filter(|policy| policy.permissive == permissive)
            .filter(|policy| policy.command == PolicyCommand::All || policy.command == command)
            .collect();
        if !permissive {
            found.sort_by(|a, b| a.name.cmp(&b.name));
        }
        found.into_iter()
    }
}

impl PolicyDef {
    /// Both conditions.
    pub fn conditions(&self) -> impl Iterator<Item = &PolicyExpr> {
        self.using.iter().chain(&self.check)
    }

    /// Whether it is for one of these roles.
    pub fn is_for(&self, mut has_role: impl FnMut(RoleId) -> bool) -> bool {
        let mut roles = self.roles.iter();
        roles.any(|role| *role == RoleId::PUBLIC || has_role(*role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a released version has written must stay readable: change this only by adding.
    #[test]
    fn golden_row_security() {
        let security = RowSecurity {
            enabled: true,
            forced: false,
            policies: vec![PolicyDef {
                id: PolicyId(16_390),
                name: "own".to_owned(),
                permissive: true,
                command: PolicyCommand::Update,
                roles: vec![RoleId::PUBLIC],
                using: Some(PolicyExpr {
                    sql: "who = current_user".to_owned(),
                    table: "notes".to_owned(),
                    search_path: vec!["public".to_owned()],
                    columns: vec![ColumnId(2)],
                    relations: Vec::new(),
                }),
                check: None,
            }],
        };
        let golden = concat!(
            r#"{"enabled":true,"forced":false,"policies":[{"id":16390,"name":"own","#,
            r#""permissive":true,"command":"Update","roles":[0],"using":{"#,
            r#""sql":"who = current_user","table":"notes","search_path":["public"],"columns":[2]}}]}"#
        );
        assert_eq!(
            serde_json::to_string(&security).ok().as_deref(),
            Some(golden)
        );
        assert_eq!(serde_json::from_str(golden).ok(), Some(security));
    }
}
