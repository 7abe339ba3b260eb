//! Rewriting and truncating tables: new storage, so that older snapshots keep the old.

use std::sync::Arc;

use helios_base::{Error, IndexId, Result, TableId, Value};
use helios_version::TableLock;

use super::spec::SequenceOptions;
use super::validate::contains_nulls;
use crate::access::cannot_be_unique;
use crate::catalog::{Catalog, IndexDef, LayoutDef, TableDef};
use crate::transaction::Transaction;

impl Transaction {
    /// Stores `new` as the definition in place of `old`, with every row mapped by `map`: from the
    /// columns of `old` to those of `new`. Generated columns are computed, constraints other than
    /// NOT NULL, CHECK and uniqueness are not looked at.
    pub(super) fn rewrite(
        &self,
        catalog: &Arc<Catalog>,
        old: &TableDef,
        mut new: TableDef,
        map: &mut dyn FnMut(Vec<Value>) -> Result<Vec<Value>>,
    ) -> Result<Arc<TableDef>> {
        self.new_storage(&mut new)?;
        // Every row is written anew, so no older layout is needed.
        let version = new.layouts.last().map_or(1, |last| last.version);
        new.layouts = vec![LayoutDef {
            version,
            columns: new.columns.iter().map(|c| (c.id, c.ty.clone())).collect(),
        }];
        for column in &mut new.columns {
            column.missing = None;
        }
        let table = self.change_table(new)?;
        let rules = self.rules(catalog, &table)?;
        let clustered = rules.indexes.iter().find(|index| index.def.clustered);
        let shape = table.shape();
        let context = crate::row::index_context();
        let (mut key, mut bytes, mut count) = (Vec::new(), Vec::new(), 0);
        self.each_row(old, |row| {
            let mut values = map(row.values()?)?;
            for (position, expr) in &rules.generated {
                let value = expr.eval(&values, &context)?;
                if let Some(place) = values.get_mut(*position) {
                    *place = value;
                }
            }
            for position in &rules.not_null {
                if values.get(*position).is_none_or(Value::is_null) {
                    let name = table.columns.get(*position).map_or("", |c| &c.name);
                    return Err(contains_nulls(&table, name));
                }
            }
            key.clear();
            match clustered {
                Some(index) => {
                    shape.encode_key_of(&values, &mut key)?;
                    if self.txn().latest(table.storage, &key)?.is_some() {
                        return Err(cannot_be_unique(&table, index, &values)?);
                    }
                }
                None => key.extend(self.tables().next_row_id(table.storage)?),
            }
            bytes.clear();
            shape.encode_row(&values, &mut bytes)?;
            self.txn().put(table.storage, &key, &bytes, &[])?;
            count += 1;
            Ok(())
        })?;
        self.count(table.storage, count);
        for index in table.indexes.iter().filter(|index| !index.clustered) {
            self.fill_index(&table, index.id)?;
        }
        self.drop_storage(old)?;
        Ok(table)
    }

    /// `TRUNCATE`. The tables that reference a truncated one must be truncated with it: the caller
    /// has added them for `CASCADE`.
    ///
    /// # Errors
    /// 0A000 a table outside the list references one of it.
    ///
    /// # Cost
    /// Independent of the number of rows.
    pub fn truncate(&self, tables: &[TableId], restart_identity: bool) -> Result<()> {
        for id in tables {
            let (catalog, old) = self.lock_definition(*id, TableLock::AccessExclusive)?;
            for (child, ..) in catalog.referencing(*id) {
                if !tables.contains(&child.id) {
                    return Err(Error::unsupported(
                        "cannot truncate a table referenced in a foreign key constraint",
                    )
                    .with_detail(format!(
                        "Table \"{}\" references \"{}\".",
                        child.name, old.name
                    ))
                    .with_hint(format!(
                        "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                        child.name
                    )));
                }
            }
            let mut table = TableDef::clone(&old);
            self.new_storage(&mut table)?;
            self.change_table(table)?;
            self.drop_storage(&old)?;
            if restart_identity {
                let owned: Vec<_> = catalog
                    .sequences()
                    .filter(|s| s.owned_by.is_some_and(|(owner, _)| owner == *id))
                    .map(|s| s.id)
                    .collect();
                for sequence in owned {
                    let options = SequenceOptions {
                        restart: Some(None),
                        ..SequenceOptions::default()
                    };
                    self.alter_sequence(sequence, &options)?;
                }
            }
        }
        Ok(())
    }

    /// The tables that `TRUNCATE … CASCADE` of `tables` empties: these and, again and again, those
    /// that reference them.
    #[must_use]
    pub fn truncate_closure(catalog: &Catalog, tables: &[TableId]) -> Vec<TableId> {
        let mut all = tables.to_vec();
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            for (child, ..) in catalog.referencing(id) {
                if !all.contains(&child.id) {
                    all.push(child.id);
                }
            }
            next += 1;
        }
        all
    }

    fn new_storage(&self, table: &mut TableDef) -> Result<()> {
        table.storage = TableId(self.tables().next_id()?);
        for index in &mut table.indexes {
            let index: &mut IndexDef = Arc::make_mut(index);
            index.storage = IndexId(self.tables().next_id()?);
        }
        Ok(())
    }

    /// Lets the rows and entries go once nothing needs them.
    pub(super) fn drop_storage(&self, table: &TableDef) -> Result<()> {
        for index in table.indexes.iter().filter(|index| !index.clustered) {
            self.txn().drop_index(index.storage)?;
        }
        self.txn().drop_table(table.storage)
    }
}
