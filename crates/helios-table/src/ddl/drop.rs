//! Dropping objects with what depends on them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, TableId};
use helios_version::TableLock;

use super::column::new_layout;
use super::depend::{Bond, ObjectRef, dependents, describe};
use crate::catalog::{Catalog, Change, TableDef, TypeId, TypeKind};
use crate::row::TableExprs;
use crate::transaction::Transaction;

/// What `DROP … CASCADE` took along, as PostgreSQL's notices name it (`view v`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// One description per object that was not asked for, in the order of discovery.
    pub cascaded: Vec<String>,
}

impl Transaction {
    /// Drops objects. Without `cascade` nothing else may depend on them.
    ///
    /// # Errors
    /// 2BP01 something depends on them, with the list as detail; 55006 checks of rows of a table
    /// wait in this transaction.
    ///
    /// # Cost
    /// Independent of the number of rows, but for a table that loses its primary key, which is
    /// rewritten.
    pub fn drop_objects(&self, objects: &[ObjectRef], cascade: bool) -> Result<Dropped> {
        self.lock_for_drop(objects)?;
        let mut catalog = self.latest_catalog()?;
        let exprs = self.tables().exprs();
        let mut all = closure(&catalog, exprs, objects);
        // Locks may have waited for others to make new dependents: lock until nothing is new.
        loop {
            let wanted: Vec<ObjectRef> = all.iter().map(|found| found.object).collect();
            self.lock_for_drop(&wanted)?;
            catalog = self.latest_catalog()?;
            let again = closure(&catalog, exprs, objects);
            let known = again.iter().all(|found| wanted.contains(&found.object));
            all = again;
            if known {
                break;
            }
        }
        refuse_parts(&catalog, objects)?;
        let cascaded: Vec<&Found> = all
            .iter()
            .filter(|found| found.bond == Some(Bond::Normal))
            .collect();
        if !cascade && !cascaded.is_empty() {
            return Err(blocked(&catalog, objects, &cascaded));
        }
        let dropped = Dropped {
            cascaded: cascaded
                .iter()
                .map(|found| describe(&catalog, found.object))
                .collect(),
        };
        self.apply_drops(&catalog, &all)?;
        Ok(dropped)
    }

    fn lock_for_drop(&self, objects: &[ObjectRef]) -> Result<()> {
        for object in objects {
            match *object {
                ObjectRef::Schema(id) => self.lock_object(id.0)?,
                ObjectRef::Sequence(id) => self.lock_object(id.0)?,
                ObjectRef::View(id) => self.lock_object(id.0)?,
                ObjectRef::Type(id) => self.lock_object(id.0)?,
                ObjectRef::Function(id) => self.lock_object(id.0)?,
                ObjectRef::Table(id)
                | ObjectRef::Column(id, _)
                | ObjectRef::Default(id, _)
                | ObjectRef::Constraint(id, _)
                | ObjectRef::Policy(id, _)
                | ObjectRef::Index(id, _) => {
                    self.lock_definition(id, TableLock::AccessExclusive)?;
                }
            }
        }
        Ok(())
    }

    fn apply_drops(&self, catalog: &Arc<Catalog>, all: &[Found]) -> Result<()> {
        let gone: BTreeSet<ObjectRef> = all.iter().map(|found| found.object).collect();
        let mut changed: BTreeMap<TableId, Vec<ObjectRef>> = BTreeMap::new();
        for object in &gone {
            match *object {
                ObjectRef::View(id) => self.change(Change::View(id, None))?,
                ObjectRef::Sequence(id) => self.change(Change::Sequence(id, None))?,
                ObjectRef::Function(id) => self.change(Change::Function(id, None))?,
                ObjectRef::Type(_) | ObjectRef::Table(_) | ObjectRef::Schema(_) => {}
                ObjectRef::Column(id, _)
                | ObjectRef::Default(id, _)
                | ObjectRef::Constraint(id, _)
                | ObjectRef::Policy(id, _)
                | ObjectRef::Index(id, _) => {
                    if !gone.contains(&ObjectRef::Table(id)) {
                        changed.entry(id).or_default().push(*object);
                    }
                }
            }
        }
        for object in &gone {
            match *object {
                ObjectRef::Table(id) => self.forget_access(id.0)?,
                ObjectRef::View(id) => self.forget_access(id.0)?,
                ObjectRef::Sequence(id) => self.forget_access(id.0)?,
                ObjectRef::Type(id) => self.forget_access(id.0)?,
                ObjectRef::Schema(id) => self.forget_access(id.0)?,
                ObjectRef::Function(id) => self.forget_access(id.0)?,
                _ => {}
            }
        }
        let mut parents = BTreeSet::new();
        for object in &gone {
            let ObjectRef::Table(id) = *object else {
                continue;
            };
            if let Some(table) = catalog.table_by_id(id) {
                parents.extend(table.foreign_keys().map(|(_, fk)| fk.parent));
                self.drop_storage(table)?;
                self.change(Change::Table(id, None))?;
            }
        }
        for (id, objects) in &changed {
            if let Some(table) = catalog.table_by_id(*id) {
                parents.extend(self.drop_parts(catalog, table, objects)?);
            }
        }
        // Tables that are no longer referenced get a new revision: their writers have less to do.
        for parent in parents {
            if !gone.contains(&ObjectRef::Table(parent)) && !changed.contains_key(&parent) {
                let (_, table) = self.lock_definition(parent, TableLock::ShareRowExclusive)?;
                self.change_table(TableDef::clone(&table))?;
            }
        }
        for object in &gone {
            if let ObjectRef::Type(id) = *object {
                self.forget_type(id)?;
                self.change(Change::Type(id, None))?;
            }
        }
        for object in &gone {
            if let ObjectRef::Schema(id) = *object {
                self.change(Change::Schema(id, None))?;
            }
        }
        Ok(())
    }

