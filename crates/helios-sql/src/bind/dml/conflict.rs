//! `ON CONFLICT`.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{IndexDef, KeySource, TableDef};

use crate::bind::Binder;
use crate::bind::relation::table_columns;
use crate::bind::scope::{Clause, Scope};
use crate::bind::stored::compile;
use crate::parse::ast::{self, ConflictTarget};
use crate::plan::{Arbiter, ConflictAction, OnConflict};

impl Binder<'_> {
    pub(super) fn on_conflict(
        &mut self,
        clause: &ast::OnConflict,
        table: &TableDef,
        insert: &ast::Insert,
    ) -> Result<OnConflict> {
        let arbiter = self.arbiter(clause, table, insert)?;
        let Some((set, filter)) = &clause.update else {
            return Ok(OnConflict {
                arbiter,
                action: ConflictAction::Nothing,
            });
        };
        if arbiter.is_none() {
            return Err(self
                .fail(
                    SqlState::SYNTAX_ERROR,
                    "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                    clause.pos,
                )
                .with_hint("For example, ON CONFLICT (column_name)."));
        }
        let columns = table_columns(table);
        let mut scope = self.inserted_scope(insert, table);
        let mut excluded = self.written_scope(table, "excluded".into(), None);
        excluded.shift(columns.len());
        // Unqualified names mean the row that is there.
        scope.tables.append(&mut excluded.tables);
        self.push_level(scope, None);
        let bound = self.conflict_update(set, filter.as_ref(), table);
        self.pop_level();
        Ok(OnConflict {
            arbiter,
            action: bound?,
        })
    }

    fn conflict_update(
        &mut self,
        set: &[ast::SetItem],
        filter: Option<&ast::Expr>,
        table: &TableDef,
    ) -> Result<ConflictAction> {
        let assignments = self.assignments(set, table)?;
        self.set_clause(Clause::Plain("WHERE"));
        let filter = match filter {
            Some(filter) => Some(self.condition(filter, "WHERE")?),
            None => None,
        };
        let policies = &mut self.written_policies;
        Ok(ConflictAction::Update {
            policies: [
                std::mem::take(&mut policies.conflicting),
                std::mem::take(&mut policies.changed),
            ],
            assignments,
            filter,
        })
    }

    fn arbiter(
        &mut self,
        clause: &ast::OnConflict,
        table: &TableDef,
        insert: &ast::Insert,
    ) -> Result<Option<Arbiter>> {
        match &clause.target {
            ConflictTarget::Any => Ok(None),
            ConflictTarget::Constraint(name) => {
                let index = table
                    .constraint(&name.name)
                    .map(|constraint| (constraint.index(), constraint.deferrable));
                let missing = || {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!(
                            "constraint \"{}\" for table \"{}\" does not exist",
                            name.name, table.name
                        ),
                    )
                };
                let index = match index {
                    None => return Err(missing()),
                    Some((None, _)) => {
                        return Err(Error::new(
                            SqlState::WRONG_OBJECT_TYPE,
                            "constraint in ON CONFLICT clause has no associated index",
                        ));
                    }
                    Some((Some(_), true)) => return Err(deferrable()),
                    Some((Some(index), false)) => index,
                };
                let index = table.index_by_id(index).ok_or_else(missing)?;
                Ok(Some(Arbiter {
                    names: vec![Arc::from(index.name.as_str())],
                }))
            }
            ConflictTarget::Columns(keys, filter) => {
                let scope = self.inserted_scope(insert, table);
                self.inferred(keys, filter.as_ref(), table, scope, clause.pos)
                    .map(Some)
            }
        }
    }

    /// The unique indexes over exactly these keys.
    fn inferred(
        &mut self,
        keys: &[ast::Expr],
        filter: Option<&ast::Expr>,
        table: &TableDef,
        scope: Scope,
        pos: crate::parse::Pos,
    ) -> Result<Arbiter> {
        self.push_level(scope, None);
        self.set_clause(Clause::Plain("ON CONFLICT"));
        let wanted = self.exprs(keys);
        let filter = filter.map(|filter| self.condition(filter, "WHERE"));
        self.pop_level();
        let wanted = wanted?;
        let filter = filter.transpose()?.map(Expr::conjuncts);
        let mut names = Vec::new();
        let mut found_deferrable = false;
        for index in table.indexes.iter().filter(|index| index.unique) {
            if !self.covers(index, &wanted, filter.as_deref(), table)? {
                continue;
            }
            let constraint = index.constraint.and_then(|id| table.constraint_by_id(id));
            if constraint.is_some_and(|constraint| constraint.deferrable) {
                found_deferrable = true;
            } else {
                names.push(Arc::from(index.name.as_str()));
            }
        }
        if names.is_empty() && found_deferrable {
            return Err(deferrable());
        }
        if names.is_empty() {
            return Err(self.fail(
                SqlState::INVALID_COLUMN_REFERENCE,
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
                pos,
            ));
        }
        Ok(Arbiter { names })
    }

    /// Whether the index has exactly these keys, and a predicate that the clause's implies.
    fn covers(
        &self,
        index: &IndexDef,
        wanted: &[Expr],
        filter: Option<&[Expr]>,
        table: &TableDef,
    ) -> Result<bool> {
        let columns = table_columns(table);
        let over = |sql: &str, ty: Option<&helios_base::DataType>| {
            compile(sql, &table.name, &columns, ty, self.context)
        };
        let mut keys: Vec<Expr> = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            keys.push(match &key.source {
                KeySource::Column(id) => match table.position(*id) {
                    Some(position) => crate::bind::query::column_of(&columns, position),
                    None => return Ok(false),
                },
                KeySource::Expression { expr, .. } => over(&expr.sql, None)?,
            });
        }
        let same = keys.iter().all(|key| wanted.contains(key))
            && wanted.iter().all(|key| keys.contains(key));
        if !same {
            return Ok(false);
        }
        let Some(predicate) = &index.predicate else {
            return Ok(true);
        };
        let needed = over(&predicate.sql, Some(&helios_base::DataType::Bool))?.conjuncts();
        Ok(filter.is_some_and(|given| needed.iter().all(|term| given.contains(term))))
    }
}

fn deferrable() -> Error {
    Error::new(
        SqlState::new(b"55000"),
        "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as \
         arbiters",
    )
}
