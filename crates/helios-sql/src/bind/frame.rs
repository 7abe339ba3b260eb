//! Frames: how subqueries and lateral items get values from the rows around them.

use helios_base::{Error, Result};
use helios_expr::Expr;

use super::Binder;
use super::scope::Level;

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

/// Levels and frames inside a query that is returned to for a moment.
pub(super) struct Inside {
    levels: Vec<Level>,
    frames: Vec<Frame>,
}

/// How much every frame and the list of subplans held.
pub(super) struct FrameMark {
    values: Vec<usize>,
    subplans: usize,
}

impl Binder<'_> {
    /// Whether the innermost level has another around it.
    pub(super) fn is_inside(&self) -> bool {
        self.levels
            .last()
            .is_some_and(|level| level.parent.is_some())
    }

    /// Notes what the frames hold, for [`Binder::reset_frames`].
    pub(super) fn mark_frames(&self) -> FrameMark {
        FrameMark {
            values: self.frames.iter().map(|frame| frame.values.len()).collect(),
            subplans: self.subplans.len(),
        }
    }

    /// Forgets what was added since `mark`; nothing bound since may be used.
    pub(super) fn reset_frames(&mut self, mark: &FrameMark) {
        for (frame, length) in self.frames.iter_mut().zip(&mark.values) {
            frame.values.truncate(*length);
        }
        self.subplans.truncate(mark.subplans);
    }

    /// The levels whose rows `expr`, an expression of `level`, reads.
    pub(super) fn levels_read(&self, level: usize, expr: &Expr) -> Vec<usize> {
        let mut read = Vec::new();
        expr.any(&mut |part| {
            match part {
                Expr::Column { .. } => read.push(level),
                Expr::Outer { index, .. } => {
                    let frame = self.levels.get(level).map_or(0, |level| level.frame);
                    let frame = self.frames.get(frame);
                    let value = frame.and_then(|frame| frame.values.get(*index));
                    let home = frame.and_then(|frame| frame.home);
                    if let (Some(value), Some(home)) = (value, home) {
                        read.extend(self.levels_read(home, value));
                    }
                }
                _ => {}
            }
            false
        });
        read
    }

    /// Makes `home` the innermost level until [`Binder::return_to`].
    ///
    /// # Errors
    /// Internal if there is no such level.
    pub(super) fn leave_to(&mut self, home: usize) -> Result<Inside> {
        let level = self.levels.get(home);
        let frame = level.map(|level| level.frame);
        let frame = frame.ok_or_else(|| Error::internal("level out of range"))?;
        Ok(Inside {
            levels: self.levels.split_off(home + 1),
            frames: self.frames.split_off(frame + 1),
        })
    }

    /// Ends what [`Binder::leave_to`] began.
    pub(super) fn return_to(&mut self, inside: Inside) {
        self.levels.extend(inside.levels);
        self.frames.extend(inside.frames);
    }

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
