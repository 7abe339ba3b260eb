//! What binding finds out about a syntax tree, kept for who writes the tree out again (see
//! [`crate::deparse`]).
//!
//! Notes are keyed by positions in the text; where several expressions begin at one place, their
//! kinds differ.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use helios_base::{DataType, Result};
use helios_expr::{Expr, ParamTypes};
use helios_table::row::Renaming;

use super::scope::{Clause, Scope, ScopeColumn};
use super::{BindContext, Binder};
use crate::parse::ast::{self, ExprKind, Ident, Pos};
use crate::plan::{Plan, PlanColumn};

/// A column that was found by its name.
#[derive(Clone, Debug)]
pub(crate) struct NamedColumn {
    /// The table's name in the query; none for a column that `FULL JOIN … USING` made.
    pub(crate) table: Option<Arc<str>>,
    /// Its name.
    pub(crate) name: Arc<str>,
    /// The relation whose column of that name it is, if it is one itself.
    pub(crate) base: Option<u32>,
    /// Its declared type, where that is a domain.
    pub(crate) domain: Option<DataType>,
}

/// What a name in `FROM` was found to be.
#[derive(Clone, Debug)]
pub(crate) enum NamedRelation {
    /// A named query.
    Cte,
    /// A relation: schema and name.
    Stored(Arc<str>, Arc<str>),
}

/// What binding one text has found out.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    values: HashMap<(Pos, Discriminant<ExprKind>), Expr>,
    columns: HashMap<Pos, NamedColumn>,
    arguments: HashMap<Pos, Vec<Expr>>,
    relations: HashMap<Pos, NamedRelation>,
    items: HashMap<Pos, Vec<Arc<str>>>,
    stars: HashMap<Pos, Vec<NamedColumn>>,
    joins: HashMap<Pos, Vec<Arc<str>>>,
    types: HashMap<Pos, Vec<DataType>>,
}

impl Notes {
    /// What an expression was bound to, by itself.
    pub(crate) fn value(&self, expr: &ast::Expr) -> Option<&Expr> {
        self.values.get(&(expr.pos, discriminant(&expr.kind)))
    }

    /// The column that a name at this place is.
    pub(crate) fn column(&self, pos: Pos) -> Option<&NamedColumn> {
        self.columns.get(&pos)
    }

    /// The converted arguments of the call at this place.
    pub(crate) fn arguments(&self, pos: Pos) -> Option<&[Expr]> {
        self.arguments.get(&pos).map(Vec::as_slice)
    }

    /// The relation that a name at this place is.
    pub(crate) fn relation(&self, pos: Pos) -> Option<&NamedRelation> {
        self.relations.get(&pos)
    }

    /// The columns of the item of `FROM` whose name (or text, without one) begins here.
    pub(crate) fn item(&self, pos: Pos) -> Option<&[Arc<str>]> {
        self.items.get(&pos).map(Vec::as_slice)
    }

    /// What the star at this place stands for.
    pub(crate) fn star(&self, pos: Pos) -> Option<&[NamedColumn]> {
        self.stars.get(&pos).map(Vec::as_slice)
    }

    /// The columns that a `USING` or `NATURAL` join has merged.
    pub(crate) fn join(&self, pos: Pos) -> Option<&[Arc<str>]> {
        self.joins.get(&pos).map(Vec::as_slice)
    }

    /// The column types of the set operation at this place, or of the `VALUES` whose first value
    /// stands there.
    pub(crate) fn types(&self, pos: Pos) -> Option<&[DataType]> {
        self.types.get(&pos).map(Vec::as_slice)
    }
}

impl Notes {
    /// What would have been found out if things had been called otherwise.
    pub(crate) fn rename(&mut self, renaming: &Renaming<'_>) {
        match renaming {
            Renaming::Column { relation, from, to } => {
                let named = self.columns.values_mut();
                let named = named.chain(self.stars.values_mut().flatten());
                for column in named {
                    if column.base == Some(*relation) && *column.name == **from {
                        column.name = Arc::from(*to);
                    }
                }
            }
            Renaming::Relation { from, to } => {
                for relation in self.relations.values_mut() {
                    if let NamedRelation::Stored(schema, name) = relation
                        && (&**schema, &**name) == *from
                    {
                        *relation = NamedRelation::Stored(to.0.into(), to.1.into());
                    }
                }
            }
        }
    }
}

