//! Rows of a table as values: what the stored bytes mean under a table's definition.

mod index;
mod key_range;
mod rules;
mod shape;
mod stored;

use std::sync::{Arc, OnceLock};

pub(crate) use index::index_context;
pub use index::{IndexRules, KeyPart};
pub use key_range::{KeyRange, KeyRangeSpec};
pub use rules::{Renaming, Rules, TableExprs};
pub use shape::Shape;
pub use stored::{Field, StoredRow};

/// What is derived from a table's definition, made at first use. A changed copy of a definition
/// starts without.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub(crate) shape: OnceLock<Shape>,
    pub(crate) rules: OnceLock<Arc<Rules>>,
}

impl Clone for Derived {
    fn clone(&self) -> Self {
        Self::default()
    }
}
