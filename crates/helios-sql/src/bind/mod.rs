//! From syntax tree to plan: names, types, and what may stand where.
//!
//! [`bind`] takes one parsed statement and a catalog snapshot and returns a [`Bound`] statement.
//! It never reads or writes data. Rules of types are [`helios_expr::Builder`]'s; here are the rules
//! of names and clauses.
//!
//! # How names are found
//! Each query has a `scope::Level`; a subquery's level points to the one around it. A name found
//! further out becomes a value of the subquery's *frame* (see [`crate::plan`]): `frame` hands it
//! inward through every frame in between.
//!
//! # Placeholders
//! While a select list is bound, aggregates, window functions and set-returning functions are
//! collected beside the expression, which holds a column of a number no row has
//! (`pending::Pending`); when the plan is put together, the numbers become real.

pub(crate) mod access;
mod aggregate;
mod call;
mod context;
mod cte;
mod cursor;
mod ddl;
mod dml;
mod elsewhere;
mod error;
mod expr;
mod file_item;
mod frame;
mod from;
mod function_table;
mod group;
mod hypothetical;
mod join;
mod label;
mod moment;
mod named_args;
pub(crate) mod notes;
mod pending;
mod populate;
mod query;
mod relation;
mod rewrite;
mod routine;
mod row_type;
mod sample;
mod scope;
mod search_cycle;
mod security;
mod select;
mod set_op;
mod sort;
mod statement;
pub mod stored;
mod subquery;
#[cfg(test)]
mod tests;
mod types;
pub(crate) mod updatable;
mod values;
mod window;

pub use context::BindContext;
pub(crate) use label::label;
pub use moment::{NoPast, Past};
pub(crate) use relation::table_columns as relation_columns;
pub(crate) use rewrite::computes_parameters;
pub(crate) use types::named_type;

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{Builder, ParamTypes};

use crate::parse::ast::Statement;
use crate::plan::{Bound, Subplan};

/// A text of this length cannot nest deeply enough for a small thread's stack to matter.
const SHALLOW_BYTES: usize = 256;
/// The stack that binding a deeply nested statement may take; pages that are not touched cost
/// nothing.
const STACK_BYTES: usize = 32 << 20;

/// Binds one statement. `source` is the text it was parsed from, for positions in errors;
/// `params` are declared parameter types, `unknown` (or missing) where they are to be deduced.
///
/// # Errors
/// What is wrong with the statement, with SQLSTATE and position, as PostgreSQL says it; `0A000` for
/// what is not supported.
///
/// # Cost
/// Proportional to the statement and the definitions of the relations it names.
pub fn bind(
    statement: &Statement,
    source: &str,
    context: &BindContext<'_>,
    params: &[DataType],
) -> Result<Bound> {
    if source.len() <= SHALLOW_BYTES {
        return bind_here(statement, source, context, params);
    }
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, || {
        bind_here(statement, source, context, params)
    })
}

fn bind_here(
    statement: &Statement,
    source: &str,
    context: &BindContext<'_>,
    params: &[DataType],
) -> Result<Bound> {
    let types = ParamTypes::new(params.to_vec());
    let mut binder = Binder::new(context, Some(source), &types);
    let takes_parameters = statement::takes_parameters(statement);
    let statement = match binder.statement(statement) {
        Ok(statement) => statement,
        Err(error) => return Err(binder.moments.explain(error)),
    };
    binder.check_needs()?;
    if !takes_parameters && !types.is_empty() {
        return Err(statement::no_parameters());
    }
    if let Some(number) = types.undetermined() {
        return Err(Error::new(
            SqlState::INDETERMINATE_DATATYPE,
            format!("could not determine data type of parameter ${number}"),
        ));
    }
    let mut bound = Bound {
        statement,
        subplans: std::mem::take(&mut binder.subplans),
        params: types.types(),
        moments: binder.moments.take(),
        cacheable: binder.cacheable,
        hides_rows: binder.hides_rows,
        failing: None,
    };
    rewrite::rewrite(&mut bound, context);
    Ok(bound)
}

/// Binds a statement of the body of `def`, whose arguments become the statement's parameters.
///
/// # Errors
/// As [`bind`], without positions.
pub(crate) fn bind_in_routine(
    statement: &Statement,
    def: &helios_table::catalog::FunctionDef,
    context: &BindContext<'_>,
) -> Result<Bound> {
    let declared: Vec<DataType> = def
        .inputs()
        .map(|input| input.ty.base().into_owned())
        .collect();
    let params = declared.iter().enumerate();
    let params = params.map(|(index, ty)| helios_expr::Expr::Param {
        index,
        ty: ty.clone(),
    });
    let params = params.collect();
    let types = ParamTypes::new(declared);
    let mut binder = Binder::new(context, None, &types);
    let bound = binder.with_body(def, params, |binder| binder.statement(statement));
    let statement = match bound {
        Ok(statement) => statement,
        Err(error) => return Err(binder.moments.explain(error)),
    };
    binder.check_needs()?;
    let mut bound = Bound {
        statement,
        subplans: std::mem::take(&mut binder.subplans),
        params: types.types(),
        moments: binder.moments.take(),
        cacheable: binder.cacheable,
        hides_rows: binder.hides_rows,
        failing: None,
    };
    rewrite::rewrite(&mut bound, context);
    Ok(bound)
}

