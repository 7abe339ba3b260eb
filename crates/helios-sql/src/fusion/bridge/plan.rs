//! Plans of ours as DataFusion's, node by node.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{EmptyRelation, Expr as DfExpr, LogicalPlan, LogicalPlanBuilder};
use helios_base::{DataType, Error, Result, Value};
use helios_expr::{Expr, Volatility};

use super::expr::{ExprBridge, Scope, lazy, literal, truth};
use super::relation::{Names, Relation, sort_key};
use super::typed::Typed;
use super::walk;
use crate::fusion::error::from_datafusion;
use crate::fusion::scan::{FileTable, Tag};
use crate::fusion::shape::Shape;
use crate::plan::{
    Cte, CteId, Distinct, FileScan, Filter, Limit, Plan, PlanColumn, Project, Scan, Sort, SortKey,
    Subplan, Values,
};

/// How often common table expressions may be copied to where they are used.
const COPIES_MAX: usize = 64;

/// Gives the tables of a statement.
pub(crate) trait Tables {
    /// The rows of `scan`: its columns in order, named by `tag`, in the forms of [`Shape::of`],
    /// without applying its filters.
    ///
    /// # Errors
    /// If the table is gone, or `0A000` if only the row executor can read it.
    fn table(&self, scan: &Scan, tag: Tag) -> Result<Arc<dyn TableProvider>>;
}

/// An expression that is computed once, before the plan runs, and stands in it as a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Early {
    /// Its name without the `$`.
    pub name: String,
    /// What to compute; it has no columns.
    pub expr: Expr,
    /// What it is for.
    pub purpose: Purpose,
}

/// What an early expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `LIMIT`: negative is `2201W`.
    Limit,
    /// `OFFSET`: negative is `2201X`, `NULL` is 0.
    Offset,
}

/// Translates one statement.
pub(crate) struct PlanBridge<'a> {
    tables: &'a dyn Tables,
    pub(super) subplans: &'a [Subplan],
    params: &'a [Shape],
    pub(super) names: Names,
    early: Vec<Early>,
    ctes: HashMap<CteId, Cte>,
    /// What recursive queries read themselves through.
    pub(super) work_tables: HashMap<CteId, Relation>,
    copies: usize,
}

impl<'a> PlanBridge<'a> {
    /// A translator for plans over `tables`, with these subplans and parameters.
    pub fn new(tables: &'a dyn Tables, subplans: &'a [Subplan], params: &'a [Shape]) -> Self {
        Self {
            tables,
            subplans,
            params,
            names: Names::default(),
            early: Vec::new(),
            ctes: HashMap::new(),
            work_tables: HashMap::new(),
            copies: 0,
        }
    }

    /// The expressions to compute before running the plan.
    pub fn into_early(self) -> Vec<Early> {
        self.early
    }

    /// Translates a node with all below it.
    ///
    /// # Errors
    /// `0A000` for what only the row executor can do.
    pub fn plan(&mut self, plan: &Plan) -> Result<Relation> {
        match plan {
            Plan::Empty(columns) => self.empty(columns),
            Plan::OneRow => Ok(one_row()),
            Plan::Scan(scan) => self.scan(scan),
            Plan::FileScan(scan) => self.files(scan),
            Plan::Values(values) => self.values(values),
            Plan::Filter(filter) => self.filter(filter),
            Plan::Project(project) => self.project(project),
            Plan::Join(join) => self.join(join),
            Plan::Aggregate(node) => self.aggregate(node),
            Plan::Window(node) => self.window(node),
            Plan::Sort(sort) => self.sort(sort),
            Plan::Limit(limit) => self.limit(limit),
            Plan::Distinct(distinct) => self.distinct(distinct),
            Plan::SetOp(node) => self.set_op(node),
            Plan::With { ctes, input } => {
                for cte in ctes {
                    if is_volatile(&cte.plan) {
                        return Err(Error::unsupported(
                            "volatile functions in a vectorized common table expression",
                        ));
                    }
                    self.ctes.insert(cte.id, cte.clone());
                }
                self.plan(input)
            }
            Plan::CteRef { id, .. } => {
                self.copies += 1;
                if self.copies > COPIES_MAX {
                    return Err(Error::unsupported(
                        "so many uses of vectorized common table expressions",
                    ));
                }
                let cte = self.ctes.get(id).cloned();
                let cte = cte.ok_or_else(|| Error::internal("unknown common table expression"))?;
                self.plan(&cte.plan)
            }
            Plan::Recursive(node) => self.recursive(node),
            Plan::WorkTable { id, .. } => self.work_table(*id),
            Plan::TableFunction(_) => Err(Error::unsupported("vectorized table functions")),
            Plan::ProjectSet(_) => Err(Error::unsupported("vectorized set-returning functions")),
            Plan::Change(_) => Err(Error::unsupported("vectorized changes of rows")),
            Plan::LockRows(_) => Err(Error::unsupported("vectorized row locks")),
        }
    }

