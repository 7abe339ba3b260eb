//! Writing merged rows: under keys that are given, with checks that wait for the whole merge.

use helios_base::{Result, Value};
use helios_expr::EvalContext;
use helios_version::{LockMode, RowVersion, Wait};

use super::writer::{LockedRow, TableWriter};

impl TableWriter<'_> {
    /// From here on uniqueness is not checked row by row, since two rows of a merge may exchange
    /// their keys, and foreign keys to this table are checked but do nothing: a merge deletes what
    /// its source deleted and no more.
    pub(crate) fn put_checks_off(&mut self) {
        self.lenient = true;
    }

    /// Writes a merged row under `key`, in place of the locked row, if there is one.
    ///
    /// # Errors
    /// 23502, 23514; 40P01, 55P03, 57014 from waiting.
    pub(crate) fn put_merged(
        &mut self,
        key: &[u8],
        old: Option<&LockedRow>,
        row: &mut [Value],
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        self.complete(row, ctx)?;
        self.store_merged(key, old, row)
    }

    /// Whether rows can be written as they are stored elsewhere, by [`TableWriter::take_stored`]: nothing is to
    /// be done about other rows or indexes.
    pub(crate) fn takes_stored_rows(&self) -> bool {
        let rules = self.rules();
        rules.foreign_keys.is_empty()
            && !self.referenced
            && rules.indexes.iter().all(|index| index.def.clustered)
    }

    /// Puts `new`, a stored row that satisfies the constraints of this table, in place of `old`, or deletes it. False
    /// if the row is not `old`; then nothing is done. `seen`: the statement's view has it as `old`.
    ///
    /// # Errors
    /// 40P01, 55P03, 57014 from waiting.
    pub(crate) fn take_stored(
        &mut self,
        key: &[u8],
        old: Option<&RowVersion>,
        new: Option<&[u8]>,
        seen: bool,
    ) -> Result<bool> {
        let storage = self.table().storage;
        let txn = self.txn();
        let (mode, wait) = (LockMode::Update, Wait::Block);
        let locked = match seen {
            true => txn.lock_seen(storage, key, old.cloned(), mode, wait)?,
            false => txn.lock_row(storage, key, mode, wait)?,
        };
        let latest = locked.and_then(|locked| locked.latest);
        if latest.as_ref().map(|latest| &latest.row) != old.map(|old| &old.row) {
            return Ok(false);
        }
        match new {
            Some(row) => txn.put(storage, key, row, &[])?,
            None => txn.delete(storage, key)?,
        }
        let count = i64::from(new.is_some()) - i64::from(old.is_some());
        self.transaction().count(storage, count);
        Ok(true)
    }

    /// Verifies that no other row has the unique keys of the row stored under `key`.
    ///
    /// # Errors
    /// 23505; 40P01, 55P03, 57014 from waiting.
    pub(crate) fn verify_unique_keys(&self, key: &[u8]) -> Result<()> {
        let rules = self.rules().clone();
        let unique = rules.indexes.iter().filter(|index| index.def.unique);
        for index in unique.filter(|index| !index.def.clustered) {
            if !self.is_deferrable(index) {
                self.verify_unique(index, key)?;
            }
        }
        Ok(())
    }
}
