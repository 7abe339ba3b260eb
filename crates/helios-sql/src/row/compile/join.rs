//! How joins are made: by key lookups, by hashing, or pair by pair.

use std::sync::Arc;

use helios_base::{DataType, Result};
use helios_expr::{Comparison, Expr};

use super::Compiler;
use super::access::Path;
use crate::plan::{Join, JoinKind, Plan};
use crate::row::node::{HashJoinNode, NestedLoopNode, Node};

/// Up to so many left rows a lookup for each is cheaper than reading the right side whole.
const LOOKUPS_PER_SCAN: u64 = 8;

impl Compiler<'_> {
    pub(super) fn join(&self, join: &Join) -> Result<Node> {
        let left_width = join.left.columns().len();
        let right_width = join.right.columns().len();
        if join.lateral.is_none() {
            if let Some(node) = self.lookup_join(join)? {
                return Ok(node);
            }
            let (left_keys, right_keys, residual) = split_keys(&join.on, left_width);
            if !left_keys.is_empty() {
                return Ok(Node::HashJoin(Arc::new(HashJoinNode {
                    kind: join.kind,
                    left: self.node(&join.left)?,
                    right: self.node(&join.right)?,
                    left_keys,
                    right_keys,
                    residual,
                    left_width,
                    right_width,
                })));
            }
        }
        if let Some(node) = self.lateral_lookup(join)? {
            return Ok(node);
        }
        Ok(Node::NestedLoop(Arc::new(NestedLoopNode {
            kind: join.kind,
            left: self.node(&join.left)?,
            right: self.node(&join.right)?,
            on: join.on.clone(),
            left_width,
            right_width,
            lateral: join.lateral.clone(),
        })))
    }

    /// A join with a table that every left row reads at another moment: the conditions go into the
    /// scan, so that each left row is a lookup.
    fn lateral_lookup(&self, join: &Join) -> Result<Option<Node>> {
        let (Plan::Scan(scan), Some(frame)) = (&join.right, &join.lateral) else {
            return Ok(None);
        };
        if !matches!(join.kind, JoinKind::Inner | JoinKind::Left) {
            return Ok(None);
        }
        let left_width = join.left.columns().len();
        let mut frame = frame.clone();
        let mut inner = scan.clone();
        let mut on = Vec::new();
        for condition in &join.on {
            // What reads the frame around would read another one inside.
            let outer = condition
                .any(&mut |part| matches!(part, Expr::Outer { .. } | Expr::Subplan { .. }));
            if outer || condition.volatility() == helios_expr::Volatility::Volatile {
                on.push(condition.clone());
                continue;
            }
            let mut moved = condition.clone();
            moved.rewrite(&mut |expr| {
                let Expr::Column { index, ty } = expr.clone() else {
                    return;
                };
                *expr = match index.checked_sub(left_width) {
                    None => in_frame(expr.clone(), ty, &mut frame),
                    Some(index) => Expr::Column { index, ty },
                };
            });
            inner.filters.push(moved);
        }
        Ok(Some(Node::NestedLoop(Arc::new(NestedLoopNode {
            kind: join.kind,
            left: self.node(&join.left)?,
            right: Node::Scan(Arc::new(self.scan(&inner)?)),
            on,
            left_width,
            right_width: join.right.columns().len(),
            lateral: Some(frame),
        }))))
    }

    /// A join whose right side is a table that is looked up by key for each left row, if that is
    /// possible and cheap.
    fn lookup_join(&self, join: &Join) -> Result<Option<Node>> {
        let Plan::Scan(scan) = &join.right else {
            return Ok(None);
        };
        if !matches!(join.kind, JoinKind::Inner | JoinKind::Left) {
            return Ok(None);
        }
        let left_width = join.left.columns().len();
        // The right side runs in a new frame: of what its own filters read from the frame around,
        // then of what the conditions read from the left row.
        let mut frame: Vec<Expr> = Vec::new();
        let mut inner = scan.clone();
        for filter in &mut inner.filters {
            outer_to_frame(filter, &mut frame);
        }
        let (mut on, mut any) = (Vec::new(), false);
        for condition in &join.on {
            if condition.volatility() == helios_expr::Volatility::Volatile {
                on.push(condition.clone());
                continue;
            }
            any = true;
            let mut moved = condition.clone();
            outer_to_frame(&mut moved, &mut frame);
            moved.rewrite(&mut |expr| {
                let Expr::Column { index, ty } = expr.clone() else {
                    return;
                };
                *expr = match index.checked_sub(left_width) {
                    None => in_frame(expr.clone(), ty, &mut frame),
                    Some(index) => Expr::Column { index, ty },
                };
            });
            inner.filters.push(moved);
        }
        if !any {
            return Ok(None);
        }
        let right = self.scan(&inner)?;
        let rows = self.estimate(&join.left);
        let worth = match &right.path {
            Path::Full | Path::Nearest(_) => false,
            path if path.is_point() => rows <= self.rows_of(scan) / LOOKUPS_PER_SCAN || rows <= 4,
            _ => rows <= self.rows_of(scan) / (LOOKUPS_PER_SCAN * 4) || rows <= 2,
        };
        // A path that no condition of the join helped to find is no lookup.
        if !worth || self.scan(scan)?.path.same_reach(&right.path) {
            return Ok(None);
        }
        Ok(Some(Node::NestedLoop(Arc::new(NestedLoopNode {
            kind: join.kind,
            left: self.node(&join.left)?,
            right: Node::Scan(Arc::new(right)),
            on,
            left_width,
            right_width: join.right.columns().len(),
            lateral: Some(frame),
        }))))
    }
}