/// Binds a point in history that stands for itself.
///
/// # Errors
/// As [`bind`], without positions; columns and parameters are not possible.
pub fn as_of(at: &crate::parse::ast::AsOf, context: &BindContext<'_>) -> Result<crate::plan::AsOf> {
    let types = ParamTypes::default();
    let at = Binder::new(context, None, &types).as_of(Some(at))?;
    if types.is_empty() {
        Ok(at)
    } else {
        Err(statement::no_parameters())
    }
}

/// The state of binding one statement.
pub(crate) struct Binder<'a> {
    context: &'a BindContext<'a>,
    /// The text that positions refer to; `None` inside stored texts, whose positions would mislead.
    source: Option<&'a str>,
    builder: Builder<'a>,
    search_path: Vec<String>,
    levels: Vec<scope::Level>,
    frames: Vec<frame::Frame>,
    ctes: Vec<cte::Visible>,
    moments: moment::Moments,
    next_cte: u32,
    subplans: Vec<Subplan>,
    cacheable: bool,
    /// Within `INSERT`, `UPDATE`, `DELETE`.
    changes_rows: bool,
    /// Whether the next `WITH` may change rows.
    with_changes: cte::Changes,
    /// In the `RETURNING` of a `MERGE`: its level, and the column that names the action.
    merge_action: Option<(usize, usize)>,
    /// The view through which the statement writes.
    written_view: Option<dml::ViewTarget>,
    view_depth: usize,
    depends: Vec<crate::plan::TableRef>,
    /// While a view is defined: the table columns that it names.
    named_columns: std::collections::BTreeSet<(helios_base::TableId, helios_base::ColumnId)>,
    /// The level of the arguments of the function whose body is being bound.
    arguments: Option<usize>,
    /// How many bodies of functions are being bound inside each other.
    body_depth: usize,
    /// How many placeholders for arguments there are.
    next_placeholder: usize,
    /// While a view is defined: its stars, and what they stand for.
    stars: Option<Vec<(crate::parse::ast::Span, String)>>,
    /// What is wanted of the relations that the statement names.
    needs: Vec<access::Need>,
    /// The owner of the view that is bound.
    checked_as: Option<std::sync::Arc<helios_table::catalog::Who>>,
    /// The owner of the `SECURITY DEFINER` function whose body is bound.
    definer: Option<std::sync::Arc<helios_table::catalog::Who>>,
    /// What is wanted of the relation bound last, until its columns are known.
    last_need: Option<usize>,
    /// The table or view that the last name in `FROM` was.
    last_relation: Option<u32>,
    /// What is wanted of the relation that is written, and of the table below if it is a view; with
    /// the numbers of its columns.
    written_needs: [Option<usize>; 2],
    written_columns: Vec<helios_base::ColumnId>,
    /// A relation that is for superusers only.
    refused: Option<String>,
    /// The tables whose policies are being bound inside each other.
    open_policies: Vec<helios_base::TableId>,
    /// What the statement does with the table that it writes.
    writing: security::Writing,
    /// What policies say of that table's rows.
    written_policies: security::WrittenPolicies,
    /// Whether it is a table whose rows the role may not see all of.
    hides_rows: bool,
    /// What is found out about the text, if anybody wants to know.
    notes: Option<Box<notes::Notes>>,
}

impl<'a> Binder<'a> {
    fn new(context: &'a BindContext<'a>, source: Option<&'a str>, params: &'a ParamTypes) -> Self {
        Self {
            context,
            source,
            builder: Builder::new(context.text, params).with_names(context),
            search_path: context.search_path.to_vec(),
            levels: Vec::new(),
            frames: vec![frame::Frame::outermost()],
            ctes: Vec::new(),
            moments: moment::Moments::default(),
            next_cte: 0,
            subplans: Vec::new(),
            cacheable: true,
            changes_rows: false,
            with_changes: cte::Changes::Nested,
            merge_action: None,
            written_view: None,
            view_depth: 0,
            depends: Vec::new(),
            named_columns: std::collections::BTreeSet::new(),
            arguments: None,
            body_depth: 0,
            next_placeholder: 0,
            stars: None,
            needs: Vec::new(),
            checked_as: None,
            definer: None,
            last_need: None,
            last_relation: None,
            written_needs: [None; 2],
            written_columns: Vec::new(),
            refused: None,
            open_policies: Vec::new(),
            writing: security::Writing::default(),
            written_policies: security::WrittenPolicies::default(),
            hides_rows: false,
            notes: None,
        }
    }
}
