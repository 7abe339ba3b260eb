//! Changing the one row with a key, which needs neither scan nor writer unless constraints or
//! indexes have a say.

use helios_base::{Result, Scn};
use helios_version::{LockMode, Read, RowVersion, View, Wait};

use super::writer::LockedRow;
use crate::catalog::TableDef;
use crate::row::StoredRow;
use crate::transaction::Transaction;

/// What became of the search for a row to change.
#[derive(Debug)]
pub enum Sought {
    /// It is there, as the statement's view shows it, and locked.
    Found(RowVersion),
    /// The view does not show it, or it is gone.
    Missing,
    /// Another transaction has changed it since the view was taken; it is locked. The conditions
    /// must be looked at again.
    Changed,
}

impl Transaction {
    /// Finds the row with a stored key in `view`, a view of this transaction, and locks it. A key
    /// that the view does not show is not locked.
    ///
    /// # Errors
    /// As [`TableWriter::lock`](super::TableWriter::lock).
    pub fn seek_to_change(
        &self,
        view: &View,
        table: &TableDef,
        key: &[u8],
        mode: LockMode,
    ) -> Result<Sought> {
        let Some(seen) = view.get(table.storage, key)? else {
            return Ok(Sought::Missing);
        };
        let txn = self.txn();
        let locked = txn.lock_seen(table.storage, key, Some(seen), mode, Wait::Block)?;
        Ok(match locked {
            Some(locked) if locked.changed_since_snapshot => Sought::Changed,
            Some(locked) => locked.latest.map_or(Sought::Missing, Sought::Found),
            None => Sought::Missing,
        })
    }

    /// Replaces a found row by one that differs in no column that a key, an index, a generated
    /// column or a constraint reads: its stored bytes are all there is to write.
    ///
    /// # Errors
    /// As [`Txn::put`](helios_version::Txn::put).
    pub fn replace_found(&self, table: &TableDef, key: &[u8], row: &[u8]) -> Result<()> {
        self.txn().put(table.storage, key, row, &[])
    }

    /// Deletes a found row of a table that no foreign key references. A row that this transaction
    /// wrote itself may have index entries to take back: only without indexes is that all.
    ///
    /// # Errors
    /// As [`Txn::delete`](helios_version::Txn::delete).
    pub fn delete_found(&self, table: &TableDef, key: &[u8]) -> Result<()> {
        self.txn().delete(table.storage, key)?;
        self.count(table.storage, -1);
        Ok(())
    }
}

impl LockedRow {
    /// A found row, for a writer of its table.
    ///
    /// # Errors
    /// `Corrupt` if it is not a row of the table.
    pub fn of_found(
        table: &TableDef,
        key: &[u8],
        found: &RowVersion,
        mode: LockMode,
    ) -> Result<Self> {
        let row = StoredRow::new(table.shape(), key, found.begin, &found.row)?;
        Ok(Self {
            key: key.to_vec(),
            values: row.values()?,
            changed: false,
            own: found.begin == Scn::MAX,
            strongest: mode == LockMode::Update,
        })
    }
}
