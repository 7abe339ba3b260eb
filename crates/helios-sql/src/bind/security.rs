//! Row-level security: what the policies of a table say of the rows that a statement reads and
//! writes, put into the statement while it is bound.
//!
//! Policies are asked as PostgreSQL asks them: of those for the statement's command and role, all
//! restrictive ones and one permissive one must hold. What a table's policies were where it is read
//! and what they are now must both hold: rows that were taken out of sight do not come back with
//! the past, nor on another branch.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, TableId};
use helios_expr::Expr;
use helios_table::catalog::{PolicyCommand, PolicyDef, PolicyExpr, TableDef, Who};

use super::Binder;
use super::moment::Here;
use super::relation::table_columns;
use super::scope::{Clause, Scope};
use crate::parse::ast::TextExpr;
use crate::parse::parse_expression;
use crate::plan::{AsOf, PlanColumn, Point, PolicyCheck, PolicyRow};

/// What policies say of the rows of the table that a statement writes.
#[derive(Debug, Default)]
pub(super) struct WrittenPolicies {
    /// Of the rows that `UPDATE`, `DELETE` and `MERGE` find.
    pub(super) filters: Vec<Expr>,
    /// Of new and changed rows.
    pub(super) checks: Vec<PolicyCheck>,
    /// Of the rows that `ON CONFLICT DO UPDATE` is about to update.
    pub(super) conflicting: Vec<PolicyCheck>,
    /// Of the rows that it has updated.
    pub(super) changed: Vec<PolicyCheck>,
    /// What `MERGE` asks.
    pub(super) merge: crate::plan::MergePolicies,
}

/// What a statement does with the table that it writes, for its policies.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Writing {
    /// Whether it also reads rows of the table: `WHERE`, `RETURNING`, old values.
    pub(super) reads: bool,
    /// `ON CONFLICT DO UPDATE`
    pub(super) updates_conflicting: bool,
    /// `MERGE`
    pub(super) merges: bool,
}

