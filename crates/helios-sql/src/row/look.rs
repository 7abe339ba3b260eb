//! What a statement reads at one of its moments.

use std::sync::Arc;

use helios_base::{Error, Result};
use helios_table::Catalog;

use super::reader::Reader;
use crate::plan::MomentId;

/// The rows of a moment and what they mean.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) reader: Reader,
    pub(crate) catalog: Arc<Catalog>,
}

/// What a statement reads at its moments, by number.
pub(crate) type Looks = Arc<[Look]>;

/// The look at a moment.
///
/// # Errors
/// Internal if there is none.
pub(crate) fn look(looks: &[Look], id: MomentId) -> Result<&Look> {
    looks
        .get(id.0)
        .ok_or_else(|| Error::internal("a moment that was not looked up"))
}
