//! The session's temporary tables, views and sequences.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering::{Acquire, Release};

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::catalog::{Relation, SchemaId};
use helios_table::ddl::ObjectRef;
use helios_table::is_temporary_schema;

use super::Session;
use super::state::State;
use crate::plan::OnCommit;

/// Where they are.
pub(super) struct Temporary {
    /// The name of the schema.
    pub(super) name: String,
    /// The branches on which the session has made some.
    branches: BTreeSet<BranchId>,
}

impl State {
    /// What plans depend on besides settings and catalog: 0 for a session without temporary
    /// objects.
    pub(super) fn temporary_digest(&self) -> u64 {
        self.temporary_digest.load(Acquire)
    }
}

impl Session {
    /// The schema for a new temporary object on this branch.
    pub(super) fn make_temporary_schema(&mut self) -> Result<SchemaId> {
        let txn = self.transaction()?;
        let known = {
            let temporary = self.state.temporary.lock();
            temporary.as_ref().map(|temporary| temporary.name.clone())
        };
        let name = match known {
            Some(name) => name,
            None => {
                let name = self.engine.shared.tables.note_temporary_schema()?;
                let mut hasher = DefaultHasher::new();
                name.hash(&mut hasher);
                let digest = hasher.finish() | 1;
                self.state.temporary_digest.store(digest, Release);
                *self.state.temporary.lock() = Some(Temporary {
                    name: name.clone(),
                    branches: BTreeSet::new(),
                });
                name
            }
        };
        if let Some(temporary) = self.state.temporary.lock().as_mut() {
            temporary.branches.insert(self.branch);
        }
        if let Some(schema) = txn.latest_catalog()?.schema(&name) {
            return Ok(schema.id);
        }
        Ok(txn.create_temporary_schema(&name)?.id)
    }

    /// Empties and drops the tables that say so, before the transaction commits.
    pub(super) fn temporary_on_commit(&mut self) -> Result<()> {
        let (Some(name), Some(current)) = (
            helios_expr::SessionHooks::temporary_schema(&*self.state),
            &self.current,
        ) else {
            return Ok(());
        };
        let txn = current.txn.clone();
        if current.failed || current.read_only {
            return Ok(());
        }
        let catalog = txn.latest_catalog()?;
        let (mut emptied, mut dropped) = (Vec::new(), Vec::new());
        for table in catalog.tables().filter(|table| table.schema_name == name) {
            match table.options.get(OnCommit::OPTION).map(String::as_str) {
                Some("drop") => dropped.push(ObjectRef::Table(table.id)),
                // It was empty when the transaction began.
                Some("delete rows") if txn.uncommitted_rows(table.storage) != 0 => {
                    emptied.push(table.id);
                }
                _ => {}
            }
        }
        if !emptied.is_empty() {
            txn.truncate(&emptied, false)?;
        }
        if !dropped.is_empty() {
            txn.drop_objects(&dropped, true)?;
        }
        Ok(())
    }

    /// `DISCARD TEMP`
    pub(super) fn discard_temporary(&mut self) -> Result<()> {
        let Some(name) = helios_expr::SessionHooks::temporary_schema(&*self.state) else {
            return Ok(());
        };
        let txn = self.transaction()?;
        let catalog = txn.latest_catalog()?;
        let Some(schema) = catalog.schema(&name).map(|schema| schema.id) else {
            return Ok(());
        };
        txn.drop_objects(&[ObjectRef::Schema(schema)], true)?;
        Ok(())
    }

    /// Drops everything at the session's end.
    pub(super) fn end_temporary(&mut self) {
        let Some(temporary) = self.state.temporary.lock().take() else {
            return;
        };
        self.state.temporary_digest.store(0, Release);
        let used = |branch| temporary.branches.contains(&branch);
        // What cannot be dropped now is when the database is opened.
        let tables = &self.engine.shared.tables;
        let _ = tables.drop_temporary_schema(&temporary.name, used);
    }
}

/// Refuses a relation that is another session's.
pub(crate) fn refuse_foreign(relation: &Relation, own: Option<&str>) -> Result<()> {
    let schema = relation.schema_name();
    if is_temporary_schema(schema) && own != Some(schema) {
        return Err(Error::unsupported(
            "cannot access temporary tables of other sessions",
        ));
    }
    Ok(())
}

/// The refusal of a temporary object in another schema.
pub(crate) fn not_temporary() -> Error {
    Error::new(
        SqlState::INVALID_TABLE_DEFINITION,
        "cannot create temporary relation in non-temporary schema",
    )
}
