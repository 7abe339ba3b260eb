//! Schemas.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use helios_version::{LockMode, Wait};

use crate::catalog::{Change, SchemaDef, SchemaId};
use crate::system;
use crate::transaction::Transaction;

impl Transaction {
    /// `CREATE SCHEMA`.
    ///
    /// # Errors
    /// 42P06 the name is taken, 42939 it is reserved.
    pub fn create_schema(&self, name: &str) -> Result<Arc<SchemaDef>> {
        self.take_schema_name(name)?;
        let schema = Arc::new(SchemaDef {
            id: SchemaId(self.tables().next_id()?),
            name: name.to_owned(),
            comment: None,
        });
        self.change(Change::Schema(schema.id, Some(schema.clone())))?;
        Ok(schema)
    }

    /// `ALTER SCHEMA … RENAME TO`.
    ///
    /// # Errors
    /// As [`Transaction::create_schema`]; 3F000 there is no such schema.
    pub fn rename_schema(&self, id: SchemaId, name: &str) -> Result<()> {
        self.lock_object(id.0)?;
        self.take_schema_name(name)?;
        let old = self.enter_schema(id)?;
        let mut schema = SchemaDef::clone(&old);
        name.clone_into(&mut schema.name);
        self.change(Change::Schema(id, Some(Arc::new(schema))))
    }

    fn take_schema_name(&self, name: &str) -> Result<()> {
        if name.starts_with("pg_") {
            return Err(Error::new(
                SqlState::new(b"42939"),
                format!("unacceptable schema name \"{name}\""),
            )
            .with_detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        // Number 0 is no schema: these are the names of schemas themselves.
        let mut key = 0_u32.to_be_bytes().to_vec();
        key.extend_from_slice(name.as_bytes());
        self.txn()
            .lock_key(system::NAME_LOCKS, &key, LockMode::Update, Wait::Block)?;
        if self.latest_catalog()?.schema(name).is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_SCHEMA,
                format!("schema \"{name}\" already exists"),
            ));
        }
        Ok(())
    }
}
