//! The engine over a state file: recent changes in memory, the rest in a B-tree.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use helios_base::{Error, ErrorKind, Result, SqlState};
use parking_lot::{Mutex, RwLock};
use redb::{Builder, Database, ReadableDatabase, StorageBackend};

use crate::backend::Backend;
use crate::base::Base;
use crate::blocks::{Blocks, Known};
use crate::checkpoint::Checkpoint;
use crate::overlay::{Layer, View};
use crate::page::Entry;
use crate::sorted::{Gone, Part, few, parts};
use crate::state::{guarded, prepare, state_error};
use crate::tree::{Edit, Tree};
use crate::{Batch, Keyspace, Kv, KvSnapshot, KvStats, Show};

/// How to open a [`DurableKv`].
#[derive(Clone, Debug)]
pub struct KvOptions {
    /// Identity of the database: a state file of another one is refused.
    pub database: u128,
    /// Memory for pages of the state file, in bytes.
    pub cache_bytes: usize,
    /// Memory for entries of the state file that were read, in bytes.
    pub block_bytes: usize,
}

impl KvOptions {
    /// The defaults for the database with this identity: 320 MiB of memory, most of it for entries.
    #[must_use]
    pub fn new(database: u128) -> Self {
        Self {
            database,
            cache_bytes: 128 << 20,
            block_bytes: 192 << 20,
        }
    }
}

/// Where the bytes of a state file go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KvSpace {
    /// What the file takes of the disk.
    pub file_bytes: u64,
    /// Bytes of keys and values.
    pub stored_bytes: u64,
    /// Bytes of the trees around them.
    pub metadata_bytes: u64,
    /// Bytes within used pages that hold nothing.
    pub fragmented_bytes: u64,
}

/// Keys that a range deletion turns into single deletions; above that it becomes a layer of its
/// own, which every read asks until the next checkpoint.
const RANGE_KEYS_MAX: usize = 1024;

/// A store in one file, `state.redb`, under an overlay of what was applied since the checkpoint.
///
/// Reads ask the overlay, then the file; scans merge them. The overlay's trees share nodes with
/// their older copies, so a snapshot is a reference to one immutable view; taking one waits at most for a
/// small batch that is being put in place.
/// A checkpoint freezes the overlay, writes the newest version of each key in order within one
/// transaction of the file, mark included, and then lets the frozen part go.
pub struct DurableKv {
    pub(crate) database: Database,
    backend: Option<Backend>,
    pub(crate) path: PathBuf,
    /// The newest view. Changed in place while no snapshot shares it, else replaced.
    pub(crate) view: RwLock<Arc<View>>,
    /// Held by whoever replaces the view.
    pub(crate) writing: Mutex<()>,
    pub(crate) checkpoint: Mutex<Option<Checkpoint>>,
    pub(crate) applied: AtomicU64,
    pub(crate) frozen_bytes: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
}

impl DurableKv {
    /// Opens the state file at `path`, made if it is not there.
    ///
    /// # Errors
    /// `Corrupt` if the file is damaged, foreign or another database's; `Unsupported` if it is
    /// newer than this program; `Conflict` if it is open elsewhere; `Io`.
    pub fn open(path: &Path, options: &KvOptions) -> Result<Self> {
        guarded("open", || {
            let file = std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(|error| open_error(path, error.into()))?;
            let backend = Backend::new(file).map_err(|error| open_error(path, error))?;
            let database = Builder::new()
                .set_cache_size(options.cache_bytes)
                .create_with_backend(backend.clone())
                .map_err(|error| open_error(path, error))?;
            backend
                .opened()
                .map_err(|error| open_error(path, error.into()))?;
            Self::over(database, path, options, Some(backend))
        })
    }

    /// As [`DurableKv::open`], over another kind of file.
    #[doc(hidden)]
    pub fn open_backend(backend: impl StorageBackend, options: &KvOptions) -> Result<Self> {
        let path = Path::new("(backend)");
        let database = Builder::new()
            .set_cache_size(options.cache_bytes)
            .create_with_backend(backend)
            .map_err(|error| open_error(path, error))?;
        Self::over(database, path, options, None)
    }

    /// Where the state file's bytes go. Walks the whole file: for reports, not for decisions.
    ///
    /// # Errors
    /// `Io` or `Corrupt`.
    pub fn space(&self) -> Result<KvSpace> {
        let view = self.view();
        let mut space = KvSpace {
            file_bytes: self.file_bytes(),
            ..KvSpace::default()
        };
        view.base.measure(&mut space)?;
        Ok(space)
    }

    /// Moves live pages to the front of the state file and gives the rest back to the file
    /// system. Takes the store for itself and its time: for maintenance, not for every day.
    ///
    /// # Errors
    /// `Conflict` while an older snapshot is alive; `Io`.
    pub fn compact(&mut self) -> Result<()> {
        self.alone("compact", |database| match database.compact() {
            Ok(_) => Ok(()),
            Err(redb::CompactionError::TransactionInProgress) => Err(snapshot_in_use()),
            Err(error) => Err(state_error("compact", error)),
        })
    }

