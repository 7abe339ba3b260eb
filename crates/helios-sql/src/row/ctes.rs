//! The common table expressions of a run: announced, then computed when first read.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Error, Result, Row};
use parking_lot::Mutex;

use super::exec::Frame;
use super::node::Node;
use crate::plan::CteId;

/// The rows of one, or how to compute them.
type Slot = Result<Arc<Vec<Row>>, (Node, Frame)>;

/// All of one run.
#[derive(Default)]
pub(crate) struct Ctes {
    slots: Mutex<HashMap<CteId, Slot>>,
    working: Mutex<HashMap<CteId, Arc<Vec<Row>>>>,
}

impl Ctes {
    /// A copy for a run inside this one.
    pub(crate) fn fork(&self) -> Self {
        Self {
            slots: Mutex::new(self.slots.lock().clone()),
            working: Mutex::new(self.working.lock().clone()),
        }
    }

    /// Says how to compute `id`; what an earlier run of its `WITH` computed is forgotten.
    pub(crate) fn announce(&self, id: CteId, node: &Node, frame: &Frame) {
        self.slots
            .lock()
            .insert(id, Err((node.clone(), frame.clone())));
    }

    /// The rows of `id`, or the query to run and then [`Ctes::put`].
    pub(crate) fn get(&self, id: CteId) -> Result<Slot> {
        self.slots.lock().get(&id).cloned().ok_or_else(|| {
            Error::internal(format!("common table expression {} is not there", id.0))
        })
    }

    /// Keeps the rows of `id`.
    pub(crate) fn put(&self, id: CteId, rows: Arc<Vec<Row>>) {
        self.slots.lock().insert(id, Ok(rows));
    }

    /// The working table of the recursion `id`; empty outside of it.
    pub(crate) fn working(&self, id: CteId) -> Arc<Vec<Row>> {
        self.working.lock().get(&id).cloned().unwrap_or_default()
    }

    /// Sets the working table and returns the one before.
    pub(crate) fn set_working(
        &self,
        id: CteId,
        rows: Option<Arc<Vec<Row>>>,
    ) -> Option<Arc<Vec<Row>>> {
        match rows {
            Some(rows) => self.working.lock().insert(id, rows),
            None => self.working.lock().remove(&id),
        }
    }
}
