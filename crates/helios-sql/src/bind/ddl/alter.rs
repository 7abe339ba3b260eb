//! `ALTER TABLE`.

use std::sync::Arc;

use helios_base::{DataType, Result, SqlState};
use helios_table::catalog::{Relation, TableDef};

use super::column::{Constraints, Row};
use super::{rename, storage};
use crate::bind::Binder;
use crate::bind::relation::{table_columns, table_ref};
use crate::parse::ast::{self, AlterAction as Tree, Ident};
use crate::plan::{AlterAction, AlterTable, IdentitySpec, PlanColumn};

impl Binder<'_> {
    pub(super) fn alter_table(&mut self, alter: &ast::AlterTable) -> Result<AlterTable> {
        let relation = match self.relation(&alter.name) {
            Err(error)
                if alter.if_exists && matches!(error.sqlstate().as_str(), "42P01" | "3F000") =>
            {
                return Ok(AlterTable {
                    table: None,
                    name: alter.name.clone().into(),
                    actions: Vec::new(),
                    tag: alter.tag,
                });
            }
            found => found?,
        };
        let table: Option<Arc<TableDef>> = match &relation {
            Relation::Table(table) => Some(table.clone()),
            _ => None,
        };
        let mut row = Row {
            table: relation.name().to_owned(),
            columns: table.as_deref().map(table_columns).unwrap_or_default(),
            generated: table
                .iter()
                .flat_map(|table| &table.columns)
                .filter(|column| column.generated.is_some())
                .map(|column| column.name.clone())
                .collect(),
        };
        let mut actions = Vec::with_capacity(alter.actions.len());
        for (action, pos) in &alter.actions {
            let plain = matches!(
                action,
                Tree::Rename(_) | Tree::SetSchema(_) | Tree::RenameColumn(..) | Tree::Nothing
            );
            if table.is_none() && !plain {
                return Err(self.fail(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a table", relation.name()),
                    alter.name.pos(),
                ));
            }
            actions.push(self.alter_action(action, &mut row, *pos, table.is_some())?);
        }
        Ok(AlterTable {
            table: table.as_deref().map(table_ref),
            name: alter.name.clone().into(),
            actions,
            tag: alter.tag,
        })
    }

    fn alter_action(
        &mut self,
        action: &Tree,
        row: &mut Row,
        pos: crate::parse::Pos,
        is_table: bool,
    ) -> Result<AlterAction> {
        let known = |binder: &Self, row: &Row, name: &Ident| binder.known_column(row, name);
        Ok(match action {
            Tree::AddColumn(column, if_not_exists) => {
                let there = row
                    .columns
                    .iter()
                    .any(|known| *known.name == *column.name.name);
                if there && !if_not_exists {
                    return Err(self.fail(
                        SqlState::DUPLICATE_COLUMN,
                        format!(
                            "column \"{}\" of relation \"{}\" already exists",
                            column.name.name, row.table
                        ),
                        column.name.pos,
                    ));
                }
                let mut spec = self.column_spec(column)?;
                let mut constraints = Constraints::default();
                if !there {
                    row.columns.push(PlanColumn::new(
                        spec.name.as_str(),
                        spec.ty.base().into_owned(),
                    ));
                }
                self.column_constraints(column, &mut spec, row, &mut constraints)?;
                if spec.generated.is_some() {
                    row.generated.push(spec.name.clone());
                }
                AlterAction::AddColumn {
                    column: Box::new(spec),
                    if_not_exists: *if_not_exists,
                    keys: constraints.keys,
                    foreign_keys: constraints.foreign_keys,
                    checks: constraints.checks,
                }
            }
            Tree::RowSecurity(change) => AlterAction::RowSecurity(*change),
            Tree::DropColumn(name, if_exists, cascade) => {
                if !if_exists {
                    known(self, row, name)?;
                }
                row.columns.retain(|column| *column.name != *name.name);
                AlterAction::DropColumn {
                    name: name.name.clone(),
                    if_exists: *if_exists,
                    cascade: *cascade,
                }
            }
            Tree::RenameColumn(from, to) => {
                if is_table {
                    known(self, row, from)?;
                }
                AlterAction::RenameColumn(rename(from, to))
            }
            Tree::Rename(to) => AlterAction::RenameTable {
                to: to.name.clone(),
            },
            Tree::RenameConstraint(from, to) => AlterAction::RenameConstraint(rename(from, to)),
            Tree::SetSchema(schema) => AlterAction::SetSchema {
                schema: schema.name.clone(),
            },
            Tree::SetType(name, ty, collation, using) => {
                let from = known(self, row, name)?;
                let pos = ty.pos;
                let ty = self.data_type(ty)?;
                self.refuse_rows(&ty, pos)?;
                if let Some(collation) = collation {
                    self.collation(collation)?;
                }
                let using_text = match using {
                    Some(text) => {
                        let value = self.over_columns(
                            &text.expr,
                            &row.table,
                            &row.columns,
                            "transform expressions",
                        )?;
                        self.converts(value, &ty, name, text.expr.pos, true)?;
                        Some(self.text_of(text))
                    }
                    None => {
                        let index = row
                            .columns
                            .iter()
                            .position(|column| *column.name == *name.name)
                            .unwrap_or_default();
                        let value = helios_expr::Expr::column(index, from);
                        self.converts(value, &ty, name, name.pos, false)?;
                        None
                    }
                };
                for column in &mut row.columns {
                    if *column.name == *name.name {
                        column.ty = ty.base().into_owned();
                    }
                }
                AlterAction::SetType {
                    column: name.name.clone(),
                    ty,
                    using: using_text,
                }
            }
            Tree::SetDefault(name, text) => {
                let ty = known(self, row, name)?;
                if row.generated.contains(&name.name) {
                    return Err(self.fail(
                        SqlState::SYNTAX_ERROR,
                        format!(
                            "column \"{}\" of relation \"{}\" is a generated column",
                            name.name, row.table
                        ),
                        name.pos,
                    ));
                }
                self.default_expr(&text.expr, &ty, &name.name)?;
                AlterAction::SetDefault {
                    column: name.name.clone(),
                    default: self.default_text(text),
                }
            }
            Tree::DropDefault(name) => {
                known(self, row, name)?;
                AlterAction::DropDefault {
                    column: name.name.clone(),
                }
            }
            Tree::SetNotNull(name) => {
                known(self, row, name)?;
                AlterAction::SetNotNull {
                    column: name.name.clone(),
                }
            }
            Tree::DropNotNull(name) => {
                known(self, row, name)?;
                AlterAction::DropNotNull {
                    column: name.name.clone(),
                }
            }
            Tree::AddIdentity(name, always, options) => {
                let ty = known(self, row, name)?;
                if !ty.is_integer() {
                    return Err(self.fail(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "identity column type must be smallint, integer, or bigint",
                        name.pos,
                    ));
                }
                AlterAction::AddIdentity {
                    column: name.name.clone(),
                    identity: IdentitySpec {
                        always: *always,
                        options: self.sequence_options(options)?,
                    },
                }
            }
            Tree::DropIdentity(name, if_exists) => {
                known(self, row, name)?;
                AlterAction::DropIdentity {
                    column: name.name.clone(),
                    if_exists: *if_exists,
                }
            }
            Tree::DropExpression(name, if_exists) => {
                known(self, row, name)?;
                AlterAction::DropExpression {
                    column: name.name.clone(),
                    if_exists: *if_exists,
                }
            }
            Tree::AddConstraint(constraint) => self.add_constraint(constraint, row, pos)?,
            Tree::DropConstraint(name, if_exists, cascade) => AlterAction::DropConstraint {
                name: name.name.clone(),
                if_exists: *if_exists,
                cascade: *cascade,
            },
            Tree::AlterConstraint(written) => {
                let refused = match (written.not_valid, written.no_inherit) {
                    (true, _) => Some("NOT VALID"),
                    (_, true) => Some("NO INHERIT"),
                    _ => None,
                };
                if let Some(what) = refused {
                    return Err(
                        self.unsupported(format!("{what} of ALTER CONSTRAINT"), written.pos)
                    );
                }
                let name = written.name.as_ref().map(|name| name.name.clone());
                let deferred = written.initially_deferred == Some(true);
                AlterAction::AlterConstraint {
                    name: name.unwrap_or_default(),
                    deferrable: written.deferrable.unwrap_or(deferred),
                    initially_deferred: deferred,
                }
            }
            Tree::Validate(name) => AlterAction::ValidateConstraint {
                name: name.name.clone(),
            },
            Tree::Compression(name, codec) => {
                known(self, row, name)?;
                let option = helios_table::columnar::column_option(&name.name);
                match codec.as_str() {
                    // PostgreSQL's own, which dumps may name.
                    "default" | "pglz" => AlterAction::ResetOptions(vec![option]),
                    codec => AlterAction::SetOptions(vec![(option, codec.to_owned())]),
                }
            }
            Tree::NothingOf(name) => {
                known(self, row, name)?;
                AlterAction::Nothing
            }
            Tree::Nothing => AlterAction::Nothing,
            Tree::SetOptions(options) => AlterAction::SetOptions(storage(options)),
            Tree::ResetOptions(names) => {
                AlterAction::ResetOptions(names.iter().map(|name| name.name.clone()).collect())
            }
        })
    }

    fn add_constraint(
        &mut self,
        constraint: &ast::Constraint,
        row: &Row,
        pos: crate::parse::Pos,
    ) -> Result<AlterAction> {
        let mut constraints = Constraints::default();
        self.constraint(constraint, None, row, &mut constraints)?;
        let action = constraints
            .keys
            .pop()
            .map(AlterAction::AddKey)
            .or_else(|| {
                constraints
                    .foreign_keys
                    .pop()
                    .map(AlterAction::AddForeignKey)
            })
            .or_else(|| constraints.checks.pop().map(AlterAction::AddCheck));
        action.ok_or_else(|| self.unsupported("this constraint", pos))
    }

    /// The type of a column of the table.
    fn known_column(&self, row: &Row, name: &Ident) -> Result<DataType> {
        row.columns
            .iter()
            .find(|column| *column.name == *name.name)
            .map(|column| column.ty.clone())
            .ok_or_else(|| {
                self.fail(
                    SqlState::UNDEFINED_COLUMN,
                    format!(
                        "column \"{}\" of relation \"{}\" does not exist",
                        name.name, row.table
                    ),
                    name.pos,
                )
            })
    }

    /// Refuses a change of type that no assignment cast can make.
    fn converts(
        &self,
        value: helios_expr::Expr,
        ty: &DataType,
        name: &Ident,
        pos: crate::parse::Pos,
        using: bool,
    ) -> Result<()> {
        let assigned = self.builder.assign(value, ty, &name.name);
        let failed = |error: helios_base::Error| {
            if error.sqlstate() != SqlState::DATATYPE_MISMATCH {
                return self.at(error, pos);
            }
            if using {
                return self
                    .fail(
                        SqlState::DATATYPE_MISMATCH,
                        format!(
                            "result of USING clause for column \"{}\" cannot be cast automatically \
                             to type {ty}",
                            name.name
                        ),
                        pos,
                    )
                    .with_hint("You might need to add an explicit cast.");
            }
            self.fail(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" cannot be cast automatically to type {ty}",
                    name.name
                ),
                pos,
            )
            .with_hint(format!(
                "You might need to specify \"USING {}::{ty}\".",
                crate::parse::quote_ident(&name.name)
            ))
        };
        assigned.map(|_| ()).map_err(failed)
    }
}
