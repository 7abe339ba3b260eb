//! `CREATE TABLE`, `CREATE TABLE AS`, `SELECT INTO`.

use helios_base::{Error, Result, SqlState};
use helios_table::catalog::{ConstraintKind as Kind, Privileges, TableDef};

use super::column::{Constraints, Row};
use super::storage;
use crate::bind::Binder;
use crate::bind::row_type::stored_rows;
use crate::parse::ast::{self, ConstraintKind, Ident, Like};
use crate::plan::{
    CheckSpec, ColumnSpec, CreateTable, IdentitySpec, KeySpec, OnCommit, Plan, PlanColumn,
};

impl Binder<'_> {
    pub(super) fn create_table(&mut self, create: &ast::CreateTable) -> Result<CreateTable> {
        let schema = create.name.schema.as_ref().map(|schema| &schema.name);
        if create.on_commit.is_some()
            && !create.temporary
            && schema.is_none_or(|schema| schema != "pg_temp")
        {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "ON COMMIT can only be used on temporary tables",
            ));
        }
        if let Some(source) = &create.query {
            let mut table = self.table_of_query(&source.query, &source.columns, &create.name)?;
            table.if_not_exists = create.if_not_exists;
            table.temporary = create.temporary;
            table.on_commit = create.on_commit.unwrap_or_default();
            table.options = storage(&create.options);
            if !source.with_data {
                table.query = None;
                table.of_query = true;
            }
            return Ok(table);
        }
        let mut row = Row {
            table: create.name.name.name.clone(),
            ..Row::default()
        };
        let mut constraints = Constraints::default();
        let mut specs: Vec<ColumnSpec> = Vec::new();
        let mut own: Vec<usize> = Vec::new();
        for position in 0..=create.columns.len() {
            for like in create.like.iter().filter(|like| like.after == position) {
                let table = self.table(&like.table)?;
                let need = self.need_table(&table, Privileges::NONE);
                self.need_column(need, Privileges::SELECT, None);
                let copied = self.copied(&table, like, &mut constraints)?;
                specs.extend(copied);
            }
            if let Some(column) = create.columns.get(position) {
                own.push(specs.len());
                specs.push(self.column_spec(column)?);
            }
        }
        for (index, spec) in specs.iter().enumerate() {
            if specs
                .iter()
                .take(index)
                .any(|known| known.name == spec.name)
            {
                let written = create
                    .columns
                    .iter()
                    .rev()
                    .find(|column| column.name.name == spec.name);
                let error = Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", spec.name),
                );
                return Err(match written {
                    Some(column) => self.at(error, column.name.pos),
                    None => error,
                });
            }
        }
        row.columns = specs
            .iter()
            .map(|spec| PlanColumn::new(spec.name.as_str(), spec.ty.base().into_owned()))
            .collect();
        row.generated = create
            .columns
            .iter()
            .filter(|column| {
                column
                    .constraints
                    .iter()
                    .any(|constraint| matches!(constraint.kind, ConstraintKind::Generated(_)))
            })
            .map(|column| column.name.name.clone())
            .collect();
        for (column, position) in create.columns.iter().zip(own) {
            if let Some(spec) = specs.get_mut(position) {
                self.column_constraints(column, spec, &mut row, &mut constraints)?;
            }
        }
        for constraint in &create.constraints {
            self.constraint(constraint, None, &row, &mut constraints)?;
        }
        self.one_primary_key(&constraints.keys, create)?;
        for key in constraints.keys.iter().filter(|key| key.primary) {
            for spec in &mut specs {
                spec.not_null |= key.columns.contains(&spec.name);
            }
        }
        Ok(CreateTable {
            name: create.name.clone().into(),
            if_not_exists: create.if_not_exists,
            temporary: create.temporary,
            on_commit: create.on_commit.unwrap_or_default(),
            columns: specs,
            keys: constraints.keys,
            foreign_keys: constraints.foreign_keys,
            checks: constraints.checks,
            options: storage(&create.options),
            query: None,
            of_query: false,
        })
    }

    fn one_primary_key(&self, keys: &[KeySpec], create: &ast::CreateTable) -> Result<()> {
        if keys.iter().filter(|key| key.primary).count() < 2 {
            return Ok(());
        }
        let on_columns = create.columns.iter().flat_map(|column| &column.constraints);
        let second = on_columns
            .chain(&create.constraints)
            .filter(|constraint| {
                matches!(constraint.kind, ConstraintKind::Key { primary: true, .. })
            })
            .nth(1)
            .map_or(create.name.pos(), |constraint| constraint.pos);
        Err(self.fail(
            SqlState::INVALID_TABLE_DEFINITION,
            format!(
                "multiple primary keys for table \"{}\" are not allowed",
                create.name.name.name
            ),
            second,
        ))
    }

    /// `SELECT … INTO table`
    pub(in crate::bind) fn select_into(
        &mut self,
        query: &ast::Query,
        into: &ast::Into,
    ) -> Result<CreateTable> {
        let mut plain = query.clone();
        if let ast::QueryBody::Select(select) = &mut plain.body {
            select.into = None;
        }
        let mut table = self.table_of_query(&plain, &[], &into.name)?;
        table.temporary = into.temporary;
        Ok(table)
    }

    /// A table with the columns of a query.
    fn table_of_query(
        &mut self,
        query: &ast::Query,
        names: &[Ident],
        name: &ast::Name,
    ) -> Result<CreateTable> {
        let plan: Plan = self.query(query, None, true)?;
        if names.len() > plan.columns().len() {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "too many column names were specified",
                names.first().map_or(name.pos(), |name| name.pos),
            ));
        }
        let columns = self.renamed(plan.columns(), names, &name.name)?;
        let mut specs: Vec<ColumnSpec> = Vec::with_capacity(columns.len());
        for column in &columns {
            if specs.iter().any(|known| *known.name == *column.name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", column.name),
                ));
            }
            if matches!(column.ty, helios_base::DataType::Record) {
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!("column \"{}\" has pseudo-type {}", column.name, column.ty),
                ));
            }
            stored_rows(&column.ty)?;
            specs.push(ColumnSpec {
                name: column.name.to_string(),
                ty: column.ty.clone(),
                not_null: false,
                default: None,
                generated: None,
                identity: None,
                serial: false,
            });
        }
        Ok(CreateTable {
            name: name.clone().into(),
            if_not_exists: false,
            temporary: false,
            on_commit: OnCommit::default(),
            columns: specs,
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            options: Vec::new(),
            query: Some(plan),
            of_query: false,
        })
    }

    /// The columns of `LIKE table`, and what of its constraints is included.
    fn copied(
        &self,
        table: &TableDef,
        like: &Like,
        constraints: &mut Constraints,
    ) -> Result<Vec<ColumnSpec>> {
        const KNOWN: [&str; 9] = [
            "all",
            "comments",
            "compression",
            "constraints",
            "defaults",
            "generated",
            "identity",
            "indexes",
            "storage",
        ];
        for what in &like.including {
            if !KNOWN.contains(&what.as_str()) {
                return Err(self.unsupported(
                    format!("INCLUDING {}", what.to_uppercase()),
                    like.table.pos(),
                ));
            }
        }
        let includes = |what: &str| {
            like.including
                .iter()
                .any(|known| known == what || known == "all")
        };
        let names = |ids: &[helios_base::ColumnId]| -> Vec<String> {
            ids.iter()
                .filter_map(|id| table.column_by_id(*id))
                .map(|(_, column)| column.name.clone())
                .collect()
        };
        if includes("constraints") {
            for (constraint, sql) in table.checks() {
                constraints.checks.push(CheckSpec {
                    name: Some(constraint.name.clone()),
                    expr: sql.to_owned(),
                    columns: match &constraint.kind {
                        Kind::Check { columns, .. } => names(columns),
                        _ => Vec::new(),
                    },
                    not_valid: false,
                });
            }
        }
        if includes("indexes") {
            for index in &table.indexes {
                let constraint = index.constraint.and_then(|id| table.constraint_by_id(id));
                let Some(constraint) = constraint.filter(|_| index.is_plain()) else {
                    return Err(self.unsupported(
                        "INCLUDING INDEXES of an index that is no constraint",
                        like.table.pos(),
                    ));
                };
                let columns: Vec<_> = index
                    .keys
                    .iter()
                    .filter_map(|key| key.as_column())
                    .collect();
                constraints.keys.push(KeySpec {
                    name: None,
                    primary: index.primary,
                    columns: names(&columns),
                    include: names(&index.include),
                    nulls_not_distinct: index.nulls_not_distinct,
                    deferrable: constraint.deferrable,
                    initially_deferred: constraint.initially_deferred,
                });
            }
        }
        Ok(table
            .columns
            .iter()
            .map(|column| ColumnSpec {
                name: column.name.clone(),
                ty: column.ty.clone(),
                not_null: column.not_null,
                default: column.default.clone().filter(|_| includes("defaults")),
                generated: column
                    .generated
                    .as_ref()
                    .filter(|_| includes("generated"))
                    .map(|generated| generated.sql.clone()),
                identity: column
                    .identity
                    .as_ref()
                    .filter(|_| includes("identity"))
                    .map(|identity| IdentitySpec {
                        always: identity.always,
                        options: crate::plan::SequenceOptions::default(),
                    }),
                serial: false,
            })
            .collect())
    }
}
