//! Numbers that name catalog objects. Tables, indexes, sequences, views, schemas and constraints
//! draw from one sequence, so that a number alone is an object identifier, as in PostgreSQL.

use std::fmt;

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

impl SchemaId {
    /// The schema that every database starts with.
    pub const PUBLIC: Self = Self(200);
}
