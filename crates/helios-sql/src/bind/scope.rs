//! Names of tables and columns, and the levels of queries in which they are seen.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, nearest};
use helios_expr::Expr;

use super::Binder;
use super::pending::Pending;
use crate::parse::ast::{Ident, Pos};
use crate::plan::{ColumnOrigin, ColumnSource, PlanColumn};

/// A column that can be named.
#[derive(Clone, Debug)]
pub(super) struct ScopeColumn {
    /// Its name.
    pub name: Arc<str>,
    /// Its value over the row of the level.
    pub expr: Expr,
    /// Whether it can be `NULL`.
    pub nullable: bool,
    /// Where it comes from.
    pub source: Option<ColumnSource>,
    /// What clients are told that it is.
    pub origin: Option<ColumnOrigin>,
    /// What reading it needs.
    pub counts: Option<super::access::Counts>,
    /// What is in it, if it is a row of no type.
    pub fields: Option<Arc<[super::row_type::Field]>>,
}

impl ScopeColumn {
    pub(super) fn of(index: usize, column: &PlanColumn) -> Self {
        Self {
            name: column.name.clone(),
            expr: Expr::column(index, column.ty.clone()),
            nullable: column.nullable,
            source: column.source,
            origin: column.origin,
            counts: None,
            fields: None,
        }
    }

    /// As an output column of a plan.
    pub(super) fn to_plan(&self) -> PlanColumn {
        PlanColumn {
            name: self.name.clone(),
            ty: self.expr.ty().clone(),
            nullable: self.nullable,
            source: self.source,
            origin: self.origin,
        }
    }
}

/// A table that columns can be qualified with.
#[derive(Clone, Debug)]
pub(super) struct ScopeTable {
    /// Its alias or name.
    pub name: Arc<str>,
    /// Its schema, if the name is that of the table itself.
    pub schema: Option<Arc<str>>,
    /// Whether any schema may stand before the name: it is that of the only table there is.
    pub any_schema: bool,
    /// The name of the relation behind an alias.
    pub relation: Option<Arc<str>>,
    /// The relation whose columns it shows under their own names.
    pub base: Option<u32>,
    /// The relation or composite type whose rows its rows are, whatever its columns are called here.
    pub rows: Option<u32>,
    /// Whether it is a function of plain values: its name, as a value, is its only column.
    pub scalar: bool,
    /// On the side of an outer join that may have no row: what shows that there is none.
    pub absent: Option<Absent>,
    /// Its columns.
    pub columns: Vec<ScopeColumn>,
    /// Columns that a star leaves out.
    pub pseudo: Vec<ScopeColumn>,
}

/// What tells an outer join's missing row from one that is there.
#[derive(Clone, Debug)]
pub(super) enum Absent {
    /// A column that a row which is there always has.
    Column(Expr),
    /// Nothing but that these, which are all columns, are `NULL`.
    Columns(Vec<Expr>),
}

impl Absent {
    fn of(table: &ScopeTable) -> Self {
        let columns = || table.columns.iter();
        match columns().find(|column| !column.nullable) {
            Some(column) => Self::Column(column.expr.clone()),
            None => Self::Columns(columns().map(|column| column.expr.clone()).collect()),
        }
    }

    fn shift(&mut self, offset: usize) {
        let one = |expr: &mut Expr| expr.remap_columns(&|index| index + offset);
        match self {
            Self::Column(expr) => one(expr),
            Self::Columns(columns) => columns.iter_mut().for_each(one),
        }
    }
}

/// What a row of some plan offers to names.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Tables, for qualified names.
    pub tables: Vec<ScopeTable>,
    /// Columns for unqualified names, in the order of `*`: those that `USING` merged come first,
    /// and only once.
    pub columns: Vec<ScopeColumn>,
    /// Columns for unqualified names that a star leaves out.
    pub pseudo: Vec<ScopeColumn>,
    /// Tables that are there and cannot be named, being inside a join with an alias.
    pub hidden: Vec<Arc<str>>,
}

