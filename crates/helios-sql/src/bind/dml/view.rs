//! Writing through a view: the table below it is what is written.

use std::sync::Arc;

use helios_base::{ColumnId, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{CheckOption, PolicyCommand, Privileges, Relation, TableDef, ViewDef};

use crate::bind::Binder;
use crate::bind::relation::table_columns;
use crate::bind::scope::{Clause, Scope, ScopeColumn, ScopeTable};
use crate::bind::updatable::{Simple, simple};
use crate::parse::ast::{Ident, Insert, Name};
use crate::parse::parse_query;
use crate::plan::{ColumnOrigin, ViewCheck};

/// How deep views may be built on views.
const DEPTH_MAX: usize = 32;

/// What is done to the rows of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bind) enum Write {
    Insert,
    Update,
    Delete,
}

impl Write {
    fn privilege(self) -> Privileges {
        match self {
            Self::Insert => Privileges::INSERT,
            Self::Update => Privileges::UPDATE,
            Self::Delete => Privileges::DELETE,
        }
    }

    fn command(self) -> PolicyCommand {
        match self {
            Self::Insert => PolicyCommand::Insert,
            Self::Update => PolicyCommand::Update,
            Self::Delete => PolicyCommand::Delete,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Insert => "insert into",
            Self::Update => "update",
            Self::Delete => "delete from",
        }
    }
}

/// A view that is written, in terms of the rows of its table.
#[derive(Clone, Debug)]
pub(in crate::bind) struct ViewTarget {
    pub(super) name: String,
    pub(super) columns: Vec<ViewColumn>,
    /// What is true of the rows that the view shows.
    pub(super) filters: Vec<Expr>,
    /// What must be true of rows that are written.
    pub(super) checks: Vec<ViewCheck>,
    pub(super) write: Write,
}

/// A column of such a view.
#[derive(Clone, Debug)]
pub(super) struct ViewColumn {
    column: ScopeColumn,
    /// The column of the table that it is, unchanged.
    pub(super) of: Option<ColumnId>,
}

impl ViewColumn {
    pub(super) fn name(&self) -> &str {
        &self.column.name
    }
}

impl ViewTarget {
    /// Its columns over a row of the table.
    pub(super) fn scope(&self, name: Arc<str>, schema: Option<Arc<str>>) -> Scope {
        let columns: Vec<ScopeColumn> = self.columns.iter().map(|c| c.column.clone()).collect();
        Scope {
            tables: vec![ScopeTable {
                name,
                schema,
                any_schema: false,
                relation: None,
                base: None,
                rows: None,
                scalar: false,
                absent: None,
                columns: columns.clone(),
                pseudo: Vec::new(),
            }],
            columns,
            hidden: Vec::new(),
            pseudo: Vec::new(),
        }
    }
}