impl Binder<'_> {
    /// The definitions of a table whose policies are in force for the role.
    ///
    /// # Errors
    /// 42501 `row_security` is off, 42P17 a policy of the table reads the table.
    fn secured(&self, table: &TableDef) -> Result<Vec<Arc<TableDef>>> {
        let (Some(who), Some(runs)) = (self.acting(), self.context.runs_as) else {
            return Ok(Vec::new());
        };
        let (then, now) = (self.catalog(), runs.now);
        let mut found: Vec<Arc<TableDef>> = Vec::new();
        for catalog in [then, now] {
            let Some(def) = catalog.table_by_id(table.id) else {
                continue;
            };
            let security = &def.row_security;
            let owner = who.owns(catalog, table.id.0) && !security.forced;
            let known = found.iter().any(|known| known.row_security == *security);
            if security.enabled && !who.bypass_rls && !owner && !known {
                found.push(Arc::clone(def));
            }
        }
        if found.is_empty() {
            return Ok(found);
        }
        if !runs.row_security {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!(
                    "query would be affected by row-level security policy for table \"{}\"",
                    table.name
                ),
            ));
        }
        if self.open_policies.contains(&table.id) {
            return Err(recursion(&table.name));
        }
        Ok(found)
    }

    /// Whether policies say anything of the rows of a table.
    pub(super) fn is_secured(&self, table: &TableDef) -> Result<bool> {
        Ok(!self.secured(table)?.is_empty())
    }

    /// What must be true of the rows of a table that are read; nothing if no policy is in force.
    pub(super) fn visible_rows(&mut self, table: &TableDef, locked: bool) -> Result<Vec<Expr>> {
        let mut all = Vec::new();
        for def in self.secured(table)? {
            self.filters_of(table, &def, PolicyCommand::Select, &mut all)?;
            if locked {
                self.filters_of(table, &def, PolicyCommand::Update, &mut all)?;
            }
        }
        Ok(all)
    }

    /// What policies say of the rows of the table that `command` writes.
    pub(super) fn written_policies(
        &mut self,
        table: &TableDef,
        command: PolicyCommand,
    ) -> Result<WrittenPolicies> {
        let writing = self.writing;
        let mut all = WrittenPolicies::default();
        for def in self.secured(table)? {
            let ask = Ask { table, def: &def };
            if writing.merges {
                self.filters_of(table, &def, PolicyCommand::Select, &mut all.filters)?;
                let merge = &mut all.merge;
                let (old, new) = (PolicyRow::Target, PolicyRow::New);
                self.checks_of(ask, PolicyCommand::Update, true, old, &mut merge.updated)?;
                self.checks_of(ask, PolicyCommand::Update, false, new, &mut merge.changed)?;
                self.checks_of(ask, PolicyCommand::Delete, true, old, &mut merge.deleted)?;
                self.checks_of(ask, PolicyCommand::Insert, false, new, &mut merge.inserted)?;
                if writing.reads {
                    let select = PolicyCommand::Select;
                    self.checks_of(ask, select, true, new, &mut merge.changed)?;
                    self.checks_of(ask, select, true, new, &mut merge.inserted)?;
                }
                continue;
            }
            if command != PolicyCommand::Insert {
                self.filters_of(table, &def, command, &mut all.filters)?;
                if writing.reads {
                    self.filters_of(table, &def, PolicyCommand::Select, &mut all.filters)?;
                }
            }
            if command != PolicyCommand::Delete {
                self.new_rows(ask, command, &mut all.checks)?;
            }
            if writing.updates_conflicting {
                let old = PolicyRow::Conflicting;
                let conflicting = &mut all.conflicting;
                self.checks_of(ask, PolicyCommand::Update, true, old, conflicting)?;
                self.checks_of(ask, PolicyCommand::Select, true, old, conflicting)?;
                self.new_rows(ask, PolicyCommand::Update, &mut all.changed)?;
            }
        }
        Ok(all)
    }

    /// Of rows that `command` has made; whoever reads them must be allowed to see them.
    fn new_rows(
        &mut self,
        ask: Ask<'_>,
        command: PolicyCommand,
        all: &mut Vec<PolicyCheck>,
    ) -> Result<()> {
        self.checks_of(ask, command, false, PolicyRow::New, all)?;
        if self.writing.reads {
            self.checks_of(ask, PolicyCommand::Select, true, PolicyRow::New, all)?;
        }
        Ok(())
    }

    /// The policies of `def` for the role: the restrictive ones, and the permissive ones.
    fn policies_for(
        &self,
        def: &TableDef,
        command: PolicyCommand,
    ) -> (Vec<PolicyDef>, Vec<PolicyDef>) {
        let who = self.acting();
        let is_mine = |policy: &&PolicyDef| {
            policy.is_for(|role| who.as_ref().is_some_and(|who| who.has_role(role)))
        };
        let of = |permissive| {
            let policies = def.row_security.of(command, permissive);
            policies.filter(is_mine).cloned().collect()
        };
        (of(false), of(true))
    }

    fn filters_of(
        &mut self,
        table: &TableDef,
        def: &TableDef,
        command: PolicyCommand,
        all: &mut Vec<Expr>,
    ) -> Result<()> {
        let (restrictive, permissive) = self.policies_for(def, command);
        for using in restrictive
            .iter()
            .filter_map(|policy| policy.using.as_ref())
        {
            all.push(self.policy_condition(table, def, using)?);
        }
        let mut any = Vec::with_capacity(permissive.len());
        for using in permissive.iter().filter_map(|policy| policy.using.as_ref()) {
            any.push(self.policy_condition(table, def, using)?);
        }
        all.push(one_of(any));
        Ok(())
    }

    /// `by_using`: the rows are asked for as those that are there.
    fn checks_of(
        &mut self,
        ask: Ask<'_>,
        command: PolicyCommand,
        by_using: bool,
        row: PolicyRow,
        all: &mut Vec<PolicyCheck>,
    ) -> Result<()> {
        let (restrictive, permissive) = self.policies_for(ask.def, command);
        let condition = |policy: &PolicyDef| {
            let check = policy.check.as_ref().filter(|_| !by_using);
            check.or(policy.using.as_ref()).cloned()
        };
        let name: Arc<str> = ask.table.name.as_str().into();
        let mut any = Vec::with_capacity(permissive.len());
        for expr in permissive.iter().filter_map(condition) {
            any.push(self.policy_condition(ask.table, ask.def, &expr)?);
        }
        all.push(PolicyCheck {
            table: Arc::clone(&name),
            policy: None,
            row,
            condition: one_of(any),
        });
        for policy in &restrictive {
            let Some(expr) = condition(policy) else {
                continue;
            };
            all.push(PolicyCheck {
                table: Arc::clone(&name),
                policy: Some(policy.name.as_str().into()),
                row,
                condition: self.policy_condition(ask.table, ask.def, &expr)?,
            });
        }
        Ok(())
    }

    /// A condition of `def`, over a row of `table`, which is `def` where it is read.
    fn policy_condition(
        &mut self,
        table: &TableDef,
        def: &TableDef,
        expr: &PolicyExpr,
    ) -> Result<Expr> {
        let tree = parse_expression(&expr.sql)?;
        let columns = table_columns(def);
        let name: Arc<str> = expr.table.as_str().into();
        let mut bound = self.in_policy(table.id, &expr.search_path, |binder| {
            binder.push_level(Scope::kept(name, &columns), None);
            binder.set_clause(Clause::Plain("policy expressions"));
            let bound = binder.condition(&tree, "POLICY");
            binder.pop_level();
            bound
        })?;
        let mut missing = None;
        let place_of = |index: usize| {
            let column = def.columns.get(index)?;
            table.position(column.id)
        };
        for index in bound.used_columns() {
            if place_of(index).is_none() {
                missing = def.columns.get(index);
            }
        }
        if let Some(column) = missing {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for table {}", table.name),
            )
            .with_detail(format!(
                "A row-level security policy asks for column \"{}\", which the table does not \
                 have where it is read.",
                column.name
            )));
        }
        bound.remap_columns(&|index| place_of(index).unwrap_or(index));
        Ok(bound)
    }

    /// Binds something of a policy: in its own surroundings, what is bound around it being out of
    /// sight, and over what there is now.
    fn in_policy<T>(
        &mut self,
        table: TableId,
        path: &[String],
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let here = self.newest_moment()?;
        let named = std::mem::take(&mut self.named_columns);
        let merge_action = self.merge_action.take();
        let written_view = self.written_view.take();
        let last_need = self.last_need.take();
        let versions = self.moments.versions.take();
        self.open_policies.push(table);
        let result = self.elsewhere(path.to_vec(), |binder| binder.in_moment(here, work));
        self.open_policies.pop();
        self.moments.versions = versions;
        self.last_need = last_need;
        self.written_view = written_view;
        self.merge_action = merge_action;
        self.named_columns = named;
        result
    }

    /// Where policies read other tables: as they are now, also in a session that looks at the past.
    fn newest_moment(&mut self) -> Result<Option<Here>> {
        let Some(newest) = self.context.runs_as.and_then(|runs| runs.newest) else {
            return Ok(None);
        };
        let number = i64::try_from(newest.0).unwrap_or(i64::MAX);
        let literal = Expr::Literal(
            helios_base::Value::Int8(number),
            helios_base::DataType::Int8,
        );
        let at = AsOf {
            branch: None,
            point: Some(Point::Scn(literal)),
        };
        let moment = self.moment_of(at, crate::parse::Pos::default())?;
        Ok(moment.map(Here::Moment))
    }

    /// The condition of a new policy of `table`, looked at but not asked of anybody.
    pub(super) fn policy_expr(&mut self, text: &TextExpr, table: &TableDef) -> Result<PolicyExpr> {
        let columns: Vec<PlanColumn> = table_columns(table);
        let source = self.source.unwrap_or_default();
        let depends = std::mem::take(&mut self.depends);
        let named = std::mem::take(&mut self.named_columns);
        let stars = self.stars.replace(Vec::new());
        let needs = self.needs.len();
        self.push_level(Scope::kept(table.name.as_str().into(), &columns), None);
        self.set_clause(Clause::Plain("policy expressions"));
        let bound = self.condition(&text.expr, "POLICY");
        self.pop_level();
        // Whoever reads the table will have to be allowed to read what the policy reads.
        self.needs.truncate(needs);
        self.stars = stars;
        let named = std::mem::replace(&mut self.named_columns, named);
        let reads = std::mem::replace(&mut self.depends, depends);
        bound?;
        Ok(PolicyExpr {
            sql: text.span.of(source).to_owned(),
            table: table.name.clone(),
            search_path: self.search_path.clone(),
            columns: named
                .into_iter()
                .filter(|(of, _)| *of == table.id)
                .map(|(_, column)| column)
                .collect(),
            relations: reads.into_iter().map(|read| read.id.0).collect(),
        })
    }

    /// Whether errors about rows of a table may show only what the statement gave.
    pub(super) fn hides_rows(&self, table: &TableDef, who: &Who) -> bool {
        let wanted = helios_table::catalog::Privileges::SELECT;
        let kind = helios_table::catalog::Securable::Table;
        let has = who.has(self.catalog(), kind, table.id.0, wanted);
        !has.has(wanted) || table.row_security.enabled
    }
}

/// A table as it is read, and the definition whose policies are asked.
#[derive(Clone, Copy)]
struct Ask<'t> {
    table: &'t TableDef,
    def: &'t TableDef,
}

/// Nothing passes where no policy lets it.
fn one_of(mut any: Vec<Expr>) -> Expr {
    match any.len() {
        0 => Expr::bool(false),
        1 => any.pop().unwrap_or_else(|| Expr::bool(false)),
        _ => Expr::Or(any),
    }
}

fn recursion(table: &str) -> Error {
    Error::new(
        SqlState::INVALID_OBJECT_DEFINITION,
        format!("infinite recursion detected in policy for relation \"{table}\""),
    )
}
