//! Foreign keys seen from the referencing table: the parent of a row must exist.
//!
//! Whoever adds a reference takes a share of the parent row's key until the transaction ends;
//! whoever removes the parent's key holds the row's strongest lock. So of the two one waits for
//! the other, and no orphan can appear.

use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Error, Result, Scn, SqlState, Value};
use helios_version::{LockMode, TableLock, Wait};

use super::pending::Check;
use crate::access::{TableWriter, describe_key, of_table};
use crate::catalog::{ConstraintDef, ForeignKeyDef, TableDef};
use crate::row::{IndexRules, index_context};

/// `value` as a value of type `to`, for comparing keys of different types; `None` if no value of
/// that type is equal to it.
pub(crate) fn convert(value: &Value, from: &DataType, to: &DataType) -> Result<Option<Value>> {
    if value.is_null() || from.same(to) {
        return Ok(Some(value.clone()));
    }
    let context = index_context();
    let there = match helios_expr::cast::cast(value, from, &to.bare(), true, &context) {
        Ok(there) => there,
        // Out of the other type's range, so it is equal to nothing there.
        Err(error) if error.sqlstate().class() == "22" => return Ok(None),
        Err(error) => return Err(error),
    };
    let back = helios_expr::cast::cast(&there, to, &from.bare(), true, &context)?;
    Ok((value.cmp_as(&back, from).is_eq()).then_some(there))
}

/// Which values of a foreign key's columns make the key of an index over those columns.
pub(crate) struct Pairing {
    /// For each index key the position in the foreign key's column list.
    order: Vec<usize>,
}

impl Pairing {
    /// How `index` orders the columns of a foreign key, given as positions in the list `columns`
    /// of the indexed table. `None` unless the first keys of the index are exactly these columns.
    pub(crate) fn new(index: &IndexRules, columns: &[helios_base::ColumnId]) -> Option<Self> {
        let leading = index.def.keys.get(..columns.len())?;
        let order = leading
            .iter()
            .map(|key| columns.iter().position(|c| key.as_column() == Some(*c)))
            .collect::<Option<Vec<_>>>()?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        (sorted.len() == columns.len()).then_some(Self { order })
    }

    /// The encoded index keys for `values`, one per column of the foreign key with its type.
    /// `None` if no row can have them.
    pub(crate) fn encode(
        &self,
        index: &IndexRules,
        values: &[Value],
        types: &[&DataType],
    ) -> Result<Option<Vec<u8>>> {
        let mut keys = Vec::new();
        for (position, (ty, order)) in self.order.iter().zip(index.key_types()) {
            let (Some(value), Some(from)) = (values.get(*position), types.get(*position)) else {
                return Err(Error::internal("a foreign key of uneven length"));
            };
            let Some(value) = convert(value, from, ty)? else {
                return Ok(None);
            };
            key::encode(&value, ty, order, &mut keys)?;
        }
        Ok(Some(keys))
    }
}

