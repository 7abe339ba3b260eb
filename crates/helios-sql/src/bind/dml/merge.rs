//! `MERGE`.

use helios_base::{DataType, Result, SqlState, Value};
use helios_expr::Expr;
use helios_table::catalog::{Privileges, TableDef};

use crate::bind::Binder;
use crate::bind::dml::Write;
use crate::bind::from::{Item, combine, item_pos};
use crate::bind::relation::table_ref;
use crate::bind::scope::{Clause, Scope};
use crate::bind::security::Writing;
use crate::parse::ast::{self, MergeAction};
use crate::plan::{
    self, Assignment, JoinKind, Merge, MergeMatch, MergeWhen, Plan, PlanColumn, Project, Returning,
};

/// The last column of the source: true, so that a missing partner shows.
const MARK_COLUMN: &str = "(source)";

/// What the parts of a `MERGE` can name.
struct Sides {
    target: Scope,
    /// Its columns are where the join puts them.
    source: Scope,
    /// How many columns a joined row has.
    width: usize,
}

impl Binder<'_> {
    pub(in crate::bind) fn merge(&mut self, merge: &ast::Merge) -> Result<Merge> {
        let visible = self.ctes.len();
        let ctes = self.with_clause(merge.with.as_ref(), None)?;
        // Views are refused: which WHEN would have to look at which view is not said.
        self.table(&merge.table)?;
        self.writing = Writing {
            reads: merge.returning.is_some(),
            updates_conflicting: false,
            merges: true,
        };
        let (table, target) = self.target(&merge.table, merge.alias.as_ref(), Write::Update)?;
        self.all_reachable(&merge.actions)?;
        let source = self.table_item(&merge.source, None, false)?;
        let twice = source.scope.tables.iter().find(|table| {
            let known = target.scope.tables.first();
            known.is_some_and(|known| known.name == table.name)
        });
        if let Some(table) = twice {
            let error = helios_base::Error::new(
                SqlState::DUPLICATE_ALIAS,
                format!("name \"{}\" specified more than once", table.name),
            )
            .with_detail("The name is used both as MERGE target table and data source.");
            return Err(self.at(error, item_pos(&merge.source)));
        }
        let source = marked(source);
        let key = table.columns.len();
        let mut sides = Sides {
            width: target.plan.columns().len() + source.plan.columns().len(),
            target: target.scope.clone(),
            source: source.scope.clone(),
        };
        sides.source.shift(target.plan.columns().len());
        self.push_level(sides.both(), None);
        self.set_clause(Clause::Plain("JOIN conditions"));
        let on = self.condition(&merge.on, "JOIN/ON");
        self.pop_level();
        let on = on?;
        let kind = join_kind(&merge.actions);
        let input = combine(target, source, kind, on.clone().conjuncts(), None).plan;
        let mut actions = Vec::with_capacity(merge.actions.len());
        for when in &merge.actions {
            actions.push(self.merge_when(when, &table, &sides)?);
        }
        let returning = self.merge_returning(merge, &sides)?;
        let defined = self.ctes.split_off(visible);
        Ok(Merge {
            table: table_ref(&table),
            input: Self::close_with(ctes, &defined, input),
            key,
            on,
            actions,
            policies: std::mem::take(&mut self.written_policies.merge),
            returning,
        })
    }

    /// Refuses a `WHEN` after one of its kind that has no condition.
    fn all_reachable(&self, actions: &[ast::MergeWhen]) -> Result<()> {
        let mut closed: Vec<MergeMatch> = Vec::new();
        for when in actions {
            if closed.contains(&when.when) {
                return Err(self.at(
                    helios_base::Error::new(
                        SqlState::SYNTAX_ERROR,
                        "unreachable WHEN clause specified after unconditional WHEN clause",
                    ),
                    when.pos,
                ));
            }
            if when.condition.is_none() {
                closed.push(when.when);
            }
        }
        Ok(())
    }

    fn merge_when(
        &mut self,
        when: &ast::MergeWhen,
        table: &TableDef,
        sides: &Sides,
    ) -> Result<MergeWhen> {
        let scope = sides.of(when.when);
        self.push_level(scope.clone(), None);
        let bound = self.merge_when_here(when, table, &scope);
        self.pop_level();
        bound
    }

    fn merge_when_here(
        &mut self,
        when: &ast::MergeWhen,
        table: &TableDef,
        scope: &Scope,
    ) -> Result<MergeWhen> {
        self.set_clause(Clause::Plain("MERGE WHEN conditions"));
        let condition = match &when.condition {
            Some(condition) => Some(self.condition(condition, "WHEN")?),
            None => None,
        };
        let action = match &when.action {
            MergeAction::Nothing => plan::MergeAction::Nothing,
            MergeAction::Delete => {
                let [need, _] = self.written_needs;
                self.need_whole(need, Privileges::DELETE);
                plan::MergeAction::Delete
            }
            MergeAction::Update(set) => plan::MergeAction::Update(self.assignments(set, table)?),
            MergeAction::Insert(insert) => {
                plan::MergeAction::Insert(self.merge_insert(insert, table, scope)?)
            }
        };
        Ok(MergeWhen {
            when: when.when,
            condition,
            action,
        })
    }

    /// The values of a new row: those given, and defaults.
    fn merge_insert(
        &mut self,
        insert: &ast::Insert,
        table: &TableDef,
        scope: &Scope,
    ) -> Result<Vec<Assignment>> {
        let written = self.insert_columns(table, insert)?;
        let explicit = !insert.columns.is_empty();
        let mut values = Vec::new();
        if let Some(query) = &insert.source
            && let ast::QueryBody::Values(rows) = &query.body
        {
            let (plan, ids) = self.insert_values(rows, written, explicit, insert, scope.clone())?;
            if let Plan::Values(rows) = plan {
                let row = rows.rows.into_iter().next().unwrap_or_default();
                values.extend(
                    ids.into_iter()
                        .zip(row)
                        .map(|(column, value)| Assignment { column, value }),
                );
            }
        }
        let given: Vec<_> = values.iter().map(|value| value.column).collect();
        self.need_insert(&given);
        values.extend(self.other_defaults(table, &given)?);
        Ok(values)
    }

    fn merge_returning(&mut self, merge: &ast::Merge, sides: &Sides) -> Result<Option<Returning>> {
        // `*` means the source's columns, then the table's.
        let mut scope = sides.both();
        scope.columns.rotate_left(sides.target.columns.len());
        let level = self.push_level(scope, None);
        let before = self.merge_action.replace((level, sides.width));
        let returning = self.returning(merge.returning.as_ref());
        self.merge_action = before;
        self.pop_level();
        returning
    }

    /// `merge_action()`
    pub(in crate::bind) fn merge_action_call(&mut self, pos: crate::parse::Pos) -> Result<Expr> {
        match self.merge_action {
            Some((level, column)) => self.reach(level, Expr::column(column, DataType::Text)),
            None => Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "MERGE_ACTION() can only be used in the RETURNING list of a MERGE command",
                pos,
            )),
        }
    }
}

