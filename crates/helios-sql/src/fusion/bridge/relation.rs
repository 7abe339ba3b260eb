//! A translated plan node: DataFusion's plan, and which of its columns are ours.

use datafusion::common::{Column, DFSchema, Result as DfResult};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use helios_base::Result;

use super::typed::Typed;
use crate::fusion::error::from_datafusion;

/// Rows of DataFusion with our columns among its own.
///
/// Every column of a plan has a name that is unique in the statement, even without its table's, so
/// joins never clash and a column can be carried through nodes that do not know of it.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The rows.
    pub plan: LogicalPlan,
    /// Our columns, in our order; each is a column expression over `plan`.
    pub columns: Vec<Typed>,
}

impl Relation {
    /// Continues to build the plan.
    ///
    /// # Errors
    /// What DataFusion refuses.
    pub fn then(
        self,
        f: impl FnOnce(LogicalPlanBuilder) -> DfResult<LogicalPlanBuilder>,
    ) -> Result<Self> {
        let plan = f(LogicalPlanBuilder::from(self.plan))
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_datafusion)?;
        Ok(Self {
            plan,
            columns: self.columns,
        })
    }

    /// Keeps the rows for which `predicate` is true.
    ///
    /// # Errors
    /// As [`Relation::then`].
    pub fn filter(self, predicate: DfExpr) -> Result<Self> {
        self.then(|plan| plan.filter(predicate))
    }
}

/// Gives unique names to columns.
#[derive(Debug, Default)]
pub(crate) struct Names {
    next: usize,
}

impl Names {
    /// A name like `base` that nothing else has.
    pub fn fresh(&mut self, base: &str) -> String {
        format!("{base}#{}", self.number())
    }

    /// A number that nothing else has.
    pub fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// `typed` under a fresh name, and the column that it becomes.
    pub fn alias(&mut self, base: &str, typed: Typed) -> (DfExpr, Typed) {
        let name = self.fresh(base);
        let column = Typed::column(Column::new_unqualified(name.clone()), typed.shape);
        (typed.expr.alias(name), column)
    }

    /// Adds computed columns beside those of `input`; returns them.
    ///
    /// What is a column already is not copied.
    ///
    /// # Errors
    /// What DataFusion refuses.
    pub fn extend(
        &mut self,
        input: Relation,
        base: &str,
        added: Vec<Typed>,
    ) -> Result<(Relation, Vec<Typed>)> {
        let mut exprs = all_columns(input.plan.schema());
        let before = exprs.len();
        let mut columns = Vec::with_capacity(added.len());
        for typed in added {
            if matches!(typed.expr, DfExpr::Column(_)) {
                columns.push(typed);
            } else {
                let (expr, column) = self.alias(base, typed);
                exprs.push(expr);
                columns.push(column);
            }
        }
        if exprs.len() == before {
            return Ok((input, columns));
        }
        Ok((input.then(|plan| plan.project(exprs))?, columns))
    }

    /// Replaces the columns by computed ones.
    ///
    /// # Errors
    /// What DataFusion refuses.
    pub fn project<'a>(
        &mut self,
        input: Relation,
        exprs: Vec<Typed>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Relation> {
        let (exprs, columns): (Vec<_>, Vec<_>) = exprs
            .into_iter()
            .zip(names)
            .map(|(typed, name)| self.alias(name, typed))
            .unzip();
        let relation = input.then(|plan| plan.project(exprs))?;
        Ok(Relation {
            plan: relation.plan,
            columns,
        })
    }
}

/// Every column of a schema as an expression.
pub(crate) fn all_columns(schema: &DFSchema) -> Vec<DfExpr> {
    schema.columns().into_iter().map(DfExpr::Column).collect()
}

/// One sort key.
pub(crate) fn sort_key(typed: Typed, descending: bool, nulls_first: bool) -> SortExpr {
    typed.key().sort(!descending, nulls_first)
}
