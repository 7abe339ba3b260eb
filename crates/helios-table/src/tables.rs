//! One database's tables: the door to catalogs and transactions.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Scn, TableId};
use helios_version::{Read, Snapshot, Step, Store, TxnOptions};
use parking_lot::Mutex;

use crate::cache::Cache;
use crate::catalog::{Catalog, Change, FIRST_USER_ID, SchemaDef, SchemaId, SequenceDef, TableDef};
use crate::columnar::{Keeper, Shelf};
use crate::indexer::CatalogIndexer;
use crate::nearest::Registry;
use crate::row::{Rules, TableExprs};
use crate::stats::{Counts, TableStats};
use crate::system;
use crate::transaction::Transaction;

/// How many hidden row numbers are taken from the store at a time.
const ROW_ID_BLOCK: i64 = 256;

/// How many rows of an unfinished segment are adopted at a time.
const ADOPTED: usize = 4096;

/// The tables of one open database.
pub struct Tables {
    /// Before the store: what it is at belongs to that.
    pub(crate) keeper: Keeper,
    store: Store,
    exprs: Arc<dyn TableExprs>,
    pub(crate) cache: Cache,
    pub(crate) counts: Counts,
    /// What the newest `ANALYZE` found, decoded, with the commit that stored it.
    pub(crate) statistics: Mutex<HashMap<TableId, (Scn, Arc<TableStats>)>>,
    row_ids: Mutex<HashMap<TableId, Range<i64>>>,
    /// Indexes of nearness.
    pub(crate) nearest: Registry,
    /// The files of columnar segments.
    shelf: Arc<Shelf>,
}

impl Tables {
    /// The tables of `store`; a new database gets its schema `public`. `exprs` compiles the
    /// expressions of table definitions.
    ///
    /// Also tells the store's garbage collection about index entries.
    ///
    /// # Errors
    /// `Corrupt` for malformed catalog rows, `Io`.
    pub fn open(store: Store, exprs: Arc<dyn TableExprs>) -> Result<Arc<Self>> {
        let shelf = Shelf::new(store.segments_path(), store.segment_cache_bytes());
        let shelf = Arc::new(shelf);
        shelf.clean(&store.segments())?;
        store.set_cold(shelf.clone());
        for mut adoption in store.adoptions() {
            // A segment that cannot be read stays as it is; its rows are still where they were.
            while matches!(adoption.step(ADOPTED), Ok(Step::More)) {}
        }
        let tables = Arc::new(Self {
            keeper: Keeper::default(),
            nearest: Registry::default(),
            shelf,
            store,
            exprs,
            cache: Cache::default(),
            counts: Counts::default(),
            statistics: Mutex::default(),
            row_ids: Mutex::default(),
        });
        let newest = tables.newest_catalog(BranchId::MAIN)?;
        if newest.schema_by_id(SchemaId::PUBLIC).is_none() && newest.schemas().next().is_none() {
            let transaction = tables.begin(TxnOptions::default())?;
            let public = SchemaDef {
                id: SchemaId::PUBLIC,
                name: "public".to_owned(),
                comment: Some("standard public schema".to_owned()),
            };
            transaction.change(Change::Schema(public.id, Some(Arc::new(public))))?;
            transaction.commit()?;
        }
        tables.drop_left_temporary_schemas()?;
        tables
            .store
            .set_indexer(Arc::new(CatalogIndexer::new(&tables)));
        Ok(tables)
    }

