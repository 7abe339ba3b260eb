//! Statements about roles and privileges.

use helios_table::catalog::{Privileges, Securable};

use super::{Cascade, FunctionName, QualifiedName, SetValue};
use crate::parse::ast::{self, RoutineKind};

/// A role as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSpec {
    /// By its name.
    Named(String),
    /// `CURRENT_USER`, `CURRENT_ROLE`
    Current,
    /// `SESSION_USER`
    Session,
    /// `PUBLIC`: everybody.
    Public,
}

/// What `CREATE ROLE` and `ALTER ROLE` say of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleOption {
    /// `[NO]SUPERUSER`
    Superuser(bool),
    /// `[NO]CREATEDB`
    CreateDb(bool),
    /// `[NO]CREATEROLE`
    CreateRole(bool),
    /// `[NO]INHERIT`
    Inherit(bool),
    /// `[NO]LOGIN`
    Login(bool),
    /// `[NO]REPLICATION`
    Replication(bool),
    /// `[NO]BYPASSRLS`
    BypassRls(bool),
    /// `CONNECTION LIMIT`
    ConnectionLimit(i32),
    /// `PASSWORD`; `None` for `NULL`
    Password(Option<String>),
    /// `VALID UNTIL`
    ValidUntil(String),
    /// `IN ROLE`: the new role becomes a member of these.
    InRole(Vec<RoleSpec>),
    /// `ROLE`, `USER`: these become members; with `ADMIN` they may make others members.
    Members(Vec<RoleSpec>, bool),
}

/// Kinds of objects that change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKind {
    /// Tables, views, sequences.
    Relation,
    /// Schemas.
    Schema,
    /// Types and domains.
    Type,
    /// Branches.
    Branch,
}

/// Statements about roles and privileges.
#[derive(Clone, Debug)]
pub enum RoleCommand {
    /// `CREATE ROLE | USER | GROUP`
    Create {
        /// Name.
        name: String,
        /// What else is said; of a user that it may log in.
        options: Vec<RoleOption>,
    },
    /// `ALTER ROLE | USER | GROUP`
    Alter {
        /// Which.
        role: RoleSpec,
        /// What changes.
        options: Vec<RoleOption>,
    },
    /// `ALTER ROLE … SET`, `ALTER ROLE … RESET`
    Set {
        /// Whose.
        role: RoleSpec,
        /// Which setting; `None` for all.
        name: Option<String>,
        /// Its value; `None` takes it away.
        value: Option<SetValue>,
    },
    /// `ALTER ROLE … RENAME TO`
    Rename {
        /// Old name.
        from: String,
        /// New name.
        to: String,
    },
    /// `DROP ROLE | USER | GROUP`
    Drop {
        /// Which.
        roles: Vec<RoleSpec>,
        /// A missing one is a notice.
        if_exists: bool,
    },
    /// `GRANT` or `REVOKE` of memberships
    Member {
        /// `REVOKE`
        revoke: bool,
        /// In which roles.
        roles: Vec<String>,
        /// Who.
        members: Vec<RoleSpec>,
        /// `WITH ADMIN OPTION`; with `REVOKE`: only that.
        admin: bool,
    },
    /// `ALTER … OWNER TO`
    Owner {
        /// Of what kind the object is.
        kind: OwnerKind,
        /// Which.
        name: QualifiedName,
        /// The new owner.
        to: RoleSpec,
        /// A missing object is a notice.
        if_exists: bool,
        /// The statement's tag.
        tag: &'static str,
    },
    /// `GRANT` or `REVOKE` of privileges
    Grant(Box<GrantCommand>),
    /// `ALTER FUNCTION … OWNER TO`
    OwnRoutine {
        /// Which.
        routine: Routines,
        /// The new owner.
        to: RoleSpec,
        /// The statement's tag.
        tag: &'static str,
    },
    /// `ALTER DEFAULT PRIVILEGES`
    Default {
        /// Of objects that these make; none: that the current role makes.
        roles: Vec<RoleSpec>,
        /// In these schemas; none: everywhere.
        schemas: Vec<String>,
        /// Who may do what; on [`GrantTarget::Future`].
        grant: Box<GrantCommand>,
    },
    /// `REASSIGN OWNED`
    Reassign {
        /// Whose objects.
        roles: Vec<RoleSpec>,
        /// The new owner.
        to: RoleSpec,
    },
    /// `DROP OWNED`
    DropOwned {
        /// Whose objects.
        roles: Vec<RoleSpec>,
        /// With what depends on them.
        cascade: Cascade,
    },
}

/// Functions and procedures as a statement names them.
#[derive(Clone, Debug)]
pub enum Routines {
    /// As they were written.
    Written(RoutineKind, Vec<ast::FunctionName>),
    /// With the types of their arguments.
    Bound(Vec<FunctionName>),
}

/// `GRANT` or `REVOKE` of privileges on objects.
#[derive(Clone, Debug)]
pub struct GrantCommand {
    /// `REVOKE`
    pub revoke: bool,
    /// `REVOKE GRANT OPTION FOR`
    pub option_only: bool,
    /// Which, each perhaps on some columns only; `None` is `ALL`.
    pub privileges: Vec<(Option<Privileges>, Vec<String>)>,
    /// On what.
    pub on: GrantTarget,
    /// To or from whom.
    pub grantees: Vec<RoleSpec>,
    /// `WITH GRANT OPTION`
    pub grantable: bool,
    /// `CASCADE`
    pub cascade: bool,
    /// `GRANTED BY`
    pub granted_by: Option<RoleSpec>,
}

/// On what privileges are.
#[derive(Clone, Debug)]
pub enum GrantTarget {
    /// Tables and views, or sequences where a sequence has the name.
    Tables(Vec<QualifiedName>),
    /// Sequences.
    Sequences(Vec<QualifiedName>),
    /// All tables and views of these schemas.
    TablesIn(Vec<String>),
    /// All sequences of these schemas.
    SequencesIn(Vec<String>),
    /// Schemas.
    Schemas(Vec<String>),
    /// The database, by names.
    Databases(Vec<String>),
    /// Branches.
    Branches(Vec<String>),
    /// Types and domains.
    Types(Vec<QualifiedName>),
    /// Functions and procedures.
    Routines(Routines),
    /// All functions, procedures or both of these schemas.
    RoutinesIn(RoutineKind, Vec<String>),
    /// Objects of a kind that are yet to be made.
    Future(Securable),
}
