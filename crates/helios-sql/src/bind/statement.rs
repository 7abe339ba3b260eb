//! Statements other than queries and changes: mostly names to resolve and options to read.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{IndexDef, Privileges, Relation, TableDef};

use super::Binder;
use super::cte::Changes;
use super::relation::{guard, table_columns, table_ref};
use super::scope::{Clause, Scope};
use crate::parse::ast::{self, Statement as Tree, StorageOption};
use crate::plan::{
    Bisect, BranchCommand, Copy, CopyFormat, CopyTarget, Explain, ExplainFormat, Insert,
    MergeCommand, Plan, PlanColumn, Prepare, Query, Statement, TableRef, Values,
};

impl Binder<'_> {
    pub(super) fn statement(&mut self, statement: &Tree) -> Result<Statement> {
        self.changes_rows = matches!(
            statement,
            Tree::Insert(_) | Tree::Update(_) | Tree::Delete(_) | Tree::Merge(_)
        );
        self.with_changes = Changes::in_statement(statement);
        Ok(match statement {
            Tree::Query(query) if let Some(routine) = self.lone_call(query)? => {
                Statement::Routine(Box::new(routine))
            }
            Tree::Query(query) => match select_into(query) {
                Some(into) => {
                    let create = self.select_into(query, into)?;
                    Statement::CreateTable(Box::new(create))
                }
                None => Statement::Query(Query {
                    plan: self.query(query, None, true)?,
                }),
            },
            Tree::Insert(insert) => Statement::Insert(Box::new(self.insert(insert)?)),
            Tree::Update(update) => Statement::Update(Box::new(self.update(update)?)),
            Tree::Delete(delete) => Statement::Delete(Box::new(self.delete(delete)?)),
            Tree::Merge(merge) => Statement::Merge(Box::new(self.merge(merge)?)),
            Tree::Explain(explain) => Statement::Explain(self.explain(explain)?),
            Tree::Prepare {
                name,
                types,
                statement,
                span,
            } => Statement::Prepare(self.prepare(name, types, statement, *span)?),
            Tree::Execute { name, args } => Statement::Execute {
                name: name.name.clone(),
                args: self.arguments(args)?,
            },
            Tree::Deallocate(name) => {
                Statement::Deallocate(name.as_ref().map(|name| name.name.clone()))
            }
            Tree::Declare(declare) => Statement::Declare(Box::new(self.declare(declare)?)),
            Tree::Fetch(fetch) => Statement::Fetch(fetch.clone()),
            Tree::Close(name) => Statement::Close(name.as_ref().map(|name| name.name.clone())),
            Tree::Role(command) => Statement::Role(Box::new(self.role_command(command)?)),
            Tree::Policy(policy) => Statement::Policy(Box::new(self.policy_statement(policy)?)),
            Tree::Copy(copy) => Statement::Copy(Box::new(self.copy(copy)?)),
            Tree::Transaction(command) => Statement::Transaction(command.clone()),
            Tree::Set { name, value, scope } => Statement::Set {
                name: name.clone(),
                value: value.clone(),
                scope: *scope,
            },
            Tree::Show(name) => Statement::Show(name.clone()),
            Tree::Reset(name) => Statement::Reset(name.clone()),
            Tree::Analyze(names) => Statement::Analyze(self.tables(names)?),
            Tree::Vacuum {
                tables,
                analyze,
                full,
            } => Statement::Vacuum {
                tables: self.tables(tables)?,
                analyze: *analyze,
                full: *full,
            },
            Tree::Checkpoint => Statement::Checkpoint,
            Tree::Listen(command) => Statement::Listen(command.clone()),
            Tree::Extension(command) => Statement::Extension(command.clone()),
            Tree::Reindex(name) => {
                let mut found = Vec::new();
                let mut add = |table: &Arc<TableDef>, def: &IndexDef| {
                    if def.nearest.is_some() {
                        found.push((table_ref(table), def.id));
                    }
                };
                match name {
                    None => self
                        .catalog()
                        .tables()
                        .for_each(|table| table.indexes.iter().for_each(|def| add(table, def))),
                    Some(name) => match self.relation(name)? {
                        Relation::Table(table) => {
                            table.indexes.iter().for_each(|def| add(&table, def));
                        }
                        Relation::Index(table, def) => add(&table, &def),
                        _ => {}
                    },
                }
                Statement::Reindex(found)
            }
            Tree::Discard(what) => Statement::Discard(what.clone()),
            Tree::Lock {
                tables,
                mode,
                no_wait,
            } => Statement::Lock {
                tables: self.tables(tables)?,
                mode: mode.as_str().into(),
                no_wait: *no_wait,
            },
            Tree::CreateFunction(create) => {
                Statement::CreateFunction(Box::new(self.create_function(create)?))
            }
            Tree::AlterFunction(alter) => {
                Statement::AlterFunction(Box::new(self.alter_function(alter)?))
            }
            Tree::DropFunction(drop) => {
                Statement::DropFunction(Box::new(self.drop_function(drop)?))
            }
            Tree::CommentFunction(comment) => {
                Statement::CommentFunction(Box::new(self.comment_function(comment)?))
            }
            Tree::Call(call) => Statement::Routine(Box::new(self.call_procedure(call)?)),
            Tree::Branch(branch) => Statement::Branch(Box::new(self.branch(branch)?)),
            Tree::CreateTable(_)
            | Tree::AlterTable(_)
            | Tree::CreateIndex(_)
            | Tree::CreateView(_)
            | Tree::CreateSequence(_)
            | Tree::AlterSequence(_)
            | Tree::CreateSchema { .. }
            | Tree::RenameSchema(..)
            | Tree::RenameIndex { .. }
            | Tree::CreateType(_)
            | Tree::AlterType(_)
            | Tree::Drop(_)
            | Tree::Truncate(_)
            | Tree::Comment { .. } => self.ddl(statement)?,
        })
    }

    pub(super) fn tables(&self, names: &[ast::Name]) -> Result<Vec<TableRef>> {
        names
            .iter()
            .map(|name| Ok(table_ref(&*self.table(name)?)))
            .collect()
    }

    fn explain(&mut self, explain: &ast::Explain) -> Result<Explain> {
        let mut bound = Explain {
            statement: Box::new(self.statement(&explain.statement)?),
            analyze: false,
            verbose: false,
            costs: true,
            timing: true,
            buffers: false,
            summary: None,
            format: ExplainFormat::Text,
        };
        for option in &explain.options {
            match option.name.as_str() {
                "analyze" => bound.analyze = self.flag(option)?,
                "verbose" => bound.verbose = self.flag(option)?,
                "costs" => bound.costs = self.flag(option)?,
                "timing" => bound.timing = self.flag(option)?,
                "buffers" => bound.buffers = self.flag(option)?,
                "summary" => bound.summary = Some(self.flag(option)?),
                "format" => {
                    bound.format = match option.value.as_str() {
                        "text" => ExplainFormat::Text,
                        "json" => ExplainFormat::Json,
                        "xml" | "yaml" => {
                            let what = format!("EXPLAIN format {}", option.value);
                            return Err(self.unsupported(what, option.pos));
                        }
                        other => {
                            return Err(self.fail(
                                SqlState::INVALID_PARAMETER_VALUE,
                                format!(
                                    "unrecognized value for EXPLAIN option \"format\": \"{other}\""
                                ),
                                option.pos,
                            ));
                        }
                    }
                }
                "wal" | "settings" => {
                    let what = format!("EXPLAIN option {}", option.name);
                    return Err(self.unsupported(what, option.pos));
                }
                other => {
                    return Err(self.fail(
                        SqlState::SYNTAX_ERROR,
                        format!("unrecognized EXPLAIN option \"{other}\""),
                        option.pos,
                    ));
                }
            }
        }
        Ok(bound)
    }

    /// A boolean option.
    fn flag(&self, option: &StorageOption) -> Result<bool> {
        match option.value.as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => Err(self.fail(
                SqlState::SYNTAX_ERROR,
                format!("{} requires a Boolean value", option.name),
                option.pos,
            )),
        }
    }

    fn prepare(
        &mut self,
        name: &ast::Ident,
        types: &[ast::TypeName],
        statement: &Tree,
        span: ast::Span,
    ) -> Result<Prepare> {
        let types = types
            .iter()
            .map(|ty| self.data_type(ty))
            .collect::<Result<Vec<DataType>>>()?;
        let source = self.source.unwrap_or_default();
        let bound = super::bind(statement, source, self.context, &types)?;
        Ok(Prepare {
            name: name.name.clone(),
            types,
            text: span.of(source).into(),
            bound: Box::new(bound),
        })
    }

    /// Arguments of `EXECUTE`: without columns; their types are the prepared statement's matter.
    fn arguments(&mut self, args: &[ast::Expr]) -> Result<Vec<Expr>> {
        self.push_level(Scope::default(), None);
        self.set_clause(Clause::Plain("EXECUTE parameters"));
        let bound = self.exprs(args);
        self.pop_level();
        bound
    }

    fn copy(&mut self, copy: &ast::Copy) -> Result<Copy> {
        let mut format = CopyFormat::Text;
        let mut options = Vec::with_capacity(copy.options.len());
        for option in &copy.options {
            if options.iter().any(|(name, _)| *name == option.name) {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "conflicting or redundant options",
                    option.pos,
                ));
            }
            if option.name == "format" {
                format = match option.value.as_str() {
                    "text" => CopyFormat::Text,
                    "csv" => CopyFormat::Csv,
                    "binary" => CopyFormat::Binary,
                    "json" => CopyFormat::Json,
                    "parquet" => CopyFormat::Parquet,
                    "npy" => CopyFormat::Npy,
                    other => CopyFormat::Other(other.to_owned()),
                };
            }
            options.push((option.name.clone(), option.value.clone()));
        }
        options.retain(|(name, _)| name != "format");
        let target = match &copy.file {
            Some(file) => CopyTarget::File(file.clone()),
            None => CopyTarget::Client,
        };
        let mut bound = Copy {
            table: None,
            insert: None,
            query: None,
            columns: Vec::new(),
            target,
            from: copy.from,
            format,
            options,
            named: false,
            defaults: Vec::new(),
            filter: None,
        };
        match (&copy.table, &copy.query) {
            (Some((name, columns)), _) => self.copy_table(&mut bound, copy, name, columns)?,
            (None, Some(Tree::Query(query))) => {
                let plan = self.query(query, None, true)?;
                bound.columns = plan.columns().to_vec();
                bound.query = Some(Box::new(plan));
            }
            (None, _) => {
                return Err(self.unsupported("COPY of a statement that is no query", copy.pos));
            }
        }
        Ok(bound)
    }

    fn copy_table(
        &mut self,
        bound: &mut Copy,
        copy: &ast::Copy,
        name: &ast::Name,
        names: &[ast::Ident],
    ) -> Result<()> {
        let table = self.table(name)?;
        let need = self.need_table(&table, Privileges::NONE);
        let all = table_columns(&table);
        let mut chosen: Vec<usize> = Vec::new();
        for name in names {
            let (position, column) = self.target_column(&table, name)?;
            if chosen.contains(&position) {
                return Err(self.fail(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", name.name),
                    name.pos,
                ));
            }
            if column.generated.is_some() {
                return Err(self
                    .fail(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        format!("column \"{}\" is a generated column", name.name),
                        name.pos,
                    )
                    .with_detail("Generated columns cannot be used in COPY."));
            }
            chosen.push(position);
        }
        if names.is_empty() {
            chosen = (0..all.len())
                .filter(|position| {
                    let column = table.columns.get(*position);
                    column.is_some_and(|column| column.generated.is_none())
                })
                .collect();
        }
        let wanted = if copy.from {
            Privileges::INSERT
        } else {
            Privileges::SELECT
        };
        self.need_column(need, wanted, None);
        for position in &chosen {
            let column = table.columns.get(*position).map(|column| column.id);
            self.need_column(need, wanted, column);
        }
        let columns: Vec<PlanColumn> = chosen
            .iter()
            .filter_map(|position| all.get(*position).cloned())
            .collect();
        bound.table = Some(table_ref(&table));
        if !copy.from {
            let policies = self.visible_rows(&table, false)?;
            let mut input = self.scan(&table, table.name.as_str().into(), None, false);
            guard(&mut input, policies);
            let exprs = chosen
                .iter()
                .map(|position| super::query::column_of(&all, *position))
                .collect();
            bound.query = Some(Box::new(Plan::Project(Box::new(crate::plan::Project {
                input,
                exprs,
                columns: columns.clone(),
            }))));
            bound.columns = columns;
            return Ok(());
        }
        if self.is_secured(&table)? {
            return Err(
                Error::unsupported("COPY FROM not supported with row-level security")
                    .with_hint("Use INSERT statements instead."),
            );
        }
        if let Some(who) = self.acting() {
            self.hides_rows |= self.hides_rows(&table, &who);
        }
        let targets: Vec<_> = chosen
            .iter()
            .filter_map(|position| table.columns.get(*position))
            .map(|column| column.id)
            .collect();
        let mut defaults = Vec::new();
        for column in &table.columns {
            if targets.contains(&column.id) || column.generated.is_some() {
                continue;
            }
            if let Some(value) = self.column_default(column)? {
                defaults.push(crate::plan::Assignment {
                    column: column.id,
                    value,
                });
            }
        }
        bound.insert = Some(Box::new(Insert {
            table: table_ref(&table),
            source: Plan::Values(Box::new(Values {
                rows: Vec::new(),
                columns: columns.clone(),
            })),
            targets,
            defaults,
            on_conflict: None,
            policies: Vec::new(),
            checks: Vec::new(),
            returning: None,
        }));
        bound.columns = columns;
        bound.named = !names.is_empty();
        if bound.options.iter().any(|(name, _)| name == "default") {
            for position in &chosen {
                let column = table.columns.get(*position);
                bound.defaults.push(match column {
                    Some(column) => self.column_default(column)?,
                    None => None,
                });
            }
        }
        if let Some(filter) = &copy.filter {
            let mut scope = Scope::kept(table.name.as_str().into(), &all);
            let ids: Vec<_> = table.columns.iter().map(|column| column.id).collect();
            Self::watch(need, &mut scope, &ids);
            self.push_level(scope, None);
            self.set_clause(Clause::Plain("COPY FROM WHERE conditions"));
            let condition = self.condition(filter, "WHERE");
            self.pop_level();
            bound.filter = Some(condition?);
        }
        Ok(())
    }

    fn branch(&mut self, branch: &ast::Branch) -> Result<BranchCommand> {
        let options = |options: &[StorageOption]| {
            options
                .iter()
                .map(|option| (option.name.clone(), option.value.clone()))
                .collect()
        };
        Ok(match branch {
            ast::Branch::Use { name, transaction } => BranchCommand::Use {
                name: name.name.clone(),
                transaction: *transaction,
            },
            ast::Branch::Create {
                name,
                if_not_exists,
                parent,
                at,
                options: written,
            } => {
                let mut from = self.as_of(at.as_ref())?;
                from.branch = parent.as_ref().map(|parent| parent.name.as_str().into());
                BranchCommand::Create {
                    name: name.name.clone(),
                    if_not_exists: *if_not_exists,
                    from,
                    options: options(written),
                }
            }
            ast::Branch::Drop {
                name,
                if_exists,
                cascade,
            } => BranchCommand::Drop {
                name: name.name.clone(),
                if_exists: *if_exists,
                cascade: *cascade,
            },
            ast::Branch::Rename(from, to) => BranchCommand::Rename {
                name: from.name.clone(),
                to: to.name.clone(),
            },
            ast::Branch::Set(name, written) => BranchCommand::Set {
                name: name.name.clone(),
                options: options(written),
            },
            ast::Branch::Merge(merge) => BranchCommand::Merge(self.branch_merge(merge)?),
        })
    }

    fn branch_merge(&mut self, merge: &ast::BranchMerge) -> Result<MergeCommand> {
        let name = |ident: &Option<ast::Ident>| ident.as_ref().map(|ident| ident.name.clone());
        Ok(match merge {
            ast::BranchMerge::Branch(merge) => MergeCommand::Branch {
                source: merge.source.name.clone(),
                target: name(&merge.target),
                how: merge.how.clone(),
            },
            ast::BranchMerge::Complete(id, dry_run) => MergeCommand::Complete {
                id: id.clone(),
                dry_run: *dry_run,
            },
            ast::BranchMerge::Abort(id) => MergeCommand::Abort { id: id.clone() },
            ast::BranchMerge::One {
                txid,
                undo,
                target,
                how,
            } => MergeCommand::One {
                txid: *txid,
                undo: *undo,
                target: name(target),
                how: how.clone(),
            },
            ast::BranchMerge::CreateSnapshot {
                name,
                if_not_exists,
                branch,
                at,
            } => {
                let mut of = self.as_of(at.as_ref())?;
                if let Some(branch) = branch {
                    of.branch = Some(branch.name.as_str().into());
                }
                MergeCommand::CreateSnapshot {
                    name: name.name.clone(),
                    if_not_exists: *if_not_exists,
                    of,
                }
            }
            ast::BranchMerge::Bisect(bisect) => {
                // Names are looked up where the query is run; what is wrong with it anyway, now.
                let mut bound = |point: &Option<ast::Point>| match point {
                    Some(ast::Point::Now) | None => Ok(None),
                    Some(point) => self.fixed_point(point).map(Some),
                };
                MergeCommand::Bisect(Bisect {
                    query: bisect.query.clone(),
                    low: bound(&bisect.low)?,
                    high: bound(&bisect.high)?,
                    branch: name(&bisect.branch),
                })
            }
            ast::BranchMerge::DropSnapshot { name, if_exists } => MergeCommand::DropSnapshot {
                name: name.name.clone(),
                if_exists: *if_exists,
            },
        })
    }
}

/// The `INTO` of a query that makes a table.
fn select_into(query: &ast::Query) -> Option<&ast::Into> {
    match &query.body {
        ast::QueryBody::Select(select) => select.into.as_ref(),
        _ => None,
    }
}

/// Whether the statement may have parameters.
pub(super) fn takes_parameters(statement: &Tree) -> bool {
    match statement {
        Tree::Query(query) => select_into(query).is_none(),
        Tree::Insert(_)
        | Tree::Update(_)
        | Tree::Delete(_)
        | Tree::Merge(_)
        | Tree::Call(_)
        | Tree::Execute { .. } => true,
        Tree::Explain(explain) => takes_parameters(&explain.statement),
        Tree::Declare(_) => true,
        _ => false,
    }
}

/// The error of a parameter where none can be.
pub(super) fn no_parameters() -> Error {
    Error::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1")
}
