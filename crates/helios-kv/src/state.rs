//! The state file: its tables, its format record, and how its errors are told.
//!
//! The file is a redb database with one table per keyspace, called by
//! [`Keyspace::name`](crate::Keyspace::name), from byte strings to byte strings, and one table
//! `helios` from text to 128-bit numbers:
//!
//! | key        | value                                                          |
//! |------------|----------------------------------------------------------------|
//! | `format`   | [`FORMAT`]                                                     |
//! | `database` | identity of the database, 0 if the opener named none           |
//! | `mark`     | the mark of the newest checkpoint, at most 64 bits             |

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use helios_base::{Error, ErrorKind, Result, SqlState};
use redb::{Database, ReadableDatabase, TableDefinition};

use crate::Keyspace;

/// Type of keys and values of the file's tables.
pub(crate) type Raw = &'static [u8];

/// Version of the file's layout; a newer one is refused.
pub(crate) const FORMAT: u128 = 2;

const FACTS: TableDefinition<'static, &str, u128> = TableDefinition::new("helios");

/// The table of a keyspace.
pub(crate) fn definition(keyspace: Keyspace) -> TableDefinition<'static, Raw, Raw> {
    TableDefinition::new(keyspace.name())
}

/// Makes a new file's tables, or checks an old one's facts. Returns the mark.
pub(crate) fn prepare(database: &Database, path: &Path, identity: u128) -> Result<u64> {
    let shown = path.display();
    let reading = database
        .begin_read()
        .map_err(|error| state_error("read", error))?;
    match reading.open_table(FACTS) {
        Ok(facts) => {
            let fact = |name| -> Result<u128> {
                let found = facts
                    .get(name)
                    .map_err(|error| state_error("read", error))?;
                found.map(|guard| guard.value()).ok_or_else(|| {
                    Error::corrupt(format!("state file \"{shown}\" lacks its \"{name}\""))
                })
            };
            let format = fact("format")?;
            if format != FORMAT {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!(
                        "state file \"{shown}\" has format version {format}, this program reads \
                         {FORMAT}"
                    ),
                )
                .with_hint("Open the database with a newer HeliosDB."));
            }
            if fact("database")? != identity {
                return Err(Error::corrupt(format!(
                    "state file \"{shown}\" belongs to another database"
                )));
            }
            u64::try_from(fact("mark")?)
                .map_err(|_| Error::corrupt(format!("state file \"{shown}\" has a bad mark")))
        }
        Err(redb::TableError::TableDoesNotExist(_)) => {
            let foreign = reading
                .list_tables()
                .map_err(|error| state_error("read", error))?
                .next()
                .is_some();
            if foreign {
                return Err(Error::corrupt(format!(
                    "\"{shown}\" is not a state file of HeliosDB"
                )));
            }
            drop(reading);
            create(database, identity).map(|()| 0)
        }
        Err(error) => Err(state_error("read", error)),
    }
}

fn create(database: &Database, identity: u128) -> Result<()> {
    let fail = |error: redb::Error| state_error("create", error);
    let writing = database.begin_write().map_err(|e| fail(e.into()))?;
    {
        let mut facts = writing.open_table(FACTS).map_err(|e| fail(e.into()))?;
        for (name, value) in [("format", FORMAT), ("database", identity), ("mark", 0)] {
            facts.insert(name, value).map_err(|e| fail(e.into()))?;
        }
        for keyspace in Keyspace::ALL {
            writing
                .open_table(definition(keyspace))
                .map_err(|e| fail(e.into()))?;
        }
    }
    writing.commit().map_err(|e| fail(e.into()))
}

/// Writes the mark as part of `writing`.
pub(crate) fn set_mark(writing: &redb::WriteTransaction, mark: u64) -> Result<()> {
    let fail = |error: redb::Error| state_error("write", error);
    let mut facts = writing.open_table(FACTS).map_err(|e| fail(e.into()))?;
    facts
        .insert("mark", u128::from(mark))
        .map_err(|e| fail(e.into()))?;
    Ok(())
}

/// Does `work` on the state file and takes a panic within it for what it means: the container
/// trusts its pages, so a damaged one sends it out of bounds.
pub(crate) fn guarded<T>(verb: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Nothing that `work` may leave half done is looked at again: a damaged file stays damaged.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged(verb)))
}

/// As [`guarded`], but a panic while `apart` is set is none of the file's and goes on.
pub(crate) fn guarded_but<T>(
    verb: &str,
    apart: &Cell<bool>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        if apart.get() {
            resume_unwind(panic);
        }
        Err(damaged(verb))
    })
}

fn damaged(verb: &str) -> Error {
    Error::corrupt(format!(
        "could not {verb} the state file: a page of it is damaged"
    ))
    .with_hint("Restore the database from a backup.")
}

/// A failure of the state file while trying to `verb` it.
pub(crate) fn state_error(verb: &str, error: impl Into<redb::Error>) -> Error {
    let error = error.into();
    match error {
        redb::Error::Io(error) => Error::io(format_args!("{verb} the state file"), error),
        redb::Error::Corrupted(what) => {
            Error::corrupt(format!("could not {verb} the state file: {what}"))
        }
        redb::Error::UpgradeRequired(version) => Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!(
                "the state file has container version {version}, which this program does not read"
            ),
        ),
        redb::Error::DatabaseAlreadyOpen => Error::new(
            SqlState::OBJECT_IN_USE,
            "the state file is in use by another process or handle",
        ),
        redb::Error::PreviousIo => Error::new(
            SqlState::IO_ERROR,
            "the state file takes no more calls since one failed",
        )
        .with_kind(ErrorKind::Poisoned)
        .with_hint("Close the database, free the disk of its trouble and open it again."),
        other => {
            Error::internal(format!("could not {verb} the state file: {other}")).with_source(other)
        }
    }
}
