//! `DELETE`.

use helios_base::Result;
use helios_table::catalog::TableDef;

use crate::bind::Binder;
use crate::bind::dml::Write;
use crate::bind::relation::table_ref;
use crate::bind::scope::Clause;
use crate::bind::security::Writing;
use crate::bind::select::filtered;
use crate::parse::ast;
use crate::plan::{Delete, Plan, Returning};

impl Binder<'_> {
    pub(in crate::bind) fn delete(&mut self, delete: &ast::Delete) -> Result<Delete> {
        let visible = self.ctes.len();
        let ctes = self.with_clause(delete.with.as_ref(), None)?;
        self.writing = Writing {
            reads: delete.filter.is_some()
                || delete.returning.is_some()
                || !delete.using.is_empty(),
            ..Writing::default()
        };
        let (table, target) = self.target(&delete.table, delete.alias.as_ref(), Write::Delete)?;
        let item = self.items_after(target, &delete.using, None)?;
        let key = table.columns.len();
        self.push_level(item.scope, None);
        let bound = self.delete_here(delete, &table, item.plan);
        self.pop_level();
        let (input, returning) = bound?;
        self.written_view = None;
        let defined = self.ctes.split_off(visible);
        Ok(Delete {
            table: table_ref(&table),
            input: Self::close_with(ctes, &defined, input),
            key,
            returning,
        })
    }

    fn delete_here(
        &mut self,
        delete: &ast::Delete,
        table: &TableDef,
        mut input: Plan,
    ) -> Result<(Plan, Option<Returning>)> {
        if let Some(filter) = &delete.filter {
            self.set_clause(Clause::Plain("WHERE"));
            input = filtered(input, self.row_condition(filter, table)?);
        }
        let returning = self.returning(delete.returning.as_ref())?;
        Ok((input, returning))
    }
}
