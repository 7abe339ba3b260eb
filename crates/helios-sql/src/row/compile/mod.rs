//! From plans to operators: where predicates apply, how tables are read, how joins are made.

mod access;
mod arrange;
mod implied;
mod join;
mod nearest;
mod order;
mod push;
mod selectivity;
mod subject;

pub(crate) use arrange::Arranged;
pub(crate) use implied::follows_from;
pub(crate) use join::hashable;
pub(crate) use nearest::{CANDIDATE, Unserved};
pub(crate) use selectivity::share_compared;

use std::cell::RefCell;
use std::sync::Arc;

use helios_base::{DataType, Result, Value};
use helios_expr::Expr;
use helios_table::{Catalog, Tables};

use super::exec::Program;
use super::look::Look;
use super::node::{
    AggregateNode, DistinctNode, FileScanNode, FilterNode, LimitNode, LockRowsNode, Node,
    ProjectNode, ProjectSetNode, RecursiveNode, SetOpNode, SortNode, TableFunctionNode, WindowNode,
    WithNode,
};
use super::stats::Stats;
use super::subplan::CompiledSubplan;
use crate::plan::{Limit, Plan, PlanColumn, SortKey, Subplan};

/// Which subplans read a query of some `WITH`, themselves or in their own subplans.
fn reading_with(subplans: &[Subplan]) -> Vec<bool> {
    fn refers(plan: &Plan) -> bool {
        matches!(plan, Plan::CteRef { .. }) || plan.inputs().into_iter().any(refers)
    }
    /// Whether one of its expressions runs a subplan that reads.
    fn asks(plan: &Plan, reads: &[bool]) -> bool {
        let mut asks = false;
        plan.clone().for_each_expr(&mut |expr| {
            asks |= expr.any(&mut |part| {
                matches!(part, Expr::Subplan { id, .. } if reads.get(*id as usize) == Some(&true))
            });
        });
        asks
    }
    let mut reads: Vec<bool> = subplans.iter().map(|s| refers(&s.plan)).collect();
    if !reads.contains(&true) {
        return reads;
    }
    while let Some(number) = (0..reads.len()).find(|number| {
        let subplan = subplans.get(*number);
        reads.get(*number) == Some(&false) && subplan.is_some_and(|s| asks(&s.plan, &reads))
    }) {
        if let Some(known) = reads.get_mut(number) {
            *known = true;
        }
    }
    reads
}

/// Compiles plans against one catalog.
pub(crate) struct Compiler<'a> {
    pub(crate) catalog: &'a Catalog,
    /// What the moments of the statement look like.
    pub(crate) past: &'a [Look],
    pub(crate) stats: &'a dyn Stats,
    /// Compiles the rules of tables.
    pub(crate) tables: &'a Tables,
    /// What was compiled so far searches so by nearness, without an index that could serve it.
    pub(crate) unserved: RefCell<Vec<Unserved>>,
}

