//! Joins.

use helios_expr::Expr;

use super::{Plan, PlanColumn};

/// Which rows a join keeps that found no partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// None. Also `CROSS JOIN`, with an empty `on`.
    Inner,
    /// Those of the left side.
    Left,
    /// Those of the right side.
    Right,
    /// Those of both sides.
    Full,
}

/// Pairs of rows: the left input's columns, then the right input's.
#[derive(Clone, Debug)]
pub struct Join {
    /// Which rows without a partner stay.
    pub kind: JoinKind,
    /// Left side.
    pub left: Plan,
    /// Right side.
    pub right: Plan,
    /// Conjuncts over the columns of both sides, all of which must be true. Empty: every pair.
    pub on: Vec<Expr>,
    /// `LATERAL`: the right side runs once per left row, in a frame of these values, which are
    /// computed from the left row (and the surrounding frame). `None`: the right side is
    /// independent of the left one, though it may read the surrounding frame.
    ///
    /// Only [`JoinKind::Inner`] and [`JoinKind::Left`] can be lateral.
    pub lateral: Option<Vec<Expr>>,
    /// The output columns.
    pub columns: Vec<PlanColumn>,
}