    /// Removes parts of a table. Returns the tables that it no longer references.
    fn drop_parts(
        &self,
        catalog: &Arc<Catalog>,
        old: &Arc<TableDef>,
        objects: &[ObjectRef],
    ) -> Result<Vec<TableId>> {
        let mut table = TableDef::clone(old);
        let mut parents = Vec::new();
        let mut columns = Vec::new();
        let mut clustered = false;
        for object in objects {
            match *object {
                ObjectRef::Constraint(_, id) => {
                    table.constraints.retain(|constraint| {
                        if constraint.id == id
                            && let Some(fk) = constraint.as_foreign_key()
                        {
                            parents.push(fk.parent);
                        }
                        constraint.id != id
                    });
                }
                ObjectRef::Index(_, id) => {
                    if let Some(index) = old.index_by_id(id) {
                        clustered |= index.clustered;
                        if !index.clustered {
                            self.txn().drop_index(index.storage)?;
                        }
                    }
                    table.indexes.retain(|index| index.id != id);
                }
                ObjectRef::Policy(_, id) => {
                    let policies = &mut table.row_security.policies;
                    policies.retain(|policy| policy.id != id);
                }
                ObjectRef::Default(_, id) => {
                    for column in table.columns.iter_mut().filter(|c| c.id == id) {
                        column.default = None;
                    }
                }
                ObjectRef::Column(_, id) => {
                    columns.push(id);
                    let column = table.column_by_id(id);
                    if let Some(name) = column.map(|(_, column)| column.name.clone()) {
                        crate::columnar::change_cluster(&mut table.options, &name, None);
                        for option in super::rename::column_options(&name) {
                            table.options.remove(&option);
                        }
                    }
                    table.columns.retain(|column| column.id != id);
                }
                _ => {}
            }
        }
        if !columns.is_empty() {
            new_layout(&mut table);
        }
        if clustered {
            // The rows were stored by a key that need no longer be unique.
            table.key = Vec::new();
            let kept: Vec<usize> = table
                .columns
                .iter()
                .filter_map(|column| old.position(column.id))
                .collect();
            self.rewrite(catalog, old, table, &mut |mut row| {
                let mut position = 0;
                row.retain(|_| {
                    position += 1;
                    kept.contains(&(position - 1))
                });
                Ok(row)
            })?;
        } else {
            self.change_table(table)?;
        }
        Ok(parents)
    }
}

/// An object to drop, with the one that takes it along.
struct Found {
    object: ObjectRef,
    /// `None` for what was asked for.
    bond: Option<Bond>,
    on: ObjectRef,
}

/// Everything that goes if `objects` go.
fn closure(catalog: &Catalog, exprs: &dyn TableExprs, objects: &[ObjectRef]) -> Vec<Found> {
    let mut all: Vec<Found> = objects
        .iter()
        .map(|object| Found {
            object: *object,
            bond: None,
            on: *object,
        })
        .collect();
    for object in objects {
        follow(catalog, exprs, *object, &mut all);
    }
    // A part of a table that goes as a whole, and the default of a column that goes, go with it.
    let gone: BTreeSet<ObjectRef> = all.iter().map(|found| found.object).collect();
    for found in &mut all {
        let part = match found.object {
            ObjectRef::Constraint(id, _) | ObjectRef::Index(id, _) => {
                gone.contains(&ObjectRef::Table(id))
            }
            ObjectRef::Default(id, column) => {
                gone.contains(&ObjectRef::Table(id))
                    || gone.contains(&ObjectRef::Column(id, column))
            }
            _ => false,
        };
        if part && found.bond.is_some() {
            found.bond = Some(Bond::Part);
        }
    }
    all
}

