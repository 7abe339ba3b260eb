//! Constraints that are not decided by one row alone, or not at once: foreign keys, deferrable
//! uniqueness, and the queue of what waits for the end of the statement or the transaction.

mod action;
mod foreign_key;
mod known_parents;
mod parents_of_many;
mod pending;
mod referencing;

pub(crate) use foreign_key::convert;
pub(crate) use known_parents::KnownParents;
pub use pending::ConstraintTarget;
pub(crate) use pending::{Modes, Pending};
