//! What a statement reads from: a snapshot, or a transaction's view.

use std::sync::Arc;

use helios_version::Read;

/// The rows that a statement sees. Cheap to clone.
pub(crate) type Reader = Arc<dyn Read>;
