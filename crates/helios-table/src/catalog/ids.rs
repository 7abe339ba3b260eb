//! Numbers that name catalog objects. Tables, indexes, sequences, views, schemas and constraints
//! draw from one sequence, so that a number alone is an object identifier, as in PostgreSQL.

use std::fmt;

use helios_base::BranchId;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A schema: a namespace of relations.
    SchemaId
}
id! {
    /// A constraint of a table.
    ConstraintId
}
id! {
    /// A sequence.
    SequenceId
}
id! {
    /// A view.
    ViewId
}
id! {
    /// A type.
    TypeId
}
id! {
    /// A function or procedure.
    FunctionId
}
id! {
    /// A role.
    RoleId
}
id! {
    /// A policy of a table.
    PolicyId
}

/// The first number of a user's object, as in PostgreSQL; smaller ones are the system's own.
pub const FIRST_USER_ID: u32 = 16_384;

/// The number by which the main branch keeps who owns a branch and who may do what with it: beyond those of all objects.
#[must_use]
pub const fn branch_object(branch: BranchId) -> u32 {
    BRANCHES | branch.0
}

/// The branch whose privileges this number is for.
#[must_use]
pub const fn branch_of_object(object: u32) -> Option<BranchId> {
    match object & BRANCHES {
        0 => None,
        _ => Some(BranchId(object & !BRANCHES)),
    }
}

const BRANCHES: u32 = 1 << 31;

impl SchemaId {
    /// The schema that every database starts with.
    pub const PUBLIC: Self = Self(200);
}
