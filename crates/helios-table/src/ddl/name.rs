//! Names: unique per schema, also among transactions that run at the same time.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, TableId};
use helios_version::{LockMode, TableLock, Wait};

use crate::catalog::{Catalog, Change, SchemaDef, SchemaId, TableDef};
use crate::system;
use crate::transaction::Transaction;

/// The longest name, in bytes.
const NAME_BYTES: usize = 63;

/// `name` as an SQL identifier, in double quotes if it needs them.
#[must_use]
pub fn quote(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// `first_second_suffix`, shortened to a name's length as PostgreSQL does: the longer of the two
/// parts gives way first.
pub(super) fn join(first: &str, second: &str, suffix: &str) -> String {
    let (mut first, mut second) = (first, second);
    let fixed = suffix.len() + 1 + usize::from(!second.is_empty());
    while first.len() + second.len() + fixed > NAME_BYTES {
        let longer = if first.len() > second.len() {
            &mut first
        } else {
            &mut second
        };
        let mut end = longer.len().saturating_sub(1);
        while !longer.is_char_boundary(end) {
            end -= 1;
        }
        *longer = &longer[..end];
    }
    if second.is_empty() {
        format!("{first}_{suffix}")
    } else {
        format!("{first}_{second}_{suffix}")
    }
}

/// `relation "…" already exists`.
pub(super) fn exists(name: &str) -> Error {
    Error::new(
        SqlState::DUPLICATE_TABLE,
        format!("relation \"{name}\" already exists"),
    )
}

impl Transaction {
    /// The schema, kept from being dropped until this transaction ends.
    pub(super) fn enter_schema(&self, id: SchemaId) -> Result<Arc<SchemaDef>> {
        self.share_object(id.0)?;
        let catalog = self.latest_catalog()?;
        catalog.schema_by_id(id).cloned().ok_or_else(|| {
            Error::new(SqlState::INVALID_SCHEMA_NAME, "schema does not exist")
                .with_detail("It was dropped by a concurrent transaction.")
        })
    }

    /// Keeps a schema, view or sequence from being dropped or changed.
    pub(super) fn share_object(&self, id: u32) -> Result<()> {
        let key = id.to_be_bytes();
        self.txn()
            .lock_key(system::OBJECT_LOCKS, &key, LockMode::KeyShare, Wait::Block)?;
        Ok(())
    }

    /// Locks a schema, view or sequence for a change.
    pub(super) fn lock_object(&self, id: u32) -> Result<()> {
        let key = id.to_be_bytes();
        self.txn()
            .lock_key(system::OBJECT_LOCKS, &key, LockMode::Update, Wait::Block)?;
        Ok(())
    }

    /// Locks a table and returns its newest definition.
    ///
    /// # Errors
    /// 42P01 if it is gone, 55006 if checks of its rows wait in this transaction.
    pub(crate) fn lock_definition(
        &self,
        id: TableId,
        mode: TableLock,
    ) -> Result<(Arc<Catalog>, Arc<TableDef>)> {
        self.txn().lock_table(id, mode, Wait::Block)?;
        let catalog = self.latest_catalog()?;
        let table = catalog.table_by_id(id).cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, "relation does not exist")
                .with_detail("It was dropped by a concurrent transaction.")
        })?;
        if self.with_state(|state| state.pending.concerns(id)) {
            return Err(Error::new(
                SqlState::OBJECT_IN_USE,
                format!(
                    "cannot ALTER TABLE \"{}\" because it has pending trigger events",
                    table.name
                ),
            ));
        }
        Ok((catalog, table))
    }

    /// Takes a name in a schema until this transaction ends.
    ///
    /// # Errors
    /// 42P07 if it is in use.
    pub(crate) fn take_name(&self, schema: SchemaId, name: &str) -> Result<()> {
        if self.try_name(schema, name)? {
            Ok(())
        } else {
            Err(exists(name))
        }
    }

    /// Locks what a change that comes from another branch makes, changes or drops.
    ///
    /// # Errors
    /// 42P07 if its name is in use by something else.
    pub(crate) fn take_change(&self, change: &Change) -> Result<()> {
        let (id, place) = match change {
            Change::Schema(id, _) => (id.0, None),
            Change::Sequence(id, def) => {
                (id.0, def.as_ref().map(|def| (def.schema, def.name.clone())))
            }
            // Names of types are none of relations.
            Change::Type(id, _) => (id.0, None),
            Change::Function(id, _) => (id.0, None),
            Change::Role(id, _) => (id.0, None),
            Change::Access(object, _) => (*object, None),
            Change::View(id, def) => (id.0, def.as_ref().map(|def| (def.schema, def.name.clone()))),
            Change::Table(id, def) => {
                self.txn()
                    .lock_table(*id, TableLock::AccessExclusive, Wait::Block)?;
                let place = def.as_ref().map(|def| (def.schema, def.name.clone()));
                (id.0, place)
            }
        };
        if !matches!(change, Change::Table(..)) {
            self.lock_object(id)?;
        }
        if let Some((schema, name)) = place {
            let there = self.latest_catalog()?.relation_in(schema, &name);
            if !self.try_name(schema, &name)? && there.is_none_or(|there| there.oid() != id) {
                return Err(exists(&name));
            }
        }
        Ok(())
    }

    fn try_name(&self, schema: SchemaId, name: &str) -> Result<bool> {
        let mut key = schema.0.to_be_bytes().to_vec();
        key.extend_from_slice(name.as_bytes());
        self.txn()
            .lock_key(system::NAME_LOCKS, &key, LockMode::Update, Wait::Block)?;
        let catalog = self.latest_catalog()?;
        Ok(catalog.relation_in(schema, name).is_none())
    }

    /// Takes a free name for an index or sequence: `first_second_suffix`, numbered if need be.
    /// `taken` are names that the statement has used but not yet stored.
    pub(super) fn choose_name(
        &self,
        schema: SchemaId,
        parts: (&str, &str),
        suffix: &str,
        taken: &[String],
    ) -> Result<String> {
        for number in 0_u32.. {
            let suffix = if number == 0 {
                suffix.to_owned()
            } else {
                format!("{suffix}{number}")
            };
            let name = join(parts.0, parts.1, &suffix);
            if !taken.contains(&name) && self.try_name(schema, &name)? {
                return Ok(name);
            }
        }
        Err(Error::internal("no free name"))
    }

    /// The name of a new index of `table`: the one that was asked for, or one made of its parts.
    pub(super) fn index_name(
        &self,
        table: &TableDef,
        name: Option<&str>,
        parts: &[String],
    ) -> Result<String> {
        match name {
            Some(name) => {
                self.take_name(table.schema, name)?;
                Ok(name.to_owned())
            }
            None => {
                let part = index_name_part(parts);
                self.choose_name(table.schema, (&table.name, &part), "idx", &[])
            }
        }
    }
}