    fn empty(&mut self, columns: &[PlanColumn]) -> Result<Relation> {
        let nulls = columns
            .iter()
            .map(|column| Typed::literal(&Value::Null, Shape::of(&column.ty)))
            .collect::<Result<_>>()?;
        let nothing = one_row().filter(truth(false))?;
        self.names.project(nothing, nulls, names(columns))
    }

    fn scan(&mut self, scan: &Scan) -> Result<Relation> {
        let tag = Tag::new(self.names.number());
        let provider = self.tables.table(scan, tag)?;
        let relation = self.rows_of(provider, tag, &scan.alias, &scan.columns)?;
        self.filter_by(relation, &scan.filters)
    }

    fn files(&mut self, scan: &FileScan) -> Result<Relation> {
        if scan.columns.is_empty() {
            return Err(Error::unsupported("vectorized reads of no column"));
        }
        let tag = Tag::new(self.names.number());
        let provider = Arc::new(FileTable::new(scan, tag));
        self.rows_of(provider, tag, &scan.alias, &scan.columns)
    }

    fn rows_of(
        &mut self,
        provider: Arc<dyn TableProvider>,
        tag: Tag,
        alias: &str,
        columns: &[PlanColumn],
    ) -> Result<Relation> {
        let reference = TableReference::bare(tag.name(alias));
        let schema = provider.schema();
        let plan = LogicalPlanBuilder::scan(reference.clone(), provider_as_source(provider), None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_datafusion)?;
        let columns = columns
            .iter()
            .zip(schema.fields())
            .map(|(column, field)| {
                let shape = Shape {
                    ty: column.ty.clone(),
                    arrow: field.data_type().clone(),
                };
                Typed::column(Column::new(Some(reference.clone()), field.name()), shape)
            })
            .collect();
        Ok(Relation { plan, columns })
    }

