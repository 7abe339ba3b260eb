//! Scratch directories.

use std::path::{Path, PathBuf};

/// A directory of its own that goes away with the value, unless the test panics or
/// `HELIOS_KEEP_SCRATCH` is set: then it stays and its path is printed.
#[derive(Debug)]
pub struct Scratch(Option<tempfile::TempDir>);

impl Scratch {
    /// Creates the directory.
    ///
    /// # Panics
    /// If the operating system refuses.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("helios-")
            .tempdir()
            .unwrap_or_else(|error| panic!("could not create a scratch directory: {error}"));
        Self(Some(directory))
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0
            .as_ref()
            .map_or(Path::new("."), tempfile::TempDir::path)
    }

    /// The path of `name` within the directory.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let keep = std::thread::panicking() || std::env::var_os("HELIOS_KEEP_SCRATCH").is_some();
        if keep && let Some(directory) = self.0.take() {
            eprintln!("scratch directory kept: {}", directory.keep().display());
        }
    }
}
