//! Statements about types, as written.

use super::{Constraint, Ident, Name, Pos, TextExpr, TypeName};
use crate::plan::Cascade;

/// `CREATE TYPE`, `CREATE DOMAIN`
#[derive(Clone, Debug)]
pub struct CreateType {
    /// Name.
    pub name: Name,
    /// What it is.
    pub kind: NewType,
}

/// What a new type is.
#[derive(Clone, Debug)]
pub enum NewType {
    /// `AS ENUM (labels)`
    Enum(Vec<String>),
    /// `AS (fields)`
    Composite(Vec<(Ident, TypeName)>),
    /// `CREATE DOMAIN`
    Domain {
        /// Base.
        ty: TypeName,
        /// `COLLATE`
        collation: Option<Name>,
        /// `DEFAULT`, `NOT NULL`, `CHECK`
        constraints: Vec<Constraint>,
    },
}

/// `ALTER TYPE`, `ALTER DOMAIN`
#[derive(Clone, Debug)]
pub struct AlterType {
    /// Name.
    pub name: Name,
    /// `ALTER DOMAIN`
    pub domain: bool,
    /// In order; more than one only of attributes.
    pub changes: Vec<TypeChange>,
    /// Where.
    pub pos: Pos,
}

/// Where a new label goes.
#[derive(Clone, Debug)]
pub enum LabelPlace {
    /// At the end.
    Last,
    /// `BEFORE`
    Before(String),
    /// `AFTER`
    After(String),
}

/// One change of a type.
#[derive(Clone, Debug)]
pub enum TypeChange {
    /// `ADD VALUE`
    AddLabel {
        /// Label.
        label: String,
        /// Where.
        place: LabelPlace,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `RENAME VALUE`
    RenameLabel(String, String),
    /// `RENAME TO`
    Rename(Ident),
    /// `SET SCHEMA`
    SetSchema(Ident),
    /// `ADD ATTRIBUTE`
    AddField(Ident, TypeName),
    /// `DROP ATTRIBUTE [IF EXISTS]`
    DropField(Ident, bool),
    /// `ALTER ATTRIBUTE … TYPE`
    SetFieldType(Ident, TypeName),
    /// `RENAME ATTRIBUTE`
    RenameField(Ident, Ident),
    /// `SET DEFAULT`, `DROP DEFAULT`
    Default(Option<TextExpr>),
    /// `SET NOT NULL`, `DROP NOT NULL`
    NotNull(bool),
    /// `ADD CONSTRAINT`
    AddConstraint(Box<Constraint>),
    /// `DROP CONSTRAINT [IF EXISTS]`
    DropConstraint(Ident, bool, Cascade),
    /// `RENAME CONSTRAINT`
    RenameConstraint(Ident, Ident),
    /// `VALIDATE CONSTRAINT`
    Validate(Ident),
}
