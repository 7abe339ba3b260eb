//! Statements about types.

use helios_table::ddl::{DomainChange, LabelPlace, NewType};

use super::QualifiedName;

/// `CREATE TYPE`, `CREATE DOMAIN`.
#[derive(Clone, Debug)]
pub struct CreateType {
    /// Name.
    pub name: QualifiedName,
    /// What it is.
    pub new: NewType,
    /// Whether it was `CREATE DOMAIN`.
    pub domain: bool,
}

/// `ALTER TYPE`, `ALTER DOMAIN`. The name is resolved by the executor, in its transaction.
#[derive(Clone, Debug)]
pub struct AlterType {
    /// Name.
    pub name: QualifiedName,
    /// Whether it was `ALTER DOMAIN`.
    pub domain: bool,
    /// What changes.
    pub change: TypeChange,
}

/// A change of a type.
#[derive(Clone, Debug)]
pub enum TypeChange {
    /// `ADD VALUE`
    AddLabel {
        /// Label.
        label: String,
        /// Where.
        place: LabelPlace,
        /// Do nothing, with a notice, if it is there.
        if_not_exists: bool,
    },
    /// `RENAME VALUE … TO …`
    RenameLabel(String, String),
    /// `RENAME TO`
    Rename(String),
    /// `SET SCHEMA`
    SetSchema(String),
    /// Fields, in order.
    Fields(Vec<FieldChange>),
    /// A change of a domain; `true`: a missing constraint is a notice.
    Domain(DomainChange, bool),
}

/// A change of a composite type's field.
#[derive(Clone, Debug)]
pub enum FieldChange {
    /// `ADD ATTRIBUTE`
    Add(String, helios_base::DataType),
    /// `DROP ATTRIBUTE [IF EXISTS]`
    Drop(String, bool),
    /// `ALTER ATTRIBUTE … TYPE`
    Retype(String, helios_base::DataType),
    /// `RENAME ATTRIBUTE`
    Rename(String, String),
}
