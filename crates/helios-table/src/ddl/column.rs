//! Making columns.

use helios_base::{ColumnId, DataType, Error, Result, SqlState};
use helios_expr::Expr;

use super::spec::{NewColumn, NewIdentity, SequenceOptions};
use crate::catalog::{
    Catalog, ColumnDef, GeneratedDef, IdentityDef, LayoutDef, SchemaDef, TableDef,
};
use crate::transaction::Transaction;

/// The most columns a table can have.
const COLUMNS: usize = 1600;

impl Transaction {
    /// Adds a column to a definition that is being made, with its sequence. Its expressions are
    /// compiled by [`Transaction::compile_column`] once all columns are there.
    pub(super) fn make_column(
        &self,
        schema: &SchemaDef,
        table: &mut TableDef,
        new: &NewColumn,
    ) -> Result<ColumnId> {
        if table.column(&new.name).is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!(
                    "column \"{}\" of relation \"{}\" already exists",
                    new.name, table.name
                ),
            ));
        }
        if table.columns.len() >= COLUMNS {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("tables can have at most {COLUMNS} columns"),
            ));
        }
        if matches!(
            new.ty,
            DataType::Unknown | DataType::Record | DataType::Void
        ) {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{}\" has pseudo-type {}", new.name, new.ty),
            ));
        }
        let id = ColumnId(table.next_column);
        table.next_column += 1;
        let mut column = ColumnDef::new(id, &new.name, new.ty.clone());
        column.not_null = new.not_null || new.serial || new.identity.is_some();
        column.default.clone_from(&new.default);
        column.generated = new.generated.as_ref().map(|sql| GeneratedDef {
            sql: sql.clone(),
            columns: Vec::new(),
        });
        let identity = new.identity.as_ref();
        if new.serial || identity.is_some() {
            self.number_column(schema, table, &mut column, identity)?;
        }
        table.columns.push(column);
        Ok(id)
    }

    /// Gives a column the sequence of `serial` or of its identity.
    pub(super) fn number_column(
        &self,
        schema: &SchemaDef,
        table: &TableDef,
        column: &mut ColumnDef,
        identity: Option<&NewIdentity>,
    ) -> Result<()> {
        if !column.ty.is_integer() {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "identity column type must be smallint, integer, or bigint",
            ));
        }
        let mut options = identity.map_or_else(SequenceOptions::default, |i| i.sequence.clone());
        options.ty.get_or_insert_with(|| column.ty.clone());
        let name = match options.name.take() {
            Some((Some(other), _)) if other != schema.name => {
                return Err(Error::new(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "sequence must be in same schema as table it is linked to",
                ));
            }
            Some((_, name)) => {
                self.take_name(schema.id, &name)?;
                name
            }
            None => self.choose_name(schema.id, (&table.name, &column.name), "seq", &[])?,
        };
        let mut sequence = self.new_sequence(schema, &name, &options)?;
        sequence.owned_by = Some((table.id, column.id));
        sequence.identity = identity.is_some();
        match identity {
            Some(identity) => {
                column.identity = Some(IdentityDef {
                    always: identity.always,
                    sequence: sequence.id,
                });
            }
            None => column.default = Some(sequence.nextval_sql()),
        }
        self.put_sequence(sequence)?;
        Ok(())
    }

    /// Compiles the default and the generation expression of a column, and notes what the latter
    /// reads. Returns the compiled default.
    pub(crate) fn compile_column(
        &self,
        catalog: &Catalog,
        table: &mut TableDef,
        id: ColumnId,
    ) -> Result<Option<Expr>> {
        let Some((position, column)) = table.column_by_id(id) else {
            return Ok(None);
        };
        let exprs = self.tables().exprs();
        if let Some(generated) = &column.generated {
            let expr = exprs.compile(catalog, table, &generated.sql, Some(&column.ty))?;
            let columns = columns_of(table, &expr);
            let over_generated = columns.iter().find_map(|id| {
                let (_, column) = table.column_by_id(*id)?;
                column.generated.as_ref().map(|_| &column.name)
            });
            if let Some(name) = over_generated {
                return Err(Error::new(
                    SqlState::INVALID_OBJECT_DEFINITION,
                    format!(
                        "cannot use generated column \"{name}\" in column generation expression"
                    ),
                )
                .with_detail("A generated column cannot reference another generated column."));
            }
            if expr.volatility() != helios_expr::Volatility::Immutable {
                return Err(Error::new(
                    SqlState::INVALID_OBJECT_DEFINITION,
                    "generation expression is not immutable",
                ));
            }
            if let Some(generated) = table
                .columns
                .get_mut(position)
                .and_then(|column| column.generated.as_mut())
            {
                generated.columns = columns;
            }
            return Ok(None);
        }
        let Some(sql) = &column.default else {
            return Ok(None);
        };
        let expr = exprs.compile(catalog, table, sql, Some(&column.ty))?;
        if expr.uses_columns() {
            return Err(Error::unsupported(
                "cannot use column reference in DEFAULT expression",
            ));
        }
        Ok(Some(expr))
    }
}

/// The columns that an expression over a row of `table` reads.
pub(super) fn columns_of(table: &TableDef, expr: &Expr) -> Vec<ColumnId> {
    expr.used_columns()
        .into_iter()
        .filter_map(|position| table.columns.get(position).map(|column| column.id))
        .collect()
}

/// The columns called `names`.
pub(super) fn resolve(table: &TableDef, names: &[String]) -> Result<Vec<ColumnId>> {
    names.iter().map(|name| require(table, name)).collect()
}

/// The column called `name`.
pub(super) fn require(table: &TableDef, name: &str) -> Result<ColumnId> {
    if let Some((_, column)) = table.column(name) {
        return Ok(column.id);
    }
    let error = Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!(
            "column \"{name}\" of relation \"{}\" does not exist",
            table.name
        ),
    );
    let known = table.columns.iter().map(|column| column.name.as_str());
    Err(match helios_base::nearest(name, known) {
        Some(near) => error.with_hint(format!("perhaps you meant \"{near}\"")),
        None => error,
    })
}

/// Puts the present columns in use as a new layout.
pub(crate) fn new_layout(table: &mut TableDef) {
    let version = table.layouts.last().map_or(0, |last| last.version) + 1;
    let columns = table.columns.iter();
    table.layouts.push(LayoutDef {
        version,
        columns: columns.map(|c| (c.id, c.ty.clone())).collect(),
    });
}

/// Changes a column of a definition that is being made.
pub(super) fn edit(
    table: &mut TableDef,
    id: ColumnId,
    change: impl FnOnce(&mut ColumnDef),
) -> Result<()> {
    match table.columns.iter_mut().find(|column| column.id == id) {
        Some(column) => {
            change(column);
            Ok(())
        }
        None => Err(Error::internal("no such column")),
    }
}
