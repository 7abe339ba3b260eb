//! Set-returning functions of the system catalogs.

use super::{SetFunction, set_function};
use crate::ty::Ty::Regclass;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    // No relation is a partition of another.
    set_function(
        "pg_partition_ancestors",
        &[Regclass],
        &[("relid", Regclass)],
        |_, _| Ok(Box::new(std::iter::empty())),
    ),
];