impl Scope {
    /// The scope of one table.
    pub(super) fn table(name: Arc<str>, schema: Option<Arc<str>>, columns: &[PlanColumn]) -> Self {
        let columns: Vec<ScopeColumn> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| ScopeColumn::of(index, column))
            .collect();
        Self {
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
            pseudo: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// The scope of an expression that is kept with its table, as a condition or a key of it. Its text
    /// may name the schema, and outlives the schema's name.
    pub(super) fn kept(name: Arc<str>, columns: &[PlanColumn]) -> Self {
        let mut scope = Self::table(name, None, columns);
        for table in &mut scope.tables {
            table.any_schema = true;
        }
        scope
    }

    /// Columns that only unqualified names reach.
    pub(super) fn anonymous(columns: &[PlanColumn]) -> Self {
        let mut scope = Self::table("".into(), None, columns);
        scope.tables.clear();
        scope
    }

    /// Adds columns of its one table that a star leaves out; they follow the others in the row.
    pub(super) fn add_pseudo(&mut self, columns: &[PlanColumn]) {
        let first = self.columns.len();
        let columns = columns.iter().enumerate();
        self.pseudo = columns
            .map(|(index, column)| ScopeColumn::of(first + index, column))
            .collect();
        for table in &mut self.tables {
            table.pseudo.clone_from(&self.pseudo);
        }
    }

    /// What is in a column of its one table that is a row of no type.
    pub(super) fn set_fields(&mut self, index: usize, fields: &Arc<[super::row_type::Field]>) {
        let tables = self.tables.iter_mut().map(|table| &mut table.columns);
        for columns in tables.chain([&mut self.columns]) {
            if let Some(column) = columns.get_mut(index) {
                column.fields = Some(Arc::clone(fields));
            }
        }
    }

    fn each(&mut self, mut change: impl FnMut(&mut ScopeColumn)) {
        self.columns.iter_mut().for_each(&mut change);
        self.pseudo.iter_mut().for_each(&mut change);
        for table in &mut self.tables {
            table.columns.iter_mut().for_each(&mut change);
            table.pseudo.iter_mut().for_each(&mut change);
        }
    }

    /// The scope after `offset` columns were put before the row.
    pub(super) fn shift(&mut self, offset: usize) {
        self.each(|column| column.expr.remap_columns(&|index| index + offset));
        for table in &mut self.tables {
            if let Some(absent) = &mut table.absent {
                absent.shift(offset);
            }
        }
    }

    /// Every column may be `NULL`: the other side of an outer join.
    pub(super) fn set_nullable(&mut self) {
        for table in &mut self.tables {
            if table.absent.is_none() && !table.scalar {
                table.absent = Some(Absent::of(table));
            }
        }
        self.each(|column| column.nullable = true);
    }

    /// Both scopes side by side.
    pub(super) fn append(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.hidden.extend(other.hidden);
        self.columns.extend(other.columns);
        self.pseudo.extend(other.pseudo);
    }
}

/// What kind of clause is being bound: what may stand in it, and how errors call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    /// The select list: everything.
    Select,
    /// `ORDER BY`, `DISTINCT ON`: everything.
    OrderBy,
    /// `HAVING`: aggregates.
    Having,
    /// A clause without aggregates; its name in errors.
    Plain(&'static str),
}

/// One query while it is bound.
#[derive(Debug)]
pub(super) struct Level {
    /// The names of its `FROM`.
    pub scope: Scope,
    /// The level around that names are looked up in next.
    pub parent: Option<usize>,
    /// The frame it runs in.
    pub frame: usize,
    /// The clause being bound.
    pub clause: Clause,
    /// What was collected for later.
    pub pending: Pending,
    /// Columns of the row that were named, and where, in order.
    pub used: Vec<(usize, Pos)>,
}

/// A column name that was found: the level, and its column.
pub(super) struct Found {
    pub level: usize,
    pub column: ScopeColumn,
}

impl Binder<'_> {
    /// Opens a level; the caller closes it with [`Binder::pop_level`].
    pub(super) fn push_level(&mut self, scope: Scope, parent: Option<usize>) -> usize {
        self.levels.push(Level {
            scope,
            parent,
            frame: self.frames.len().saturating_sub(1),
            clause: Clause::Select,
            pending: Pending::default(),
            used: Vec::new(),
        });
        self.levels.len() - 1
    }

