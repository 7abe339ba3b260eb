//! Set operations, `DISTINCT`, and recursion.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::{Column, JoinType, NullEquality, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{
    Expr as DfExpr, LogicalPlanBuilder, Union, WindowFrame, WindowFunctionDefinition, lit,
};
use helios_base::{DataType, Error, Result};
use helios_expr::Expr;

use super::plan::{PlanBridge, names};
use super::relation::{Relation, sort_key};
use super::typed::Typed;
use crate::fusion::error::from_datafusion;
use crate::fusion::shape::Shape;
use crate::plan::{CteId, PlanColumn, RecursiveCte, SetOp, SetOpKind, SortKey};

impl PlanBridge<'_> {
    pub(super) fn set_op(&mut self, node: &SetOp) -> Result<Relation> {
        let left = self.plan(&node.left)?;
        let right = self.plan(&node.right)?;
        if node.kind == SetOpKind::Union {
            let union = self.concatenate(vec![left, right], &node.columns)?;
            return if node.all {
                Ok(union)
            } else {
                self.distinct_rows(union)
            };
        }
        let shapes = common_shapes(&[&left, &right])?;
        let mut left = self.conform(left, &shapes, &node.columns)?;
        let mut right = self.conform(right, &shapes, &node.columns)?;
        if !node.all {
            left = self.distinct_rows(left)?;
        }
        let columns = left.columns.clone();
        let (mut left, mut left_keys) = self.keys(left)?;
        let mut right_keys;
        (right, right_keys) = self.keys(right)?;
        if node.all {
            // The n-th copy of a row on the left pairs with the n-th on the right.
            let copy;
            (left, copy) = self.number(left, &left_keys, Vec::new())?;
            left_keys.push(copy);
            let copy;
            (right, copy) = self.number(right, &right_keys, Vec::new())?;
            right_keys.push(copy);
        }
        let kind = match node.kind {
            SetOpKind::Except => JoinType::LeftAnti,
            _ => JoinType::LeftSemi,
        };
        let joined = left.then(|plan| {
            plan.join_detailed(
                right.plan,
                kind,
                (left_keys, right_keys),
                None,
                NullEquality::NullEqualsNull,
            )
        })?;
        Ok(Relation { columns, ..joined })
    }

    /// The rows of all parts, one after the other.
    pub(super) fn concatenate(
        &mut self,
        parts: Vec<Relation>,
        columns: &[PlanColumn],
    ) -> Result<Relation> {
        let shapes = common_shapes(&parts.iter().collect::<Vec<_>>())?;
        let mut plans = Vec::with_capacity(parts.len());
        let mut first: Option<Vec<Typed>> = None;
        for part in parts {
            let part = self.conform(part, &shapes, columns)?;
            first.get_or_insert(part.columns);
            plans.push(Arc::new(part.plan));
        }
        let union = Union::try_new_with_loose_types(plans).map_err(from_datafusion)?;
        let plan = datafusion::logical_expr::LogicalPlan::Union(union);
        Ok(Relation {
            plan,
            columns: first.unwrap_or_default(),
        })
    }

    fn conform(
        &mut self,
        part: Relation,
        shapes: &[Shape],
        columns: &[PlanColumn],
    ) -> Result<Relation> {
        let exprs = part
            .columns
            .iter()
            .zip(shapes)
            .map(|(column, shape)| column.clone().into_shape(shape))
            .collect::<Result<_>>()?;
        self.names.project(part, exprs, names(columns))
    }

    /// Adds the keys of all columns; returns them.
    fn keys(&mut self, input: Relation) -> Result<(Relation, Vec<Column>)> {
        let keys = input
            .columns
            .iter()
            .map(|column| Typed::safe(column.clone().key(), Shape::of(&DataType::Bytea)))
            .collect();
        let (input, keys) = self.names.extend(input, "key", keys)?;
        let keys = keys
            .into_iter()
            .filter_map(|key| match key.expr {
                DfExpr::Column(column) => Some(column),
                _ => None,
            })
            .collect();
        Ok((input, keys))
    }

    /// Adds the number of each row, from 1, among those with equal `keys`, in this order.
    fn number(
        &mut self,
        input: Relation,
        keys: &[Column],
        order: Vec<datafusion::logical_expr::SortExpr>,
    ) -> Result<(Relation, Column)> {
        let name = self.names.fresh("row_number");
        let mut window = WindowFunction::new(
            WindowFunctionDefinition::WindowUDF(row_number_udwf()),
            Vec::new(),
        );
        window.params.partition_by = keys.iter().cloned().map(DfExpr::Column).collect();
        window.params.window_frame = WindowFrame::new(Some(true));
        window.params.order_by = order;
        let expr = DfExpr::WindowFunction(Box::new(window)).alias(name.clone());
        let numbered = input.then(|plan| plan.window([expr]))?;
        Ok((numbered, Column::new_unqualified(name)))
    }

    /// Each distinct row once.
    pub(super) fn distinct_rows(&mut self, input: Relation) -> Result<Relation> {
        if input.columns.iter().all(|column| column.shape.is_ordered()) {
            // Columns that only the plan knows must not count.
            let columns = input.columns.clone();
            let exprs: Vec<DfExpr> = columns.iter().map(|column| column.expr.clone()).collect();
            let rows = input.then(|plan| plan.project(exprs)?.distinct())?;
            return Ok(Relation { columns, ..rows });
        }
        let columns = input.columns.clone();
        let (input, keys) = self.keys(input)?;
        let keys: Vec<DfExpr> = keys.into_iter().map(DfExpr::Column).collect();
        let mut firsts = Vec::with_capacity(columns.len());
        let mut outputs = Vec::with_capacity(columns.len());
        for column in columns {
            let name = self.names.fresh("distinct");
            let first = AggregateFunction::new_udf(
                first_value_udaf(),
                vec![column.expr],
                false,
                None,
                vec![],
                None,
            );
            firsts.push(DfExpr::AggregateFunction(first).alias(name.clone()));
            outputs.push(Typed::column(Column::new_unqualified(name), column.shape));
        }
        let rows = input.then(|plan| plan.aggregate(keys, firsts))?;
        Ok(Relation {
            columns: outputs,
            ..rows
        })
    }

    /// The first row in the order of `keys` of each distinct combination of `on`.
    pub(super) fn first_of_each(
        &mut self,
        input: Relation,
        on: &[Expr],
        keys: &[SortKey],
    ) -> Result<Relation> {
        let columns = input.columns.clone();
        let groups = self
            .exprs(&columns, on)?
            .into_iter()
            .map(|typed| Typed::safe(typed.key(), Shape::of(&DataType::Bytea)))
            .collect();
        let order = keys
            .iter()
            .map(|key| {
                let typed = self.expr(&columns, &key.expr)?;
                Ok(sort_key(typed, key.descending, key.nulls_first))
            })
            .collect::<Result<_>>()?;
        let (input, groups) = self.names.extend(input, "key", groups)?;
        let groups: Vec<Column> = groups
            .into_iter()
            .filter_map(|group| match group.expr {
                DfExpr::Column(column) => Some(column),
                _ => None,
            })
            .collect();
        let (numbered, number) = self.number(input, &groups, order)?;
        numbered.filter(DfExpr::Column(number).eq(lit(1u64)))
    }

    pub(super) fn recursive(&mut self, node: &RecursiveCte) -> Result<Relation> {
        let anchor = self.plan(&node.anchor)?;
        let shapes: Vec<Shape> = node
            .columns
            .iter()
            .map(|column| Shape::of(&column.ty.bare()))
            .collect();
        if !node.all && !shapes.iter().all(Shape::is_ordered) {
            return Err(Error::unsupported(
                "vectorized recursion without ALL over these types",
            ));
        }
        let anchor = self.conform(anchor, &shapes, &node.columns)?;
        let name = self.names.fresh(&node.name);
        let fields: Vec<_> = anchor
            .columns
            .iter()
            .map(|column| column.shape.field(&column.expr.schema_name().to_string()))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let table = datafusion::catalog::cte_worktable::CteWorkTable::new(&name, schema);
        let reference = TableReference::bare(name.clone());
        let plan =
            LogicalPlanBuilder::scan(reference.clone(), provider_as_source(Arc::new(table)), None)
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_datafusion)?;
        let columns = plan
            .schema()
            .columns()
            .into_iter()
            .zip(&shapes)
            .map(|(column, shape)| Typed::column(column, shape.clone()))
            .collect();
        self.work_tables.insert(node.id, Relation { plan, columns });
        let step = self.plan(&node.step)?;
        let step = self.conform(step, &shapes, &node.columns)?;
        self.work_tables.remove(&node.id);
        let columns = anchor.columns.clone();
        let recursive = anchor.then(|plan| plan.to_recursive_query(name, step.plan, !node.all))?;
        Ok(Relation {
            columns,
            ..recursive
        })
    }

    pub(super) fn work_table(&mut self, id: CteId) -> Result<Relation> {
        let table = self.work_tables.get(&id).cloned();
        let table = table.ok_or_else(|| Error::internal("unknown recursive query"))?;
        // A second reference in one step must not share the names of the first.
        let columns = table.columns.clone();
        let fresh = columns.iter().map(|_| "work").collect::<Vec<_>>();
        self.names.project(table, columns, fresh)
    }
}

fn common_shapes(parts: &[&Relation]) -> Result<Vec<Shape>> {
    let mut parts = parts.iter();
    let Some(first) = parts.next() else {
        return Err(Error::internal("a union of nothing"));
    };
    let mut shapes: Vec<Shape> = first.columns.iter().map(|c| c.shape.clone()).collect();
    for part in parts {
        for (shape, column) in shapes.iter_mut().zip(&part.columns) {
            *shape = shape.unify(&column.shape);
        }
    }
    Ok(shapes)
}
