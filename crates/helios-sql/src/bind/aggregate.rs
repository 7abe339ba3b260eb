//! Aggregate calls and `GROUPING`.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{Expr, JSON_AGG_ROWS, catalog, resolve};

use super::Binder;
use super::pending::Slot;
use super::scope::Clause;
use crate::parse::ast::{self, Call, Pos};
use crate::plan::{AggregateCall, SortKey};

/// What an implicit conversion was made of.
fn unconverted(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) if !cast.explicit && cast.domain.is_none() => &cast.expr,
        other => other,
    }
}

impl Binder<'_> {
    /// An aggregate: collected at the query it belongs to, and replaced by its placeholder.
    ///
    /// It belongs to the innermost query whose columns it reads, which need not be the one it
    /// stands in.
    pub(super) fn aggregate_call(&mut self, call: &Call, pos: Pos) -> Result<Expr> {
        let refusal = match self.may_aggregate(pos) {
            Err(refusal) if self.is_inside() => Some(refusal),
            here => here.map(|()| None)?,
        };
        let mark = self.mark_frames();
        let outside = std::mem::replace(&mut self.level()?.pending.in_aggregate, true);
        let bound = self.aggregate(call, pos);
        self.level()?.pending.in_aggregate = outside;
        if let Ok(bound) = &bound
            && let Some(home) = self.home_of(bound)
        {
            self.reset_frames(&mark);
            return self.aggregate_of(home, call, pos);
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let bound = bound?;
        let ty = bound.ty.clone();
        let aggregates = &mut self.level()?.pending.aggregates;
        let index = aggregates
            .iter()
            .position(|known| {
                *known == bound && !bound.args.iter().any(super::pending::is_volatile)
            })
            .unwrap_or_else(|| {
                aggregates.push(bound);
                aggregates.len() - 1
            });
        Ok(Expr::column(Slot::Aggregate(index).number(), ty))
    }

    /// Refuses an aggregate where none may stand.
    pub(super) fn may_aggregate(&mut self, pos: Pos) -> Result<()> {
        let clause = self.clause();
        let refusal = match self.levels.last() {
            None => Some("aggregate functions are not allowed here".to_owned()),
            Some(level) if level.pending.in_aggregate => {
                Some("aggregate function calls cannot be nested".to_owned())
            }
            Some(_) => match clause {
                Clause::Plain(clause) => {
                    Some(format!("aggregate functions are not allowed in {clause}"))
                }
                _ => None,
            },
        };
        match refusal {
            Some(message) => Err(self.fail(SqlState::GROUPING_ERROR, message, pos)),
            None => Ok(()),
        }
    }

    /// The call itself; also used for aggregates over windows.
    pub(super) fn aggregate(&mut self, call: &Call, pos: Pos) -> Result<AggregateCall> {
        let name = call.name.name.name.as_str();
        let entries = catalog::aggregates(name);
        let ordered_set = entries.iter().any(|entry| entry.direct_args().is_some());
        if ordered_set && !call.within_group {
            return Err(self.fail(
                SqlState::WRONG_OBJECT_TYPE,
                format!("WITHIN GROUP is required for ordered-set aggregate {name}"),
                pos,
            ));
        }
        if call.within_group && !ordered_set {
            return Err(self.fail(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"),
                pos,
            ));
        }
        if call.variadic {
            return Err(self.unsupported("VARIADIC of an aggregate", pos));
        }
        let mut args = self.call_args(call)?;
        if call.args.is_empty() && !call.star && !call.within_group {
            let parameterless = entries.iter().any(|entry| entry.args().is_empty());
            if parameterless {
                return Err(self.at(
                    Error::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!(
                            "{name}(*) must be used to call a parameterless aggregate function"
                        ),
                    ),
                    pos,
                ));
            }
        }
        let mut keys = self.sort_keys(&call.order_by)?;
        let direct = args.len();
        if call.within_group {
            args.extend(keys.iter().map(|key| key.expr.clone()));
        }
        let types: Vec<DataType> = args.iter().map(|arg| arg.ty().clone()).collect();
        let resolved = self.place(resolve::aggregate(name, &types), pos)?;
        let operands: Vec<&ast::Expr> = call.args.iter().map(|arg| &arg.value).collect();
        let mut args =
            self.place_literal(self.builder.arguments(&resolved.args, args), pos, &operands)?;
        for arg in &mut args {
            let settled = self.builder.settle(std::mem::replace(arg, Expr::NULL));
            *arg = self.place(settled, pos)?;
        }
        if call.within_group {
            for (key, value) in keys.iter_mut().zip(args.split_off(direct)) {
                key.expr = value;
            }
        }
        for key in &mut keys {
            // A key that is an argument is what the argument was converted to.
            if let Some(arg) = args.iter().find(|arg| *unconverted(arg) == key.expr) {
                key.expr = arg.clone();
            }
        }
        if call.distinct {
            self.distinct_order(&args, &keys, call)?;
            if resolved.entry.is_order_sensitive() {
                // PostgreSQL finds distinct values by sorting, and people rely on the order.
                for arg in &args {
                    if !matches!(arg, Expr::Literal(..)) && !keys.iter().any(|key| key.expr == *arg)
                    {
                        keys.push(SortKey {
                            expr: arg.clone(),
                            descending: false,
                            nulls_first: false,
                        });
                    }
                }
            }
        }
        let filter = match &call.filter {
            Some(filter) => {
                let condition = self.condition(filter, "FILTER")?;
                Some(condition)
            }
            None => None,
        };
        self.no_windows_inside(&args, pos)?;
        let rows = name == "json_agg" && args.first().is_some_and(super::call::is_row_as_json);
        Ok(AggregateCall {
            function: if rows { &JSON_AGG_ROWS } else { resolved.entry },
            args,
            distinct: call.distinct,
            filter,
            order_by: keys,
            within_group: call.within_group,
            ty: resolved.result,
        })
    }

    fn distinct_order(&self, args: &[Expr], keys: &[SortKey], call: &Call) -> Result<()> {
        let mut written = keys.iter().zip(&call.order_by);
        let Some((_, wrong)) = written.find(|(key, _)| !args.contains(&key.expr)) else {
            return Ok(());
        };
        let pos = wrong.expr.pos;
        Err(self.fail(
            SqlState::INVALID_COLUMN_REFERENCE,
            "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
            pos,
        ))
    }

    fn no_windows_inside(&self, args: &[Expr], pos: Pos) -> Result<()> {
        let window = |part: &Expr| {
            matches!(part, Expr::Column { index, .. }
                if matches!(Slot::of(*index), Slot::Window(_)))
        };
        if args.iter().any(|arg| arg.any(&mut |part| window(part))) {
            return Err(self.fail(
                SqlState::GROUPING_ERROR,
                "aggregate function calls cannot contain window function calls",
                pos,
            ));
        }
        Ok(())
    }

    /// The outer query that an aggregate, bound in the innermost one, belongs to: that of the
    /// innermost column it reads. `None` if it reads columns of the innermost query, or none.
    fn home_of(&self, call: &AggregateCall) -> Option<usize> {
        let read = call.args.iter().chain(&call.filter);
        let read = read.chain(call.order_by.iter().map(|key| &key.expr));
        let here = self.here()?;
        let homes: Vec<usize> = read.flat_map(|expr| self.levels_read(here, expr)).collect();
        let home = homes.into_iter().max()?;
        (home != here && Some(home) != self.arguments).then_some(home)
    }

    /// An aggregate of the query at `home`, for the innermost query, which is inside it.
    fn aggregate_of(&mut self, home: usize, call: &Call, pos: Pos) -> Result<Expr> {
        let inside = self.leave_to(home)?;
        let bound = self.aggregate_call(call, pos);
        self.return_to(inside);
        self.reach(home, bound?)
    }

    /// `GROUPING(…)`: checked against the grouping expressions when these are known.
    pub(super) fn grouping(&mut self, args: &[ast::Expr], pos: Pos) -> Result<Expr> {
        self.may_aggregate(pos)?;
        if args.len() > 31 {
            return Err(self.fail(
                SqlState::new(b"54023"),
                "GROUPING must have fewer than 32 arguments",
                pos,
            ));
        }
        let pos = args.first().map_or(pos, |arg| arg.pos);
        let args = self.exprs(args)?;
        let groupings = &mut self.level()?.pending.groupings;
        groupings.push((args, pos));
        let slot = Slot::Grouping(groupings.len() - 1);
        Ok(Expr::column(slot.number(), DataType::Int4))
    }
}