impl Binder<'_> {
    pub(super) fn note_value(&mut self, expr: &ast::Expr, bound: &Expr) {
        if let Some(notes) = &mut self.notes {
            let key = (expr.pos, discriminant(&expr.kind));
            notes.values.entry(key).or_insert_with(|| bound.clone());
        }
    }

    pub(super) fn note_arguments(&mut self, pos: Pos, args: &[Expr]) {
        if let Some(notes) = &mut self.notes {
            notes.arguments.insert(pos, args.to_vec());
        }
    }

    pub(super) fn note_relation(&mut self, pos: Pos, relation: impl FnOnce() -> NamedRelation) {
        if let Some(notes) = &mut self.notes {
            notes.relations.insert(pos, relation());
        }
    }

    pub(super) fn note_item(&mut self, name: &Ident, columns: &[PlanColumn]) {
        if let Some(notes) = &mut self.notes {
            let names = columns.iter().map(|column| column.name.clone()).collect();
            notes.items.insert(name.pos, names);
        }
    }

    pub(super) fn note_join(&mut self, pos: Pos, names: &[(Arc<str>, Pos)]) {
        if let Some(notes) = &mut self.notes {
            let names = names.iter().map(|(name, _)| name.clone()).collect();
            notes.joins.insert(pos, names);
        }
    }

    pub(super) fn note_types(&mut self, pos: Pos, plan: &Plan) {
        if let Some(notes) = &mut self.notes {
            let types = plan.columns().iter().map(|column| column.ty.clone());
            notes.types.insert(pos, types.collect());
        }
    }

    /// Notes what table of level `level` a column belongs to.
    pub(super) fn note_named(&mut self, pos: Pos, level: usize, column: &ScopeColumn) {
        if self.notes.is_some() {
            let named = self.named(level, column);
            if let Some(notes) = &mut self.notes {
                notes.columns.insert(pos, named);
            }
        }
    }

    pub(super) fn note_expanded(&mut self, pos: Pos, level: usize, columns: &[ScopeColumn]) {
        if self.notes.is_some() {
            let columns = columns.iter().map(|column| self.named(level, column));
            let columns = columns.collect();
            if let Some(notes) = &mut self.notes {
                notes.stars.insert(pos, columns);
            }
        }
    }

    fn named(&self, level: usize, column: &ScopeColumn) -> NamedColumn {
        let tables = self.levels.get(level).map(|level| &level.scope.tables);
        let owner = tables.into_iter().flatten().find(|table| {
            let own = table.columns.iter().chain(&table.pseudo);
            own.into_iter()
                .any(|own| own.expr == column.expr && own.name == column.name)
        });
        let domain = column.source.and_then(|source| {
            let table = self.context.catalog.table_by_id(source.table)?;
            let (_, column) = table.column_by_id(source.column)?;
            column.ty.has_domain().then(|| column.ty.clone())
        });
        NamedColumn {
            table: owner.map(|table| table.name.clone()),
            name: column.name.clone(),
            base: owner.and_then(|table| table.base),
            domain,
        }
    }
}

/// Binds a query and tells what was found out.
///
/// # Errors
/// As [`super::bind`].
pub(crate) fn noted_query(
    query: &ast::Query,
    source: &str,
    context: &BindContext<'_>,
) -> Result<Notes> {
    let types = ParamTypes::default();
    let mut binder = Binder::new(context, Some(source), &types);
    binder.notes = Some(Box::default());
    binder.query(query, None, true)?;
    Ok(*binder.notes.take().unwrap_or_default())
}

/// The types of a query's columns.
///
/// # Errors
/// As [`super::bind`].
pub(crate) fn query_types(
    query: &ast::Query,
    source: &str,
    context: &BindContext<'_>,
) -> Result<Vec<DataType>> {
    let types = ParamTypes::default();
    let plan = Binder::new(context, Some(source), &types).query(query, None, true)?;
    Ok(plan.columns().iter().map(|c| c.ty.clone()).collect())
}

/// Binds a query in the body of a function, which sees its arguments as a row of `columns`, and tells
/// what was found out.
///
/// # Errors
/// As [`super::bind`].
pub(crate) fn noted_body(
    query: &ast::Query,
    source: &str,
    function: &str,
    columns: &[PlanColumn],
    context: &BindContext<'_>,
) -> Result<Notes> {
    let types = ParamTypes::default();
    let mut binder = Binder::new(context, Some(source), &types);
    binder.notes = Some(Box::default());
    binder.push_level(Scope::table(function.into(), None, columns), None);
    let parent = binder.here();
    binder.query(query, parent, true)?;
    binder.pop_level();
    Ok(*binder.notes.take().unwrap_or_default())
}

/// Binds an expression over a row of `columns` of one table and tells what was found out, together
/// with the value, converted by assignment to `wanted`.
///
/// # Errors
/// As [`super::bind`].
pub(crate) fn noted_expr(
    expr: &ast::Expr,
    source: &str,
    table: &str,
    columns: &[PlanColumn],
    wanted: Option<&DataType>,
    context: &BindContext<'_>,
) -> Result<(Notes, Expr)> {
    let types = ParamTypes::default();
    let mut binder = Binder::new(context, Some(source), &types);
    binder.notes = Some(Box::default());
    binder.push_level(Scope::kept(table.into(), columns), None);
    binder.set_clause(Clause::Plain("stored expressions"));
    let bound = binder.expr(expr)?;
    let bound = match wanted {
        Some(ty) => binder.builder.assign(bound, ty, "?column?")?,
        None => binder.builder.settle(bound)?,
    };
    binder.pop_level();
    Ok((*binder.notes.take().unwrap_or_default(), bound))
}