impl TableWriter<'_> {
    /// Checks the foreign keys of a new version of a row, which is stored under `key`. A parent
    /// that is not there is looked for again at the end of the statement, or at commit: then false.
    pub(crate) fn check_parents(
        &mut self,
        row: &[Value],
        old: Option<&[Value]>,
        key: &[u8],
    ) -> Result<bool> {
        let mut are_there = true;
        let rules = self.rules().clone();
        let table = self.table().clone();
        for (slot, (id, positions)) in rules.foreign_keys.iter().enumerate() {
            let unchanged =
                |position: &usize| old.and_then(|o| o.get(*position)) == row.get(*position);
            if old.is_some() && positions.iter().all(unchanged) {
                continue;
            }
            // Most rows of a load have a parent that another had.
            if self.has_known_parent(slot, positions, row)? {
                continue;
            }
            let Some(constraint) = table.constraint_by_id(*id) else {
                continue;
            };
            let Some(fk) = constraint.as_foreign_key() else {
                continue;
            };
            let Some(values) = self.references(constraint, fk, positions, row)? else {
                continue;
            };
            if !self.parent_exists(fk, slot, &values)? {
                are_there = false;
                self.transaction().check_later(
                    constraint,
                    Check::Parent {
                        child: table.id,
                        constraint: *id,
                        key: key.to_vec(),
                    },
                );
            }
        }
        Ok(are_there)
    }

    /// Whether the row has a parent in the foreign key at `slot` that this statement has found before.
    fn has_known_parent(
        &mut self,
        slot: usize,
        positions: &[usize],
        row: &[Value],
    ) -> Result<bool> {
        let table = self.table().clone();
        let mut mark = std::mem::take(&mut self.mark);
        mark.clear();
        let mut encode = |position: &usize| {
            let cell = row.get(*position).zip(table.columns.get(*position));
            match cell.filter(|(value, _)| !value.is_null()) {
                Some((value, column)) => {
                    key::encode(value, &column.ty, KeyOrder::ASC, &mut mark).map(|()| true)
                }
                None => Ok(false),
            }
        };
        let mut is_whole = true;
        for position in positions {
            is_whole = is_whole && encode(position)?;
        }
        let known = self.parents.get(slot);
        let is_known = is_whole && known.is_some_and(|known| known.has(&mark));
        self.mark = mark;
        Ok(is_known)
    }

    /// Fails unless the parent of `row` exists.
    pub(crate) fn require_parent(
        &mut self,
        constraint: &ConstraintDef,
        row: &[Value],
    ) -> Result<()> {
        let rules = self.rules().clone();
        let found = rules
            .foreign_keys
            .iter()
            .enumerate()
            .find(|(_, (id, _))| *id == constraint.id);
        let (Some((slot, (_, positions))), Some(fk)) = (found, constraint.as_foreign_key()) else {
            return Ok(());
        };
        match self.references(constraint, fk, positions, row)? {
            Some(values) if !self.parent_exists(fk, slot, &values)? => {
                Err(self.no_parent(constraint, fk, &values))
            }
            _ => Ok(()),
        }
    }

    /// The referencing values of `row`, if it has to have a parent.
    fn references(
        &self,
        constraint: &ConstraintDef,
        fk: &ForeignKeyDef,
        positions: &[usize],
        row: &[Value],
    ) -> Result<Option<Vec<Value>>> {
        let values: Vec<Value> = positions
            .iter()
            .map(|position| row.get(*position).cloned().unwrap_or(Value::Null))
            .collect();
        let nulls = values.iter().filter(|value| value.is_null()).count();
        if fk.match_full && nulls > 0 && nulls < values.len() {
            return Err(self
                .violation(constraint)
                .with_detail("MATCH FULL does not allow mixing of null and nonnull key values."));
        }
        Ok((nulls == 0).then_some(values))
    }

    /// Whether the parent table has the key, whose row is then locked against losing it.
    fn parent_exists(&mut self, fk: &ForeignKeyDef, slot: usize, values: &[Value]) -> Result<bool> {
        let mut mark = Vec::new();
        for (value, ty) in values.iter().zip(column_types(self.table(), &fk.columns)) {
            key::encode(value, ty, KeyOrder::ASC, &mut mark)?;
        }
        if self.parents.get(slot).is_some_and(|known| known.has(&mark)) {
            return Ok(true);
        }
        let Some(parent) = self.take_parent(slot, fk)? else {
            return Ok(false);
        };
        let types = column_types(self.table(), &fk.columns);
        let found = parent.has_key(fk, values, &types, true)?;
        self.keep_parent(slot, parent);
        if found && let Some(known) = self.parents.get_mut(slot) {
            known.add(mark);
        }
        Ok(found)
    }

    /// The parent table of the foreign key at `slot`, which stays as it is defined for the statement.
    pub(super) fn take_parent(
        &mut self,
        slot: usize,
        fk: &ForeignKeyDef,
    ) -> Result<Option<Box<Self>>> {
        let kept = self.parent_tables.get_mut(slot).and_then(Option::take);
        match kept {
            Some(parent) => Ok(Some(parent)),
            None => Ok(self.parent(fk)?.map(Box::new)),
        }
    }

    /// Keeps the parent table for the next row.
    pub(super) fn keep_parent(&mut self, slot: usize, parent: Box<Self>) {
        if let Some(kept) = self.parent_tables.get_mut(slot) {
            *kept = Some(parent);
        }
    }

    /// A writer of the parent table, locked against changes of its definition.
    pub(super) fn parent(&self, fk: &ForeignKeyDef) -> Result<Option<Self>> {
        self.txn()
            .lock_table(fk.parent, TableLock::RowShare, Wait::Block)?;
        let catalog = self.transaction().latest_catalog()?;
        match catalog.table_by_id(fk.parent) {
            Some(parent) => Self::unchecked(self.transaction(), &catalog, parent).map(Some),
            None => Ok(None),
        }
    }

    /// Whether a row of this table has the referenced key `values` of types `types`. With `lock` a
    /// row of another transaction is locked against losing the key.
    pub(super) fn has_key(
        &self,
        fk: &ForeignKeyDef,
        values: &[Value],
        types: &[&DataType],
        lock: bool,
    ) -> Result<bool> {
        let rules = self.rules().clone();
        let index = rules.indexes.iter().find(|i| i.def.id == fk.parent_index);
        let Some((index, pairing)) =
            index.and_then(|i| Pairing::new(i, &fk.parent_columns).map(|p| (i, p)))
        else {
            return Err(Error::internal("a foreign key without index in its parent"));
        };
        let Some(keys) = pairing.encode(index, values, types)? else {
            return Ok(false);
        };
        if index.def.clustered {
            return if lock {
                self.live(&keys)
            } else {
                let storage = self.table().storage;
                Ok(self.txn().latest(storage, &keys)?.is_some())
            };
        }
        self.has_entry(index, &keys, lock)
    }

    /// Whether a row has these encoded keys of an index; with `lock` a row of another transaction is locked against losing
    /// them.
    pub(super) fn has_entry(&self, index: &IndexRules, keys: &[u8], lock: bool) -> Result<bool> {
        for pk in self.candidates(index, keys)? {
            match self.confirms(index, keys, &pk)? {
                None => {}
                Some(begin) if begin == Scn::MAX || !lock => return Ok(true),
                Some(_) => {
                    let storage = self.table().storage;
                    self.txn()
                        .lock_row(storage, &pk, LockMode::KeyShare, Wait::Block)?;
                    if self.confirms(index, keys, &pk)?.is_some() {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn violation(&self, constraint: &ConstraintDef) -> Error {
        let table = self.table();
        let error = Error::new(
            SqlState::FOREIGN_KEY_VIOLATION,
            format!(
                "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                table.name, constraint.name
            ),
        );
        of_table(error, table).with_constraint(&constraint.name)
    }

    fn no_parent(&self, constraint: &ConstraintDef, fk: &ForeignKeyDef, values: &[Value]) -> Error {
        let parent = self.catalog().table_by_id(fk.parent);
        let key = describe_columns(self.table(), &fk.columns, values);
        self.violation(constraint).with_detail(format!(
            "Key {key} is not present in table \"{}\".",
            parent.map_or("", |parent| parent.name.as_str())
        ))
    }
}

/// The types of columns.
pub(super) fn column_types<'t>(
    table: &'t TableDef,
    columns: &[helios_base::ColumnId],
) -> Vec<&'t DataType> {
    columns
        .iter()
        .filter_map(|id| table.column_by_id(*id).map(|(_, column)| &column.ty))
        .collect()
}

/// `(columns)=(values)`.
pub(super) fn describe_columns(
    table: &TableDef,
    columns: &[helios_base::ColumnId],
    values: &[Value],
) -> String {
    let names = columns.iter().filter_map(|id| {
        table
            .column_by_id(*id)
            .map(|(_, column)| column.name.as_str())
    });
    describe_key(names, values.iter().zip(column_types(table, columns)))
}
