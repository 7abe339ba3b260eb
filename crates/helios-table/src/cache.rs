//! Catalogs by branch and change number.
//!
//! Each branch has a slot with its newest catalogs and the change numbers they hold from, so that
//! finding a statement's catalog is a comparison. What no slot knows any more (the past) is read
//! from the system tables.
//!
//! Schema changes of one branch commit one at a time. While one commits, its changes stand beside
//! the newest catalog: whoever has a snapshot that may include the commit asks the store whether
//! it does. So a catalog never disagrees with the rows of the same snapshot.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use helios_base::{BranchId, Result, Scn, TableId, TxId};
use helios_version::{Read, Store};
use parking_lot::{Mutex, RwLock};

use crate::catalog::{Catalog, Change};
use crate::system;

/// How many recent catalogs of a branch are kept.
const RECENT: usize = 8;
/// How many catalogs of the past are kept.
const PAST: usize = 64;

/// The tables that hold the catalog.
pub(crate) const CATALOG: [TableId; 8] = [
    system::SCHEMAS,
    system::TABLES,
    system::SEQUENCES,
    system::VIEWS,
    system::TYPES,
    system::FUNCTIONS,
    system::ROLES,
    system::ACCESS,
];

/// The catalogs of all branches.
#[derive(Default)]
pub(crate) struct Cache {
    slots: RwLock<HashMap<BranchId, Arc<Slot>>>,
    /// By the last change of the schema that they show.
    past: Mutex<VecDeque<(BranchId, Scn, Arc<Catalog>)>>,
}

/// The catalogs of one branch.
pub(crate) struct Slot {
    branch: BranchId,
    /// Held while a schema change commits.
    turn: Mutex<()>,
    state: RwLock<State>,
}

struct State {
    /// Ascending; each holds from its change number to the next one's.
    recent: VecDeque<(Scn, Arc<Catalog>)>,
    committing: Option<Committing>,
}

struct Committing {
    txid: TxId,
    changes: Arc<[Change]>,
}

impl Cache {
    /// The slot of a branch, filled from `store` if it is new.
    pub(crate) fn slot(&self, store: &Store, branch: BranchId) -> Result<Arc<Slot>> {
        if let Some(slot) = self.slots.read().get(&branch) {
            return Ok(slot.clone());
        }
        // Schema changes go through a slot, so none can slip in while the lock is held.
        let mut slots = self.slots.write();
        if let Some(slot) = slots.get(&branch) {
            return Ok(slot.clone());
        }
        let snapshot = store.snapshot(branch, None)?;
        let catalog = Arc::new(Catalog::load(&snapshot)?);
        let slot = Arc::new(Slot {
            branch,
            turn: Mutex::new(()),
            state: RwLock::new(State {
                recent: VecDeque::from([(snapshot.scn(), catalog)]),
                committing: None,
            }),
        });
        slots.insert(branch, slot.clone());
        Ok(slot)
    }

    /// Forgets a branch: it was dropped, or changed other than through a slot.
    pub(crate) fn forget(&self, branch: BranchId) {
        self.slots.write().remove(&branch);
        self.past.lock().retain(|(b, ..)| *b != branch);
    }

    /// The catalog as of `read`, own changes of a transaction aside.
    pub(crate) fn at(&self, store: &Store, slot: &Slot, read: &dyn Read) -> Result<Arc<Catalog>> {
        let scn = read.scn();
        if let Some(catalog) = slot.at(store, scn)? {
            return Ok(catalog);
        }
        let branch = slot.branch;
        // The view may carry own writes, which the slot's callers add themselves.
        let snapshot = store.snapshot(branch, Some(scn))?;
        // Moments without a change of the schema between them share a catalog.
        let scn = snapshot.last_change(&CATALOG)?.unwrap_or(scn);
        let mut past = self.past.lock();
        if let Some((.., catalog)) = past.iter().find(|(b, s, _)| (*b, *s) == (branch, scn)) {
            return Ok(catalog.clone());
        }
        drop(past);
        let catalog = Arc::new(Catalog::load(&snapshot)?);
        past = self.past.lock();
        if past.len() >= PAST {
            past.pop_front();
        }
        past.push_back((branch, scn, catalog.clone()));
        Ok(catalog)
    }
}

impl Slot {
    /// The catalog that holds at `scn`, unless that is too long ago.
    fn at(&self, store: &Store, scn: Scn) -> Result<Option<Arc<Catalog>>> {
        let state = self.state.read();
        if let Some(catalog) = state.committed(store, Some(scn))? {
            return Ok(Some(catalog));
        }
        let known = state.recent.iter().rev().find(|(from, _)| *from <= scn);
        Ok(known.map(|(_, catalog)| catalog.clone()))
    }

    /// The version of the catalog that holds at `scn`, if that can be told at once.
    #[inline]
    pub(crate) fn version_at(&self, scn: Scn) -> Option<u64> {
        let state = self.state.read();
        if state.committing.is_some() {
            return None;
        }
        let known = state.recent.iter().rev().find(|(from, _)| *from <= scn);
        known.map(|(_, catalog)| catalog.version())
    }

    /// The newest committed catalog.
    pub(crate) fn newest(&self, store: &Store) -> Result<Arc<Catalog>> {
        let state = self.state.read();
        if let Some(catalog) = state.committed(store, None)? {
            return Ok(catalog);
        }
        match state.recent.back() {
            Some((_, catalog)) => Ok(catalog.clone()),
            None => Ok(Arc::new(Catalog::default())),
        }
    }

    /// Runs `commit`, which makes `changes` visible, and learns the catalog that results.
    pub(crate) fn commit(
        &self,
        txid: TxId,
        changes: Arc<[Change]>,
        commit: impl FnOnce() -> Result<Scn>,
    ) -> Result<Scn> {
        let _turn = self.turn.lock();
        self.state.write().committing = Some(Committing {
            txid,
            changes: changes.clone(),
        });
        let result = commit();
        let mut state = self.state.write();
        state.committing = None;
        if let (Ok(scn), Some((_, newest))) = (&result, state.recent.back()) {
            let catalog = Arc::new(newest.with(changes.iter().cloned()));
            state.recent.push_back((*scn, catalog));
            if state.recent.len() > RECENT {
                state.recent.pop_front();
            }
        }
        result
    }
}

impl State {
    /// The catalog with the schema change that is being committed, if that is visible (at `scn`).
    fn committed(&self, store: &Store, scn: Option<Scn>) -> Result<Option<Arc<Catalog>>> {
        let Some(committing) = &self.committing else {
            return Ok(None);
        };
        let visible = match store.scn_of(committing.txid)? {
            Some(committed) => scn.is_none_or(|scn| committed <= scn) && committed <= store.scn(),
            None => false,
        };
        Ok(match self.recent.back() {
            Some((_, newest)) if visible => {
                Some(Arc::new(newest.with(committing.changes.iter().cloned())))
            }
            _ => None,
        })
    }
}
