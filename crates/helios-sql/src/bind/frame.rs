//! Frames: how subqueries and lateral items get values from the rows around them.

use helios_base::{Error, Result};
use helios_expr::Expr;

use super::Binder;

/// The values that a subplan or a lateral item is run with.
#[derive(Debug)]
pub(super) struct Frame {
    /// The level whose row the values are computed from; `None`: the statement's own frame, which
    /// has no values.
    pub home: Option<usize>,
    /// The values, as expressions of the home level.
    pub values: Vec<Expr>,
}

impl Frame {
    /// The frame of the statement itself.
    pub(super) fn outermost() -> Self {
        Self {
            home: None,
            values: Vec::new(),
        }
    }
}

impl Binder<'_> {
    /// Opens a frame whose values are computed at the innermost level.
    pub(super) fn push_frame(&mut self) {
        self.frames.push(Frame {
            home: self.here(),
            values: Vec::new(),
        });
    }

    /// Closes the frame; its values are expressions of the level that was innermost when it opened.
    pub(super) fn pop_frame(&mut self) -> Vec<Expr> {
        self.frames
            .pop()
            .map_or_else(Vec::new, |frame| frame.values)
    }

    /// `expr`, an expression of `level`'s row, as seen from the innermost level.
    pub(super) fn reach(&mut self, level: usize, expr: Expr) -> Result<Expr> {
        let frame = self.levels.last().map_or(0, |level| level.frame);
        self.reach_from(frame, level, expr)
    }

    fn reach_from(&mut self, frame: usize, level: usize, expr: Expr) -> Result<Expr> {
        let owner = self
            .levels
            .get(level)
            .map(|level| level.frame)
            .ok_or_else(|| Error::internal("level out of range"))?;
        // What no row decides is the same everywhere: constant arguments of functions.
        if owner == frame || super::routine::stands_anywhere(&expr) {
            return Ok(expr);
        }
        let home = self.frames.get(frame).and_then(|frame| frame.home);
        let Some(home) = home else {
            return Err(Error::internal("a column was found outside every frame"));
        };
        let value = if home == level {
            expr
        } else {
            let around = self.levels.get(home).map_or(0, |level| level.frame);
            self.reach_from(around, level, expr)?
        };
        let ty = value.ty().clone();
        let values = match self.frames.get_mut(frame) {
            Some(frame) => &mut frame.values,
            None => return Err(Error::internal("frame out of range")),
        };
        let index = values
            .iter()
            .position(|known| *known == value)
            .unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            });
        Ok(Expr::Outer {
            depth: 0,
            index,
            ty,
        })
    }
}
