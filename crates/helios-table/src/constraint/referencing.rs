//! Foreign keys seen from the referenced table: whose parent a row is.

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_version::{Bounds, Isolation, Read, TableLock, Wait};

use super::foreign_key::{Pairing, column_types, convert, describe_columns};
use super::pending::{Action, Check};
use crate::access::{TableWriter, of_table};
use crate::catalog::{ConstraintDef, FkAction, ForeignKeyDef, TableDef};
use crate::row::{KeyRange, StoredRow};

impl TableWriter<'_> {
    /// Queues what the foreign keys that reference this table do about a deleted row (`new` is
    /// `None`) or an updated one.
    pub(crate) fn parent_changed(&self, old: &[Value], new: Option<&[Value]>) -> Result<()> {
        let table = self.table();
        for (child, constraint, fk) in self.catalog().referencing(table.id) {
            let pick = |row: &[Value]| -> Vec<Value> {
                let value = |id| table.position(id).and_then(|p| row.get(p).cloned());
                let ids = fk.parent_columns.iter();
                ids.map(|id| value(*id).unwrap_or(Value::Null)).collect()
            };
            let before = pick(old);
            if before.iter().any(Value::is_null) {
                continue;
            }
            let after = new.map(pick);
            let types = column_types(table, &fk.parent_columns);
            if let Some(after) = &after {
                let mut pairs = before.iter().zip(after).zip(&types);
                if pairs.all(|((a, b), ty)| !b.is_null() && a.cmp_as(b, ty).is_eq()) {
                    continue;
                }
            }
            // Keeps the referencing table's definition as it is until the queue has been worked off.
            self.txn()
                .lock_table(child.id, TableLock::RowShare, Wait::Block)?;
            let action = if new.is_some() {
                fk.on_update
            } else {
                fk.on_delete
            };
            if action == FkAction::NoAction || self.is_lenient() {
                let check = Check::Orphans {
                    child: child.id,
                    constraint: constraint.id,
                    old: before,
                };
                self.transaction().check_later(constraint, check);
            } else {
                self.transaction().act_later(Action {
                    child: child.id,
                    constraint: constraint.id,
                    old: before,
                    new: after,
                });
            }
        }
        Ok(())
    }

    /// Fails if a row of this table references the key `old`, unless (`again`) some row of the
    /// parent has that key again.
    pub(super) fn refuse_orphans(
        &self,
        constraint: &ConstraintDef,
        old: &[Value],
        again: bool,
    ) -> Result<()> {
        let Some(fk) = constraint.as_foreign_key() else {
            return Ok(());
        };
        let Some(parent) = self.catalog().table_by_id(fk.parent).cloned() else {
            return Ok(());
        };
        if again {
            let types = column_types(&parent, &fk.parent_columns);
            let there = match self.parent(fk)? {
                Some(parent) => parent.has_key(fk, old, &types, false)?,
                None => false,
            };
            if there {
                return Ok(());
            }
        }
        if self.referencing(fk, &parent, old, true)?.is_empty() {
            return Ok(());
        }
        let table = self.table();
        let error = Error::new(
            SqlState::FOREIGN_KEY_VIOLATION,
            format!(
                "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
                parent.name, constraint.name, table.name
            ),
        );
        let key = describe_columns(&parent, &fk.parent_columns, old);
        Err(of_table(error, table)
            .with_detail(format!(
                "Key {key} is still referenced from table \"{}\".",
                table.name
            ))
            .with_constraint(&constraint.name))
    }

    /// The stored keys of the rows of this table, committed or own, whose foreign key is `values`,
    /// given in the types of the parent's columns. Only the first one if `one` is enough.
    pub(super) fn referencing(
        &self,
        fk: &ForeignKeyDef,
        parent: &TableDef,
        values: &[Value],
        one: bool,
    ) -> Result<Vec<Vec<u8>>> {
        let from = column_types(parent, &fk.parent_columns);
        let table = self.table().clone();
        let to = column_types(&table, &fk.columns);
        let mut wanted = Vec::with_capacity(values.len());
        for ((value, from), to) in values.iter().zip(&from).zip(&to) {
            match convert(value, from, to)? {
                Some(value) => wanted.push(value),
                None => return Ok(Vec::new()),
            }
        }
        let positions: Vec<usize> = fk
            .columns
            .iter()
            .filter_map(|id| table.position(*id))
            .collect();
        let judge = |pk: &[u8]| -> Result<bool> {
            let Some(found) = self.txn().latest(table.storage, pk)? else {
                return Ok(false);
            };
            let row = StoredRow::new(table.shape(), pk, found.begin, &found.row)?;
            matches(&row, &positions, &wanted, &to)
        };

        let rules = self.rules().clone();
        let usable = rules.indexes.iter().filter(|i| i.predicate().is_none());
        let path = usable
            .filter_map(|index| Pairing::new(index, &fk.columns).map(|p| (index, p)))
            .max_by_key(|(index, _)| !index.def.clustered);
        let mut found = Vec::new();
        let range = match path {
            Some((index, pairing)) => {
                let Some(keys) = pairing.encode(index, &wanted, &to)? else {
                    return Ok(found);
                };
                if !index.def.clustered {
                    for pk in self.candidates(index, &keys)? {
                        if judge(&pk)? {
                            found.push(pk);
                            if one {
                                break;
                            }
                        }
                    }
                    return Ok(found);
                }
                KeyRange::prefix(keys)
            }
            None => KeyRange::ALL,
        };
        self.each_latest(range.bounds(), |row| {
            // New references to a key that is being taken away wait for its row's lock, so what
            // will reference it does so already; the newest version decides.
            if matches(&row, &positions, &wanted, &to)? {
                let pk = row.key();
                if judge(pk)? && !found.iter().any(|known: &Vec<u8>| known == pk) {
                    found.push(pk.to_vec());
                }
            }
            Ok(!one || found.is_empty())
        })?;
        Ok(found)
    }

    /// Shows the committed and own rows in a range of stored keys to `visit`, until it says false.
    /// A row may be shown in an older version too.
    fn each_latest(
        &self,
        range: Bounds<'_>,
        mut visit: impl FnMut(StoredRow<'_>) -> Result<bool>,
    ) -> Result<()> {
        let table = self.table();
        let mut scan = |read: &dyn Read| -> Result<bool> {
            let mut rows = read.scan(table.storage, range, false)?;
            while let Some(row) = rows.next()? {
                if !visit(StoredRow::from_ref(table.shape(), row)?)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        // At READ COMMITTED a new statement's view is the newest state. The other levels keep their
        // snapshot, so what was committed since must be looked at beside it.
        if self.txn().isolation() != Isolation::ReadCommitted {
            let store = self.transaction().tables().store();
            if !scan(&store.snapshot(self.txn().branch(), None)?)? {
                return Ok(());
            }
        }
        scan(&self.txn().statement()?)?;
        Ok(())
    }
}

/// Whether the columns at `positions` have the values `wanted`.
fn matches(
    row: &StoredRow<'_>,
    positions: &[usize],
    wanted: &[Value],
    types: &[&DataType],
) -> Result<bool> {
    for ((position, wanted), ty) in positions.iter().zip(wanted).zip(types) {
        let value = row.value(*position)?;
        if value.is_null() || !value.cmp_as(wanted, ty).is_eq() {
            return Ok(false);
        }
    }
    Ok(true)
}