impl Sides {
    fn both(&self) -> Scope {
        let mut scope = self.target.clone();
        scope.append(self.source.clone());
        scope
    }

    /// What can be named for rows of a kind.
    fn of(&self, when: MergeMatch) -> Scope {
        let without = |scope: &Scope, other: &Scope| {
            let mut scope = scope.clone();
            let names = other.tables.iter().map(|table| table.name.clone());
            scope.hidden.extend(names);
            scope
        };
        match when {
            MergeMatch::Matched => self.both(),
            MergeMatch::ByTarget => without(&self.source, &self.target),
            MergeMatch::BySource => without(&self.target, &self.source),
        }
    }
}

/// Which rows without partner the actions want to see.
fn join_kind(actions: &[ast::MergeWhen]) -> JoinKind {
    let wants = |when: MergeMatch| actions.iter().any(|action| action.when == when);
    match (wants(MergeMatch::BySource), wants(MergeMatch::ByTarget)) {
        (true, true) => JoinKind::Full,
        (true, false) => JoinKind::Left,
        (false, true) => JoinKind::Right,
        (false, false) => JoinKind::Inner,
    }
}

/// The source with one more column, which is true.
fn marked(source: Item) -> Item {
    let mut columns = source.plan.columns().to_vec();
    let mut exprs: Vec<Expr> = (0..columns.len())
        .map(|index| crate::bind::query::column_of(&columns, index))
        .collect();
    columns.push(PlanColumn {
        nullable: false,
        ..PlanColumn::new(MARK_COLUMN, DataType::Bool)
    });
    exprs.push(Expr::Literal(Value::Bool(true), DataType::Bool));
    Item {
        plan: Plan::Project(Box::new(Project {
            input: source.plan,
            exprs,
            columns,
        })),
        ..source
    }
}