    fn values(&mut self, values: &Values) -> Result<Relation> {
        let mut rows = Vec::with_capacity(values.rows.len());
        let mut shapes: Vec<Option<Shape>> = vec![None; values.columns.len()];
        for row in &values.rows {
            let row = self.exprs(&[], row)?;
            for (value, shape) in row.iter().zip(&mut shapes) {
                if !value.is_null() {
                    *shape = Some(match shape.take() {
                        None => value.shape.clone(),
                        Some(shape) => shape.unify(&value.shape),
                    });
                }
            }
            rows.push(row);
        }
        let shapes: Vec<Shape> = shapes
            .into_iter()
            .zip(&values.columns)
            .map(|(shape, column)| shape.unwrap_or_else(|| Shape::of(&column.ty)))
            .collect();
        if rows.is_empty() || shapes.is_empty() {
            return Err(Error::unsupported("vectorized VALUES without columns"));
        }
        let rows = rows
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .zip(&shapes)
                    .map(|(value, shape)| value.into_shape(shape).map(|typed| typed.expr))
                    .collect::<Result<Vec<DfExpr>>>()
            })
            .collect::<Result<Vec<_>>>()?;
        let plan = LogicalPlanBuilder::values(rows)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_datafusion)?;
        let columns: Vec<Typed> = plan
            .schema()
            .columns()
            .into_iter()
            .zip(shapes)
            .map(|(column, shape)| Typed::column(column, shape))
            .collect();
        let exprs = columns.clone();
        self.names
            .project(Relation { plan, columns }, exprs, names(&values.columns))
    }

    fn filter(&mut self, filter: &Filter) -> Result<Relation> {
        let input = self.plan(&filter.input)?;
        match &filter.predicate {
            Expr::And(terms) => self.filter_by(input, terms),
            other => self.filter_by(input, std::slice::from_ref(other)),
        }
    }

    /// Keeps the rows for which all `conjuncts` are true.
    pub(super) fn filter_by(&mut self, input: Relation, conjuncts: &[Expr]) -> Result<Relation> {
        let columns = input.columns.clone();
        let (rest, plain): (Vec<&Expr>, Vec<&Expr>) =
            conjuncts.iter().partition(|conjunct| has_subplan(conjunct));
        let plain = plain
            .into_iter()
            .map(|conjunct| self.expr(&columns, conjunct))
            .collect::<Result<_>>()?;
        let mut input = match guarded(plain) {
            Some(predicate) => input.filter(predicate)?,
            None => input,
        };
        for conjunct in rest {
            input = self.filter_subquery(input, conjunct)?;
        }
        Ok(Relation { columns, ..input })
    }

    fn project(&mut self, project: &Project) -> Result<Relation> {
        let input = self.plan(&project.input)?;
        let (input, exprs) = self.exprs_with_subqueries(input, &project.exprs)?;
        self.names.project(input, exprs, names(&project.columns))
    }

    fn sort(&mut self, sort: &Sort) -> Result<Relation> {
        let input = self.plan(&sort.input)?;
        self.sort_by(input, &sort.keys)
    }

    /// Orders the rows.
    pub(super) fn sort_by(&mut self, input: Relation, keys: &[SortKey]) -> Result<Relation> {
        let columns = input.columns.clone();
        let exprs: Vec<Expr> = keys.iter().map(|key| key.expr.clone()).collect();
        let (input, exprs) = self.exprs_with_subqueries(input, &exprs)?;
        let (input, exprs) = self.names.extend(input, "sort", exprs)?;
        let keys: Vec<_> = exprs
            .into_iter()
            .zip(keys)
            .map(|(typed, key)| sort_key(typed, key.descending, key.nulls_first))
            .collect();
        let sorted = input.then(|plan| plan.sort(keys))?;
        Ok(Relation { columns, ..sorted })
    }

    fn limit(&mut self, limit: &Limit) -> Result<Relation> {
        if !limit.ties.is_empty() {
            return Err(Error::unsupported("vectorized WITH TIES"));
        }
        let input = self.plan(&limit.input)?;
        let skip = self.early(limit.offset.as_ref(), Purpose::Offset)?;
        let fetch = self.early(limit.limit.as_ref(), Purpose::Limit)?;
        input.then(|plan| plan.limit_by_expr(skip, fetch))
    }

    fn early(&mut self, expr: Option<&Expr>, purpose: Purpose) -> Result<Option<DfExpr>> {
        let Some(expr) = expr else { return Ok(None) };
        if expr.any(&mut |e| matches!(e, Expr::Subplan { .. } | Expr::Outer { .. })) {
            return Err(Error::unsupported("a subquery in a vectorized LIMIT"));
        }
        if let Expr::Literal(Value::Int8(rows), DataType::Int8) = expr
            && *rows >= 0
        {
            return Ok(Some(literal(&Value::Int8(*rows), &DataType::Int8)?.expr));
        }
        let name = format!("early{}", self.early.len());
        let field = Shape::of(&DataType::Int8).field("").into();
        let placeholder = Placeholder::new_with_field(format!("${name}"), Some(field));
        self.early.push(Early {
            name,
            expr: expr.clone(),
            purpose,
        });
        Ok(Some(DfExpr::Placeholder(placeholder)))
    }

    fn distinct(&mut self, distinct: &Distinct) -> Result<Relation> {
        if distinct.on.is_empty() {
            let input = self.plan(&distinct.input)?;
            return self.distinct_rows(input);
        }
        let (source, keys) = match &distinct.input {
            Plan::Sort(sort) => (&sort.input, sort.keys.as_slice()),
            other => (other, &[][..]),
        };
        let input = self.plan(source)?;
        let columns = input.columns.clone();
        let first = self.first_of_each(input, &distinct.on, keys)?;
        let first = Relation { columns, ..first };
        if keys.is_empty() {
            Ok(first)
        } else {
            self.sort_by(first, keys)
        }
    }

    /// Translates an expression over `columns` without subqueries.
    ///
    /// # Errors
    /// `0A000` if there is one.
    pub(super) fn expr(&self, columns: &[Typed], expr: &Expr) -> Result<Typed> {
        let none = HashMap::new();
        ExprBridge::new(self.scope(columns, &[], &none)).expr(expr)
    }

    /// [`PlanBridge::expr`] for several.
    ///
    /// # Errors
    /// As there.
    pub(super) fn exprs(&self, columns: &[Typed], exprs: &[Expr]) -> Result<Vec<Typed>> {
        exprs.iter().map(|expr| self.expr(columns, expr)).collect()
    }

    /// Translates expressions over `input`, which gains columns for the subqueries in them.
    pub(super) fn exprs_with_subqueries(
        &mut self,
        input: Relation,
        exprs: &[Expr],
    ) -> Result<(Relation, Vec<Typed>)> {
        let columns = input.columns.clone();
        let (input, subplans) = self.subqueries(input, exprs)?;
        let mut bridge = ExprBridge::new(self.scope(&columns, &[], &subplans));
        let exprs = exprs
            .iter()
            .map(|expr| bridge.expr(expr))
            .collect::<Result<_>>()?;
        Ok((input, exprs))
    }

    /// What expressions over `columns`, inside a frame of these values, can see.
    pub(super) fn scope<'s>(
        &'s self,
        columns: &'s [Typed],
        frame: &'s [Typed],
        subplans: &'s HashMap<*const Expr, Typed>,
    ) -> Scope<'s> {
        Scope {
            columns,
            frame,
            params: self.params,
            subplans,
        }
    }
}

