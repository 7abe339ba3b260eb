//! Cursors over rows and index entries: the same sources that a point read asks, merged in key
//! order.
//!
//! A cursor has one *side* per link of the branch chain and one for own writes. Each side stands on
//! its next key; the nearest side with the smallest key decides (the largest in reverse) and the
//! others skip that key. A cursor with a single side, which is that of every read of `main` outside
//! of a writing transaction, compares nothing and copies nothing.

mod branch;
mod cold;
mod gather;
mod keys;
mod merged;
mod own;
mod rows;

use std::sync::Arc;

pub(crate) use cold::ColdRun;
pub use cold::Stretch;
pub use keys::KeyCursor;
pub use rows::{RowCursor, Run};

/// Keeps something alive as long as a cursor.
pub(crate) type Guard = Arc<dyn Send + Sync>;
