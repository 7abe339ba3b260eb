//! `CREATE INDEX … USING hnsw` and its kin.

use helios_base::{Error, IndexId, Result, SqlState};
use helios_table::catalog::NearestDef;
use helios_table::ddl::NewNearest;

use super::Ddl;
use crate::plan::{CreateIndex, IndexKey, TableRef};
use crate::session::indexing::Telling;

impl Ddl<'_> {
    pub(super) fn create_nearest(&mut self, create: &CreateIndex) -> Result<()> {
        let method = &create.method;
        let unsupported = |what: &str| {
            Err(Error::unsupported(format!(
                "access method \"{method}\" does not support {what}"
            )))
        };
        if create.unique {
            return unsupported("unique indexes");
        }
        if !create.include.is_empty() {
            return unsupported("included columns");
        }
        let [key] = create.keys.as_slice() else {
            return unsupported("multicolumn indexes");
        };
        if key.descending || key.nulls_first {
            return unsupported("ASC/DESC or NULLS FIRST/LAST options");
        }
        let nearest = NearestDef {
            class: class(key, method)?,
            options: create.options.clone(),
        };
        let new = NewNearest {
            name: create.name.clone(),
            table: create.table.id,
            key: match (&key.column, &key.expr) {
                (Some(column), _) => Ok(column.clone()),
                (None, expr) => Err(expr.clone().unwrap_or_default()),
            },
            predicate: create.predicate.clone(),
            method: method.clone(),
            nearest,
        };
        let telling = Telling::new(&self.session.state, new.table);
        let watch = |progress| telling.goes_on(progress);
        self.txn.create_nearest_index(&new, &watch)?;
        Ok(())
    }

    /// Makes indexes of nearness anew, of the rows there are now.
    pub(super) fn reindex(&mut self, indexes: &[(TableRef, IndexId)]) -> Result<()> {
        for (table, index) in indexes {
            let telling = Telling::new(&self.session.state, table.id);
            let watch = |progress| telling.goes_on(progress);
            self.txn.reindex(table.id, *index, &watch)?;
        }
        Ok(())
    }
}

/// The operator class that was written; lists around centroids have one that need not be.
fn class(key: &IndexKey, method: &str) -> Result<String> {
    match &key.class {
        Some(class) => Ok(class.clone()),
        None if matches!(method, "ivfflat" | "ivf") => Ok("vector_l2_ops".to_owned()),
        None => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!(
                "data type {} has no default operator class for access method \"{method}\"",
                key.ty.bare()
            ),
        )
        .with_hint(
            "You must specify an operator class for the index or define a default operator class \
             for the data type.",
        )),
    }
}
