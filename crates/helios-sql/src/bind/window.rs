//! Window function calls and windows.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{CastContext, Expr, catalog, resolve};

use super::Binder;
use super::pending::{PendingWindow, Slot};
use super::scope::Clause;
use crate::parse::ast::{self, Call, Ident, Over, Pos, WindowSpec};
use crate::plan::{Frame, FrameBound, FrameUnit, SortKey, WindowCall, Windowed};

impl Binder<'_> {
    /// A function with `OVER`: collected, and replaced by its placeholder.
    pub(super) fn window_call(&mut self, call: &Call, pos: Pos) -> Result<Expr> {
        self.may_window(pos)?;
        let outside = std::mem::replace(&mut self.level()?.pending.in_window, true);
        let bound = self.windowed(call, pos);
        self.level()?.pending.in_window = outside;
        let bound = bound?;
        let ty = bound.call.ty.clone();
        let windows = &mut self.level()?.pending.windows;
        let index = windows
            .iter()
            .position(|known| *known == bound && !bound.is_volatile())
            .unwrap_or_else(|| {
                windows.push(bound);
                windows.len() - 1
            });
        Ok(Expr::column(Slot::Window(index).number(), ty))
    }

    fn may_window(&self, pos: Pos) -> Result<()> {
        let refusal = match self.levels.last() {
            None => "window functions are not allowed here".to_owned(),
            Some(level) if level.pending.in_aggregate => {
                let message = "aggregate function calls cannot contain window function calls";
                return Err(self.fail(SqlState::GROUPING_ERROR, message, pos));
            }
            Some(level) if level.pending.in_window => {
                "window function calls cannot be nested".to_owned()
            }
            Some(level) => match level.clause {
                Clause::Select | Clause::OrderBy => return Ok(()),
                Clause::Having => "window functions are not allowed in HAVING".to_owned(),
                Clause::Plain(clause) => format!("window functions are not allowed in {clause}"),
            },
        };
        Err(self.fail(SqlState::WINDOWING_ERROR, refusal, pos))
    }

    fn windowed(&mut self, call: &Call, pos: Pos) -> Result<PendingWindow> {
        let name = call.name.name.name.as_str();
        let spec = match &call.over {
            Some(Over::Spec(spec)) => self.merge_base(spec)?,
            Some(Over::Name(name)) => self.named_window(name)?,
            None => return Err(Error::internal("window call without OVER")),
        };
        if call.distinct {
            return Err(self.unsupported("DISTINCT for window functions", pos));
        }
        if !call.order_by.is_empty() || call.within_group {
            return Err(self.unsupported("aggregate ORDER BY for window functions", pos));
        }
        let aggregate = !catalog::aggregates(name).is_empty();
        let (function, args, filter, ty) = if aggregate {
            let bound = self.aggregate(call, pos)?;
            (
                Windowed::Aggregate(bound.function),
                bound.args,
                bound.filter,
                bound.ty,
            )
        } else {
            self.window_function(call, pos)?
        };
        let partition_by = spec
            .partition_by
            .iter()
            .map(|expr| self.settled(expr))
            .collect::<Result<Vec<_>>>()?;
        let order_by = self.sort_keys(&spec.order_by)?;
        let frame = self.frame(&spec, &order_by)?;
        Ok(PendingWindow {
            call: WindowCall {
                function,
                args,
                filter,
                frame,
                ty,
            },
            partition_by,
            order_by,
        })
    }

    #[allow(
        clippy::type_complexity,
        reason = "the parts of one call, taken apart at once"
    )]
    fn window_function(
        &mut self,
        call: &Call,
        pos: Pos,
    ) -> Result<(Windowed, Vec<Expr>, Option<Expr>, DataType)> {
        let name = call.name.name.name.as_str();
        if catalog::windows(name).is_empty() {
            // Names the scalar function that it is, or says that there is none.
            let args = self.call_args(call)?;
            self.place(self.builder.function(name, args, call.variadic), pos)?;
            return Err(self.fail(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "OVER specified, but {name} is not a window function nor an aggregate function"
                ),
                pos,
            ));
        }
        if call.filter.is_some() {
            return Err(self.unsupported("FILTER for non-aggregate window functions", pos));
        }
        let args = self.call_args(call)?;
        let types: Vec<DataType> = args.iter().map(|arg| arg.ty().clone()).collect();
        let resolved = self.place(resolve::window(name, &types), pos)?;
        let args = self.place(self.builder.arguments(&resolved.args, args), pos)?;
        let ty = resolved.result;
        Ok((Windowed::Function(resolved.entry), args, None, ty))
    }

    /// A window of the `WINDOW` clause, with what it builds on.
    fn named_window(&mut self, name: &Ident) -> Result<WindowSpec> {
        let named = &self.level()?.pending.named_windows;
        let Some(index) = named.iter().position(|(known, _)| known == name) else {
            return Err(self.fail(
                SqlState::UNDEFINED_OBJECT,
                format!("window \"{}\" does not exist", name.name),
                name.pos,
            ));
        };
        let spec = named.get(index).map(|(_, spec)| spec.clone());
        spec.ok_or_else(|| Error::internal("window out of range"))
    }

    /// Settles the bases of the windows in a `WINDOW` clause: each may build on those before it.
    pub(super) fn define_windows(&mut self, windows: &[(Ident, WindowSpec)]) -> Result<()> {
        for (name, spec) in windows {
            let spec = self.merge_base(spec)?;
            let twice = self
                .level()?
                .pending
                .named_windows
                .iter()
                .any(|(known, _)| known == name);
            if twice {
                return Err(self.fail(
                    SqlState::WINDOWING_ERROR,
                    format!("window \"{}\" is already defined", name.name),
                    name.pos,
                ));
            }
            let named = &mut self.level()?.pending.named_windows;
            named.push((name.clone(), spec));
        }
        Ok(())
    }

    /// A window with the parts of the one it builds on.
    fn merge_base(&mut self, spec: &WindowSpec) -> Result<WindowSpec> {
        let Some(base_name) = &spec.base else {
            return Ok(spec.clone());
        };
        let base = self.named_window(base_name)?;
        let refuse =
            |message: String| Err(self.fail(SqlState::WINDOWING_ERROR, message, base_name.pos));
        let shown = &base_name.name;
        if !spec.partition_by.is_empty() {
            return refuse(format!(
                "cannot override PARTITION BY clause of window \"{shown}\""
            ));
        }
        if !spec.order_by.is_empty() && !base.order_by.is_empty() {
            return refuse(format!(
                "cannot override ORDER BY clause of window \"{shown}\""
            ));
        }
        if base.frame.is_some() {
            return refuse(format!(
                "cannot copy window \"{shown}\" because it has a frame clause"
            ));
        }
        let mut merged = spec.clone();
        merged.base = None;
        merged.partition_by = base.partition_by;
        if merged.order_by.is_empty() {
            merged.order_by = base.order_by;
        }
        Ok(merged)
    }

    /// The frame of a window whose keys are known.
    fn frame(&mut self, spec: &WindowSpec, order_by: &[SortKey]) -> Result<Frame> {
        let Some(frame) = &spec.frame else {
            return Ok(Frame::default());
        };
        let offset = matches!(
            (&frame.start, &frame.end),
            (
                ast::FrameBound::Preceding(_) | ast::FrameBound::Following(_),
                _
            ) | (
                _,
                ast::FrameBound::Preceding(_) | ast::FrameBound::Following(_)
            )
        );
        if frame.unit == FrameUnit::Range && offset && order_by.len() != 1 {
            return Err(self.fail(
                SqlState::WINDOWING_ERROR,
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
                spec.pos,
            ));
        }
        if frame.unit == FrameUnit::Groups && order_by.is_empty() {
            return Err(self.fail(
                SqlState::WINDOWING_ERROR,
                "GROUPS mode requires an ORDER BY clause",
                spec.pos,
            ));
        }
        let key = order_by.first().map(|key| key.expr.ty().clone());
        Ok(Frame {
            unit: frame.unit,
            start: self.frame_bound(&frame.start, frame.unit, key.as_ref())?,
            end: self.frame_bound(&frame.end, frame.unit, key.as_ref())?,
            exclude: frame.exclude,
        })
    }

    fn frame_bound(
        &mut self,
        bound: &ast::FrameBound,
        unit: FrameUnit,
        key: Option<&DataType>,
    ) -> Result<FrameBound> {
        Ok(match bound {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            ast::FrameBound::Preceding(offset) => {
                FrameBound::Preceding(self.frame_offset(offset, unit, key)?)
            }
            ast::FrameBound::Following(offset) => {
                FrameBound::Following(self.frame_offset(offset, unit, key)?)
            }
        })
    }

    fn frame_offset(
        &mut self,
        offset: &ast::Expr,
        unit: FrameUnit,
        key: Option<&DataType>,
    ) -> Result<Expr> {
        let what = match unit {
            FrameUnit::Rows => "ROWS",
            FrameUnit::Groups => "GROUPS",
            FrameUnit::Range => "RANGE",
        };
        let value = self.expr(offset)?;
        if value.any(&mut |part| matches!(part, Expr::Column { .. })) {
            return Err(self.fail(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("argument of {what} must not contain variables"),
                offset.pos,
            ));
        }
        if unit != FrameUnit::Range {
            return self.place(
                self.builder.argument_of(value, &DataType::Int8, what),
                offset.pos,
            );
        }
        let key = key.ok_or_else(|| Error::internal("range frame without key"))?;
        let wanted = match key {
            DataType::Date
            | DataType::Time(_)
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
            | DataType::Interval(_) => DataType::Interval(None),
            numeric if numeric.is_numeric() => numeric.bare(),
            other => {
                return Err(self.at(
                    Error::unsupported(format!(
                        "RANGE with offset PRECEDING/FOLLOWING is not supported for column type \
                         {other}"
                    )),
                    offset.pos,
                ));
            }
        };
        let from = value.ty().clone();
        let converted = self
            .builder
            .try_convert(value, &wanted, CastContext::Implicit);
        self.place(converted, offset.pos)?.ok_or_else(|| {
            self.at(
                Error::unsupported(format!(
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {key} \
                     and offset type {from}"
                ))
                .with_hint("Cast the offset value to an appropriate type."),
                offset.pos,
            )
        })
    }
}
