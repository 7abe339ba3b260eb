//! Joins by trying every pair, and lateral joins, whose right side runs anew for each left row.

use std::sync::Arc;

use helios_base::{Result, Row, Value};

use super::super::exec::Frame;
use super::super::memory::Held;
use super::super::node::NestedLoopNode;
use super::{BoxOperator, Cx, Operator, collect, open};
use crate::plan::JoinKind;

pub(super) struct NestedLoop {
    node: Arc<NestedLoopNode>,
    left: BoxOperator,
    left_row: Option<Row>,
    left_matched: bool,
    right: Right,
    pairs: usize,
    held: Held,
}

/// The right side's rows.
enum Right {
    /// Not asked for yet.
    Waiting,
    /// All of them, with which of them found a partner.
    Stored {
        rows: Vec<Row>,
        matched: Vec<bool>,
        next: usize,
    },
    /// Those for the current left row.
    Lateral(Option<(BoxOperator, Frame)>),
    /// The left side is at its end: right rows without partner follow.
    Rest { rows: std::vec::IntoIter<Row> },
}

impl NestedLoop {
    pub(super) fn open(node: &Arc<NestedLoopNode>, cx: &Cx<'_>) -> Result<Self> {
        Ok(Self {
            node: node.clone(),
            left: open(&node.left, cx)?,
            left_row: None,
            left_matched: false,
            right: if node.lateral.is_some() {
                Right::Lateral(None)
            } else {
                Right::Waiting
            },
            pairs: 0,
            held: Held::default(),
        })
    }

    /// Moves to the next left row. `false` at the end.
    fn advance_left(&mut self, cx: &Cx<'_>) -> Result<bool> {
        self.left_matched = false;
        self.left_row = self.left.next(cx)?;
        let Some(left) = &self.left_row else {
            return Ok(false);
        };
        match (&mut self.right, &self.node.lateral) {
            (Right::Lateral(running), Some(exprs)) => {
                let frame: Frame = cx.eval_all(exprs, left)?.into();
                let operator = open(&self.node.right, &cx.in_frame(&frame))?;
                *running = Some((operator, frame));
            }
            (Right::Waiting, _) => {
                let rows = collect(&self.node.right, &mut self.held, cx)?;
                self.right = Right::Stored {
                    matched: vec![false; rows.len()],
                    rows,
                    next: 0,
                };
            }
            (Right::Stored { next, .. }, _) => *next = 0,
            _ => {}
        }
        Ok(true)
    }

    /// The next pair for the current left row that satisfies the condition.
    fn next_pair(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let Some(left) = &self.left_row else {
            return Ok(None);
        };
        match &mut self.right {
            Right::Stored {
                rows,
                matched,
                next,
            } => {
                while let Some(right) = rows.get(*next) {
                    let at = *next;
                    *next += 1;
                    self.pairs += 1;
                    cx.poll(self.pairs)?;
                    let pair = joined(left, right);
                    if cx.all_true(&self.node.on, &pair)? {
                        matched[at] = true;
                        return Ok(Some(pair));
                    }
                }
            }
            Right::Lateral(Some((operator, frame))) => {
                while let Some(right) = operator.next(&cx.in_frame(frame))? {
                    let pair = joined(left, &right);
                    if cx.all_true(&self.node.on, &pair)? {
                        return Ok(Some(pair));
                    }
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Turns to the right rows that found no partner, if the join keeps them.
    fn start_rest(&mut self, cx: &Cx<'_>) -> Result<()> {
        let keeps = matches!(self.node.kind, JoinKind::Right | JoinKind::Full);
        let rows = match std::mem::replace(&mut self.right, Right::Lateral(None)) {
            Right::Stored { rows, matched, .. } if keeps => rows
                .into_iter()
                .zip(matched)
                .filter_map(|(row, matched)| (!matched).then_some(row))
                .collect(),
            Right::Waiting if keeps => collect(&self.node.right, &mut self.held, cx)?,
            _ => Vec::new(),
        };
        self.right = Right::Rest {
            rows: rows.into_iter(),
        };
        Ok(())
    }
}

impl Operator for NestedLoop {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            if let Right::Rest { rows } = &mut self.right {
                let width = self.node.left_width;
                return Ok(rows.next().map(|right| joined(&nulls(width), &right)));
            }
            if self.left_row.is_some() {
                if let Some(pair) = self.next_pair(cx)? {
                    self.left_matched = true;
                    return Ok(Some(pair));
                }
                let keeps = matches!(self.node.kind, JoinKind::Left | JoinKind::Full);
                if let Some(left) = self.left_row.take()
                    && keeps
                    && !self.left_matched
                {
                    return Ok(Some(joined(&left, &nulls(self.node.right_width))));
                }
            }
            if !self.advance_left(cx)? {
                self.start_rest(cx)?;
            }
        }
    }
}

/// The left row followed by the right row.
pub(crate) fn joined(left: &[Value], right: &[Value]) -> Row {
    let mut row = Row::with_capacity(left.len() + right.len());
    row.extend_from_slice(left);
    row.extend_from_slice(right);
    row
}

/// So many `NULL`s.
pub(super) fn nulls(width: usize) -> Row {
    vec![Value::Null; width]
}