/// Adds what depends on `on`, each followed by what depends on it: PostgreSQL's order.
fn follow(catalog: &Catalog, exprs: &dyn TableExprs, on: ObjectRef, all: &mut Vec<Found>) {
    let mut next = dependents(catalog, exprs, on);
    next.sort_by_key(|(object, _)| rank(catalog, on, *object));
    for (object, bond) in next {
        match all.iter_mut().find(|found| found.object == object) {
            // What is part of something that goes needs no leave of its own.
            Some(known) if bond == Bond::Part && known.bond.is_some() => {
                known.bond = Some(Bond::Part);
            }
            Some(_) => {}
            None => {
                all.push(Found {
                    object,
                    bond: Some(bond),
                    on,
                });
                follow(catalog, exprs, object, all);
            }
        }
    }
}

/// Users of a type's arrays come first; then objects by number, last columns first.
fn rank(catalog: &Catalog, on: ObjectRef, object: ObjectRef) -> (bool, u32, Reverse<u32>) {
    let (oid, part) = match object {
        ObjectRef::Schema(id) => (id.0, 0),
        ObjectRef::Table(id) => (id.0, 0),
        ObjectRef::Column(id, column) | ObjectRef::Default(id, column) => (id.0, column.0),
        ObjectRef::Constraint(_, id) => (id.0, 0),
        ObjectRef::Index(_, id) => (id.0, 0),
        ObjectRef::Sequence(id) => (id.0, 0),
        ObjectRef::View(id) => (id.0, 0),
        ObjectRef::Type(id) => (id.0, 0),
        ObjectRef::Function(id) => (id.0, 0),
        ObjectRef::Policy(_, id) => (id.0, 0),
    };
    let direct = !(matches!(on, ObjectRef::Type(_)) && is_array(catalog, object));
    (direct, oid, Reverse(part))
}

/// Whether this is a column of an array type.
fn is_array(catalog: &Catalog, object: ObjectRef) -> bool {
    let ObjectRef::Column(table, column) = object else {
        return false;
    };
    let table = catalog.table_by_id(table);
    let column = table.and_then(|table| table.column_by_id(column));
    column.is_some_and(|(_, column)| matches!(column.ty, DataType::Array(_)))
}

/// The field of composite type `user` that is of type `on`, as messages name it.
fn field_of(catalog: &Catalog, user: TypeId, on: TypeId) -> Option<String> {
    let def = catalog.type_by_id(user)?;
    let TypeKind::Composite(fields) = &def.kind else {
        return None;
    };
    let uses = |ty: &DataType| ty.user_type().is_some_and(|ty| ty.oid == on.0);
    let field = fields.iter().find(|field| uses(&field.ty))?;
    Some(format!(
        "column {} of composite type {}",
        field.name, def.name
    ))
}

/// Refuses to drop what only goes as part of something else.
fn refuse_parts(catalog: &Catalog, objects: &[ObjectRef]) -> Result<()> {
    for object in objects {
        let owner = match *object {
            ObjectRef::Index(id, index) => catalog
                .table_by_id(id)
                .and_then(|table| table.index_by_id(index))
                .and_then(|index| index.constraint)
                .map(|constraint| ObjectRef::Constraint(id, constraint)),
            ObjectRef::Sequence(id) => catalog
                .sequence_by_id(id)
                .filter(|sequence| sequence.identity)
                .and_then(|sequence| sequence.owned_by)
                .map(|(table, column)| ObjectRef::Column(table, column)),
            _ => None,
        };
        if let Some(owner) = owner {
            let (object, owner) = (describe(catalog, *object), describe(catalog, owner));
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop {object} because {owner} requires it"),
            )
            .with_hint(format!("You can drop {owner} instead.")));
        }
    }
    Ok(())
}

fn blocked(catalog: &Catalog, objects: &[ObjectRef], found: &[&Found]) -> Error {
    let message = match objects {
        [only] => format!(
            "cannot drop {} because other objects depend on it",
            describe(catalog, *only)
        ),
        _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
    };
    let lines: Vec<String> = found
        .iter()
        .map(|found| {
            let field = match (found.on, found.object) {
                (ObjectRef::Type(on), ObjectRef::Type(user)) => field_of(catalog, user, on),
                _ => None,
            };
            if let Some(field) = field {
                return format!("{field} depends on {}", describe(catalog, found.on));
            }
            let array = matches!(found.on, ObjectRef::Type(_)) && is_array(catalog, found.object);
            format!(
                "{} depends on {}{}",
                describe(catalog, found.object),
                describe(catalog, found.on),
                if array { "[]" } else { "" }
            )
        })
        .collect();
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
        .with_detail(lines.join("\n"))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}
