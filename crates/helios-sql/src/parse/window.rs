//! Window specifications and frames.

use helios_base::{Error, Result, SqlState};

use super::ast::{Frame, FrameBound, WindowSpec};
use super::cursor::Parser;
use crate::plan::{FrameExclude, FrameUnit};

impl Parser<'_> {
    /// `([base] [PARTITION BY …] [ORDER BY …] [frame])`
    pub(super) fn window_spec(&mut self) -> Result<WindowSpec> {
        let pos = self.pos();
        self.expect_punct("(")?;
        let clause = ["partition", "order", "range", "rows", "groups"];
        let base = if self.is_ident() && !clause.iter().any(|word| self.is_word(word)) {
            Some(self.ident()?)
        } else {
            None
        };
        let partition_by = if self.eat_words("partition by") {
            self.comma_list(Self::expr)?
        } else {
            Vec::new()
        };
        let order_by = if self.is_words("order by") {
            self.order_by()?
        } else {
            Vec::new()
        };
        let frame = self.frame()?;
        self.expect_punct(")")?;
        Ok(WindowSpec {
            base,
            partition_by,
            order_by,
            frame,
            pos,
        })
    }

    fn frame(&mut self) -> Result<Option<Frame>> {
        let pos = self.pos();
        let unit = if self.eat("range") {
            FrameUnit::Range
        } else if self.eat("rows") {
            FrameUnit::Rows
        } else if self.eat("groups") {
            FrameUnit::Groups
        } else {
            return Ok(None);
        };
        let between = self.eat("between");
        let (start, end) = if between {
            let start = self.frame_bound()?;
            self.expect("and")?;
            (start, self.frame_bound()?)
        } else {
            (self.frame_bound()?, FrameBound::CurrentRow)
        };
        if let Some(message) = bad_frame(&start, &end) {
            return Err(self.at_pos(Error::new(SqlState::WINDOWING_ERROR, message), pos));
        }
        let exclude = if self.eat("exclude") {
            if self.eat_words("current row") {
                FrameExclude::CurrentRow
            } else if self.eat("group") {
                FrameExclude::Group
            } else if self.eat("ties") {
                FrameExclude::Ties
            } else {
                self.expect_words("no others")?;
                FrameExclude::NoOthers
            }
        } else {
            FrameExclude::NoOthers
        };
        Ok(Some(Frame {
            unit,
            start,
            end,
            between,
            exclude,
            pos,
        }))
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.eat_words("unbounded preceding") {
            return Ok(FrameBound::UnboundedPreceding);
        }
        if self.eat_words("unbounded following") {
            return Ok(FrameBound::UnboundedFollowing);
        }
        if self.eat_words("current row") {
            return Ok(FrameBound::CurrentRow);
        }
        let offset = Box::new(self.expr()?);
        if self.eat("preceding") {
            Ok(FrameBound::Preceding(offset))
        } else {
            self.expect("following")?;
            Ok(FrameBound::Following(offset))
        }
    }
}

/// Frames that cannot be, in PostgreSQL's words.
fn bad_frame(start: &FrameBound, end: &FrameBound) -> Option<&'static str> {
    use FrameBound::{CurrentRow, Following, Preceding, UnboundedFollowing, UnboundedPreceding};
    Some(match (start, end) {
        (UnboundedFollowing, _) => "frame start cannot be UNBOUNDED FOLLOWING",
        (_, UnboundedPreceding) => "frame end cannot be UNBOUNDED PRECEDING",
        (CurrentRow, Preceding(_)) => "frame starting from current row cannot have preceding rows",
        (Following(_), CurrentRow | Preceding(_)) => {
            "frame starting from following row cannot have preceding rows"
        }
        _ => return None,
    })
}
