//! The changes that a statement's `WITH` names: each runs once, when its rows are first read or else
//! when the rest of the statement is done.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use helios_base::{Result, Row, TableId};
use parking_lot::Mutex;

use super::dml::Change;
use super::exec::Exec;
use crate::plan::CteId;

/// Those of one run, shared by the runs inside it.
#[derive(Default)]
pub(crate) struct Changing {
    /// Whether there are any: a statement without them need not note what it writes.
    any: AtomicBool,
    known: Mutex<HashMap<CteId, State>>,
    /// In the order of their definition.
    waiting: Mutex<Vec<(CteId, Arc<Change>)>>,
    /// The rows that any part of the statement has updated or deleted, or inserted under a key
    /// that others may meet.
    written: Mutex<HashSet<(TableId, Arc<[u8]>)>>,
}

/// How far one is.
#[derive(Clone)]
enum State {
    Waiting,
    Done(Arc<Vec<Row>>),
}

impl Changing {
    /// Makes `id` known. Opening the `WITH` again does not make it run again.
    pub(crate) fn announce(&self, id: CteId, change: &Arc<Change>) {
        self.any.store(true, Relaxed);
        let mut known = self.known.lock();
        if let std::collections::hash_map::Entry::Vacant(place) = known.entry(id) {
            place.insert(State::Waiting);
            self.waiting.lock().push((id, change.clone()));
        }
    }

    /// Whether some part of the statement has written this row, so that no other part may.
    pub(crate) fn wrote(&self, table: TableId, key: &[u8]) -> bool {
        self.any.load(Relaxed) && self.written.lock().contains(&(table, Arc::from(key)))
    }

    /// Notes that a row was written.
    pub(crate) fn note(&self, table: TableId, key: &[u8]) {
        if self.any.load(Relaxed) {
            self.written.lock().insert((table, Arc::from(key)));
        }
    }

    fn take(&self, id: CteId) -> Option<Arc<Change>> {
        let mut waiting = self.waiting.lock();
        let at = waiting.iter().position(|(known, _)| *known == id)?;
        Some(waiting.remove(at).1)
    }
}

impl Exec {
    /// The rows that the change `id` returns, running it if it has not run; `None` if it is no
    /// change.
    pub(crate) fn returned_by(&self, id: CteId) -> Result<Option<Arc<Vec<Row>>>> {
        let state = self.changing.known.lock().get(&id).cloned();
        match state {
            None => Ok(None),
            Some(State::Done(rows)) => Ok(Some(rows)),
            Some(State::Waiting) => match self.changing.take(id) {
                Some(change) => self.run_change(id, &change).map(Some),
                None => Err(helios_base::Error::internal("a change reads its own rows")),
            },
        }
    }

    /// Runs the changes whose rows nobody read: those defined later first, because they may read
    /// those before them.
    pub(crate) fn run_unread_changes(&self) -> Result<()> {
        loop {
            let next = self.changing.waiting.lock().pop();
            match next {
                Some((id, change)) => self.run_change(id, &change)?,
                None => return Ok(()),
            };
        }
    }

    fn run_change(&self, id: CteId, change: &Change) -> Result<Arc<Vec<Row>>> {
        // It may be asked for while a row is looked at again; it reads its tables whole.
        let changes = match &self.recheck {
            Some(_) => self.with_recheck(None).in_root(|cx| change.run(cx)),
            None => self.in_root(|cx| change.run(cx)),
        }?;
        let rows = Arc::new(changes.returned);
        self.changing
            .known
            .lock()
            .insert(id, State::Done(rows.clone()));
        Ok(rows)
    }
}
