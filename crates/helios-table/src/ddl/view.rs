//! Views.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, TableId};
use helios_version::{TableLock, Wait};

use super::name::exists;
use super::spec::NewView;
use crate::catalog::{Change, Relation, ViewDef, ViewId};
use crate::transaction::Transaction;

impl Transaction {
    /// `CREATE [OR REPLACE] VIEW`. The caller has bound the query against the transaction's newest
    /// catalog.
    ///
    /// # Errors
    /// 42P07 the name is taken, 42809 what is to be replaced is no view, 42P16 the replacement
    /// lacks or changes columns, 40001 a relation that it reads was dropped meanwhile.
    pub fn create_view(&self, new: NewView, replace: bool) -> Result<Arc<ViewDef>> {
        let schema = self.enter_schema(new.schema)?;
        for dependency in &new.depends {
            self.share_object(dependency.relation)?;
            let table = TableId(dependency.relation);
            self.txn()
                .lock_table(table, TableLock::AccessShare, Wait::Block)?;
        }
        let catalog = self.latest_catalog()?;
        for dependency in &new.depends {
            if !super::function::exists(&catalog, dependency.relation) {
                return Err(Error::new(
                    SqlState::SERIALIZATION_FAILURE,
                    format!(
                        "a relation that view \"{}\" reads was dropped by a concurrent transaction",
                        new.name
                    ),
                ));
            }
        }
        let old = match catalog.relation_in(new.schema, &new.name) {
            Some(Relation::View(old)) if replace => {
                self.lock_object(old.id.0)?;
                compatible(&old, &new)?;
                Some(old)
            }
            Some(_) if replace => {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a view", new.name),
                ));
            }
            Some(_) => return Err(exists(&new.name)),
            None => {
                self.take_name(new.schema, &new.name)?;
                self.refuse_type_name(new.schema, &new.name)?;
                None
            }
        };
        let id = match &old {
            Some(old) => old.id,
            None => ViewId(self.tables().next_id()?),
        };
        let view = Arc::new(ViewDef {
            id,
            schema: schema.id,
            schema_name: schema.name.clone(),
            name: new.name,
            sql: new.sql,
            search_path: new.search_path,
            columns: new.columns,
            depends: new.depends,
            check_option: new.check_option,
            comment: old.and_then(|old| old.comment.clone()),
        });
        self.change(Change::View(id, Some(view.clone())))?;
        Ok(view)
    }
}

/// A replacement may only add columns.
fn compatible(old: &ViewDef, new: &NewView) -> Result<()> {
    let bad = |message: String| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
    if new.columns.len() < old.columns.len() {
        return bad("cannot drop columns from view".to_owned());
    }
    for (before, after) in old.columns.iter().zip(&new.columns) {
        if before.name != after.name {
            return bad(format!(
                "cannot change name of view column \"{}\" to \"{}\"",
                before.name, after.name
            ))
            .map_err(|error| {
                error.with_hint(
                    "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
                )
            });
        }
        if before.ty != after.ty {
            return bad(format!(
                "cannot change data type of view column \"{}\" from {} to {}",
                before.name, before.ty, after.ty
            ));
        }
    }
    Ok(())
}
