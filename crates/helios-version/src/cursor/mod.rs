//! Cursors over rows and index entries: the same sources that a point read asks, merged in key
//! order.
//!
//! A cursor has one *side* per link of the branch chain and one for own writes. Each side stands on
//! its next key; the nearest side with the smallest key decides (the largest in reverse) and the
//! others skip that key. A cursor with a single side, which is that of every read of `main` outside
//! of a writing transaction, compares nothing and copies nothing.

mod apart;
mod branch;
mod cold;
mod gather;
mod keys;
mod merged;
mod own;
mod rows;

use std::ops::ControlFlow;
use std::sync::Arc;

use helios_base::Result;

use crate::row::RowRef;

pub use apart::Apart;
pub(crate) use cold::ColdRun;
pub use cold::Stretch;
pub use keys::KeyCursor;
pub use rows::{RowCursor, Run};

/// Keeps something alive as long as a cursor.
pub(crate) type Guard = Arc<dyn Send + Sync>;

/// What a cursor shows rows to.
trait Visitor {
    /// The side of a merged cursor from which on what follows comes.
    fn from(&mut self, side: usize) {
        let _ = side;
    }

    /// A row.
    fn row(&mut self, row: RowRef<'_>) -> Result<ControlFlow<()>>;

    /// A key whose row is deleted.
    fn gone(&mut self, pk: &[u8]) -> Result<()>;
}

impl<F: FnMut(RowRef<'_>) -> Result<ControlFlow<()>> + ?Sized> Visitor for F {
    #[inline]
    fn row(&mut self, row: RowRef<'_>) -> Result<ControlFlow<()>> {
        self(row)
    }

    #[inline]
    fn gone(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}
