//! Schemas of temporary objects: one for each session that makes some, dropped when the session
//! ends.
//!
//! Temporary tables are tables like any other: their rows are in the log and the store, so that
//! transactions, savepoints, constraints and indexes need no second form. What makes them temporary
//! is their schema, which only its session looks into. Every schema is noted in a system table of
//! the main branch before it is made; what a crash leaves behind is found there and dropped when
//! the database is opened. A branch that is created meanwhile inherits the schema with everything
//! else, and loses it with the others.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::{BranchId, Result, Scn};
use helios_version::TxnOptions;

use crate::catalog::{Change, SchemaDef, SchemaId, TableDef};
use crate::ddl::ObjectRef;
use crate::system;
use crate::tables::Tables;
use crate::transaction::Transaction;

/// How the names of schemas of temporary objects begin.
pub const TEMP_SCHEMA_PREFIX: &str = "pg_temp_";

/// Whether `name` is that of a schema of temporary objects.
#[must_use]
pub fn is_temporary_schema(name: &str) -> bool {
    name.starts_with(TEMP_SCHEMA_PREFIX)
}

impl TableDef {
    /// Whether it goes away with its session.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        is_temporary_schema(&self.schema_name)
    }
}

impl Transaction {
    /// Creates a schema whose name [`Tables::note_temporary_schema`] gave.
    ///
    /// # Errors
    /// `Io`.
    pub fn create_temporary_schema(&self, name: &str) -> Result<Arc<SchemaDef>> {
        let schema = Arc::new(SchemaDef {
            id: SchemaId(self.tables().next_id()?),
            name: name.to_owned(),
            comment: None,
        });
        self.change(Change::Schema(schema.id, Some(schema.clone())))?;
        Ok(schema)
    }
}

impl Tables {
    /// A new name for a schema of temporary objects, noted so that the schema does not outlive a
    /// crash. Commits on the main branch.
    ///
    /// # Errors
    /// `Io`.
    pub fn note_temporary_schema(self: &Arc<Self>) -> Result<String> {
        let name = format!("{TEMP_SCHEMA_PREFIX}{}", self.next_id()?);
        let transaction = self.begin(TxnOptions::default())?;
        let txn = transaction.txn();
        txn.put(system::TEMPORARY_SCHEMAS, name.as_bytes(), &[], &[])?;
        transaction.commit()?;
        Ok(name)
    }

    /// Drops a schema of temporary objects from every branch that has it.
    ///
    /// # Errors
    /// Of the first branch on which it could not be dropped; it is tried again when the database is
    /// opened.
    ///
    /// # Cost
    /// Looks at the catalogs of `used` and of the branches made since the schema was noted.
    pub fn drop_temporary_schema(
        self: &Arc<Self>,
        name: &str,
        used: impl Fn(BranchId) -> bool,
    ) -> Result<()> {
        let snapshot = self.store().snapshot(BranchId::MAIN, None)?;
        let noted =
            helios_version::Read::get(&snapshot, system::TEMPORARY_SCHEMAS, name.as_bytes())?;
        let since = noted.map_or(Scn::ZERO, |noted| noted.begin);
        let mut result = Ok(());
        for branch in self.store().branches() {
            if used(branch.id) || branch.created >= since {
                result = result.and(self.drop_schema_on(branch.id, name));
            }
        }
        result?;
        let transaction = self.begin(TxnOptions::default())?;
        transaction
            .txn()
            .delete(system::TEMPORARY_SCHEMAS, name.as_bytes())?;
        transaction.commit()?;
        Ok(())
    }

    /// Drops what sessions that did not end in order left behind.
    pub(crate) fn drop_left_temporary_schemas(self: &Arc<Self>) -> Result<()> {
        let snapshot = self.store().snapshot(BranchId::MAIN, None)?;
        let mut names = Vec::new();
        let mut rows = helios_version::Read::scan(
            &snapshot,
            system::TEMPORARY_SCHEMAS,
            (Bound::Unbounded, Bound::Unbounded),
            false,
        )?;
        while let Some(row) = rows.next()? {
            names.push(String::from_utf8_lossy(row.pk).into_owned());
        }
        drop(rows);
        for name in names {
            self.drop_temporary_schema(&name, |_| true)?;
        }
        Ok(())
    }

    fn drop_schema_on(self: &Arc<Self>, branch: BranchId, name: &str) -> Result<()> {
        let Some(schema) = self.newest_catalog(branch)?.schema(name).map(|s| s.id) else {
            return Ok(());
        };
        let transaction = self.begin(TxnOptions {
            branch,
            ..TxnOptions::default()
        })?;
        transaction.drop_objects(&[ObjectRef::Schema(schema)], true)?;
        transaction.commit()?;
        Ok(())
    }
}