/// The name that an index over these columns gets.
fn index_name_part(parts: &[String]) -> String {
    let mut name = parts.join("_");
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    debug_assert!(join("", &name, "").len() <= 63);
    name
}

/// A free name for a constraint of `table`.
pub(super) fn choose_constraint(table: &TableDef, columns: &str, suffix: &str) -> String {
    let name = join(&table.name, columns, suffix);
    let mut number = 0_u32;
    let mut free = name;
    while table.constraint(&free).is_some() {
        number += 1;
        free = join(&table.name, columns, &format!("{suffix}{number}"));
    }
    free
}

#[cfg(test)]
mod tests {
    use super::{join, quote};

    #[test]
    fn quotes_only_where_needed() {
        assert_eq!(quote("abc_1"), "abc_1");
        assert_eq!(quote("Abc"), "\"Abc\"");
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote(""), "\"\"");
    }

    #[test]
    fn long_names_give_way_evenly() {
        assert_eq!(join("t", "c", "key"), "t_c_key");
        assert_eq!(join("t", "", "pkey"), "t_pkey");
        let name = join(&"t".repeat(60), &"c".repeat(60), "fkey");
        assert_eq!(name.len(), 63);
        assert!(name.ends_with("c_fkey") && name.contains("t_c"));
    }
}
