//! The common table expressions of a run: announced, then computed as far as they are read.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Error, Result, Row};
use parking_lot::Mutex;

use super::exec::{Cx, Frame};
use super::memory::Held;
use super::node::Node;
use super::op::{self, BoxOperator};
use crate::plan::CteId;

/// One expression, shared by all that read it.
#[derive(Clone)]
pub(crate) struct SharedRows(Arc<Mutex<Computed>>);

/// How far one expression was computed.
struct Computed {
    node: Node,
    frame: Frame,
    /// What computes the rest, once somebody asked.
    operator: Option<BoxOperator>,
    rows: Vec<Row>,
    held: Held,
    /// All rows, when there are no more.
    whole: Option<Arc<Vec<Row>>>,
}

/// A row of an expression, or all there are.
pub(crate) enum Found {
    /// The row of this number; `None` behind the last.
    Row(Option<Row>),
    /// It was computed to its end.
    Whole(Arc<Vec<Row>>),
}

impl SharedRows {
    fn new(node: Node, frame: Frame) -> Self {
        Self(Arc::new(Mutex::new(Computed {
            node,
            frame,
            operator: None,
            rows: Vec::new(),
            held: Held::default(),
            whole: None,
        })))
    }

    /// The row at `index`, computed now if nobody asked for it before: what is not read is not
    /// computed, so that endless recursions can be read in part.
    ///
    /// # Errors
    /// What computing it raises.
    pub(crate) fn get(&self, index: usize, cx: &Cx<'_>) -> Result<Found> {
        let mut guard = self.0.lock();
        let this = &mut *guard;
        if let Some(whole) = &this.whole {
            return Ok(Found::Whole(whole.clone()));
        }
        while this.rows.len() <= index {
            let cx = cx.in_frame(&this.frame);
            let operator = match &mut this.operator {
                Some(operator) => operator,
                None => this.operator.insert(op::open(&this.node, &cx)?),
            };
            match operator.next(&cx)? {
                Some(row) => {
                    this.held.row(&row, &cx)?;
                    this.rows.push(row);
                }
                None => {
                    this.operator = None;
                    let whole = Arc::new(std::mem::take(&mut this.rows));
                    this.whole = Some(whole.clone());
                    return Ok(Found::Whole(whole));
                }
            }
        }
        Ok(Found::Row(this.rows.get(index).cloned()))
    }

    /// The same expression for another run: what was computed whole, else from the beginning.
    fn fork(&self) -> Self {
        let this = self.0.lock();
        let fork = Self::new(this.node.clone(), this.frame.clone());
        fork.0.lock().whole.clone_from(&this.whole);
        fork
    }
}

/// All of one run.
#[derive(Default)]
pub(crate) struct Ctes {
    slots: Mutex<HashMap<CteId, SharedRows>>,
    working: Mutex<HashMap<CteId, Arc<Vec<Row>>>>,
}

impl Ctes {
    /// A copy for a run inside this one.
    pub(crate) fn fork(&self) -> Self {
        let slots = self.slots.lock();
        let slots = slots.iter().map(|(id, rows)| (*id, rows.fork()));
        Self {
            slots: Mutex::new(slots.collect()),
            working: Mutex::new(self.working.lock().clone()),
        }
    }

    /// Says how to compute `id`; what an earlier run of its `WITH` computed is forgotten. Whether
    /// there was such a run.
    pub(crate) fn announce(&self, id: CteId, node: &Node, frame: &Frame) -> bool {
        let rows = SharedRows::new(node.clone(), frame.clone());
        self.slots.lock().insert(id, rows).is_some()
    }

    /// The rows of `id`.
    ///
    /// # Errors
    /// Internal if it was not announced.
    pub(crate) fn get(&self, id: CteId) -> Result<SharedRows> {
        self.slots.lock().get(&id).cloned().ok_or_else(|| {
            Error::internal(format!("common table expression {} is not there", id.0))
        })
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
