//! Writing one state of a store into a state file of its own, for backups.

use std::fs::OpenOptions;
use std::ops::Bound;
use std::path::Path;

use helios_base::{Error, Result};
use redb::{Builder, CursorError, Database, Table, WriteTransaction};

use crate::state::{Raw, definition, guarded, prepare, set_mark, state_error};
use crate::{Cursor, Keyspace, KvSnapshot};

/// Memory for pages of the new file: they are written once, in order.
const CACHE_BYTES: usize = 16 << 20;
/// Bytes of entries that are handed over at once.
const RUN_BYTES: usize = 1 << 20;

/// Writes all that `snapshot` sees to a new state file at `path`, of the database `database` and with
/// this mark. The file is durable then, and packed: its pages are filled in key order.
///
/// `watch` is told after each piece how many bytes of keys and values were written, and may end it all.
///
/// # Errors
/// `Io`, also if the file is there already; `Corrupt` if what is read is damaged; those of `watch`.
pub fn write_state(
    snapshot: &dyn KvSnapshot,
    path: &Path,
    database: u128,
    mark: u64,
    watch: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let shown = path.display();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| Error::io(format_args!("create \"{shown}\""), error))?;
    guarded("copy", || {
        let target = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_file(file)
            .map_err(|error| state_error("create", error))?;
        prepare(&target, path, database)?;
        fill(snapshot, &target, mark, watch)
    })
}

fn fill(
    snapshot: &dyn KvSnapshot,
    target: &Database,
    mark: u64,
    watch: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let writing = target
        .begin_write()
        .map_err(|error| state_error("write", error))?;
    let mut bytes = 0;
    for keyspace in Keyspace::ALL {
        copy_keyspace(snapshot, keyspace, &writing, &mut |run| {
            bytes += run;
            watch(bytes)
        })?;
    }
    set_mark(&writing, mark)?;
    writing
        .commit()
        .map_err(|error| state_error("write", error))
}

fn copy_keyspace(
    snapshot: &dyn KvSnapshot,
    keyspace: Keyspace,
    writing: &WriteTransaction,
    written: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let mut table = writing
        .open_table(definition(keyspace))
        .map_err(|error| state_error("write", error))?;
    let mut source = snapshot.scan(keyspace, (Bound::Unbounded, Bound::Unbounded), false)?;
    let mut more = source.step()?;
    while more {
        let run;
        (run, more) = append_run(&mut table, &mut *source)?;
        written(run)?;
    }
    Ok(())
}

/// Appends entries from the one that `source` is at on, about [`RUN_BYTES`] of them; says how many bytes, and
/// whether `source` is at another one.
fn append_run(table: &mut Table<'_, Raw, Raw>, source: &mut dyn Cursor) -> Result<(u64, bool)> {
    let fail = |error: redb::StorageError| state_error("write", error);
    let mut end = table
        .upper_bound_mut(Bound::<&[u8]>::Unbounded)
        .map_err(fail)?;
    let mut bytes = 0;
    let mut more = true;
    while more && bytes < RUN_BYTES {
        let Some((key, value)) = source.entry() else {
            more = false;
            break;
        };
        end.insert_before(key, value).map_err(|error| match error {
            CursorError::Storage(error) => fail(error),
            error => Error::internal(format!("keys out of order: {error}")),
        })?;
        bytes += key.len() + value.len();
        more = source.step()?;
    }
    end.close().map_err(fail)?;
    Ok((bytes as u64, more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, DurableKv, Kv, KvOptions};

    #[test]
    fn a_copy_is_the_state_that_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let kv = DurableKv::open(&dir.path().join("a"), &KvOptions::new(7)).unwrap();
        let fill = |from: u32, to: u32, value: &[u8]| {
            let mut batch = Batch::new();
            for key in from..to {
                batch.put(Keyspace::Current, &key.to_be_bytes(), value);
                batch.put(Keyspace::Index, &key.to_le_bytes(), &[]);
            }
            kv.apply(batch).unwrap();
        };
        fill(0, 5000, &[1; 300]);
        kv.checkpoint(100).unwrap();
        fill(4000, 6000, &[2; 300]);
        let seen = kv.snapshot();
        let copy = dir.path().join("b");
        let mut told = 0;
        // What comes meanwhile is not in it.
        write_state(&*seen, &copy, 7, 200, &mut |bytes| {
            if told == 0 {
                fill(0, 100, &[3; 300]);
                kv.checkpoint(300).unwrap();
            }
            assert!(bytes >= told);
            told = bytes;
            Ok(())
        })
        .unwrap();
        assert_eq!(told, 6000 * (4 + 300 + 4));
        let mut copied = DurableKv::open(&copy, &KvOptions::new(7)).unwrap();
        copied.check().unwrap();
        assert_eq!(copied.applied(), 200);
        let there = copied.snapshot();
        let everything = (Bound::Unbounded, Bound::Unbounded);
        for keyspace in Keyspace::ALL {
            let mut a = seen.scan(keyspace, everything, false).unwrap();
            let mut b = there.scan(keyspace, everything, false).unwrap();
            loop {
                let (one, two) = (a.next().unwrap(), b.next().unwrap());
                assert_eq!(one, two);
                if one.is_none() {
                    break;
                }
            }
        }
        assert!(write_state(&*seen, &copy, 7, 1, &mut |_| Ok(())).is_err());
    }

    #[test]
    fn who_watches_may_end_it() {
        let dir = tempfile::tempdir().unwrap();
        let kv = DurableKv::open(&dir.path().join("a"), &KvOptions::new(7)).unwrap();
        let mut batch = Batch::new();
        batch.put(Keyspace::Meta, b"a", b"b");
        kv.apply(batch).unwrap();
        let end = &mut |_| Err(Error::internal("enough"));
        let error = write_state(&*kv.snapshot(), &dir.path().join("b"), 7, 0, end).unwrap_err();
        assert_eq!(error.message(), "enough");
    }
}
