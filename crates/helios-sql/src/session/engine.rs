//! The open database that sessions share.

use std::path::Path;
use std::sync::Arc;

use helios_base::{Error, Result};

use super::{Session, SessionOptions};

/// How to open an engine.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Fail if the database does not exist instead of creating it.
    pub must_exist: bool,
}

/// An open database. Cheap to clone; closes when the last clone and the last session are gone.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// What all sessions of an engine share.
#[derive(Debug)]
pub(crate) struct Shared {}

impl Engine {
    /// Opens the database in the directory `path`, creating it unless the options forbid that.
    ///
    /// # Errors
    /// `55006` if another process holds it, naming the process; `Corrupt` if its files are damaged
    /// or foreign; `Io` if the operating system refuses.
    pub fn open(path: impl AsRef<Path>, options: EngineOptions) -> Result<Self> {
        let _ = (path, options);
        Err(Error::unsupported("the engine is being built"))
    }

    /// Opens an empty database that lives in memory and ends with the engine.
    ///
    /// # Errors
    /// Only if memory cannot be had.
    pub fn open_in_memory(options: EngineOptions) -> Result<Self> {
        let _ = options;
        Ok(Self {
            shared: Arc::new(Shared {}),
        })
    }

    /// Starts a session.
    ///
    /// # Errors
    /// `3D000` if the options name a branch that does not exist; `42704` or `22023` for a bad setting.
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        Session::start(self.clone(), options)
    }
}
