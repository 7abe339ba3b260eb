//! Writing frozen layers into the state file, a bounded step at a time.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{Error, ErrorKind, Result, SqlState, failpoint};
use redb::{CursorError, Database, ReadableTable, Table, WriteTransaction};

use crate::Keyspace;
use crate::merge::Merge;
use crate::overlay::{Layer, sources};
use crate::page::Entry;
use crate::sorted::Gone;
use crate::state::{Raw, definition, guarded, set_mark, state_error};

/// What to do about a failed checkpoint.
const FAILED: &str = "Close the database, free the disk of its trouble and open it again.";

/// Bytes that one run of appended entries may gather.
const APPEND_BYTES: usize = 1 << 20;

/// A checkpoint under way. All of it is one transaction of the state file, so that nothing of it
/// shows, or survives, before its mark does.
pub(crate) struct Checkpoint {
    pub mark: u64,
    /// What it writes, newest first.
    pub layers: Arc<[Arc<Layer>]>,
    writing: Option<WriteTransaction>,
    stage: Stage,
}

enum Stage {
    /// Removing the ranges that any layer lost; this is about older state only, because the
    /// merge shows no key that a newer layer's range hides.
    Ranges(Vec<Gone>),
    /// Writing the keyspace with this number.
    Keys(usize, Option<Merge>),
    /// Everything is written.
    Commit,
    /// A write failed.
    Failed,
}

impl Checkpoint {
    pub fn new(mark: u64, layers: Arc<[Arc<Layer>]>) -> Self {
        let gone = layers.iter().flat_map(|layer| layer.gone.iter().cloned());
        Self {
            mark,
            stage: Stage::Ranges(gone.collect()),
            layers,
            writing: None,
        }
    }

    /// Works on about `budget` keys; true once everything is durable.
    pub fn step(&mut self, database: &Database, budget: usize) -> Result<bool> {
        if matches!(self.stage, Stage::Failed) {
            return Err(Error::new(
                SqlState::IO_ERROR,
                "the state file takes no more checkpoints since one failed",
            )
            .with_kind(ErrorKind::Poisoned)
            .with_hint(FAILED));
        }
        let result = guarded("write", || self.work(database, budget.max(1)));
        if result.is_err() {
            self.stage = Stage::Failed;
            self.writing = None;
        }
        result.map_err(|error| match error.kind() {
            ErrorKind::Corrupt => error,
            _ => error.with_kind(ErrorKind::Poisoned).with_hint(FAILED),
        })
    }

    fn work(&mut self, database: &Database, mut budget: usize) -> Result<bool> {
        let writing = match &mut self.writing {
            Some(writing) => writing,
            none => none.insert(begin(database)?),
        };
        while budget > 0 {
            match &mut self.stage {
                Stage::Ranges(ranges) => match ranges.last() {
                    Some(gone) => {
                        if remove_some(writing, gone, &mut budget)? {
                            ranges.pop();
                        }
                    }
                    None => self.stage = Stage::Keys(0, None),
                },
                Stage::Keys(number, merge) => {
                    let Some(keyspace) = Keyspace::ALL.get(*number).copied() else {
                        failpoint::hit("kv.checkpoint.written")?;
                        self.stage = Stage::Commit;
                        continue;
                    };
                    let merge = match merge {
                        Some(merge) => merge,
                        none => none.insert(all_of(&self.layers, keyspace)?),
                    };
                    failpoint::hit("kv.checkpoint.step")?;
                    if write_some(writing, keyspace, merge, &mut budget)? {
                        self.stage = Stage::Keys(*number + 1, None);
                    }
                }
                Stage::Commit => {
                    set_mark(writing, self.mark)?;
                    failpoint::hit("kv.checkpoint.commit")?;
                    if let Some(writing) = self.writing.take() {
                        writing
                            .commit()
                            .map_err(|error| state_error("write", error))?;
                    }
                    failpoint::hit("kv.checkpoint.committed")?;
                    return Ok(true);
                }
                Stage::Failed => return Ok(false),
            }
        }
        Ok(false)
    }
}

fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut writing = database
        .begin_write()
        .map_err(|error| state_error("write", error))?;
    // The allocator's state goes with the commit, so that opening after a crash does not have to
    // walk the whole file.
    writing.set_quick_repair(true);
    Ok(writing)
}

fn all_of(layers: &[Arc<Layer>], keyspace: Keyspace) -> Result<Merge> {
    let (sources, gone) = sources(layers.iter().map(|layer| &**layer), keyspace);
    Merge::new(sources, gone, (Bound::Unbounded, Bound::Unbounded), false)
}

/// Writes entries of `merge` until the budget is spent; true at the end.
fn write_some(
    writing: &WriteTransaction,
    keyspace: Keyspace,
    merge: &mut Merge,
    budget: &mut usize,
) -> Result<bool> {
    let fail = |error: redb::StorageError| state_error("write", error);
    let mut table = writing
        .open_table(definition(keyspace))
        .map_err(|error| state_error("write", error))?;
    let last = table.last().map_err(fail)?;
    let last = last.map(|(key, _)| key.value().to_vec());
    let beyond = |key: &[u8]| last.as_ref().is_none_or(|last| key > &last[..]);
    while let Some((key, entry)) = merge.peek_entry()? {
        if *budget == 0 {
            return Ok(false);
        }
        // Keys come in order: behind the last one of the table only new ones follow.
        if beyond(key) {
            return append_some(&mut table, merge, budget);
        }
        match entry {
            Entry::Put(value) => table.insert(key, value).map(drop),
            Entry::Tombstone => table.remove(key).map(drop),
        }
        .map_err(fail)?;
        merge.pass();
        *budget -= 1;
    }
    Ok(true)
}

/// As [`write_some`] for entries behind all of the table, which is several times cheaper.
fn append_some(
    table: &mut Table<'_, Raw, Raw>,
    merge: &mut Merge,
    budget: &mut usize,
) -> Result<bool> {
    let fail = |error: redb::StorageError| state_error("write", error);
    loop {
        let mut cursor = table
            .upper_bound_mut(Bound::<&[u8]>::Unbounded)
            .map_err(fail)?;
        // The cursor gathers what it is given, so it does not get too much.
        let mut left = APPEND_BYTES;
        while let Some((key, entry)) = merge.peek_entry()? {
            if *budget == 0 || left == 0 {
                break;
            }
            // There is nothing here that a tombstone could remove.
            if let Entry::Put(value) = entry {
                cursor
                    .insert_before(key, value)
                    .map_err(|error| match error {
                        CursorError::Storage(error) => fail(error),
                        error => Error::internal(format!("keys out of order: {error}")),
                    })?;
                left = left.saturating_sub(key.len() + value.len());
            }
            merge.pass();
            *budget -= 1;
        }
        cursor.close().map_err(fail)?;
        if merge.peek_entry()?.is_none() {
            return Ok(true);
        }
        if *budget == 0 {
            return Ok(false);
        }
    }
}

/// Removes keys of `gone` until the budget is spent; true once none is left.
fn remove_some(writing: &WriteTransaction, gone: &Gone, budget: &mut usize) -> Result<bool> {
    let fail = |error: redb::StorageError| state_error("write", error);
    let mut table = writing
        .open_table(definition(gone.keyspace))
        .map_err(|error| state_error("write", error))?;
    while *budget > 0 {
        // In portions, because a range of the table cannot be walked while it changes.
        let most = (*budget).min(1024);
        let end = gone
            .end
            .as_deref()
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut keys = Vec::new();
        let found = table
            .range::<&[u8]>((Bound::Included(&gone.start[..]), end))
            .map_err(fail)?;
        for entry in found.take(most) {
            keys.push(entry.map_err(fail)?.0.value().to_vec());
        }
        for key in &keys {
            table.remove(&key[..]).map_err(fail)?;
        }
        if keys.len() < most {
            return Ok(true);
        }
        *budget -= keys.len();
    }
    Ok(false)
}