/// Makes what `expr` reads from the frame around part of the new frame.
fn outer_to_frame(expr: &mut Expr, frame: &mut Vec<Expr>) {
    expr.rewrite(&mut |e| {
        if let Expr::Outer { ty, .. } = e.clone() {
            *e = in_frame(e.clone(), ty, frame);
        }
    });
}

/// The place of `value` in the frame, which is extended if it is not there.
fn in_frame(value: Expr, ty: DataType, frame: &mut Vec<Expr>) -> Expr {
    let index = frame.iter().position(|e| *e == value).unwrap_or_else(|| {
        frame.push(value);
        frame.len() - 1
    });
    Expr::Outer {
        depth: 0,
        index,
        ty,
    }
}

/// Takes `left = right` conditions that can be hashed out of `on`.
fn split_keys(on: &[Expr], left_width: usize) -> (Vec<Expr>, Vec<Expr>, Vec<Expr>) {
    let (mut left_keys, mut right_keys, mut residual) = (Vec::new(), Vec::new(), Vec::new());
    for condition in on {
        let sides = match condition.as_comparison() {
            Some((Comparison::Eq, a, b)) if hashable(a.ty(), b.ty()) => {
                let left = |e: &Expr| sides_of(e, left_width) == Some(true);
                let right = |e: &Expr| sides_of(e, left_width) == Some(false);
                if left(a) && right(b) {
                    Some((a, b))
                } else if left(b) && right(a) {
                    Some((b, a))
                } else {
                    None
                }
            }
            _ => None,
        };
        match sides {
            Some((left, right)) => {
                let mut right = right.clone();
                right.remap_columns(&|i| i - left_width);
                left_keys.push(left.clone());
                right_keys.push(right);
            }
            None => residual.push(condition.clone()),
        }
    }
    (left_keys, right_keys, residual)
}

/// Whether all columns are the left side's (`true`) or the right side's; `None` if mixed or none.
fn sides_of(expr: &Expr, left_width: usize) -> Option<bool> {
    let columns = expr.used_columns();
    let first = *columns.first()? < left_width;
    (columns.iter().all(|&i| (i < left_width) == first)
        && expr.volatility() < helios_expr::Volatility::Volatile)
        .then_some(first)
}

/// Whether equality of these types is identity of [normal](crate::row::keys::normal) values.
pub(crate) fn hashable(a: &DataType, b: &DataType) -> bool {
    (a.same(b) && !matches!(a, DataType::Record | DataType::Json | DataType::Array(_)))
        || (a.is_integer() && b.is_integer())
        || (a.is_string() && b.is_string() && is_char(a) == is_char(b))
}

fn is_char(ty: &DataType) -> bool {
    matches!(ty, DataType::Char(_))
}
