//! Uniqueness, exact under concurrency.
//!
//! Whoever adds a key to a unique index locks the key until the transaction ends, so two adders of
//! the same key come one after the other. Whoever takes a key away (deletes the row or changes the
//! key) holds the row's strongest lock; an adder that finds the row still there takes a share of
//! the row's key, which waits for the remover, and looks again. Either way the question is decided
//! by what is committed, never by what is in flight.

use helios_base::{Result, Scn, Value};
use helios_version::{LockMode, Wait};

use super::writer::TableWriter;
use crate::row::{IndexRules, KeyRange, StoredRow};

impl TableWriter<'_> {
    /// The stored key of a row other than `own` that has the same key as `row` in a unique index
    /// with entries. Locks the key first.
    pub(crate) fn find_duplicate(
        &self,
        index: &IndexRules,
        row: &[Value],
        own: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>> {
        if !index.def.nulls_not_distinct && index.has_null(row)? {
            return Ok(None);
        }
        let mut keys = Vec::new();
        if !index.encode_keys(row, &mut keys)? {
            return Ok(None);
        }
        let space = index.storage().0;
        self.txn()
            .lock_key(space, &keys, LockMode::Update, Wait::Block)?;
        for pk in self.candidates(index, &keys)? {
            if own == Some(pk.as_slice()) {
                continue;
            }
            let Some(begin) = self.confirms(index, &keys, &pk)? else {
                if self.waits(index, &keys, &pk)? {
                    return Ok(Some(pk));
                }
                continue;
            };
            if begin == Scn::MAX {
                return Ok(Some(pk));
            }
            let storage = self.table().storage;
            self.txn()
                .lock_row(storage, &pk, LockMode::KeyShare, Wait::Block)?;
            if self.confirms(index, &keys, &pk)?.is_some() {
                return Ok(Some(pk));
            }
        }
        Ok(None)
    }

    /// Whether the row is one of this statement that waits in a segment, of which the entry is all that can be found.
    fn waits(&self, index: &IndexRules, keys: &[u8], pk: &[u8]) -> Result<bool> {
        if self.table().key.is_empty() {
            return Ok(false);
        }
        let mut entry = keys.to_vec();
        entry.extend_from_slice(pk);
        (self.txn()).has_lone_entry(self.table().storage, pk, index.storage(), &entry)
    }

    /// The stored keys of rows that have, or had, these index keys.
    pub(crate) fn candidates(&self, index: &IndexRules, keys: &[u8]) -> Result<Vec<Vec<u8>>> {
        let range = KeyRange::prefix(keys.to_vec());
        let mut cursor = self
            .txn()
            .latest_index_scan(index.storage(), range.bounds(), false)?;
        let mut found = Vec::new();
        while let Some(entry) = cursor.next()? {
            let (_, pk) = index.split(entry)?;
            found.push(pk.to_vec());
        }
        Ok(found)
    }

    /// Whether the newest version of the row has these index keys: the commit that wrote it.
    pub(crate) fn confirms(
        &self,
        index: &IndexRules,
        keys: &[u8],
        pk: &[u8],
    ) -> Result<Option<Scn>> {
        let table = self.table();
        let Some(found) = self.txn().latest(table.storage, pk)? else {
            return Ok(None);
        };
        let stored = StoredRow::new(table.shape(), pk, found.begin, &found.row)?;
        let mut row = vec![Value::Null; table.columns.len()];
        stored.fill(index.reads(), &mut row)?;
        let mut now = Vec::with_capacity(keys.len());
        let there = index.encode_keys(&row, &mut now)? && now == keys;
        Ok(there.then_some(found.begin))
    }
}