    /// Reads the whole state file and compares all checksums, which ordinary reads do not. Takes
    /// the store for itself.
    ///
    /// # Errors
    /// `Corrupt` if anything is damaged: use the store no further; `Conflict` while an older
    /// snapshot is alive; `Io`.
    pub fn check(&mut self) -> Result<()> {
        let shown = self.path.display().to_string();
        self.alone("check", |database| match database.check_integrity() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::corrupt(format!("state file \"{shown}\" is damaged"))
                .with_hint("Restore the database from a backup.")),
            Err(redb::DatabaseError::TransactionInProgress) => Err(snapshot_in_use()),
            Err(error) => Err(state_error("check", error)),
        })
    }

    /// Does `work` while nothing reads the file.
    fn alone(&mut self, verb: &str, work: impl FnOnce(&mut Database) -> Result<()>) -> Result<()> {
        if self.checkpoint.get_mut().is_some() {
            return Err(Error::new(
                SqlState::OBJECT_IN_USE,
                format!("could not {verb} the state file while a checkpoint is under way"),
            ));
        }
        self.go_live()?;
        // The view itself reads the file: it makes way for one without a file meanwhile.
        let blocks = self.view().base.blocks.hand_on(|_, _, _| true);
        self.rebase(Base::none());
        let database = &mut self.database;
        let result = guarded(verb, || work(database));
        let base = guarded(verb, || {
            let reading = database
                .begin_read()
                .map_err(|error| state_error("read", error))?;
            Base::new(&reading, blocks)
        })?;
        self.rebase(base);
        result
    }

    /// Puts the overlay over `base`.
    fn rebase(&mut self, base: Base) {
        let mut next = View::clone(&self.view());
        next.base = Arc::new(base);
        self.publish(next);
    }

    /// Lets writes reach the file.
    fn go_live(&self) -> Result<()> {
        let Some(backend) = &self.backend else {
            return Ok(());
        };
        backend.go_live().map_err(|error| {
            Error::io("write the state file", error).with_kind(ErrorKind::Poisoned)
        })
    }

    /// The newest view.
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read())
    }

    /// Replaces the view; returns the old one, to be let go where nobody waits for it.
    fn publish(&self, view: View) -> Arc<View> {
        std::mem::replace(&mut *self.view.write(), Arc::new(view))
    }

    /// What the file takes of the disk. It grows by leaps and stays hollow until it is written, so
    /// its length says little.
    fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |meta| {
            #[cfg(unix)]
            let used = std::os::unix::fs::MetadataExt::blocks(&meta) * 512;
            #[cfg(not(unix))]
            let used = meta.len();
            used.min(meta.len())
        })
    }

    fn over(
        database: Database,
        path: &Path,
        options: &KvOptions,
        backend: Option<Backend>,
    ) -> Result<Self> {
        let mark = prepare(&database, path, options.database)?;
        let reading = database
            .begin_read()
            .map_err(|error| state_error("read", error))?;
        let view = View {
            active: Layer::default(),
            older: Arc::default(),
            base: Arc::new(Base::new(&reading, Blocks::new(options.block_bytes))?),
        };
        Ok(Self {
            database,
            backend,
            path: path.to_path_buf(),
            view: RwLock::new(Arc::new(view)),
            writing: Mutex::new(()),
            checkpoint: Mutex::new(None),
            applied: AtomicU64::new(mark),
            frozen_bytes: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
        })
    }
}

impl Kv for DurableKv {
    fn snapshot(&self) -> Arc<dyn KvSnapshot> {
        self.view()
    }

    fn show(&self, keyspace: Keyspace, key: &[u8], visit: &mut Show<'_>) -> Result<bool> {
        let view = self.view.read();
        let near = match view.known(keyspace, key) {
            Some(Some(Entry::Put(value))) => {
                let copy = Bytes::copy_from_slice(value);
                drop(view);
                return visit(&copy).map(|()| true);
            }
            Some(_) => return Ok(false),
            None => view.base.blocks.look(keyspace, key),
        };
        match near {
            Known::At(block, at) => {
                drop(view);
                visit(block.value(at)).map(|()| true)
            }
            Known::Absent => Ok(false),
            Known::Nothing => {
                let base = Arc::clone(&view.base);
                drop(view);
                base.show(keyspace, key, visit)
            }
        }
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        let parts = parts(&batch)?;
        let _writing = self.writing.lock();
        if let Some(part) = few(&parts) {
            let mut view = self.view.write();
            Arc::make_mut(&mut view).active.apply_few(part);
            return Ok(());
        }
        let mut next = View::clone(&self.view());
        for part in &parts {
            next.active.apply(part);
            if let Some(gone) = &part.gone {
                next.remove_range(gone)?;
            }
        }
        self.publish(next);
        Ok(())
    }

    fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    fn freeze(&self, mark: u64) -> Result<bool> {
        // A step that is running holds the lock for as long as its disk takes: that is an earlier
        // checkpoint which has not ended, and no reason to wait.
        let Some(mut checkpoint) = self.checkpoint.try_lock() else {
            return Ok(false);
        };
        if checkpoint.is_some() {
            return Ok(false);
        }
        let _writing = self.writing.lock();
        let now = self.view();
        let mut older = now.older.to_vec();
        if !now.active.is_empty() {
            older.insert(0, Arc::new(now.active.clone()));
        }
        let older: Arc<[_]> = older.into();
        let bytes: usize = older.iter().map(|layer| layer.bytes()).sum();
        self.frozen_bytes.store(bytes as u64, Ordering::Relaxed);
        *checkpoint = Some(Checkpoint::new(mark, Arc::clone(&older)));
        self.publish(View {
            active: Layer::default(),
            older,
            base: Arc::clone(&now.base),
        });
        Ok(true)
    }

    fn checkpoint_step(&self, budget: usize) -> Result<bool> {
        let mut running = self.checkpoint.lock();
        let Some(checkpoint) = running.as_mut() else {
            return Ok(false);
        };
        self.go_live()?;
        if !checkpoint.step(&self.database, budget)? {
            return Ok(true);
        }
        let (mark, written) = (checkpoint.mark, checkpoint.layers.len());
        let reading = self
            .database
            .begin_read()
            .map_err(|error| state_error("read", error))?;
        let blocks = self.view().base.blocks.hand_on(|keyspace, from, to| {
            let touches = |layer: &Arc<Layer>| layer.touches(keyspace, from, to);
            checkpoint.layers.iter().any(touches)
        });
        let base = Arc::new(Base::new(&reading, blocks)?);
        let old = {
            let _writing = self.writing.lock();
            let now = self.view();
            let left = now.older.len().saturating_sub(written);
            self.publish(View {
                active: now.active.clone(),
                older: now.older[..left].into(),
                base,
            })
        };
        self.applied.store(mark, Ordering::Release);
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.frozen_bytes.store(0, Ordering::Relaxed);
        *running = None;
        // Frees the frozen layers unless a snapshot needs them: long enough to do it unlocked.
        drop(running);
        drop(old);
        Ok(false)
    }

    fn stats(&self) -> KvStats {
        let view = self.view();
        let bytes = view.layers().map(|layer| layer.bytes() as u64).sum();
        KvStats {
            overlay_entries: view.layers().map(|layer| layer.len() as u64).sum(),
            overlay_bytes: bytes,
            memory_bytes: bytes,
            frozen_bytes: self.frozen_bytes.load(Ordering::Relaxed),
            layers: 1 + view.older.len(),
            file_bytes: self.file_bytes(),
            checkpoints: self.checkpoints.load(Ordering::Relaxed),
        }
    }
}

impl View {
    /// Removes a range: key by key if it is small, else by a new layer that hides it.
    fn remove_range(&mut self, gone: &Gone) -> Result<()> {
        let end = match &gone.end {
            Some(end) => Bound::Excluded(&end[..]),
            None => Bound::Unbounded,
        };
        let range = (Bound::Included(&gone.start[..]), end);
        let mut cursor = self.scan(gone.keyspace, range, false)?;
        let mut keys = Vec::new();
        while keys.len() <= RANGE_KEYS_MAX
            && let Some((key, _)) = cursor.next()?
        {
            keys.push(key.to_vec());
        }
        if keys.len() <= RANGE_KEYS_MAX {
            let mut part = Part {
                edits: Default::default(),
                gone: None,
            };
            let edits = keys.iter().map(|key| Edit { key, value: None });
            part.edits[gone.keyspace.index()] = edits.collect();
            self.active.apply(&part);
            return Ok(());
        }
        let active = std::mem::take(&mut self.active);
        if active.trees.iter().all(Tree::is_empty) {
            // Ranges of one layer all act before its keys, so they can be together.
            self.active.gone = active.gone.iter().chain([gone]).cloned().collect();
        } else {
            self.active.gone = [gone.clone()].into();
            let older = std::iter::once(Arc::new(active)).chain(self.older.iter().cloned());
            self.older = older.collect();
        }
        Ok(())
    }
}

fn snapshot_in_use() -> Error {
    Error::new(
        SqlState::OBJECT_IN_USE,
        "the state file cannot be had alone while a snapshot of it is in use",
    )
}

fn open_error(path: &Path, error: redb::DatabaseError) -> Error {
    let shown = path.display();
    match redb::Error::from(error) {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Error::corrupt(format!("\"{shown}\" is not a state file of HeliosDB"))
                .with_source(error)
        }
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::corrupt(format!("state file \"{shown}\" is cut off")).with_source(error)
        }
        redb::Error::Io(error) => Error::io(format_args!("open state file \"{shown}\""), error),
        redb::Error::Corrupted(what) => {
            Error::corrupt(format!("state file \"{shown}\" is damaged: {what}"))
        }
        error => {
            let error = state_error("open", error);
            let detail = format!("The file is \"{shown}\".");
            error.with_detail(detail)
        }
    }
}
