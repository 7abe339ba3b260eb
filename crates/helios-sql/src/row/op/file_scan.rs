//! Rows of files, in the row executor.

use std::sync::Arc;

use helios_base::{Result, Row};

use super::super::node::FileScanNode;
use super::{Cx, Operator};
use crate::files::FileRows;

pub(super) struct FileScan {
    node: Arc<FileScanNode>,
    /// The file that is read.
    rows: Option<FileRows>,
    /// The number of the next file.
    next: usize,
    steps: usize,
}

impl FileScan {
    pub(super) fn open(node: &Arc<FileScanNode>) -> Self {
        Self {
            node: Arc::clone(node),
            rows: None,
            next: 0,
            steps: 0,
        }
    }
}

impl Operator for FileScan {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        cx.poll(self.steps)?;
        self.steps += 1;
        loop {
            if let Some(rows) = &mut self.rows
                && let Some(row) = rows.next_row()?
            {
                return Ok(Some(row));
            }
            if self.next >= self.node.files.files.len() {
                return Ok(None);
            }
            let (files, reads) = (&self.node.files, &self.node.reads);
            self.rows = Some(files.rows(self.next, reads, &cx.exec.text)?);
            self.next += 1;
        }
    }
}