impl Binder<'_> {
    /// The table that a statement writes, perhaps through a view, which is remembered.
    pub(super) fn written(&mut self, name: &Name, write: Write) -> Result<Arc<TableDef>> {
        self.written_view = None;
        self.written_needs = [None; 2];
        let Relation::View(view) = self.relation(name)? else {
            let table = self.table(name)?;
            // Inserting and updating need the columns that are written.
            let whole = match write {
                Write::Delete => Privileges::DELETE,
                Write::Insert | Write::Update => Privileges::NONE,
            };
            self.written_needs = [self.need_table(&table, whole), None];
            self.write_secured(&table, write)?;
            self.written_columns = table.columns.iter().map(|column| column.id).collect();
            return Ok(table);
        };
        self.written_needs = [self.need_view(&view, write.privilege()), None];
        self.written_columns = (1..=view.columns.len())
            .filter_map(|place| u32::try_from(place).ok().map(ColumnId))
            .collect();
        let target = self.as_owner(&view, |binder| {
            binder.view_target(&view, write, false, DEPTH_MAX)
        });
        let (table, target) = target.map_err(|e| self.at(e, name.pos()))?;
        if write != Write::Delete && target.columns.iter().all(|column| column.of.is_none()) {
            let reason = "Views that have no updatable columns are not automatically updatable.";
            return Err(self.at(refusal(&view.name, write, reason), name.pos()));
        }
        self.written_view = Some(target);
        Ok(table)
    }

    /// Notes what policies say of a table that is written.
    fn write_secured(&mut self, table: &TableDef, write: Write) -> Result<()> {
        self.written_policies = self.written_policies(table, write.command())?;
        if let Some(who) = self.acting() {
            self.hides_rows |= self.hides_rows(table, &who);
        }
        Ok(())
    }

    /// What an `INSERT` into `table` can name of its row; with the schema, too, unless it has another name.
    pub(super) fn inserted_scope(&self, insert: &Insert, table: &TableDef) -> Scope {
        let (name, schema) = match &insert.alias {
            Some(alias) => (alias, None),
            None => (&insert.table.name, Some(Arc::from(&*table.schema_name))),
        };
        self.written_scope(table, name.name.as_str().into(), schema)
    }

    /// What a statement that writes `table` can name of its row.
    pub(super) fn written_scope(
        &self,
        table: &TableDef,
        name: Arc<str>,
        schema: Option<Arc<str>>,
    ) -> Scope {
        let mut scope = match &self.written_view {
            Some(view) => view.scope(name, schema),
            None => {
                let mut scope = Scope::table(name, schema, &table_columns(table));
                for written in &mut scope.tables {
                    written.rows = Some(table.id.0);
                }
                scope
            }
        };
        let [need, _] = self.written_needs;
        Self::watch(need, &mut scope, &self.written_columns);
        scope
    }

    /// The checks of the view that is written.
    pub(super) fn written_checks(&mut self) -> Vec<ViewCheck> {
        self.written_view
            .take()
            .map_or_else(Vec::new, |view| view.checks)
    }

    fn view_target(
        &mut self,
        view: &ViewDef,
        write: Write,
        cascaded: bool,
        depth: usize,
    ) -> Result<(Arc<TableDef>, ViewTarget)> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::new(
                SqlState::INVALID_OBJECT_DEFINITION,
                format!(
                    "infinite recursion detected in rules for relation \"{}\"",
                    view.name
                ),
            ));
        };
        let query = parse_query(&view.sql)?;
        let parts = simple(&query).map_err(|reason| refusal(&view.name, write, reason))?;
        let source = self.source.take();
        let path = std::mem::replace(&mut self.search_path, view.search_path.clone());
        let ctes = std::mem::take(&mut self.ctes);
        let bound = self.view_target_here(view, &parts, write, cascaded, depth);
        self.ctes = ctes;
        self.search_path = path;
        self.source = source;
        bound
    }

    fn view_target_here(
        &mut self,
        view: &ViewDef,
        parts: &Simple<'_>,
        write: Write,
        cascaded: bool,
        depth: usize,
    ) -> Result<(Arc<TableDef>, ViewTarget)> {
        let all = cascaded || view.check_option == Some(CheckOption::Cascaded);
        let named = parts.alias.and_then(|alias| alias.name.as_ref());
        let shown: Arc<str> = named.unwrap_or(&parts.base.name).name.as_str().into();
        let (table, mut scope, mut filters, mut checks) = match self.relation(parts.base)? {
            Relation::Table(table) => {
                let whole = write.privilege().with(Privileges::SELECT);
                self.written_needs[1] = self.need_table(&table, whole);
                self.write_secured(&table, write)?;
                let scope = Scope::table(shown, None, &table_columns(&table));
                (table, scope, Vec::new(), Vec::new())
            }
            Relation::View(inner) => {
                self.need_view(&inner, write.privilege().with(Privileges::SELECT));
                let (table, target) = self.as_owner(&inner, |binder| {
                    binder.view_target(&inner, write, all, depth)
                })?;
                let scope = target.scope(shown, None);
                (table, scope, target.filters, target.checks)
            }
            _ => {
                let reason = "Views that do not select from a single table or view are not \
                              automatically updatable.";
                return Err(refusal(&view.name, write, reason));
            }
        };
        let renamed = parts.alias.map_or(&[][..], |alias| &alias.columns);
        for (index, name) in renamed.iter().enumerate() {
            let tables = scope.tables.iter_mut().map(|table| &mut table.columns);
            for columns in tables.chain([&mut scope.columns]) {
                if let Some(column) = columns.get_mut(index) {
                    column.name = name.name.as_str().into();
                }
            }
        }
        self.push_level(scope, None);
        let outputs = self.outputs(&parts.select.items);
        self.set_clause(Clause::Plain("WHERE"));
        let filter = match (&outputs, &parts.select.filter) {
            (Ok(_), Some(filter)) => Some(self.condition(filter, "WHERE")),
            _ => None,
        };
        self.pop_level();
        let mut columns = Vec::new();
        for ((declared, output), number) in view.columns.iter().zip(outputs?).zip(1..) {
            let of = match &output.expr {
                Expr::Column { index, .. } => table.columns.get(*index).map(|column| column.id),
                _ => None,
            };
            columns.push(ViewColumn {
                column: ScopeColumn {
                    counts: None,
                    fields: None,
                    name: declared.name.as_str().into(),
                    expr: self.builder.settle(output.expr)?,
                    nullable: output.nullable,
                    source: output.source,
                    origin: Some(ColumnOrigin {
                        relation: view.id.0,
                        number,
                    }),
                },
                of,
            });
        }
        if let Some(filter) = filter {
            let filter = filter?;
            if cascaded || view.check_option.is_some() {
                checks.push(ViewCheck {
                    view: view.name.as_str().into(),
                    condition: filter.clone(),
                });
            }
            filters.push(filter);
        }
        let target = ViewTarget {
            name: view.name.clone(),
            columns,
            filters,
            checks,
            write,
        };
        Ok((table, target))
    }

    /// The column of the table that a column of the written view is.
    pub(super) fn view_column(&self, view: &ViewTarget, name: &Ident) -> Result<ColumnId> {
        let Some(column) = view.columns.iter().find(|c| c.name() == name.name) else {
            return Err(self.fail(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "column \"{}\" of relation \"{}\" does not exist",
                    name.name, view.name
                ),
                name.pos,
            ));
        };
        column.of.ok_or_else(|| {
            let words = match view.write {
                Write::Insert => "insert into",
                _ => "update",
            };
            Error::unsupported(format!(
                "cannot {words} column \"{}\" of view \"{}\"",
                name.name, view.name
            ))
            .with_detail(
                "View columns that are not columns of their base relation are not updatable.",
            )
        })
    }
}

/// The refusal to write through a view.
fn refusal(view: &str, write: Write, reason: &'static str) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("cannot {} view \"{view}\"", write.words()),
    )
    .with_detail(reason)
    .with_hint("Change the tables that the view reads.")
}