    pub(super) fn pop_level(&mut self) -> Option<Level> {
        self.levels.pop()
    }

    /// The number of the innermost level.
    pub(super) fn here(&self) -> Option<usize> {
        self.levels.len().checked_sub(1)
    }

    /// The innermost level.
    pub(super) fn level(&mut self) -> Result<&mut Level> {
        self.levels
            .last_mut()
            .ok_or_else(|| Error::internal("no query level"))
    }

    /// Whether nothing can be named here.
    pub(super) fn clause(&self) -> Clause {
        self.levels
            .last()
            .map_or(Clause::Plain("this expression"), |level| level.clause)
    }

    pub(super) fn set_clause(&mut self, clause: Clause) -> Clause {
        match self.levels.last_mut() {
            Some(level) => std::mem::replace(&mut level.clause, clause),
            None => clause,
        }
    }

    /// The levels from the innermost outward.
    fn visible(&self) -> impl Iterator<Item = (usize, &Level)> {
        let mut next = self.here();
        // Arguments of the function around are seen last, and from everywhere in its body.
        let mut arguments = self.arguments;
        std::iter::from_fn(move || {
            let index = next.or_else(|| arguments.take())?;
            if arguments == Some(index) {
                arguments = None;
            }
            let level = self.levels.get(index)?;
            next = level.parent;
            Some((index, level))
        })
    }

    /// An unqualified column name.
    ///
    /// # Errors
    /// 42702 if several columns of the nearest level that has it are called so.
    pub(super) fn find_column(&self, name: &Ident) -> Result<Option<Found>> {
        for (index, level) in self.visible() {
            let named = |column: &&ScopeColumn| *column.name == *name.name;
            let known = level.scope.columns.iter().any(|column| named(&column));
            let mut hits = level.scope.columns.iter().filter(named);
            let mut pseudo = level.scope.pseudo.iter().filter(named);
            if let Some(column) = hits.next().or_else(|| pseudo.next()) {
                // A table's own column hides a pseudo-column of that name.
                if hits.next().is_some() || pseudo.next().is_some() && !known {
                    return Err(self.ambiguous(name));
                }
                return Ok(Some(Found {
                    level: index,
                    column: column.clone(),
                }));
            }
            if name.name == "tableoid" {
                let mut tables = level.scope.tables.iter();
                let of = |table| Some((self.relation_number(table)?, table));
                let mut numbered = tables.by_ref().filter_map(of);
                if let Some((oid, table)) = numbered.next() {
                    if numbered.next().is_some() {
                        return Err(self.ambiguous(name));
                    }
                    return self.table_number(table, oid, name.pos).map(|column| {
                        Some(Found {
                            level: index,
                            column,
                        })
                    });
                }
            }
        }
        Ok(None)
    }

    /// The pseudo-column `tableoid` of a table.
    fn table_number(&self, table: &ScopeTable, oid: u32, pos: Pos) -> Result<ScopeColumn> {
        let first = table.columns.first().cloned();
        let mut column =
            first.ok_or_else(|| self.fail(SqlState::UNDEFINED_COLUMN, "no column", pos))?;
        column.name = "tableoid".into();
        column.source = None;
        column.origin = None;
        column.expr = Expr::Literal(helios_base::Value::Oid(oid), DataType::Oid);
        Ok(column)
    }

