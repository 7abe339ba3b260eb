//! Hypothetical-set aggregates: the place that a row would have among those of a group.
//!
//! `rank(5) WITHIN GROUP (ORDER BY x)` counts the rows that come before the row of the arguments. They
//! become counts with a filter that compares each row with that one, key by key.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{Expr, resolve};

use super::Binder;
use super::pending::Slot;
use crate::parse::ast::{self, Call, Pos};
use crate::plan::{AggregateCall, SortKey};

/// Whether there is such an aggregate of this name.
pub(super) fn is_hypothetical(name: &str) -> bool {
    matches!(name, "rank" | "dense_rank" | "percent_rank" | "cume_dist")
}

/// A key of the order, and the hypothetical row's value of it.
struct Key {
    sort: SortKey,
    given: Expr,
}

impl Binder<'_> {
    /// The call, as an expression over counts of the innermost level.
    pub(super) fn hypothetical(&mut self, call: &Call, pos: Pos) -> Result<Expr> {
        self.may_aggregate(pos)?;
        if call.over.is_some() {
            let name = &call.name.name.name;
            let error = Error::unsupported(format!(
                "OVER is not supported for ordered-set aggregate {name}"
            ));
            return Err(self.at(error, pos));
        }
        let outside = std::mem::replace(&mut self.level()?.pending.in_aggregate, true);
        let bound = self.hypothetical_keys(call, pos);
        let filter = match (&bound, &call.filter) {
            (Ok(_), Some(filter)) => self.condition(filter, "FILTER").map(Some),
            _ => Ok(None),
        };
        self.level()?.pending.in_aggregate = outside;
        let (keys, filter) = (bound?, filter?);
        let built = self.place_of(call.name.name.name.as_str(), &keys, filter);
        self.place(built, pos)
    }

    fn hypothetical_keys(&mut self, call: &Call, pos: Pos) -> Result<Vec<Key>> {
        let given = self.call_args(call)?;
        let sorts = self.sort_keys(&call.order_by)?;
        if given.len() != sorts.len() {
            let name = &call.name.name.name;
            let types: Vec<DataType> = given
                .iter()
                .chain(sorts.iter().map(|key| &key.expr))
                .map(|value| value.ty().clone())
                .collect();
            let types: Vec<String> = types.iter().map(resolve::type_name).collect();
            return Err(self.at(
                Error::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("function {name}({}) does not exist", types.join(", ")),
                )
                .with_hint(format!(
                    "To use the hypothetical-set aggregate {name}, the number of hypothetical \
                     direct arguments (here {}) must match the number of ordering columns (here {}).",
                    given.len(),
                    sorts.len()
                )),
                pos,
            ));
        }
        let mut keys = Vec::with_capacity(sorts.len());
        let pairs = given.into_iter().zip(sorts).zip(&call.args);
        for ((given, mut sort), written) in pairs {
            let both = vec![sort.expr, given];
            let common = self.builder.common("WITHIN GROUP", both);
            let operands: [&ast::Expr; 1] = [&written.value];
            let (mut both, _) = self.place_literal(common, written.value.pos, &operands)?;
            let (Some(given), Some(row)) = (both.pop(), both.pop()) else {
                return Err(Error::internal("a key is gone"));
            };
            sort.expr = row;
            keys.push(Key { sort, given });
        }
        Ok(keys)
    }

    /// What `name` makes of the rows around the hypothetical one.
    fn place_of(&mut self, name: &str, keys: &[Key], filter: Option<Expr>) -> Result<Expr> {
        let before = self.comes_before(keys, false)?;
        let and_filter = |condition: Expr| match &filter {
            Some(filter) => Expr::And(vec![filter.clone(), condition]),
            None => condition,
        };
        let one = Expr::int4(1);
        match name {
            "rank" => {
                let count = self.count(Vec::new(), false, Some(and_filter(before)))?;
                self.builder.operator("+", count, one)
            }
            "dense_rank" => {
                let row = Expr::Row(keys.iter().map(|key| key.sort.expr.clone()).collect());
                let count = self.count(vec![row], true, Some(and_filter(before)))?;
                self.builder.operator("+", count, one)
            }
            "percent_rank" => {
                let count = self.count(Vec::new(), false, Some(and_filter(before)))?;
                let all = self.count(Vec::new(), false, filter)?;
                let count = self.builder.cast(count, &DataType::Float8)?;
                // Of no rows it is 0, of which the count before it is 0 as well.
                let all = self.builder.extreme(true, vec![all, one])?;
                let all = self.builder.cast(all, &DataType::Float8)?;
                self.builder.operator("/", count, all)
            }
            _ => {
                let up_to = self.comes_before(keys, true)?;
                let count = self.count(Vec::new(), false, Some(and_filter(up_to)))?;
                let all = self.count(Vec::new(), false, filter)?;
                let count = self.builder.operator("+", count, one.clone())?;
                let all = self.builder.operator("+", all, one)?;
                let count = self.builder.cast(count, &DataType::Float8)?;
                let all = self.builder.cast(all, &DataType::Float8)?;
                self.builder.operator("/", count, all)
            }
        }
    }

    /// Whether a row comes before the hypothetical one, or beside it.
    fn comes_before(&self, keys: &[Key], or_beside: bool) -> Result<Expr> {
        let mut result = Expr::bool(or_beside);
        for Key { sort, given } in keys.iter().rev() {
            let (row, given) = (sort.expr.clone(), given.clone());
            let symbol = if sort.descending { ">" } else { "<" };
            let smaller = self.builder.operator(symbol, row.clone(), given.clone())?;
            let (absent, present) = if sort.nulls_first {
                (&row, &given)
            } else {
                (&given, &row)
            };
            let by_absence = self.builder.and(vec![
                self.builder.is_null(absent.clone(), false)?,
                self.builder.is_null(present.clone(), true)?,
            ])?;
            let same = self.builder.distinct(row, given, true)?;
            let further = self.builder.and(vec![same, result])?;
            result = self.builder.or(vec![smaller, by_absence, further])?;
        }
        Ok(result)
    }

    fn count(&mut self, args: Vec<Expr>, distinct: bool, filter: Option<Expr>) -> Result<Expr> {
        let types: Vec<DataType> = args.iter().map(|arg| arg.ty().clone()).collect();
        let resolved = resolve::aggregate("count", &types)?;
        let ty = resolved.result.clone();
        let bound = AggregateCall {
            function: resolved.entry,
            args,
            distinct,
            filter,
            order_by: Vec::new(),
            within_group: false,
            ty: ty.clone(),
        };
        let aggregates = &mut self.level()?.pending.aggregates;
        let index = aggregates.iter().position(|known| *known == bound);
        let index = index.unwrap_or_else(|| {
            aggregates.push(bound);
            aggregates.len() - 1
        });
        Ok(Expr::column(Slot::Aggregate(index).number(), ty))
    }
}
