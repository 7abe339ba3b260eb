//! `ALTER TABLE`: adding columns and changing their properties.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, Error, Result, SqlState, TableId, Value};
use helios_expr::cast::check_domain;
use helios_expr::{EvalContext, Expr, Volatility};
use helios_version::TableLock;

use super::column::{edit, new_layout, require};
use super::spec::{NewColumn, NewIdentity};
use super::validate::contains_nulls;
use crate::catalog::{Catalog, ColumnDef, TableDef, TypeId};
use crate::transaction::Transaction;

impl Transaction {
    /// `ALTER TABLE … ADD COLUMN`.
    ///
    /// Rows that are there are not rewritten unless the default is volatile, numbered or generated:
    /// they hold the default's value as of now.
    ///
    /// # Errors
    /// 42701 the name is taken, 23502 NOT NULL without default on a table with rows; what
    /// compiling and evaluating the default raises.
    pub fn add_column(
        &self,
        id: TableId,
        new: &NewColumn,
        ctx: &EvalContext<'_>,
    ) -> Result<Arc<TableDef>> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let schema = self.enter_schema(old.schema)?;
        let mut table = TableDef::clone(&old);
        let column = self.make_column(&schema, &mut table, new)?;
        let birth = self.tables().next_id()?;
        edit(&mut table, column, |column| column.birth = birth)?;
        let own = self.compile_column(&catalog, &mut table, column)?;
        let computed = new.generated.is_some() || new.identity.is_some();
        let default = match own {
            None if !computed => self.domain_default(&catalog, &table, &new.ty)?,
            own => own,
        };
        new_layout(&mut table);
        let identity = table.column_by_id(column).and_then(|(_, c)| c.identity);
        let volatile = default
            .as_ref()
            .is_some_and(|expr| expr.volatility() == Volatility::Volatile);
        if volatile || new.generated.is_some() || identity.is_some() {
            let sequence = match identity {
                Some(identity) => Some(self.sequence(identity.sequence)?),
                None => None,
            };
            let ty = new.ty.clone();
            let catalog = self.latest_catalog()?;
            return self.rewrite(&catalog, &old, table, &mut |mut row| {
                row.push(match (&default, &sequence) {
                    (Some(default), _) => default.eval(&[], ctx)?,
                    (None, Some(sequence)) => integer(self.nextval(sequence)?, &ty),
                    (None, None) => Value::Null,
                });
                Ok(row)
            });
        }
        let missing = match &default {
            Some(expr) => Some(expr.eval(&[], ctx)?).filter(|value| !value.is_null()),
            None => None,
        };
        if missing.is_none() && self.has_rows(&old)? {
            check_domain(&Value::Null, &new.ty, ctx)?;
            if new.not_null {
                return Err(contains_nulls(&old, &new.name));
            }
        }
        edit(&mut table, column, |column| column.missing = missing)?;
        self.change_table(table)
    }

    /// The default of a column's domain, or of the domain's.
    fn domain_default(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        of: &DataType,
    ) -> Result<Option<Expr>> {
        let mut ty = of;
        while let DataType::User(user) = ty
            && let Some(domain) = user.as_domain()
        {
            let found = catalog.type_by_id(TypeId(user.oid));
            let found = found.and_then(|def| def.as_domain()?.default.as_ref());
            if let Some(sql) = found {
                let exprs = self.tables().exprs();
                return exprs.compile(catalog, table, sql, Some(of)).map(Some);
            }
            ty = &domain.base;
        }
        Ok(None)
    }

    /// `ALTER COLUMN … SET DEFAULT` and, with `None`, `DROP DEFAULT`.
    ///
    /// # Errors
    /// 42703 no such column, 42601 it is generated or an identity; what compiling raises.
    pub fn set_default(&self, id: TableId, column: &str, default: Option<&str>) -> Result<()> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        let column = require(&table, column)?;
        refuse_computed(&table, column)?;
        edit(&mut table, column, |column| {
            column.default = default.map(ToOwned::to_owned);
        })?;
        self.compile_column(&catalog, &mut table, column)?;
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER COLUMN … SET NOT NULL` and `DROP NOT NULL`.
    ///
    /// # Errors
    /// 42703 no such column, 23502 a row has NULL there, 42P16 it is in the primary key.
    pub fn set_not_null(&self, id: TableId, column: &str, not_null: bool) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let name = column;
        let column = require(&old, name)?;
        if not_null {
            self.refuse_nulls(&old, column)?;
        } else if old.is_primary(column) {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{name}\" is in a primary key"),
            ));
        } else if let Some((_, def)) = old.column_by_id(column)
            && def.identity.is_some()
        {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!(
                    "column \"{name}\" of relation \"{}\" is an identity column",
                    old.name
                ),
            ));
        }
        let mut table = TableDef::clone(&old);
        edit(&mut table, column, |column| column.not_null = not_null)?;
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER COLUMN … ADD GENERATED … AS IDENTITY`, with `None` `DROP IDENTITY`.
    ///
    /// # Errors
    /// 42703 no such column, 55000 it is (or is not) an identity, or may be NULL.
    pub fn set_identity(
        &self,
        id: TableId,
        column: &str,
        identity: Option<&NewIdentity>,
    ) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let schema = self.enter_schema(old.schema)?;
        let mut table = TableDef::clone(&old);
        let name = column;
        let column = require(&table, name)?;
        let Some(mut def) = table.column_by_id(column).map(|(_, def)| def.clone()) else {
            return Err(Error::internal("no such column"));
        };
        let refuse = |what: &str| {
            Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("column \"{name}\" of relation \"{}\" {what}", old.name),
            ))
        };
        match (identity, def.identity) {
            (Some(_), Some(_)) => return refuse("is already an identity column"),
            (Some(_), None) if !def.not_null => {
                return refuse("must be declared NOT NULL before identity can be added");
            }
            (Some(_), None) if def.default.is_some() => {
                return refuse("already has a default value");
            }
            (Some(identity), None) => {
                self.number_column(&schema, &table, &mut def, Some(identity))?;
            }
            (None, None) => return refuse("is not an identity column"),
            (None, Some(identity)) => {
                def.identity = None;
                self.lock_object(identity.sequence.0)?;
                let change = crate::catalog::Change::Sequence(identity.sequence, None);
                self.change(change)?;
            }
        }
        edit(&mut table, column, |place| *place = def)?;
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER COLUMN … DROP EXPRESSION`: the values stay, and the column becomes an ordinary one.
    ///
    /// # Errors
    /// 42703 no such column, 55000 it is not generated.
    pub fn drop_expression(&self, id: TableId, column: &str) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        let name = column;
        let column = require(&table, name)?;
        edit(&mut table, column, |column| column.generated = None)?;
        let generated = |def: &ColumnDef| def.id == column && def.generated.is_some();
        if !old.columns.iter().any(generated) {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!(
                    "column \"{name}\" of relation \"{}\" is not a stored generated column",
                    old.name
                ),
            ));
        }
        self.change_table(table)?;
        Ok(())
    }

    /// `ALTER TABLE … SET (name = value)` and, with `None`, `RESET (name)`.
    ///
    /// # Errors
    /// 42P01 the table is gone.
    pub fn set_options(&self, id: TableId, options: &[(String, Option<String>)]) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::ShareUpdateExclusive)?;
        let mut table = TableDef::clone(&old);
        for (name, value) in options {
            match value {
                Some(value) => table.options.insert(name.clone(), value.clone()),
                None => table.options.remove(name),
            };
        }
        self.change_table(table)?;
        Ok(())
    }
}

fn refuse_computed(table: &TableDef, column: ColumnId) -> Result<()> {
    let Some((_, def)) = table.column_by_id(column) else {
        return Ok(());
    };
    let what = if def.generated.is_some() {
        "a generated column"
    } else if def.identity.is_some() {
        "an identity column"
    } else {
        return Ok(());
    };
    Err(Error::new(
        SqlState::SYNTAX_ERROR,
        format!(
            "column \"{}\" of relation \"{}\" is {what}",
            def.name, table.name
        ),
    ))
}

/// A sequence's value in the column's type; its bounds are within the type's.
fn integer(value: i64, ty: &DataType) -> Value {
    match ty {
        DataType::Int2 => i16::try_from(value).map_or(Value::Null, Value::Int2),
        DataType::Int4 => i32::try_from(value).map_or(Value::Null, Value::Int4),
        _ => Value::Int8(value),
    }
}
