//! An open database.

use std::path::Path;

use helios_base::Result;
use helios_sql::{Engine, EngineOptions, SessionOptions};

use crate::Connection;

/// An open database. Cheap to clone; it closes when the last clone and the last connection are
/// gone.
#[derive(Clone, Debug)]
pub struct Database {
    engine: Engine,
}

/// What [`Database::check`] found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What there is: commits and sizes, by name.
    pub counts: Vec<(String, u64)>,
    /// What is wrong, in words; empty for a sound database.
    pub faults: Vec<String>,
}

/// How to open a database.
#[derive(Clone, Debug, Default)]
pub struct Options {
    engine: EngineOptions,
}

impl Options {
    /// The defaults: create the database where there is none, and be able to write.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails where there is no database, instead of creating one.
    #[must_use]
    pub fn must_exist(mut self, must: bool) -> Self {
        self.engine.must_exist = must;
        self
    }

    /// Compares every stored checksum before anything is read; takes as long as reading it all.
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Self {
        self.engine.verify = verify;
        self
    }

    /// How long replaced and deleted rows stay readable by `AS OF`.
    #[must_use]
    pub fn retention(mut self, retention: std::time::Duration) -> Self {
        self.engine.retention = Some(retention);
        self
    }

    /// Memory for pages of the state file, which writing and first reads go through: 128 MiB unless
    /// said otherwise.
    #[must_use]
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.engine.page_cache = Some(bytes);
        self
    }

    /// Memory for rows and index entries of the state file that were read, packed for being found
    /// quickly: 192 MiB unless said otherwise; 0 for none.
    #[must_use]
    pub fn block_cache(mut self, bytes: usize) -> Self {
        self.engine.block_cache = Some(bytes);
        self
    }

    /// Memory for single rows that are read again and again: 32 MiB unless said otherwise; 0 for
    /// none.
    #[must_use]
    pub fn row_cache(mut self, bytes: usize) -> Self {
        self.engine.row_cache = Some(bytes);
        self
    }

    /// Memory for what was read of columnar segments: single rows, so that rows near them are had quickly (half of
    /// it, at most 64 MiB), and decoded columns, for the next scan. An eighth of the machine's unless said otherwise,
    /// though at least 64 MiB and at most 8 GiB; 0 for none.
    #[must_use]
    pub fn segment_cache(mut self, bytes: usize) -> Self {
        self.engine.segment_cache = Some(bytes);
        self
    }

    /// Opens the database in the directory `path`.
    ///
    /// # Errors
    /// `Conflict` (55006) when another process holds it, naming that process; `Corrupt` when its
    /// files are damaged, foreign or of a newer version; `Io` when the operating system refuses.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Database> {
        Ok(Database {
            engine: Engine::open(path, self.engine)?,
        })
    }
}

impl Database {
    /// Opens the database in the directory `path`, creating it when it is not there.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().open(path)
    }

    /// An empty database in memory; it ends with its last handle.
    ///
    /// # Errors
    /// Only when memory cannot be had.
    pub fn open_in_memory() -> Result<Self> {
        Ok(Self {
            engine: Engine::open_in_memory(EngineOptions::default())?,
        })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// `Limit` when there are too many.
    pub fn connect(&self) -> Result<Connection> {
        Ok(Connection::new(
            self.engine.session(SessionOptions::default())?,
        ))
    }

    /// Verifies every checksum, and the invariants that hold between the parts of the store.
    ///
    /// # Errors
    /// When something cannot be read at all; faults found are in the report.
    pub fn check(&self) -> Result<CheckReport> {
        let store = self.engine.store();
        let faults = store.check()?;
        let stats = store.stats();
        let counts = [
            ("commits", stats.scn.0),
            ("bytes in the state file", stats.state_bytes),
            ("bytes in the log", stats.log_bytes),
        ];
        let counts = counts.map(|(name, count)| (name.to_owned(), count)).into();
        Ok(CheckReport { counts, faults })
    }

    /// The engine below, for programs that speak a protocol.
    #[doc(hidden)]
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}
