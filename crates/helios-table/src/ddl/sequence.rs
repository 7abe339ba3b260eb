//! Sequences.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, TableId};
use helios_version::SequenceState;

use super::name::quote;
use super::spec::SequenceOptions;
use crate::catalog::{Change, SchemaDef, SchemaId, SequenceDef, SequenceId};
use crate::transaction::Transaction;

impl Transaction {
    /// `CREATE SEQUENCE`.
    ///
    /// # Errors
    /// 42P07 the name is taken, 22023 the options contradict each other.
    pub fn create_sequence(
        &self,
        schema: SchemaId,
        name: &str,
        options: &SequenceOptions,
    ) -> Result<Arc<SequenceDef>> {
        let schema = self.enter_schema(schema)?;
        self.take_name(schema.id, name)?;
        let sequence = self.new_sequence(&schema, name, options)?;
        self.put_sequence(sequence)
    }

    pub(super) fn put_sequence(&self, sequence: SequenceDef) -> Result<Arc<SequenceDef>> {
        let sequence = Arc::new(sequence);
        self.change(Change::Sequence(sequence.id, Some(sequence.clone())))?;
        Ok(sequence)
    }

    pub(super) fn new_sequence(
        &self,
        schema: &SchemaDef,
        name: &str,
        options: &SequenceOptions,
    ) -> Result<SequenceDef> {
        let id = SequenceId(self.tables().next_id()?);
        let mut sequence = SequenceDef {
            id,
            storage: id,
            schema: schema.id,
            schema_name: schema.name.clone(),
            name: name.to_owned(),
            ty: DataType::Int8,
            start: 1,
            increment: 1,
            min: 1,
            max: i64::MAX,
            cache: 1,
            cycle: false,
            owned_by: None,
            identity: false,
            comment: None,
        };
        set_options(&mut sequence, options, true)?;
        Ok(sequence)
    }

    /// `ALTER SEQUENCE`.
    ///
    /// # Errors
    /// 42P01 it is gone, 22023 the options contradict each other.
    pub fn alter_sequence(
        &self,
        id: SequenceId,
        options: &SequenceOptions,
    ) -> Result<Arc<SequenceDef>> {
        self.lock_object(id.0)?;
        let mut sequence = SequenceDef::clone(&*self.sequence(id)?);
        set_options(&mut sequence, options, false)?;
        if let Some(restart) = options.restart {
            // A new place for the position, so that a rollback returns to the old one.
            sequence.storage = SequenceId(self.tables().next_id()?);
            let state = SequenceState {
                value: restart.unwrap_or(sequence.start),
                called: false,
            };
            let storage = TableId(sequence.storage.0);
            let store = self.tables().store();
            store.setval(self.branch(), storage, state)?;
        }
        self.put_sequence(sequence)
    }

    pub(super) fn sequence(&self, id: SequenceId) -> Result<Arc<SequenceDef>> {
        let catalog = self.latest_catalog()?;
        catalog.sequence_by_id(id).cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, "sequence does not exist")
                .with_detail("It was dropped by a concurrent transaction.")
        })
    }

    /// `setval`: not undone by a rollback.
    ///
    /// # Errors
    /// 22003 outside the sequence's bounds.
    pub fn setval(&self, sequence: &SequenceDef, value: i64, called: bool) -> Result<()> {
        if value < sequence.min || value > sequence.max {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                    sequence.name, sequence.min, sequence.max
                ),
            ));
        }
        let state = SequenceState { value, called };
        let storage = TableId(sequence.storage.0);
        self.tables().store().setval(self.branch(), storage, state)
    }

    /// `nextval`: not undone by a rollback.
    ///
    /// # Errors
    /// 2200H past the last value.
    pub fn nextval(&self, sequence: &SequenceDef) -> Result<i64> {
        self.tables().nextval(self.branch(), sequence)
    }
}

impl SequenceDef {
    /// The default expression that `serial` gives its column.
    #[must_use]
    pub fn nextval_sql(&self) -> String {
        let name = format!("{}.{}", quote(&self.schema_name), quote(&self.name));
        format!("nextval('{}')", name.replace('\'', "''"))
    }
}

fn set_options(sequence: &mut SequenceDef, options: &SequenceOptions, new: bool) -> Result<()> {
    let bad = |message: String| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    if let Some(ty) = &options.ty {
        if !ty.is_integer() {
            return bad("sequence type must be smallint, integer, or bigint".to_owned());
        }
        // Bounds that were those of the old type follow the new one.
        let (low, high) = range(&sequence.ty);
        if sequence.max == high {
            sequence.max = range(ty).1;
        }
        if sequence.min == low {
            sequence.min = range(ty).0;
        }
        sequence.ty = ty.clone();
    }
    let (low, high) = range(&sequence.ty);
    if let Some(increment) = options.increment {
        if increment == 0 {
            return bad("INCREMENT must not be zero".to_owned());
        }
        if new && increment < 0 {
            (sequence.min, sequence.max) = (low, -1);
        }
        sequence.increment = increment;
    }
    let ascending = sequence.increment > 0;
    match options.max {
        Some(Some(max)) => sequence.max = max,
        Some(None) => sequence.max = if ascending { high } else { -1 },
        None => {}
    }
    match options.min {
        Some(Some(min)) => sequence.min = min,
        Some(None) => sequence.min = if ascending { 1 } else { low },
        None => {}
    }
    for (word, value) in [("MAXVALUE", sequence.max), ("MINVALUE", sequence.min)] {
        if value < low || value > high {
            let ty = &sequence.ty;
            return bad(format!(
                "{word} ({value}) is out of range for sequence data type {ty}"
            ));
        }
    }
    if sequence.min >= sequence.max {
        return bad(format!(
            "MINVALUE ({}) must be less than MAXVALUE ({})",
            sequence.min, sequence.max
        ));
    }
    match options.start {
        Some(start) => sequence.start = start,
        None if new && ascending => sequence.start = sequence.min,
        None if new => sequence.start = sequence.max,
        None => {}
    }
    let restart = options.restart.flatten().map(|value| ("RESTART", value));
    for (word, value) in [("START", sequence.start)].into_iter().chain(restart) {
        if value < sequence.min {
            let min = sequence.min;
            return bad(format!(
                "{word} value ({value}) cannot be less than MINVALUE ({min})"
            ));
        }
        if value > sequence.max {
            let max = sequence.max;
            return bad(format!(
                "{word} value ({value}) cannot be greater than MAXVALUE ({max})"
            ));
        }
    }
    if let Some(cache) = options.cache {
        if cache < 1 {
            return bad(format!("CACHE ({cache}) must be greater than zero"));
        }
        sequence.cache = cache;
    }
    if let Some(cycle) = options.cycle {
        sequence.cycle = cycle;
    }
    if let Some(owner) = options.owned_by {
        if sequence.identity {
            return Err(
                Error::unsupported("cannot change ownership of identity sequence").with_detail(
                    format!("Sequence \"{}\" is linked to a table.", sequence.name),
                ),
            );
        }
        sequence.owned_by = owner;
    }
    Ok(())
}

const fn range(ty: &DataType) -> (i64, i64) {
    match ty {
        DataType::Int2 => (i16::MIN as i64, i16::MAX as i64),
        DataType::Int4 => (i32::MIN as i64, i32::MAX as i64),
        _ => (i64::MIN, i64::MAX),
    }
}
