//! Rows of files.

use std::sync::Arc;

use super::PlanColumn;
use crate::files::FileSet;

/// The rows of some files, which were looked at when the statement was bound.
#[derive(Clone)]
pub struct FileScan {
    /// The files.
    pub(crate) files: Arc<FileSet>,
    /// The name by which the statement calls them.
    pub alias: Arc<str>,
    /// The files' columns read, by number, one per output column.
    pub reads: Vec<usize>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}

impl FileScan {
    /// The path or pattern of the files, as the statement has it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.files.pattern
    }
}

impl std::fmt::Debug for FileScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileScan")
            .field("path", &self.path())
            .field("reads", &self.reads)
            .finish_non_exhaustive()
    }
}
