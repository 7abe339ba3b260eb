//! Tells garbage collection which index entries a row version has, and how tables are called.

use std::sync::{Arc, Weak};

use helios_base::{BranchId, Result, Scn, TableId, Value};
use helios_version::{IndexEntry, Indexer};

use crate::catalog::Catalog;
use crate::row::StoredRow;
use crate::tables::Tables;

/// Computes entries by the newest catalog of the row's branch.
///
/// A definition that is no longer there has dropped its storage, so what this does not name goes
/// away with that.
pub(crate) struct CatalogIndexer {
    tables: Weak<Tables>,
}

impl CatalogIndexer {
    pub(crate) fn new(tables: &Arc<Tables>) -> Self {
        Self {
            tables: Arc::downgrade(tables),
        }
    }

    fn append(
        &self,
        branch: BranchId,
        storage: TableId,
        pk: &[u8],
        row: &[u8],
        entries: &mut Vec<IndexEntry>,
    ) -> Result<()> {
        let Some(tables) = self.tables.upgrade() else {
            return Ok(());
        };
        let catalog: Arc<Catalog> = tables.newest_catalog(branch)?;
        let Some(table) = catalog.table_by_storage(storage) else {
            return Ok(());
        };
        if table.indexes.iter().all(|index| index.clustered) {
            return Ok(());
        }
        let rules = tables.rules(&catalog, table)?;
        let stored = StoredRow::new(table.shape(), pk, Scn::ZERO, row)?;
        let mut values = vec![Value::Null; table.columns.len()];
        for index in rules.indexes.iter().filter(|index| !index.def.clustered) {
            stored.fill(index.reads(), &mut values)?;
            let mut key = Vec::new();
            if index.encode_keys(&values, &mut key)? {
                key.extend_from_slice(pk);
                entries.push(IndexEntry {
                    index: index.storage(),
                    key,
                });
            }
        }
        Ok(())
    }
}

impl Indexer for CatalogIndexer {
    fn entries(
        &self,
        branch: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        entries: &mut Vec<IndexEntry>,
    ) {
        let known = entries.len();
        // An entry that cannot be computed stays: an entry too many costs a look at a row, one too
        // few costs an answer.
        if self.append(branch, table, pk, row, entries).is_err() {
            entries.truncate(known);
        }
    }

    fn name(&self, branch: BranchId, scn: Scn, table: TableId) -> Option<String> {
        let tables = self.tables.upgrade()?;
        let snapshot = tables.store().snapshot(branch, Some(scn)).ok()?;
        let catalog = tables.catalog(&snapshot).ok()?;
        catalog
            .table_by_storage(table)
            .map(|table| table.name.clone())
    }
}
