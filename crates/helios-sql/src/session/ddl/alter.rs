//! `ALTER`.

use helios_base::{Error, Result, SqlState, TableId, Value};
use helios_expr::{CastContext, EvalContext, cast};
use helios_table::catalog::{Relation, SchemaId, TableDef};
use helios_table::ddl::{Conversion, Convert, ObjectRef};
use helios_table::is_temporary_schema;

use super::super::settings::in_full;
use super::{Ddl, convert, wrong_kind};
use crate::plan::{AlterAction, AlterTable, Cascade, QualifiedName, SequenceOptions};

impl Ddl<'_> {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) -> Result<()> {
        let relation = match self.find(&alter.name) {
            Some(relation) => relation,
            None if alter.table.is_none() => {
                let message = format!("relation \"{}\" does not exist, skipping", alter.name.name);
                self.session.notice(message);
                return Ok(());
            }
            None => self.require("relation", &alter.name)?,
        };
        for action in &alter.actions {
            match &relation {
                Relation::Table(table) => self.alter_action(table.id, &alter.name, action)?,
                other => self.alter_other(other, action)?,
            }
            // Each action sees what those before it did.
            self.catalog = self.txn.latest_catalog()?;
        }
        Ok(())
    }

    /// The schema that an object of schema `from` moves to.
    fn destination(&self, from: &str, to: &str) -> Result<SchemaId> {
        if is_temporary_schema(from) || to.starts_with("pg_temp") {
            return Err(Error::unsupported(
                "cannot move objects into or out of temporary schemas",
            ));
        }
        self.catalog.require_schema(to).map(|schema| schema.id)
    }

    /// The few actions that other relations know too.
    fn alter_other(&mut self, relation: &Relation, action: &AlterAction) -> Result<()> {
        match (relation, action) {
            (_, AlterAction::Nothing) => Ok(()),
            (Relation::View(view), AlterAction::RenameTable { to }) => {
                self.txn.rename_view(view.id, to)
            }
            (Relation::View(view), AlterAction::RenameColumn(rename)) => self
                .txn
                .rename_view_column(view.id, &rename.from, &rename.to),
            (Relation::Sequence(sequence), AlterAction::RenameTable { to }) => {
                self.txn.rename_sequence(sequence.id, to)
            }
            (Relation::Index(table, index), AlterAction::RenameTable { to }) => {
                self.txn.rename_index(table.id, index.id, to)
            }
            (Relation::View(view), AlterAction::SetSchema { schema }) => {
                let schema = self.destination(relation.schema_name(), schema)?;
                self.txn.move_view(view.id, schema)
            }
            (Relation::Sequence(sequence), AlterAction::SetSchema { schema }) => {
                let schema = self.destination(relation.schema_name(), schema)?;
                self.txn.move_sequence(sequence.id, schema)
            }
            _ => Err(wrong_kind(relation.name(), "table")),
        }
    }

    fn alter_action(
        &mut self,
        id: TableId,
        own: &QualifiedName,
        action: &AlterAction,
    ) -> Result<()> {
        let table = self
            .catalog
            .table_by_id(id)
            .cloned()
            .ok_or_else(|| Error::internal("the altered table is gone"))?;
        let txn = self.txn.clone();
        match action {
            AlterAction::AddColumn {
                column,
                if_not_exists,
                keys,
                foreign_keys,
                checks,
            } => {
                if *if_not_exists && table.column(&column.name).is_some() {
                    let message = format!(
                        "column \"{}\" of relation \"{}\" already exists, skipping",
                        column.name, table.name
                    );
                    self.session
                        .notice_state(SqlState::DUPLICATE_COLUMN, message);
                    return Ok(());
                }
                let new = self.column(column)?;
                self.with_context(|ctx| txn.add_column(id, &new, ctx))?;
                for key in keys {
                    txn.add_constraint(id, &convert::key(key))?;
                }
                for check in checks {
                    txn.add_constraint(id, &convert::check(check))?;
                }
                for key in foreign_keys {
                    let key = self.foreign_key(key, own)?;
                    self.same_lifetime(table.schema, std::slice::from_ref(&key))?;
                    txn.add_constraint(id, &key)?;
                }
            }
            AlterAction::RowSecurity(change) => txn.set_row_security(id, *change)?,
            AlterAction::DropColumn {
                name,
                if_exists,
                cascade,
            } => match table.column(name) {
                Some((_, column)) => self.drop_part(ObjectRef::Column(id, column.id), *cascade)?,
                None if *if_exists => self.session.notice(format!(
                    "column \"{name}\" of relation \"{}\" does not exist, skipping",
                    table.name
                )),
                None => return Err(no_column(&table, name)),
            },
            AlterAction::RenameColumn(rename) => {
                txn.rename_column(id, &rename.from, &rename.to)?;
            }
            AlterAction::RenameTable { to } => txn.rename_table(id, to)?,
            AlterAction::RenameConstraint(rename) => {
                txn.rename_constraint(id, &rename.from, &rename.to)?;
            }
            AlterAction::SetSchema { schema } => {
                let schema = self.destination(&table.schema_name, schema)?;
                txn.move_table(id, schema)?;
            }
            AlterAction::SetType { column, ty, using } => {
                self.set_type(&table, column, ty, using.as_deref())?;
            }
            AlterAction::SetDefault { column, default } => {
                txn.set_default(id, column, Some(default))?;
            }
            AlterAction::DropDefault { column } => txn.set_default(id, column, None)?,
            AlterAction::SetNotNull { column } => txn.set_not_null(id, column, true)?,
            AlterAction::DropNotNull { column } => txn.set_not_null(id, column, false)?,
            AlterAction::AddIdentity { column, identity } => {
                let identity = self.identity(identity)?;
                txn.set_identity(id, column, Some(&identity))?;
            }
            AlterAction::DropIdentity { column, if_exists } => {
                let none = table
                    .column(column)
                    .is_some_and(|(_, def)| def.identity.is_none());
                if none && *if_exists {
                    self.session.notice(format!(
                        "column \"{column}\" of relation \"{}\" is not an identity column, skipping",
                        table.name
                    ));
                } else {
                    txn.set_identity(id, column, None)?;
                }
            }
            AlterAction::DropExpression { .. } => {
                return Err(Error::unsupported("DROP EXPRESSION is not supported yet"));
            }
            AlterAction::AddKey(key) => {
                txn.add_constraint(id, &convert::key(key))?;
            }
            AlterAction::AddForeignKey(key) => {
                let key = self.foreign_key(key, own)?;
                self.same_lifetime(table.schema, std::slice::from_ref(&key))?;
                txn.add_constraint(id, &key)?;
            }
            AlterAction::AddCheck(check) => {
                txn.add_constraint(id, &convert::check(check))?;
            }
            AlterAction::DropConstraint {
                name,
                if_exists,
                cascade,
            } => match table.constraint(name) {
                Some(def) => self.drop_part(ObjectRef::Constraint(id, def.id), *cascade)?,
                None if *if_exists => self.session.notice(format!(
                    "constraint \"{name}\" of relation \"{}\" does not exist, skipping",
                    table.name
                )),
                None => {
                    return Err(Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!(
                            "constraint \"{name}\" of relation \"{}\" does not exist",
                            table.name
                        ),
                    ));
                }
            },
            AlterAction::AlterConstraint {
                name,
                deferrable,
                initially_deferred,
            } => txn.alter_constraint(id, name, *deferrable, *initially_deferred)?,
            AlterAction::ValidateConstraint { name } => txn.validate_constraint(id, name)?,
            AlterAction::Nothing => {}
            AlterAction::SetOptions(options) => {
                let columns = table.columns.iter();
                let columns = columns.map(|column| (column.name.as_str(), &column.ty));
                let options = super::options::named(options)?;
                super::options::check(&options, &table.name, &columns.collect::<Vec<_>>())?;
                let options = options.into_iter();
                let options: Vec<_> = (options.map(|(name, value)| (name, Some(value)))).collect();
                txn.set_options(id, &options)?;
            }
            AlterAction::ResetOptions(names) => {
                let options: Vec<_> = (names.iter())
                    .map(|name| (in_full(name).to_owned(), None))
                    .collect();
                txn.set_options(id, &options)?;
            }
        }
        Ok(())
    }

    /// Drops a part of a table.
    pub(super) fn drop_part(&mut self, object: ObjectRef, cascade: Cascade) -> Result<()> {
        let dropped = self
            .txn
            .drop_objects(&[object], cascade == Cascade::Cascade)?;
        for also in dropped.cascaded {
            self.session.notice(format!("drop cascades to {also}"));
        }
        Ok(())
    }

    /// `ALTER COLUMN … TYPE`.
    fn set_type(
        &mut self,
        table: &TableDef,
        column: &str,
        ty: &helios_base::DataType,
        using: Option<&str>,
    ) -> Result<()> {
        let (position, def) = table
            .column(column)
            .ok_or_else(|| no_column(table, column))?;
        let from = def.ty.base().into_owned();
        let base = ty.base().into_owned();
        let compiled = match using {
            Some(sql) => {
                let exprs = self.session.engine.shared.tables.exprs();
                Some(exprs.compile(&self.catalog, table, sql, Some(ty))?)
            }
            None => {
                if helios_expr::resolve::path(&from, &base, CastContext::Assignment).is_none() {
                    return Err(Error::new(
                        SqlState::DATATYPE_MISMATCH,
                        format!("column \"{column}\" cannot be cast automatically to type {ty}"),
                    )
                    .with_hint(format!(
                        "You might need to specify \"USING {column}::{ty}\"."
                    )));
                }
                None
            }
        };
        let txn = self.txn.clone();
        self.with_context(|ctx| {
            let mut convert = |row: &[Value]| -> Result<Value> {
                match &compiled {
                    Some(expr) => expr.eval(row, ctx),
                    None => {
                        let value = row.get(position).unwrap_or(&Value::Null);
                        let value = cast::cast(value, &from, &base, false, ctx)?;
                        cast::check_domain(&value, ty, ctx)?;
                        Ok(value)
                    }
                }
            };
            let convert: Convert<'_> = &mut convert;
            let convert = match using {
                Some(_) => Conversion::Using(convert),
                None => Conversion::Plain(convert),
            };
            txn.alter_type(table.id, column, ty, convert)
        })?;
        Ok(())
    }

    /// Calls `work` with a context for expressions.
    fn with_context<R>(&self, work: impl FnOnce(&EvalContext<'_>) -> Result<R>) -> Result<R> {
        let exec = self
            .session
            .exec(self.sight, &std::sync::Arc::default(), Vec::new());
        exec.in_root(|cx| work(&cx.context()))
    }

    pub(super) fn alter_sequence(
        &mut self,
        name: &QualifiedName,
        if_exists: bool,
        options: &SequenceOptions,
    ) -> Result<()> {
        match self.find(name) {
            Some(Relation::Sequence(sequence)) => {
                let options = self.sequence_options(options)?;
                self.txn.alter_sequence(sequence.id, &options)?;
                Ok(())
            }
            Some(other) => Err(wrong_kind(other.name(), "sequence")),
            None if if_exists => {
                let message = format!("relation \"{}\" does not exist, skipping", name.name);
                self.session.notice(message);
                Ok(())
            }
            None => self.require("relation", name).map(drop),
        }
    }

    pub(super) fn rename_index(
        &mut self,
        name: &QualifiedName,
        if_exists: bool,
        to: &str,
    ) -> Result<()> {
        match self.find(name) {
            Some(Relation::Index(table, index)) => self.txn.rename_index(table.id, index.id, to),
            Some(other) => Err(wrong_kind(other.name(), "index")),
            None if if_exists => {
                let message = format!("relation \"{}\" does not exist, skipping", name.name);
                self.session.notice(message);
                Ok(())
            }
            None => self.require("relation", name).map(drop),
        }
    }
}

fn no_column(table: &TableDef, name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!(
            "column \"{name}\" of relation \"{}\" does not exist",
            table.name
        ),
    )
}
