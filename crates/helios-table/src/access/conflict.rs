//! `ON CONFLICT`: which row stands in the way of a new one.

use helios_base::{IndexId, Result, Value};
use helios_version::{LockMode, Wait};

use super::writer::TableWriter;
use crate::row::StoredRow;

/// The row that a new row would collide with.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The stored key of the row that is there.
    pub key: Vec<u8>,
    /// The unique index in which they collide.
    pub index: IndexId,
}

impl TableWriter<'_> {
    /// Looks for a row that collides with `row` in one of `arbiters`, or, if there are none given,
    /// in any unique index.
    ///
    /// Waits for transactions that are adding or removing such a row. `None`: the keys are now
    /// reserved for this transaction, and [`TableWriter::insert`] will not collide in them. `row`
    /// must be complete, see [`TableWriter::complete`].
    ///
    /// # Errors
    /// 40P01, 55P03, 57014 from waiting; 40001 at REPEATABLE READ and above when the other row is
    /// not visible.
    pub fn find_conflict(
        &mut self,
        row: &[Value],
        arbiters: &[IndexId],
    ) -> Result<Option<Conflict>> {
        let rules = self.rules().clone();
        for index in &rules.indexes {
            let wanted = arbiters.is_empty() || arbiters.contains(&index.def.id);
            if !index.def.unique || !wanted || self.is_deferrable(index) {
                continue;
            }
            let found = if index.def.clustered {
                let mut pk = Vec::new();
                self.table().shape().encode_key_of(row, &mut pk)?;
                // A look before the lock: the row that is there usually stays, and then a share of
                // its key is all that need be held.
                (self.live(&pk)? || self.reserve(&pk)?).then_some(pk)
            } else {
                self.find_duplicate(index, row, None)?
            };
            if let Some(key) = found {
                let index = index.def.id;
                return Ok(Some(Conflict { key, index }));
            }
        }
        Ok(None)
    }

    /// Whether a committed or own row has this stored key, after waiting for whoever deletes it.
    pub(crate) fn live(&self, pk: &[u8]) -> Result<bool> {
        self.txn().share_key(self.table().storage, pk)
    }

    /// Locks the stored key for a new row. True if there is a row.
    pub(crate) fn reserve(&self, pk: &[u8]) -> Result<bool> {
        self.lock_and_look(pk, LockMode::NoKeyUpdate)
    }

    fn lock_and_look(&self, pk: &[u8], mode: LockMode) -> Result<bool> {
        let locked = self
            .txn()
            .lock_row(self.table().storage, pk, mode, Wait::Block)?;
        Ok(locked.is_some_and(|locked| locked.latest.is_some()))
    }

    /// The values of the row with this stored key as of now.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn latest(&self, key: &[u8]) -> Result<Option<Vec<Value>>> {
        let table = self.table();
        match self.txn().latest(table.storage, key)? {
            Some(found) => {
                let row = StoredRow::new(table.shape(), key, found.begin, &found.row)?;
                row.values().map(Some)
            }
            None => Ok(None),
        }
    }
}