    /// The store below.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) const fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// Who compiles expressions.
    #[must_use]
    pub fn exprs(&self) -> &dyn TableExprs {
        self.exprs.as_ref()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// 42704 when the branch does not exist.
    pub fn begin(self: &Arc<Self>, options: TxnOptions) -> Result<Transaction> {
        let txn = self.store.begin(options)?;
        let slot = self.cache.slot(&self.store, txn.branch())?;
        Ok(Transaction::new(self.clone(), slot, txn))
    }

    /// The catalog as of a snapshot.
    ///
    /// # Errors
    /// As [`Tables::open`].
    ///
    /// # Cost
    /// Two short locks when the snapshot is recent; O(objects) for the past.
    pub fn catalog(&self, snapshot: &Snapshot) -> Result<Arc<Catalog>> {
        let slot = self.cache.slot(&self.store, snapshot.branch())?;
        self.cache.at(&self.store, &slot, snapshot)
    }

    /// The version of the catalog as of a snapshot, if that can be told at once;
    /// [`Tables::catalog`] always can.
    #[must_use]
    pub fn catalog_version(&self, snapshot: &Snapshot) -> Option<u64> {
        let slot = self.cache.slot(&self.store, snapshot.branch()).ok()?;
        slot.version_at(snapshot.scn())
    }

    /// A number that differs once what is known of the sizes and values of tables has changed so
    /// much that plans should be made anew: after `ANALYZE`, and when a table has grown or shrunk
    /// by a factor of about eight.
    #[inline]
    #[must_use]
    pub fn statistics_version(&self) -> u64 {
        self.counts.version()
    }

    /// The newest committed catalog of a branch.
    ///
    /// # Errors
    /// As [`Tables::open`].
    pub fn newest_catalog(&self, branch: BranchId) -> Result<Arc<Catalog>> {
        self.cache.slot(&self.store, branch)?.newest(&self.store)
    }

    /// Forgets what is cached of a branch: call it after dropping the branch or changing its rows
    /// below this layer.
    pub fn forget_branch(&self, branch: BranchId) {
        self.cache.forget(branch);
        self.counts.forget(branch);
    }

    /// The compiled rules of a table.
    ///
    /// # Errors
    /// Whatever is wrong with an expression.
    pub fn rules(&self, catalog: &Catalog, table: &TableDef) -> Result<Arc<Rules>> {
        table.rules(catalog, self.exprs())
    }

    /// A new object number.
    pub(crate) fn next_id(&self) -> Result<u32> {
        let spec = system::counter(i64::from(FIRST_USER_ID), 1);
        let id = self
            .store
            .nextval(BranchId::MAIN, system::OBJECT_IDS, &spec)?;
        u32::try_from(id).map_err(|_| Error::internal("object numbers are used up"))
    }

    /// A new hidden row number. All branches draw from the main branch's counter, so that rows
    /// added on different branches never collide in a merge.
    pub(crate) fn next_row_id(&self, storage: TableId) -> Result<[u8; 8]> {
        let mut all = self.row_ids.lock();
        let block = all.entry(storage).or_insert(0..0);
        self.fill(storage, block)?;
        let id = block.start;
        block.start += 1;
        Ok(id.to_be_bytes())
    }

    /// New hidden row numbers, ascending, after all that were given out.
    pub(crate) fn next_row_ids(&self, storage: TableId, count: usize) -> Result<Vec<Range<i64>>> {
        let mut all = self.row_ids.lock();
        let block = all.entry(storage).or_insert(0..0);
        let mut left = i64::try_from(count).unwrap_or(i64::MAX);
        let mut given: Vec<Range<i64>> = Vec::new();
        while left > 0 {
            self.fill(storage, block)?;
            let end = block.end.min(block.start.saturating_add(left));
            left -= end - block.start;
            match given.last_mut() {
                Some(last) if last.end == block.start => last.end = end,
                _ => given.push(block.start..end),
            }
            block.start = end;
        }
        Ok(given)
    }

    /// Gets new row numbers if there are none.
    fn fill(&self, storage: TableId, block: &mut Range<i64>) -> Result<()> {
        if block.is_empty() {
            let spec = system::counter(1, ROW_ID_BLOCK);
            let first = self.store.nextval(BranchId::MAIN, storage, &spec)?;
            *block = first..first.saturating_add(ROW_ID_BLOCK);
        }
        Ok(())
    }

    /// The next value of a sequence on a branch; not undone by a rollback.
    ///
    /// # Errors
    /// 2200H past the last value.
    pub fn nextval(&self, branch: BranchId, sequence: &SequenceDef) -> Result<i64> {
        self.store
            .nextval(branch, TableId(sequence.storage.0), &sequence.spec())
            .map_err(|error| sequence.name_limit(error))
    }
}

/// The tables in which the catalog is stored: whoever asks for the newest change of a branch asks
/// for these, too.
#[must_use]
pub fn catalog_tables() -> &'static [TableId] {
    &crate::cache::CATALOG
}