/// One row without columns.
pub(crate) fn one_row() -> Relation {
    Relation {
        plan: LogicalPlan::EmptyRelation(EmptyRelation {
            produce_one_row: true,
            schema: Arc::new(DFSchema::empty()),
        }),
        columns: Vec::new(),
    }
}

/// The names of columns.
pub(crate) fn names(columns: &[PlanColumn]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| &*column.name)
}

/// Whether a subquery stands in the expression.
pub(crate) fn has_subplan(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Subplan { .. }))
}

/// The conjunction of conditions in which one that may fail is evaluated only where the conditions
/// before it on the same columns hold.
pub(crate) fn guarded(conjuncts: Vec<Typed>) -> Option<DfExpr> {
    let mut safe: Vec<DfExpr> = Vec::new();
    let mut all: Vec<DfExpr> = Vec::new();
    for conjunct in conjuncts {
        if !conjunct.risky {
            safe.push(conjunct.expr.clone());
            all.push(conjunct.expr);
            continue;
        }
        let columns = conjunct.expr.column_refs();
        let guard = safe
            .iter()
            .filter(|before| before.column_refs().is_subset(&columns))
            .cloned()
            .reduce(DfExpr::and);
        all.push(match guard {
            None => conjunct.expr,
            Some(guard) => lazy(vec![(guard, conjunct.expr)], Some(truth(false))),
        });
    }
    all.into_iter().reduce(DfExpr::and)
}

/// Whether computing the plan twice could give two results.
pub(crate) fn is_volatile(plan: &Plan) -> bool {
    let mut volatile = false;
    walk::expressions(plan, &mut |expr| {
        // `Expr::volatility` would count every subplan, because it cannot see its plan.
        volatile |= expr.any(&mut |e| match e {
            Expr::Call { function, .. } => function.volatility() == Volatility::Volatile,
            _ => false,
        });
    });
    volatile
}