    fn ambiguous(&self, name: &Ident) -> Error {
        self.fail(
            SqlState::AMBIGUOUS_COLUMN,
            format!("column reference \"{}\" is ambiguous", name.name),
            name.pos,
        )
    }

    /// A table by its name in the statement, and its level.
    ///
    /// # Errors
    /// 42P09 if several tables of a level are called so.
    pub(super) fn find_table(
        &self,
        schema: Option<&Ident>,
        name: &Ident,
    ) -> Result<Option<(usize, &ScopeTable)>> {
        for (index, level) in self.visible() {
            let mut hits = level.scope.tables.iter().filter(|table| {
                *table.name == *name.name
                    && schema.is_none_or(|schema| {
                        table.any_schema || table.schema.as_deref() == Some(schema.name.as_str())
                    })
            });
            if let Some(table) = hits.next() {
                if hits.next().is_some() {
                    return Err(self.fail(
                        SqlState::AMBIGUOUS_ALIAS,
                        format!("table reference \"{}\" is ambiguous", name.name),
                        name.pos,
                    ));
                }
                return Ok(Some((index, table)));
            }
        }
        Ok(None)
    }

    /// A qualified column name.
    ///
    /// # Errors
    /// 42P01 no such table here, 42703 no such column, 42702 several.
    pub(super) fn find_qualified(
        &self,
        schema: Option<&Ident>,
        table: &Ident,
        name: &Ident,
    ) -> Result<Found> {
        let Some((level, found)) = self.find_table(schema, table)? else {
            return Err(self.missing_table(schema, table));
        };
        let named = |column: &&ScopeColumn| *column.name == *name.name;
        let mut hits: Vec<&ScopeColumn> = found.columns.iter().filter(named).collect();
        if hits.is_empty() {
            hits.extend(found.pseudo.iter().filter(named));
        }
        let mut hits = hits.into_iter();
        let pos = schema.map_or(table.pos, |schema| schema.pos);
        match (hits.next(), hits.next()) {
            (Some(column), None) => Ok(Found {
                level,
                column: column.clone(),
            }),
            (Some(_), Some(_)) => Err(self.at(self.ambiguous(name), pos)),
            (None, _) if name.name == "tableoid" && self.relation_number(found).is_some() => {
                let oid = self.relation_number(found).unwrap_or(0);
                let column = self.table_number(found, oid, pos)?;
                Ok(Found { level, column })
            }
            (None, _) => {
                let error = self.fail(
                    SqlState::UNDEFINED_COLUMN,
                    format!("column {}.{} does not exist", table.name, name.name),
                    pos,
                );
                let known = found.columns.iter().map(|column| column.name.as_ref());
                Err(match nearest(&name.name, known) {
                    Some(close) => error.with_hint(format!(
                        "Perhaps you meant to reference the column \"{}.{close}\".",
                        table.name
                    )),
                    None => error,
                })
            }
        }
    }

