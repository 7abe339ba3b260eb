//! `INSERT`, `UPDATE`, `DELETE`, `MERGE`.

mod conflict;
mod delete;
mod insert;
mod merge;
mod update;
mod view;

pub(super) use view::ViewTarget;
use view::Write;

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, nearest};
use helios_expr::Expr;
use helios_table::catalog::{ColumnDef, TableDef};

use super::Binder;
use super::from::Item;
use super::relation::guard;
use super::scope::Clause;
use super::select::filtered;
use crate::parse::ast::{self, Ident, Name, SelectItem};
use crate::plan::{PlanColumn, Returning};

impl Binder<'_> {
    /// A column of the table to write, by name.
    pub(super) fn target_column<'t>(
        &self,
        table: &'t TableDef,
        name: &Ident,
    ) -> Result<(usize, &'t ColumnDef)> {
        if let Some(view) = &self.written_view {
            let id = self.view_column(view, name)?;
            return table
                .column_by_id(id)
                .ok_or_else(|| Error::internal("a view's column is not its table's"));
        }
        table.column(&name.name).ok_or_else(|| {
            let error = self.fail(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "column \"{}\" of relation \"{}\" does not exist",
                    name.name, table.name
                ),
                name.pos,
            );
            let known = table.columns.iter().map(|column| column.name.as_str());
            match nearest(&name.name, known) {
                Some(close) => error.with_hint(format!(
                    "Perhaps you meant to reference the column \"{}.{close}\".",
                    table.name
                )),
                None => error,
            }
        })
    }

    /// The table of an `UPDATE` or `DELETE`: all its columns, then its key.
    fn target(
        &mut self,
        name: &Name,
        alias: Option<&Ident>,
        write: Write,
    ) -> Result<(Arc<TableDef>, Item)> {
        let table = self.written(name, write)?;
        let shown: Arc<str> = alias
            .map_or(name.name.name.as_str(), |alias| &alias.name)
            .into();
        let mut plan = self.scan(&table, shown.clone(), None, true);
        guard(
            &mut plan,
            std::mem::take(&mut self.written_policies.filters),
        );
        if let Some(view) = &self.written_view {
            for filter in view.filters.clone() {
                plan = filtered(plan, filter);
            }
        }
        let schema = alias
            .is_none()
            .then(|| Arc::from(table.schema_name.as_str()));
        let scope = self.written_scope(&table, shown, schema);
        let item = Item {
            plan,
            scope,
            keys: Vec::new(),
            past: Vec::new(),
        };
        Ok((table, item))
    }

    /// Which rows of `table` are meant, at the innermost level.
    fn row_condition(&mut self, filter: &ast::Expr, table: &TableDef) -> Result<Expr> {
        match &filter.kind {
            ast::ExprKind::CurrentOf(cursor) => self.current_of(cursor, table),
            _ => self.condition(filter, "WHERE"),
        }
    }

    /// `RETURNING`, at the innermost level.
    fn returning(&mut self, items: Option<&Vec<SelectItem>>) -> Result<Option<Returning>> {
        let Some(items) = items else {
            return Ok(None);
        };
        self.set_clause(Clause::Plain("RETURNING"));
        let outputs = self.outputs(items)?;
        let mut exprs = Vec::with_capacity(outputs.len());
        let mut columns = Vec::with_capacity(outputs.len());
        for output in outputs {
            let expr = self.place(self.builder.settle(output.expr), output.pos)?;
            columns.push(PlanColumn {
                name: output.name,
                ty: expr.ty().clone(),
                nullable: output.nullable,
                source: output.source,
                origin: output.origin,
            });
            exprs.push(expr);
        }
        Ok(Some(Returning { exprs, columns }))
    }

    /// The refusal to write a column that the database computes.
    fn computed(&self, column: &ColumnDef, insert: bool, name: &Ident) -> Error {
        let kind = if column.generated.is_some() {
            "a generated column"
        } else {
            "an identity column defined as GENERATED ALWAYS"
        };
        let detail = format!("Column \"{}\" is {kind}.", column.name);
        let message = if insert {
            format!(
                "cannot insert a non-DEFAULT value into column \"{}\"",
                column.name
            )
        } else {
            format!("column \"{}\" can only be updated to DEFAULT", column.name)
        };
        let error = self
            .fail(SqlState::GENERATED_ALWAYS, message, name.pos)
            .with_detail(detail);
        if insert && column.generated.is_none() {
            error.with_hint("Use OVERRIDING SYSTEM VALUE to override.")
        } else {
            error
        }
    }
}