impl Compiler<'_> {
    /// Compiles a query with its subplans.
    ///
    /// # Errors
    /// Internal if the plan refers to what the catalog does not have.
    pub(crate) fn program(&self, plan: &Plan, subplans: &[Subplan]) -> Result<Program> {
        Ok(Program {
            root: self.query(plan)?,
            subplans: self.subplans(subplans)?,
        })
    }

    /// Compiles the queries inside expressions.
    pub(crate) fn subplans(&self, subplans: &[Subplan]) -> Result<Arc<Vec<CompiledSubplan>>> {
        let reads_with = reading_with(subplans);
        let compiled = subplans
            .iter()
            .zip(reads_with)
            .map(|(subplan, reads_with)| {
                Ok(CompiledSubplan {
                    node: self.query(&subplan.plan)?,
                    frame: subplan.frame,
                    reads_with,
                })
            });
        Ok(Arc::new(compiled.collect::<Result<_>>()?))
    }

    /// Compiles one query.
    pub(crate) fn query(&self, plan: &Plan) -> Result<Node> {
        self.node(&push::push(plan.clone(), Vec::new()))
    }

    fn node(&self, plan: &Plan) -> Result<Node> {
        Ok(match plan {
            Plan::Empty(_) => Node::Empty,
            Plan::OneRow => Node::OneRow,
            Plan::Scan(scan) => Node::Scan(Arc::new(self.scan(scan)?)),
            Plan::FileScan(scan) => Node::FileScan(Arc::new(FileScanNode {
                files: Arc::clone(&scan.files),
                reads: scan.reads.clone(),
            })),
            Plan::Values(values) => Node::Values(Arc::new(values.rows.clone())),
            Plan::Filter(filter) => Node::Filter(Arc::new(FilterNode {
                input: self.node(&filter.input)?,
                predicate: filter.predicate.clone(),
            })),
            Plan::Project(project) => {
                let input = self.node(&project.input)?;
                nearest::without_sort(&input, &project.exprs)
                    .unwrap_or_else(|| ProjectNode::over(input, project.exprs.clone()))
            }
            Plan::ProjectSet(node) => Node::ProjectSet(Arc::new(ProjectSetNode {
                input: self.node(&node.input)?,
                calls: node.calls.clone(),
            })),
            Plan::Join(join) => match self.reorder(join) {
                Some(better) => self.node(&better)?,
                None => self.join(join)?,
            },
            Plan::Aggregate(node) => Node::Aggregate(Arc::new(AggregateNode {
                input: self.node(&node.input)?,
                groups: node.groups.clone(),
                sets: node.sets.clone(),
                calls: node.calls.clone(),
                groupings: node.groupings.clone(),
            })),
            Plan::Window(node) => Node::Window(Arc::new(WindowNode {
                input: self.node(&node.input)?,
                partition_by: node.partition_by.iter().map(ascending).collect(),
                order_by: node.order_by.clone(),
                calls: node.calls.clone(),
            })),
            Plan::Sort(node) => {
                let input = self.node(&node.input)?;
                // Rows that an index or key scan yields in this order already need no sorting.
                if let Some(ordered) = access::ordered(&input, &node.keys) {
                    return Ok(ordered);
                }
                Node::Sort(Arc::new(SortNode {
                    input,
                    keys: node.keys.clone(),
                }))
            }
            Plan::Limit(node) => Node::Limit(Arc::new(LimitNode {
                input: self.limited(node)?,
                limit: node.limit.clone(),
                offset: node.offset.clone(),
                ties: node.ties.clone(),
            })),
            Plan::Distinct(node) => Node::Distinct(Arc::new(DistinctNode {
                input: self.node(&node.input)?,
                on: node.on.clone(),
                types: types(node.input.columns()),
            })),
            Plan::SetOp(node) => Node::SetOp(Arc::new(SetOpNode {
                kind: node.kind,
                all: node.all,
                left: self.node(&node.left)?,
                right: self.node(&node.right)?,
                types: types(&node.columns),
            })),
            Plan::With { ctes, input } => Node::With(Arc::new(WithNode {
                ctes: ctes
                    .iter()
                    .map(|cte| Ok((cte.id, self.node(&cte.plan)?)))
                    .collect::<Result<_>>()?,
                input: self.node(input)?,
            })),
            Plan::CteRef { id, .. } => Node::CteRef(*id),
            Plan::Recursive(node) => Node::Recursive(Arc::new(RecursiveNode {
                id: node.id,
                anchor: self.node(&node.anchor)?,
                step: self.node(&node.step)?,
                all: node.all,
                types: types(&node.columns),
            })),
            Plan::WorkTable { id, .. } => Node::WorkTable(*id),
            Plan::TableFunction(node) => Node::TableFunction(Arc::new(TableFunctionNode {
                calls: node.calls.clone(),
                ordinality: node.ordinality,
            })),
            Plan::Change(node) => Node::Change(Arc::new(self.change(&node.change)?)),
            Plan::LockRows(node) => Node::LockRows(Arc::new(LockRowsNode {
                input: self.node(&node.input)?,
                locks: node.locks.clone(),
            })),
        })
    }
}

impl Compiler<'_> {
    /// The input of a limit. The first rows of an order may come from an index without sorting.
    fn limited(&self, limit: &Limit) -> Result<Node> {
        let input = self.node(&limit.input)?;
        if let Some(nearest) = self.nearest_first(&input, limit) {
            return Ok(nearest);
        }
        self.note_unserved(&input, limit);
        let count = |expr: &Option<Expr>| match expr {
            None => Some(0),
            Some(expr) => match expr.as_literal()? {
                Value::Int8(count) => u64::try_from(*count).ok(),
                _ => None,
            },
        };
        let (Some(_), Some(rows), Some(offset)) =
            (&limit.limit, count(&limit.limit), count(&limit.offset))
        else {
            return Ok(input);
        };
        Ok(self
            .first_in_order(&input, rows.saturating_add(offset))
            .unwrap_or(input))
    }

    /// `node`, which sorts a table somewhere below, without the sort.
    fn first_in_order(&self, node: &Node, limit: u64) -> Option<Node> {
        match node {
            Node::Project(project) => Some(Node::Project(Arc::new(ProjectNode::new(
                self.first_in_order(&project.input, limit)?,
                project.exprs.clone(),
            )))),
            Node::Sort(sort) => self.scan_in_order(&sort.input, &sort.keys, limit),
            _ => None,
        }
    }

    fn scan_in_order(&self, node: &Node, keys: &[SortKey], limit: u64) -> Option<Node> {
        match node {
            Node::Scan(scan) => self.in_order(scan, keys, limit),
            Node::Project(project) => Some(Node::Project(Arc::new(ProjectNode::new(
                self.scan_in_order(&project.input, &access::below(project, keys)?, limit)?,
                project.exprs.clone(),
            )))),
            _ => None,
        }
    }
}

/// Partitions are put together by sorting; which order does not matter.
fn ascending(expr: &Expr) -> SortKey {
    SortKey {
        expr: expr.clone(),
        descending: false,
        nulls_first: false,
    }
}

fn types(columns: &[PlanColumn]) -> Vec<DataType> {
    columns.iter().map(|column| column.ty.clone()).collect()
}