    /// The error of an unknown table in front of a column.
    pub(super) fn missing_table(&self, schema: Option<&Ident>, name: &Ident) -> Error {
        let pos = schema.map_or(name.pos, |schema| schema.pos);
        let behind = self
            .visible()
            .flat_map(|(_, level)| &level.scope.tables)
            .find(|table| table.relation.as_deref() == Some(name.name.as_str()));
        if let Some(table) = behind {
            return self
                .fail(
                    SqlState::UNDEFINED_TABLE,
                    format!(
                        "invalid reference to FROM-clause entry for table \"{}\"",
                        name.name
                    ),
                    pos,
                )
                .with_hint(format!(
                    "Perhaps you meant to reference the table alias \"{}\".",
                    table.name
                ));
        }
        // One that is there but out of sight: a sibling in FROM, or inside a join with an alias.
        let hidden = self.levels.iter().any(|level| {
            let tables = level.scope.tables.iter().map(|table| &table.name);
            tables
                .chain(&level.scope.hidden)
                .any(|known| **known == *name.name)
        });
        if hidden {
            return self
                .fail(
                    SqlState::UNDEFINED_TABLE,
                    format!(
                        "invalid reference to FROM-clause entry for table \"{}\"",
                        name.name
                    ),
                    pos,
                )
                .with_hint(format!(
                    "There is an entry for table \"{}\", but it cannot be referenced from this \
                     part of the query.",
                    name.name
                ));
        }
        let error = self.fail(
            SqlState::UNDEFINED_TABLE,
            format!("missing FROM-clause entry for table \"{}\"", name.name),
            pos,
        );
        let known = self
            .visible()
            .flat_map(|(_, level)| &level.scope.tables)
            .map(|table| table.name.as_ref());
        match nearest(&name.name, known) {
            Some(close) => error.with_hint(format!(
                "Perhaps you meant to reference the table alias \"{close}\"."
            )),
            None => error,
        }
    }

    /// The error of an unknown column.
    pub(super) fn missing_column(&self, name: &Ident) -> Error {
        let error = self.fail(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{}\" does not exist", name.name),
            name.pos,
        );
        let tables: Vec<&ScopeTable> = self
            .visible()
            .flat_map(|(_, level)| &level.scope.tables)
            .collect();
        let known = tables
            .iter()
            .flat_map(|table| table.columns.iter().map(|column| column.name.as_ref()));
        let Some(close) = nearest(&name.name, known) else {
            return error;
        };
        let owner = tables
            .iter()
            .find(|table| table.columns.iter().any(|column| *column.name == *close));
        match owner {
            // The value of a domain is no column of any table.
            Some(table) if !table.name.is_empty() => error.with_hint(format!(
                "Perhaps you meant to reference the column \"{}.{close}\".",
                table.name
            )),
            _ => error,
        }
    }

    /// Notes that a column is named, for what will depend on it.
    pub(super) fn note_column(&mut self, column: &ScopeColumn) {
        self.count_column(column.counts);
        if self.stars.is_some()
            && let Some(source) = column.source
        {
            self.named_columns.insert((source.table, source.column));
        }
    }

    /// The object identifier of the relation that a table of the query is.
    fn relation_number(&self, table: &ScopeTable) -> Option<u32> {
        if table.base.is_some() {
            return table.base;
        }
        if table.relation.is_none() && table.schema.is_none() {
            // A subquery, or a function.
            return None;
        }
        let name = table.relation.as_ref().unwrap_or(&table.name);
        let schema = table.schema.as_deref();
        crate::system::relation_oid(schema, name).or_else(|| {
            let catalog = self.context.catalog;
            let found = catalog.resolve(schema, name, &self.search_path)?;
            Some(found.oid())
        })
    }

    /// A column that was found, as an expression of the innermost level.
    pub(super) fn use_column(&mut self, found: Found, pos: Pos) -> Result<Expr> {
        self.note_column(&found.column);
        self.note_named(pos, found.level, &found.column);
        if Some(found.level) == self.here() {
            let columns = found.column.expr.used_columns();
            let level = self.level()?;
            level
                .used
                .extend(columns.into_iter().map(|index| (index, pos)));
        }
        self.reach(found.level, found.column.expr)
    }
}

/// The row of an expression that has none: `boolean` for conditions, and so on.
pub(super) fn plan_column(name: impl Into<Arc<str>>, expr: &Expr) -> PlanColumn {
    PlanColumn {
        name: name.into(),
        ty: expr.ty().clone(),
        nullable: !matches!(expr, Expr::Literal(value, _) if !value.is_null()),
        source: None,
        origin: None,
    }
}

/// Whether the type is that of a literal or parameter which nothing has decided yet.
pub(super) fn is_undecided(ty: &DataType) -> bool {
    matches!(ty, DataType::Unknown)
}
